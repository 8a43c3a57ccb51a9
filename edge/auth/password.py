"""Passwords: what may be one, and Argon2id hashes of them."""

import unicodedata
from typing import Final, Protocol

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from pydantic import SecretStr

from edge.auth.username import username_key
from edge.errors import EdgeError

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128

PARAMETERS: Final = argon2.profiles.RFC_9106_LOW_MEMORY
"""Argon2id, 64 MiB, 3 passes, 4 lanes, 16-byte salt, 32-byte tag: the second recommendation of RFC 9106, section 4,
for machines with little memory. It fits a Raspberry Pi 4 (4 cores, from 1 GB) beside the kiosk's 500 MB."""


class WeakPassword(EdgeError):
    """The text cannot be a password here; the message says why."""

    code = "password-weak"
    remedy = "Choose a password of 8 to 128 characters, such as four words, that is not the user name."


class PasswordUnverifiable(EdgeError):
    """The check itself failed: the stored hash is damaged, or memory ran out. It says nothing about the password."""

    code = "password-unverifiable"
    remedy = "Try again or sign in by face; if it returns, a technician checks the kiosk's memory and database."


class PasswordHasher(Protocol):
    """Slow hashes of passwords. Safe to call from several threads."""

    def hash_password(self, password: SecretStr | str) -> str:
        """Hash with a fresh salt.

        Raises:
            WeakPassword: not usable as a password at all; nothing was computed.
        """
        ...

    def verify_password(self, password_hash: str, password: SecretStr | str) -> bool:
        """Say whether the hash is of this password; text that no password can be is refused without computing.

        Raises:
            PasswordUnverifiable: damaged hash, or no memory to compute.
        """
        ...


class Argon2PasswordHasher:
    """Argon2id with the given parameters."""

    def __init__(self, parameters: argon2.Parameters = PARAMETERS) -> None:
        self._argon2 = argon2.PasswordHasher.from_parameters(parameters)

    def hash_password(self, password: SecretStr | str) -> str:
        """See the port."""
        return self._argon2.hash(_normalised(password))

    def verify_password(self, password_hash: str, password: SecretStr | str) -> bool:
        """See the port."""
        try:
            return self._argon2.verify(password_hash, _normalised(password))
        except (VerifyMismatchError, WeakPassword):
            return False
        except (InvalidHashError, VerificationError) as error:
            raise PasswordUnverifiable("the password could not be checked") from error


def check_password_rules(password: SecretStr | str, *, username: str) -> None:
    """Accept a new password by length and by not being the user name.

    Raises:
        WeakPassword: the message says which rule, never the password.
    """
    text = _normalised(password)
    if len(text) < MIN_LENGTH:
        raise WeakPassword(f"the password is shorter than {MIN_LENGTH} characters")
    if text.casefold() == username_key(username):
        raise WeakPassword("the password is the user name")


def _normalised(password: SecretStr | str) -> str:
    """NFKC, so that every keyboard's form of a letter is the same; bounded before any work is spent on it."""
    text = password.get_secret_value() if isinstance(password, SecretStr) else password
    if len(text) <= MAX_LENGTH:
        text = unicodedata.normalize("NFKC", text)
    if len(text) > MAX_LENGTH:
        raise WeakPassword(f"the password is longer than {MAX_LENGTH} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise WeakPassword("the password has control characters")
    return text
