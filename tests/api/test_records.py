from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from deploy.demo.show import API_DESCRIPTION

Receive = Callable[..., dict[str, Any]]
Headers = Callable[[str], dict[str, str]]


@pytest.fixture
def get(client: TestClient, as_role: Headers) -> Callable[..., Any]:
    def read(path: str, **query: Any) -> Any:
        response = client.get(f"/api/v1{path}", params=query, headers=as_role("clinician"))
        assert response.status_code == 200, response.text
        return response.json()

    return read


def ids() -> dict[str, Any]:
    return {
        "analysis_id": str(uuid4()),
        "visit_id": str(uuid4()),
        "patient_id": str(uuid4()),
        "lesion": {"lesion_id": str(uuid4()), "body_site": "arm"},
    }


def test_a_patient_shows_all_that_was_registered(receive: Receive, get: Callable[..., Any], planted_name: str) -> None:
    body = receive("patient-registered", payload={"full_name": planted_name})
    (listed,) = get("/patients")["items"]
    read = get(f"/patients/{body['payload']['patient_id']}")
    assert listed == read
    assert read["full_name"] == planted_name
    assert read["code"].startswith("P000001-")
    assert read["birth_date"] == body["payload"]["birth_date"]


def test_an_analysis_shows_every_field_of_its_event_and_where_it_came_from(
    receive: Receive, get: Callable[..., Any]
) -> None:
    body = receive("analysis-completed", sequence=7)
    event = body["payload"]
    read = get(f"/analyses/{event['analysis_id']}")
    assert get("/analyses")["items"] == [read]
    event["id"] = event.pop("analysis_id")
    # The released message is of a kiosk that did not say in which arithmetic the model was computed.
    event["model"]["precision"] = None
    assert {key: read[key] for key in event} == event
    origin = read["origin"]
    assert (origin["message_id"], origin["site"], origin["kiosk"], origin["sequence"]) == (
        body["message_id"],
        "village",
        "k1",
        7,
    )
    assert (read["complete"], read["image_stored"], read["heat_map_stored"]) == (False, False, False)


WITHOUT_A_MODEL: dict[str, Any] = {
    "heat_map": None,
    "model": None,
    "probabilities": {},
    "malignant": None,
    "out_of_distribution": None,
}


def test_an_analysis_without_a_model_shows_answers_and_exclusions_and_is_complete_with_its_picture(
    receive: Receive, get: Callable[..., Any]
) -> None:
    told = {"answers": {"nail": "yes", "bleeding": "not-asked"}, "exclusions": ["nail"]}
    event = receive("analysis-completed", version="1.1", payload=told | WITHOUT_A_MODEL)["payload"]
    read = get(f"/analyses/{event['analysis_id']}")
    assert {key: read[key] for key in told | WITHOUT_A_MODEL} == told | WITHOUT_A_MODEL
    assert (read["task"], read["complete"], read["heat_map_stored"]) == ("skin-lesion", False, False)


def test_a_scalp_analysis_has_a_model_and_no_malignancy(receive: Receive, get: Callable[..., Any]) -> None:
    event = receive("analysis-completed", version="1.1", payload={"task": "scalp", "malignant": None})["payload"]
    read = get(f"/analyses/{event['analysis_id']}")
    assert (read["task"], read["malignant"]) == ("scalp", None)
    assert read["model"] == event["model"] | {"precision": None}


@pytest.mark.parametrize(
    "contradiction",
    [
        {"model": None},
        {"malignant": None},
        {"task": "scalp"},
        {"exclusions": ["nail"]},
        {"answers": {"nail": "perhaps"}},
        WITHOUT_A_MODEL | {"malignant": 0.5},
    ],
)
def test_an_analysis_that_contradicts_itself_is_quarantined(
    receive: Receive, client: TestClient, as_role: Headers, contradiction: dict[str, Any]
) -> None:
    receive("analysis-completed", version="1.1", payload=contradiction)
    (item,) = client.get("/api/v1/quarantine", headers=as_role("technician")).json()["items"]
    assert item["code"] == "message-malformed"


def test_analyses_are_filtered_by_patient_visit_and_tier(receive: Receive, get: Callable[..., Any]) -> None:
    mine = receive("analysis-completed", payload=ids())["payload"]
    assessment = mine["assessment"] | {"tier": "moderate"}
    receive("analysis-completed", payload=ids() | {"assessment": assessment})
    for query in ({"patient_id": mine["patient_id"]}, {"visit_id": mine["visit_id"]}, {"tier": "high"}):
        assert [item["id"] for item in get("/analyses", **query)["items"]] == [mine["analysis_id"]]
    assert get("/analyses", patient_id=str(uuid4()))["items"] == []


def test_lesions_belong_to_their_patient(receive: Receive, get: Callable[..., Any]) -> None:
    mine = receive("analysis-completed", payload=ids())["payload"]
    receive("analysis-completed", payload=ids())
    (lesion,) = get(f"/patients/{mine['patient_id']}/lesions")["items"]
    assert (lesion["id"], lesion["body_site"]) == (mine["lesion"]["lesion_id"], "arm")
    assert get("/lesions", patient_id=mine["patient_id"])["items"] == [lesion]
    assert len(get("/lesions")["items"]) == 2


def test_refusals_show_faults_and_measures(receive: Receive, get: Callable[..., Any]) -> None:
    event = receive("capture-refused")["payload"]
    (refusal,) = get("/refusals", patient_id=event["patient_id"])["items"]
    assert (refusal["faults"], refusal["quality"]) == (event["faults"], event["quality"])


