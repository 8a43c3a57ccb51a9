"""The rules of triage as data: what lies outside the intended use, and which answers are red flags.

They live in rules.toml, which says what each field means. Here they are read strictly and applied to one capture.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.errors import EdgeError
from protocol.events import Answer, BodySite, Task, Tier
from protocol.fields import Slug

RULES_FILE: Final = Path(__file__).with_name("rules.toml")

Advice = Literal["watch-and-return", "book-a-review", "show-a-clinician", "see-a-dermatologist-soon"]
"""What a patient is told to do, the least urgent first."""


class RulesInvalid(EdgeError):
    """The rules cannot be read, or contradict themselves."""

    code = "rules-invalid"
    remedy = "Install the program again; its rules are part of it."


class AnswerUnexpected(EdgeError):
    """An answer to a question that no rule asks about this spot."""

    code = "answer-unexpected"
    remedy = "Answer the questions again, for this place on the body."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rule(_Strict):
    id: Slug
    screen: Literal[1, 2]
    body_sites: frozenset[BodySite] = Field(frozenset(BodySite), min_length=1)
    advice: Advice
    source: Annotated[str, Field(min_length=1)]

    def asked(self, body_site: BodySite, age_years: int | None) -> bool:
        """Whether this question is put about a spot there, to a patient of this age."""
        del age_years
        return body_site in self.body_sites


class Exclusion(_Rule):
    """Puts a spot or a person outside the intended use."""

    kind: Literal["exclusion"]
    not_sure: Literal["applies", "review"]
    advice: Literal["show-a-clinician", "see-a-dermatologist-soon"]
    below_age: int | None = Field(None, ge=1, le=130)
    task: Task | None = None

    def asked(self, body_site: BodySite, age_years: int | None) -> bool:
        """An unknown age is asked about."""
        old_enough = age_years is not None and self.below_age is not None and age_years >= self.below_age
        return super().asked(body_site, age_years) and not old_enough

    def applies(self, circumstances: "Circumstances") -> bool:
        """Whether the spot may not be assessed by a model."""
        answer = circumstances.answers.get(self.id, Answer.NOT_ASKED)
        if self.task is not None:
            wanted = circumstances.task == self.task or answer == Answer.YES
            return wanted and self.task not in circumstances.assessable
        if answer == Answer.NOT_ASKED:
            return self.below_age is not None and circumstances.age_years is not None
        return answer == Answer.YES or (answer == Answer.NOT_SURE and self.not_sure == "applies")


class RedFlag(_Rule):
    """Raises the tier, whatever the model says."""

    kind: Literal["red-flag"]
    severity: Literal["major", "minor"]
    advice: Literal["book-a-review", "see-a-dermatologist-soon"]
    points: int = Field(0, ge=0, le=2)
    from_age: int | None = Field(None, ge=1, le=130)

    @model_validator(mode="after")
    def _major_is_urgent(self) -> Self:
        if (self.severity == "major") != (self.advice == "see-a-dermatologist-soon"):
            raise ValueError("exactly the major red flags send to a dermatologist soon")
        return self

    def asked(self, body_site: BodySite, age_years: int | None) -> bool:
        """An unknown age is not asked about."""
        old_enough = self.from_age is None or (age_years is not None and age_years >= self.from_age)
        return super().asked(body_site, age_years) and old_enough


Rule = Annotated[Exclusion | RedFlag, Field(discriminator="kind")]


@dataclass(frozen=True)
class Circumstances:
    """What is known about a capture besides its picture.

    `answers` are those that were given, by rule; `assessable` the tasks for which a package may answer here.
    """

    body_site: BodySite
    task: Task = "skin-lesion"
    age_years: int | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict, repr=False)
    assessable: frozenset[Task] = frozenset({"skin-lesion"})


@dataclass(frozen=True)
class Findings:
    """What the rules say of one capture: the exclusions that apply, the flags that are up, and what is unsure.

    `floor` is the tier below which the answers allow none; `several` says that it is the sum of points that makes it
    High.
    """

    exclusions: tuple[Exclusion, ...]
    red_flags: tuple[RedFlag, ...]
    unsure_exclusion: bool
    unsure_red_flag: bool
    several: bool

    @property
    def floor(self) -> Tier:
        """At least this tier."""
        if self.several or any(flag.severity == "major" for flag in self.red_flags):
            return Tier.HIGH
        if self.red_flags or self.unsure_exclusion or self.unsure_red_flag:
            return Tier.MODERATE
        return Tier.LOW


class Rules(_Strict):
    """All rules, in the order in which their questions are asked."""

    format: Literal[1]
    urgent_points: int = Field(ge=1)
    rule: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        repeated = [name for name, count in Counter(rule.id for rule in self.rule).items() if count > 1]
        if repeated:
            raise ValueError(f"rules repeat: {', '.join(repeated)}")
        return self

    def questions(self, *, body_site: BodySite, age_years: int | None) -> list[Exclusion | RedFlag]:
        """The rules whose questions are put about a spot there."""
        return [rule for rule in self.rule if rule.asked(body_site, age_years)]

    def task_of(self, answers: Mapping[str, Answer]) -> Task:
        """The task that the answers ask for."""
        wanted = (r.task for r in self.rule if isinstance(r, Exclusion) and answers.get(r.id) == Answer.YES)
        return next((task for task in wanted if task is not None), "skin-lesion")

    def record(self, circumstances: Circumstances) -> dict[str, Answer]:
        """Every question about this spot with its answer; one that nobody put is recorded as such."""
        asked = self.questions(body_site=circumstances.body_site, age_years=circumstances.age_years)
        return {rule.id: circumstances.answers.get(rule.id, Answer.NOT_ASKED) for rule in asked}

    def judge(self, circumstances: Circumstances) -> Findings:
        """Apply every rule that is about this spot and person.

        Raises:
            AnswerUnexpected: an answer is to no question about this spot.
        """
        asked = self.questions(body_site=circumstances.body_site, age_years=circumstances.age_years)
        if circumstances.answers.keys() - {rule.id for rule in asked}:
            raise AnswerUnexpected("an answer is to no question about this spot")
        answers = circumstances.answers
        exclusions = [rule for rule in asked if isinstance(rule, Exclusion)]
        flags = [rule for rule in asked if isinstance(rule, RedFlag)]
        up = tuple(flag for flag in flags if answers.get(flag.id) == Answer.YES)
        unsure = {rule for rule in (*exclusions, *flags) if answers.get(rule.id) == Answer.NOT_SURE}
        return Findings(
            exclusions=tuple(rule for rule in exclusions if rule.applies(circumstances)),
            red_flags=up,
            unsure_exclusion=any(isinstance(rule, Exclusion) and rule.not_sure == "review" for rule in unsure),
            unsure_red_flag=any(isinstance(rule, RedFlag) and rule.severity == "major" for rule in unsure),
            several=sum(flag.points for flag in up) >= self.urgent_points,
        )


def age_on(day: date, birth_date: date | None) -> int | None:
    """Whole years of age on a day; None when the birth date is unknown."""
    if birth_date is None:
        return None
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def load_rules(path: Path = RULES_FILE) -> Rules:
    """Read the rules.

    Raises:
        RulesInvalid: the file cannot be read or is no valid set of rules.
    """
    try:
        return Rules.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, part['loc'])) or 'rules'}: {part['msg']}" for part in error.errors(include_url=False)
        )
        raise RulesInvalid(f"{path}: {places}") from error
    except (OSError, ValueError) as error:
        raise RulesInvalid(f"{path} cannot be read: {error}") from error
