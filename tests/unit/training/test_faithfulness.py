"""A network of one rule, so that it is known which map is right."""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.inference.classifier import Prediction
from edge.inference.model_package import ModelManifest, load_model_package
from tests.unit.inference.conftest import COMMITTED
from training.data import DataError
from training.faithfulness import areas, centred_gaussian, measure_faithfulness, metrics_of, off_centre, order_of

_SIDE = 64


class CornerClassifier:
    """Its score is how dark one corner is; its map shows that corner, or all but that corner."""

    def __init__(self, *, honest: bool) -> None:
        package = load_model_package(COMMITTED)
        size = package.manifest.input.model_copy(update={"width": _SIDE, "height": _SIDE})
        self._manifest = package.manifest.model_copy(update={"input": size})
        self._honest = honest

    @property
    def manifest(self) -> ModelManifest:
        return self._manifest

    def classify(self, rgb: NDArray[np.uint8]) -> Prediction:
        corner = rgb[: _SIDE // 4, : _SIDE // 4]
        cam = np.full((4, 4), 0 if self._honest else 1, np.float32)
        cam[0, 0] = 1 - cam[0, 0]
        return Prediction(
            probabilities={},
            score=0.05 + 0.9 * (1 - float(corner.mean()) / 255),
            label="mel",
            ood_score=0.0,
            in_distribution=True,
            disagreement=None,
            views_agree=True,
            cam=cam,
            model_name="corner",
            model_version="1.0.0",
            model_sha256="0" * 64,
            stage_ms={},
        )

    def classify_many(self, rgb: Iterable[NDArray[np.uint8]]) -> Iterator[Prediction]:
        return map(self.classify, rgb)

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


def _lesions(count: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(count):
        picture = rng.integers(190, 230, (_SIDE, _SIDE, 3), dtype=np.uint8)
        picture[: _SIDE // 4, : _SIDE // 4] = rng.integers(0, 40)
        pictures.append(picture)
    return pictures


def test_a_map_of_what_decides_is_proven() -> None:
    found = measure_faithfulness(CornerClassifier(honest=True), _lesions(20), limit=20)
    assert found.proven
    assert found.n == 20
    for advantage in (found.against_random, found.against_gaussian):
        assert advantage.deletion.value is not None
        assert advantage.deletion.value > 0.1


def test_a_map_of_something_else_is_not() -> None:
    found = measure_faithfulness(CornerClassifier(honest=False), _lesions(20), limit=20)
    assert not found.proven
    assert found.against_random.overall.value is not None
    assert found.against_random.overall.value < 0


def test_the_figures_are_recorded_as_they_were_found() -> None:
    found = measure_faithfulness(CornerClassifier(honest=True), _lesions(20), limit=20)
    entry = metrics_of(found, data="ham10000 val")
    assert (entry.split, entry.n) == ("faithfulness on ham10000 val", 20)
    assert entry.figures["overall_advantage_over_random_maps"] == found.against_random.overall
    assert entry.figures["deletion_advantage_over_centred_maps"] == found.against_gaussian.deletion


def test_off_centre_a_lesion_lies_anywhere_and_the_record_says_so() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[29:31, 39:41] = 255
    parts = list(off_centre([picture] * 200))
    assert {part.shape for part in parts} == {(42, 42, 3)}
    # How far the middle of the picture came to lie from the middle of each part, as shares of its side.
    away = np.array([np.argwhere(part[..., 0] == 255).mean(axis=0) / 42 - 0.5 for part in parts if part.any()])
    assert np.abs(away[:, 0]).max() < 0.23
    assert away.std(axis=0).min() > 0.1
    assert [part.tolist() for part in off_centre([picture])] == [parts[0].tolist()]
    found = measure_faithfulness(CornerClassifier(honest=True), _lesions(4), limit=4)
    assert metrics_of(found, data="x val", off_centre=True).split == "faithfulness on x val, lesions off centre"


def test_pictures_called_low_say_nothing_about_the_map_and_are_left_out() -> None:
    pale = [np.full((_SIDE, _SIDE, 3), 254, np.uint8)] * 5
    found = measure_faithfulness(CornerClassifier(honest=True), [*pale, *_lesions(4)], limit=3)
    assert found.n == 3
    with pytest.raises(DataError, match="two pictures or more"):
        measure_faithfulness(CornerClassifier(honest=True), [*pale, *_lesions(1)], limit=3)


def test_the_areas_tell_the_order() -> None:
    classifier, (picture,) = CornerClassifier(honest=True), _lesions(1)
    first = order_of(classifier.classify(picture).cam)
    best, worst = areas(classifier, picture, first), areas(classifier, picture, first[::-1])
    assert best.deletion < worst.deletion
    assert best.insertion > worst.insertion


def test_an_even_map_says_nothing_of_where() -> None:
    order = order_of(np.zeros((4, 4), np.float32))
    assert sorted(order) == list(range(256))
    assert abs(np.mean(order[:64] // 16) - 7.5) < 2
    assert abs(np.mean(order[:64] % 16) - 7.5) < 2


def test_a_gaussian_begins_in_the_middle() -> None:
    order = order_of(centred_gaussian())
    assert set(order[:4]) == {16 * 7 + 7, 16 * 7 + 8, 16 * 8 + 7, 16 * 8 + 8}
    assert sorted(order) == list(range(256))
