"""Rounding as half-precision arithmetic would, against numpy's own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge.inference.openvino_classifier import import_openvino
from training.half_precision import with_half_precision

openvino = import_openvino()
ops: Any = openvino.opset13
WIDTH = 16


def _compiled(build: Any, *, rounded: bool = True) -> Any:
    image = ops.parameter([1, WIDTH], dtype=np.float32)
    model = openvino.Model([build(image)], [image], "model")
    model.outputs[0].get_tensor().set_names({"said"})
    return openvino.Core().compile_model(
        with_half_precision(model) if rounded else model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )


@pytest.fixture(scope="module")
def negated() -> Any:
    return _compiled(ops.negative)


@settings(deadline=None)
@given(arrays.arrays(np.float32, (1, WIDTH), elements=st.floats(-1e6, 1e6, width=32)))
def test_what_is_handed_on_is_what_f16_holds(negated: Any, values: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        expected = (-values).astype(np.float16).astype(np.float32)
    # Below the normal numbers of f16 more digits are kept.
    np.testing.assert_allclose(negated(values)["said"], expected, rtol=0, atol=2.0**-25)


def test_beyond_the_range_it_is_infinite_and_stays_so() -> None:
    values = np.zeros((1, WIDTH), np.float32)
    values[0, :4] = 300, -300, 200, 65_519
    squared = _compiled(lambda image: ops.negative(ops.negative(ops.power(image, np.float32(2)))))
    assert squared(values)["said"][0, :4].tolist() == [np.inf, np.inf, 40_000, np.inf]


def test_a_bias_and_an_activation_are_computed_before_the_rounding() -> None:
    def build(image: Any) -> Any:
        return ops.relu(ops.add(ops.negative(image), np.float32(1.0)))

    values = np.full((1, WIDTH), 0.99951, np.float32)
    said = _compiled(build)(values)["said"]
    # Rounded before the bias it would be 1 - 0.99951172.
    assert said[0, 0] == np.float32(np.float16(np.float32(1.0) - np.float32(0.99951)))
    assert said[0, 0] != 1 - np.float32(np.float16(0.99951))


def test_weights_are_rounded_and_names_stay() -> None:
    weight = np.eye(WIDTH, dtype=np.float32) * np.float32(1 / 3)
    compiled = _compiled(lambda image: ops.matmul(image, ops.constant(weight), False, False))  # noqa: FBT003
    said = compiled(np.full((1, WIDTH), 3.0, np.float32))["said"]
    assert said[0, 0] == np.float32(np.float16(3 * np.float32(np.float16(1 / 3))))
