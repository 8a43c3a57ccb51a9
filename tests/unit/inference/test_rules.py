"""The rules as data: what is asked where and whom, and that a wrong file is refused."""

from datetime import date
from pathlib import Path

import pytest

from edge.inference.rules import (
    RULES_FILE,
    AnswerUnexpected,
    Circumstances,
    Exclusion,
    RedFlag,
    RulesInvalid,
    age_on,
    load_rules,
)
from protocol.events import Answer, BodySite, Task, Tier

RULES = load_rules()
AGES = (None, 0, 17, 18, 39, 40, 90)
MOST_ON_A_SCREEN = 5


def asked(body_site: BodySite, age_years: int | None = 30) -> set[str]:
    return {rule.id for rule in RULES.questions(body_site=body_site, age_years=age_years)}


def excluded(circumstances: Circumstances) -> list[str]:
    return [rule.id for rule in RULES.judge(circumstances).exclusions]


def test_design_s_exclusions_and_red_flags_are_there() -> None:
    exclusions = {rule.id for rule in RULES.rule if isinstance(rule, Exclusion)}
    assert exclusions >= {"nail", "mouth-or-nose", "genital", "palm", "sole", "near-eye", "guardian", "scaly-scalp"}
    major = {rule.id for rule in RULES.rule if isinstance(rule, RedFlag) and rule.severity == "major"}
    assert major >= {"bleeding", "growing"}
    assert all(rule.source for rule in RULES.rule)


@pytest.mark.parametrize("age_years", AGES)
@pytest.mark.parametrize("site", BodySite)
def test_the_questions_fit_on_two_screens_and_red_flags_are_asked_of_everybody(
    site: BodySite, age_years: int | None
) -> None:
    rules = RULES.questions(body_site=site, age_years=age_years)
    for screen in (1, 2):
        assert 1 <= sum(rule.screen == screen for rule in rules) <= MOST_ON_A_SCREEN
    assert {"bleeding", "growing", "not-healing", "changed", "itch-or-pain"} <= asked(site, age_years)


def test_what_cannot_be_at_a_place_is_not_asked_there() -> None:
    assert {"nail", "palm"} <= asked(BodySite.HAND)
    assert {"nail", "sole"} <= asked(BodySite.FOOT)
    assert {"near-eye", "mouth-or-nose"} <= asked(BodySite.FACE)
    assert "scaly-scalp" in asked(BodySite.SCALP)
    assert not {"nail", "palm", "sole", "near-eye", "scaly-scalp"} & asked(BodySite.ARM)


def test_age_decides_whom_some_questions_concern() -> None:
    assert "guardian" in asked(BodySite.ARM, 17)
    assert "guardian" in asked(BodySite.ARM, None)
    assert "guardian" not in asked(BodySite.ARM, 18)
    assert "new-after-40" in asked(BodySite.ARM, 40)
    assert "new-after-40" not in asked(BodySite.ARM, 39)
    assert "new-after-40" not in asked(BodySite.ARM, None)


def test_a_known_minor_needs_a_guardian_also_when_nobody_asked() -> None:
    minor = Circumstances(body_site=BodySite.ARM, age_years=17)
    assert excluded(minor) == ["guardian"]
    for answer, expected in ((Answer.YES, ["guardian"]), (Answer.NOT_SURE, ["guardian"]), (Answer.NO, [])):
        assert excluded(Circumstances(body_site=BodySite.ARM, age_years=17, answers={"guardian": answer})) == expected
    # Of an unknown age nothing is assumed but what the patient says.
    assert excluded(Circumstances(body_site=BodySite.ARM)) == []
    assert excluded(Circumstances(body_site=BodySite.ARM, answers={"guardian": Answer.YES})) == ["guardian"]


