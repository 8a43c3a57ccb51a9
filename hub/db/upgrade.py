"""Brings a database to this release's schema when the hub starts."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hub.errors import DatabaseNewer, DatabaseUnavailable


def upgrade(engine: Engine) -> None:
    """Run the missing migrations.

    Raises:
        DatabaseNewer: a later release has migrated this database.
        DatabaseUnavailable: it cannot be opened.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in scripts.walk_revisions()}
    try:
        with engine.connect() as connection:
            present = set(MigrationContext.configure(connection).get_current_heads())
            connection.rollback()
            if present - known:
                raise DatabaseNewer(f"the database has revision {', '.join(sorted(present - known))}")
            if present == set(scripts.get_heads()):
                return
            config.attributes["connection"] = connection
            with _tables_may_be_rebuilt(connection), connection.begin():
                # Alembic leaves the transaction to whoever began it: all migrations count, or none.
                command.upgrade(config, "heads")
                _require_whole(connection)
    except DBAPIError as error:
        raise DatabaseUnavailable(f"the database cannot be opened or migrated: {error.orig}") from None


@contextmanager
def _tables_may_be_rebuilt(connection: Connection) -> Iterator[None]:
    """Hold back SQLite's foreign keys: it alters a column only by building the table anew, which they would forbid.

    After https://sqlite.org/lang_altertable.html, section 7.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")  # within a transaction it would do nothing
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _require_whole(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise DatabaseUnavailable(f"{len(broken)} rows refer to rows that are not there")
