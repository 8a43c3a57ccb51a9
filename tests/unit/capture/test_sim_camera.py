from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.camera import CameraSettings, CameraUnplugged, CameraUriInvalid
from edge.capture.quality import Fault, QualityReport, assess
from edge.capture.sim_camera import SimCamera

Picture = NDArray[np.uint8]
Decode = Callable[[bytes], Picture]
SIZE = "width=640&height=480"


def camera(query: str) -> SimCamera:
    return SimCamera.from_uri(f"sim://phantom?{SIZE}&{query}")


def shot(decode: Decode, settings: CameraSettings) -> Picture:
    device = camera("seed=3")
    device.apply(settings)
    return decode(device.capture().data)


def sharpness(rgb: Picture) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def white(rgb: Picture) -> float:
    return float((rgb.min(axis=2) >= 250).mean())


def judged(decode: Decode, device: SimCamera, *, previous_sha256: str | None = None) -> QualityReport:
    frame = device.capture()
    return assess(decode(frame.data), previous_sha256=previous_sha256, sha256=frame.sha256)


def test_the_same_address_gives_the_same_bytes() -> None:
    first, second = camera("seed=3"), camera("seed=3")
    assert [first.capture().data for _ in range(2)] == [second.capture().data for _ in range(2)]


def test_another_seed_gives_other_pictures() -> None:
    assert camera("seed=3").capture().data != camera("seed=4").capture().data


def test_a_later_start_goes_on_where_an_earlier_run_stopped() -> None:
    earlier = camera("seed=3")
    frames = [earlier.capture().sha256 for _ in range(3)]
    assert camera("seed=3&start=3").capture().sha256 == frames[2]


def test_pictures_are_marked_simulated() -> None:
    assert camera("seed=3").capture().simulated


def test_defocus_to_either_side_takes_detail_away(decode: Decode) -> None:
    sharp, near, nearer, far = (sharpness(shot(decode, CameraSettings(focus=focus))) for focus in (0.5, 0.6, 0.8, 0.3))
    assert sharp > near > nearer
    assert far < sharp / 2


def test_exposure_brightens_and_clips(decode: Decode) -> None:
    pictures = [shot(decode, CameraSettings(exposure_ev=stops)) for stops in (-2, 0, 2, 3)]
    means = [picture.mean() for picture in pictures]
    assert means == sorted(means)
    assert (pictures[-1] == 255).mean() > 0.5 > (pictures[1] == 255).mean()


def test_noise_grows_where_light_is_short(decode: Decode) -> None:
    noisy, clean = (
        shot(decode, CameraSettings(illumination=illumination)).astype(float) for illumination in (0.02, 1.0)
    )
    assert noisy.mean() < clean.mean()
    assert sharpness(noisy.astype(np.uint8)) / noisy.mean() ** 2 > sharpness(clean.astype(np.uint8)) / clean.mean() ** 2


def test_without_the_polariser_skin_mirrors_the_light(decode: Decode) -> None:
    assert white(shot(decode, CameraSettings(polarised=False))) > white(shot(decode, CameraSettings())) + 0.01


def test_settings_are_read_back_in_the_device_s_steps() -> None:
    device = camera("seed=3")
    in_effect = device.apply(CameraSettings(focus=0.456789, exposure_ev=0.5))
    assert in_effect == CameraSettings(focus=0.46, exposure_ev=2 / 3, polarised=True, illumination=1.0)
    assert device.apply(CameraSettings(polarised=False)).focus == 0.46
    assert device.capture().settings.polarised is False


@pytest.mark.parametrize(("fault", "found"), [("defocus", Fault.BLURRED), ("dark", Fault.DARK), ("glare", Fault.GLARE)])
def test_a_fault_strikes_its_capture_only_and_the_gate_names_it(decode: Decode, fault: str, found: Fault) -> None:
    device = camera(f"seed=3&fault={fault}@2")
    assert judged(decode, device).accepted
    assert judged(decode, device).faults == (found,)
    assert judged(decode, device).accepted


def test_a_frozen_camera_repeats_its_picture_and_the_gate_notices(decode: Decode) -> None:
    device = camera("seed=3&fault=freeze@2")
    before = device.capture()
    report = judged(decode, device, previous_sha256=before.sha256)
    assert report.faults == (Fault.FROZEN,)
    assert device.capture().sha256 != before.sha256


def test_unplugged_it_gives_nothing_until_opened_again_and_then_goes_on() -> None:
    undisturbed = camera("seed=9")
    frames = [undisturbed.capture().sha256 for _ in range(3)]
    query = "seed=9&fault=unplug@2"
    device = camera(query)
    assert device.capture().sha256 == frames[0]
    for _ in range(2):
        with pytest.raises(CameraUnplugged):
            device.capture()
    with pytest.raises(CameraUnplugged):
        device.preview()
    device.close()
    assert camera(query).capture().sha256 == frames[2]


def test_several_faults_may_be_named(decode: Decode) -> None:
    device = camera("seed=3&fault=dark@1,defocus@3")
    assert [judged(decode, device).faults for _ in range(3)] == [(Fault.DARK,), (), (Fault.BLURRED,)]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sim://dermoscope", "known: phantom, scalp"),
        ("sim://phantom?sede=7", "unknown option sede"),
        ("sim://phantom?seed=x", "seed=x"),
        ("sim://phantom?seed=-1", "seed=-1"),
        ("sim://phantom?seed=" + "9" * 5000, "whole number"),
        ("sim://phantom?seed=1&seed=2", "twice"),
        ("sim://phantom?seed", "cannot be read"),
        ("sim://phantom?width=100000", "width=100000"),
        ("sim://phantom?fault=", "unknown fault"),
        ("sim://phantom?fault=melt@2", "known: defocus@N"),
        ("sim://phantom?fault=dark", "dark@5"),
        ("sim://phantom?fault=dark@0", "number of a capture"),
        ("sim://phantom?fault=dark@²", "number of a capture"),
        ("sim://phantom?fault=freeze@1", "no picture before"),
        ("sim://phantom#seed", "%23"),
    ],
)
def test_a_wrong_address_is_refused_with_its_reason(uri: str, message: str) -> None:
    with pytest.raises(CameraUriInvalid, match=message):
        SimCamera.from_uri(uri)
