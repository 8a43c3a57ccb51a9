"""Who comes and who goes: registration, sign-in, the end of a visit."""

from dataclasses import dataclass
from datetime import date
from threading import RLock
from typing import Annotated, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from edge import visit_rows
from edge.auth.accounts import Account, Accounts, PatientId
from edge.auth.face import FaceEncoder, FaceTemplate
from edge.camera_slot import CameraSlot
from edge.clock import Clock
from edge.errors import EdgeError
from edge.inference.preprocess import decode_image
from edge.storage import Storage
from edge.visit import EndedBy, Journey, SignedInBy, Visit
from protocol.events import Language, PatientRegistered, Sex, VisitEnded
from protocol.fields import ShortText

_OLDEST_YEARS = 130


class FaceNotOffered(EdgeError):
    """This kiosk has no face camera or no face encoder."""

    code = "face-not-offered"
    remedy = "Use the password."


class Registration(BaseModel):
    """What a new patient gives. The password stays on this kiosk, as a hash; the face as a sealed template."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    username: Annotated[str, Field(max_length=200)]
    password: SecretStr = Field(max_length=1024)
    full_name: ShortText = Field(repr=False)
    birth_date: date
    sex: Sex
    language: Language
    consent_care: Literal[True]
    consent_face: bool = False

    @field_validator("birth_date")
    @classmethod
    def _plausible(cls, value: date) -> date:
        if not date.today().year - _OLDEST_YEARS <= value.year or value > date.today():  # noqa: DTZ011 a local date
            raise ValueError("not a birth date of a living person")
        return value


@dataclass(frozen=True)
class FaceCapture:
    """The face camera and what reads faces; together, since one without the other offers nothing."""

    camera: CameraSlot
    encoder: FaceEncoder

    def template(self) -> FaceTemplate:
        """Template of the one face before the camera now.

        Raises:
            FaceError, CameraError, ImageRefused: no usable face.
        """
        return self.encoder.encode(decode_image(self.camera.capture().data))


class Reception:
    """Begins and ends visits; each step is saved before it is shown."""

    def __init__(
        self, *, journey: Journey, lock: RLock, accounts: Accounts, face: FaceCapture | None, storage: Storage,
        clock: Clock, kiosk: str,
    ) -> None:  # fmt: skip
        self._journey = journey
        self._lock = lock
        self._accounts = accounts
        self._face = face
        self._storage = storage
        self._clock = clock
        self._kiosk = kiosk
        self._close_interrupted_visits()

    @property
    def offers_face(self) -> bool:
        """Whether sign-in by face is possible here."""
        return self._face is not None

    def register(self, registration: Registration) -> Visit:
        """Create the account, save the registration, and begin the first visit.

        Raises:
            KioskOccupied, StorageFull, UsernameTaken, WeakPassword, FaceError and others: nothing was saved.
        """
        self._require_free()
        face = self._require_face().template() if registration.consent_face else None
        new = self._accounts.prepare(
            patient_id=PatientId(uuid4()),
            username=registration.username,
            password=registration.password,
            full_name=registration.full_name,
            language=registration.language,
            consent_face=registration.consent_face,
            face=face,
            created_at=self._clock.now(),
            birth_date=registration.birth_date,
        )
        with self._lock:
            self._journey.require_idle()
            with self._storage.store.transaction() as connection:
                self._accounts.register(connection, new)
                code = visit_rows.patient_code(connection, new.account.patient_id, kiosk=self._kiosk)
                event = PatientRegistered(
                    patient_id=new.account.patient_id,
                    provisional_code=code,
                    username=new.account.username,
                    full_name=new.account.full_name,
                    birth_date=registration.birth_date,
                    sex=registration.sex,
                    language=registration.language,
                    consent_care=True,
                    consent_face=registration.consent_face,
                    face_enrolled=face is not None,
                )
                message_id = self._storage.outbox.put(event, connection=connection)
                visit = self._visit(new.account, code, "registration")
                visit_rows.add_visit(connection, visit)
            self._journey.begin(visit)
        self._storage.outbox.announce(message_id, event)
        return visit

    def sign_in_with_password(self, *, username: str, password: SecretStr) -> Visit:
        """Begin a visit of the patient whom name and password prove.

        Raises:
            SignInRefused: the same for an unknown name and a wrong password.
        """
        self._require_free()
        with self._storage.store.transaction() as connection:
            claim = self._accounts.claim(connection, username)
        return self._begin(self._accounts.authenticate_password(claim, password), "password")

    def sign_in_with_face(self, *, username: str) -> Visit:
        """Begin a visit of the claimed patient, if it is their face before the camera.

        Raises:
            SignInRefused: the same for an unknown name and another face.
            FaceNotOffered, FaceError, CameraError: no face could be read.
        """
        self._require_free()
        probe = self._require_face().template()
        with self._storage.store.transaction() as connection:
            claim = self._accounts.claim(connection, username)
        return self._begin(self._accounts.authenticate_face(claim, probe), "face")

    def end(self, ended_by: EndedBy) -> None:
        """End the visit; idle screens show nothing of it.

        Raises:
            NobodySignedIn: there is none.
        """
        with self._lock:
            visit = self._journey.end()
        self._report_end(visit, ended_by)

    def end_if_idle(self) -> None:
        """End the visit if the patient has not touched anything for too long."""
        with self._lock:
            if self._journey.remaining_s() > 0:
                return
            visit = self._journey.end()
        self._report_end(visit, "idle")

    def _report_end(self, visit: Visit, ended_by: EndedBy) -> None:
        event = VisitEnded(
            visit_id=visit.visit_id,
            patient_id=visit.patient_id,
            started_at=visit.started_at,
            ended_at=max(self._clock.now(), visit.started_at),
            signed_in_by=visit.signed_in_by,
            ended_by=ended_by,
            analyses=visit.analyses,
            refusals=visit.refusals,
        )
        self._save_end(event)

    def _begin(self, account: Account, signed_in_by: SignedInBy) -> Visit:
        with self._lock:
            self._journey.require_idle()
            with self._storage.store.transaction() as connection:
                code = visit_rows.patient_code(connection, account.patient_id, kiosk=self._kiosk)
                visit = self._visit(account, code, signed_in_by)
                visit_rows.add_visit(connection, visit)
            self._journey.begin(visit)
        return visit

    def _visit(self, account: Account, code: str, signed_in_by: SignedInBy) -> Visit:
        return Visit(
            patient_id=UUID(str(account.patient_id)),
            full_name=account.full_name,
            language=account.language,
            patient_code=code,
            signed_in_by=signed_in_by,
            started_at=self._clock.now(),
            birth_date=account.birth_date,
        )

    def _require_free(self) -> None:
        with self._lock:
            self._journey.require_idle()
        self._storage.require_room()

    def _require_face(self) -> FaceCapture:
        if self._face is None:
            raise FaceNotOffered("this kiosk does not read faces")
        return self._face

    def _close_interrupted_visits(self) -> None:
        """A power cut or kill left these open; nobody is signed in after a start."""
        with self._storage.store.transaction() as connection:
            left_open = visit_rows.open_visits(connection, ended_at=self._clock.now())
        for event in left_open:
            self._save_end(event)

    def _save_end(self, event: VisitEnded) -> None:
        with self._storage.store.transaction() as connection:
            message_id = self._storage.outbox.put(event, connection=connection)
            visit_rows.close_visit(connection, event.visit_id, ended_at=event.ended_at)
        self._storage.outbox.announce(message_id, event)