def test_a_scaly_scalp_is_excluded_until_a_package_may_answer_for_it() -> None:
    answers = {"scaly-scalp": Answer.YES}
    assert RULES.task_of(answers) == "scalp"
    assert RULES.task_of({"scaly-scalp": Answer.NO, "nail": Answer.YES}) == "skin-lesion"
    for circumstances in (
        Circumstances(body_site=BodySite.SCALP, task="scalp", answers=answers),
        Circumstances(body_site=BodySite.SCALP, task="scalp"),
    ):
        assert excluded(circumstances) == ["scaly-scalp"]
    assessable = frozenset[Task]({"skin-lesion", "scalp"})
    assert excluded(Circumstances(BodySite.SCALP, "scalp", answers=answers, assessable=assessable)) == []


def test_a_question_nobody_put_is_recorded_as_such() -> None:
    record = RULES.record(Circumstances(body_site=BodySite.HAND, age_years=30, answers={"nail": Answer.NO}))
    assert record.keys() == asked(BodySite.HAND)
    assert record["nail"] == Answer.NO
    assert {answer for rule, answer in record.items() if rule != "nail"} == {Answer.NOT_ASKED}


@pytest.mark.parametrize("rule", ["unheard-of", "nail"])
def test_an_answer_to_no_question_about_this_spot_is_an_error(rule: str) -> None:
    with pytest.raises(AnswerUnexpected) as caught:
        RULES.judge(Circumstances(body_site=BodySite.ARM, answers={rule: Answer.YES}))
    assert rule not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "floor", "several"),
    [
        ({}, Tier.LOW, False),
        ({"bleeding": "no", "growing": "no"}, Tier.LOW, False),
        ({"bleeding": "yes"}, Tier.HIGH, False),
        ({"not-healing": "yes"}, Tier.HIGH, False),
        ({"changed": "yes"}, Tier.MODERATE, False),
        ({"itch-or-pain": "yes"}, Tier.MODERATE, False),
        ({"changed": "yes", "itch-or-pain": "yes"}, Tier.HIGH, True),
        ({"growing": "not-sure"}, Tier.MODERATE, False),
        ({"itch-or-pain": "not-sure"}, Tier.LOW, False),
        ({"treated": "not-sure"}, Tier.MODERATE, False),
    ],
)
def test_answers_set_a_floor(answers: dict[str, str], floor: Tier, *, several: bool) -> None:
    given = {rule: Answer(answer) for rule, answer in answers.items()}
    findings = RULES.judge(Circumstances(body_site=BodySite.ARM, age_years=30, answers=given))
    assert (findings.floor, findings.several) == (floor, several)


@pytest.mark.parametrize(
    ("found", "put", "told"),
    [
        ('id = "palm"', 'id = "nail"', "repeat"),
        ('severity = "major"', 'severity = "severe"', "severity"),
        ('severity = "minor"', 'severity = "major"', "exactly the major"),
        ('kind = "exclusion"', 'kind = "inclusion"', "kind"),
        ('body_sites = ["scalp"]', 'body_sites = ["crown"]', "body_sites"),
        ('body_sites = ["scalp"]', "body_sites = []", "body_sites"),
        ("screen = 1", "screen = 3", "screen"),
        ("below_age = 18", "younger_than = 18", "younger_than"),
        ("format = 1", "format = 2", "format"),
        ("urgent_points = 3", "urgent_points = 0", "urgent_points"),
        ("[[rule]]", "[[rule", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_by_the_place_of_its_fault(tmp_path: Path, found: str, put: str, told: str) -> None:
    text = RULES_FILE.read_text()
    assert found in text
    path = tmp_path / "rules.toml"
    path.write_text(text.replace(found, put, 1))
    with pytest.raises(RulesInvalid, match=told):
        load_rules(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesInvalid, match="cannot be read"):
        load_rules(tmp_path / "rules.toml")


@pytest.mark.parametrize(
    ("day", "years"),
    [(date(2026, 3, 1), 18), (date(2026, 2, 28), 17), (date(2008, 2, 29), 0), (date(2026, 12, 31), 18)],
)
def test_an_age_is_counted_in_whole_years(day: date, years: int) -> None:
    assert age_on(day, date(2008, 2, 29)) == years
    assert age_on(day, None) is None
