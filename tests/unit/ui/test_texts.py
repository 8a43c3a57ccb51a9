"""The screens' texts: complete in three languages, and complete for everything that the kiosk can say."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import edge.kiosk
from edge.auth import password, username
from edge.auth.face import FaceError, FaceFramesMissing, FaceNotLive, FaceTemplateIncompatible
from edge.auth.liveness import Step
from edge.auth.password_strength import RuleId, Suggestion
from edge.capture.quality import Fault
from edge.config import Identity
from edge.errors import EdgeError
from edge.identity.registration import Registration
from edge.inference.classifier import Prediction
from edge.inference.model_package import Thresholds
from edge.inference.rules import Circumstances, load_rules
from edge.inference.triage import triage
from edge.ui.screens import CaptureOrder
from protocol.events import Answer, Assessment, BodySite, Language, Sex, Task, Tier
from protocol.identity import Guardian, MedicalHistory

STATIC = Path(edge.kiosk.__file__).parent / "ui" / "static"
TEXTS: dict[str, dict[str, str]] = {
    language.value: json.loads((STATIC / "texts" / f"{language.value}.json").read_text()) for language in Language
}
EN = TEXTS["en"]
RULES = load_rules()
SCRIPTS = {path.name: path.read_text() for path in sorted((STATIC / "app").rglob("*.js"))}

NO_PATIENT_MEETS = {
    "edge",
    "challenge-spent",
    "envelope-altered",
    "face-encoder-unavailable",
    "face-encoder-unknown",
    "identity-deleted",
    "inference-device-absent",
    "kiosk-keys-unusable",
    "model-install-failed",
    "model-not-installed",
    "model-on-trial",
    "model-package",
    "model-package-altered",
    "model-package-key-unknown",
    "model-package-malformed",
    "model-package-mislabelled",
    "model-package-missing",
    "model-package-needs-other-cpu",
    "model-package-signature",
    "model-package-signature-wrong",
    "model-package-unsigned",
    "model-package-without-golden",
    "model-precision-refused",
    "model-self-test-failed",
    "model-slots-damaged",
    "model-without-previous",
    "patient-code-invalid",
    "port-taken",
    "record-outdated",
    "record-refused",
    "record-unusable",
    "rules-invalid",
    "result-not-stored",
    "result-picture-not-stored",
    "result-without-model",
    "settings-invalid",
    "simulated-in-clinic",
    "storage-too-new",
    "trusted-key-unusable",
    "vault",
    "vault-blob-altered",
    "vault-key-missing",
    "vault-key-unusable",
}
"""They keep the kiosk from starting, or are told to the patient as a refused sign-in; the rest needs a text."""


STATEMENTS = ("raised-moderate", "raised-high", "excluded", "scalp")
"""What the result says in place of the tier's own words, where answers or rules decided."""


AFTERWARDS = (FaceFramesMissing, FaceNotLive, FaceTemplateIncompatible)
"""What is said of a face once the check is over, and not while it runs."""


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def error_key(code: str) -> str:
    """As texts.js finds it: the code without its last words until there is a text."""
    words = code.split("-")
    for length in range(len(words), 0, -1):
        if (key := f"error.{'-'.join(words[:length])}") in EN:
            return key
    return "error.generic"


def every_error(root: type[EdgeError] = EdgeError) -> set[type[EdgeError]]:
    return {root}.union(*(every_error(kind) for kind in root.__subclasses__()))


def every_assessment() -> list[Assessment]:
    return [
        triage(
            Prediction(
                probabilities={},
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
            ),
            Thresholds(moderate=0.2, high=0.6, ood=5.0),
            circumstances=circumstances,
            rules=RULES,
            simulated=True,
            now=datetime.now(UTC),
        )
        for score in (0.1, 0.4, 0.9)
        for familiar, steady in ((True, True), (False, True), (True, False))
        for circumstances in every_circumstance()
    ]


def every_circumstance() -> list[Circumstances]:
    """Each question answered in each way by itself, all of them answered alike, and a scalp of its own model."""
    found = [Circumstances(BodySite.SCALP, "scalp", assessable=frozenset[Task]({"skin-lesion", "scalp"}))]
    for site in BodySite:
        asked = [rule.id for rule in RULES.questions(body_site=site, age_years=60)]
        for answer in (Answer.YES, Answer.NO, Answer.NOT_SURE):
            found += [Circumstances(site, age_years=60, answers={rule: answer}) for rule in asked]
            found.append(Circumstances(site, age_years=60, answers=dict.fromkeys(asked, answer)))
    return [*found, Circumstances(BodySite.ARM, age_years=10), Circumstances(BodySite.ARM, assessable=frozenset())]


@pytest.mark.parametrize("language", ["es", "zh"])
def test_every_language_says_the_same_things(language: str) -> None:
    assert list(TEXTS[language]) == list(EN)
    for key, text in EN.items():
        assert placeholders(TEXTS[language][key]) == placeholders(text), key


@pytest.mark.parametrize("language", list(TEXTS))
def test_no_text_is_empty_or_markup(language: str) -> None:
    for key, text in TEXTS[language].items():
        assert text.strip() == text != "", key
        assert not re.search(r"[<>]|&\w+;", text), key


