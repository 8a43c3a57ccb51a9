"""A patient's answers, through a whole kiosk: what they decide, that they are saved, and that no log has them."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from edge.capture.registry import open_camera
from edge.examination import Saved
from edge.identity.registration import Registration
from edge.inference.rules import AnswerUnexpected
from edge.kiosk import Kiosk
from edge.ui.app import create_app
from protocol import codec
from protocol.events import AnalysisCompleted, Answer, BodySite, Tier

OpenKiosk = Callable[..., Kiosk]
Register = Callable[..., Registration]


def captured(kiosk: Kiosk, site: BodySite, **order: Any) -> AnalysisCompleted:
    saved = kiosk.examination.capture(body_site=site, **order)
    assert isinstance(saved, Saved)
    stored = [codec.decode_event(message.body).payload for message in kiosk.outbox.pending(limit=100)]
    assert stored[-1].analysis_id == saved.analysis.analysis_id
    assert stored[-1].assessment == saved.analysis.assessment
    return saved.analysis


def test_answers_decide_and_are_saved_with_the_result(open_kiosk: OpenKiosk, registration: Register) -> None:
    kiosk = open_kiosk()
    kiosk.reception.register(registration())

    plain = captured(kiosk, BodySite.HAND)
    assert plain.model is not None
    assert set(plain.answers.values()) == {Answer.NOT_ASKED}

    flagged = captured(kiosk, BodySite.HAND, answers={"bleeding": Answer.YES, "nail": Answer.NO})
    assert flagged.assessment.tier is Tier.HIGH
    assert "bleeding" in flagged.assessment.reasons
    assert (flagged.answers["bleeding"], flagged.answers["nail"], flagged.answers["palm"]) == ("yes", "no", "not-asked")

    excluded = captured(kiosk, BodySite.HAND, answers={"bleeding": Answer.YES, "nail": Answer.YES})
    assert (excluded.assessment.tier, excluded.assessment.advice) == (Tier.CANNOT_ASSESS, "see-a-dermatologist-soon")
    assert (excluded.exclusions, excluded.model, excluded.heat_map, excluded.probabilities) == (
        ("nail",),
        None,
        None,
        {},
    )
    # The picture is there for the clinician all the same.
    assert excluded.image.sha256 in {image.sha256 for image in kiosk.outbox.pending_images(limit=100)}
    assert kiosk.storage.spool.path(excluded.image.sha256).stat().st_size == excluded.image.size_bytes


def test_a_scaly_scalp_is_photographed_and_not_scored_where_no_model_knows_it(
    open_kiosk: OpenKiosk, registration: Register, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("edge.inference.installed_model._DEMO_SCALP", tmp_path / "absent")
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    for order in ({"task": "scalp"}, {"answers": {"scaly-scalp": Answer.YES}}):
        analysis = captured(kiosk, BodySite.SCALP, **order)
        assert (analysis.task, analysis.exclusions, analysis.malignant) == ("scalp", ("scaly-scalp",), None)


def test_the_demonstration_answers_for_a_simulated_scalp_and_says_that_it_is_one(
    open_kiosk: OpenKiosk, registration: Register
) -> None:
    kiosk = open_kiosk(capture={"dermoscope": "sim://scalp?seed=5"})
    kiosk.reception.register(registration())
    analysis = captured(kiosk, BodySite.SCALP, task="scalp")
    assert analysis.model is not None
    assert (analysis.task, analysis.model.name, analysis.malignant) == ("scalp", "scalp", None)
    assert set(analysis.probabilities) == {"psoriasis", "seborrheic-dermatitis"}
    assert analysis.simulated
    assert "simulated-image" in analysis.assessment.reasons
    assert analysis.assessment.tier in {Tier.MODERATE, Tier.CANNOT_ASSESS}


def test_a_model_of_simulated_scalps_says_so_of_a_real_picture_too(
    open_kiosk: OpenKiosk, registration: Register, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(open_camera("sim://scalp?seed=5").capture().data)
    kiosk = open_kiosk(capture={"dermoscope": f"folder://{folder}"})
    assert kiosk.simulated, "the screens say that this is practice"
    kiosk.reception.register(registration())
    analysis = captured(kiosk, BodySite.SCALP, task="scalp")
    assert (analysis.device.simulated, analysis.simulated) == (False, True)


def test_a_minor_needs_a_guardian_also_at_the_next_visit(open_kiosk: OpenKiosk, registration: Register) -> None:
    kiosk = open_kiosk()
    guardian = {"full_name": "Ada Torres", "relation": "parent"}
    kiosk.reception.register(registration(birth_date=f"{datetime.now(UTC).year - 10}-01-01", guardian=guardian))
    assert captured(kiosk, BodySite.ARM).exclusions == ("guardian",)
    kiosk.reception.end("patient")
    kiosk.reception.sign_in_with_password("zebulon", SecretStr("horse-battery-staple-7"))
    assert "guardian" in [rule.id for rule in kiosk.examination.questions(body_site=BodySite.ARM)]
    assert captured(kiosk, BodySite.ARM).exclusions == ("guardian",)
    assert captured(kiosk, BodySite.ARM, answers={"guardian": Answer.NO}).exclusions == ()


def test_an_answer_to_no_question_saves_nothing_and_the_visit_goes_on(
    open_kiosk: OpenKiosk, registration: Register
) -> None:
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    with pytest.raises(AnswerUnexpected):
        kiosk.examination.capture(body_site=BodySite.ARM, answers={"nail": Answer.YES})
    assert kiosk.journey.state == "ready"
    captured(kiosk, BodySite.ARM)


def test_neither_log_nor_metric_holds_an_answer(
    open_kiosk: OpenKiosk, registration: Register, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    captured(kiosk, BodySite.FACE, answers={"near-eye": Answer.YES, "bleeding": Answer.YES})
    with pytest.raises(AnswerUnexpected):
        kiosk.examination.capture(body_site=BodySite.ARM, answers={"near-eye": Answer.YES})
    assert caplog.records
    logged = "\n".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    for place in (logged, kiosk.metrics.render().decode()):
        assert "near-eye" not in place
        assert "bleeding" not in place


@pytest.fixture
def ask(open_kiosk: OpenKiosk, registration: Register) -> Callable[..., httpx.Response]:
    """The screen's server, in the middle of a visit."""
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    transport = httpx.ASGITransport(create_app(kiosk))

    async def answer(method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090") as client:
            return await client.request(method, path, **options)

    return lambda *request, **options: asyncio.run(answer(*request, **options))


def test_the_screen_asks_what_the_rules_say_and_an_order_without_answers_works(
    ask: Callable[..., httpx.Response],
) -> None:
    first, second = ask("GET", "/api/questions?body_site=hand").json()["screens"]
    assert "nail" in first
    assert "bleeding" in second
    saved = ask("POST", "/api/capture", json={"body_site": "hand"}).json()
    assert (saved["outcome"], saved["exclusions"], saved["task"]) == ("saved", [], "skin-lesion")
    excluded = ask("POST", "/api/capture", json={"body_site": "hand", "answers": {"nail": "yes"}}).json()
    assert (excluded["tier"], excluded["exclusions"]) == ("cannot-assess", ["nail"])
    for name in ("malignant", "heat_map_sha256", "model_sha256", "clinical"):
        assert excluded[name] is None
    scalp = ask("POST", "/api/capture", json={"body_site": "scalp", "purpose": "scalp"}).json()
    assert (scalp["task"], scalp["exclusions"], scalp["malignant"]) == ("scalp", [], None)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"body_site": "arm", "answers": {"nail": "yes"}}, "answer-unexpected"),
        ({"body_site": "arm", "answers": {"unheard-of": "no"}}, "answer-unexpected"),
        ({"body_site": "arm", "answers": {"bleeding": "perhaps"}}, "input-invalid"),
        ({"body_site": "arm", "answers": {"bleeding": "not-asked"}}, "input-invalid"),
        ({"body_site": "arm", "answers": {"\u202e": "yes"}}, "input-invalid"),
        ({"body_site": "arm", "answers": {f"q{number}": "yes" for number in range(100)}}, "input-invalid"),
        ({"body_site": "arm", "purpose": "scalp"}, "input-invalid"),
    ],
)
def test_answers_that_fit_nothing_are_refused(
    ask: Callable[..., httpx.Response], order: dict[str, Any], code: str
) -> None:
    answer = ask("POST", "/api/capture", json=order)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert ask("GET", "/api/visit").json()["state"] == "ready"


def test_questions_are_for_those_who_are_signed_in(ask: Callable[..., httpx.Response]) -> None:
    assert ask("POST", "/api/end").status_code == 200
    assert ask("GET", "/api/questions?body_site=arm").status_code == 401
