"""The one way to a model that may assess a patient: verified, compiled and self-tested, in this order."""

from dataclasses import dataclass
from pathlib import Path

from edge.config import EdgeSettings
from edge.errors import EdgeError, SimulatedInClinic
from edge.inference.classifier import Classifier
from edge.inference.instruction_sets import require_instructions
from edge.inference.model_package import ModelPackage, Task, load_model_package
from edge.inference.package_signature import Trust, read_trusted_keys
from edge.inference.registry import open_classifier
from edge.inference.self_test import self_test


class ModelPackageWithoutGolden(EdgeError):
    """The model package has no golden pictures, so that nothing shows that it works on this machine."""

    code = "model-package-without-golden"
    remedy = "Install a package with golden pictures; `python -m training export` adds them."


@dataclass(frozen=True)
class VerifiedModel:
    """A package with its classifier, which has passed the self-test; whoever opened it closes the classifier."""

    package: ModelPackage
    classifier: Classifier


def open_verified(path: Path, *, task: Task | None, settings: EdgeSettings) -> VerifiedModel:
    """Verify the package in a folder, compile it and run its self-test.

    The order: signature, manifest and task, hashes, fitness for a clinic, instruction sets, input size and labels of
    the network, compilation, golden pictures. A clinic takes only what is signed with a trusted key, brings golden
    pictures and was not made from simulated images; `task` None takes a package for any task.

    Raises:
        EdgeError: the first of these that failed, by its own class.
    """
    clinic = settings.environment == "clinic"
    trust = Trust(read_trusted_keys(settings.inference.trusted_keys), signature_required=clinic)
    package = load_model_package(path, expected_task=task, trust=trust)
    manifest = package.manifest
    if clinic and manifest.simulation_only:
        raise SimulatedInClinic(f"the model package {path} was made from simulated images")
    if clinic and not manifest.golden:
        raise ModelPackageWithoutGolden(f"{path} has no golden pictures")
    require_instructions(manifest.needs_instructions)
    # The same folder for all of them: OpenVINO names its cached networks by their content.
    classifier = open_classifier(package, settings.inference, cache_dir=settings.data_dir / "model-cache")
    try:
        self_test(classifier, package)
    except BaseException:
        classifier.close()
        raise
    return VerifiedModel(package, classifier)
