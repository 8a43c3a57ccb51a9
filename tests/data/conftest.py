import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The data pack; a run without it fails, since it would prove nothing."""
    root = Path(os.environ.get("DERMAKIOSK_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (root / "melanoma" / "manifest.csv").is_file():
        pytest.fail(f"the data pack is not at {root}; set DERMAKIOSK_DATA to its folder")
    return root
