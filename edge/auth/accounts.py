"""Accounts of this kiosk's patients: registration, and sign-in by password or face against one claimed name.

The caller owns connections and transactions: a registration commits together with the event that reports it. What is
slow (hashing a password, encoding a face) needs no connection, so no transaction waits for it.
"""

import logging
import sqlite3
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NewType
from uuid import UUID

from pydantic import SecretStr, TypeAdapter, ValidationError

from edge.auth.face import FaceEncoder, FaceTemplate, FaceTemplateIncompatible, verify
from edge.auth.password import PasswordHasher, PasswordUnverifiable, check_password_rules
from edge.auth.username import UsernameInvalid, normalise_username, username_key
from edge.auth.vault import Vault, VaultError
from edge.errors import EdgeError
from protocol.events import Language
from protocol.fields import ShortText

log = logging.getLogger(__name__)

PatientId = NewType("PatientId", UUID)

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE accounts (
        patient_id TEXT PRIMARY KEY NOT NULL,
        username_key TEXT NOT NULL UNIQUE,
        username TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        full_name TEXT NOT NULL,
        language TEXT NOT NULL,
        consent_face INTEGER NOT NULL CHECK (consent_face IN (0, 1)),
        face_blob BLOB CHECK (face_blob IS NULL OR consent_face = 1),
        created_at TEXT NOT NULL
    ) STRICT
    """,
)

BIRTH_DATE: Final[tuple[str, ...]] = ("ALTER TABLE accounts ADD COLUMN birth_date TEXT",)
"""The second version of the schema; an account from before has none."""

_FACE: Final = "face-template"
_FULL_NAME: Final[TypeAdapter[str]] = TypeAdapter(ShortText)


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


@dataclass(frozen=True)
class Account:
    """Who signed in, as far as a greeting and the questions about a spot need it."""

    patient_id: PatientId
    username: str
    full_name: str = field(repr=False)
    language: Language
    birth_date: date | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NewAccount:
    """An account ready to be stored: password hashed, face sealed."""

    account: Account
    password_hash: str = field(repr=False)
    consent_face: bool
    face_blob: bytes | None = field(repr=False)
    created_at: datetime


@dataclass(frozen=True)
class Claim:
    """What is known of a name somebody claims; one of an unknown name looks the same and never proves true."""

    account: Account | None = field(repr=False)
    password_hash: str = field(repr=False)
    face_blob: bytes | None = field(repr=False)


class Accounts:
    """Registers patients and checks who they are. `encoder` is None where faces are not used."""

    def __init__(self, *, hasher: PasswordHasher, vault: Vault, encoder: FaceEncoder | None) -> None:
        self._hasher = hasher
        self._vault = vault
        self._encoder = encoder
        # Of the same cost as real ones, so that an unknown name takes as long to refuse as a wrong password.
        self._nobodys_hash = hasher.hash_password("nobody's password")

    def prepare(
        self,
        *,
        patient_id: PatientId,
        username: str,
        password: SecretStr | str,
        full_name: str,
        language: Language,
        consent_face: bool,
        face: FaceTemplate | None,
        created_at: datetime,
        birth_date: date | None = None,
    ) -> NewAccount:
        """Check a registration and do its slow part.

        Raises:
            UsernameInvalid, WeakPassword, FullNameInvalid, FaceConsentMissing: what the patient must change.
        """
        username = normalise_username(username)
        check_password_rules(password, username=username)
        try:
            full_name = _FULL_NAME.validate_python(full_name)
        except ValidationError:
            raise FullNameInvalid("the full name is empty, too long, or has control characters") from None
        if face is not None and not consent_face:
            raise FaceConsentMissing("a face was given without consent to keep it")
        return NewAccount(
            account=Account(
                patient_id=patient_id,
                username=username,
                full_name=full_name,
                language=language,
                birth_date=birth_date,
            ),
            password_hash=self._hasher.hash_password(password),
            consent_face=consent_face,
            face_blob=None
            if face is None
            else self._vault.seal(face.to_bytes(), patient_id=str(patient_id), purpose=_FACE),
            created_at=created_at,
        )

    def register(self, connection: sqlite3.Connection, new: NewAccount) -> None:
        """Store a prepared account; the caller commits or rolls back.

        Raises:
            UsernameTaken: nothing was stored.
        """
        stored = connection.execute(
            "INSERT INTO accounts (patient_id, username_key, username, password_hash, full_name, language,"
            " consent_face, face_blob, created_at, birth_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (username_key) DO NOTHING",
            (
                str(new.account.patient_id),
                username_key(new.account.username),
                new.account.username,
                new.password_hash,
                new.account.full_name,
                new.account.language.value,
                int(new.consent_face),
                new.face_blob,
                new.created_at.isoformat(),
                new.account.birth_date.isoformat() if new.account.birth_date else None,
            ),
        )
        if stored.rowcount == 0:
            raise UsernameTaken("the user name is taken")

    def claim(self, connection: sqlite3.Connection, username: str) -> Claim:
        """Look up the one account that somebody says is theirs; it never tells whether there is one."""
        try:
            key = username_key(username)
        except UsernameInvalid:
            return self._nobody()
        row = connection.execute(
            "SELECT patient_id, username, full_name, language, password_hash, face_blob, birth_date"
            " FROM accounts WHERE username_key = ?",
            (key,),
        ).fetchone()
        if row is None:
            return self._nobody()
        patient_id, stored_name, full_name, language, password_hash, face_blob, birth_date = row
        account = Account(
            patient_id=PatientId(UUID(patient_id)),
            username=stored_name,
            full_name=full_name,
            language=Language(language),
            birth_date=date.fromisoformat(birth_date) if birth_date else None,
        )
        return Claim(account=account, password_hash=password_hash, face_blob=face_blob)

    def authenticate_password(self, claim: Claim, password: SecretStr | str) -> Account:
        """Prove a claim by password, with exactly one verification for known and unknown names.

        Raises:
            SignInRefused: unknown name or wrong password.
        """
        try:
            right = self._hasher.verify_password(claim.password_hash, password)
        except PasswordUnverifiable as error:
            _log_fault(claim, error)
            right = False
        if claim.account is None or not right:
            raise SignInRefused
        return claim.account

    def authenticate_face(self, claim: Claim, probe: FaceTemplate) -> Account:
        """Prove a claim by face: one comparison with the claimed patient's template.

        Raises:
            SignInRefused: unknown name, no face enrolled, another face, or a template that cannot be used.
        """
        if self._encoder is None or claim.account is None or claim.face_blob is None:
            raise SignInRefused
        try:
            sealed_for = str(claim.account.patient_id)
            serialised = self._vault.unseal(claim.face_blob, patient_id=sealed_for, purpose=_FACE)
            match = verify(self._encoder, claimed=FaceTemplate.from_bytes(serialised), probe=probe)
        except (VaultError, FaceTemplateIncompatible) as error:
            _log_fault(claim, error)
            raise SignInRefused from None
        if not match.matched:
            raise SignInRefused
        return claim.account

    def _nobody(self) -> Claim:
        return Claim(account=None, password_hash=self._nobodys_hash, face_blob=None)


def _log_fault(claim: Claim, error: EdgeError) -> None:
    # The screen refuses as always; that the record is at fault is for the technician alone.
    patient_id = claim.account.patient_id if claim.account else None
    log.error("sign-in of patient %s hit a fault: %s", patient_id, error.code)
