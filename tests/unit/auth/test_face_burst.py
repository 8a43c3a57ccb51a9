"""The course of an attempt, with faces that a script describes; what real pictures do is `test_face_check.py`."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.auth.face import (
    FaceError,
    FaceNotFound,
    FaceObservation,
    FaceTemplate,
    FaceTemplateIncompatible,
    SeveralFaces,
)
from edge.auth.face_burst import MOVE_S, BurstResult, FaceBurst, Progress, match_burst
from edge.auth.liveness import FLASH_COLOURS, MOVES, Challenge, ChallengeSpent, Step
from edge.auth.liveness_moves import TURN
from edge.auth.template_transform import seal_templates

FRAME_S: Final = 0.15
FLASHES: Final = tuple(FLASH_COLOURS[index % 3] for index in range(60))
LEFT_RIGHT_NEAR: Final = (Step.TURN_LEFT, Step.TURN_RIGHT, Step.COME_NEAR)
Look = Callable[[Progress | None], FaceObservation | FaceError]


def seen(*, yaw: float = 0.0, scale: float = 1.0, brightness: float = 120.0) -> FaceObservation:
    eyes = 60 * scale
    landmarks = np.array([(130 + eyes / 2, 100), (130, 100), (130 - eyes / 2, 100), (130, 100), (130, 130)], float)
    return FaceObservation(
        box=(60, 60, 200, 200), landmarks=landmarks, score=1.5, yaw=yaw, pitch=0.55, roll_degrees=0,
        eye_ratio=-1.3 * yaw, brightness=brightness, contrast=40, sharpness=100, covered=0.3,
    )  # fmt: skip


class ScriptedFaces:
    """Sees what it is told to; its templates are two numbers, of who is before the camera."""

    algorithm = "scripted/1"
    threshold = 1.0
    burst_threshold = 0.5

    def __init__(self) -> None:
        self.next: FaceObservation | FaceError = FaceNotFound("nobody")
        self.who = 5.0

    def observe(self, rgb: NDArray[np.uint8]) -> FaceObservation:
        if isinstance(self.next, FaceError):
            raise self.next
        return self.next

    def describe(self, rgb: NDArray[np.uint8], observation: FaceObservation) -> FaceTemplate:
        return FaceTemplate(
            algorithm=self.algorithm, data=np.array([self.who, float(rgb[0, 0, 0]) / 1e4], "<f4").tobytes()
        )

    def encode(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        return self.describe(rgb, self.observe(rgb))

    def distance(self, a: FaceTemplate, b: FaceTemplate) -> float:
        first, second = (np.frombuffer(each.data, "<f4").astype(float) for each in (a, b))
        return float(np.linalg.norm(first - second))


def frame(rng: np.random.Generator, flash: str | None) -> NDArray[np.uint8]:
    """A noisy room with a face-coloured patch in its middle that takes the screen's light."""
    picture = np.full((260, 260, 3), 100.0)
    light = np.array([int(flash[i : i + 2], 16) / 255 for i in (1, 3, 5)] if flash else [0.0] * 3)
    picture[60:200, 60:200] = 120 * (1 + 0.15 * light)
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def obedient(progress: Progress | None) -> FaceObservation:
    """Does what is asked at once."""
    step = progress.step if progress else Step.LOOK
    return {
        Step.TURN_LEFT: seen(yaw=0.15), Step.TURN_RIGHT: seen(yaw=-0.15), Step.COME_NEAR: seen(scale=1.4),
    }.get(step or Step.LOOK, seen())  # fmt: skip


def burst(encoder: ScriptedFaces, moves: tuple[Step, ...] = LEFT_RIGHT_NEAR) -> FaceBurst:
    return FaceBurst(encoder, Challenge(moves, FLASHES, spare=Step.TURN_LEFT))


def run(
    attempt: FaceBurst, encoder: ScriptedFaces, look: Look, *, start_s: float = 50.0
) -> tuple[list[Progress], float]:
    rng = np.random.default_rng(0)
    shown: list[Progress] = []
    at_s = start_s
    while not shown or not shown[-1].done:
        encoder.next = look(shown[-1] if shown else None)
        shown.append(attempt.feed(frame(rng, shown[-1].flash if shown else None), at_s))
        at_s += FRAME_S
    return shown, at_s - FRAME_S - start_s


@pytest.fixture
def faces() -> ScriptedFaces:
    return ScriptedFaces()


