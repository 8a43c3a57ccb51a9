"""Server-sent events that tell an open results page what to fetch; they carry ids, never a patient's data."""

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from hub.api.deps import Services
from hub.bus import AnalysisStored, BusClosed, HubEvent, ImageStored
from hub.web.results import newest_id

RETRY_MS = 2_000


async def live_events(running: Services) -> AsyncIterator[ServerSentEvent]:
    """First the newest result's id, so that a page notices what it missed; then news as it is committed."""
    with running.bus.subscribe() as news:
        newest = await run_in_threadpool(_newest, running)
        yield ServerSentEvent(event="hello", data={"newest": newest}, retry=RETRY_MS)
        try:
            while True:
                event = await news.next()
                if event is not None:
                    yield _sse(event)
        except BusClosed:
            return


def _newest(running: Services) -> UUID | None:
    with running.database.reading() as session:
        return newest_id(session)


def _sse(event: HubEvent) -> ServerSentEvent:
    match event:
        case AnalysisStored():
            return ServerSentEvent(event="analysis", data={"analysis_id": event.analysis_id, "tier": event.tier})
        case ImageStored():
            return ServerSentEvent(event="image", data={"sha256": event.sha256})
        case _:
            return ServerSentEvent(event="missed", data={})
