"""Sign-in of a claimed name: by password, or by a burst before the face camera. One way of counting for both."""

import logging
import sqlite3
from collections.abc import Callable

from pydantic import SecretStr

from edge.auth.account import Account, Claim, SignInRefused
from edge.auth.accounts import Accounts
from edge.auth.face import FaceEncoder, FaceNotLive, FaceTemplateIncompatible
from edge.auth.face_burst import BurstResult, match_burst
from edge.auth.template_transform import seal_templates
from edge.clock import Clock
from edge.errors import EdgeError
from edge.identity.attempts import Attempt, Attempts, SignInLocked
from edge.identity.face_check import FaceChecks, FaceCheckState, unreadable_face
from edge.identity.hub_records import HubRecords
from edge.identity.sessions import Sessions
from edge.storage import Storage
from edge.visit import SignedInBy, Visit

log = logging.getLogger(__name__)


class SignIn:
    """Begins a visit of the patient who proves a claimed name.

    A name of nobody takes the same path and gets the same answers as one of somebody.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        attempts: Attempts,
        hub_records: HubRecords,
        sessions: Sessions,
        storage: Storage,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._attempts = attempts
        self._hub_records = hub_records
        self._sessions = sessions
        self._storage = storage
        self._clock = clock

    def with_password(self, claim_text: str, password: SecretStr) -> Visit:
        """Begin a visit of the patient whom name and password prove.

        Raises:
            SignInRefused, SignInLocked: the same for an unknown name and a wrong password.
            SignInThrottled: too many failures at this kiosk.
            KioskOccupied, StorageFull: not now; nothing was counted.
        """
        self._sessions.require_free()
        attempt = self._attempts.begin(claim_text, "password")
        claim, account = self._judge_password(attempt, claim_text, password)
        if account is None:
            raise self._attempts.fail(attempt, claim.patient_id)
        return self._begin(account, attempt, "password")

    def prove_password(self, claim_text: str, password: SecretStr) -> None:
        """Have the signed-in patient prove that it is them, counted like a sign-in.

        Raises:
            SignInRefused, SignInLocked, SignInThrottled
        """
        attempt = self._attempts.begin(claim_text, "password")
        claim, account = self._judge_password(attempt, claim_text, password)
        if account is None:
            raise self._attempts.fail(attempt, claim.patient_id)
        with self._storage.store.transaction() as connection:
            announce = self._attempts.succeed(connection, attempt, account.patient_id)
        announce()

    def begin_with_face(self, claim_text: str, checks: FaceChecks, encoder: FaceEncoder) -> tuple[FaceCheckState, int]:
        """Start a face check that begins a visit when it proves the name. Returns its state and number of steps.

        Raises:
            SignInLocked: at once, since no answer waits for a computation here; the same for unknown names.
            SignInThrottled, KioskOccupied, StorageFull: not now.
        """
        self._sessions.require_free()
        checks.give_up()
        attempt = self._attempts.begin(claim_text, "face")
        if attempt.locked:
            raise self._attempts.fail(attempt, None)
        self._hub_records.fetch(attempt.digest)
        claim = self._claim(claim_text)
        return checks.begin(lambda _, given: self._judge_face(attempt, claim, encoder, given))

    def _judge_password(self, attempt: Attempt, claim_text: str, password: SecretStr) -> tuple[Claim, Account | None]:
        self._hub_records.fetch(attempt.digest)
        claim = self._claim(claim_text)
        try:
            account = self._accounts.authenticate_password(claim, password)
        except SignInRefused:
            return claim, None
        return claim, None if attempt.locked else account

    def _judge_face(self, attempt: Attempt, claim: Claim, encoder: FaceEncoder, given: BurstResult | EdgeError) -> None:
        """In the check's thread: save what the burst means, or raise what the screen is told.

        A face that could not be read was compared with nothing and is no failure; a face that is no living one is.
        """
        if isinstance(given, EdgeError):
            self._attempts.withdraw(attempt, claim.patient_id, reason=given.code)
            raise given
        if given.problem == FaceNotLive.code:
            outcome = self._attempts.fail(attempt, claim.patient_id, reason=FaceNotLive.code)
            raise outcome if isinstance(outcome, SignInLocked) else FaceNotLive("no sign of a person being there")
        if not given.usable:
            self._attempts.withdraw(attempt, claim.patient_id, reason=given.problem or "face-not-found")
            raise unreadable_face(given.problem)
        account = claim.account
        if not self._is_theirs(claim, encoder, given) or account is None:
            raise self._attempts.fail(attempt, claim.patient_id)
        self._begin(account, attempt, "face")

    def _is_theirs(self, claim: Claim, encoder: FaceEncoder, given: BurstResult) -> bool:
        enrolled = self._accounts.face_of(claim)
        try:
            # Who has no face here is compared too, with themselves under a new key, for nothing but the time.
            match = match_burst(encoder, enrolled or seal_templates(given.templates), given.templates)
        except FaceTemplateIncompatible as error:
            log.error("the face of patient %s cannot be compared: %s", claim.patient_id, error.code)  # noqa: TRY400
            return False
        return enrolled is not None and match.matched

    def _claim(self, claim_text: str) -> Claim:
        with self._storage.store.transaction() as connection:
            return self._accounts.claim(connection, claim_text)

    def _begin(self, account: Account, attempt: Attempt, signed_in_by: SignedInBy) -> Visit:
        announce: list[Callable[[], None]] = []
        visit = visit_of(account, signed_in_by, self._clock)

        def save(connection: sqlite3.Connection) -> None:
            announce.append(self._attempts.succeed(connection, attempt, account.patient_id))

        self._sessions.begin(visit, save)
        announce[0]()
        return visit


def visit_of(account: Account, signed_in_by: SignedInBy, clock: Clock) -> Visit:
    """The visit that begins now."""
    return Visit(
        patient_id=account.patient_id,
        full_name=account.full_name,
        language=account.language,
        patient_code=account.patient_code,
        signed_in_by=signed_in_by,
        started_at=clock.now(),
        birth_date=account.birth_date,
    )
