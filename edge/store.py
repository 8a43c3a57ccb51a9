"""The kiosk's one SQLite file: WAL, `synchronous=FULL`, versioned. A transaction that ended is on the disk.

What is deleted is overwritten with zeros (`secure_delete`).
"""

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import EdgeError

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "secure_delete=ON")


class StorageFull(EdgeError):
    """The disk has no room; what was saved before is untouched, what was asked now is not saved."""

    code = "storage-full"
    remedy = "Free disk space or connect the hub, so that delivered images can go; nothing saved is lost."


class StorageFailed(EdgeError):
    """The disk or the database file does not work."""

    code = "storage-failed"
    remedy = "Check the disk; keep the data folder as it is and call a technician."


class StorageTooNew(EdgeError):
    """The database was written by a newer version of this program."""

    code = "storage-too-new"
    remedy = "Install the newer version again; an older one must not touch this data folder."


class Store:
    """Short serialised transactions over one connection, shared by the kiosk's few threads."""

    def __init__(self, path: Path, migrations: tuple[tuple[str, ...], ...]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        with _disk_errors():
            # The umask keeps the file, its WAL and its shared memory from other users.
            before = os.umask(0o077)
            try:
                self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                self._connection.row_factory = sqlite3.Row
                for pragma in _PRAGMAS:
                    self._connection.execute(f"PRAGMA {pragma}")
                self._migrate(migrations)
            finally:
                os.umask(before)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; on leaving without error it is committed and fsynced.

        Raises:
            StorageFull: no room on the disk; rolled back.
            StorageFailed: the disk or file failed; rolled back.
        """
        with self._lock, _disk_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def forget(self) -> None:
        """Move the log into the database and empty it, so that no page of before the last deletions is left in it."""
        with self._lock, _disk_errors():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; idempotent."""
        with self._lock:
            self._connection.close()

    def _migrate(self, migrations: tuple[tuple[str, ...], ...]) -> None:
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            raise StorageTooNew(f"schema version {version}; this program knows {len(migrations)}")
        for number, statements in enumerate(migrations[version:], start=version + 1):
            with self.transaction() as connection:
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number}")


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise StorageFull("the kiosk's database cannot grow") from error
        raise StorageFailed(f"the kiosk's database failed: {error.sqlite_errorname}") from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError):
            raise
        raise StorageFailed(f"the kiosk's database is damaged: {error}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("the kiosk's disk is full") from error
        raise
