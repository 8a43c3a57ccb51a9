"""Mechanical faults that a simulated camera plays at given captures."""

from enum import StrEnum
from typing import Final

from edge.capture.camera import CameraUriInvalid


class SimFault(StrEnum):
    """What goes wrong at one capture."""

    DEFOCUS = "defocus"
    DARK = "dark"
    GLARE = "glare"
    UNPLUG = "unplug"
    FREEZE = "freeze"


_MOST_DIGITS: Final = 9


def parse_faults(text: str) -> dict[int, frozenset[SimFault]]:
    """Faults by the number of their capture, counted from 1: `defocus@5,unplug@9`.

    Raises:
        CameraUriInvalid: an unknown fault, no number, or a freeze with no picture before it.
    """
    faults: dict[int, frozenset[SimFault]] = {}
    for item in text.split(","):
        name, _, number = item.partition("@")
        if name not in set(SimFault):
            raise CameraUriInvalid(f"unknown fault {item!r}; known: {', '.join(f'{fault}@N' for fault in SimFault)}")
        if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS and int(number) > 0):
            raise CameraUriInvalid(f"fault {item!r} needs the number of a capture from 1, such as {name}@5")
        if name == SimFault.FREEZE and int(number) == 1:
            raise CameraUriInvalid("freeze@1 has no picture before it to repeat")
        faults[int(number)] = faults.get(int(number), frozenset()) | {SimFault(name)}
    return faults
