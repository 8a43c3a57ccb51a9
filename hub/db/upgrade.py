"""Brings a database to this release's schema when the hub starts."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
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
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    try:
        with engine.connect() as connection:
            present = set(MigrationContext.configure(connection).get_current_heads())
            connection.rollback()
            if present - known:
                raise DatabaseNewer(f"the database has revision {', '.join(sorted(present - known))}")
            config.attributes["connection"] = connection
            command.upgrade(config, "heads")
            connection.commit()
    except DBAPIError as error:
        raise DatabaseUnavailable(f"the database cannot be opened or migrated: {error.orig}") from None