@pytest.mark.parametrize("moves", [LEFT_RIGHT_NEAR, (Step.TURN_RIGHT, Step.TURN_LEFT, Step.TURN_RIGHT)])
def test_who_does_as_asked_is_there_in_person(faces: ScriptedFaces, moves: tuple[Step, ...]) -> None:
    attempt = burst(faces, moves)
    shown, took_s = run(attempt, faces, obedient)
    result = attempt.result()
    assert result.usable, result
    assert result.live.live
    assert [cue.name for cue in result.live.cues] == ["stream", "depth", "light", "no-pattern", "one-person"]
    assert len(result.templates) == 5
    assert result.best_frame is not None
    assert took_s < attempt.longest_s
    asked = list(dict.fromkeys((progress.step_number, progress.step) for progress in shown[:-1]))
    assert asked == [(1, Step.LOOK), *((number + 2, move) for number, move in enumerate(moves))]


def test_moves_are_told_one_at_a_time_and_colours_run_from_the_first_good_look(faces: ScriptedFaces) -> None:
    shown, _ = run(burst(faces), faces, obedient)
    assert shown[0].guidance == "look"
    assert all(progress.flash in FLASH_COLOURS for progress in shown[:-1])
    assert len({progress.flash for progress in shown[:-1]}) == 3
    assert (shown[-1].guidance, shown[-1].step, shown[-1].flash) == ("done", None, None)


def test_nobody_ends_after_the_deadline_without_having_been_checked(faces: ScriptedFaces) -> None:
    attempt = burst(faces)
    shown, took_s = run(attempt, faces, lambda _: FaceNotFound("nobody"))
    assert 5.0 < took_s <= 5.0 + FRAME_S * 1.01
    assert {progress.guidance for progress in shown} == {"face-not-found", "done"}
    assert not [progress for progress in shown if progress.flash]
    result = attempt.result()
    assert (result.problem, result.templates, result.best_frame) == ("face-not-found", (), None)
    assert not result.live.live


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(SeveralFaces("2 faces"), "face-several", id="two-faces"),
        pytest.param(seen(brightness=10), "face-too-dark", id="dark"),
        pytest.param(seen(yaw=0.3), "face-turned", id="turned"),
        pytest.param(replace(seen(), covered=2.0), "face-covered", id="covered"),
        pytest.param(replace(seen(), sharpness=3.0), "face-blurred", id="blurred"),
    ],
)
def test_what_is_wrong_with_the_face_is_said_at_once_and_at_the_end(
    faces: ScriptedFaces, fault: FaceObservation | FaceError, code: str
) -> None:
    attempt = burst(faces)
    shown, _ = run(attempt, faces, lambda _: fault)
    assert {progress.guidance for progress in shown[:-1]} == {code}
    assert attempt.result().problem == code


def test_a_fault_put_right_within_the_deadline_costs_nothing(faces: ScriptedFaces) -> None:
    attempt, count = burst(faces), iter(range(10_000))
    run(attempt, faces, lambda progress: SeveralFaces("2") if next(count) < 12 else obedient(progress))
    assert attempt.result().usable


def test_who_stands_still_is_not_live_and_gives_no_template(faces: ScriptedFaces) -> None:
    attempt = burst(faces)
    _, took_s = run(attempt, faces, lambda _: seen())
    assert took_s < 2 + MOVE_S + 2 * FRAME_S
    result = attempt.result()
    assert (result.problem, result.templates) == ("face-not-live", ())


def test_one_wrong_turn_costs_one_more_move_and_a_second_ends_it(faces: ScriptedFaces) -> None:
    other_way = {Step.TURN_LEFT: seen(yaw=-0.15), Step.TURN_RIGHT: seen(yaw=0.15)}

    def wrong_once(progress: Progress | None) -> FaceObservation:
        asked = progress.step if progress else None
        # Back to the front between the two, as a body is.
        history.append(asked)
        if history.count(Step.TURN_LEFT) in (2, 3) and asked == Step.TURN_LEFT:
            return other_way[Step.TURN_LEFT]
        return seen() if history.count(Step.TURN_LEFT) == 1 else obedient(progress)

    history: list[Step | None] = []
    attempt = burst(faces)
    shown, _ = run(attempt, faces, wrong_once)
    assert attempt.result().usable
    assert shown[-1].steps_total == 5

    faces_again = ScriptedFaces()
    attempt = burst(faces_again)
    turns = iter([seen(), seen(yaw=-0.15), seen(yaw=-0.15)] * 100)
    run(attempt, faces_again, lambda p: next(turns) if p and p.step == Step.TURN_LEFT else seen())
    assert attempt.result().problem == "face-not-live"


