"""What an earlier release wrote is still there after an upgrade."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import hub.db
from hub.db.engine import open_database
from hub.db.scheduling_tables import Appointment
from hub.db.tables import Analysis, Patient
from hub.db.upgrade import upgrade
from hub.errors import DatabaseUnavailable

NOW = "2026-11-22 12:00:00.000000"
OLD_ROWS = f"""
INSERT INTO kiosks (id, site, name, first_seen_at, online, oldest_sequence, last_sequence, complete_through)
  VALUES (1, 'v', 'k', '{NOW}', 0, 1, 1, 1);
INSERT INTO inbox (message_id, kiosk_id, sequence, type, body_sha256, received_at)
  VALUES ('{1:032x}', 1, 1, 'analysis-completed', x'00', '{NOW}');
INSERT INTO patients (id, stored_at) VALUES ('{2:032x}', '{NOW}');
INSERT INTO lesions (id, patient_id, body_site, stored_at) VALUES ('{3:032x}', '{2:032x}', 'arm', '{NOW}');
INSERT INTO visits (id, patient_id, kiosk_id, stored_at) VALUES ('{4:032x}', '{2:032x}', 1, '{NOW}');
INSERT INTO analyses (id, message_id, stored_at, patient_id, lesion_id, visit_id, captured_at, image_sha256,
  heat_map_sha256, image, heat_map, device, quality, model, probabilities, malignant, out_of_distribution, tier,
  reasons, advice, valid_until, simulated, stage_ms)
  VALUES ('{5:032x}', '{1:032x}', '{NOW}', '{2:032x}', '{3:032x}', '{4:032x}', '{NOW}', 'a', 'b', '{{}}', '{{}}',
  '{{}}', '{{}}', '{{"name": "m"}}', '{{}}', 0.25, 0.5, 'low', '["score-below-limits"]', 'watch-and-return',
  '{NOW}', 0, '{{}}');
INSERT INTO specialists (id, name, speciality, place, time_zone, slot_minutes, added_at)
  VALUES ('{6:032x}', 'n', 's', 'p', 'UTC', 20, '{NOW}');
INSERT INTO appointments (id, code, specialist_id, patient_id, analysis_id, starts_at, ends_at, status, booked_at,
  booked_by) VALUES ('{7:032x}', 'c', '{6:032x}', '{2:032x}', '{5:032x}', '{NOW}', '{NOW}', 'booked', '{NOW}', 'x');
"""


def at_revision(file: Path, revision: str) -> None:
    """A database as an earlier release left it."""
    config = Config()
    config.set_main_option("script_location", str(Path(hub.db.__file__).parent / "migrations"))
    opened = open_database(f"sqlite:///{file}")
    with opened.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    with opened.writing.begin() as session:
        for statement in OLD_ROWS.split(";\n")[:-1]:
            session.connection().exec_driver_sql(statement)
    opened.close()


def test_results_and_appointments_of_before_the_answers_are_kept(tmp_path: Path) -> None:
    at_revision(tmp_path / "hub.sqlite3", "0002")
    opened = open_database(f"sqlite:///{tmp_path / 'hub.sqlite3'}")

    upgrade(opened.engine)

    with opened.reading() as session:
        analysis = session.get_one(Analysis, UUID(int=5))
        assert (analysis.task, analysis.answers, analysis.exclusions) == ("skin-lesion", {}, [])
        assert (analysis.malignant, analysis.model) == (0.25, {"name": "m"})
        assert analysis.stored_at == datetime(2026, 11, 22, 12, tzinfo=UTC)
        assert session.get_one(Appointment, UUID(int=7)).analysis_id == analysis.id
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    opened.close()


def test_patients_and_appointments_of_before_the_accounts_are_kept(tmp_path: Path) -> None:
    at_revision(tmp_path / "hub.sqlite3", "0002")
    opened = open_database(f"sqlite:///{tmp_path / 'hub.sqlite3'}")

    upgrade(opened.engine)

    with opened.reading() as session:
        patient = session.get_one(Patient, UUID(int=2))
        assert patient.stored_at == datetime(2026, 11, 22, 12, tzinfo=UTC)
        # Nobody was asked yet: that is not a no, and never a yes.
        assert (patient.consent_messages, patient.consent_research, patient.email) == (None, None, None)
        assert patient.account_deleted_at is None
        assert session.get_one(Appointment, UUID(int=7)).patient_id == patient.id
        assert session.scalars(text("SELECT patient_id FROM credentials")).all() == []
    opened.close()


def test_a_database_whose_rows_refer_to_nothing_is_not_called_upgraded(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite3"
    at_revision(file, "0002")
    opened = open_database(f"sqlite:///{file}")
    with opened.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys = OFF")
        driver.execute("DELETE FROM patients")
        driver.execute("PRAGMA foreign_keys = ON")

    with pytest.raises(DatabaseUnavailable, match="refer to rows that are not there"):
        upgrade(opened.engine)
    with opened.reading() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "0002"
    opened.close()
