"""From a score and the patient's answers to what the patient is told: tier, reasons, advice and how long it holds.

The three limits come with the model package, chosen on its validation data; exclusions and red flags with rules.toml.
The days are this product's policy, to be set by the clinic that runs it; they are no published threshold.
"""

from datetime import datetime, timedelta
from typing import Final, get_args

from edge.inference.classifier import Prediction
from edge.inference.model_package import Thresholds
from edge.inference.rules import Advice, Circumstances, Findings, Rules
from protocol.events import Assessment, Task, Tier

_URGENCY: Final = (Tier.LOW, Tier.MODERATE, Tier.CANNOT_ASSESS, Tier.HIGH)
"""Tiers, the least urgent first. What cannot be assessed needs a person sooner than what is Moderate, and a major red
flag makes it High all the same."""

_ADVICE: Final[dict[Tier, Advice]] = {
    Tier.LOW: "watch-and-return",
    Tier.MODERATE: "book-a-review",
    Tier.CANNOT_ASSESS: "show-a-clinician",
    Tier.HIGH: "see-a-dermatologist-soon",
}
_LESION: Final = (
    (Tier.LOW, "score-below-limits"),
    (Tier.MODERATE, "score-above-moderate-limit"),
    (Tier.HIGH, "score-above-high-limit"),
)
# The score is that of psoriasis. Either disease is one for a clinician, and neither is urgent by itself.
_SCALP: Final = (
    (Tier.MODERATE, "scalp-like-dermatitis"),
    (Tier.MODERATE, "scalp-undecided"),
    (Tier.MODERATE, "scalp-like-psoriasis"),
)
"""What a score says that is below both limits, between them, and above both."""
_VALID_DAYS: Final[dict[Advice, int]] = {
    "watch-and-return": 90,
    "book-a-review": 30,
    "show-a-clinician": 14,
    "see-a-dermatologist-soon": 14,
}
_ADVICE_URGENCY: Final[tuple[Advice, ...]] = get_args(Advice)


def triage(
    prediction: Prediction | None,
    thresholds: Thresholds | None,
    *,
    circumstances: Circumstances,
    rules: Rules,
    simulated: bool,
    now: datetime,
) -> Assessment:
    """Tier and advice for one image; without a prediction nothing is said but what the answers say.

    What lies outside the intended use cannot be assessed, whatever the score; its advice is as urgent as the answers
    make it. An image unlike those the model learned from, or with an unsteady score, gets no tier from the model.
    Answers raise a tier and never lower it.

    Raises:
        AnswerUnexpected: an answer is to no question about this spot.
    """
    findings = rules.judge(circumstances)
    if findings.exclusions:
        tier, reasons = Tier.CANNOT_ASSESS, [rule.id for rule in findings.exclusions]
    else:
        said, reason = _read(prediction, thresholds, circumstances.task)
        tier, reasons = max(said, findings.floor, key=_URGENCY.index), [reason]
    advice = max(
        _ADVICE[tier],
        _ADVICE[findings.floor],
        *(rule.advice for rule in (*findings.exclusions, *findings.red_flags)),
        key=_ADVICE_URGENCY.index,
    )
    reasons += _answers(findings)
    return Assessment(
        tier=tier,
        reasons=(*reasons, "simulated-image") if simulated else tuple(reasons),
        advice=advice,
        valid_until=now + timedelta(days=_VALID_DAYS[advice]),
    )


def _read(prediction: Prediction | None, thresholds: Thresholds | None, task: Task) -> tuple[Tier, str]:
    """What the model alone says, and why."""
    if prediction is None or thresholds is None:
        return Tier.CANNOT_ASSESS, "no-model"
    if not prediction.in_distribution:
        return Tier.CANNOT_ASSESS, "unlike-training-images"
    if not prediction.views_agree:
        return Tier.CANNOT_ASSESS, "unsteady-score"
    above = (prediction.score >= thresholds.moderate) + (prediction.score >= thresholds.high)
    return (_SCALP if task == "scalp" else _LESION)[above]


def _answers(findings: Findings) -> list[str]:
    """Why the answers matter, as reasons."""
    reasons = [flag.id for flag in findings.red_flags]
    if findings.several:
        reasons.append("several-signs")
    if findings.unsure_red_flag:
        reasons.append("unsure-red-flag")
    if findings.unsure_exclusion:
        reasons.append("unsure-intended-use")
    return reasons
