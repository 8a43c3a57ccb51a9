"""Which classifier serves which package, on which device and in which precision; adapters load only when used."""

import logging
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from edge.config import Inference
from edge.errors import EdgeError
from edge.inference.classifier import Classifier, ClassifierFailed
from edge.inference.device import AUTO, CPU, choose_device
from edge.inference.model_package import ModelPackage
from edge.inference.precision import CAPABILITY, FULL, Precision, PrecisionRefused, allowed, require_allowed
from edge.inference.precision_choice import choose_precision
from edge.inference.self_test import SelfTestFailed, self_test

if TYPE_CHECKING:
    from edge.inference.openvino_classifier import ComputeDevice

log = logging.getLogger(__name__)

_RUNS: Final = 15


def open_classifier(package: ModelPackage, settings: Inference, *, cache_dir: Path) -> Classifier:
    """Compile the package for the configured device, in the configured precision or the fastest permitted one.

    AUTO takes an Intel GPU only where the network compiles for it, in a permitted precision, and gives the golden
    answers; a driver that does not serve costs a line in the log and the GPU, not the visit.

    Raises:
        DeviceAbsent: the configured device is not there.
        PrecisionRefused: the configured precision changes the answers too much, or the device cannot compute in it.
        ModelPackageMislabelled, ClassifierFailed: it is not what its manifest says, or does not compile here.
    """
    from edge.inference.openvino_classifier import compute_devices  # noqa: PLC0415 slow, and only if used

    devices = compute_devices()
    device = devices[choose_device(settings.device, devices)]
    if settings.device == AUTO and device.name != CPU:
        try:
            return _open_tested(device, package, settings, cache_dir=cache_dir)
        except (ClassifierFailed, PrecisionRefused, SelfTestFailed) as error:
            log.warning("%s (%s) does not serve: %s; using the CPU", device.name, device.model, error)
            device = devices[CPU]
    return _open_on(device, package, settings, cache_dir=cache_dir)


def _open_tested(device: "ComputeDevice", package: ModelPackage, settings: Inference, *, cache_dir: Path) -> Classifier:
    classifier = _open_on(device, package, settings, cache_dir=cache_dir)
    try:
        self_test(classifier, package)
    except BaseException:
        classifier.close()
        raise
    return classifier


def _open_on(device: "ComputeDevice", package: ModelPackage, settings: Inference, *, cache_dir: Path) -> Classifier:
    manifest = package.manifest

    def open_in(precision: Precision) -> Classifier:
        from edge.inference.openvino_classifier import OpenVinoClassifier  # noqa: PLC0415 slow, and only if used

        return OpenVinoClassifier(
            package, device=device.name, precision=precision, cache_dir=cache_dir, threads=settings.threads
        )

    def measure(candidates: Sequence[Precision]) -> Mapping[Precision, float]:
        opened: dict[Precision, Classifier] = {}
        try:
            for precision in candidates:
                try:
                    opened[precision] = open_in(precision)
                    self_test(opened[precision], package)
                except EdgeError as error:
                    if precision == FULL:
                        raise
                    log.warning("precision %s does not work here: %s", precision, error)
                    opened.pop(precision).close() if precision in opened else None
            return measure_latency(opened)
        finally:
            for classifier in opened.values():
                classifier.close()

    if settings.precision != "auto":
        require_allowed(settings.precision, manifest.precisions, manifest.precision_bounds)
        if settings.precision != FULL and CAPABILITY[settings.precision] not in device.capabilities:
            raise PrecisionRefused(
                f"{device.model} does not compute in {settings.precision}, or not as exactly as it must"
            )
        return open_in(settings.precision)
    chosen = choose_precision(
        allowed(manifest.precisions, manifest.precision_bounds, capabilities=device.capabilities),
        machine={
            "package": package.sha256,
            "device": device.name,
            "processor": f"{platform.machine()} {device.model} {os.cpu_count()}",
            "openvino": device.openvino_version,
            "threads": str(settings.threads),
        },
        folder=cache_dir,
        measure=measure,
    )
    return open_in(chosen)


def measure_latency(classifiers: Mapping[Precision, Classifier], *, runs: int = _RUNS) -> dict[Precision, float]:
    """Median milliseconds of each classifier for one picture, in turn, so that a busy moment falls on all alike."""
    took: dict[Precision, list[float]] = {precision: [] for precision in classifiers}
    for number in range(runs + 1):
        for precision, classifier in classifiers.items():
            size = classifier.manifest.input
            started = time.perf_counter()
            classifier.classify(np.zeros((size.height, size.width, 3), dtype=np.uint8))
            # The first run only warms up.
            if number:
                took[precision].append((time.perf_counter() - started) * 1e3)
    return {precision: round(statistics.median(times), 3) for precision, times in took.items()}
