"""What the hub counts for Prometheus. No label ever names a patient."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)


class HubMetrics:
    """The metrics of one hub, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter(
            "derma_hub_events",
            "Events by type and outcome (stored, duplicate, failed).",
            ("type", "outcome"),
            registry=self.registry,
        )
        self.quarantined = Counter(
            "derma_hub_quarantined", "Messages put in quarantine, by error code.", ("code",), registry=self.registry
        )
        self.batch_messages = Histogram(
            "derma_hub_batch_messages", "Messages in a transaction.", buckets=_BATCH_BUCKETS, registry=self.registry
        )
        self.commit_seconds = Histogram(
            "derma_hub_commit_seconds", "Time of a batch's transaction, commit included.", registry=self.registry
        )
        self.database_failures = Counter(
            "derma_hub_database_failures",
            "Batches that the database refused and that were tried again.",
            registry=self.registry,
        )
        self.receipts = Counter("derma_hub_receipts", "Receipts published.", registry=self.registry)
        self.replays = Counter("derma_hub_replays", "Replays asked of kiosks.", registry=self.registry)
        self.commands_answered = Counter(
            "derma_hub_commands_answered", "Kiosks' answers to commands.", ("outcome",), registry=self.registry
        )
        self.images_stored = Counter("derma_hub_images_stored", "Images stored whole.", registry=self.registry)
        self.image_bytes = Counter("derma_hub_image_bytes", "Bytes of uploads taken in.", registry=self.registry)
        self.kiosks_online = Gauge("derma_hub_kiosks_online", "Kiosks online and not silent.", registry=self.registry)
        self.broker_connected = Gauge(
            "derma_hub_broker_connected", "1 while the hub is connected to its broker.", registry=self.registry
        )

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
