"""A model package: the network, its manifest and its card, used only when every byte is what the manifest says."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.errors import EdgeError
from edge.inference.package_signature import SIGNATURE_FILE, SignatureState, Trust, check_signature
from edge.inference.precision import Precision, PrecisionBounds, PrecisionEffect

MANIFEST_FILE: Final = "manifest.json"
GRAPH_FILE: Final = "model.xml"
WEIGHTS_FILE: Final = "model.bin"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(gt=0, lt=1)]
LANGUAGE_CODE: Final = r"^[a-z]{2}$"
"""ISO 639-1."""
LanguageCode = Annotated[str, Field(pattern=LANGUAGE_CODE)]
Task = Literal["skin-lesion", "scalp"]


class ModelPackageError(EdgeError):
    """The model package cannot be used."""

    code = "model-package"
    remedy = "Install the model package again."


class ModelPackageMissing(ModelPackageError):
    """There is no package, or a file of it is absent."""

    code = "model-package-missing"
    remedy = "Install the model package, or correct its folder in the settings."


class ModelPackageMalformed(ModelPackageError):
    """The manifest is no valid manifest of this format."""

    code = "model-package-malformed"
    remedy = "Install a package made for this version of the kiosk."


class ModelPackageAltered(ModelPackageError):
    """A file differs from the hash that the manifest gives."""

    code = "model-package-altered"
    remedy = "Do not use this package; install it again from its source and report it if it differs again."


class ModelPackageMislabelled(ModelPackageError):
    """The package is intact but is not what it is used as, or its network is not what the manifest describes."""

    code = "model-package-mislabelled"
    remedy = "Install the package that belongs to this use."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputSpec(_Strict):
    """How a picture becomes the network's input; normalisation is inside the graph."""

    width: int = Field(gt=0, le=1024)
    height: int = Field(gt=0, le=1024)
    colour: Literal["RGB"]
    crop: Literal["centre-square"]
    resize: Literal["area"]


class OutputNames(_Strict):
    """The names of the graph's outputs."""

    probabilities: str
    cam: str
    ood: str
    disagreement: str | None = None


class OperatingPoints(_Strict):
    """Two probabilities from which a picture is flagged, chosen on validation.

    `moderate` kept 95 % sensitivity there, `high` had the best accuracy of those above it.
    """

    moderate: Probability
    high: Probability

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.moderate >= self.high:
            raise ValueError("the moderate threshold must lie below the high one")
        return self


class Thresholds(OperatingPoints):
    """Scores from which a tier begins, and limits beyond which nothing is said.

    `disagreement` limits the standard deviation of the score over the graph's views of one picture; None: not judged.
    `melanoma` are points of the probability of melanoma alone: they are measured at, and make no tier.
    """

    ood: float = Field(gt=0)
    disagreement: float | None = Field(None, gt=0)
    melanoma: OperatingPoints | None = None


class Source(_Strict):
    """One data set, with its licence as far as it is known."""

    name: str
    licence: str


class TrainingData(_Strict):
    """What the network learned from; the fingerprint covers the manifest rows of every split that was used."""

    fingerprint: Sha256
    sources: tuple[Source, ...] = Field(min_length=1)
    counts: dict[str, int]


