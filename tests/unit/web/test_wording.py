import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.inference.classifier import Prediction
from edge.inference.model_package import Thresholds
from edge.inference.rules import Circumstances, load_rules
from edge.inference.triage import triage
from hub.web import wording
from protocol.events import Answer, Assessment, BodySite, Task, Tier

ASKED = [rule.id for rule in load_rules().questions(body_site=BodySite.SCALP, age_years=None)]


@pytest.mark.parametrize(
    ("probability", "words", "number"),
    [
        (0.0, "fewer than 1 in 100", "0.0 %"),
        (0.004, "fewer than 1 in 100", "0.4 %"),
        (0.006, "about 1 in 100", "0.6 %"),
        (0.231, "about 23 in 100", "23.1 %"),
        (0.994, "about 99 in 100", "99.4 %"),
        (1.0, "more than 99 in 100", "100.0 %"),
    ],
)
def test_a_probability_is_a_count_and_a_number(probability: float, words: str, number: str) -> None:
    assert (wording.chance_in_words(probability), wording.percent(probability)) == (words, number)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_no_probability_is_worded_as_certain(probability: float) -> None:
    words = wording.chance_in_words(probability)

    assert not re.search(r"\b(0|100) in 100", words)


def test_every_tier_has_words_and_none_is_called_low() -> None:
    assert set(wording.TIERS) == set(Tier)
    for words in wording.TIERS.values():
        assert words.caution
        assert "low" not in f"{words.heading} {words.short}".lower()


def test_every_rule_of_the_kiosk_has_words() -> None:
    rules = {rule.id for rule in load_rules().rule}
    assert rules == set(wording.QUESTIONS)
    assert rules <= set(wording.REASONS)
    assert set(wording.ANSWERS) == set(Answer)


def test_what_the_kiosk_s_triage_says_has_words() -> None:
    said = [_triage(malignant, known=known) for known in (True, False) for malignant in (0.0, 0.3, 0.9)]
    said.append(_triage(0.3, known=True, steady=False))

    said += [_triage(score, known=True, task="scalp") for score in (0.0, 0.3, 0.9)]
    said += [_triage(0.3, known=True, answers=dict.fromkeys(ASKED, answer)) for answer in (Answer.YES, Answer.NOT_SURE)]

    assert {assessment.tier for assessment in said} == set(Tier)
    assert {assessment.advice for assessment in said} <= set(wording.ADVICE)
    assert {reason for assessment in said for reason in assessment.reasons} <= set(wording.REASONS)


def test_a_slug_without_words_is_shown_rather_than_hidden() -> None:
    assert wording.in_words("brand-new-reason", wording.REASONS) == "Brand new reason"


def _triage(
    malignant: float,
    *,
    known: bool,
    steady: bool = True,
    task: Task = "skin-lesion",
    answers: dict[str, Answer] | None = None,
) -> Assessment:
    prediction = Prediction(
        probabilities={},
        score=malignant,
        label="nv",
        ood_score=0.0,
        in_distribution=known,
        disagreement=None,
        views_agree=steady,
        cam=np.zeros((1, 1), np.float32),
        model_name="m",
        model_version="1",
        model_sha256="0" * 64,
        stage_ms={},
    )
    thresholds = Thresholds(moderate=0.2, high=0.5, ood=1.0)
    circumstances = Circumstances(
        BodySite.SCALP, task, answers=answers or {}, assessable=frozenset[Task]({"skin-lesion", "scalp"})
    )
    return triage(
        prediction,
        thresholds,
        circumstances=circumstances,
        rules=load_rules(),
        simulated=True,
        now=datetime.now(UTC),
    )
