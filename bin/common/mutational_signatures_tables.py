"""What mutational_signatures reads, and the columns that it writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.signature_tables import CONTEXTS
from common.tables import read_table

COHORTS = dict.fromkeys(["cohort", "genome_build"], "str")
SAMPLES = dict.fromkeys(["cohort", "sample", "status", "reason"], "str")
OPPORTUNITIES = dict.fromkeys(["cohort", "panel", "trinucleotide", "reason"], "str") | {"count": "float64"}
DETECTION = [
    *(
        "cohort",
        "signatures",
        "samples",
        "mutations",
        "dispersion",
        "share",
        "ci_low",
        "ci_high",
        "null_share",
    ),
    *("p_value", "verdict", "detection_limit", "counting_limit", "power", "status", "reason"),
]
COMPARISON = [
    *("cohort_1", "cohort_2", "signature", "share_1", "share_2", "difference", "ci_low", "ci_high"),
    *("statistic", "p_value", "q_value", "family", "status", "reason"),
]


class Settings(NamedTuple):
    """What the user asks for."""

    therapy: list[str]
    bootstraps: int
    min_mutations: int
    seed: int
    confidence: float


class Cohort(NamedTuple):
    """A cohort's mutations (samples x 96; all that count) and the signatures as they would show in it."""

    name: str
    samples: list[str]
    counts: np.ndarray
    profiles: pd.DataFrame  # 96 x signatures
    known: bool  # whether these are
    reason: str  # why not, or what of the panels was left out


def names_of(text: str) -> list[str]:
    """Split names at commas, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def read_counts(path: Path) -> pd.DataFrame:
    """Read a cohort's matrix, contexts in the order of CONTEXTS x samples; no column if there is none."""
    if not path.is_file():
        return pd.DataFrame(index=CONTEXTS, dtype=float)
    table = read_table(path, {"MutationType": "str"}, further=True)
    return table.set_index("MutationType").reindex(CONTEXTS).fillna("0").astype(float)


def listed_samples(path: Path, cohort: str, fitted: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a cohort's rows of samples.tsv: those of samples with a column in the matrix, and the others."""
    table = read_table(path, SAMPLES, further=True)
    own = table[table.cohort == cohort]
    has = own["sample"].isin(fitted)
    return own[has], own.loc[~has, list(SAMPLES)]