def test_coming_out_of_a_turn_to_the_other_side_is_no_wrong_turn(faces: ScriptedFaces) -> None:
    attempt = burst(faces, (Step.TURN_LEFT, Step.TURN_RIGHT, Step.TURN_LEFT))
    slow: list[float] = [0.0]

    def slowly(progress: Progress | None) -> FaceObservation:
        goal = {Step.TURN_LEFT: 0.16, Step.TURN_RIGHT: -0.16}.get(
            progress.step if progress and progress.step else Step.LOOK, 0
        )
        slow[0] += float(np.clip(goal - slow[0], -0.03, 0.03))
        return seen(yaw=slow[0])

    shown, _ = run(attempt, faces, slowly)
    assert shown[-1].steps_total == 4
    assert attempt.result().usable


def test_a_slip_of_one_frame_is_no_move(faces: ScriptedFaces) -> None:
    attempt, count = burst(faces), iter(range(10_000))
    run(attempt, faces, lambda p: seen(yaw=TURN * 2) if p and p.step != Step.LOOK and next(count) % 4 == 0 else seen())
    assert attempt.result().problem == "face-not-live"


def test_a_face_that_changes_hands_between_looking_and_moving_is_refused(faces: ScriptedFaces) -> None:
    attempt = burst(faces)
    run(attempt, faces, obedient)
    describe, calls = faces.describe, iter(range(100))

    def somebody_else(rgb: NDArray[np.uint8], observation: FaceObservation) -> FaceTemplate:
        faces.who = 5.0 if next(calls) < 3 else 7.0
        return describe(rgb, observation)

    faces.describe = somebody_else  # type: ignore[method-assign]
    assert attempt.result().problem == "face-not-live"


def still(picture: NDArray[np.uint8]) -> Callable[[float, str | None], NDArray[np.uint8]]:
    return lambda _at_s, _flash: picture


def feed_all(
    attempt: FaceBurst,
    encoder: ScriptedFaces,
    pictures: Callable[[float, str | None], NDArray[np.uint8]],
    times: Sequence[float],
) -> BurstResult:
    progress: Progress | None = None
    for at_s in times:
        encoder.next = obedient(progress)
        progress = attempt.feed(pictures(at_s, progress.flash if progress else None), at_s)
    return attempt.result()


def test_a_frozen_picture_is_refused_whatever_the_landmarks_say(faces: ScriptedFaces) -> None:
    picture = frame(np.random.default_rng(0), None)
    result = feed_all(burst(faces), faces, still(picture), np.arange(0, 20, FRAME_S).tolist())
    assert result.problem == "face-not-live"
    assert [cue.name for cue in result.live.cues if not cue.passed] == ["stream", "light"]


def test_a_face_that_ignores_the_light_is_refused(faces: ScriptedFaces) -> None:
    rng = np.random.default_rng(0)
    result = feed_all(burst(faces), faces, lambda *_: frame(rng, None), np.arange(0, 20, FRAME_S).tolist())
    assert [cue.name for cue in result.live.cues if not cue.passed] == ["light"]


def test_light_of_another_draw_is_refused(faces: ScriptedFaces) -> None:
    rng, colours = np.random.default_rng(0), random.Random(4)
    drawn = Challenge.draw(colours)
    result = feed_all(
        burst(faces), faces, lambda at_s, _: frame(rng, drawn.flash_at(at_s + 0.3)), np.arange(0, 20, FRAME_S).tolist()
    )
    assert "light" in [cue.name for cue in result.live.cues if not cue.passed]


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([0.0] * 3 + np.arange(0, 20, FRAME_S).tolist(), id="time-stands-still"),
        pytest.param([1.0, 0.5, *np.arange(1, 20, FRAME_S)], id="time-goes-back"),
    ],
)
def test_a_stream_out_of_time_is_refused(faces: ScriptedFaces, times: list[float]) -> None:
    rng = np.random.default_rng(0)
    result = feed_all(burst(faces), faces, lambda _, flash: frame(rng, flash), times)
    assert result.problem == "face-not-live"
    assert "stream" in [cue.name for cue in result.live.cues if not cue.passed]


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([*np.arange(0, 1.5, FRAME_S), *np.arange(4.9, 20, FRAME_S)], id="interrupted"),
        pytest.param(np.arange(0, 20, 0.9).tolist(), id="slow"),
        pytest.param([0.0, 7.0], id="standing-still"),
    ],
)
def test_a_kiosk_too_slow_to_judge_blames_itself_and_gives_no_template(
    faces: ScriptedFaces, times: list[float]
) -> None:
    rng = np.random.default_rng(0)
    result = feed_all(burst(faces), faces, lambda _, flash: frame(rng, flash), times)
    assert (result.problem, result.usable) == ("face-frames-missing", False)
    assert not result.live.live


