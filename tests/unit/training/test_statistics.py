"""Intervals and tests against references: scikit-learn, brute force, exact sums and repeated draws."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss, roc_auc_score

from training import weighted
from training.delong import area_interval, areas_and_covariance, compare_areas
from training.mcnemar import mcnemar
from training.resampling import Defined, estimate, resamples


def _data(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    positive[:2] = [True, False]
    # Few levels, so that ties are common.
    return positive, np.clip(np.round(rng.normal(positive * 0.3 + 0.35, 0.25), 1), 0, 1)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_weighted_figures_are_those_of_scikit_learn(seed: int) -> None:
    positive, score = _data(seed)
    weights = np.random.default_rng(seed).integers(0, 4, len(score)).astype(float)
    weights[:2] = 1
    flagged = score >= 0.5
    of = {
        "auc": (weighted.roc_auc(positive, score), roc_auc_score(positive, score, sample_weight=weights)),
        "accuracy": (
            weighted.share(flagged == positive),
            accuracy_score(positive, flagged, sample_weight=weights),
        ),
        "balanced": (
            weighted.balanced_accuracy(positive.astype(int), flagged.astype(int)),
            balanced_accuracy_score(positive, flagged, sample_weight=weights),
        ),
        "brier": (
            weighted.mean(np.square(score - positive)),
            brier_score_loss(positive, score, sample_weight=weights),
        ),
    }
    for name, (figure, reference) in of.items():
        several = np.stack([np.ones(len(score)), weights])
        assert figure(several)[1] == pytest.approx(reference), name


def test_a_weight_counts_as_that_many_copies() -> None:
    positive, score = _data(3)
    weights = np.random.default_rng(1).integers(0, 3, len(score))
    copies = np.repeat(np.arange(len(score)), weights)
    once = np.ones((1, len(copies)))
    for make in (
        lambda p, s: weighted.calibration_error(p, s, bins=15),
        lambda p, s: weighted.net_benefit(p, s, threshold=0.3),
        weighted.roc_auc,
    ):
        by_weight = make(positive, score)(weights[None].astype(float))
        assert by_weight == pytest.approx(make(positive[copies], score[copies])(once))


def test_net_benefit_of_acting_on_everybody_is_that_of_the_prevalence() -> None:
    positive, _ = _data(5)
    figure = weighted.net_benefit(positive, np.ones(len(positive)), threshold=0.2)
    prevalence = positive.mean()
    assert figure(np.ones((1, len(positive))))[0] == pytest.approx(prevalence - (1 - prevalence) * 0.25)


def _brute_force(positive: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Area of `a` and the covariance of both areas, from DeLong's placement values by their definition."""

    def placements(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wins = np.sign(score[positive][:, None] - score[~positive][None]) / 2 + 0.5
        return wins.mean(axis=1), wins.mean(axis=0)

    (v_a, w_a), (v_b, w_b) = placements(a), placements(b)
    covariance = np.cov(v_a, v_b)[0, 1] / positive.sum() + np.cov(w_a, w_b)[0, 1] / (~positive).sum()
    return float(v_a.mean()), float(covariance)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_fast_delong_is_delong_by_definition(seed: int) -> None:
    positive, a = _data(seed)
    positive[2:4] = [True, False]
    b = np.round(a + np.random.default_rng(seed + 1).normal(0, 0.2, len(a)), 1)
    areas, covariance = areas_and_covariance(positive, np.stack([a, b]))
    for row, column in itertools.product(range(2), repeat=2):
        area, expected = _brute_force(positive, (a, b)[row], (a, b)[column])
        assert areas[row] == pytest.approx(area)
        assert covariance[row, column] == pytest.approx(expected, abs=1e-12)


def test_delong_finds_a_difference_and_none_between_scores_of_one_order() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(600) < 0.3
    good, poor = rng.normal(positive * 2.0), rng.normal(positive * 0.5)
    difference = compare_areas(positive, good, poor)
    assert difference is not None
    assert difference.low > 0
    assert difference.p_value < 1e-6
    same = compare_areas(positive, good, np.exp(good))
    assert same is not None
    assert (same.difference, same.p_value) == (0, 1)


def test_delong_says_nothing_of_a_perfect_score_against_a_constant() -> None:
    positive = np.array([True, True, False, False])
    assert compare_areas(positive, np.array([4.0, 3.0, 2.0, 1.0]), np.zeros(4)) is None


def test_delong_of_one_class_or_of_a_perfect_score_has_no_interval() -> None:
    assert area_interval(np.array([True, True, True]), np.array([0.1, 0.2, 0.3])) is None
    assert area_interval(np.array([True, True, False, False]), np.array([0.9, 0.8, 0.2, 0.1])) is None
    assert compare_areas(np.array([True, False, False]), np.arange(3.0), np.arange(3.0)) is None


@pytest.mark.parametrize(("only_a", "only_b"), [(1, 0), (7, 2), (5, 5), (2, 12)])
def test_mcnemar_is_the_sum_over_the_binomial(only_a: int, only_b: int) -> None:
    a = np.array([True] * only_a + [False] * only_b + [True] * 20)
    b = np.array([False] * only_a + [True] * only_b + [True] * 20)
    found = mcnemar(a, b)
    n, least = only_a + only_b, min(only_a, only_b)
    chances = [math.comb(n, k) / 2**n for k in range(n + 1)]
    exact = min(1.0, 2 * sum(chances[: least + 1]))
    # Fagerland and others give equal counts a case of their own.
    mid = 1 - chances[least] / 2 if only_a == only_b else 2 * sum(chances[: least + 1]) - chances[least]
    assert (found.only_a, found.only_b) == (only_a, only_b)
    assert found.exact_p == pytest.approx(exact)
    assert found.mid_p == pytest.approx(mid)


def test_deciders_that_never_differ_are_not_told_apart() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right).exact_p == mcnemar(right, right).mid_p == 1


