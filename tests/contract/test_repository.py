"""Rules of the repository that nothing else would notice."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
CODE = [ROOT / name for name in TRACKED if name.endswith((".py", ".mjs", ".js", ".css", ".html"))]


def test_the_lock_has_hashes_and_neither_torch_nor_an_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^([a-z0-9_.-]+)==", lock, flags=re.MULTILINE)
    assert "openvino" in pinned
    assert not {"torch", "torchvision", "opencv-python", "dlib"} & set(pinned)
    assert "://" not in lock
    assert lock.count("--hash=sha256:") > len(pinned)


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "manager"])
def test_no_drawer_for_what_has_no_place(word: str) -> None:
    assert not [path for path in CODE if word in path.stem.split("_") or word in path.parts]


def test_files_fit_a_few_screens() -> None:
    assert not [str(path) for path in CODE if path.exists() and len(path.read_text().splitlines()) > 400]


def test_every_decision_says_what_enforces_it() -> None:
    for path in (ROOT / "docs/decisions").glob("*.md"):
        text = path.read_text()
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Alternatives.**", "**Enforced by.**"):
            assert part in text, f"{path.name} lacks {part}"


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]
