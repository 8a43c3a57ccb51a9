"""How good a new password is, told while one types: zxcvbn's estimate, a list of common passwords, what is personal.

No rule asks for kinds of characters. The list of common passwords is the one that comes with the package zxcvbn: 30,000
passwords by frequency, from leaks that its authors gathered; it is English-speaking for the most part, and offline.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, Literal

from pydantic import SecretStr
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from edge.auth.password import MAX_LENGTH, MIN_LENGTH, WeakPassword, normalise_password

RuleId = Literal["length", "not-common", "not-personal", "strong"]
Suggestion = Literal[
    "add-words",
    "avoid-common",
    "avoid-personal",
    "avoid-keyboard-rows",
    "avoid-repeats",
    "avoid-sequences",
    "avoid-dates",
]

MIN_SCORE: Final = 2
"""zxcvbn's score of 2 of 4: a million guesses and more. Beside it stand three tries in a quarter of an hour, Argon2id,
and the vault's key on the hashes."""

_ESTIMATED: Final = 64
"""Characters that zxcvbn sees: its time grows fast with length, and a part is never harder to guess than the whole."""
_SHORTEST_PERSONAL: Final = 4
_SHORTEST_CHINESE: Final = 2
_KIOSK_WORDS: Final = ("dermakiosk", "derma", "kiosk")
_BY_PATTERN: Final[dict[str, Suggestion]] = {
    "spatial": "avoid-keyboard-rows",
    "repeat": "avoid-repeats",
    "sequence": "avoid-sequences",
    "date": "avoid-dates",
    "regex": "avoid-dates",
}


@dataclass(frozen=True)
class Rule:
    """One rule, in the order in which they are shown."""

    id: RuleId
    satisfied: bool


@dataclass(frozen=True)
class PasswordAdvice:
    """What to show beside a password that is being chosen. `score` is 0 to 4; `suggestions` are best first."""

    score: int
    acceptable: bool
    rules: tuple[Rule, ...]
    suggestions: tuple[Suggestion, ...]


def assess(
    password: SecretStr | str, *, username: str, full_name: str, birth_date: date | None = None
) -> PasswordAdvice:
    """Judge a password. Any text gets an answer in bounded time; one that can be no password is not acceptable."""
    try:
        text = normalise_password(password)
    except WeakPassword:
        return PasswordAdvice(0, acceptable=False, rules=_rules(set()), suggestions=("add-words",))
    words = _personal_words(username, full_name, birth_date)
    folded = _plain(text)
    estimate = zxcvbn(text[:_ESTIMATED], user_inputs=[*words, *_KIOSK_WORDS]) if text else None
    score = int(estimate["score"]) if estimate else 0
    satisfied: set[RuleId] = set()
    if len(text) >= MIN_LENGTH:
        satisfied.add("length")
    if folded not in _common() and text.casefold() not in _common():
        satisfied.add("not-common")
    if folded not in words and not any(word in folded for word in words if _tells(word)):
        satisfied.add("not-personal")
    if score >= MIN_SCORE:
        satisfied.add("strong")
    rules = _rules(satisfied)
    patterns = [str(match["pattern"]) for match in estimate["sequence"]] if estimate else []
    return PasswordAdvice(
        score=score,
        acceptable=all(rule.satisfied for rule in rules),
        rules=rules,
        suggestions=_suggestions(satisfied, patterns),
    )


def require_acceptable(
    password: SecretStr | str, *, username: str, full_name: str, birth_date: date | None = None
) -> None:
    """Accept a new password by all rules.

    Raises:
        WeakPassword: the message says which rules are broken, never the password.
    """
    normalise_password(password)
    advice = assess(password, username=username, full_name=full_name, birth_date=birth_date)
    if not advice.acceptable:
        broken = ", ".join(rule.id for rule in advice.rules if not rule.satisfied)
        raise WeakPassword(f"the password breaks the rules: {broken}")


def _rules(satisfied: set[RuleId]) -> tuple[Rule, ...]:
    order: tuple[RuleId, ...] = ("length", "not-common", "not-personal", "strong")
    return tuple(Rule(name, name in satisfied) for name in order)


def _suggestions(satisfied: set[RuleId], patterns: list[str]) -> tuple[Suggestion, ...]:
    found: list[Suggestion] = []
    if "not-common" not in satisfied:
        found.append("avoid-common")
    if "not-personal" not in satisfied:
        found.append("avoid-personal")
    if "strong" not in satisfied or "length" not in satisfied:
        found.extend(_BY_PATTERN[pattern] for pattern in patterns if pattern in _BY_PATTERN)
        found.append("add-words")
    return tuple(dict.fromkeys(found))


def _personal_words(username: str, full_name: str, birth_date: date | None) -> tuple[str, ...]:
    """What the person's own data gives a guesser, in plain lower case. Bounded, since it comes from outside."""
    names = f"{username[:MAX_LENGTH]} {full_name[:200]}"
    words = {_plain(username[:MAX_LENGTH]), *_plain(names).split()}
    words |= {part for word in tuple(words) for part in "".join(c if c.isalnum() else " " for c in word).split()}
    words.add("".join(_plain(full_name[:200]).split()))
    if birth_date is not None:
        day, month, year = f"{birth_date.day:02d}", f"{birth_date.month:02d}", f"{birth_date.year:04d}"
        short = year[2:]
        words |= {day + month + year, month + day + year, year + month + day}
        words |= {day + month + short, month + day + short, short + month + day}
        for sign in ".-/ ":
            words |= {sign.join((day, month, year)), sign.join((month, day, year)), sign.join((year, month, day))}
    return tuple(sorted(word for word in words if word))


def _tells(word: str) -> bool:
    """Whether a word is long enough not to be in a password by chance; Chinese names are short."""
    return len(word) >= (_SHORTEST_PERSONAL if word.isascii() else _SHORTEST_CHINESE)


def _plain(text: str) -> str:
    """Lower case without accents: `José` guessed as `jose`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
