from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import StatementError
from sqlalchemy.schema import CreateIndex, CreateTable

import hub.db.scheduling_tables
import hub.db.staff_tables
import hub.db.tables
from hub.db.base import Base
from hub.db.engine import Database, open_database
from hub.db.tables import Patient
from hub.db.upgrade import upgrade
from hub.errors import DatabaseNewer, DatabaseUnavailable

assert hub.db.tables
assert hub.db.scheduling_tables
assert hub.db.staff_tables


def test_sqlite_is_opened_for_durability(database: Database) -> None:
    with database.engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_moments_come_back_aware_and_in_utc(database: Database) -> None:
    patient_id = uuid4()
    moment = datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=5)))
    with database.writing.begin() as session:
        session.add(Patient(id=patient_id, stored_at=moment))
    with database.reading() as session:
        stored = session.get_one(Patient, patient_id).stored_at
    assert stored == moment
    assert stored.tzinfo is UTC


def test_a_naive_moment_never_gets_in(database: Database) -> None:
    naive = datetime(2026, 11, 22, 12, 0)  # noqa: DTZ001 the point of the test
    with pytest.raises(StatementError, match="naive"), database.writing.begin() as session:
        session.add(Patient(id=uuid4(), stored_at=naive))


def test_the_migrations_lead_exactly_to_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_again_changes_nothing(database: Database) -> None:
    upgrade(database.engine)


def test_a_database_of_a_later_release_is_refused(database: Database) -> None:
    with database.writing.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseNewer, match="9999"):
        upgrade(database.engine)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite3").write_bytes(b"not a database, but long enough to look like a file" * 100)
    opened = open_database(f"sqlite:///{tmp_path / 'hub.sqlite3'}")
    with pytest.raises(DatabaseUnavailable, match="not a database"):
        upgrade(opened.engine)
    opened.close()


def test_all_tables_can_be_made_on_postgresql() -> None:
    dialect = postgresql.dialect()
    for table in Base.metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert len(str(index.name)) <= 63
            assert str(CreateIndex(index).compile(dialect=dialect))
