"""A kiosk of the first release is updated: its patients go on, and the hub hears of their records."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import argon2

from edge.auth.password import Argon2PasswordHasher
from edge.config import EdgeSettings
from edge.kiosk import DATABASE, Kiosk


def test_accounts_of_the_first_form_wait_to_be_handed_to_the_hub(kiosk_settings: Callable[..., EdgeSettings]) -> None:
    settings = kiosk_settings()
    first = Kiosk(settings)
    first.start()
    first.stop()
    patient = uuid4()
    password_hash = Argon2PasswordHasher(argon2.profiles.CHEAPEST).hash_password("four plain words here")
    with closing(sqlite3.connect(settings.data_dir / DATABASE)) as connection, connection:
        connection.execute(
            "INSERT INTO accounts VALUES (?, 'rosa.lopez', 'rosa.lopez', ?, 'Rosa', 'es', 0, NULL,"
            " '2026-11-22T09:00:00+00:00', '1961-04-12')",
            (str(patient), password_hash),
        )
    kiosk = Kiosk(settings)
    kiosk.start()
    waiting = kiosk._identity.queue.waiting()
    kiosk.stop()
    assert waiting == [patient]
