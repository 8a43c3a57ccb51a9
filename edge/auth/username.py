"""User names: which ones can exist, and the key under which two spellings are the same name."""

import unicodedata
from typing import Final

from edge.errors import EdgeError

MIN_LENGTH: Final = 3
MAX_LENGTH: Final = 64

_SIGNS: Final = frozenset("0123456789._-")
_BASE_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class UsernameInvalid(EdgeError):
    """The text cannot be a user name."""

    code = "username-invalid"
    remedy = "Choose 3 to 64 letters, digits, dots, hyphens or underscores."


def normalise_username(username: str) -> str:
    """Return the name as it is stored and shown: NFKC.

    Letters are Latin ones, with accents or without, and Chinese characters: what the kiosk's three languages need.
    Letters of other scripts that look like them, as Cyrillic ones do, would let one person register another's name.

    Raises:
        UsernameInvalid: the message never repeats the name.
    """
    if len(username) > MAX_LENGTH:
        raise UsernameInvalid(f"the user name is longer than {MAX_LENGTH} characters")
    name = unicodedata.normalize("NFKC", username)
    if not MIN_LENGTH <= len(name) <= MAX_LENGTH:
        raise UsernameInvalid(f"the user name has {len(name)} characters, {MIN_LENGTH} to {MAX_LENGTH} are needed")
    if not all(_allowed(character) for character in name):
        raise UsernameInvalid("the user name has other characters than letters, digits, dot, hyphen and underscore")
    return name


def username_key(username: str) -> str:
    """Return the form in which names are unique: normalised, letter case folded.

    Raises:
        UsernameInvalid: no user name.
    """
    return unicodedata.normalize("NFKC", normalise_username(username).casefold())


def _allowed(character: str) -> bool:
    if character in _SIGNS or unicodedata.name(character, "").startswith("CJK UNIFIED IDEOGRAPH"):
        return True
    parts = unicodedata.normalize("NFKD", character)
    return parts[0] in _BASE_LETTERS and all(unicodedata.combining(mark) for mark in parts[1:])
