"""What the results page shows of each analysis."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.api.paging import page
from hub.db.tables import Analysis
from hub.records.analyses import AnalysisRecord, analysis_record, get_analysis, select_analyses
from hub.web.wording import (
    ADVICE,
    ANSWERS,
    EXCLUDED,
    EXCLUDED_CAUTION,
    QUESTIONS,
    RAISED,
    REASONS,
    SCALP,
    SCORE_TIER,
    TIERS,
    URGENT,
    TierWords,
    chance_in_words,
    in_words,
    percent,
)
from protocol.events import Answer, Tier, states_estimate

PAGE_LENGTH = 24
_SHORT_HASH = 8


@dataclass(frozen=True)
class Card:
    """One result, with its words."""

    record: AnalysisRecord

    @property
    def analysis(self) -> Analysis:
        """The stored row."""
        return self.record.analysis

    @property
    def words(self) -> TierWords:
        """What the tier is called."""
        words = TIERS[self.analysis.tier]
        if self.analysis.exclusions:
            return TierWords(f"{words.heading}: {EXCLUDED.lower()}", words.short, EXCLUDED_CAUTION)
        if self.analysis.task == "scalp" and self.analysis.tier == Tier.MODERATE:
            return SCALP
        return words

    @property
    def estimate(self) -> float | None:
        """The model's number, where it means anything for this picture."""
        told = self.analysis
        return told.malignant if states_estimate(told.malignant, tier=told.tier, reasons=told.reasons) else None

    @property
    def chance(self) -> str:
        """The estimate in words."""
        return "" if self.estimate is None else chance_in_words(self.estimate)

    @property
    def percent(self) -> str:
        """The estimate as a number."""
        return "" if self.estimate is None else percent(self.estimate)

    @property
    def alarm(self) -> str | None:
        """What the patient's answers did to the result that its tier or its score does not show."""
        told = self.analysis
        if told.tier == Tier.CANNOT_ASSESS:
            return URGENT if told.advice == "see-a-dermatologist-soon" else None
        answered = told.tier not in {SCORE_TIER.get(reason) for reason in told.reasons}
        return RAISED if answered and told.task == "skin-lesion" else None

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Each question about the spot with its answer, in words."""
        return [
            (in_words(rule, QUESTIONS), in_words(answer, ANSWERS)) for rule, answer in self.analysis.answers.items()
        ]

    @property
    def asked(self) -> bool:
        """Whether anybody put any of the questions."""
        return any(answer != Answer.NOT_ASKED for answer in self.analysis.answers.values())

    @property
    def reasons(self) -> list[str]:
        """Why this tier."""
        return [in_words(reason, REASONS) for reason in self.analysis.reasons]

    @property
    def advice(self) -> str:
        """What the patient was told to do."""
        return in_words(self.analysis.advice, ADVICE)

    @property
    def body_site(self) -> str:
        """Where the spot is."""
        return in_words(self.record.body_site, {})

    @property
    def short_hash(self) -> str:
        """Enough of the model's hash to tell models apart by eye."""
        return str((self.analysis.model or {}).get("sha256", ""))[:_SHORT_HASH]


@dataclass(frozen=True)
class ResultsPage:
    """Cards, the newest first; `older` is the cursor of those before."""

    cards: list[Card]
    older: str | None


def list_cards(
    session: Session, *, tier: Tier | None = None, cursor: str | None = None, limit: int = PAGE_LENGTH
) -> ResultsPage:
    """A page of results, of one tier or of all.

    Raises:
        Unprocessable: the cursor is none of this list's.
    """
    found = page(
        session,
        select_analyses(tier=tier),
        at=Analysis.stored_at,
        key=Analysis.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: Card(analysis_record(row)),
        position=lambda row: (row.Analysis.stored_at, row.Analysis.id),
    )
    return ResultsPage(found.items, found.next)


def get_card(session: Session, analysis_id: UUID) -> Card:
    """One card.

    Raises:
        NotFound: there is no such analysis.
    """
    return Card(get_analysis(session, analysis_id))


def newest_id(session: Session) -> UUID | None:
    """The analysis stored last."""
    return session.scalar(select(Analysis.id).order_by(Analysis.stored_at.desc(), Analysis.id.desc()).limit(1))
