"""Triage: answers only ever raise, exclusions always end with a person, and nothing is said without its reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.inference.classifier import Prediction
from edge.inference.model_package import Thresholds
from edge.inference.rules import Circumstances, RedFlag, load_rules
from edge.inference.triage import triage
from protocol.events import Answer, Assessment, BodySite, Task, Tier, states_estimate

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RULES = load_rules()
THRESHOLDS = Thresholds(moderate=0.2, high=0.6, ood=5.0)
URGENCY = [Tier.LOW, Tier.MODERATE, Tier.CANNOT_ASSESS, Tier.HIGH]
ADVICE = ["watch-and-return", "book-a-review", "show-a-clinician", "see-a-dermatologist-soon"]
FLAGS = {rule.id: rule for rule in RULES.rule if isinstance(rule, RedFlag)}


def prediction(score: float, *, familiar: bool = True, steady: bool = True) -> Prediction:
    return Prediction(
        probabilities={"mel": score, "nv": 1 - score},
        score=score,
        label="nv",
        ood_score=0.0,
        in_distribution=familiar,
        disagreement=None,
        views_agree=steady,
        cam=np.zeros((1, 1), np.float32),
        model_name="any",
        model_version="1.0.0",
        model_sha256="0" * 64,
        stage_ms={},
    )


predictions = st.none() | st.builds(prediction, st.floats(0, 1), familiar=st.booleans(), steady=st.booleans())


@st.composite
def situations(draw: st.DrawFn) -> Circumstances:
    """Any spot of anybody, with any of its questions answered in any way."""
    site = draw(st.sampled_from(BodySite))
    age = draw(st.none() | st.integers(0, 120))
    asked = [rule.id for rule in RULES.questions(body_site=site, age_years=age)]
    answers = draw(st.dictionaries(st.sampled_from(asked), st.sampled_from([Answer.YES, Answer.NO, Answer.NOT_SURE])))
    tasks: list[Task] = ["skin-lesion", "scalp"]
    task = draw(st.sampled_from(tasks)) if site is BodySite.SCALP else "skin-lesion"
    assessable: frozenset[Task] = frozenset(draw(st.sets(st.sampled_from(tasks))))
    return Circumstances(site, task, age, answers, assessable)


def judge(said: Prediction | None, circumstances: Circumstances) -> Assessment:
    return triage(said, THRESHOLDS, circumstances=circumstances, rules=RULES, simulated=False, now=NOW)


def without_flags(circumstances: Circumstances) -> Circumstances:
    kept = {rule: answer for rule, answer in circumstances.answers.items() if rule not in FLAGS}
    return replace(circumstances, answers=kept)


@settings(deadline=None)
@given(predictions, situations())
def test_red_flags_never_make_a_result_less_urgent(said: Prediction | None, situation: Circumstances) -> None:
    flagged, plain = judge(said, situation), judge(said, without_flags(situation))
    assert URGENCY.index(flagged.tier) >= URGENCY.index(plain.tier)
    assert ADVICE.index(flagged.advice) >= ADVICE.index(plain.advice)
    assert flagged.valid_until <= plain.valid_until


@settings(deadline=None)
@given(predictions, situations(), st.sampled_from(sorted(FLAGS)))
def test_one_more_red_flag_makes_it_at_least_what_its_severity_asks(
    said: Prediction | None, situation: Circumstances, flag: str
) -> None:
    if flag not in {rule.id for rule in RULES.questions(body_site=situation.body_site, age_years=situation.age_years)}:
        return
    raised = judge(said, replace(situation, answers={**situation.answers, flag: Answer.YES}))
    assert flag in raised.reasons
    assert ADVICE.index(raised.advice) >= ADVICE.index(FLAGS[flag].advice)
    if not RULES.judge(situation).exclusions:
        least = Tier.HIGH if FLAGS[flag].severity == "major" else Tier.MODERATE
        assert URGENCY.index(raised.tier) >= URGENCY.index(least)


@settings(deadline=None)
@given(predictions, situations())
def test_outside_the_intended_use_nothing_is_assessed_and_a_person_is_asked(
    said: Prediction | None, situation: Circumstances
) -> None:
    assessment = judge(said, situation)
    exclusions = RULES.judge(situation).exclusions
    if exclusions:
        assert assessment.tier is Tier.CANNOT_ASSESS
        assert assessment.advice in {"show-a-clinician", "see-a-dermatologist-soon"}
        assert {rule.id for rule in exclusions} <= set(assessment.reasons)
        assert not any(reason.startswith(("score-", "scalp-like")) for reason in assessment.reasons)
    major = any(situation.answers.get(flag) == Answer.YES and rule.severity == "major" for flag, rule in FLAGS.items())
    if major:
        assert assessment.advice == "see-a-dermatologist-soon"
        assert assessment.tier is (Tier.CANNOT_ASSESS if exclusions else Tier.HIGH)


@settings(deadline=None)
@given(predictions, situations())
def test_no_result_comes_without_reason_advice_and_an_end(said: Prediction | None, situation: Circumstances) -> None:
    assessment = judge(said, situation)
    assert assessment.reasons
    assert len(set(assessment.reasons)) == len(assessment.reasons)
    assert timedelta(days=14) <= assessment.valid_until - NOW <= timedelta(days=90)
    if assessment.tier is Tier.LOW:
        assert assessment.reasons == ("score-below-limits",)


@pytest.mark.parametrize(
    ("score", "tier"), [(0.1, Tier.LOW), (0.2, Tier.MODERATE), (0.59, Tier.MODERATE), (0.6, Tier.HIGH)]
)
def test_without_answers_the_limits_alone_decide(score: float, tier: Tier) -> None:
    assert judge(prediction(score), Circumstances(BodySite.ARM)).tier is tier


@pytest.mark.parametrize(("familiar", "steady"), [(False, True), (True, False)])
def test_an_uncertain_picture_cannot_be_assessed_and_a_red_flag_is_urgent_all_the_same(
    *, familiar: bool, steady: bool
) -> None:
    said = prediction(0.1, familiar=familiar, steady=steady)
    reason = "unsteady-score" if familiar else "unlike-training-images"
    plain = judge(said, Circumstances(BodySite.ARM))
    assert (plain.tier, plain.reasons, plain.advice) == (Tier.CANNOT_ASSESS, (reason,), "show-a-clinician")
    minor = judge(said, Circumstances(BodySite.ARM, answers={"itch-or-pain": Answer.YES}))
    assert (minor.tier, minor.advice) == (Tier.CANNOT_ASSESS, "show-a-clinician")
    flagged = judge(said, Circumstances(BodySite.ARM, answers={"bleeding": Answer.YES}))
    assert (flagged.tier, flagged.reasons) == (Tier.HIGH, (reason, "bleeding"))
    # The tier comes from the answer; the doubted number is still nobody's estimate.
    assert not states_estimate(said.score, tier=flagged.tier, reasons=flagged.reasons)


@pytest.mark.parametrize(
    ("score", "reason"), [(0.1, "scalp-like-dermatitis"), (0.4, "scalp-undecided"), (0.9, "scalp-like-psoriasis")]
)
def test_a_scalp_disease_is_for_a_clinician_and_no_score_makes_it_urgent(score: float, reason: str) -> None:
    scalp = Circumstances(BodySite.SCALP, "scalp", assessable=frozenset[Task]({"skin-lesion", "scalp"}))
    assessment = judge(prediction(score), scalp)
    assert (assessment.tier, assessment.reasons) == (Tier.MODERATE, (reason,))


def test_a_simulated_picture_is_named_as_such() -> None:
    assessment = triage(
        prediction(0.1), THRESHOLDS, circumstances=Circumstances(BodySite.ARM), rules=RULES, simulated=True, now=NOW
    )
    assert assessment.reasons == ("score-below-limits", "simulated-image")
