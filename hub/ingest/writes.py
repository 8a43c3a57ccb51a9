"""The rows that a group of facts adds, written table by table in the order of their references."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from hub.db.base import Base
from hub.db.identity_tables import Deletion, SignInAttempt
from hub.db.tables import Analysis, InboxMessage, Lesion, Patient, Refusal, Visit
from hub.db.upsert import insert_missing, insert_new

Row = Mapping[str, Any]
_ORDER: tuple[type[Base], ...] = (InboxMessage, Patient, Lesion, Visit, Analysis, Refusal, SignInAttempt, Deletion)


class Writes:
    """Collects rows and single-row updates; nothing reaches the database before `flush`."""

    def __init__(self) -> None:
        self._new: defaultdict[type[Base], list[Row]] = defaultdict(list)
        self._missing: defaultdict[type[Base], dict[Any, Row]] = defaultdict(dict)
        self._updates: list[Callable[[Session], None]] = []

    def add(self, table: type[Base], row: Row) -> None:
        """A row that must not exist yet."""
        self._new[table].append(row)

    def add_missing(self, table: type[Base], row: Row) -> None:
        """A row that may exist already, and then stays as it is. `id` is its key."""
        self._missing[table].setdefault(row["id"], row)

    def then(self, update: Callable[[Session], None]) -> None:
        """An update to run after all rows are there."""
        self._updates.append(update)

    def flush(self, session: Session) -> None:
        """Write everything, in as few statements as there are tables."""
        for table in _ORDER:
            if missing := self._missing[table]:
                session.execute(insert_missing(session, table), list(missing.values()))
            if new := self._new[table]:
                session.execute(insert_new(table), list(new))
        for update in self._updates:
            update(session)
