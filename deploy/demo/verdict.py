"""What the kiosk's screens confirmed, held against what the hub has: rows, and the bytes of every picture."""

import hashlib
import statistics
from dataclasses import dataclass, field
from typing import Any

import httpx

from deploy.demo.installation import Installation
from deploy.demo.patient import Notebook


@dataclass
class Verdict:
    """The figures of one demo."""

    visits: int
    camera: str
    saved: int
    stored: int
    lost: int
    duplicated: int
    refused: int
    distinct_frames: int
    model_sha256: str
    stage_ms: dict[str, float]
    appointment: str
    second_booker: str
    rows: list[dict[str, Any]] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """For build/demo.json."""
        return dict(vars(self))

    def print(self) -> None:
        """A table for people."""
        stages = list(self.stage_ms)
        head = ["patient", "tier", "p(malignant)", "model", *stages, "stored", "appointment"]
        table = [head] + [
            [
                row["patient"], row["tier"], row["malignant"], row["model"],
                *(f"{row['stage_ms'][stage]:.1f}" if stage in row["stage_ms"] else "" for stage in stages),
                "yes" if row["stored"] else "NO", row["appointment"],
            ]
            for row in self.rows
        ]  # fmt: skip
        widths = [max(len(line[column]) for line in table) for column in range(len(head))]
        print("\nTimes in milliseconds.\n")
        for line in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        print(
            f"\ncamera {self.camera}; {self.visits} visits; saved {self.saved}, stored {self.stored}, lost {self.lost},"
            f" duplicated {self.duplicated}, refused {self.refused}; {self.distinct_frames} distinct frames"
            f"\nappointment {self.appointment}; the second booker of that time: {self.second_booker}"
        )


def judge(site: Installation, notebook: Notebook, *, visits: int, camera: str) -> Verdict:
    """Compare the notebook with the hub, and book one appointment, twice."""
    headers = {"Authorization": f"Bearer {site.tokens.clinician}"}
    with httpx.Client(base_url=f"{site.hub_url}/api/v1", headers=headers, timeout=30) as hub:
        stored = _all(hub, "/analyses") + _all(hub, "/refusals")
        by_message: dict[str, list[dict[str, Any]]] = {}
        for item in stored:
            by_message.setdefault(item["origin"]["message_id"], []).append(item)
        names = [item["id"] for item in stored]
        rows, found = [], 0
        for answer in notebook.confirmed:
            matches = by_message.get(answer["message_id"])
            match = matches[0] if matches else None
            is_stored = match is not None and match["id"] == _id(answer) and _bytes_arrived(hub, answer)
            found += is_stored
            rows.append(_row(answer, match, is_stored=is_stored))
        appointment, second = _book(hub, rows)
    return Verdict(
        visits=visits,
        camera=camera,
        saved=len(notebook.confirmed),
        stored=found,
        lost=len(notebook.confirmed) - found,
        duplicated=len(names) - len(set(names)) + sum(len(items) - 1 for items in by_message.values()),
        refused=sum(answer["outcome"] == "refused" for answer in notebook.confirmed),
        distinct_frames=len({answer.get("image_sha256", _id(answer)) for answer in notebook.confirmed}),
        model_sha256=next((a["model_sha256"] for a in notebook.confirmed if a.get("model_sha256")), ""),
        stage_ms=_medians([answer["stage_ms"] for answer in notebook.confirmed if answer["outcome"] == "saved"]),
        appointment=appointment,
        second_booker=second,
        rows=rows,
    )


def _all(hub: httpx.Client, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = hub.get(path, params={"limit": 100} | ({"cursor": cursor} if cursor else {})).raise_for_status().json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def _id(answer: dict[str, Any]) -> str:
    return str(answer["analysis_id"] if answer["outcome"] == "saved" else answer["capture_id"])


def _bytes_arrived(hub: httpx.Client, answer: dict[str, Any]) -> bool:
    if answer["outcome"] == "refused":
        return True
    for name in filter(None, (answer["image_sha256"], answer["heat_map_sha256"])):
        response = hub.get(f"/images/{name}")
        if response.is_error or hashlib.sha256(response.content).hexdigest() != name:
            return False
    return True


def _row(answer: dict[str, Any], item: dict[str, Any] | None, *, is_stored: bool) -> dict[str, Any]:
    refused = answer["outcome"] == "refused"
    return {
        "patient": (item or {}).get("patient_code") or "",
        "patient_id": (item or {}).get("patient_id"),
        "analysis_id": None if refused else answer["analysis_id"],
        "tier": "refused: " + ", ".join(answer["faults"]) if refused else answer["tier"],
        "malignant": "" if answer.get("malignant") is None else f"{answer['malignant']:.3f}",
        "model": (answer.get("model_sha256") or "")[:8],
        "stage_ms": {} if refused else answer["stage_ms"],
        "simulated": answer["simulated"],
        "stored": is_stored,
        "appointment": "",
    }


def _medians(times: list[dict[str, float]]) -> dict[str, float]:
    stages = list(times[0]) if times else []
    return {stage: round(statistics.median(t[stage] for t in times if stage in t), 2) for stage in stages}


def _book(hub: httpx.Client, rows: list[dict[str, Any]]) -> tuple[str, str]:
    """Book the patient who needs it most; then somebody else tries the same time."""
    urgency = {"high": 0, "moderate": 1, "cannot-assess": 2, "low": 3}
    candidates = sorted((r for r in rows if r["stored"] and r["tier"] in urgency), key=lambda r: urgency[r["tier"]])
    if not candidates:
        return "none", "nobody to book for"
    chosen = candidates[0]
    other = next((r for r in candidates if r["patient_id"] != chosen["patient_id"]), chosen)
    specialist = hub.get("/specialists").raise_for_status().json()[0]
    slots = hub.get("/slots", params={"specialist_id": specialist["id"]}).raise_for_status().json()
    order = {"specialist_id": specialist["id"], "starts_at": slots[0]["starts_at"]}
    booked = hub.post(
        "/appointments", json=order | {"patient_id": chosen["patient_id"], "analysis_id": chosen["analysis_id"]}
    )
    code = booked.raise_for_status().json()["code"]
    chosen["appointment"] = code
    refusal = hub.post("/appointments", json=order | {"patient_id": other["patient_id"]})
    answer = refusal.json()
    outcome = f"{refusal.status_code} {answer.get('title', '')}, {len(answer.get('alternatives', []))} other times"
    return str(code), outcome
