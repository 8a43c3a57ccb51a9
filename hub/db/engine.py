"""Opening the database: SQLite with full durability, or any other SQLAlchemy URL."""

import sqlite3
from dataclasses import dataclass

import sqlalchemy
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 5_000
_WRITES = "hub_writes"


@dataclass(frozen=True)
class Database:
    """An open database. A session from `writing` may write and has the right to from its first statement."""

    engine: Engine
    reading: sessionmaker[Session]
    writing: sessionmaker[Session]

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Connect lazily to the URL; the schema is left as it is."""
    engine = create_engine(url)
    writer = engine.execution_options(**{_WRITES: True})
    return Database(
        engine,
        reading=sessionmaker(engine, expire_on_commit=False),
        writing=sessionmaker(writer, expire_on_commit=False),
    )


def create_engine(url: str) -> Engine:
    """Engine for the URL, with SQLite set up for durability and real transactions."""
    on_sqlite = make_url(url).get_backend_name() == "sqlite"
    engine = sqlalchemy.create_engine(
        url,
        pool_pre_ping=not on_sqlite,
        hide_parameters=True,  # they would reach the log with every error
        json_serializer=lambda value: to_json(value).decode(),  # takes models as they are, and in a third of the time
        json_deserializer=from_json,
    )
    if not on_sqlite:
        return engine
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    # The driver's own transaction handling breaks SAVEPOINT and delays BEGIN; _begin_sqlite does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten: a destroyed key must not lie on in free pages.
        cursor.execute("PRAGMA secure_delete = ON")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading a read transaction fails when another one has written meanwhile,
    # and no waiting helps then.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")
