"""The hub as the kiosk's source of identity: credential records on a claim, the fleet's pepper, reset codes."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from pydantic import SecretStr, ValidationError

from edge.config import Hub
from edge.errors import EdgeError
from edge.uplink.kiosk_keys import SUITE, EnvelopeAltered, KioskKeyPair
from protocol.credentials import (
    PEPPER_TO_KIOSK,
    TO_HUB,
    TO_KIOSK,
    ClaimedRecord,
    CredentialClaim,
    CredentialRecord,
    FleetIdentity,
    PasswordResetOrder,
    SealedRecord,
)
from protocol.fields import WireModel

ANSWER_TIMEOUT_S: Final = 3.0
"""A patient waits meanwhile."""
_MOST_ANSWER_BYTES: Final = 256 * 1024
M = TypeVar("M", bound=WireModel)


class HubUnreachable(EdgeError):
    """The hub did not answer in time, or could not help now; only patients known here can sign in."""

    code = "hub-unreachable"
    remedy = "Try again later, or use the kiosk where you registered; a technician checks the link to the hub."


class KioskNotConfirmed(EdgeError):
    """The hub knows other keys for this kiosk, or does not accept its token."""

    code = "kiosk-not-confirmed"
    remedy = "An administrator compares this kiosk's keys and confirms them at the hub, or renews the kiosk's token."


class RecordOutdated(EdgeError):
    """The hub has a newer credential record of this patient than the one sent."""

    code = "record-outdated"
    remedy = "Nothing to do: the next sign-in brings the newer record; repeat the change there if it is missing."


class RecordRefused(EdgeError):
    """The hub does not take this credential record, now or later."""

    code = "record-refused"
    remedy = "A technician reads the hub's log; the patient can sign in at this kiosk alone."


class IdentityDeleted(EdgeError):
    """The hub has deleted this patient's account."""

    code = "identity-deleted"
    remedy = "Nothing to do: the account was deleted at the patient's wish; register again to use the kiosk."


class ResetCodeWrong(EdgeError):
    """Not the code, or one that is used, too old, or was guessed at too often; the same for unknown names."""

    code = "reset-code-wrong"
    remedy = "Check the code, or ask for a new one; staff can give one as well."


class ResetThrottled(EdgeError):
    """Too many claims, orders or wrong codes from this kiosk in a short time."""

    code = "hub-throttled"
    remedy = "Wait some minutes and try again."


@dataclass(frozen=True)
class Claimed:
    """A credential record as handed over; `cache_s` is how long this kiosk may keep it."""

    record: CredentialRecord = field(repr=False)
    cache_s: int


class HubIdentity(Protocol):
    """Everything a kiosk asks of the hub about identity. Each call asks once and waits a few seconds at most.

    Any of them raises HubUnreachable, and KioskNotConfirmed.
    """

    def enrol(self) -> bytes:
        """Make this kiosk's keys known and return the fleet's pepper; learn the hub's key.

        Raises:
            EnvelopeAltered: the answer is not for this kiosk.
        """
        ...

    def put(self, record: CredentialRecord) -> None:
        """Hand a patient's credential record to the hub, sealed to its key. Needs `enrol` before.

        Raises:
            RecordOutdated, RecordRefused, IdentityDeleted: sending it again would not help.
        """
        ...

    def claim(self, claim_digest: str) -> Claimed | None:
        """The record of the one patient whose name was claimed here; None when there is none.

        Raises:
            EnvelopeAltered: the answer is not for this kiosk, or of another name.
            ResetThrottled: this kiosk has asked too often.
        """
        ...

    def order_reset(self, claim_digest: str, channel: Literal["email", "sms"]) -> None:
        """Have a reset code sent; succeeds alike whether there is such a patient or not."""
        ...

    def prove_reset(self, claim_digest: str, code: SecretStr) -> Claimed:
        """Hand in the code that the patient typed; the record comes back, for a new password to be set.

        Raises:
            ResetCodeWrong: not the code.
            EnvelopeAltered, ResetThrottled: as for `claim`.
        """
        ...


