from pathlib import Path

import pytest
from PIL import Image

from edge.capture.phantom import Scene, archetype, render
from edge.capture.phantom_artefacts import Artefacts
from tests.unit.training.evaluation import COUNT, evaluate_folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve phantom lesions of several sizes and formats, some in a sub-folder; the labels are drawn, not real."""
    root = tmp_path_factory.mktemp("unseen") / "pictures"
    (root / "more").mkdir(parents=True)
    lines = ["\ufefffile;label;patient;age;sex;note"]
    for index in range(2 * COUNT):
        melanoma = index % 2 == 0
        lesion = archetype("melanoma-like" if melanoma else "naevus")
        picture = Image.fromarray(
            render(
                Scene(seed=index, lesion=lesion, artefacts=Artefacts()), width_px=320 + 40 * (index % 3), height_px=280
            )
        )
        name = f"more/P{index}.PNG" if index % 3 == 0 else f"p{index}.jpg"
        picture.save(root / name)
        label = ("MEL", "melanoma")[index % 4 // 2] if melanoma else ("nv", "Nevus")[index % 4 // 2]
        lines.append(f"{name};{label};patient {index // 3};{20 + 5 * index};{'mf'[index % 2]};a, b")
    (root.parent / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def outputs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    options = {"--html": "report.html", "--csv": "isic.csv", "--predictions": "predictions.csv"}
    status, _ = evaluate_folder(
        folder, out, *(part for option, name in options.items() for part in (option, str(out / name)))
    )
    assert status == 0
    return out
