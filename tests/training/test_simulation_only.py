"""What learned from rendered pictures says so, wherever the network began."""

from dataclasses import replace
from pathlib import Path

import pytest

from training.calibrate import CalibrationError
from training.data import DataError
from training.export import export_run
from training.recipes import RECIPES
from training.scalp_phantom import render_dataset
from training.sources import KNOWN
from training.tasks import SCALP
from training.train import Machine, Sources, Start, train

COMMITTED = Path(__file__).parents[2] / "models" / "melanoma"

pytestmark = pytest.mark.timeout(300)


def test_what_learned_from_rendered_pictures_is_for_simulation_only(tmp_path: Path) -> None:
    scalps = render_dataset(tmp_path / "scalp", count=60, seed=2, size_px=64)
    tiny = replace(RECIPES["lite0-scalp"], sizes_px=((0, 64),), epochs=1, batch=8)
    sources = Sources(scalps)
    train(recipe=tiny, task=SCALP, sources=sources, run_dir=tmp_path / "run", machine=Machine(threads=1))
    words = {"name": "scalp", "version": "0.0.1", "licence_of_use": "Tests only."}
    with pytest.raises(DataError, match="simulation only"):
        export_run(
            run_dir=tmp_path / "run", manifest=scalps, out=tmp_path / "out", simulation_only=False, allow_few=True,
            **words,
        )  # fmt: skip
    with pytest.raises(CalibrationError, match="20 of each"):
        export_run(run_dir=tmp_path / "run", manifest=scalps, out=tmp_path / "out", simulation_only=True, **words)
    export_run(
        run_dir=tmp_path / "run", manifest=scalps, out=tmp_path / "out", simulation_only=True, allow_few=True, **words
    )
    train(
        recipe=tiny, task=SCALP, sources=Sources(scalps), run_dir=tmp_path / "go-on", machine=Machine(threads=1),
        start=Start(package=COMMITTED),
    )  # fmt: skip
    export_run(
        run_dir=tmp_path / "go-on", manifest=scalps, out=tmp_path / "further", simulation_only=True, allow_few=True,
        further_limits=["Seen by nobody else."], **words,
    )  # fmt: skip
    further = (tmp_path / "further" / "card.md").read_text(encoding="utf-8")
    assert KNOWN["ham10000"].licence in further
    assert "- Seen by nobody else." in further
    assert "went on from a network that had learned from other rows" in further
    card = (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    assert "**Simulation only. It learned from rendered pictures" in card
    assert "rendered pictures alone" in card
    assert "fewer than 20" in card
    assert "went on from" not in card
