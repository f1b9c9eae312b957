"""What mutational_signatures reads, and the columns that it writes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.cli import InputError
from common.cosmic import packaged
from common.signature_tables import CONTEXTS, read_profiles
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

TRIMERS = [f"{before}{base}{after}" for before in "ACGT" for base in "CT" for after in "ACGT"]
# How often each is in the chromosomes 1 to 22, X and Y, in thousands, as SigProfilerMatrixGenerator 1.4.0
# counted (Bergstrom et al. 2019, doi:10.1186/s12864-019-6041-2).
TRINUCLEOTIDES = {
    "GRCh37": (
        "115312 66474 14355 91989 117891 76326 105004 142559 105434 75139 15767 "
        "101513 73734 96214 115826 114095 82331 68006 13594 79925 64866 53994 "
        "85913 83358 111989 88233 12609 126441 118949 112739 108323 219756"
    ),
    "GRCh38": (
        "118871 67491 15196 94805 120431 78557 107320 145783 107506 76082 16221 "
        "103482 75564 98914 118702 117687 84556 68884 14072 81667 66093 55138 "
        "88476 86656 115460 90833 13201 130913 120433 117798 111895 226169"
    ),
}


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


class Source(NamedTuple):
    """Which signatures are fitted, and where they come from."""

    matrix: Path | None  # None: COSMIC's, as packaged
    names: list[str]
    opportunities: str  # exome, genome or panel
    of_panels: Callable[..., tuple[pd.DataFrame, str]]  # turns those of the genome into those of panels


def names_of(text: str) -> list[str]:
    """Split names at commas, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def read_counts(path: Path) -> pd.DataFrame:
    """Read a cohort's matrix, contexts in the order of CONTEXTS x samples; no column if there is none."""
    if not path.is_file():
        return pd.DataFrame(index=CONTEXTS, dtype=float)
    table = read_table(path, {"MutationType": "str"}, further=True)
    return table.set_index("MutationType").reindex(CONTEXTS).fillna("0").astype(float)


def read_signatures(source: Source, genome_build: str) -> pd.DataFrame:
    """Read the signatures of a genome build, 96 x signatures; an InputError if they cannot be told apart."""
    path = source.matrix or packaged(genome_build, source.opportunities == "exome")
    profiles = read_profiles(path, source.names)
    if np.linalg.matrix_rank(profiles.to_numpy()) < len(source.names):
        raise InputError(
            f"{path.name}: one of {', '.join(source.names)} is a mixture of others; leave it out"
        )
    return profiles


def read_cohorts(
    cohorts: Path, matrices: Path, samples: Path, opportunities: Path, source: Source
) -> tuple[list[Cohort], pd.DataFrame]:
    """Read the cohorts' mutations, with signatures for each; and the samples that have no column."""
    chances = read_table(opportunities, OPPORTUNITIES).fillna({"panel": ""})
    listed = read_table(samples, SAMPLES, further=True)
    found, absent = [], []
    for row in read_table(cohorts, COHORTS).itertuples():
        counts = read_counts(matrices / f"{row.cohort}.SBS96.tsv")
        own, reason = listed[listed.cohort == row.cohort], ""
        has = own["sample"].isin(counts.columns)
        absent.append(own.loc[~has, list(SAMPLES)])
        profiles = read_signatures(source, row.genome_build)
        if source.opportunities == "panel":
            known = chances[chances.cohort == row.cohort]
            if "panel" in listed:
                weights, said = own.panel[has].fillna("").value_counts(sort=False), ""
            else:
                weights, said = pd.Series(1, known.panel.drop_duplicates()), "panels have equal weights"
            profiles, reason = source.of_panels(profiles, row.genome_build, known, weights)
            reason = reason or (said if len(weights) > 1 else "")
        usable = profiles.shape[1] > 0
        profiles = profiles.reindex(columns=source.names)
        found.append(Cohort(row.cohort, list(counts), counts.T.to_numpy(), profiles, usable, reason))
    return found, pd.concat(absent)


def verdicts(share: np.ndarray, mutations: np.ndarray, cohort: Cohort, least: int) -> pd.DataFrame:
    """Return status and reason of each fit (shares NaN where there is none)."""
    few = [f"{number:,.0f} mutations; {least} are needed" for number in mutations]
    none = "each signature has a context that is missing here"
    unlike = (mutations >= least) & np.isnan(share).any(axis=1)
    status = np.where(unlike, "no_fit", np.where(np.isnan(share).any(axis=1), "too_few_mutations", "ok"))
    reason = np.select([unlike, status == "too_few_mutations"], [none, few], cohort.reason)
    if not cohort.known:
        status, reason = np.full(len(share), "no_opportunities"), np.full(len(share), cohort.reason)
    return pd.DataFrame({"status": status, "reason": reason})


def exposure_rows(
    about: Mapping[str, object],
    names: Sequence[str],
    mutations: np.ndarray,
    values: Mapping[str, np.ndarray],
    verdict: pd.DataFrame,
) -> pd.DataFrame:
    """Make the rows of exposures.tsv: a row a sample and signature; values are samples x signatures."""
    rows = np.repeat(np.arange(len(verdict)), len(names))
    table = pd.DataFrame(about).iloc[rows].assign(signature=np.tile(names, len(verdict)))
    table = table.assign(exposure=(values["share"] * mutations[:, None]).ravel())
    return table.assign(**{name: each.ravel() for name, each in values.items()}).join(verdict)
