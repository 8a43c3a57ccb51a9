"""The portal's words. Short and plain; a slug that has no words yet is shown as it is, never hidden."""

from dataclasses import dataclass
from typing import Final

from protocol.events import Answer, Tier


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

SCALP: Final = TierWords(
    "A clinician should look at the scalp", "Moderate", "A resemblance in one picture, not a diagnosis."
)
"""In place of the moderate tier's words, where the question was not whether a spot is malignant."""

REASONS: Final = {
    "unlike-training-images": "The picture is unlike those the model learned from.",
    "score-above-high-limit": "The score is above the limit for high risk.",
    "score-above-moderate-limit": "The score is above the limit for moderate risk.",
    "unsteady-score": "Small changes of the picture change the score too much to rely on it.",
    "score-below-limits": "The score is below both limits.",
    "simulated-image": "The picture was drawn by the demonstration camera; it shows nobody's skin.",
    "no-model": "This kiosk has no model for it.",
    "scalp-like-psoriasis": "The picture looks more like psoriasis than like seborrheic dermatitis.",
    "scalp-like-dermatitis": "The picture looks more like seborrheic dermatitis than like psoriasis.",
    "scalp-undecided": "The picture looks as much like psoriasis as like seborrheic dermatitis.",
    # Exclusions: no model was asked.
    "guardian": "The patient is, or may be, under 18 without a guardian.",
    "scaly-scalp": "The scalp is scaly: photographs and a clinician, no score.",
    "nail": "The spot is under or beside a nail.",
    "palm": "The spot is on the palm.",
    "sole": "The spot is on the sole.",
    "near-eye": "The spot is on the eyelid or near the eye.",
    "mouth-or-nose": "The spot is on the lips, or inside the mouth or nose.",
    "genital": "The spot is on the genitals or at the anus.",
    "treated": "The spot was treated or operated on before.",
    # Red flags: the patient's answers, whatever the model says.
    "different": "The patient says it looks different from their other spots.",
    "new-after-40": "The patient says it is new, at the age of 40 or over.",
    "bleeding": "The patient says it bleeds, oozes or crusts without an injury.",
    "not-healing": "The patient says it is a sore that has not healed for four weeks.",
    "growing": "The patient says it has grown in weeks or months.",
    "changed": "The patient says it has changed its colour or shape.",
    "itch-or-pain": "The patient says it itches or hurts.",
    "several-signs": "Several signs together reach the limit of the 7-point checklist.",
    "unsure-red-flag": "The patient was not sure about a red flag.",
    "unsure-intended-use": "The patient was not sure whether the spot is one for the model.",
}

SCORE_TIER: Final = {
    "score-below-limits": Tier.LOW,
    "score-above-moderate-limit": Tier.MODERATE,
    "score-above-high-limit": Tier.HIGH,
}
"""The tier that a score by itself stands for."""

QUESTIONS: Final = {
    "guardian": "Under 18 without a guardian",
    "scaly-scalp": "Scaly scalp",
    "nail": "At a nail",
    "palm": "On the palm",
    "sole": "On the sole",
    "near-eye": "Near the eye",
    "mouth-or-nose": "Lips, inside of mouth or nose",
    "genital": "Genitals or anus",
    "treated": "Treated before",
    "different": "Unlike the other spots",
    "new-after-40": "New",
    "bleeding": "Bleeds, oozes, crusts",
    "not-healing": "Does not heal",
    "growing": "Grows",
    "changed": "Changed colour or shape",
    "itch-or-pain": "Itches or hurts",
}

ANSWERS: Final[dict[str, str]] = {
    Answer.YES: "yes",
    Answer.NO: "no",
    Answer.NOT_SURE: "not sure",
    Answer.NOT_ASKED: "not asked",
}

ADVICE: Final = {
    "watch-and-return": "Watch the spot and come back",
    "book-a-review": "Have it examined",
    "see-a-dermatologist-soon": "See a dermatologist soon",
    "show-a-clinician": "Show it to a clinician",
}

EXCLUDED: Final = "Outside the intended use"
EXCLUDED_CAUTION: Final = "No model was asked. The picture is here for a clinician, who should look at the spot itself."
RAISED: Final = "Raised by the patient's answers, whatever the model says"
URGENT: Final = "Urgent by the patient's answers"
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
