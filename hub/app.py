"""The hub's composition root: builds every part in the application's lifespan and takes it down again."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.api import analyses, appointments, description, fleet, images, login, operations, patients, problem
from hub.api.deps import Services
from hub.broker import EmbeddedBroker
from hub.bus import Bus
from hub.config import HubSettings
from hub.db.engine import Database, open_database
from hub.db.upgrade import upgrade
from hub.errors import StartFailed, StorageFull
from hub.ingest.link import MqttLink
from hub.ingest.worker import IngestWorker
from hub.metrics import HubMetrics
from hub.records.folder_image_store import FolderImageStore
from hub.records.images import ImageStore
from hub.scheduler.specialists import ensure_demo_specialist
from hub.security import AccessList, BrowserSessions
from hub.web import routes as portal

_KEEP_UNFINISHED_S = 30 * 24 * 3600
_QUEUED_BATCHES = 4


def create_app(
    settings: HubSettings, *, parts: Callable[[HubSettings], AbstractContextManager[Services]] | None = None
) -> FastAPI:
    """The hub's web application; its parts, `running_services` by default, start and stop with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (parts or running_services)(settings) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="DermaKiosk hub",
        description="Records of skin-lesion kiosks. Every error is a problem detail (RFC 9457) with a remedy.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    problem.install(app)
    for resource in (operations, login, description, patients, analyses, images, fleet, appointments, portal):
        app.include_router(resource.router)
    return app


@contextmanager
def running_services(settings: HubSettings) -> Iterator[Services]:
    """Every part of the hub, started; stopped in reverse at the end.

    Raises:
        HubError: a part that the hub cannot do without did not start.
    """
    with ExitStack() as stack:
        store = _image_store(settings)
        database = open_database(settings.database)
        stack.callback(database.close)
        upgrade(database.engine)
        if settings.environment == "demo":
            _seed_demo(database)
        bus = Bus()
        metrics = HubMetrics()
        if settings.broker.host is None:
            broker = EmbeddedBroker(settings.broker.embedded_port)
            broker.start()
            stack.callback(broker.stop)
        link = MqttLink(
            settings, client_id=settings.client_id, queue_length=_QUEUED_BATCHES * settings.ingest.batch_size
        )
        worker = IngestWorker(link=link, database=database, settings=settings.ingest, bus=bus, metrics=metrics)
        # In reverse, the worker finishes and tells of its batch before the link goes.
        stack.callback(link.stop)
        worker.start()
        stack.callback(worker.stop)
        link.start()
        stack.callback(bus.close)
        yield Services(
            settings=settings,
            database=database,
            images=store,
            bus=bus,
            metrics=metrics,
            access=AccessList(settings.access),
            browsers=BrowserSessions(),
            checks={
                "database": lambda: _database_fault(database),
                "broker": lambda: None if link.connected else "not connected to the broker",
                "ingest": worker.fault,
                "disk": lambda: _disk_fault(store),
            },
        )


def _seed_demo(database: Database) -> None:
    with database.writing() as session:
        ensure_demo_specialist(session, now=datetime.now(UTC))
        session.commit()


def _image_store(settings: HubSettings) -> FolderImageStore:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        store = FolderImageStore(settings.data_dir / "images", settings.images)
    except OSError as error:
        raise StartFailed(f"the data folder {settings.data_dir} cannot be used: {error.strerror}") from None
    store.discard_unfinished(older_than_s=_KEEP_UNFINISHED_S)
    return store


def _database_fault(database: Database) -> str | None:
    try:
        with database.reading() as session:
            session.execute(text("SELECT 1"))
    except DBAPIError as error:
        return f"the database does not answer: {type(error.orig).__name__}"
    return None


def _disk_fault(store: ImageStore) -> str | None:
    try:
        store.check_room(0)
    except StorageFull as error:
        return str(error)
    return None
