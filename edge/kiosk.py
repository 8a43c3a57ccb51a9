"""The composition root: the one place that picks adapters and starts threads."""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from edge import visit_rows
from edge.auth import accounts as accounts_module
from edge.auth.registry import load_face_encoder
from edge.auth.vault import Vault, create_key_file
from edge.bus import Bus
from edge.camera_slot import CameraSlot
from edge.capture.camera import Camera
from edge.capture.registry import open_camera
from edge.clock import Clock, SystemClock
from edge.config import EdgeSettings
from edge.errors import EdgeError, SimulatedInClinic
from edge.examination import Examination
from edge.identity import attempts as attempts_module
from edge.identity_parts import Surroundings, wire_identity
from edge.inference.classifier import Classifier
from edge.inference.installed_model import InstalledModel, open_installed
from edge.inference.model_package import ModelPackageMissing, Task
from edge.inference.package_signature import SignatureState
from edge.inference.package_slots import Place, RolledBack
from edge.inference.rules import load_rules
from edge.metrics import Metrics
from edge.storage import Storage
from edge.store import Store
from edge.uplink import credential_queue as credential_queue_module
from edge.uplink import outbox as outbox_module
from edge.uplink.image_spool import ImageSpool
from edge.uplink.image_upload import ImageUpload
from edge.uplink.link import Link
from edge.uplink.outbox import Outbox
from edge.uplink.presence import Presence
from edge.uplink.sender import Sender, SendingRules
from edge.visit import Journey, NobodySignedIn

log = logging.getLogger(__name__)

MIGRATIONS = (
    outbox_module.MIGRATIONS + visit_rows.MIGRATIONS + accounts_module.MIGRATIONS,
    accounts_module.BIRTH_DATE,
    accounts_module.IDENTITY + credential_queue_module.MIGRATIONS + attempts_module.MIGRATIONS,
)
"""Schema versions of the kiosk's database, oldest first; released ones never change."""

DATABASE = "kiosk.db"
IMAGES = "images"
VAULT_KEY = "vault.key"
"""Names in the data folder."""


@dataclass(frozen=True)
class ModelInUse:
    """What a technician wants to know of the model: who vouches for it, and which one failed before it."""

    name: str
    version: str
    sha256: str
    signature: SignatureState
    place: Place
    given_up: RolledBack | None


