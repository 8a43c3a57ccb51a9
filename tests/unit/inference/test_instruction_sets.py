from pathlib import Path

import pytest

from edge.inference.instruction_sets import InstructionsMissing, require_instructions, sums_bytes_without_overflow

NEEDED = {"x86_64": ("avx2", "avx512f"), "aarch64": ("asimd",)}
PC = "processor\t: {}\nflags\t\t: fpu sse4_2 avx avx2{}\nbugs\t\t:\n\n"
PI = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n"


@pytest.fixture
def cpuinfo(tmp_path: Path) -> Path:
    return tmp_path / "cpuinfo"


def test_a_cpu_that_has_all_is_accepted(cpuinfo: Path) -> None:
    cpuinfo.write_text(PC.format(0, " avx512f") + PC.format(1, " avx512f"))
    require_instructions(NEEDED, machine="x86_64", cpuinfo=cpuinfo)
    cpuinfo.write_text(PI)
    require_instructions(NEEDED, machine="aarch64", cpuinfo=cpuinfo)


def test_what_is_missing_is_named_and_what_is_there_is_not(cpuinfo: Path) -> None:
    cpuinfo.write_text(PC.format(0, ""))
    with pytest.raises(InstructionsMissing, match="lacks avx512f,"):
        require_instructions(NEEDED, machine="x86_64", cpuinfo=cpuinfo)


def test_what_only_some_cores_have_is_missing(cpuinfo: Path) -> None:
    cpuinfo.write_text(PC.format(0, " avx512f") + PC.format(1, ""))
    with pytest.raises(InstructionsMissing, match="avx512f"):
        require_instructions(NEEDED, machine="x86_64", cpuinfo=cpuinfo)


def test_a_name_that_only_contains_another_is_not_that_one(cpuinfo: Path) -> None:
    cpuinfo.write_text("flags\t: avx\n")
    with pytest.raises(InstructionsMissing, match="avx2"):
        require_instructions({"x86_64": ("avx2",)}, machine="x86_64", cpuinfo=cpuinfo)


def test_a_machine_of_which_nothing_is_asked_is_accepted_unread(cpuinfo: Path) -> None:
    require_instructions({"x86_64": ("avx2",)}, machine="aarch64", cpuinfo=cpuinfo)
    require_instructions({}, machine="x86_64", cpuinfo=cpuinfo)


def test_where_nothing_can_be_looked_up_the_model_is_refused(cpuinfo: Path) -> None:
    with pytest.raises(InstructionsMissing, match="cpuinfo"):
        require_instructions(NEEDED, machine="x86_64", cpuinfo=cpuinfo)
    cpuinfo.write_text("nothing to see\n")
    with pytest.raises(InstructionsMissing, match="avx2"):
        require_instructions(NEEDED, machine="x86_64", cpuinfo=cpuinfo)


def test_this_machine_does_not_have_what_does_not_exist() -> None:
    with pytest.raises(InstructionsMissing, match="warp-drive"):
        require_instructions(dict.fromkeys(("x86_64", "aarch64", "arm64"), ("warp-drive",)))


@pytest.mark.parametrize(
    ("machine", "listed"),
    [
        ("x86_64", PC.format(0, " avx_vnni")),
        ("x86_64", PC.format(0, " avx512_vnni") + PC.format(1, " avx512_vnni")),
        ("aarch64", PI),
    ],
)
def test_int8_is_exact_where_products_are_added_in_32_bits(cpuinfo: Path, machine: str, listed: str) -> None:
    cpuinfo.write_text(listed)
    assert sums_bytes_without_overflow(machine=machine, cpuinfo=cpuinfo)


@pytest.mark.parametrize("flags", [[""], [" avx512f avx512bw"], [" avx_vnni", ""]])
def test_int8_overflows_where_one_core_adds_them_in_16(cpuinfo: Path, flags: list[str]) -> None:
    cpuinfo.write_text("".join(PC.format(core, more) for core, more in enumerate(flags)))
    assert not sums_bytes_without_overflow(machine="x86_64", cpuinfo=cpuinfo)


def test_int8_is_not_trusted_where_the_cpu_cannot_be_looked_up(cpuinfo: Path) -> None:
    assert not sums_bytes_without_overflow(machine="x86_64", cpuinfo=cpuinfo)
