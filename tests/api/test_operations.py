from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from hub.api.deps import ReadSession
from hub.db.engine import Database


def test_health_names_the_part_that_fails(client: TestClient, parts: Any) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "parts": {"broker": "ok"}}
    parts.broker_fault = "not connected to the broker"
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"status": "failing", "parts": {"broker": "not connected to the broker"}}


def test_metrics_name_no_patient(client: TestClient, receive: Callable[..., dict[str, Any]], planted_name: str) -> None:
    body = receive("patient-registered", payload={"full_name": planted_name})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert "derma_hub_kiosks_online 0.0" in response.text
    assert "derma_hub_broker_connected 1.0" in response.text
    for value in (planted_name, body["payload"]["patient_id"], body["payload"]["username"]):
        assert value not in response.text


def test_a_database_that_fails_is_told_as_temporary(
    client: TestClient, database: Database, as_role: Callable[[str], dict[str, str]]
) -> None:
    with database.writing.begin() as session:
        session.execute(text("ALTER TABLE patients RENAME TO hidden"))
    response = client.get("/api/v1/patients", headers=as_role("clinician"))
    assert response.status_code == 503
    assert response.json()["type"] == "urn:dermakiosk:problem:database-unavailable"
    assert "SELECT" not in response.text


def test_a_fault_of_ours_tells_nothing_of_itself(
    app: FastAPI, client: TestClient, planted_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/broken")
    def broken(session: ReadSession) -> None:
        raise RuntimeError(planted_name)

    response = client.get("/broken")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert planted_name not in response.text
    assert response.json()["remedy"]
