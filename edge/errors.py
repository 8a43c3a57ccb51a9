"""The root of every expected kiosk error."""

from typing import ClassVar


class EdgeError(Exception):
    """An expected failure, with a stable code and what a technician or patient does about it."""

    code: ClassVar[str] = "edge"
    remedy: ClassVar[str] = "Restart the kiosk; if it returns, send the log to support."


class SimulatedInClinic(EdgeError):
    """Clinic mode with a part that only simulates."""

    code = "simulated-in-clinic"
    remedy = "Configure real parts, or set environment to demo."
