"""One capture, from the camera to "saved": quality gate, classification, triage, heat map, outbox."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from threading import RLock
from typing import TypeVar
from uuid import UUID, uuid4

from edge import visit_rows
from edge.assessment import Stopwatch, assess_picture
from edge.bus import AnalysisSaved, Bus, CaptureWasRefused
from edge.camera_slot import CameraSlot
from edge.capture.camera import Frame
from edge.capture.encoded_image import inspect
from edge.capture.quality import QualityReport
from edge.clock import Clock
from edge.inference.classifier import Classifier, Prediction
from edge.inference.model_package import ModelManifest
from edge.inference.rules import Circumstances, Exclusion, RedFlag, Rules, age_on
from edge.storage import Storage
from edge.store import StorageFailed, StorageFull
from edge.visit import Journey, Visit, VisitState
from protocol.events import (
    AnalysisCompleted,
    Answer,
    BodySite,
    CaptureDevice,
    CaptureRefused,
    ImageReference,
    Lesion,
    ModelReference,
    Task,
)

V = TypeVar("V")


@dataclass(frozen=True)
class Saved:
    """An analysis that is safe on this kiosk's disk; the screen may say so.

    `licence_of_use_in` is the model's licence in further languages, which only the screen speaks.
    """

    message_id: UUID
    analysis: AnalysisCompleted
    licence_of_use_in: Mapping[str, str]


@dataclass(frozen=True)
class Refused:
    """A capture that the quality gate refused; that too is safe on the disk."""

    message_id: UUID
    refusal: CaptureRefused


class Examination:
    """Takes and assesses captures for the current visit, by the one classifier of the task that is wanted."""

    def __init__(
        self, *, journey: Journey, lock: RLock, camera: CameraSlot, classifiers: Mapping[Task, Classifier],
        rules: Rules, storage: Storage, clock: Clock, bus: Bus,
    ) -> None:  # fmt: skip
        self._journey = journey
        self._lock = lock
        self._camera = camera
        self._classifiers = classifiers
        self._rules = rules
        self._storage = storage
        self._clock = clock
        self._bus = bus
        self._previous_sha256: str | None = None

    def questions(self, *, body_site: BodySite) -> list[Exclusion | RedFlag]:
        """The rules whose questions are put to the current patient about a spot there.

        Raises:
            NobodySignedIn: there is no patient.
        """
        with self._lock:
            visit = self._journey.visit
            visit.pointed_at = body_site
        return self._rules.questions(body_site=body_site, age_years=self._age_years(visit))

    def capture(
        self,
        *,
        body_site: BodySite,
        lesion_id: UUID | None = None,
        task: Task = "skin-lesion",
        answers: Mapping[str, Answer] | None = None,
    ) -> Saved | Refused:
        """Photograph one lesion and assess it; returns only once the outcome is saved.

        `answers` are the patient's, by question; the task follows from them too.

        Raises:
            NobodySignedIn, StepNotPossible: not now.
            AnswerUnexpected: an answer is to no question about this spot.
            CameraError, ImageRefused: no usable frame; nothing was saved, try again.
            StorageFull, StorageFailed: nothing was saved, and the patient must be told so.
        """
        with self._lock:
            visit = self._journey.visit
            circumstances = self._circumstances(visit, body_site=body_site, task=task, answers=answers or {})
            self._storage.require_room()
            visit.pointed_at = body_site
            self._journey.move(VisitState.CAPTURING)
        written: list[str] = []
        try:
            outcome = self._examine(visit, circumstances, lesion_id=lesion_id or uuid4(), written=written)
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
            self._journey.look()
        return self._camera.preview()

    def _age_years(self, visit: Visit) -> int | None:
        return age_on(self._clock.now().date(), visit.birth_date)

    def _circumstances(
        self, visit: Visit, *, body_site: BodySite, task: Task, answers: Mapping[str, Answer]
    ) -> Circumstances:
        circumstances = Circumstances(
            body_site=body_site,
            task=task if task != "skin-lesion" else self._rules.task_of(answers),
            age_years=self._age_years(visit),
            answers=dict(answers),
            assessable=frozenset(self._classifiers),
        )
        # Now, and not when the picture is taken: an answer that fits nothing is to be put right before.
        self._rules.judge(circumstances)
        return circumstances

    def _examine(
        self, visit: Visit, circumstances: Circumstances, *, lesion_id: UUID, written: list[str]
    ) -> Saved | Refused:
        watch = Stopwatch()
        with watch.stage("capture"):
            frame = self._camera.capture()
        classifier = self._classifiers.get(circumstances.task)
        finding = assess_picture(
            frame.data,
            classifier=classifier,
            circumstances=circumstances,
            rules=self._rules,
            simulated=frame.simulated,
            previous_sha256=self._previous_sha256,
            now=self._clock.now(),
            watch=watch,
        )
        self._previous_sha256 = frame.sha256
        if finding.assessment is None:
            return self._refuse(visit, frame, finding.report)
        prediction = finding.prediction
        manifest = classifier.manifest if classifier and prediction else None
        with watch.stage("store-images"):
            written.append(frame.sha256)
            image = self._keep(frame.data, media_type=frame.media_type, size_px=(frame.width_px, frame.height_px))
            shown = self._keep_heat_map(finding.heat_map, written) if finding.heat_map else None
        analysis = AnalysisCompleted(
            analysis_id=uuid4(),
            visit_id=visit.visit_id,
            patient_id=visit.patient_id,
            lesion=Lesion(lesion_id=lesion_id, body_site=circumstances.body_site),
            captured_at=frame.captured_at,
            image=image,
            heat_map=shown,
            device=_device(frame),
            quality=_measures(finding.report),
            task=circumstances.task,
            answers=self._rules.record(circumstances),
            exclusions=tuple(rule.id for rule in finding.exclusions),
            model=_model_reference(manifest, prediction) if manifest and prediction else None,
            probabilities=prediction.probabilities if prediction else {},
            malignant=prediction.score if prediction and circumstances.task == "skin-lesion" else None,
            out_of_distribution=prediction.ood_score if prediction else None,
            assessment=finding.assessment,
            simulated=frame.simulated or (manifest is not None and manifest.simulation_only),
            stage_ms=dict(watch.stage_ms),
        )
        return self._save(visit, analysis, watch, licence_of_use_in=manifest.licence_of_use_in if manifest else {})

    def _keep_heat_map(self, data: bytes, written: list[str]) -> ImageReference:
        written.append(sha256(data).hexdigest())
        header = inspect(data)
        return self._keep(data, media_type=header.media_type, size_px=(header.width_px, header.height_px))

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

    def _save(
        self, visit: Visit, analysis: AnalysisCompleted, watch: Stopwatch, *, licence_of_use_in: Mapping[str, str]
    ) -> Saved:
        images = (analysis.image, *([analysis.heat_map] if analysis.heat_map else []))
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
        return Saved(message_id, analysis.model_copy(update={"stage_ms": dict(watch.stage_ms)}), licence_of_use_in)

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


def _model_reference(manifest: ModelManifest, prediction: Prediction) -> ModelReference:
    return ModelReference(
        name=manifest.name,
        version=manifest.version,
        sha256=prediction.model_sha256,
        licence_of_use=manifest.licence_of_use,
        clinical=manifest.clinical,
        precision=prediction.precision,
    )
