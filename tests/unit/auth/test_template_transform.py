import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.auth.face import FaceTemplate, FaceTemplateIncompatible
from edge.auth.template_transform import centre, enrolled_templates, seal_templates, transform_probe
from protocol.credentials import FaceCredential

ALGORITHM = "vectors/1"
VECTORS = st.lists(st.floats(-1, 1, width=32), min_size=16, max_size=16)


def template(numbers: NDArray[np.float64] | list[float], algorithm: str = ALGORITHM) -> FaceTemplate:
    return FaceTemplate(algorithm=algorithm, data=np.asarray(numbers, "<f4").tobytes())


def numbers(of: FaceTemplate) -> NDArray[np.float64]:
    return np.frombuffer(of.data, "<f4").astype(np.float64)


def people(count: int, length: int = 128) -> list[FaceTemplate]:
    rng = np.random.default_rng(0)
    return [template(rng.normal(0, 0.1, length)) for _ in range(count)]


@settings(deadline=None, max_examples=30)
@given(enrolled=VECTORS, probe=VECTORS)
def test_the_turned_probe_is_as_far_from_the_turned_template_as_before(
    enrolled: list[float], probe: list[float]
) -> None:
    credential = seal_templates([template(enrolled)])
    turned = transform_probe(credential, template(probe))
    distance = np.linalg.norm(numbers(turned) - numbers(enrolled_templates(credential)[0]))
    assert distance == pytest.approx(np.linalg.norm(np.array(enrolled) - np.array(probe)), abs=1e-4)


def test_nothing_of_the_template_can_be_read_without_the_key() -> None:
    plain = people(1)[0]
    kept = enrolled_templates(seal_templates([plain]))[0]
    assert np.linalg.norm(numbers(kept) - numbers(plain)) > 0.5 * np.linalg.norm(numbers(plain))


def test_credentials_of_one_face_under_two_keys_cannot_be_linked() -> None:
    """The same face twice lies no nearer together than two people do."""
    same, others = [], []
    for face, other in zip(people(60, 16), people(61, 16)[1:], strict=True):
        kept, again, elsewhere = (enrolled_templates(seal_templates([of]))[0] for of in (face, face, other))
        same.append(np.linalg.norm(numbers(kept) - numbers(again)))
        others.append(np.linalg.norm(numbers(kept) - numbers(elsewhere)))
    # Which of two pairs is the linked one: guesses by the distance come out as a coin would.
    right = np.mean(np.array(same)[:, None] < np.array(others)[None])
    assert 0.3 < right < 0.7


def test_enrolling_again_revokes_what_was_kept() -> None:
    face = people(1)[0]
    old, new = seal_templates([face]), seal_templates([face])
    assert old.transform_key != new.transform_key
    stolen = enrolled_templates(old)[0]
    fresh = enrolled_templates(new)[0]
    assert np.linalg.norm(numbers(stolen) - numbers(fresh)) > 0.5 * np.linalg.norm(numbers(fresh))


def test_a_credential_survives_the_wire() -> None:
    faces = people(5)
    credential = seal_templates(faces)
    again = FaceCredential.model_validate_json(credential.model_dump_json())
    assert again == credential
    turned = transform_probe(again, faces[3])
    assert np.allclose(numbers(turned), numbers(enrolled_templates(again)[3]), atol=1e-6)


def test_the_middle_of_turned_templates_is_the_turned_middle() -> None:
    faces = people(4)
    credential = seal_templates(faces)
    turned = transform_probe(credential, centre(faces))
    assert np.allclose(numbers(turned), numbers(centre(enrolled_templates(credential))), atol=1e-6)


@pytest.mark.parametrize(
    "templates",
    [
        pytest.param([], id="none"),
        pytest.param(people(11), id="too-many"),
        pytest.param([template([0.1] * 8), template([0.1] * 9)], id="two-lengths"),
        pytest.param([template([0.1] * 8), template([0.1] * 8, "other/1")], id="two-algorithms"),
        pytest.param([FaceTemplate(algorithm=ALGORITHM, data=b"abc")], id="no-numbers"),
        pytest.param([FaceTemplate(algorithm=ALGORITHM, data=b"")], id="empty"),
        pytest.param([template([float("nan")] * 8)], id="not-a-number"),
        pytest.param([template([float("inf")] * 8)], id="infinite"),
        pytest.param([template([0.0] * 2000)], id="huge"),
    ],
)
def test_what_is_no_persons_templates_is_refused(templates: list[FaceTemplate]) -> None:
    with pytest.raises(FaceTemplateIncompatible):
        seal_templates(templates)


@pytest.mark.parametrize(
    "changes",
    [
        {"transform_version": 2},
        {"algorithm": "other/1"},
        {"transform_key": base64.b64encode(b"short").decode()},
        {"transform_key": "A"},
    ],
)
def test_a_probe_is_never_turned_for_an_altered_credential(changes: dict[str, object]) -> None:
    face = people(1)[0]
    with pytest.raises(FaceTemplateIncompatible):
        transform_probe(seal_templates([face]).model_copy(update=changes), face)


@pytest.mark.parametrize("text", ["A", base64.b64encode(b"abc").decode(), ""])
def test_damaged_templates_are_refused(text: str) -> None:
    credential = seal_templates(people(1)).model_copy(update={"templates": (text,)})
    with pytest.raises(FaceTemplateIncompatible):
        enrolled_templates(credential)


def test_keys_and_templates_stay_out_of_texts() -> None:
    credential = seal_templates(people(1))
    assert credential.transform_key not in repr(credential)
    assert credential.templates[0] not in repr(credential)
