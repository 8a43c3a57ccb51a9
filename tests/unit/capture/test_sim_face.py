"""The simulated face camera, and the whole face check before it, on scikit-image's `astronaut`."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from edge.auth.face import FaceEncoder, FaceNotFound
from edge.auth.face_burst import BurstResult, FaceBurst, match_burst
from edge.auth.liveness import Challenge, Step
from edge.auth.registry import load_face_encoder
from edge.auth.template_transform import seal_templates
from edge.capture.camera import CameraClosed, CameraSettings, CameraUnavailable, CameraUriInvalid, RespondingCamera
from edge.capture.registry import open_camera
from edge.capture.sim_face_attacks import SPECIES
from edge.capture.sim_face_camera import SimFaceCamera, SimFaceOptions

FRAME_S = 0.15
FACE = (0.51, 0.39, 0.34)
COLOURS = ("#ff4040", "#40ff40", "#4060ff") * 20
MOVES = (Step.TURN_LEFT, Step.TURN_RIGHT, Step.COME_NEAR)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("face") / "face.png"
    Image.fromarray(skimage.data.astronaut()[:300, 72:372]).save(path)
    return path


@pytest.fixture(scope="module")
def encoder() -> FaceEncoder:
    encoder = load_face_encoder("dlib")
    assert encoder is not None
    return encoder


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def decoded(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def picture_after(camera: SimFaceCamera, clock: Clock, step: str | None, flash: str | None = None) -> NDArray[np.uint8]:
    for _ in range(20):
        camera.respond(step, flash=flash)
        clock.now_s += 0.1
        camera.capture()
    return decoded(camera.capture().data)


def check(encoder: FaceEncoder, photograph: Path, *, attack: str | None = None, seed: int = 0) -> BurstResult:
    clock = Clock()
    camera = SimFaceCamera(SimFaceOptions(photograph, face=FACE, attack=attack, seed=seed), now_s=clock)
    burst = FaceBurst(encoder, Challenge(MOVES, COLOURS, spare=Step.TURN_LEFT))
    while True:
        progress = burst.feed(decoded(camera.capture().data), clock.now_s)
        if progress.done:
            return burst.result()
        camera.respond(progress.step.value if progress.step else None, flash=progress.flash)
        clock.now_s += FRAME_S


@pytest.fixture(scope="module")
def genuine(encoder: FaceEncoder, photograph: Path) -> BurstResult:
    return check(encoder, photograph)


def test_the_person_passes_and_matches_themselves_at_another_time(
    encoder: FaceEncoder, photograph: Path, genuine: BurstResult
) -> None:
    assert genuine.problem is None, genuine.live
    again = check(encoder, photograph, seed=7)
    assert again.problem is None, again.live
    match = match_burst(encoder, seal_templates(genuine.templates), again.templates)
    assert match.matched
    assert 0 < match.distance < match.threshold


@pytest.mark.parametrize(
    "species", ["print", "cut-out", "screen-photo", "frozen", "frozen-noisy", "injected-puppet", "print-tilted"]
)
def test_a_picture_of_the_person_is_refused(encoder: FaceEncoder, photograph: Path, species: str) -> None:
    result = check(encoder, photograph, attack=species)
    assert result.problem == "face-not-live"
    assert not result.live.live


def test_the_person_moves_as_asked_after_a_moment(encoder: FaceEncoder, photograph: Path) -> None:
    clock = Clock()
    camera = SimFaceCamera(SimFaceOptions(photograph, face=FACE), now_s=clock)
    at_ease = encoder.observe(picture_after(camera, clock, None))
    camera.respond("turn-left")
    assert encoder.observe(decoded(camera.capture().data)).yaw == pytest.approx(at_ease.yaw, abs=0.04)
    left = encoder.observe(picture_after(camera, clock, "turn-left"))
    right = encoder.observe(picture_after(camera, clock, "turn-right"))
    near = encoder.observe(picture_after(camera, clock, "come-near"))
    assert left.yaw > at_ease.yaw + 0.065
    assert right.yaw < at_ease.yaw - 0.065
    assert left.eye_ratio < at_ease.eye_ratio < right.eye_ratio
    assert near.width_px > 1.15 * at_ease.width_px


def test_the_person_leaves_and_comes_back(encoder: FaceEncoder, photograph: Path) -> None:
    clock = Clock()
    camera = SimFaceCamera(SimFaceOptions(photograph, face=FACE), now_s=clock)
    with pytest.raises(FaceNotFound):
        encoder.observe(picture_after(camera, clock, "away"))
    encoder.observe(picture_after(camera, clock, "look"))


def test_the_screen_lights_the_face_more_than_the_room(photograph: Path) -> None:
    clock = Clock()
    camera = SimFaceCamera(SimFaceOptions(photograph, face=FACE), now_s=clock)
    dark = picture_after(camera, clock, "look").astype(float)
    red = picture_after(camera, clock, "look", "#ff4040").astype(float)
    face, room = np.s_[130:200, 130:190], np.s_[:100, :20]
    gain = [(red[place].mean(axis=(0, 1)) / dark[place].mean(axis=(0, 1))) for place in (face, room)]
    assert gain[0][0] > 1.03
    assert gain[0][0] > gain[0][2] + 0.02
    assert abs(gain[1][0] - 1) < 0.02


def test_every_species_gives_pictures(photograph: Path) -> None:
    for species in SPECIES:
        camera = SimFaceCamera(SimFaceOptions(photograph, face=FACE, attack=species), now_s=Clock())
        assert decoded(camera.capture().data).shape == (320, 320, 3)


def test_it_opens_by_its_address_and_is_a_simulated_responding_camera(photograph: Path) -> None:
    camera = open_camera(f"sim://face?image={photograph}&seed=3&face=0.5,0.5,0.4")
    assert isinstance(camera, RespondingCamera)
    assert camera.simulated
    frame = camera.capture()
    assert (frame.width_px, frame.height_px, frame.camera, frame.simulated) == (320, 320, "sim-face", True)
    assert decoded(camera.preview()).shape[1] == 432
    assert camera.apply(CameraSettings(focus=0.5)) == CameraSettings()
    camera.close()
    camera.close()
    for use in (camera.capture, camera.preview, lambda: camera.respond("look"), lambda: camera.apply(CameraSettings())):
        with pytest.raises(CameraClosed):
            use()


def test_with_fps_its_time_goes_on_with_its_pictures_however_long_they_take(photograph: Path) -> None:
    camera = open_camera(f"sim://face?image={photograph}&fps=8")
    first = camera.capture()
    camera.preview()
    assert camera.capture().taken_s - first.taken_s == pytest.approx(2 / 8)


def test_other_cameras_do_not_respond() -> None:
    assert not isinstance(open_camera("sim://phantom?width=64&height=64"), RespondingCamera)


@pytest.mark.parametrize(
    "address",
    [
        "sim://face", "sim://face?image=", "sim://face?image={0}&attack=mask", "sim://face?image={0}&face=1,2",
        "sim://face?image={0}&face=a,b,c", "sim://face?image={0}&face=0.5,0.5,nan", "sim://face?image={0}&who=me",
        "sim://face?image={0}&seed=-1", "sim://face?image={0}&fps=0",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_refused(photograph: Path, address: str) -> None:
    with pytest.raises(CameraUriInvalid):
        open_camera(address.format(photograph))


@pytest.mark.parametrize(
    "spoil", [lambda path: None, lambda path: path.write_bytes(b"GIF89a"), lambda path: path.mkdir()]
)
def test_a_photograph_that_cannot_be_read_is_no_camera(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    path = tmp_path / "face.jpg"
    spoil(path)
    with pytest.raises(CameraUnavailable):
        open_camera(f"sim://face?image={path}")
