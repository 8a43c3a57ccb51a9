import shutil
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from edge.inference.model_package import ModelPackageAltered, load_model_package
from edge.inference.package_signature import Trust, read_trusted_keys
from training.__main__ import main
from training.golden import golden_answers, golden_images
from training.packaging import write_package
from training.signing import make_key, sign_package

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    package = load_model_package(COMMITTED)
    answers, files = golden_answers(package, golden_images()[:1])
    manifest = package.manifest.model_copy(update={"golden": answers})
    out = tmp_path / "melanoma"
    write_package(manifest, graph=package.graph, weights=package.weights, golden=files, out=out)
    return out


def test_the_paved_road_from_key_to_trusted_package(
    tmp_path: Path, unsigned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "signer"
    monkeypatch.setattr("sys.argv", ["training", "make-key", "--out", str(key)])
    assert main() == 0
    public = tmp_path / "signer.pub.pem"
    assert str(public) in capsys.readouterr().out
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    monkeypatch.setattr("sys.argv", ["training", "sign", "--package", str(unsigned), "--key", str(key)])
    assert main() == 0
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    shutil.copy(public, trusted)
    (known,) = keys = read_trusted_keys(trusted)
    assert known in capsys.readouterr().out
    assert load_model_package(unsigned, trust=Trust(keys)).signature == "verified"


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    make_key(tmp_path / "signer")
    before = (tmp_path / "signer").read_bytes()
    with pytest.raises(FileExistsError):
        make_key(tmp_path / "signer")
    (tmp_path / "signer.pub.pem").unlink()
    with pytest.raises(FileExistsError):
        make_key(tmp_path / "signer")
    assert (tmp_path / "signer").read_bytes() == before


def test_a_private_key_does_not_go_into_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    with pytest.raises(ValueError, match="repository"):
        make_key(tmp_path / "deep" / "signer")
    assert not list((tmp_path / "deep").iterdir())


def test_a_key_beside_a_repository_is_made_from_within_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "checkout")
    make_key(Path("../clinic.key"))
    assert (tmp_path / "clinic.key").exists()


def test_an_altered_package_is_not_signed(tmp_path: Path, unsigned: Path) -> None:
    make_key(tmp_path / "signer")
    (unsigned / "card.md").write_text("Cures everything.")
    with pytest.raises(ModelPackageAltered):
        sign_package(unsigned, tmp_path / "signer")
    assert not (unsigned / "manifest.sig").exists()


def test_a_package_that_was_swapped_while_it_was_tested_is_not_signed(
    tmp_path: Path, unsigned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "signer")
    other = load_model_package(unsigned).manifest.model_copy(update={"version": "9.9.9"})

    def swapped(*_: object) -> None:
        (unsigned / "manifest.json").write_text(other.model_dump_json(), encoding="utf-8")

    monkeypatch.setattr("training.signing.self_test", swapped)
    with pytest.raises(ModelPackageAltered, match="while it was tested"):
        sign_package(unsigned, tmp_path / "signer")
    assert not (unsigned / "manifest.sig").exists()


def test_a_key_that_others_may_read_or_that_is_none_is_refused_by_name(
    tmp_path: Path, unsigned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "signer")
    (tmp_path / "signer").chmod(0o640)
    other = X25519PrivateKey.generate()
    for name, content in {
        "rubbish": b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "another-kind": other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "locked": other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")),
    }.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    for name in ("signer", "rubbish", "another-kind", "locked", "absent"):
        monkeypatch.setattr("sys.argv", ["training", "sign", "--package", str(unsigned), "--key", str(tmp_path / name)])
        with pytest.raises(SystemExit, match=name):
            main()
    assert not (unsigned / "manifest.sig").exists()
