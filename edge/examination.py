"""One capture, from the camera to "saved": quality gate, classification, triage, heat map, outbox."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from threading import RLock
from typing import TypeVar
from uuid import UUID, uuid4

from edge import visit_rows
from edge.bus import AnalysisSaved, Bus, CaptureWasRefused
from edge.camera_slot import CameraSlot
from edge.capture.camera import Frame
from edge.capture.encoded_image import inspect
from edge.capture.quality import QualityReport, assess
from edge.clock import Clock
from edge.inference.classifier import Classifier
from edge.inference.explain import overlay, shrink
from edge.inference.model_package import ModelManifest
from edge.inference.preprocess import decode_image
from edge.inference.triage import triage
from edge.storage import Storage
from edge.store import StorageFailed, StorageFull
from edge.visit import Journey, Visit, VisitState
from protocol.events import (
    AnalysisCompleted,
    BodySite,
    CaptureDevice,
    CaptureRefused,
    ImageReference,
    Lesion,
    ModelReference,
)

V = TypeVar("V")


@dataclass(frozen=True)
class Saved:
    """An analysis that is safe on this kiosk's disk; the screen may say so."""

    message_id: UUID
    analysis: AnalysisCompleted


@dataclass(frozen=True)
class Refused:
    """A capture that the quality gate refused; that too is safe on the disk."""

    message_id: UUID
    refusal: CaptureRefused


class Stopwatch:
    """Times named stages of one capture, in milliseconds of real time."""

    def __init__(self) -> None:
        self.stage_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under this name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stage_ms[name] = round((time.perf_counter() - started) * 1000, 3)


