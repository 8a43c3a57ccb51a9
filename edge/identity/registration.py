"""Registration: what a new patient gives, checked as a whole, saved as a whole, and the first visit begun with it."""

import sqlite3
from datetime import date
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from edge.auth.account import FaceConsentMissing, PatientId
from edge.auth.accounts import Accounts
from edge.clock import Clock
from edge.errors import EdgeError
from edge.identity.credential_changes import CredentialChanges
from edge.identity.enrolment import Enrolment, Enrolments, EnrolmentUnknown
from edge.identity.sessions import Sessions
from edge.identity.sign_in import visit_of
from edge.inference.rules import age_on
from edge.storage import Storage
from edge.visit import Visit
from protocol.events import Language, PatientRegistered, Sex
from protocol.fields import ShortText
from protocol.identity import Consents, Contact, Guardian, MedicalHistory

_OLDEST_YEARS = 130


class GuardianMissing(EdgeError):
    """A minor without a parent or guardian who answers for them."""

    code = "guardian-missing"
    remedy = "Register together with a parent or guardian, and enter their name."


class Registration(BaseModel):
    """What a new patient gives. The password stays on this kiosk, as a hash; the face as sealed templates."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    username: Annotated[str, Field(max_length=200, repr=False)]
    password: SecretStr = Field(max_length=1024)
    full_name: ShortText = Field(repr=False)
    birth_date: date = Field(repr=False)
    sex: Sex
    language: Language
    contact: Contact = Field(Contact(), repr=False)
    history: MedicalHistory | None = Field(None, repr=False)
    """None when the patient answered none of its questions."""
    consents: Consents
    guardian: Guardian | None = Field(None, repr=False)
    attendant: ShortText | None = None
    enrolment_id: UUID | None = None

    @field_validator("birth_date")
    @classmethod
    def _plausible(cls, value: date) -> date:
        if not date.today().year - _OLDEST_YEARS <= value.year or value > date.today():  # noqa: DTZ011 a local date
            raise ValueError("not a birth date of a living person")
        return value


class Registrar:
    """Registers new patients.

    Args:
        guardian_age: age in years below which a guardian must register too.
        enrolments: where a face waits that the patient agreed to; None where faces are not read.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        changes: CredentialChanges,
        enrolments: Enrolments | None,
        sessions: Sessions,
        storage: Storage,
        clock: Clock,
        guardian_age: int,
    ) -> None:
        self._accounts = accounts
        self._changes = changes
        self._enrolments = enrolments
        self._sessions = sessions
        self._storage = storage
        self._clock = clock
        self._guardian_age = guardian_age

    def register(self, registration: Registration) -> Visit:
        """Create the account, save the registration, and begin the first visit.

        Raises:
            GuardianMissing, UsernameInvalid, UsernameTaken, WeakPassword, FaceConsentMissing, EnrolmentUnknown: what
                the patient must change; nothing was saved.
            KioskOccupied, StorageFull: not now; nothing was saved.
        """
        self._sessions.require_free()
        self._require_guardian(registration)
        enrolment = self._enrolment(registration)
        new = self._accounts.prepare(
            patient_id=PatientId(uuid4()),
            username=registration.username,
            password=registration.password,
            full_name=registration.full_name,
            birth_date=registration.birth_date,
            sex=registration.sex,
            language=registration.language,
            consents=registration.consents,
            face=enrolment.credential if enrolment else None,
            enrolment_image=enrolment.picture if enrolment else None,
        )
        visit = visit_of(new.account, "registration", self._clock)
        announce: list[tuple[UUID, PatientRegistered]] = []

        def save(connection: sqlite3.Connection) -> None:
            account = self._accounts.register(connection, new)
            visit.patient_code = account.patient_code
            event = _event(registration, patient_id=account.patient_id, username=account.username,
                           code=account.patient_code, face_enrolled=enrolment is not None)  # fmt: skip
            announce.append((self._storage.outbox.put(event, connection=connection), event))
            self._changes.register(connection, account.patient_id)

        self._sessions.begin(visit, save)
        if self._enrolments is not None:
            self._enrolments.forget()
        self._storage.outbox.announce(*announce[0])
        self._changes.wake()
        return visit

    def _require_guardian(self, registration: Registration) -> None:
        age = age_on(self._clock.now().date(), registration.birth_date)
        if registration.guardian is None and age is not None and age < self._guardian_age:
            raise GuardianMissing(f"a patient below {self._guardian_age} years has no guardian with them")

    def _enrolment(self, registration: Registration) -> Enrolment | None:
        if registration.enrolment_id is None:
            return None
        if not registration.consents.face:
            raise FaceConsentMissing("a face was taken without consent to keep it")
        if self._enrolments is None:
            raise EnrolmentUnknown("this kiosk does not read faces")
        return self._enrolments.get(registration.enrolment_id)


def _event(
    registration: Registration, *, patient_id: UUID, username: str, code: str, face_enrolled: bool
) -> PatientRegistered:
    return PatientRegistered(
        patient_id=patient_id,
        provisional_code=code,
        username=username,
        full_name=registration.full_name,
        birth_date=registration.birth_date,
        sex=registration.sex,
        language=registration.language,
        consent_care=True,
        consent_face=registration.consents.face,
        face_enrolled=face_enrolled,
        consents=registration.consents,
        code_suffix=code.split("-")[1],
        contact=registration.contact,
        history=registration.history,
        guardian=registration.guardian,
        attendant=registration.attendant,
    )
