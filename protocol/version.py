"""Wire version and its history.

A new minor version only adds: receivers of an older minor ignore keys they do not know. A new major version may
remove or change, and is refused by the other side until that is updated.

| version | date       | change                                                                            |
|---------|------------|-----------------------------------------------------------------------------------|
| 1.0     | 2026-11-22 | first release                                                                     |
| 1.1     | 2026-11-24 | analysis-completed: `task`, `answers`, `exclusions`; the model's parts may be null |
| 1.2     | 2026-11-25 | identity: sign-ins, credentials, deletions, locks; patient-registered says more;   |
|         |            | analysis-completed: `model.precision`                                             |

A receiver of 1.0 takes every analysis with a probability of malignancy and puts the others in quarantine: update hubs
before kiosks.

Retired names, never to be reused: none yet.
"""

import re
from typing import NamedTuple

from protocol.errors import VersionUnsupported


class Version(NamedTuple):
    """Wire version, ordered by major then minor."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


CURRENT = Version(1, 2)
MINIMUM_ACCEPTED = Version(1, 0)
PATTERN = r"^[1-9][0-9]{0,3}\.[0-9]{1,4}$"


def accept(text: str) -> Version:
    """Parse a sender's version and apply the version rule.

    Raises:
        VersionUnsupported: not a version, another major, or older than the minimum accepted.
    """
    if not re.fullmatch(PATTERN, text):
        raise VersionUnsupported(f"{text[:20]!r} is no wire version")
    major, minor = text.split(".")
    version = Version(int(major), int(minor))
    if version.major != CURRENT.major or version < MINIMUM_ACCEPTED:
        raise VersionUnsupported(f"wire version {version} is not served; this side speaks {CURRENT}")
    return version
