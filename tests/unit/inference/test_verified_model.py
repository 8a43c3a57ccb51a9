"""What stands between a folder on a disk and an assessed patient."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge.config import EdgeSettings
from edge.errors import EdgeError, SimulatedInClinic
from edge.inference.instruction_sets import InstructionsMissing
from edge.inference.model_package import (
    GoldenAnswer,
    ModelPackageAltered,
    ModelPackageMalformed,
    ModelPackageMislabelled,
    Task,
    load_model_package,
)
from edge.inference.package_signature import (
    PackageKeyUnknown,
    PackageSignatureError,
    PackageSignatureWrong,
    PackageUnsigned,
    make_signature,
)
from edge.inference.self_test import SelfTestFailed
from edge.inference.verified_model import ModelPackageWithoutGolden, open_verified
from training.signing import make_key, sign_package

Settings = Callable[..., EdgeSettings]
Rewrite = Callable[..., Path]
COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


def opened(path: Path, settings: EdgeSettings, task: Task | None = "skin-lesion") -> str:
    model = open_verified(path, task=task, settings=settings)
    model.classifier.close()
    return model.package.signature


@pytest.mark.parametrize("environment", ["clinic", "demo"])
def test_a_signed_package_with_golden_pictures_is_used(signed_dir: Path, settings: Settings, environment: str) -> None:
    assert opened(signed_dir, settings(environment)) == "verified"


def test_a_demo_uses_an_unsigned_package_and_says_so(package_dir: Path, settings: Settings) -> None:
    (package_dir / "manifest.sig").unlink(missing_ok=True)
    assert opened(package_dir, settings("demo")) == "unsigned"


def test_a_clinic_refuses_an_unsigned_package(signed_dir: Path, settings: Settings) -> None:
    (signed_dir / "manifest.sig").unlink()
    with pytest.raises(PackageUnsigned):
        opened(signed_dir, settings("clinic"))


def test_a_clinic_refuses_a_signer_whom_it_does_not_trust(signed_dir: Path, settings: Settings, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    sign_package(signed_dir, tmp_path / "stranger")
    assert opened(signed_dir, settings("demo")) == "unknown-key"
    with pytest.raises(PackageKeyUnknown):
        opened(signed_dir, settings("clinic"))


@pytest.mark.parametrize("environment", ["clinic", "demo"])
@pytest.mark.parametrize("position", [0.0, 0.5, 0.999])
def test_one_changed_byte_in_any_file_is_refused(
    signed_dir: Path, settings: Settings, environment: str, position: float
) -> None:
    names = sorted(path.name for path in signed_dir.iterdir())
    assert {"manifest.json", "manifest.sig", "model.xml", "model.bin", "card.md", "golden-1.png"} <= set(names)
    for name in names:
        original = (signed_dir / name).read_bytes()
        altered = bytearray(original)
        altered[int(len(altered) * position)] ^= 1
        (signed_dir / name).write_bytes(altered)
        with pytest.raises((PackageSignatureError, ModelPackageAltered)):
            opened(signed_dir, settings(environment))
        (signed_dir / name).write_bytes(original)
    assert opened(signed_dir, settings(environment)) == "verified"


def test_a_signature_is_looked_at_before_the_manifest_is_parsed(signed_dir: Path, settings: Settings) -> None:
    (signed_dir / "manifest.json").write_bytes(b"{}")
    with pytest.raises(PackageSignatureWrong):
        opened(signed_dir, settings("demo"))


def test_a_clinic_refuses_a_package_without_golden_pictures(
    rewritten: Rewrite, settings: Settings, signing_key: Path
) -> None:
    path = rewritten(golden=())
    with pytest.raises(ValueError, match="golden"):
        sign_package(path, signing_key)
    # Signed by hand all the same, as an older signer might have.
    key = load_pem_private_key(signing_key.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    (path / "manifest.sig").write_bytes(make_signature((path / "manifest.json").read_bytes(), key))
    with pytest.raises(ModelPackageWithoutGolden):
        opened(path, settings("clinic"))
    assert opened(path, settings("demo")) == "verified"


def test_a_clinic_refuses_a_model_of_simulated_images_and_a_demo_does_not(
    rewritten: Rewrite, settings: Settings, signing_key: Path
) -> None:
    path = rewritten(simulation_only=True)
    sign_package(path, signing_key)
    with pytest.raises(SimulatedInClinic):
        opened(path, settings("clinic"))
    assert opened(path, settings("demo")) == "verified"


def test_a_package_for_another_task_is_refused(signed_dir: Path, settings: Settings) -> None:
    with pytest.raises(ModelPackageMislabelled, match="skin-lesion"):
        opened(signed_dir, settings("demo"), task="scalp")
    assert opened(signed_dir, settings("demo"), task=None) == "verified"


def test_a_package_for_another_input_size_is_refused(rewritten: Rewrite, settings: Settings) -> None:
    size = load_model_package(COMMITTED).manifest.input
    path = rewritten(input=size.model_copy(update={"width": 96, "height": 96}))
    with pytest.raises(ModelPackageMislabelled, match="96"):
        opened(path, settings("demo"))


def test_a_package_for_another_cpu_is_refused_before_it_is_compiled(rewritten: Rewrite, settings: Settings) -> None:
    path = rewritten(needs_instructions=dict.fromkeys(("x86_64", "aarch64"), ("warp-drive",)))
    with pytest.raises(InstructionsMissing, match="warp-drive"):
        opened(path, settings("demo", device="NO-SUCH-DEVICE"))


def _shifted(answer: GoldenAnswer, *, by: float) -> GoldenAnswer:
    first, second, *_ = sorted(answer.probabilities, key=answer.probabilities.__getitem__, reverse=True)
    moved = {first: answer.probabilities[first] - by, second: answer.probabilities[second] + by}
    return answer.model_copy(update={"probabilities": answer.probabilities | moved})


def test_another_answer_than_the_golden_one_is_refused_with_picture_and_difference(
    rewritten: Rewrite, signed_dir: Path, settings: Settings, signing_key: Path
) -> None:
    one, two, three = load_model_package(signed_dir).manifest.golden
    path = rewritten(golden=(one, _shifted(two, by=0.06), three))
    with pytest.raises(SelfTestFailed, match=r"golden-2\.png.*0\.06.* exceeds 0\.05"):
        opened(path, settings("demo"))
    with pytest.raises(SelfTestFailed):
        sign_package(path, signing_key)
    assert not (path / "manifest.sig").exists()


def test_an_answer_within_the_tolerance_passes(rewritten: Rewrite, signed_dir: Path, settings: Settings) -> None:
    one, two, three = load_model_package(signed_dir).manifest.golden
    assert opened(rewritten(golden=(one, _shifted(two, by=0.04), three)), settings("demo")) == "unsigned"


def test_a_golden_answer_belongs_to_a_listed_file_and_to_the_labels(rewritten: Rewrite, signed_dir: Path) -> None:
    path = signed_dir / "manifest.json"
    for spoil in (
        lambda answer: answer.update(file="elsewhere.png"),
        lambda answer: answer["probabilities"].pop("nv"),
        lambda answer: answer.update(tolerance=0.9),
    ):
        manifest = json.loads(path.read_text())
        spoil(manifest["golden"][0])
        path.write_text(json.dumps(manifest))
        with pytest.raises(ModelPackageMalformed):
            load_model_package(signed_dir)


def test_each_refusal_says_what_to_do() -> None:
    kinds = (PackageUnsigned, PackageKeyUnknown, PackageSignatureWrong, SelfTestFailed, InstructionsMissing)
    assert all(issubclass(kind, EdgeError) and kind.remedy for kind in kinds)
