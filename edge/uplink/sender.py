"""Moves saved events to the hub until each has its receipt, and obeys the hub's commands."""

import logging
import queue
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from edge.bus import Bus, EventSaved, EventsPublished, ReceiptArrived
from edge.clock import Clock
from edge.uplink.backoff import delay_s
from edge.uplink.identity_orders import IdentityCommand, IdentityOrders
from edge.uplink.link import Arrived, Connected, Link
from edge.uplink.outbox import Outbox
from edge.uplink.presence import Presence
from protocol import codec
from protocol.commands import AdvanceBackupWatermark, ReplayEvents
from protocol.envelope import CommandEnvelope, Receipt
from protocol.errors import ProtocolError
from protocol.events import CommandAnswered

log = logging.getLogger(__name__)
_WINDOW = 100
_RESEND_CAP_S = 300.0
_LONGEST_WAIT_S = 1.0
_PRUNE_INTERVAL_S = 3600.0


@dataclass(frozen=True)
class SendingRules:
    """Times and limits of sending and keeping."""

    receipt_timeout_s: float
    heartbeat_s: float
    keep: timedelta
    quota_bytes: int


@dataclass
class _Attempt:
    resend_at_s: float
    failures: int


class Sender:
    """One thread: publishes the oldest unreceipted events, hears receipts and commands, beats the heart.

    An event that gets no receipt is sent again after `receipt_timeout_s`, doubling with jitter: receipts get lost,
    and a broker's word proves nothing.
    """

    def __init__(
        self, *, outbox: Outbox, link: Link, presence: Presence, clock: Clock, bus: Bus, rules: SendingRules,
        identity: IdentityOrders | None = None,
    ) -> None:  # fmt: skip
        self._outbox = outbox
        self._link = link
        self._presence = presence
        self._clock = clock
        self._bus = bus
        self._rules = rules
        self._identity = identity
        self._attempts: dict[int, _Attempt] = {}
        self._next_beat_s = 0.0
        self._next_prune_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        bus.subscribe(EventSaved, lambda _: link.wake())

    def start(self) -> None:
        """Begin connecting and sending."""
        self._thread.start()
        self._link.start()

    def stop(self) -> None:
        """Say goodbye and end; what is unsent stays saved."""
        self._stopping.set()
        self._link.wake()
        self._thread.join()
        self._link.stop(farewell=self._presence.state(online=False, reason="shutdown"))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
                self._publish_due()
                self._do_periodic_work()
            except Exception:
                # Whatever fails here, a full disk included, saved events must go on leaving the kiosk.
                log.exception("the sender stumbled and goes on")
                self._stopping.wait(_LONGEST_WAIT_S)

    def _hear(self) -> None:
        """Wait for something to do, then take all that is there."""
        try:
            item = self._link.inbox.get(timeout=_LONGEST_WAIT_S)
            while True:
                if isinstance(item, Connected):
                    self._attempts.clear()
                    self._link.publish("state", self._presence.state(online=True, reason="birth"))
                elif isinstance(item, Arrived):
                    self._accept(item)
                item = self._link.inbox.get_nowait()
        except queue.Empty:
            return

    def _accept(self, item: Arrived) -> None:
        try:
            if item.name == "receipt":
                self._accept_receipt(codec.decode(item.payload, Receipt))
            elif item.name == "command":
                self._obey(codec.decode_command(item.payload))
        except ProtocolError as error:
            log.warning("ignored a %s from the hub: %s", item.name, error.code)

    def _accept_receipt(self, receipt: Receipt) -> None:
        self._outbox.mark_delivered(receipt.stored)
        for rejection in receipt.rejected:
            log.error("the hub put event %s in quarantine: %s", rejection.message_id, rejection.code)
            self._outbox.mark_rejected(rejection.message_id, rejection.code)
        self._bus.publish(ReceiptArrived(len(receipt.stored), len(receipt.rejected)))

    def _obey(self, command: CommandEnvelope[Any]) -> None:
        order = command.payload
        answer = CommandAnswered(command_id=command.message_id, outcome="done")
        if command.expires_at < self._clock.now():
            answer = CommandAnswered(command_id=command.message_id, outcome="expired")
        elif isinstance(order, ReplayEvents):
            complete = self._outbox.replay(from_sequence=order.from_sequence, to_sequence=order.to_sequence)
            self._attempts.clear()
            if not complete:
                answer = CommandAnswered(command_id=command.message_id, outcome="done", detail="partly-pruned")
        elif isinstance(order, AdvanceBackupWatermark):
            self._outbox.advance_watermark(order.through_sequence)
            self._next_prune_s = 0.0
        elif isinstance(order, IdentityCommand):
            if self._identity is not None:
                self._identity.obey(command)  # which saves the answer with what it does
                return
            answer = CommandAnswered(command_id=command.message_id, outcome="refused", detail="no-identity-here")
        self._outbox.save(answer)

    def _publish_due(self) -> None:
        if not self._link.connected:
            return
        now_s = self._clock.monotonic_s()
        pending = self._outbox.pending(limit=_WINDOW)
        self._attempts = {m.sequence: self._attempts[m.sequence] for m in pending if m.sequence in self._attempts}
        published = 0
        for message in pending:
            attempt = self._attempts.get(message.sequence)
            if attempt is not None and now_s < attempt.resend_at_s:
                continue
            if not self._link.publish("event", message.body, type=message.type):
                break
            published += 1
            failures = 0 if attempt is None else attempt.failures + 1
            wait_s = self._rules.receipt_timeout_s + delay_s(
                failures, base_s=self._rules.receipt_timeout_s, cap_s=_RESEND_CAP_S
            )
            self._attempts[message.sequence] = _Attempt(now_s + wait_s, failures)
        if published:
            self._bus.publish(EventsPublished(published))

    def _do_periodic_work(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s >= self._next_beat_s and self._link.connected:
            self._link.publish("heartbeat", self._presence.heartbeat())
            self._next_beat_s = now_s + self._rules.heartbeat_s
        if now_s >= self._next_prune_s:
            self._outbox.prune(keep=self._rules.keep, quota_bytes=self._rules.quota_bytes)
            self._next_prune_s = now_s + _PRUNE_INTERVAL_S
