"""Inserts that leave an existing row alone, in each database's own words."""

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hub.db.base import Base


def insert_missing(session: Session, table: type[Base]) -> Insert:
    """INSERT that passes over rows whose key exists."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table.__table__).on_conflict_do_nothing()
