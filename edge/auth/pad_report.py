"""Error rates of the liveness check over many attempts, by species of attack (ISO/IEC 30107-3 terms).

APCER: share of attacks that pass. BPCER: share of people who do not, among those whose face could be read; the others
are non-responses. People are split in two: limits may be chosen on
the first part (`develop`), figures are of the second alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge.auth.binomial import clopper_pearson
from edge.auth.liveness_verdict import THRESHOLDS

GENUINE: Final = "genuine"
_DEVELOP_BPCER: Final = 0.02


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt's outcome."""

    species: str
    """`genuine…` for people."""
    develop: bool
    readable: bool
    """Whether the attempt got as far as the challenge."""
    challenge_met: bool
    passed: bool
    scores: dict[str, float]
    wrongly_matched: bool | None = None

    @property
    def genuine(self) -> bool:
        """Whether this is a person."""
        return self.species.startswith(GENUINE)


def share(events: int, trials: int) -> dict[str, float | int | None]:
    """A share with its exact interval."""
    low, high = clopper_pearson(events, trials)
    return {"events": events, "trials": trials, "rate": events / trials if trials else None, "low": low, "high": high}


def pad_report(records: Sequence[AttemptRecord]) -> dict[str, object]:
    """All figures; `proposed` are the limits that the developing part would give, for whoever changes a cue."""
    test = [record for record in records if not record.develop]
    species = list(dict.fromkeys(record.species for record in records))
    rows: dict[str, object] = {}
    for name in species:
        own = [record for record in test if record.species == name]
        read = [record for record in own if record.readable]
        rates = (
            # People in whom no face can be read are asked to move, not called false: counted apart.
            {"bpcer": share(sum(not record.passed for record in read), len(read))}
            if name.startswith(GENUINE)
            else {"apcer": share(sum(record.passed for record in own), len(own))}
        )
        rows[name] = rates | {
            "non_response": share(len(own) - len(read), len(own)),
            "challenge_met": share(sum(record.challenge_met for record in own), len(own)),
            "refused_by_cue_alone": {
                cue: share(sum(not record.scores[cue] >= limit for record in own), len(own))
                for cue, limit in THRESHOLDS.items()
            },
        }
    return {
        "thresholds": dict(THRESHOLDS),
        "proposed": _proposed([record for record in records if record.develop]),
        "species": rows,
        "attacks_of_all_species": share(sum(r.passed for r in test if not r.genuine), sum(not r.genuine for r in test)),
        "people_of_all_sources": share(
            sum(not r.passed for r in test if r.genuine and r.readable), sum(r.genuine and r.readable for r in test)
        ),
    }


def _proposed(records: Sequence[AttemptRecord]) -> dict[str, dict[str, float]]:
    """Of each cue: the limit that 2 % of people miss, and where the attacks that met the challenge lie."""
    proposed: dict[str, dict[str, float]] = {}
    for cue in THRESHOLDS:
        people = [r.scores[cue] for r in records if r.genuine and r.challenge_met and math.isfinite(r.scores[cue])]
        attacks = [r.scores[cue] for r in records if not r.genuine and math.isfinite(r.scores[cue])]
        if people and attacks:
            proposed[cue] = {
                "people_2_percent": float(np.quantile(people, _DEVELOP_BPCER)),
                "people_median": float(np.median(people)),
                "attacks_median": float(np.median(attacks)),
                "attacks_95_percent": float(np.quantile(attacks, 0.95)),
            }
    return proposed