class Kiosk:
    """Everything that runs on one kiosk, wired by its settings."""

    def __init__(self, settings: EdgeSettings, *, clock: Clock | None = None) -> None:
        """Build all parts and start none.

        Raises:
            EdgeError: a part cannot be built as configured; its message names it, its remedy says what to do.
        """
        self.settings = settings
        clock = clock or SystemClock()
        site, kiosk, data_dir = settings.site, settings.kiosk, settings.data_dir
        clinic = settings.environment == "clinic"
        dermoscope = CameraSlot(partial(_open_camera, settings.capture.dermoscope, clinic=clinic))
        simulated = dermoscope.is_simulated()
        face_camera = _face_camera(settings)
        encoder = load_face_encoder(settings.identity.face_encoder) if face_camera else None
        # The vault first: it makes the data folder, for nobody else to read.
        vault = _vault(data_dir)
        installed = _model(settings, "skin-lesion")
        package = installed.model.package
        self.model = ModelInUse(
            name=package.manifest.name,
            version=package.manifest.version,
            sha256=package.sha256,
            signature=package.signature,
            place=installed.slots.active,
            given_up=installed.slots.rolled_back,
        )
        self.bus = Bus()
        lock = threading.RLock()
        self._store = Store(data_dir / DATABASE, MIGRATIONS)
        spool = ImageSpool(data_dir / IMAGES)
        self.outbox = Outbox(
            store=self._store, spool=spool, clock=clock, bus=self.bus, site=site, kiosk=kiosk, vault=vault
        )
        storage = Storage(self._store, spool, self.outbox, data_dir, settings.uplink.reserve_bytes)
        self.storage = storage
        self.journey = Journey(clock=clock, idle_s=settings.screen.idle_s)
        scalp = open_installed(settings, "scalp")
        manifests = [each.model.package.manifest for each in (installed, scalp) if each is not None]
        self.simulated = simulated or any(manifest.simulation_only for manifest in manifests)
        self._classifiers: dict[Task, Classifier] = {"skin-lesion": installed.model.classifier}
        if scalp is not None:
            self._classifiers["scalp"] = scalp.model.classifier
        self.examination = Examination(
            journey=self.journey, lock=lock, camera=dermoscope, classifiers=self._classifiers,
            rules=load_rules(), storage=storage, clock=clock, bus=self.bus,
        )  # fmt: skip
        identity = wire_identity(
            Surroundings(settings, storage, self.journey, lock, clock, self.bus, vault),
            camera=face_camera, encoder=encoder,
        )  # fmt: skip
        self.reception, self.session_watch, self._identity = identity.reception, identity.watch, identity
        identity.sessions.on_end(dermoscope.forget)
        self.presence = Presence(
            outbox=self.outbox, clock=clock, data_dir=data_dir, site=site, kiosk=kiosk,
            model_sha256=package.sha256, simulated=self.simulated,
        )  # fmt: skip
        self.link = Link(settings.broker, site=site, kiosk=kiosk, bus=self.bus, will=self.presence.will)
        rules = SendingRules(
            receipt_timeout_s=settings.uplink.receipt_timeout_s,
            heartbeat_s=settings.uplink.heartbeat_s,
            keep=timedelta(days=settings.uplink.keep_days),
            quota_bytes=settings.uplink.quota_bytes,
        )
        self._sender = Sender(
            outbox=self.outbox, link=self.link, presence=self.presence, clock=clock, bus=self.bus, rules=rules,
            identity=identity.orders,
        )  # fmt: skip
        self._image_upload = ImageUpload(outbox=self.outbox, hub=settings.hub, bus=self.bus)
        self.metrics = Metrics(bus=self.bus, outbox=self.outbox)
        self._cameras = [dermoscope, *([face_camera] if face_camera else [])]

    def start(self) -> None:
        """Warm the network up and start the threads; broker and hub may be away."""
        for classifier in self._classifiers.values():
            classifier.warm_up()
        self._sender.start()
        self._image_upload.start()
        self._identity.queue.start()
        self.session_watch.start()

    def stop(self) -> None:
        """End the visit, if any, say goodbye to the hub and let everything go."""
        self.session_watch.stop()
        try:
            self.reception.end("idle")
        except NobodySignedIn:
            pass
        except EdgeError as error:
            log.exception("the last visit's end was not saved: %s", error.code)
        self.reception.forget()
        self._sender.stop()
        self._image_upload.stop()
        self._identity.queue.stop()
        self._identity.close()
        for camera in self._cameras:
            camera.close()
        for classifier in self._classifiers.values():
            classifier.close()
        self._store.close()


def _model(settings: EdgeSettings, task: Task) -> InstalledModel:
    installed = open_installed(settings, task)
    if installed is None:
        raise ModelPackageMissing(f"no model package for {task} is installed")
    manifest, signature = installed.model.package.manifest, installed.model.package.signature
    log.info("model %s %s from place %s", manifest.name, manifest.version, installed.slots.active)
    if signature != "verified":
        log.warning("nobody who is trusted vouches for model %s: %s", manifest.name, signature)
    if installed.slots.rolled_back is not None:
        log.warning("a newer model was given up: %r", installed.slots.rolled_back)
    return installed


def _open_camera(uri: str, *, clinic: bool) -> Camera:
    # At each opening, not only at start: a simulated camera that was away at start is refused when it comes.
    camera = open_camera(uri)
    if clinic and camera.simulated:
        camera.close()
        raise SimulatedInClinic(f"the camera {camera.name} only simulates")
    return camera


def _face_camera(settings: EdgeSettings) -> CameraSlot | None:
    uri = settings.capture.face_camera
    if uri is None:
        return None
    clinic = settings.environment == "clinic"
    if clinic and uri.startswith("folder:"):
        raise SimulatedInClinic("a folder of pictures cannot say whose face is before the kiosk")
    camera = CameraSlot(partial(_open_camera, uri, clinic=clinic))
    camera.is_simulated()
    return camera


def _vault(data_dir: Path) -> Vault:
    path = data_dir / VAULT_KEY
    # A new key beside an old database could open nothing in it, and would hide that the right one is gone.
    if not path.exists() and not (data_dir / DATABASE).exists():
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_key_file(path)
    return Vault.open_file(path)
