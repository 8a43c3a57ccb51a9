"""`./run demo`: a hub with its embedded broker and one kiosk, a first visit, and the addresses to open."""

import shutil
import signal
import threading
from pathlib import Path

from deploy.demo.installation import Installation, wait_until
from deploy.demo.patient import Notebook, Patient
from deploy.demo.pictures import dermoscopes, face_camera

_PORTS = (8080, 8090, 1883)
API_DESCRIPTION = "/api/v1/openapi.json"
_TIER_WORDS = {
    "low": "nothing suspicious found in this picture; watch for change",
    "moderate": "have it looked at",
    "high": "see a dermatologist soon",
    "cannot-assess": "cannot assess this picture; show a clinician",
}


def run(folder: Path) -> int:
    """Run until Ctrl-C. The folder is emptied first, so that every demo begins alike."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cameras = dermoscopes(folder / "pictures", refused_at=2, first=3, second=1)
    site = Installation(folder, own_broker=False, face_camera=face_camera(folder / "face"), preferred_ports=_PORTS)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with site.running():
        print("Starting the hub (with its embedded broker) and the kiosk …", flush=True)
        site.start_hub()
        site.start_kiosk(dermoscope=cameras.before)
        _first_visit(site, folder)
        print(
            f"\nOpen:  {site.hub_url}/login?token={site.tokens.clinician}   results, for clinicians"
            f"\n       {site.kiosk_url}/   the kiosk's touch screen"
            f"\n       {site.hub_url}{API_DESCRIPTION}   the API, for who opened the first address"
            f"\n\nCamera: {cameras.name}. Logs and data: {folder}. Ctrl-C ends the demo.",
            flush=True,
        )
        while not stop.wait(1):
            site.hub.check()
            site.kiosk.check()
        print("\nStopping …", flush=True)
    return 0


def _first_visit(site: Installation, folder: Path) -> None:
    patient = Patient(site.kiosk_url, Notebook(folder / "confirmed.jsonl"), "rosa.p", "Rosa Prueba", ("back", "arm"))
    print("A first patient, Rosa Prueba, registers with password and face and has 3 pictures taken:", flush=True)
    patient.register(face=True)
    for number, outcome in enumerate(patient.capture(3), start=1):
        if outcome["outcome"] == "refused":
            print(f"  picture {number}: refused by the quality gate ({', '.join(outcome['faults'])})")
        else:
            simulated = "; SIMULATED" if outcome["simulated"] else ""
            print(f"  picture {number}: saved; {_TIER_WORDS[outcome['tier']]}{simulated}")
    patient.leave()

    def confirmed() -> bool:
        health = site.kiosk_health()
        return health["pending_events"] == 0 and health["pending_images"] == 0

    wait_until(confirmed, what="the hub's receipts")
    print("  the hub has confirmed everything.")
