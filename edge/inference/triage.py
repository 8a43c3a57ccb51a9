"""From a score to what the patient is told: tier, reasons, advice and how long it holds.

The three limits come with the model package, chosen on its validation data. The days are this product's policy, to be
set by the clinic that runs it; they are no published threshold.
"""

from datetime import datetime, timedelta

from edge.inference.classifier import Prediction
from edge.inference.model_package import Thresholds
from protocol.events import Assessment, Tier

_VALID_DAYS = {Tier.LOW: 90, Tier.MODERATE: 30, Tier.HIGH: 14, Tier.CANNOT_ASSESS: 14}
_ADVICE = {
    Tier.LOW: "watch-and-return",
    Tier.MODERATE: "book-a-review",
    Tier.HIGH: "see-a-dermatologist-soon",
    Tier.CANNOT_ASSESS: "show-a-clinician",
}


def triage(prediction: Prediction, thresholds: Thresholds, *, simulated: bool, now: datetime) -> Assessment:
    """Tier and advice for one image.

    An image unlike those the model learned from gets no risk tier, whatever its score.
    """
    if not prediction.in_distribution:
        tier, reason = Tier.CANNOT_ASSESS, "unlike-training-images"
    elif prediction.malignant >= thresholds.high:
        tier, reason = Tier.HIGH, "score-above-high-limit"
    elif prediction.malignant >= thresholds.moderate:
        tier, reason = Tier.MODERATE, "score-above-moderate-limit"
    else:
        tier, reason = Tier.LOW, "score-below-limits"
    return Assessment(
        tier=tier,
        reasons=(reason, "simulated-image") if simulated else (reason,),
        advice=_ADVICE[tier],
        valid_until=now + timedelta(days=_VALID_DAYS[tier]),
    )
