"""Runs a compiled network on OpenVINO's asynchronous requests: one picture soon, or many at the highest rate."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from edge.inference.classifier import ClassifierFailed

Hint = Literal["LATENCY", "THROUGHPUT"]
DEADLINE_S: Final = 60.0
"""Hundreds of times what the slowest supported kiosk needs for one picture: an engine that hangs must not hang the
visit."""

_CANCEL_MS: Final = 2000


@dataclass(frozen=True)
class Answer:
    """The outputs of one inference by name, copied out of the engine, and the milliseconds it was under way."""

    outputs: dict[str, NDArray[Any]]
    inference_ms: float


@dataclass(frozen=True)
class _Running:
    request: Any
    started: float


class Engine:
    """One network, compiled for quick single answers and, when first needed, for many answers a second.

    `compile_for` compiles it for a performance hint and raises `ClassifierFailed` where it cannot.
    """

    def __init__(self, compile_for: Callable[[Hint], Any], *, deadline_s: float = DEADLINE_S) -> None:
        self._compile_for = compile_for
        self._deadline_s = deadline_s
        self._single: Any = compile_for("LATENCY").create_infer_request()
        self._pool: list[Any] = []

    def infer(self, tensor: NDArray[np.uint8]) -> Answer:
        """Run one input [1, H, W, 3] and wait for it.

        Raises:
            ClassifierFailed: it failed, was cancelled by `close`, or took longer than the deadline.
        """
        request = self._single
        if request is None:
            raise ClassifierFailed("the network was released")
        return self._finish(_start(request, tensor))

    def infer_many(self, tensors: Iterable[NDArray[np.uint8]]) -> Iterator[Answer]:
        """Run inputs [1, H, W, 3] with several under way at once; answers come in the order of the inputs.

        Raises:
            Exception: whatever the iterable raises, after the answers to what it gave before.
            ClassifierFailed: as `infer`; what is under way is given up.
        """
        if self._single is None:
            raise ClassifierFailed("the network was released")
        if not self._pool:
            compiled = self._compile_for("THROUGHPUT")
            # Twice what computes at once, so that the next ones lie ready whenever this thread gets no time.
            count = 2 * int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
            self._pool = [compiled.create_infer_request() for _ in range(count)]
        idle = list(self._pool)
        running: deque[_Running] = deque()
        source = iter(tensors)
        failure: Exception | None = None
        try:
            while True:
                try:
                    tensor = next(source)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 raised below, when what came before it is answered
                    failure = error
                    break
                if idle:
                    running.append(_start(idle.pop(), tensor))
                    continue
                oldest = running.popleft()
                answer = self._finish(oldest)
                # Before the answer is handed out: the engine works while the caller does.
                running.append(_start(oldest.request, tensor))
                yield answer
            while running:
                yield self._finish(running.popleft())
            if failure is not None:
                raise failure
        finally:
            for given_up in running:
                _cancel(given_up.request)

    def close(self) -> None:
        """Release the network and end what is under way."""
        requests = [self._single, *self._pool] if self._single is not None else []
        self._single, self._pool = None, []
        for request in requests:
            request.cancel()

    def _finish(self, running: _Running) -> Answer:
        request = running.request
        try:
            done = request.wait_for(int(self._deadline_s * 1000))
            if not done:
                _cancel(request)
                raise ClassifierFailed(f"no answer within {self._deadline_s:g} s")
            # wait_for tells that it ended, wait how.
            request.wait()
            # A converted network may give one output several names.
            outputs = {
                name: data
                for output in request.model_outputs
                for data in [request.get_tensor(output).data.copy()]
                for name in output.get_names()
            }
        except RuntimeError as error:
            raise ClassifierFailed("inference failed") from error
        return Answer(outputs, (time.perf_counter() - running.started) * 1e3)


def _start(request: Any, tensor: NDArray[np.uint8]) -> _Running:
    started = time.perf_counter()
    try:
        request.start_async([tensor])
    except RuntimeError as error:
        raise ClassifierFailed("inference could not be started") from error
    return _Running(request, started)


def _cancel(request: Any) -> None:
    request.cancel()
    with suppress(RuntimeError):
        # One that does not end even so stays busy, and the next start on it fails.
        request.wait_for(_CANCEL_MS)
