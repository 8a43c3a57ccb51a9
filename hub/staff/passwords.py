"""Staff passwords: Argon2id, one verification for every sign-in whoever it is, and what may be a password."""

import threading
import unicodedata
from functools import cached_property
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from hub.staff.errors import PasswordRefused

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 128
_MIN_SCORE: Final = 4
_RATED_LENGTH: Final = 72
_AT_ONCE: Final = 2
_BLOCKED = "\ufffd"


class StaffPasswords:
    """Argon2id with the given parameters, by default the second recommendation of RFC 9106 (64 MiB, 3 passes).

    At most two are computed at once, so that a flood of sign-ins cannot take the hub's memory.
    """

    def __init__(self, parameters: argon2.Parameters = argon2.profiles.RFC_9106_LOW_MEMORY) -> None:
        self._argon2 = argon2.PasswordHasher.from_parameters(parameters)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str, *, context: tuple[str, ...]) -> str:
        """Hash of a new password.

        Args:
            password: the text.
            context: the person's names, which must not carry the password.

        Raises:
            PasswordRefused: too short, too long, common, or easily guessed.
        """
        text = _normalise(password)
        if len(text) < MIN_LENGTH:
            raise PasswordRefused(f"the password has fewer than {MIN_LENGTH} characters")
        if _BLOCKED in text:
            raise PasswordRefused(f"the password has control characters or more than {MAX_LENGTH} characters")
        if zxcvbn(text[:_RATED_LENGTH], user_inputs=["dermakiosk", *context])["score"] < _MIN_SCORE:
            raise PasswordRefused("the password is easily guessed")
        with self._turns:
            return self._argon2.hash(text)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash is of this password. Without a hash the same work is done, for a hash of nothing known."""
        with self._turns:
            try:
                return self._argon2.verify(password_hash or self._decoy, _normalise(password)) and bool(password_hash)
            except (VerificationError, InvalidHashError):
                return False

    @cached_property
    def _decoy(self) -> str:
        return self._argon2.hash(_BLOCKED)


def _normalise(password: str) -> str:
    # NFKC, so that every keyboard's form of a letter is the same. What can be no password is replaced by a text that
    # none can be, so that verifying it still takes one computation.
    if len(password) > MAX_LENGTH:
        return _BLOCKED * MIN_LENGTH
    text = unicodedata.normalize("NFKC", password)
    if len(text) > MAX_LENGTH or any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        return _BLOCKED * MIN_LENGTH
    return text