class HttpHubIdentity:
    """`HubIdentity` over HTTPS."""

    def __init__(
        self,
        hub: Hub,
        keys: KioskKeyPair,
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._keys = keys
        self._client = httpx.Client(
            base_url=hub.url,
            headers={"Authorization": f"Bearer {hub.token.get_secret_value()}"},
            timeout=timeout_s,
            transport=transport,
        )
        self._hub_key: bytes | None = None

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def enrol(self) -> bytes:
        """Make the keys known and return the fleet's pepper; see the port."""
        self._expect(self._send("PUT", "/api/v1/kiosk/keys", self._keys.public), httpx.codes.NO_CONTENT)
        response = self._send("GET", "/api/v1/kiosk/identity")
        self._expect(response, httpx.codes.OK)
        fleet = _parse(response, FleetIdentity)
        pepper = self._keys.open_envelope(_bytes(fleet.sealed_pepper), info=PEPPER_TO_KIOSK)
        self._hub_key = _bytes(fleet.encryption_key)
        return pepper

    def put(self, record: CredentialRecord) -> None:
        """Hand a record to the hub; see the port."""
        if self._hub_key is None:
            self.enrol()
        assert self._hub_key is not None
        try:
            hub_key = X25519PublicKey.from_public_bytes(self._hub_key)
        except ValueError:
            raise EnvelopeAltered("the hub named a key that is none") from None
        sealed = SUITE.encrypt(record.model_dump_json().encode(), hub_key, TO_HUB)
        body = SealedRecord(
            version=record.version, claim_digests=record.claim_digests, sealed=b64encode(sealed).decode()
        )
        response = self._send("PUT", f"/api/v1/credentials/{record.patient_id}", body)
        if response.status_code == httpx.codes.CONFLICT:
            raise RecordOutdated("the hub has a newer record")
        if response.status_code == httpx.codes.GONE:
            raise IdentityDeleted("the hub has deleted this account")
        if response.status_code in (httpx.codes.FORBIDDEN, httpx.codes.UNPROCESSABLE_ENTITY):
            # The hub may have new keys since this kiosk learnt the old one.
            self._hub_key = None
            raise RecordRefused(f"the hub refused a record: {_code(response)}")
        self._expect(response, httpx.codes.NO_CONTENT)

    def claim(self, claim_digest: str) -> Claimed | None:
        """Ask for one patient's record; see the port."""
        response = self._send("POST", "/api/v1/credentials/claims", CredentialClaim(claim_digest=claim_digest))
        if response.status_code == httpx.codes.NOT_FOUND and _code(response) == "claim-unknown":
            return None
        return self._claimed(response, claim_digest)

    def order_reset(self, claim_digest: str, channel: Literal["email", "sms"]) -> None:
        """Have a code sent; see the port."""
        order = PasswordResetOrder(claim_digest=claim_digest, channel=channel)
        self._expect(self._send("POST", "/api/v1/password-resets", order), httpx.codes.ACCEPTED)

    def prove_reset(self, claim_digest: str, code: SecretStr) -> Claimed:
        """Hand in a code; see the port."""
        # Not through the model's JSON, which would mask the secret.
        body = {"claim_digest": claim_digest, "code": code.get_secret_value()[:32]}
        response = self._request("POST", "/api/v1/password-resets/verify", json=body)
        if _code(response) == ResetCodeWrong.code:
            raise ResetCodeWrong("the hub does not accept the code")
        return self._claimed(response, claim_digest)

    def _claimed(self, response: httpx.Response, claim_digest: str) -> Claimed:
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise ResetThrottled("the hub has had too many questions from this kiosk")
        self._expect(response, httpx.codes.OK)
        answer = _parse(response, ClaimedRecord)
        plain = self._keys.open_envelope(_bytes(answer.sealed), info=TO_KIOSK)
        try:
            record = CredentialRecord.model_validate_json(plain, extra="ignore")
        except ValidationError:
            raise EnvelopeAltered("the envelope holds no credential record") from None
        if (record.patient_id, record.version) != (answer.patient_id, answer.version):
            raise EnvelopeAltered("the envelope holds another record than it says")
        if claim_digest not in record.claim_digests:
            raise EnvelopeAltered("the hub handed over the record of another name")
        return Claimed(record, answer.cache_s)

    def _send(self, method: str, path: str, body: WireModel | None = None) -> httpx.Response:
        if body is None:
            return self._request(method, path)
        return self._request(
            method, path, content=body.model_dump_json().encode(), headers={"Content-Type": "application/json"}
        )

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            with self._client.stream(method, path, **arguments) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_ANSWER_BYTES:
                        raise HubUnreachable("the hub's answer is too long")
                return httpx.Response(response.status_code, content=bytes(body))
        except httpx.HTTPError as error:
            raise HubUnreachable(f"the hub does not answer: {type(error).__name__}") from error

    def _expect(self, response: httpx.Response, status: int) -> None:
        if response.status_code == status:
            return
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.CONFLICT):
            raise KioskNotConfirmed(f"the hub does not accept this kiosk: {_code(response)}")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise ResetThrottled("the hub has had too many questions from this kiosk")
        raise HubUnreachable(f"the hub answered with status {response.status_code}")


def _code(response: httpx.Response) -> str:
    """The last part of a problem document's type, or an empty text."""
    try:
        kind = response.json()["type"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(kind).rpartition(":")[2][:40]


def _parse(response: httpx.Response, model: type[M]) -> M:
    try:
        return model.model_validate_json(response.content, extra="ignore")
    except ValidationError:
        raise HubUnreachable("the hub's answer is not understood") from None


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise EnvelopeAltered("the hub's answer is not base64") from None
