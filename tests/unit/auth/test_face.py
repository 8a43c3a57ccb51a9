from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.auth.face import FaceEncoder, FaceMatch, FaceTemplate, FaceTemplateIncompatible, verify
from edge.auth.registry import FACE_ENCODERS, FaceEncoderUnavailable, FaceEncoderUnknown, load_face_encoder

Face = Callable[..., FaceTemplate]
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255)


@settings(deadline=None)
@given(algorithm=NAMES, data=st.binary(min_size=1))
def test_a_template_survives_serialisation(algorithm: str, data: bytes) -> None:
    template = FaceTemplate(algorithm=algorithm, data=data)
    assert FaceTemplate.from_bytes(template.to_bytes()) == template


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_template_or_refused(serialised: bytes) -> None:
    try:
        template = FaceTemplate.from_bytes(serialised)
    except FaceTemplateIncompatible:
        return
    assert template.to_bytes() == serialised


@pytest.mark.parametrize("algorithm", ["", "x" * 256])
def test_an_algorithm_without_a_storable_name_is_a_fault(algorithm: str) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        FaceTemplate(algorithm=algorithm, data=b"x").to_bytes()


@pytest.mark.parametrize(("probe", "matched"), [(5.0, True), (6.0, True), (6.001, False), (float("inf"), False)])
def test_faces_match_up_to_the_threshold(encoder: FaceEncoder, face: Face, probe: float, *, matched: bool) -> None:
    match = verify(encoder, claimed=face(5.0), probe=face(probe))
    assert match == FaceMatch(matched=matched, distance=probe - 5.0, threshold=1.0)


def test_templates_of_two_algorithms_are_never_compared(encoder: FaceEncoder, face: Face) -> None:
    with pytest.raises(FaceTemplateIncompatible):
        verify(encoder, claimed=face(5.0, algorithm="number/0"), probe=face(5.0))


def test_none_means_passwords_only() -> None:
    assert load_face_encoder("none") is None


@pytest.mark.parametrize("name", ["", "dlib ", "os:system"])
def test_only_registered_encoders_load(name: str) -> None:
    with pytest.raises(FaceEncoderUnknown):
        load_face_encoder(name)


def test_an_encoder_whose_package_is_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FACE_ENCODERS, "absent", "edge.auth.no_such_adapter:Encoder")
    with pytest.raises(FaceEncoderUnavailable):
        load_face_encoder("absent")