def test_every_slug_has_a_text() -> None:
    needed = (
        [f"tier.{tier}.{part}" for tier in Tier for part in ("label", "title", "meaning")]
        + [f"fault.{fault}.{part}" for fault in Fault for part in ("title", "fix")]
        + [f"body.{site}" for site in BodySite]
        + [f"sex.{sex}" for sex in Sex]
        + [f"advice.{assessment.advice}" for assessment in every_assessment()]
        + [f"reason.{reason}" for assessment in every_assessment() for reason in assessment.reasons]
        + [f"question.{rule.id}" for rule in RULES.rule]
        + [f"answer.{answer}" for answer in Answer if answer is not Answer.NOT_ASKED]
        + [f"tier.{said}.{part}" for said in STATEMENTS for part in ("title", "meaning")]
        + [f"guide.{step}" for step in Step]
        + [f"guide.{kind.code}" for kind in FaceError.__subclasses__() if kind not in AFTERWARDS]
        + [f"password.rule.{rule}" for rule in get_args(RuleId)]
        + [f"password.tip.{tip}" for tip in get_args(Suggestion)]
    )
    assert set(needed) - set(EN) == set()


def test_what_is_newer_than_the_page_has_a_general_text() -> None:
    assert {"tier.other.title", "fault.other.fix", "advice.other", "reason.other", "error.generic"} <= set(EN)


def test_every_error_that_a_patient_meets_says_what_happened_and_what_to_do() -> None:
    codes = {kind.code for kind in every_error() if kind.__module__.startswith("edge.")}
    for code in codes - NO_PATIENT_MEETS | {"network", "input-invalid"}:
        assert error_key(code) != "error.generic", code
        assert f"{error_key(code)}.do" in EN, code


def test_no_text_is_about_an_error_that_does_not_exist() -> None:
    codes = {kind.code for kind in every_error() if kind.__module__.startswith("edge.")}
    met = {error_key(code) for code in codes | {"network", "input-invalid", "internal"}}
    told = {key.removesuffix(".do") for key in EN if key.startswith("error.")}
    assert told - met == {"error.capture.unsure"}


def test_every_field_that_the_server_may_refuse_has_its_own_text() -> None:
    asked = set(Registration.model_fields) - {"language"}
    assert {f"field.{name}.invalid" for name in asked} <= set(EN)


def test_the_screens_ask_for_existing_texts_and_leave_none_unused() -> None:
    source = "\n".join(SCRIPTS.values())
    groups = set(re.findall(r'slugText\("([a-z._]+)"', source))
    asked = {
        quoted for quoted in re.findall(r'"([a-z_]+(?:\.[a-z_.-]+)+)"', source) if not quoted.endswith(".js")
    } - groups
    assert asked - set(EN) == set()
    patterns = [
        re.sub(r"\\\$\\\{.*?\\\}", r"[^.]+", re.escape(template))
        for template in re.findall(r"`([a-z_]+\.[^`\s]*)`", source)
    ]
    patterns += [rf"{group}\..+" for group in groups | {"error"}]
    unused = {key for key in EN if key not in asked and not any(re.fullmatch(p, key) for p in patterns)}
    assert unused == set()


def test_no_result_is_ever_called_a_low_risk() -> None:
    for texts in TEXTS.values():
        for key, text in texts.items():
            if key.startswith(("tier.", "reason.", "advice.")):
                forbidden = r"low risk|no risk|harmless|benign|riesgo bajo|bajo riesgo|低风险|无风险|良性"
                assert not re.search(forbidden, text, re.IGNORECASE), key


def test_the_page_knows_the_rules_that_the_server_enforces() -> None:
    told = dict(re.findall(r"export const (\w+) = ([\d.]+);", SCRIPTS["rules.js"]))
    assert int(told["USERNAME_MIN"]) == username.MIN_LENGTH
    assert int(told["USERNAME_MAX"]) == username.MAX_LENGTH
    assert int(told["PASSWORD_MIN"]) == password.MIN_LENGTH
    assert int(told["PASSWORD_MAX"]) == password.MAX_LENGTH
    assert int(told["ADULT_YEARS"]) == Identity().guardian_age


def test_the_page_offers_exactly_the_sites_sexes_and_languages_of_the_protocol() -> None:
    def listed(script: str, name: str) -> list[str]:
        found = re.search(rf"const {name} = \[(.*?)\];", SCRIPTS[script], re.DOTALL)
        assert found
        return re.findall(r'"([a-z-]+)"', found[1])

    assert set(listed("questions.js", "ANSWERS")) == set(Answer) - {Answer.NOT_ASKED}
    pictured = re.search(r"const PICTURE = \{(.*?)\};", SCRIPTS["questions.js"], re.DOTALL)
    assert pictured
    assert set(re.findall(r'^  "?([a-z0-9-]+)"?: "', pictured[1], re.MULTILINE)) == {rule.id for rule in RULES.rule}
    assert set(listed("body_site.js", "SITES")) == set(BodySite)
    assert set(listed("person_steps.js", "SEXES")) == set(Sex)
    assert set(listed("person_steps.js", "RELATIONS")) == set(get_args(Guardian.model_fields["relation"].annotation))
    assert set(re.findall(r'topic\(\s+"(\w+)"', SCRIPTS["health_topics.js"])) == set(MedicalHistory.model_fields)
    assert set(listed("texts.js", "LANGUAGES")) == set(Language)
    drawn = set(re.findall(r'^  \["(\w+)", ', SCRIPTS["body_figure.js"], re.MULTILINE))
    assert drawn == {site.value for site in CaptureOrder.model_fields["body_site"].annotation}
