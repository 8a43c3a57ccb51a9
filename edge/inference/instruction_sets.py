"""What this machine's CPU can execute, as Linux tells it."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge.errors import EdgeError

CPUINFO: Final = Path("/proc/cpuinfo")
_FIELDS: Final = {"x86_64": "flags", "aarch64": "Features"}
"""The line of /proc/cpuinfo that lists instruction sets, by the machine's name."""
_WIDE_SUMS: Final = {"x86_64": frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})}
"""Instructions, one of which adds products of bytes in 32 bits. Without, x86 adds them in 16, which two large ones
overflow: oneDNN, "Nuances of int8 computations"; OpenVINO, "Saturation (overflow) issue". arm64 adds in 32."""


class InstructionsMissing(EdgeError):
    """The model needs instructions that this machine's CPU does not have."""

    code = "model-package-needs-other-cpu"
    remedy = "Install a model package made for this kind of machine, or replace the machine."


def require_instructions(
    needed: Mapping[str, tuple[str, ...]], *, machine: str | None = None, cpuinfo: Path = CPUINFO
) -> None:
    """Compare what a package needs on each kind of machine with what this one has.

    Args:
        needed: for each kind of machine, as `uname -m` names it, instruction sets as /proc/cpuinfo names them.
        machine: the kind of this machine; None asks the system.
        cpuinfo: where Linux lists what the CPU has.

    Raises:
        InstructionsMissing: some are missing, or cannot be looked up.
    """
    machine = machine or platform.machine()
    wanted = set(needed.get(machine, ()))
    if not wanted:
        return
    missing = wanted - _available(machine, cpuinfo)
    if missing:
        raise InstructionsMissing(f"this {machine} CPU lacks {', '.join(sorted(missing))}, which the model needs")


def sums_bytes_without_overflow(*, machine: str | None = None, cpuinfo: Path = CPUINFO) -> bool:
    """Tell whether INT8 gives the same answers on this CPU as elsewhere; not where that cannot be looked up.

    `machine` and `cpuinfo` are those of `require_instructions`.
    """
    machine = machine or platform.machine()
    if machine not in _WIDE_SUMS:
        return True
    try:
        return not _WIDE_SUMS[machine].isdisjoint(_available(machine, cpuinfo))
    except InstructionsMissing:
        return False


def _available(machine: str, cpuinfo: Path) -> set[str]:
    name = _FIELDS.get(machine)
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InstructionsMissing(f"{cpuinfo} does not say what this CPU can execute: {error.strerror}") from error
    # A big.LITTLE machine has unlike cores; a thread may run on any of them, so only what all have counts.
    cores = [set(value.split()) for key, _, value in (line.partition(":") for line in lines) if key.strip() == name]
    return set.intersection(*cores) if cores else set()
