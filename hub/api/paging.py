"""Keyset pagination: a page starts after the row that the cursor names, however many rows come before it."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query
from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from hub.api.schemas import Page
from hub.errors import Unprocessable

Limit = Annotated[int, Query(ge=1, le=200, description="Most items on the page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before.")]
DEFAULT_LIMIT = 50
R = TypeVar("R")
T = TypeVar("T")
K = TypeVar("K", UUID, int)


def page(
    session: Session,
    query: Select[*tuple[Any, ...]],
    *,
    at: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[K],
    limit: int,
    cursor: str | None,
    show: Callable[[Any], T],
    position: Callable[[Any], tuple[datetime, K]],
) -> Page[T]:
    """The newest rows first, or those after the cursor.

    Args:
        session: where to read.
        query: rows to page through, unordered.
        at: moment that orders the rows.
        key: tells apart rows of one moment.
        limit: most rows.
        cursor: where the last page ended.
        show: row to output.
        position: row to its moment and key.
    """
    if cursor is not None:
        after_at, after_key = _decode(cursor, key)
        query = query.where(tuple_(at, key) < tuple_(literal(after_at, at.type), literal(after_key, key.type)))
    rows: Sequence[Any] = session.execute(query.order_by(at.desc(), key.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    shown = rows[:limit]
    return Page(items=[show(row) for row in shown], next=_encode(*position(shown[-1])) if more else None)


def _encode(at: datetime, key: UUID | int) -> str:
    text = json.dumps([at.isoformat(), key if isinstance(key, int) else str(key)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, key: InstrumentedAttribute[Any]) -> tuple[datetime, UUID | int]:
    try:
        at, value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at).astimezone(UTC)
        if key.type.python_type is int:
            return moment, int(value) % 2**63
        return moment, UUID(value)
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError):
        raise Unprocessable("query.cursor: not a cursor of this list") from None
