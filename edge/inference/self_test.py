"""The golden self-test: known pictures must get the known answers on this very machine before a patient is assessed."""

from edge.errors import EdgeError
from edge.inference.classifier import Classifier
from edge.inference.model_package import ModelPackage
from edge.inference.preprocess import decode_image


class SelfTestFailed(EdgeError):
    """The model answers its test pictures differently here than where it was made."""

    code = "model-self-test-failed"
    remedy = "Go back to the previous model with `python -m edge model rollback`, and report the difference."


def self_test(classifier: Classifier, package: ModelPackage) -> None:
    """Classify every golden picture of a package and compare the probabilities; nothing to do where it has none.

    The known answers are those of f32. Another precision may lie farther from them, by as much as it was seen to
    change nearly every answer when the package was made.

    Raises:
        SelfTestFailed: names the picture, the label, the difference and the tolerance.
        ClassifierFailed: the network gave no usable answer.
        ImageRefused: a golden picture is none.
    """
    for answer in package.manifest.golden:
        prediction = classifier.classify(decode_image(package.golden[answer.file]))
        got, effect = prediction.probabilities, package.manifest.precisions.get(prediction.precision)
        tolerance = answer.tolerance + (effect.change_p99 if effect else 0.0)
        difference, label = max((abs(got[label] - answer.probabilities[label]), label) for label in got)
        if difference > tolerance:
            raise SelfTestFailed(
                f"{answer.file}: the probability of {label} is {got[label]:.4f} here, {answer.probabilities[label]:.4f}"
                f" where the model was made; the difference of {difference:.4f} exceeds {tolerance:.4f}"
            )
