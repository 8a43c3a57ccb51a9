import hashlib

import pytest

from hub.config import AccessEntry
from hub.security import SESSION_S, AccessList, BrowserSessions, Principal, new_token

CLINICIAN = Principal("Dr. Example", "clinician")


@pytest.fixture
def access() -> AccessList:
    return AccessList(
        AccessEntry.model_validate(entry | {"token_sha256": hashlib.sha256(token).hexdigest()})
        for token, entry in (
            (b"one", {"name": "Dr. Example", "role": "clinician"}),
            (b"two", {"name": "Kiosk 1", "role": "kiosk", "site": "village", "kiosk": "k1"}),
        )
    )


def test_a_token_finds_its_caller(access: AccessList) -> None:
    assert access.find("one") == CLINICIAN
    assert access.find("two") == Principal("Kiosk 1", "kiosk", "village", "k1")


@pytest.mark.parametrize("token", ["", "three", "one ", "\udcff", "é", hashlib.sha256(b"one").hexdigest()])
def test_anything_else_finds_nobody(access: AccessList, token: str) -> None:
    assert access.find(token) is None


def test_a_new_token_fits_its_hash() -> None:
    token, digest = new_token()
    assert hashlib.sha256(token.encode()).hexdigest() == digest
    assert len(token) >= 40


def test_a_browser_session_ends_after_twelve_hours() -> None:
    time = [0.0]
    sessions = BrowserSessions(clock=lambda: time[0])
    key = sessions.start(CLINICIAN)
    time[0] = SESSION_S - 1
    assert sessions.find(key) == CLINICIAN
    time[0] = SESSION_S
    assert sessions.find(key) is None


def test_signing_out_ends_the_session_and_only_that_one() -> None:
    sessions = BrowserSessions()
    first, second = sessions.start(CLINICIAN), sessions.start(CLINICIAN)
    sessions.end(first)
    assert sessions.find(first) is None
    assert sessions.find(second) == CLINICIAN


def test_sessions_never_pile_up() -> None:
    sessions = BrowserSessions()
    first = sessions.start(CLINICIAN)
    for _ in range(1_000):
        last = sessions.start(CLINICIAN)
    assert sessions.find(first) is None
    assert sessions.find(last) == CLINICIAN
