import math
from dataclasses import replace

import numpy as np
import pytest

from edge.auth.binomial import clopper_pearson
from edge.auth.face_report import SeenFace, group_report, pairs_of_bundles, recognition_report
from edge.auth.liveness_verdict import THRESHOLDS
from edge.auth.pad_report import AttemptRecord, pad_report


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [(0, 40, 0.0, 0.0881), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0), (0, 0, 0.0, 1.0)],
)
def test_intervals_are_those_of_the_tables(events: int, trials: int, low: float, high: float) -> None:
    assert clopper_pearson(events, trials) == pytest.approx((low, high), abs=1e-4)


def record(species: str, *, passed: bool, develop: bool = False, light: float = 0.9) -> AttemptRecord:
    scores = dict.fromkeys(THRESHOLDS, 1.0) | {"light": light}
    return AttemptRecord(species, develop, readable=True, challenge_met=True, passed=passed, scores=scores)


def test_attacks_that_pass_and_people_who_do_not_are_counted_on_the_second_part_alone() -> None:
    report = pad_report(
        [
            *[record("genuine", passed=True)] * 9,
            record("genuine", passed=False),
            *[record("genuine", passed=False, develop=True)] * 5,
            *[record("print", passed=False, light=math.nan)] * 3,
            record("print", passed=True),
            *[record("print", passed=True, develop=True)] * 5,
        ]
    )
    species = report["species"]
    assert isinstance(species, dict)
    assert (species["genuine"]["bpcer"]["events"], species["genuine"]["bpcer"]["trials"]) == (1, 10)
    assert (species["print"]["apcer"]["events"], species["print"]["apcer"]["trials"]) == (1, 4)
    assert species["print"]["refused_by_cue_alone"]["light"]["events"] == 3


def test_people_whose_picture_could_not_be_read_are_counted_apart() -> None:
    unread = replace(record("genuine", passed=False), readable=False, challenge_met=False)
    species = pad_report([unread, record("genuine", passed=True)])["species"]
    assert isinstance(species, dict)
    assert species["genuine"]["non_response"]["events"] == 1
    assert (species["genuine"]["bpcer"]["events"], species["genuine"]["bpcer"]["trials"]) == (0, 1)


def faces(people: int, each: int) -> list[SeenFace]:
    rng = np.random.default_rng(0)
    made = []
    for person in range(people):
        middle = rng.normal(0, 1, 16)
        made += [
            SeenFace(f"p{person:03}", f"day{day}", middle + rng.normal(0, 0.02, 16), skin_tone=float(person))
            for day in range(each)
        ]
    return made


class Encoder:
    algorithm = "vectors/1"
    threshold = 0.5
    burst_threshold = 0.4


def test_the_report_tells_frames_bursts_halves_and_groups() -> None:
    report = recognition_report(Encoder(), faces(60, 4))  # type: ignore[arg-type]
    single, burst = report["single_frame"], report["burst"]
    assert isinstance(single, dict)
    assert isinstance(burst, dict)
    assert single["in_use"]["false_match"]["trials"] == 60 * 59 / 2 * 16
    assert single["in_use"]["false_non_match"] == single["in_use"]["false_non_match"] | {"events": 0, "trials": 360}
    assert burst["in_use"]["false_match"]["trials"] == 60 * 59 / 2 * 4
    assert burst["in_use"]["threshold"] == 0.4
    assert set(report["single_frame_by_skin_tone"]) == {"darkest_third", "middle_third", "lightest_third"}  # type: ignore[call-overload]


def test_bundles_average_and_leave_single_photographs_out() -> None:
    middle = np.ones(4)
    apart = [SeenFace("a", str(day), middle * (1 + side), 0.0) for day, side in enumerate((0.1, -0.1, 0.2, -0.2))]
    rates = pairs_of_bundles([*apart, SeenFace("b", "0", middle, 0.0)])
    assert (rates.false_non_match(1e-9).events, rates.false_non_match(1e-9).trials) == (0, 1)
    assert rates.false_match(1.0).trials == 0


def test_sessions_of_a_group_are_bursts() -> None:
    report = group_report(Encoder(), faces(5, 3))  # type: ignore[arg-type]
    assert (report["persons"], report["sessions"]) == (5, 15)
