"""Who a patient is to the kiosk: account, claim, and what can be wrong with either."""

from dataclasses import dataclass, field
from datetime import date
from typing import NewType
from uuid import UUID

from edge.errors import EdgeError
from protocol.credentials import CredentialRecord, FaceCredential
from protocol.events import Language, Sex
from protocol.identity import Consents

PatientId = NewType("PatientId", UUID)


class SignInRefused(EdgeError):
    """Not signed in; for whoever asks it is the same whether the name, the password or the face was wrong."""

    code = "sign-in-refused"
    remedy = "Check the user name and try again, with the password or by face."

    def __init__(self) -> None:
        super().__init__("the user name, the password or the face was not recognised")


class UsernameTaken(EdgeError):
    """Another account has this name, or one that differs in letter case only."""

    code = "username-taken"
    remedy = "Choose another user name."


class FullNameInvalid(EdgeError):
    """No name, or one that cannot be shown."""

    code = "full-name-invalid"
    remedy = "Enter the full name, at most 200 characters."


class FaceConsentMissing(EdgeError):
    """A face without the patient's consent to keep it."""

    code = "face-consent-missing"
    remedy = "Ask for consent to sign-in by face, or register with the password alone."


class AccountUnknown(EdgeError):
    """This kiosk has no record of the patient, or not any more."""

    code = "account-unknown"
    remedy = "Sign in again; if the account was deleted, register anew."


class RecordUnusable(EdgeError):
    """A credential record from elsewhere that cannot be used here."""

    code = "record-unusable"
    remedy = "Sign in at the kiosk where you registered; a technician compares the versions of kiosk and hub."


@dataclass(frozen=True)
class Account:
    """Who signed in, without any secret."""

    patient_id: PatientId
    username: str = field(repr=False)
    full_name: str = field(repr=False)
    language: Language
    birth_date: date | None = field(default=None, repr=False)
    sex: Sex = Sex.UNKNOWN
    patient_code: str = ""
    consents: Consents = field(default_factory=Consents)
    face_enrolled: bool = False
    version: int = 1


@dataclass(frozen=True)
class NewAccount:
    """An account ready to be stored: checked, password hashed; its number and code come with `register`."""

    account: Account
    password_hash: str = field(repr=False)
    face: FaceCredential | None = field(repr=False)
    enrolment: bytes = field(repr=False)


@dataclass(frozen=True)
class Claim:
    """What is known of a name somebody claims; one of an unknown name looks the same and never proves true."""

    digest: str
    """Of the claimed text: what the hub is asked for, and what `SignInGate.admit` charges."""
    patient_id: UUID | None
    """For the report of the attempt; None where this kiosk knows nobody of the name."""
    account: Account | None = field(repr=False)
    password_hash: str = field(repr=False)
    face: FaceCredential | None = field(repr=False)

    @property
    def known(self) -> bool:
        """Whether a usable record is here; where it is not, the hub may have one."""
        return self.account is not None


def account_of(record: CredentialRecord) -> Account:
    """The account in a record, without its secrets."""
    return Account(
        patient_id=PatientId(record.patient_id),
        username=record.username,
        full_name=record.full_name,
        language=record.language,
        birth_date=record.birth_date,
        sex=record.sex,
        patient_code=record.patient_code,
        consents=record.consents,
        face_enrolled=record.face is not None,
        version=record.version,
    )