def test_pages_follow_each_other_without_gap_or_repetition(receive: Receive, get: Callable[..., Any]) -> None:
    stored = [receive("analysis-completed", payload=ids())["payload"]["analysis_id"] for _ in range(7)]
    seen, cursor = [], None
    while True:
        page = get("/analyses", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [item["id"] for item in page["items"]]
        # What arrives while somebody reads comes on a later visit to the first page, not twice here.
        receive("analysis-completed", payload=ids())
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == stored[::-1]


def test_every_list_has_pages(receive: Receive, client: TestClient, as_role: Headers) -> None:
    for number in range(3):
        mine = ids()
        receive("patient-registered", payload={"patient_id": mine["patient_id"]}, kiosk=f"k{number}")
        receive("analysis-completed", payload=mine, kiosk=f"k{number}")
        same = {"patient_id": mine["patient_id"], "visit_id": mine["visit_id"]}
        receive("capture-refused", payload={"capture_id": str(uuid4())} | same, kiosk=f"k{number}")
        receive("visit-ended", version="9.0", kiosk=f"k{number}")
    for path in ("patients", "lesions", "analyses", "refusals", "kiosks", "quarantine"):
        first = client.get(f"/api/v1/{path}?limit=2", headers=as_role("administrator")).json()
        rest = client.get(f"/api/v1/{path}", params={"cursor": first["next"]}, headers=as_role("administrator")).json()
        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None), path


@pytest.mark.parametrize("path", ["/patients/{id}", "/patients/{id}/lesions", "/analyses/{id}"])
def test_what_does_not_exist_is_a_problem(client: TestClient, as_role: Headers, path: str) -> None:
    path = path.format(id=uuid4())
    response = client.get(f"/api/v1{path}", headers=as_role("clinician"))
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "urn:dermakiosk:problem:not-found"
    assert (problem["status"], problem["instance"]) == (404, f"/api/v1{path}")
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=99999999999999999999999",
        "limit=x",
        "cursor=%00",
        "cursor=AAAA",
        "cursor=%2525",
        "cursor=WzEsMl0",
        "cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwgIngiXQ",
        "cursor=" + "A" * 300,
        "cursor=bnVsbA",
        "patient_id=%00",
        "patient_id=1%27%20OR%201=1",
        "tier=lowest",
    ],
)
def test_a_senseless_query_is_a_problem_and_never_a_failure(client: TestClient, as_role: Headers, query: str) -> None:
    response = client.get(f"/api/v1/analyses?{query}", headers=as_role("clinician"))
    assert response.status_code == 422, response.text
    assert response.json()["type"] == "urn:dermakiosk:problem:unprocessable"
    assert "OR 1=1" not in response.text


@pytest.mark.parametrize("path", ["analyses/%00", "analyses/1", "patients/" + "9" * 500, "images/zz", "images/%2e%2e"])
def test_a_senseless_path_is_a_problem_and_never_a_failure(client: TestClient, as_role: Headers, path: str) -> None:
    assert client.get(f"/api/v1/{path}", headers=as_role("clinician")).status_code in (404, 422)


def test_a_cursor_of_one_list_does_not_break_another(receive: Receive, client: TestClient, as_role: Headers) -> None:
    for _ in range(2):
        receive("analysis-completed", payload=ids())
    cursor = client.get("/api/v1/analyses?limit=1", headers=as_role("clinician")).json()["next"]
    response = client.get("/api/v1/quarantine", params={"cursor": cursor}, headers=as_role("technician"))
    assert response.status_code == 422


@pytest.mark.parametrize(("method", "status"), [("DELETE", 405), ("POST", 405)])
def test_a_method_that_is_not_served_is_a_problem(client: TestClient, method: str, status: int) -> None:
    response = client.request(method, "/api/v1/patients")
    assert response.status_code == status
    assert response.json()["type"] == "urn:dermakiosk:problem:method-not-allowed"
    assert response.json()["remedy"]


def test_an_address_that_is_not_served_is_a_problem(client: TestClient) -> None:
    response = client.get("/api/v1/nothing")
    assert response.json()["type"] == "urn:dermakiosk:problem:not-found"


def test_the_quarantine_shows_no_content(
    receive: Receive, client: TestClient, as_role: Headers, planted_name: str
) -> None:
    receive("patient-registered", payload={"full_name": planted_name, "username": 7})
    response = client.get("/api/v1/quarantine", headers=as_role("technician"))
    (item,) = response.json()["items"]
    assert (item["code"], item["sequence"], item["times"]) == ("message-malformed", 1, 1)
    assert planted_name not in response.text
    assert "body" not in item


def test_the_fleet_shows_each_kiosk(receive: Receive, client: TestClient, as_role: Headers) -> None:
    receive("visit-ended", sequence=1)
    (kiosk,) = client.get("/api/v1/kiosks", headers=as_role("technician")).json()["items"]
    assert (kiosk["site"], kiosk["kiosk"], kiosk["presence"], kiosk["complete_through"]) == (
        "village",
        "k1",
        "offline",
        1,
    )


def test_the_api_describes_itself(client: TestClient, as_role: Headers) -> None:
    document = client.get(API_DESCRIPTION, headers=as_role("clinician")).json()
    assert "/api/v1/analyses" in document["paths"]
