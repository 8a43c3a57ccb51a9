"""A model package: the network, its manifest and its card, used only when every byte is what the manifest says."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.errors import EdgeError

MANIFEST_FILE: Final = "manifest.json"
GRAPH_FILE: Final = "model.xml"
WEIGHTS_FILE: Final = "model.bin"
TASK: Final = "skin-lesion-classification"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(gt=0, lt=1)]


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


class Thresholds(_Strict):
    """Malignancy scores from which a tier begins, and the out-of-distribution score beyond which nothing is said."""

    moderate: Probability
    high: Probability
    ood: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.moderate >= self.high:
            raise ValueError("the moderate threshold must lie below the high one")
        return self


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


class ModelManifest(_Strict):
    """What a model package is, may be used for, and was measured to do."""

    format: Literal[1]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    task: str
    labels: tuple[str, ...] = Field(min_length=2)
    malignant: tuple[str, ...] = Field(min_length=1)
    input: InputSpec
    outputs: OutputNames
    thresholds: Thresholds
    temperature: float = Field(gt=0)
    files: dict[str, Sha256]
    training_data: TrainingData
    licence_of_use: str
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
        if not set(self.malignant) < set(self.labels):
            raise ValueError("the malignant labels must be some, not all, of the labels")
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


@dataclass(frozen=True)
class ModelPackage:
    """A verified package, its network held in memory so that a later change on disk cannot matter.

    `sha256` is the hash of the manifest's bytes. The manifest holds the hash of every other file, so this one value
    identifies the whole package: it is the model hash that every result carries.
    """

    manifest: ModelManifest
    directory: Path
    sha256: str
    graph: bytes = field(repr=False)
    weights: bytes = field(repr=False)


def load_model_package(path: Path, *, expected_name: str | None = None) -> ModelPackage:
    """Read a package folder and verify it.

    Raises:
        ModelPackageError: one of its subclasses says what is wrong.
    """
    raw = _read(path / MANIFEST_FILE)
    try:
        manifest = ModelManifest.model_validate_json(raw)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, part['loc'])) or 'manifest'}: {part['msg']}"
            for part in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise ModelPackageMalformed(f"{path / MANIFEST_FILE}: {places}") from error
    if manifest.task != TASK:
        raise ModelPackageMislabelled(f"{path} is made for the task {manifest.task!r}, not {TASK!r}")
    if expected_name is not None and manifest.name != expected_name:
        raise ModelPackageMislabelled(f"{path} holds the model {manifest.name!r}, not {expected_name!r}")
    contents = {name: _read(path / name) for name in manifest.files}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest.files[name]:
            raise ModelPackageAltered(f"{path / name} differs from its hash in the manifest")
    return ModelPackage(
        manifest=manifest,
        directory=path,
        sha256=hashlib.sha256(raw).hexdigest(),
        graph=contents[GRAPH_FILE],
        weights=contents[WEIGHTS_FILE],
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelPackageMissing(f"{path} cannot be read: {error.strerror}") from error
