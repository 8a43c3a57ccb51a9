"""The ingest thread: record a batch, then acknowledge, then receipt. What the database refuses is tried again."""

import logging
import random
import threading
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter

from sqlalchemy.exc import DBAPIError

from hub.bus import AnalysisStored, Bus
from hub.config import IngestSettings
from hub.db.engine import Database
from hub.ingest.gaps import GapWatch
from hub.ingest.link import Link
from hub.ingest.messages import Delivery, Fact
from hub.ingest.receipts import receipts
from hub.ingest.recorder import Recorded, Recorder
from hub.metrics import HubMetrics
from protocol import codec, topics
from protocol.commands import ReplayEvents
from protocol.envelope import CommandEnvelope
from protocol.events import AnalysisCompleted, CommandAnswered

_log = logging.getLogger(__name__)
_IDLE_S = 0.25
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 10.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class IngestWorker:
    """Drains the link until stopped."""

    def __init__(
        self,
        *,
        link: Link,
        database: Database,
        settings: IngestSettings,
        bus: Bus,
        metrics: HubMetrics,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._link = link
        self._settings = settings
        self._bus = bus
        self._metrics = metrics
        self._clock = clock
        self._recorder = Recorder(database)
        self._gaps = GapWatch(database, settings, send=self._send)
        self._stopping = threading.Event()
        self._failing: str | None = None
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand; one that the database refuses is left to the broker and the kiosks."""
        self._stopping.set()
        self._thread.join()

    def fault(self) -> str | None:
        """What keeps messages from being stored, or None."""
        return self._failing if self._thread.is_alive() else "the ingest thread is not running"

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._gaps.run_due(now=self._clock())
            except DBAPIError as error:
                _log.warning("gaps were not looked for: %s", _describe(error))
            batch = self._link.receive(
                most=self._settings.batch_size, wait_s=_IDLE_S, fill_s=self._settings.batch_wait_ms / 1000
            )
            if batch:
                self._settle(batch)

    def _settle(self, batch: Sequence[Delivery]) -> None:
        delay_s = _FIRST_RETRY_S
        while True:
            try:
                committed = self._record(batch)
                break
            except DBAPIError as error:
                self._failing = f"the database refuses messages: {_describe(error)}"
                self._metrics.database_failures.inc()
                _log.warning("%d messages wait: %s", len(batch), self._failing)
            if self._stopping.wait(delay_s * random.uniform(0.5, 1.5)):  # noqa: S311 jitter needs no secrecy
                return
            delay_s = min(delay_s * 2, _LONGEST_RETRY_S)
        self._failing = None
        for delivery in batch:
            self._link.acknowledge(delivery)
        for recorded in committed:
            self._tell(recorded)

    def _record(self, batch: Sequence[Delivery]) -> list[Recorded]:
        started = perf_counter()
        try:
            recorded = self._recorder.record(batch, now=self._clock())
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 a fault of ours must not hold up every kiosk
            _log.error("a batch of %d messages met a fault: %s", len(batch), _describe(error))
            if len(batch) == 1:
                self._metrics.events.labels(type="unknown", outcome="failed").inc()
                return []
            return [recorded for delivery in batch for recorded in self._record([delivery])]
        self._metrics.commit_seconds.observe(perf_counter() - started)
        self._metrics.batch_messages.observe(len(batch))
        return [recorded]

    def _tell(self, recorded: Recorded) -> None:
        now = self._clock()
        for receipt in receipts(recorded, now=now):
            row = topics.TOPICS["receipt"]
            topic = topics.build(row.name, site=receipt.site, kiosk=receipt.kiosk)
            if self._link.publish(topic, codec.encode(receipt), qos=row.qos):
                self._metrics.receipts.inc()
        for fact in recorded.stored:
            self._announce(fact)
        for outcome, facts in (("stored", recorded.stored), ("duplicate", recorded.duplicates)):
            for fact in facts:
                self._metrics.events.labels(type=fact.envelope.type, outcome=outcome).inc()
        for refused in recorded.quarantined:
            _log.warning("quarantined a message from %s: %s", refused.kiosk or "an unknown sender", refused.code)
            self._metrics.quarantined.labels(code=refused.code).inc()
        self._gaps.greet(recorded.born, now=now)
        self._gaps.suspect(recorded.suspicious, now=now)

    def _announce(self, fact: Fact) -> None:
        event = fact.envelope.payload
        if isinstance(event, AnalysisCompleted):
            self._bus.publish(
                AnalysisStored(
                    analysis_id=event.analysis_id,
                    patient_id=event.patient_id,
                    site=fact.kiosk.site,
                    kiosk=fact.kiosk.kiosk,
                    tier=event.assessment.tier.value,
                )
            )
        elif isinstance(event, CommandAnswered):
            _log.info("%s answered command %s: %s", "/".join(fact.kiosk), event.command_id, event.outcome)
            self._metrics.commands_answered.labels(outcome=event.outcome).inc()

    def _send(self, command: CommandEnvelope[ReplayEvents]) -> None:
        row = topics.TOPICS["command"]
        topic = topics.build(row.name, site=command.site, kiosk=command.kiosk, type=command.type)
        if self._link.publish(topic, codec.encode(command), qos=row.qos):
            _log.info(
                "asked %s/%s for events %d to %d again",
                command.site,
                command.kiosk,
                command.payload.from_sequence,
                command.payload.to_sequence,
            )
            self._metrics.replays.inc()


def _describe(error: Exception) -> str:
    """Kind and place of an error; its text may hold data that must not be logged."""
    # SQLite drops the whole transaction when the disk is full; the rollback then fails too, and hides the reason.
    while isinstance(error.__context__, DBAPIError):
        error = error.__context__
    if isinstance(error, DBAPIError):
        return f"{type(error.orig).__name__}: {error.orig}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.name}:{frame.lineno}"
