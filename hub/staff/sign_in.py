"""Signing in: password first, then a passkey or, once each, a recovery code. Every outcome is an event."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.config import StaffSettings
from hub.db.engine import Database
from hub.db.staff_tables import StaffMember, StaffSession
from hub.staff.errors import PasskeyRefused, StaffSignInRefused
from hub.staff.events import StaffEventKind, record_event
from hub.staff.lockout import absolve, charge, locked_until
from hub.staff.members import end_invitation, find_by_name, find_invited, username_key
from hub.staff.passkeys import RelyingParty, register_passkey, take_challenge, verify_assertion
from hub.staff.passwords import StaffPasswords
from hub.staff.recovery_codes import make_recovery_codes, use_recovery_code
from hub.staff.sessions import end_all_sessions, find_session, open_session, start_session


class SignIn:
    """The steps of signing in; each is one or two transactions of its own, committed before its answer."""

    def __init__(
        self, database: Database, passwords: StaffPasswords, settings: StaffSettings, party: RelyingParty
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._settings = settings
        self._party = party

    def password(self, username: str, password: str, *, label: str, now: datetime) -> str:
        """Token of a session that waits for the passkey.

        Unknown, locked and shut names take the same path as known ones: one charge, one Argon2 verification.

        Raises:
            StaffSignInRefused: whatever the reason.
        """
        name = username_key(username)
        with self._database.writing.begin() as session:
            admitted = charge(session, name, settings=self._settings, now=now)
            locks = admitted and locked_until(session, name, now=now) is not None
            member = find_by_name(session, name)
        usable = member is not None and member.disabled_at is None and admitted
        # Verified in any case, and against nothing that could fit where the account may not be entered.
        fits = self._passwords.verify(member.password_hash if usable and member else None, password)
        with self._database.writing.begin() as session:
            # Read again: the account may have been shut or reset meanwhile.
            current = session.get(StaffMember, member.id) if usable and member else None
            if (
                fits
                and member
                and current
                and current.password_hash == member.password_hash
                and not current.disabled_at
            ):
                absolve(session, name)
                row, token = start_session(
                    session, current, stage="password", label=label, settings=self._settings, now=now
                )
                record_event(session, StaffEventKind.PASSWORD_ACCEPTED, at=now, staff_id=current.id, session_id=row.id)
                return token
            staff_id = member.id if member else None
            record_event(session, StaffEventKind.SIGN_IN_REFUSED, at=now, staff_id=staff_id, by_lock=not admitted)
            if locks:
                record_event(session, StaffEventKind.LOCKED, at=now, staff_id=staff_id)
        raise StaffSignInRefused("name or password are wrong, or the name is locked")

    def accept_invitation(self, code: str, password: str, *, label: str, now: datetime) -> str:
        """Choose a password; token of a session that must register a passkey next.

        Raises:
            InvitationRefused: unknown, used, over.
            PasswordRefused: easily guessed.
        """
        with self._database.reading() as session:
            invited = find_invited(session, code, now=now)
        password_hash = self._passwords.hash(password, context=(invited.username, *invited.full_name.split()))
        with self._database.writing.begin() as session:
            member = find_invited(session, code, now=now)
            member.password_hash = password_hash
            end_all_sessions(session, member.id, by=member.id, reason="invitation", now=now)
            row, token = start_session(session, member, stage="enrol", label=label, settings=self._settings, now=now)
            record_event(
                session,
                StaffEventKind.INVITATION_ACCEPTED,
                at=now,
                staff_id=member.id,
                session_id=row.id,
                by=member.id,
            )
        return token

    def passkey(self, token: str, answer: dict[str, Any], *, now: datetime) -> str:
        """Show a passkey after the password; token of the open session, which replaces the one given.

        Raises:
            StaffSignInRefused: no session waits for a passkey.
            PasskeyRefused: it was not accepted; the session waits on.
        """
        try:
            with self._database.writing() as session:
                row, member = self._waiting(session, token, "password", now=now)
                challenge = take_challenge(session, row.id, "sign-in", now=now)
                session.commit()
                verify_assertion(session, member.id, answer, challenge=challenge, party=self._party, now=now)
                row, opened = open_session(session, row, settings=self._settings, now=now)
                record_event(
                    session, StaffEventKind.SIGNED_IN, at=now, staff_id=member.id, session_id=row.id, by=member.id
                )
                session.commit()
                return opened
        except PasskeyRefused:
            self._tell_of_refusal(token, now=now)
            raise

    def recovery_code(self, token: str, code: str, *, now: datetime) -> None:
        """Use a recovery code after the password; the session must register a passkey next.

        Raises:
            StaffSignInRefused: no session waits, the code is not one, or the name is locked.
        """
        with self._database.writing() as session:
            row, member = self._waiting(session, token, "password", now=now)
            # A code of 80 bits cannot be guessed; counted all the same, with the passwords.
            admitted = charge(session, member.username, settings=self._settings, now=now)
            if admitted and use_recovery_code(session, member.id, code, now=now):
                absolve(session, member.username)
                row.stage = "enrol"
                kind = StaffEventKind.RECOVERY_CODE_USED
            else:
                kind = StaffEventKind.SIGN_IN_REFUSED
            record_event(session, kind, at=now, staff_id=member.id, session_id=row.id, step="recovery-code")
            session.commit()
        if kind is StaffEventKind.SIGN_IN_REFUSED:
            raise StaffSignInRefused("this is none of your unused recovery codes, or the name is locked")

    def first_passkey(self, token: str, answer: dict[str, Any], *, label: str, now: datetime) -> tuple[str, list[str]]:
        """Register the passkey that an invitation or a recovery code asks for.

        Returns:
            Token of the open session, and new recovery codes, which are shown this once.

        Raises:
            StaffSignInRefused: no session waits for one.
            PasskeyRefused: it was not accepted; the session waits on.
        """
        try:
            with self._database.writing() as session:
                row, member = self._waiting(session, token, "enrol", now=now)
                challenge = take_challenge(session, row.id, "enrol", now=now)
                session.commit()
                register_passkey(
                    session,
                    member,
                    answer,
                    challenge=challenge,
                    label=label,
                    session_id=row.id,
                    party=self._party,
                    now=now,
                )
                end_invitation(session, member.id)
                codes = make_recovery_codes(session, member.id, now=now)
                row, opened = open_session(session, row, settings=self._settings, now=now)
                record_event(
                    session, StaffEventKind.SIGNED_IN, at=now, staff_id=member.id, session_id=row.id, by=member.id
                )
                session.commit()
                return opened, list(codes)
        except PasskeyRefused:
            self._tell_of_refusal(token, now=now)
            raise

    def _waiting(self, session: Session, token: str, stage: str, *, now: datetime) -> tuple[StaffSession, StaffMember]:
        found = find_session(session, token, settings=self._settings, now=now)
        if found is None or found[0].stage != stage:
            raise StaffSignInRefused("sign in with name and password first")
        return found

    def _tell_of_refusal(self, token: str, *, now: datetime) -> None:
        with self._database.writing.begin() as session:
            found = find_session(session, token, settings=self._settings, now=now)
            if found is not None:
                record_event(
                    session, StaffEventKind.PASSKEY_REFUSED, at=now, staff_id=found[1].id, session_id=found[0].id
                )
