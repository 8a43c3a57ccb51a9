import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.config import EdgeSettings
from edge.inference.model_package import ModelManifest, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from training.golden import golden_answers, golden_images
from training.packaging import write_package
from training.signing import make_key, sign_package

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


@pytest.fixture
def package_dir(tmp_path: Path) -> Path:
    """A copy of the committed melanoma package, to be spoiled."""
    return Path(shutil.copytree(COMMITTED, tmp_path / "melanoma"))


@pytest.fixture(scope="module")
def classifier() -> Iterator[OpenVinoClassifier]:
    made = OpenVinoClassifier(load_model_package(COMMITTED), threads=1)
    yield made
    made.close()


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key file; its public key lies beside it."""
    key = tmp_path_factory.mktemp("keys") / "signer"
    make_key(key)
    return key


@pytest.fixture(scope="session")
def _golden_package(tmp_path_factory: pytest.TempPathFactory, signing_key: Path) -> Path:
    out = tmp_path_factory.mktemp("packages") / "melanoma"
    package = load_model_package(COMMITTED)
    answers, files = golden_answers(package, golden_images())
    manifest = package.manifest.model_copy(update={"golden": answers})
    write_package(manifest, graph=package.graph, weights=package.weights, golden=files, out=out)
    sign_package(out, signing_key)
    return out


@pytest.fixture
def signed_dir(tmp_path: Path, _golden_package: Path) -> Path:
    """A signed package with golden pictures, to be spoiled."""
    return Path(shutil.copytree(_golden_package, tmp_path / "signed"))


@pytest.fixture
def rewritten(signed_dir: Path) -> Callable[..., Path]:
    """Write the signed package again with another manifest, which leaves it unsigned."""

    def _rewrite(**changes: object) -> Path:
        package = load_model_package(signed_dir)
        manifest = ModelManifest.model_validate(package.manifest.model_copy(update=changes).model_dump())
        golden = {answer.file: package.golden[answer.file] for answer in manifest.golden}
        write_package(manifest, graph=package.graph, weights=package.weights, golden=golden, out=signed_dir)
        return signed_dir

    return _rewrite


@pytest.fixture
def settings(tmp_path: Path, signing_key: Path) -> Callable[..., EdgeSettings]:
    """Settings that trust the signing key; keyword arguments go into `inference`."""
    trusted = tmp_path / "trusted-keys"
    trusted.mkdir()
    shutil.copy(signing_key.with_name("signer.pub.pem"), trusted)

    def _settings(environment: str, **inference: object) -> EdgeSettings:
        return EdgeSettings.model_validate(
            {
                "environment": environment,
                "data_dir": tmp_path / "kiosk",
                "inference": {"trusted_keys": trusted, "threads": 1, **inference},
            }
        )

    return _settings


@pytest.fixture
def encode() -> Callable[..., bytes]:
    def _encode(rgb: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, kind, **options)
        return buffer.getvalue()

    return _encode
