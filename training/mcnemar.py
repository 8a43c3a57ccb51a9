"""McNemar's test of two deciders on the same images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest


@dataclass(frozen=True)
class Discordance:
    """How often only `a` and only `b` was right, with the exact and the mid-p two-sided p-value."""

    only_a: int
    only_b: int
    exact_p: float
    mid_p: float


def mcnemar(a_right: NDArray[np.bool_], b_right: NDArray[np.bool_]) -> Discordance:
    """Compare on the discordant images; mid-p as Fagerland, Lydersen and Laake (2013) recommend."""
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    discordant = only_a + only_b
    if discordant == 0:
        return Discordance(only_a=0, only_b=0, exact_p=1.0, mid_p=1.0)
    exact = float(binomtest(only_a, discordant, 0.5).pvalue)
    middle = float(binom.pmf(only_a, discordant, 0.5))
    # Equal counts are a case of their own there: the observed table then belongs to both tails.
    mid = 1 - middle / 2 if only_a == only_b else exact - middle
    return Discordance(only_a=only_a, only_b=only_b, exact_p=exact, mid_p=mid)