class Examination:
    """Takes and assesses captures for the current visit."""

    def __init__(
        self, *, journey: Journey, lock: RLock, camera: CameraSlot, classifier: Classifier, storage: Storage,
        clock: Clock, bus: Bus,
    ) -> None:  # fmt: skip
        self._journey = journey
        self._lock = lock
        self._camera = camera
        self._classifier = classifier
        self._storage = storage
        self._clock = clock
        self._bus = bus
        self._previous_sha256: str | None = None

    def capture(self, *, body_site: BodySite, lesion_id: UUID | None = None) -> Saved | Refused:
        """Photograph one lesion and assess it; returns only once the outcome is saved.

        Raises:
            NobodySignedIn, StepNotPossible: not now.
            CameraError, ImageRefused: no usable frame; nothing was saved, try again.
            StorageFull, StorageFailed: nothing was saved, and the patient must be told so.
        """
        with self._lock:
            visit = self._journey.visit
            self._storage.require_room()
            self._journey.move(VisitState.CAPTURING)
        written: list[str] = []
        try:
            outcome = self._examine(visit, body_site=body_site, lesion_id=lesion_id or uuid4(), written=written)
        except BaseException:
            with suppress(StorageFull, StorageFailed):
                self._storage.outbox.discard(written)
            with self._lock:
                self._journey.move(VisitState.READY)
            raise
        with self._lock:
            self._journey.move(VisitState.SAVED if isinstance(outcome, Saved) else VisitState.REFUSED)
        return outcome

    def preview(self) -> bytes:
        """A small JPEG of what the dermoscope sees now."""
        with self._lock:
            self._journey.visit  # noqa: B018 raises when nobody is signed in
        return self._camera.preview()

    def _examine(self, visit: Visit, *, body_site: BodySite, lesion_id: UUID, written: list[str]) -> Saved | Refused:
        watch = Stopwatch()
        with watch.stage("capture"):
            frame = self._camera.capture()
        with watch.stage("decode"):
            rgb = decode_image(frame.data)
        with watch.stage("quality"):
            # Made once for the gate and the heat map: making it costs more than either of them.
            small = shrink(rgb)
            report = assess(small, previous_sha256=self._previous_sha256, sha256=frame.sha256)
        self._previous_sha256 = frame.sha256
        if not report.accepted:
            return self._refuse(visit, frame, report)
        prediction = self._classifier.classify(rgb)
        watch.stage_ms |= {name: round(value, 3) for name, value in prediction.stage_ms.items()}
        with watch.stage("explain"):
            heat_map = overlay(small, prediction.cam)
        now = self._clock.now()
        assessment = triage(prediction, self._classifier.manifest.thresholds, simulated=frame.simulated, now=now)
        with watch.stage("store-images"):
            written.append(frame.sha256)
            image = self._keep(frame.data, media_type=frame.media_type, size_px=(frame.width_px, frame.height_px))
            written.append(sha256(heat_map).hexdigest())
            header = inspect(heat_map)
            shown = self._keep(heat_map, media_type=header.media_type, size_px=(header.width_px, header.height_px))
        analysis = AnalysisCompleted(
            analysis_id=uuid4(),
            visit_id=visit.visit_id,
            patient_id=visit.patient_id,
            lesion=Lesion(lesion_id=lesion_id, body_site=body_site),
            captured_at=frame.captured_at,
            image=image,
            heat_map=shown,
            device=_device(frame),
            quality=_measures(report),
            model=_model_reference(self._classifier.manifest, prediction.model_sha256),
            probabilities=prediction.probabilities,
            malignant=prediction.malignant,
            out_of_distribution=prediction.ood_score,
            assessment=assessment,
            simulated=frame.simulated,
            stage_ms=dict(watch.stage_ms),
        )
        return self._save(visit, analysis, watch)

    def _keep(self, data: bytes, *, media_type: str, size_px: tuple[int, int]) -> ImageReference:
        return ImageReference.model_validate(
            {
                "sha256": self._storage.spool.put(data),
                "size_bytes": len(data),
                "media_type": media_type,
                "width_px": size_px[0],
                "height_px": size_px[1],
            }
        )

    def _save(self, visit: Visit, analysis: AnalysisCompleted, watch: Stopwatch) -> Saved:
        images = (analysis.image, analysis.heat_map)
        with watch.stage("save"), self._storage.store.transaction() as connection:
            message_id = self._storage.outbox.put(analysis, connection=connection, images=images)
            visit_rows.count_analysis(connection, visit.visit_id)
        with self._lock:
            visit.analyses += 1
            visit.lesions[analysis.lesion.lesion_id] = analysis.lesion.body_site
            visit.images |= {image.sha256: image.media_type for image in images}
        self._storage.outbox.announce(message_id, analysis)
        self._bus.publish(AnalysisSaved(analysis.analysis_id, analysis.assessment.tier, watch.stage_ms))
        # The event was written before its own saving could be timed; the screen shows the whole.
        return Saved(message_id, analysis.model_copy(update={"stage_ms": dict(watch.stage_ms)}))

    def _refuse(self, visit: Visit, frame: Frame, report: QualityReport) -> Refused:
        refusal = CaptureRefused(
            capture_id=uuid4(),
            visit_id=visit.visit_id,
            patient_id=visit.patient_id,
            captured_at=frame.captured_at,
            faults=tuple(str(fault) for fault in report.faults),
            quality=_measures(report),
            device=_device(frame),
            simulated=frame.simulated,
        )
        with self._storage.store.transaction() as connection:
            message_id = self._storage.outbox.put(refusal, connection=connection)
            visit_rows.count_refusal(connection, visit.visit_id)
        with self._lock:
            visit.refusals += 1
        self._storage.outbox.announce(message_id, refusal)
        self._bus.publish(CaptureWasRefused(refusal.faults))
        return Refused(message_id, refusal)


def _device(frame: Frame) -> CaptureDevice:
    return CaptureDevice(name=frame.camera, simulated=frame.simulated, settings=_slugs(frame.settings.model_dump()))


def _measures(report: QualityReport) -> dict[str, float]:
    return {name: round(value, 4) for name, value in _slugs(report.measures).items()}


def _slugs(values: Mapping[str, V]) -> dict[str, V]:
    return {name.replace("_", "-"): value for name, value in values.items()}


def _model_reference(manifest: ModelManifest, sha256: str) -> ModelReference:
    return ModelReference(
        name=manifest.name,
        version=manifest.version,
        sha256=sha256,
        licence_of_use=manifest.licence_of_use,
        clinical=manifest.clinical,
    )
