"""The hub's composition root: builds every part in the application's lifespan and takes it down again."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hub.api import (
    analyses,
    appointments,
    description,
    fleet,
    identity_admin,
    images,
    kiosk_identity,
    login,
    operations,
    patients,
    problem,
    staff_account,
    staff_members,
    staff_sign_in,
)
from hub.api.deps import Services
from hub.broker import EmbeddedBroker
from hub.bus import Bus
from hub.config import HubSettings
from hub.db.engine import Database, open_database
from hub.db.identity_tables import StoredCredential
from hub.db.upgrade import upgrade
from hub.errors import StartFailed, StorageFull
from hub.identity.errors import IdentityKeysUnusable
from hub.identity.hub_keys import HubKeys, create_key_file
from hub.identity.worker import IdentityWorker
from hub.ingest.link import MqttLink
from hub.ingest.worker import IngestWorker
from hub.messages.channel import Channel
from hub.messages.postman import Postman
from hub.messages.sms_channel import SmsChannel
from hub.messages.smtp_channel import SmtpChannel
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
    for resource in (
        operations,
        login,
        description,
        patients,
        analyses,
        images,
        fleet,
        appointments,
        kiosk_identity,
        identity_admin,
        staff_sign_in,
        staff_account,
        staff_members,
        portal,
    ):
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
        keys = _identity_keys(settings, database)
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
        identity = IdentityWorker(
            database, keys=keys, settings=settings.identity, publisher=link, clock=partial(datetime.now, UTC)
        )
        identity.start()
        stack.callback(identity.stop)
        stack.enter_context(_postman(settings, database, keys))
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
            identity_keys=keys,
            checks={
                "database": lambda: _database_fault(database),
                "broker": lambda: None if link.connected else "not connected to the broker",
                "ingest": worker.fault,
                "identity": identity.fault,
                "disk": lambda: _disk_fault(store),
            },
        )


def _seed_demo(database: Database) -> None:
    with database.writing() as session:
        ensure_demo_specialist(session, now=datetime.now(UTC))
        session.commit()


def _identity_keys(settings: HubSettings, database: Database) -> HubKeys:
    path = settings.identity_key_file
    if not path.exists():
        with database.reading() as session:
            if session.scalar(select(StoredCredential.patient_id).limit(1)) is not None:
                # New keys would open none of the records, and hide that the right ones are gone.
                raise IdentityKeysUnusable(f"the key file {path} is missing, and there are records sealed with it")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_key_file(path)
        except OSError as error:
            raise StartFailed(f"the identity key file {path} cannot be written: {error.strerror}") from None
    return HubKeys.open_file(path)


@contextmanager
def _postman(settings: HubSettings, database: Database, keys: HubKeys) -> Iterator[None]:
    clock = partial(datetime.now, UTC)
    with ExitStack() as stack:
        channels: dict[str, Channel] = {}
        if settings.mail.host is not None:
            channels["email"] = SmtpChannel(settings.mail, clock=clock)
        if settings.sms.url is not None:
            channels["sms"] = sms = SmsChannel(settings.sms)
            stack.callback(sms.close)
        postman = Postman(database, sealer=keys, channels=channels, clock=clock)
        postman.start()
        stack.callback(postman.stop)
        yield


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
