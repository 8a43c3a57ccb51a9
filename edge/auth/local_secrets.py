"""Secrets of this kiosk that its database needs, each sealed by the vault: peppers and the key of patient codes."""

import secrets
import sqlite3
from typing import Final

from edge.auth.vault import Vault

MIGRATIONS: Final[tuple[str, ...]] = (
    "CREATE TABLE local_secrets (name TEXT PRIMARY KEY NOT NULL, sealed BLOB NOT NULL) STRICT",
)

SECRET_BYTES: Final = 32
_OWNER: Final = "kiosk"


class LocalSecrets:
    """Reads and writes secrets by name."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def get(self, connection: sqlite3.Connection, name: str) -> bytes | None:
        """The secret of this name, if there is one.

        Raises:
            VaultError: it was altered, or sealed with another key.
        """
        row = connection.execute("SELECT sealed FROM local_secrets WHERE name = ?", (name,)).fetchone()
        return None if row is None else self._vault.unseal(row["sealed"], patient_id=_OWNER, purpose=name)

    def get_or_draw(self, connection: sqlite3.Connection, name: str) -> bytes:
        """The secret of this name; a random one where there was none.

        Raises:
            VaultError: as for `get`.
        """
        known = self.get(connection, name)
        if known is None:
            known = secrets.token_bytes(SECRET_BYTES)
            self.put(connection, name, known)
        return known

    def put(self, connection: sqlite3.Connection, name: str, secret: bytes) -> None:
        """Keep this secret from now on."""
        sealed = self._vault.seal(secret, patient_id=_OWNER, purpose=name)
        connection.execute(
            "INSERT INTO local_secrets VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
            (name, sealed),
        )
