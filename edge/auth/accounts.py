"""Accounts at this kiosk: registration, and sign-in by password or face against one claimed name.

The caller owns connections and transactions: a change commits together with the event that reports it. What is slow
(hashing a password) needs no connection, so no transaction waits for it.
"""

import logging
import sqlite3
from datetime import date
from typing import Final
from uuid import UUID

from pydantic import SecretStr, TypeAdapter, ValidationError

from edge.auth import account_rows, local_secrets, lockout, sign_in_notices, steady_time, throttle
from edge.auth.account import (
    Account,
    Claim,
    FullNameInvalid,
    NewAccount,
    PatientId,
    SignInRefused,
    UsernameTaken,
    account_of,
)
from edge.auth.claim_digest import ClaimDigests
from edge.auth.credential_records import CredentialRecords, log_fault, require_consent
from edge.auth.lockout import Lockout
from edge.auth.password import PasswordHasher, PasswordUnverifiable
from edge.auth.password_strength import require_acceptable
from edge.auth.patient_code import (
    PatientCodeInvalid,
    enrolment_salt,
    kiosk_series,
    make_patient_code,
    parse_patient_code,
)
from edge.auth.steady_time import SteadyTime
from edge.auth.username import UsernameInvalid, normalise_username
from edge.auth.vault import Vault
from edge.clock import Clock
from protocol.credentials import CredentialRecord, FaceCredential
from protocol.events import Language, Sex
from protocol.fields import ShortText
from protocol.identity import Consents

log = logging.getLogger(__name__)

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
"""The first form, which `first_form` carries over; this table is empty since."""

BIRTH_DATE: Final[tuple[str, ...]] = ("ALTER TABLE accounts ADD COLUMN birth_date TEXT",)
"""The second version of the schema; an account from before has none."""

IDENTITY: Final[tuple[str, ...]] = (
    *steady_time.MIGRATIONS,
    *lockout.MIGRATIONS,
    *throttle.MIGRATIONS,
    *sign_in_notices.MIGRATIONS,
    *local_secrets.MIGRATIONS,
    *account_rows.MIGRATIONS,
    "CREATE TABLE code_numbers (number INTEGER PRIMARY KEY AUTOINCREMENT, patient_id TEXT NOT NULL UNIQUE) STRICT",
)
"""Sealed credential records, and everything that counts attempts."""

_CODE_KEY: Final = "patient-code-key"
_FULL_NAME: Final[TypeAdapter[str]] = TypeAdapter(ShortText)