def test_resamples_draw_whole_units_and_as_many_as_there_are() -> None:
    units = ["a", "a", "b", "c", "c", "c"]
    weights = np.concatenate(list(resamples(units, rounds=50, seed=1)))
    assert weights.shape == (50, 6)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert (weights == np.concatenate(list(resamples(units, rounds=50, seed=1)))).all()
    assert (weights != np.concatenate(list(resamples(units, rounds=50, seed=2)))).any()


def test_the_interval_holds_the_true_area_about_as_often_as_it_says() -> None:
    """Two images a lesion, alike: by lesion about 95 %; by image far too seldom."""
    shift, draws, lesions = 1.0, 150, 80
    true_area = norm.cdf(shift / math.sqrt(2))
    held = {"lesion": 0, "image": 0}
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        positive = np.repeat(np.arange(lesions) < lesions // 2, 2)
        score = np.repeat(rng.normal(size=lesions), 2) + positive * shift + rng.normal(0, 0.01, 2 * lesions)
        figures = {"auc": Defined(weighted.roc_auc(positive, score), "")}
        for kind, units in (
            ("lesion", [str(row // 2) for row in range(2 * lesions)]),
            ("image", [str(row) for row in range(2 * lesions)]),
        ):
            found = estimate(figures, units, rounds=200, seed=draw)["auc"]
            assert found.low is not None
            assert found.high is not None
            held[kind] += found.low <= true_area <= found.high
    assert 0.9 <= held["lesion"] / draws <= 0.99
    assert held["image"] / draws < 0.9


def test_a_share_of_all_or_none_has_wilsons_interval_over_units() -> None:
    hits = np.ones(40, bool)
    found = estimate({"share": weighted.defined_share(hits, "")}, [str(row // 2) for row in range(40)])["share"]
    assert found.value == found.high == 1
    # Wilson, 20 of 20: 1 / (1 + z^2 / 20).
    assert found.low == pytest.approx(1 / (1 + norm.ppf(0.975) ** 2 / 20), abs=1e-4)


def test_what_does_not_vary_has_no_interval_of_no_width() -> None:
    positive = np.arange(40) < 20
    found = estimate({"auc": Defined(weighted.roc_auc(positive, positive * 1.0), "")}, [str(row) for row in range(40)])
    assert found["auc"].value == 1
    assert found["auc"].low is None
    assert "do not vary" in (found["auc"].reason or "")


def test_with_no_image_nothing_is_defined() -> None:
    nothing = np.zeros(0)
    figures = {
        "auc": Defined(weighted.roc_auc(nothing.astype(bool), nothing), "none"),
        "share": weighted.defined_share(nothing.astype(bool), "none"),
        "balanced": Defined(weighted.balanced_accuracy(nothing.astype(int), nothing.astype(int)), "none"),
        "ece": Defined(weighted.calibration_error(nothing.astype(bool), nothing, bins=15), "none"),
    }
    for found in estimate(figures, []).values():
        assert (found.value, found.reason) == (None, "none")
