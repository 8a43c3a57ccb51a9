import numpy as np
import torch

from training.networks import build_network
from training.recipes import RECIPES
from training.trunk import Trunk

RECIPE = RECIPES["lite0-scalp"]


def test_the_first_layers_answer_wherever_the_network_learns() -> None:
    torch.manual_seed(0)
    network = build_network(RECIPE, classes=2)
    views = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = network.eval().first_layers(torch.from_numpy(views), blocks=RECIPE.frozen_blocks)
    trunk = Trunk(network, blocks=RECIPE.frozen_blocks, batch=2, threads=1)
    # No weight is left on the CPU, as when a GPU learns.
    network.train().to("meta")
    torch.testing.assert_close(trunk(views), expected, rtol=1e-3, atol=1e-3)
    assert network.training
