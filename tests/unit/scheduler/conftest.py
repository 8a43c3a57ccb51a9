import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from hub.db.engine import Database, open_database
from hub.db.scheduling_tables import Specialist
from hub.db.tables import Patient
from hub.db.upgrade import upgrade
from hub.scheduler.availability import Opening
from hub.scheduler.specialists import seed_specialist

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """A Sunday noon."""
    return NOW


@pytest.fixture
def monday() -> datetime:
    """The first slot of the specialist's week, in UTC."""
    return NOW + timedelta(hours=20)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with this release's schema and nothing else."""
    file = tmp_path_factory.mktemp("migrated") / "hub.sqlite3"
    opened = open_database(f"sqlite:///{file}")
    upgrade(opened.engine)
    opened.close()
    return file


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{shutil.copy(migrated, tmp_path)}")
    yield opened
    opened.close()


@pytest.fixture
def specialist(database: Database) -> Specialist:
    """Open Monday to Friday, 9 to 13 in Berlin, half an hour a patient."""
    with database.writing() as session:
        added = seed_specialist(
            session=session,
            name="Dr. Example",
            speciality="dermatology",
            place="North",
            time_zone="Europe/Berlin",
            slot_minutes=30,
            openings=[Opening(day, 9 * 60, 13 * 60) for day in range(5)],
            now=NOW,
        )
        session.commit()
        return added


@pytest.fixture
def make_patients(database: Database) -> Callable[[int], list[UUID]]:
    def make(count: int) -> list[UUID]:
        ids = [uuid4() for _ in range(count)]
        with database.writing() as session:
            session.add_all(Patient(id=patient_id, stored_at=NOW) for patient_id in ids)
            session.commit()
        return ids

    return make


@pytest.fixture
def make_patient(make_patients: Callable[[int], list[UUID]]) -> Callable[[], UUID]:
    return lambda: make_patients(1)[0]
