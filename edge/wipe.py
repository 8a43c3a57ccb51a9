"""Overwrites what a patient left in memory, where Python lets one: arrays of pixels.

Texts and byte strings cannot be overwritten in Python; of those only the references are dropped, and the memory is
reused or goes back to the system.
"""

import numpy as np
from numpy.typing import NDArray


def wipe(picture: NDArray[np.uint8] | None) -> None:
    """Set every pixel to zero; of a read-only array, which views a byte string, nothing can be set."""
    if picture is not None and picture.flags.writeable:
        picture.fill(0)
