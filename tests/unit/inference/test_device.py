import pytest

from edge.inference.device import DeviceAbsent, choose_device


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [
        ("AUTO", ["CPU"], "CPU"),
        ("AUTO", ["CPU", "GPU"], "GPU"),
        ("AUTO", ["CPU", "GPU.1", "GPU.0"], "GPU.0"),
        ("AUTO", ["CPU", "NPU"], "CPU"),
        ("CPU", ["CPU", "GPU"], "CPU"),
        ("GPU", ["CPU", "GPU.0", "GPU.1"], "GPU.0"),
        ("GPU.1", ["CPU", "GPU.0", "GPU.1"], "GPU.1"),
    ],
)
def test_the_device(wanted: str, available: list[str], chosen: str) -> None:
    assert choose_device(wanted, available) == chosen


@pytest.mark.parametrize("wanted", ["GPU", "GPU.1", "NPU", "cpu"])
def test_a_device_that_is_not_there_is_named(wanted: str) -> None:
    with pytest.raises(DeviceAbsent, match=f"no {wanted} here, only CPU"):
        choose_device(wanted, ["CPU"])
