"""What Prometheus reads from the kiosk. No patient and no image is a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from edge.bus import AnalysisSaved, Bus, CaptureWasRefused, EventSaved, EventsPublished, LinkChanged, ReceiptArrived
from edge.uplink.outbox import Outbox


class Metrics:
    """Listens on the bus, and asks the outbox when it is read."""

    def __init__(self, *, bus: Bus, outbox: Outbox) -> None:
        self._registry = CollectorRegistry()
        self._outbox = outbox
        events = Counter("derma_kiosk_events_saved", "Events saved in the outbox", ["type"], registry=self._registry)
        published = Counter("derma_kiosk_events_published", "Events handed to the broker", registry=self._registry)
        receipts = Counter("derma_kiosk_receipts", "Events the hub answered", ["outcome"], registry=self._registry)
        analyses = Counter("derma_kiosk_analyses", "Analyses saved", ["tier"], registry=self._registry)
        refusals = Counter("derma_kiosk_refusals", "Captures refused", ["fault"], registry=self._registry)
        stages = Histogram("derma_kiosk_stage_seconds", "Time by stage", ["stage"], registry=self._registry)
        connected = Gauge("derma_kiosk_broker_connected", "1 while connected", registry=self._registry)
        failures = Gauge("derma_kiosk_bus_failures", "Handlers that failed", registry=self._registry)
        self._backlog = Gauge("derma_kiosk_outbox_pending", "Not confirmed", ["kind"], registry=self._registry)
        failures.set_function(lambda: bus.failures)

        def observe(event: AnalysisSaved) -> None:
            analyses.labels(event.tier).inc()
            for stage, milliseconds in event.stage_ms.items():
                stages.labels(stage).observe(milliseconds / 1000)

        def count_faults(event: CaptureWasRefused) -> None:
            for fault in event.faults:
                refusals.labels(fault).inc()

        def count_receipt(event: ReceiptArrived) -> None:
            receipts.labels("stored").inc(event.stored)
            receipts.labels("rejected").inc(event.rejected)

        bus.subscribe(EventSaved, lambda event: events.labels(event.type).inc())
        bus.subscribe(EventsPublished, lambda event: published.inc(event.count))
        bus.subscribe(AnalysisSaved, observe)
        bus.subscribe(CaptureWasRefused, count_faults)
        bus.subscribe(ReceiptArrived, count_receipt)
        bus.subscribe(LinkChanged, lambda event: connected.set(int(event.connected)))

    def render(self) -> bytes:
        """Prometheus text format."""
        backlog = self._outbox.backlog()
        self._backlog.labels("events").set(backlog.messages)
        self._backlog.labels("images").set(backlog.images)
        self._backlog.labels("rejected").set(backlog.rejected)
        return generate_latest(self._registry)
