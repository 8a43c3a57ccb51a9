"""Claimed names as digests: the same at every kiosk of the fleet, readable at none.

A claim is a user name or a patient code. Text that can be neither gets a digest as well, so that it counts, locks and
is answered like any other.
"""

import hashlib
import hmac
import sqlite3
from collections.abc import Callable
from typing import Final

from edge.auth.local_secrets import LocalSecrets
from edge.auth.patient_code import PatientCodeInvalid, parse_patient_code
from edge.auth.username import UsernameInvalid, username_key
from edge.auth.vault import Vault
from edge.store import Store

_LOCAL: Final = "claim-pepper"
_FLEET: Final = "fleet-pepper"
_MIN_PEPPER_BYTES: Final = 16


class ClaimDigests:
    """HMAC-SHA-256 of claims under the fleet's pepper; under this kiosk's own until the hub has given one.

    Raises, when made:
        VaultError: a pepper was altered, or sealed with another key.
    """

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._secrets = LocalSecrets(vault)
        with store.transaction() as connection:
            local = self._secrets.get_or_draw(connection, _LOCAL)
            fleet = self._secrets.get(connection, _FLEET)
        self._pepper = local if fleet is None else fleet
        self._before: bytes | None = None if fleet is None else local

    def digest(self, claim_text: str) -> str:
        """The digest of a user name, a patient code or any other text, in 64 hexadecimal digits."""
        return _digest(self._pepper, _message(claim_text))

    def earlier(self, claim_text: str) -> str | None:
        """The digest under the pepper before the present one, under which failures may still be counted."""
        return None if self._before is None else _digest(self._before, _message(claim_text))

    def set_fleet_pepper(self, pepper: bytes, *, follow: Callable[[sqlite3.Connection], object]) -> bool:
        """Use this pepper from now on; returns whether it is another one than before.

        Args:
            pepper: of the whole fleet.
            follow: called in the same transaction, with `digest` giving the new digests already: whatever keeps some.
                `Accounts.set_fleet_pepper` is what to call.

        Raises:
            ValueError: shorter than 16 bytes.
        """
        if len(pepper) < _MIN_PEPPER_BYTES:
            raise ValueError("a pepper of the fleet has 16 bytes at least")
        if hmac.compare_digest(pepper, self._pepper):
            return False
        present = self._pepper, self._before
        try:
            with self._store.transaction() as connection:
                self._secrets.put(connection, _FLEET, pepper)
                self._pepper, self._before = pepper, self._pepper
                follow(connection)
        except BaseException:
            self._pepper, self._before = present
            raise
        return True


def _message(claim_text: str) -> bytes:
    text = claim_text.strip()
    try:
        # A space, which no user name has, keeps codes and other texts from being taken for one.
        return b"code " + parse_patient_code(text).encode()
    except PatientCodeInvalid:
        pass
    try:
        return username_key(text).encode()
    except UsernameInvalid:
        return b"other " + hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _digest(pepper: bytes, message: bytes) -> str:
    return hmac.new(pepper, message, hashlib.sha256).hexdigest()