class Estimate(_Strict):
    """A measured figure with its 95 % interval; a figure that the data cannot define is null, with the reason."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class Metrics(_Strict):
    """Figures on one split that took no part in training."""

    split: str
    n: int = Field(gt=0)
    lesions: int = Field(gt=0)
    figures: dict[str, Estimate]


class GoldenAnswer(_Strict):
    """What the network says of one picture of the package, and how far a machine's answer may lie from it.

    `tolerance` bounds the difference of every probability; machines differ in their arithmetic.
    """

    file: str
    probabilities: dict[str, Annotated[float, Field(ge=0, le=1)]]
    tolerance: Annotated[float, Field(gt=0, le=0.2)]


class RiskCurve(_Strict):
    """How the score was calibrated last: straight pieces from its log-odds to calibrated ones, inside the graph.

    At the first knot the calibrated log-odds are `offset`; `slopes` has one more entry than `knots`.
    """

    knots: tuple[float, ...] = Field(min_length=1)
    offset: float
    slopes: tuple[Annotated[float, Field(gt=0)], ...]

    @model_validator(mode="after")
    def _one_slope_a_piece(self) -> Self:
        if len(self.slopes) != len(self.knots) + 1 or list(self.knots) != sorted(set(self.knots)):
            raise ValueError("the knots rise, and there is one slope more than knots")
        return self


class ModelManifest(_Strict):
    """What a model package is, may be used for, and was measured to do.

    `positive` are the labels whose summed probability is the score: the malignant ones, or psoriasis. The class that
    is stated is the one of greatest probability times `decision_weights`, chosen on validation; 1 where absent.
    `golden` are pictures with known answers for the self-test. `needs_instructions` names, for each kind of machine as
    `uname -m` says it, instruction sets as /proc/cpuinfo says them: {"x86_64": ("avx2",)}. `precisions` says what each
    reduced precision changes, `precision_bounds` how much it may; one that is not named is not used. Patients are
    shown the licence; `licence_of_use_in` says it in further languages, by their ISO 639-1 codes.
    """

    format: Literal[2]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    task: Task
    labels: tuple[str, ...] = Field(min_length=2)
    positive: tuple[str, ...] = Field(min_length=1)
    decision_weights: dict[str, float] = Field(default_factory=dict)
    input: InputSpec
    outputs: OutputNames
    thresholds: Thresholds
    temperature: float = Field(gt=0)
    calibration_bias: tuple[float, ...] = ()
    risk_curve: RiskCurve | None = None
    files: dict[str, Sha256]
    golden: tuple[GoldenAnswer, ...] = ()
    needs_instructions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    precisions: dict[Precision, PrecisionEffect] = Field(default_factory=dict)
    precision_bounds: PrecisionBounds = PrecisionBounds()
    training_data: TrainingData
    licence_of_use: str
    licence_of_use_in: dict[LanguageCode, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    intended_use: str
    limits: tuple[str, ...] = Field(min_length=1)
    clinical: bool
    simulation_only: bool
    metrics: tuple[Metrics, ...]
    created_at: AwareDatetime

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels repeat")
        if not set(self.positive) < set(self.labels):
            raise ValueError("the positive labels must be some, not all, of the labels")
        if not set(self.decision_weights) <= set(self.labels) or any(w <= 0 for w in self.decision_weights.values()):
            raise ValueError("decision weights are positive and belong to labels")
        if self.clinical and self.simulation_only:
            raise ValueError("a package is clinical or for simulation only, not both")
        for name in self.files:
            # A name with a folder in it could point outside the package.
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
                raise ValueError(f"{name!r} is not a plain file name")
        for needed in (GRAPH_FILE, WEIGHTS_FILE):
            if needed not in self.files:
                raise ValueError(f"{needed} is not listed under files")
        return self

    @model_validator(mode="after")
    def _golden_fits(self) -> Self:
        for answer in self.golden:
            if answer.file not in self.files:
                raise ValueError(f"the golden picture {answer.file} is not listed under files")
            if set(answer.probabilities) != set(self.labels):
                raise ValueError(f"the answer for {answer.file} is not about the labels")
        return self


@dataclass(frozen=True)
class ModelPackage:
    """A verified package, its network held in memory so that a later change on disk cannot matter.

    `sha256` is the hash of the manifest's bytes. The manifest holds the hash of every other file, so this one value
    identifies the whole package: it is the model hash that every result carries. `golden` are the bytes of the golden
    pictures by file name. The graph may quantise its activations; `read_network` takes that out for other precisions.
    """

    manifest: ModelManifest
    directory: Path
    sha256: str
    graph: bytes = field(repr=False)
    weights: bytes = field(repr=False)
    golden: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    signature: SignatureState = "unchecked"


def load_model_package(
    path: Path,
    *,
    expected_name: str | None = None,
    expected_task: Task | None = None,
    trust: Trust | None = None,
) -> ModelPackage:
    """Read a package folder and verify it: signature, manifest, purpose, hashes, in this order.

    Args:
        path: the folder.
        expected_name: refuse another model.
        expected_task: refuse a model for another task.
        trust: whose signature counts; None does not look at the signature.

    Raises:
        PackageSignatureError: the signature is wrong, or missing where `trust` requires one.
        ModelPackageError: one of its subclasses says what else is wrong.
    """
    raw = read_file(path / MANIFEST_FILE)
    signature: SignatureState = "unchecked"
    if trust is not None:
        there = (path / SIGNATURE_FILE).exists()
        signature = check_signature(raw, read_file(path / SIGNATURE_FILE) if there else None, trust)
    try:
        manifest = ModelManifest.model_validate_json(raw)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, part['loc'])) or 'manifest'}: {part['msg']}"
            for part in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise ModelPackageMalformed(f"{path / MANIFEST_FILE}: {places}") from error
    if expected_task is not None and manifest.task != expected_task:
        raise ModelPackageMislabelled(f"{path} is made for the task {manifest.task!r}, not {expected_task!r}")
    if expected_name is not None and manifest.name != expected_name:
        raise ModelPackageMislabelled(f"{path} holds the model {manifest.name!r}, not {expected_name!r}")
    contents = {name: read_file(path / name) for name in manifest.files}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest.files[name]:
            raise ModelPackageAltered(f"{path / name} differs from its hash in the manifest")
    return ModelPackage(
        manifest=manifest,
        directory=path,
        sha256=hashlib.sha256(raw).hexdigest(),
        graph=contents[GRAPH_FILE],
        weights=contents[WEIGHTS_FILE],
        golden={answer.file: contents[answer.file] for answer in manifest.golden},
        signature=signature,
    )


def read_file(path: Path) -> bytes:
    """Return the content of one of a package's files.

    Raises:
        ModelPackageMissing: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelPackageMissing(f"{path} cannot be read: {error.strerror}") from error
