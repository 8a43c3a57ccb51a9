"""The kiosk's reception: the one place that screens ask about who comes, who goes, and who may."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import SecretStr

from edge.auth.face import FaceEncoder
from edge.auth.password_strength import PasswordAdvice, assess
from edge.camera_slot import CameraSlot
from edge.errors import EdgeError
from edge.identity.account_desk import AccountDesk
from edge.identity.card import CardNotOffered, CardReader
from edge.identity.enrolment import Enrolments
from edge.identity.face_check import FaceChecks, FaceCheckState
from edge.identity.registration import Registrar, Registration
from edge.identity.reset import PasswordReset
from edge.identity.sessions import Sessions
from edge.identity.sign_in import SignIn
from edge.visit import EndedBy, Visit


class FaceNotOffered(EdgeError):
    """This kiosk has no face camera or no face encoder."""

    code = "face-not-offered"
    remedy = "Use the password."


@dataclass(frozen=True)
class FaceDesk:
    """What reads faces; all of it together, since one without the other offers nothing."""

    camera: CameraSlot
    encoder: FaceEncoder
    checks: FaceChecks
    enrolments: Enrolments


class Reception:
    """Begins and ends visits. Which part does what is in `edge.identity`; here one step makes way for the next."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        registrar: Registrar,
        sign_in: SignIn,
        password_reset: PasswordReset,
        account: AccountDesk,
        face: FaceDesk | None,
        cards: CardReader | None,
    ) -> None:
        self._sessions = sessions
        self._registrar = registrar
        self._sign_in = sign_in
        self._reset = password_reset
        self.account = account
        self._face = face
        self._cards = cards
        sessions.on_end(self.forget)

    @property
    def offers_face(self) -> bool:
        """Whether sign-in by face is possible here."""
        return self._face is not None

    @property
    def offers_scan(self) -> bool:
        """Whether a card can be held before a camera here."""
        return self._cards is not None

    def register(self, registration: Registration) -> Visit:
        """Create an account and begin its first visit; see `Registrar.register`."""
        return self._registrar.register(registration)

    def judge_password(
        self, password: SecretStr, *, username: str, full_name: str, birth_date: date | None
    ) -> PasswordAdvice:
        """How good a password would be; nothing of it is kept."""
        return assess(password, username=username, full_name=full_name, birth_date=birth_date)

    def sign_in_with_password(self, claim_text: str, password: SecretStr) -> Visit:
        """Begin a visit; see `SignIn.with_password`."""
        return self._sign_in.with_password(claim_text, password)

    def begin_face_sign_in(self, claim_text: str) -> tuple[FaceCheckState, int]:
        """Start a face check that begins a visit; see `SignIn.begin_with_face`.

        Raises:
            FaceNotOffered: not at this kiosk.
        """
        face = self._require_face()
        self.stop_scanning()
        face.enrolments.forget()
        return self._sign_in.begin_with_face(claim_text, face.checks, face.encoder)

    def begin_enrolment(self) -> tuple[FaceCheckState, int]:
        """Start a face check whose face may be kept.

        Raises:
            FaceNotOffered: not at this kiosk.
        """
        face = self._require_face()
        self.stop_scanning()
        return face.enrolments.begin()

    def face_check(self, check_id: UUID) -> FaceCheckState:
        """How a face check stands.

        Raises:
            FaceNotOffered, FaceCheckUnknown
        """
        return self._require_face().checks.state(check_id)

    def give_up_face_check(self, check_id: UUID) -> None:
        """End it, if it runs."""
        self._require_face().checks.give_up(check_id)

    def enrolment_picture(self, enrolment_id: UUID) -> bytes:
        """The picture of an enrolment (JPEG); see `Enrolments.picture`."""
        return self._require_face().enrolments.picture(enrolment_id)

    def give_up_enrolment(self, enrolment_id: UUID) -> None:
        """End its check, if it runs, and forget what it gave."""
        face = self._require_face()
        face.checks.give_up(enrolment_id)
        face.enrolments.forget(enrolment_id)

    def face_preview(self) -> bytes:
        """What the face camera sees now (JPEG), mirrored.

        Raises:
            FaceNotOffered, CameraError
        """
        return self._require_face().checks.preview()

    def scan_card(self) -> str:
        """Wait for a card before the face camera; returns the patient code on it.

        Raises:
            CardNotOffered, CardNotSeen, CameraError
        """
        if self._cards is None:
            raise CardNotOffered("this kiosk has no camera for cards")
        return self._cards.read()

    def stop_scanning(self) -> None:
        """End the wait for a card, if any."""
        if self._cards is not None:
            self._cards.give_up()

    def order_reset(self, claim_text: str, channel: Literal["email", "sms"]) -> None:
        """Have a code sent; see `PasswordReset.order`."""
        self._reset.order(claim_text, channel)

    def reset_password(self, claim_text: str, code: SecretStr, new_password: SecretStr) -> Visit:
        """Set a new password and begin a visit; see `PasswordReset.reset`."""
        return self._reset.reset(claim_text, code, new_password)

    def end(self, ended_by: EndedBy) -> None:
        """End the visit; see `Sessions.end`."""
        self._sessions.end(ended_by)

    def forget(self) -> None:
        """Drop all that a patient may have left in memory: faces, pictures, codes."""
        self.stop_scanning()
        self._reset.forget()
        if self._face is not None:
            self._face.checks.forget()
            self._face.enrolments.forget()
            self._face.camera.forget()

    def forget_what_is_old(self) -> None:
        """Drop what somebody left who never signed in."""
        self._reset.forget_if_old()
        if self._face is not None:
            self._face.enrolments.forget_if_old()

    def _require_face(self) -> FaceDesk:
        if self._face is None:
            raise FaceNotOffered("this kiosk does not read faces")
        return self._face
