"""Which of a machine's devices the network runs on."""

from collections.abc import Collection
from typing import Final

from edge.errors import EdgeError

AUTO: Final = "AUTO"
CPU: Final = "CPU"


class DeviceAbsent(EdgeError):
    """The settings name a device that this machine does not have, or whose driver is missing."""

    code = "inference-device-absent"
    remedy = "Set inference.device to AUTO or CPU, or install the driver of the device."


def choose_device(wanted: str, available: Collection[str]) -> str:
    """Return OpenVINO's name of the device to use.

    AUTO means Intel's GPU where there is one, a built-in one before a card, else the CPU. OpenVINO's own AUTO is not
    used: it may move from one device to another while it runs, and scores with it.

    Raises:
        DeviceAbsent: the device is named and not there.
    """
    gpus = sorted(name for name in available if name.partition(".")[0] == "GPU")
    if wanted == AUTO:
        return gpus[0] if gpus else CPU
    if wanted == "GPU" and gpus:
        return gpus[0]
    if wanted not in available:
        raise DeviceAbsent(f"there is no {wanted} here, only {', '.join(sorted(available))}")
    return wanted