class Accounts(CredentialRecords):
    """Registers patients, finds who is claimed and proves passwords; beside that, all of `CredentialRecords`.

    Args:
        hasher: of passwords.
        vault: seals every record under a key of its patient.
        digests: of claims.
        lockout: told when several digests turn out to be one account's.
        steady: ends cached records.
        clock: dates changes.
        kiosk: slug, for the series of provisional codes.
    """

    def __init__(
        self,
        *,
        hasher: PasswordHasher,
        vault: Vault,
        digests: ClaimDigests,
        lockout: Lockout,
        steady: SteadyTime,
        clock: Clock,
        kiosk: str,
    ) -> None:
        super().__init__(vault=vault, digests=digests, lockout=lockout, clock=clock)
        self._hasher = hasher
        self._secrets = local_secrets.LocalSecrets(vault)
        self._steady = steady
        self._series = kiosk_series(kiosk)
        # Of the same cost as real ones, so that an unknown name takes as long to refuse as a wrong password.
        self._nobodys_hash = hasher.hash_password("nobody's password")

    def prepare(
        self,
        *,
        patient_id: PatientId,
        username: str,
        password: SecretStr | str,
        full_name: str,
        birth_date: date | None,
        sex: Sex,
        language: Language,
        consents: Consents,
        face: FaceCredential | None = None,
        enrolment_image: bytes | None = None,
    ) -> NewAccount:
        """Check a registration and do its slow part. `enrolment_image` gives the code's suffix and is not kept.

        Raises:
            UsernameInvalid, WeakPassword, FullNameInvalid, FaceConsentMissing: what the patient must change.
        """
        username = normalise_username(username)
        _refuse_code_as_name(username)
        try:
            full_name = _FULL_NAME.validate_python(full_name)
        except ValidationError:
            raise FullNameInvalid("the full name is empty, too long, or has control characters") from None
        require_acceptable(password, username=username, full_name=full_name, birth_date=birth_date)
        require_consent(face, consents)
        account = Account(
            patient_id=patient_id,
            username=username,
            full_name=full_name,
            language=language,
            birth_date=birth_date,
            sex=sex,
            consents=consents,
            face_enrolled=face is not None,
        )
        return NewAccount(
            account=account,
            password_hash=self._hasher.hash_password(password),
            face=face,
            enrolment=enrolment_salt() if enrolment_image is None else enrolment_image,
        )

    def register(self, connection: sqlite3.Connection, new: NewAccount) -> Account:
        """Store a prepared account under a provisional code; the caller commits or rolls back.

        Raises:
            UsernameTaken: nothing was stored.
        """
        account = new.account
        name = self._digests.digest(account.username)
        if account_rows.owner(connection, name) is not None:
            raise UsernameTaken("the user name is taken")
        code = self.provisional_code(connection, account.patient_id, enrolment=new.enrolment)
        record = CredentialRecord(
            patient_id=account.patient_id,
            version=1,
            username=account.username,
            claim_digests=(name, self._digests.digest(code)),
            password_hash=new.password_hash,
            full_name=account.full_name,
            birth_date=account.birth_date,
            sex=account.sex,
            language=account.language,
            patient_code=code,
            consents=account.consents,
            face=new.face,
            issued_at=self._clock.now(),
        )
        if self._rows.find(connection, account.patient_id) is not None:
            raise ValueError("the patient has an account already")
        self._store(connection, record, cached_until_s=None)
        return account_of(record)

    def provisional_code(self, connection: sqlite3.Connection, patient_id: UUID, *, enrolment: bytes) -> str:
        """Give the patient this kiosk's next number, once, and make the code of it."""
        known = (str(patient_id),)
        row = connection.execute("SELECT number FROM code_numbers WHERE patient_id = ?", known).fetchone()
        if row is None:
            query = "INSERT INTO code_numbers (patient_id) VALUES (?) RETURNING number"
            row = connection.execute(query, known).fetchone()
        key = self._secrets.get_or_draw(connection, _CODE_KEY)
        return make_patient_code(self._series, row["number"], key=key, enrolment=enrolment)

    def claim(self, connection: sqlite3.Connection, claim_text: str) -> Claim:
        """Look up the one account whose name or code somebody gives; it never tells whether there is one."""
        digest = self._digests.digest(claim_text)
        earlier = self._digests.earlier(claim_text)
        if earlier is not None:
            self._carry(connection, digest, (earlier,))
        self._rows.remove_expired(connection, self._steady.now_s())
        patient_id = account_rows.owner(connection, digest)
        record = None if patient_id is None else self._readable(connection, patient_id)
        return Claim(
            digest=digest,
            patient_id=patient_id,
            account=None if record is None else account_of(record),
            password_hash=self._nobodys_hash if record is None else record.password_hash,
            face=None if record is None else record.face,
        )

    def authenticate_password(self, claim: Claim, password: SecretStr | str) -> Account:
        """Prove a claim by password, with exactly one verification for known and unknown names.

        Raises:
            SignInRefused: unknown name or wrong password.
        """
        try:
            right = self._hasher.verify_password(claim.password_hash, password)
        except PasswordUnverifiable as error:
            log_fault(claim.patient_id, error)
            right = False
        if claim.account is None or not right:
            raise SignInRefused
        return claim.account

    def spend_verification(self, password: SecretStr | str) -> None:
        """Take as long as a verification does, for an attempt on a locked name; it proves nothing."""
        self._hasher.verify_password(self._nobodys_hash, password)

    def face_of(self, claim: Claim) -> FaceCredential | None:
        """The enrolled face of the claimed patient; None for unknown names, and for patients without one."""
        if claim.account is None or not claim.account.consents.face:
            return None
        return claim.face

    def hash_new_password(self, account: Account, password: SecretStr | str) -> str:
        """Check and hash a new password; the slow part of `set_password`, which needs no connection.

        Raises:
            WeakPassword: it breaks a rule.
        """
        require_acceptable(
            password, username=account.username, full_name=account.full_name, birth_date=account.birth_date
        )
        return self._hasher.hash_password(password)


def _refuse_code_as_name(username: str) -> None:
    try:
        parse_patient_code(username)
    except PatientCodeInvalid:
        return
    # Whoever types it must reach the owner of the code.
    raise UsernameInvalid("the user name reads as a patient code")
