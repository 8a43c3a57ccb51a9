"""One picture or many: the same answers, in order, whatever goes wrong on the way."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.inference.classifier import ClassifierFailed, Prediction
from edge.inference.engine import Engine, Hint
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, import_openvino
from tests.unit.inference.conftest import COMMITTED


def _pictures(count: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return [rng.integers(low, low + 60, (90, 120, 3), dtype=np.uint8) for low in rng.integers(0, 190, count)]


def _same(one: Prediction, other: Prediction) -> bool:
    return (one.probabilities, one.ood_score, one.disagreement) == (
        other.probabilities,
        other.ood_score,
        other.disagreement,
    ) and np.array_equal(one.cam, other.cam)


def test_many_at_once_get_the_answers_of_one_at_a_time_bit_for_bit(classifier: OpenVinoClassifier) -> None:
    pictures = _pictures(9)
    many = list(classifier.classify_many(pictures))
    assert len(many) == len(pictures)
    for picture, prediction in zip(pictures, many, strict=True):
        assert _same(classifier.classify(picture), prediction)
        assert set(prediction.stage_ms) == {"preprocess", "inference"}


def test_many_at_once_on_all_cores_get_them_too() -> None:
    # With 8-bit weights left to the CPU plugin, this answered anything wherever two pictures computed at once.
    made = OpenVinoClassifier(load_model_package(COMMITTED))
    pictures = _pictures(9)
    for picture, prediction in zip(pictures, made.classify_many(pictures), strict=True):
        assert prediction.probabilities == pytest.approx(made.classify(picture).probabilities, abs=1e-4)
        assert prediction.ood_score == pytest.approx(made.classify(picture).ood_score, rel=1e-3)
    made.close()


def test_no_picture_gives_no_prediction(classifier: OpenVinoClassifier) -> None:
    assert list(classifier.classify_many([])) == []


def test_pictures_are_taken_as_there_is_room_for_them(classifier: OpenVinoClassifier) -> None:
    taken = 0

    def endless() -> Iterator[NDArray[np.uint8]]:
        nonlocal taken
        while True:
            taken += 1
            yield _pictures(1)[0]

    predictions = classifier.classify_many(endless())
    next(predictions)
    assert taken < 20
    predictions.close()  # type: ignore[attr-defined]  # a generator
    assert len(list(classifier.classify_many(_pictures(3)))) == 3


def test_a_picture_that_is_none_ends_it_after_the_answers_to_those_before(classifier: OpenVinoClassifier) -> None:
    answered = []
    with pytest.raises(ValueError, match="RGB"):
        for prediction in classifier.classify_many([*_pictures(11), np.zeros((10, 10), np.uint8)]):
            answered.append(prediction)  # noqa: PERF402 what came before the error counts
    assert len(answered) == 11
    assert len(list(classifier.classify_many(_pictures(3)))) == 3


def test_a_released_network_answers_no_more() -> None:
    made = OpenVinoClassifier(load_model_package(COMMITTED), threads=1)
    made.close()
    made.close()
    with pytest.raises(ClassifierFailed, match="released"):
        made.classify(_pictures(1)[0])
    with pytest.raises(ClassifierFailed, match="released"):
        next(made.classify_many(_pictures(1)))


def test_releasing_the_network_ends_what_another_thread_waits_for() -> None:
    made = OpenVinoClassifier(load_model_package(COMMITTED), threads=1)
    running, ended = threading.Event(), []

    def work() -> None:
        try:
            while True:
                made.classify(_pictures(1)[0])
                running.set()
        except ClassifierFailed as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert running.wait(30)
    made.close()
    thread.join(30)
    assert len(ended) == 1


def _compile(hint: Hint) -> Any:
    core = import_openvino().Core()
    model = core.read_model(COMMITTED / "model.xml")
    return core.compile_model(model, "CPU", {"PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": 1})


def _tensor() -> NDArray[np.uint8]:
    size = load_model_package(COMMITTED).manifest.input
    return np.zeros((1, size.height, size.width, 3), np.uint8)


def test_an_engine_that_takes_too_long_fails_instead_of_hanging() -> None:
    engine = Engine(_compile, deadline_s=0)
    with pytest.raises(ClassifierFailed, match="no answer within 0 s"):
        engine.infer(_tensor())
    with pytest.raises(ClassifierFailed, match="no answer within 0 s"):
        list(engine.infer_many([_tensor()] * 3))
    engine.close()


def test_a_request_that_cannot_be_cancelled_fails_too() -> None:
    class Stuck:
        """A request whose device answers nothing any more."""

        def start_async(self, _tensors: list[NDArray[np.uint8]]) -> None: ...

        def cancel(self) -> None: ...

        def wait_for(self, _milliseconds: int) -> bool:
            return False

        def wait(self) -> None:
            pytest.fail("waits without end")

    class Compiled:
        def create_infer_request(self) -> Stuck:
            return Stuck()

    engine = Engine(lambda _: Compiled())
    with pytest.raises(ClassifierFailed, match="no answer within 60 s"):
        engine.infer(_tensor())


def test_an_input_of_another_size_fails_and_the_next_one_does_not() -> None:
    engine = Engine(_compile)
    with pytest.raises(ClassifierFailed, match="could not be started"):
        engine.infer(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(ClassifierFailed, match="could not be started"):
        list(engine.infer_many([_tensor(), _tensor(), np.zeros((1, 8, 8, 3), np.uint8)]))
    assert "probabilities" in engine.infer(_tensor()).outputs
    assert len(list(engine.infer_many([_tensor()] * 2))) == 2
    engine.close()