def test_a_display_s_grid_is_refused(faces: ScriptedFaces) -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:260, 0:260]
    grid = (12 * np.cos(2 * np.pi * (0.3 * columns + 0.17 * rows)))[..., None]
    result = feed_all(
        burst(faces), faces, lambda _, flash: np.clip(frame(rng, flash) + grid, 0, 255).astype(np.uint8),
        np.arange(0, 20, FRAME_S).tolist(),
    )  # fmt: skip
    assert [cue.name for cue in result.live.cues if not cue.passed] == ["no-pattern"]


def test_a_challenge_is_good_for_one_attempt(faces: ScriptedFaces) -> None:
    challenge = Challenge.draw()
    FaceBurst(faces, challenge)
    with pytest.raises(ChallengeSpent):
        FaceBurst(faces, challenge)


def test_challenges_differ_and_always_have_both_turns() -> None:
    rng = random.Random(0)
    drawn = [Challenge.draw(rng) for _ in range(300)]
    assert len({challenge.moves for challenge in drawn}) == 8
    for challenge in drawn:
        assert {Step.TURN_LEFT, Step.TURN_RIGHT} <= set(challenge.moves) <= set(MOVES)
        assert all(a != b for a, b in zip(challenge.moves, challenge.moves[1:], strict=False))
        assert challenge.spare != challenge.moves[-1]
        assert all(a != b for a, b in zip(challenge.flashes, challenge.flashes[1:], strict=False))
    assert len({challenge.flashes[:8] for challenge in drawn}) > 150
    assert Challenge.draw().flashes != Challenge.draw().flashes


def test_after_the_end_frames_are_not_looked_at(faces: ScriptedFaces) -> None:
    attempt = burst(faces)
    shown, _ = run(attempt, faces, obedient)
    faces.next = AssertionError("looked at")  # type: ignore[assignment]
    assert attempt.feed(frame(np.random.default_rng(1), None), 1e6) == shown[-1]


def test_given_up_halfway_it_is_never_usable(faces: ScriptedFaces) -> None:
    attempt = burst(faces)
    result = feed_all(attempt, faces, lambda _, flash: frame(np.random.default_rng(3), flash), [0.0, 0.1, 0.2])
    assert not result.usable


def test_clearing_blackens_the_pictures_and_ends_the_attempt(faces: ScriptedFaces) -> None:
    attempt = burst(faces)
    run(attempt, faces, obedient)
    picture = attempt.result().best_frame
    assert picture is not None
    assert picture.any()
    attempt.clear()
    attempt.clear()
    assert not picture.any()
    assert attempt.feed(frame(np.random.default_rng(1), None), 99.0).done
    assert not attempt.result().templates


def test_the_enrolled_person_matches_and_another_does_not(faces: ScriptedFaces) -> None:
    def of(who: float) -> FaceTemplate:
        return FaceTemplate(algorithm=faces.algorithm, data=np.array([who, 0.0], "<f4").tobytes())

    credential = seal_templates([of(5.0), of(5.2)])
    assert match_burst(faces, credential, [of(5.1), of(5.4)]).matched
    match = match_burst(faces, credential, [of(6.0)])
    assert (match.matched, match.threshold) == (False, 0.5)
    assert match.distance == pytest.approx(0.9, abs=1e-5)
    with pytest.raises(FaceTemplateIncompatible):
        match_burst(faces, credential, [])
    with pytest.raises(FaceTemplateIncompatible):
        match_burst(faces, credential, [FaceTemplate(algorithm="other/1", data=of(5.0).data)])
    for damaged in ({"transform_version": 9}, {"templates": ("AAAA",)}):
        with pytest.raises(FaceTemplateIncompatible):
            match_burst(faces, credential.model_copy(update=damaged), [of(5.0)])
