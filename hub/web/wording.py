"""The portal's words. Short and plain; a slug that has no words yet is shown as it is, never hidden."""

from dataclasses import dataclass
from typing import Final

from protocol.events import Tier


@dataclass(frozen=True)
class TierWords:
    """What a tier is called on a card, what its filter is called, and what it must never be read as."""

    heading: str
    short: str
    caution: str


TIERS: Final[dict[str, TierWords]] = {
    Tier.HIGH: TierWords("High risk", "High", "A sign to look soon, not a diagnosis."),
    Tier.MODERATE: TierWords("Moderate risk", "Moderate", "A sign to look, not a diagnosis."),
    Tier.LOW: TierWords(
        "No sign of high risk in this picture",
        "No high-risk sign",
        "Not an all-clear. Watch for change: growth, colour, bleeding, itch.",
    ),
    Tier.CANNOT_ASSESS: TierWords(
        "Cannot assess", "Cannot assess", "No estimate was made. A clinician should look at the spot itself."
    ),
}

REASONS: Final = {
    "unlike-training-images": "The picture is unlike those the model learned from.",
    "score-above-high-limit": "The score is above the limit for high risk.",
    "score-above-moderate-limit": "The score is above the limit for moderate risk.",
    "score-below-limits": "The score is below both limits.",
    "simulated-image": "The picture was drawn by the demonstration camera; it shows nobody's skin.",
    "poor-image": "The picture is not good enough.",
    "outside-intended-use": "The model is not meant for this spot or person.",
}

ADVICE: Final = {
    "watch-and-return": "Watch the spot and come back",
    "book-a-review": "Have it examined",
    "see-a-dermatologist-soon": "See a dermatologist soon",
    "show-a-clinician": "Show it to a clinician",
}

NOT_CLINICAL: Final = "Research model, not for clinical use"
SIMULATED: Final = "SIMULATED"
HEAT_MAP: Final = "Where the model looked, not why"


def in_words(slug: str, words: dict[str, str]) -> str:
    """The words for a slug, or the slug itself made readable."""
    return words.get(slug) or slug.replace("-", " ").capitalize()


def chance_in_words(probability: float) -> str:
    """A calibrated probability as a count of pictures."""
    of_hundred = round(probability * 100)
    if of_hundred < 1:
        return "fewer than 1 in 100"
    if of_hundred > 99:  # noqa: PLR2004 in 100
        return "more than 99 in 100"
    return f"about {of_hundred} in 100"


def percent(probability: float) -> str:
    """The same as a number."""
    return f"{probability * 100:.1f} %"
