"""Passwords: what may be one, and Argon2id hashes of them."""

import unicodedata
from typing import Final, Protocol

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from pydantic import SecretStr

from edge.errors import EdgeError

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128

PARAMETERS: Final = argon2.profiles.RFC_9106_LOW_MEMORY
"""Argon2id, 64 MiB, 3 passes, 4 lanes, 16-byte salt, 32-byte tag: the second recommendation of RFC 9106, section 4,
for machines with little memory. It fits a Raspberry Pi 4 (4 cores, from 1 GB) beside the kiosk's 500 MB."""
_MOST_TIMES: Final = 4


class WeakPassword(EdgeError):
    """The text cannot be a password here; the message says why."""

    code = "password-weak"
    remedy = "Choose 8 to 128 characters, such as four words, without your name or birthday; no common password."


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
        return self._argon2.hash(normalise_password(password))

    def verify_password(self, password_hash: str, password: SecretStr | str) -> bool:
        """See the port."""
        try:
            return self._argon2.verify(password_hash, normalise_password(password))
        except (VerifyMismatchError, WeakPassword):
            return False
        except (InvalidHashError, VerificationError) as error:
            raise PasswordUnverifiable("the password could not be checked") from error


def is_usable_hash(password_hash: str) -> bool:
    """Whether a hash from elsewhere is Argon2id of a cost that this kiosk can bear while a patient waits."""
    try:
        parameters = argon2.extract_parameters(password_hash)
    except InvalidHashError:
        return False
    return (
        parameters.type is argon2.Type.ID
        and parameters.memory_cost <= _MOST_TIMES * PARAMETERS.memory_cost
        and parameters.time_cost <= _MOST_TIMES * PARAMETERS.time_cost
    )


def normalise_password(password: SecretStr | str) -> str:
    """NFKC, so that every keyboard's form of a letter is the same; bounded before any work is spent on it.

    Raises:
        WeakPassword: no text that can be a password, which `hash_password` and `verify_password` refuse as well.
    """
    text = password.get_secret_value() if isinstance(password, SecretStr) else password
    if len(text) <= MAX_LENGTH:
        text = unicodedata.normalize("NFKC", text)
    if len(text) > MAX_LENGTH:
        raise WeakPassword(f"the password is longer than {MAX_LENGTH} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise WeakPassword("the password has control characters")
    return text
