"""The kiosk's client against a hub of our own at the HTTP transport; the real hub answers in tests/system/identity."""

import json
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from pydantic import SecretStr

from edge.config import Hub
from edge.errors import EdgeError
from edge.uplink.hub_identity import (
    HttpHubIdentity,
    HubUnreachable,
    IdentityDeleted,
    KioskNotConfirmed,
    RecordOutdated,
    RecordRefused,
    ResetCodeWrong,
    ResetThrottled,
)
from edge.uplink.kiosk_keys import SUITE, EnvelopeAltered, KioskKeyPair, KioskKeysUnusable
from protocol.credentials import PEPPER_TO_KIOSK, TO_HUB, TO_KIOSK, CredentialRecord
from protocol.events import Language, Sex
from protocol.identity import Consents

NAME = "a" * 64
PATH = f"/api/v1/credentials/{UUID(int=1)}"
RECORD = CredentialRecord(
    patient_id=UUID(int=1),
    version=3,
    username="zebulon",
    claim_digests=(NAME,),
    password_hash="$argon2id$x",
    full_name="Z",
    sex=Sex.MALE,
    language=Language.EN,
    patient_code="P1",
    consents=Consents(),
    issued_at=datetime(2026, 11, 25, tzinfo=UTC),
)
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def keys(tmp_path: Path) -> KioskKeyPair:
    return KioskKeyPair.open_file(tmp_path / "kiosk.keys")


@pytest.fixture
def client(keys: KioskKeyPair) -> Any:
    opened: list[HttpHubIdentity] = []

    def build(answer: Answer) -> HttpHubIdentity:
        hub = Hub.model_validate({"url": "http://hub.invalid", "token": "secret"})
        opened.append(HttpHubIdentity(hub, keys, transport=httpx.MockTransport(answer)))
        return opened[-1]

    yield build
    for made in opened:
        made.close()


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"type": f"urn:dermakiosk:problem:{code}"})


def handed(keys: KioskKeyPair, record: CredentialRecord = RECORD, *, info: bytes = TO_KIOSK, **outside: Any) -> Any:
    public = X25519PublicKey.from_public_bytes(_raw(keys.public.encryption_key))
    sealed = SUITE.encrypt(record.model_dump_json().encode(), public, info)
    body = {"patient_id": str(record.patient_id), "version": record.version, "cache_s": 60, "sealed": _text(sealed)}
    return httpx.Response(200, json=body | outside)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _raw(text: str) -> bytes:

    return b64decode(text)


def test_keys_are_made_once_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.keys"
    first = KioskKeyPair.open_file(path).public
    assert KioskKeyPair.open_file(path).public == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o644)
    with pytest.raises(KioskKeysUnusable, match="others"):
        KioskKeyPair.open_file(path)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(KioskKeysUnusable, match="damaged"):
        KioskKeyPair.open_file(path)


def test_a_record_is_sealed_to_the_hub_after_enrolment(client: Any, keys: KioskKeyPair) -> None:
    hub_key = X25519PrivateKey.generate()
    kiosk_key = X25519PublicKey.from_public_bytes(_raw(keys.public.encryption_key))
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url.path}")
        assert request.headers["Authorization"] == "Bearer secret"
        if request.url.path.endswith("/identity"):
            pepper = SUITE.encrypt(b"p" * 32, kiosk_key, PEPPER_TO_KIOSK)
            body = {"encryption_key": _text(hub_key.public_key().public_bytes_raw()), "sealed_pepper": _text(pepper)}
            return httpx.Response(200, json=body)
        if "/credentials/" in request.url.path:
            sealed = _raw(json.loads(request.content)["sealed"])
            assert b"argon2" not in request.content
            assert CredentialRecord.model_validate_json(SUITE.decrypt(sealed, hub_key, TO_HUB)) == RECORD
        return httpx.Response(204)

    hub = client(answer)
    assert hub.enrol() == b"p" * 32
    hub.put(RECORD)
    assert seen == [
        "PUT /api/v1/kiosk/keys",
        "GET /api/v1/kiosk/identity",
        f"PUT /api/v1/credentials/{RECORD.patient_id}",
    ]


def test_a_claim_gives_the_record_or_nothing(client: Any, keys: KioskKeyPair) -> None:
    claimed = client(lambda _: handed(keys)).claim(NAME)
    assert (claimed.record, claimed.cache_s) == (RECORD, 60)
    assert "zebulon" not in repr(claimed)
    assert client(lambda _: problem(404, "claim-unknown")).claim(NAME) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 4},
        {"patient_id": str(UUID(int=2))},
        {"sealed": _text(b"x" * 100)},
        {"sealed": "A"},
        {"sealed": ""},
    ],
)
def test_an_answer_that_is_not_what_it_says_is_called_altered(
    client: Any, keys: KioskKeyPair, changes: dict[str, Any]
) -> None:
    with pytest.raises(EnvelopeAltered):
        client(lambda _: handed(keys, **changes)).claim(NAME)
    with pytest.raises(EnvelopeAltered, match="another name"):
        client(lambda _: handed(keys)).claim("b" * 64)
    with pytest.raises(EnvelopeAltered):
        client(lambda _: handed(keys, info=TO_HUB)).claim(NAME)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (httpx.Response(503), HubUnreachable),
        (httpx.Response(404), HubUnreachable),
        (httpx.Response(200, content=b"<html>"), HubUnreachable),
        (httpx.Response(200, content=b"x" * 300_000), HubUnreachable),
        (problem(401, "unauthorised"), KioskNotConfirmed),
        (problem(409, "kiosk-keys-missing"), KioskNotConfirmed),
        (problem(429, "too-many-requests"), ResetThrottled),
        (problem(403, "reset-code-wrong"), ResetCodeWrong),
    ],
)
def test_every_other_answer_to_a_code_is_an_error_of_its_kind(
    client: Any, response: httpx.Response, expected: type[EdgeError]
) -> None:
    with pytest.raises(expected):
        client(lambda _: response).prove_reset(NAME, SecretStr("12345678"))


def test_a_code_goes_out_in_plain_and_is_bounded(client: Any, keys: KioskKeyPair) -> None:
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return handed(keys)

    client(answer).prove_reset(NAME, SecretStr("1" * 1000))
    assert sent == [{"claim_digest": NAME, "code": "1" * 32}]


def test_a_hub_that_does_not_answer_is_unreachable(client: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    with pytest.raises(HubUnreachable, match="ReadTimeout"):
        client(answer).order_reset(NAME, "email")
    client(lambda _: httpx.Response(202)).order_reset(NAME, "sms")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "record-outdated", RecordOutdated),
        (410, "identity-deleted", IdentityDeleted),
        (422, "envelope-altered", RecordRefused),
        (403, "forbidden", RecordRefused),
        (500, "hub-error", HubUnreachable),
    ],
)
def test_every_refusal_of_a_record_has_its_kind(client: Any, status: int, code: str, expected: type[EdgeError]) -> None:
    hub = client(lambda _: problem(status, code))
    hub._hub_key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(expected):
        hub.put(RECORD)
