"""Read what mutation_matrix counts, and lay out what it counted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.cli import InputError
from common.cohort_tables import read_profiled
from common.mutation_tables import BESIDE, TEXTS, read_mutations, read_spectra
from common.tables import only_file, read_only, read_table, write_table

COHORTS = {"cohort": "str", "genome_build": "str", "maf": "Int64", "sbs96": "Int64"}
HARMONISED = dict.fromkeys(["cohort", "sample", "counts", "status", "reason"], "str")
PANELS = dict.fromkeys(["panel", "gene", "chrom"], "str") | {"start": "Int64", "end": "Int64"}
TALLIES = ["snvs", "counted", "doublets", "rejected", "outside_panel_genes"]
SAMPLE = ["cohort", "sample", "panel", "source", *TALLIES, "status", "reason"]
SIMILARITY = [
    *("cohort_1", "cohort_2", "what", "mutations_1", "mutations_2", "cosine", "cosine_corrected"),
    *("cosine_low", "cosine_high", "resampled", "status", "reason"),
]
OPPORTUNITY = ["cohort", "panel", "trinucleotide", "count", "status", "reason"]


class Study(NamedTuple):
    """What is counted."""

    cohorts: pd.DataFrame
    samples: pd.DataFrame  # cohort, sample, panel, counts, and status and reason of those that do not count
    panels: pd.DataFrame
    ready: dict[str, pd.DataFrame]  # ready matrices by cohort: contexts x samples
    mutations: pd.DataFrame  # as read_mutations has them
    genes: list[str] | None  # that are counted; None: all

    @property
    def owners(self) -> pd.DataFrame:
        """Return the samples that count."""
        return self.samples[self.samples.counts].reset_index(drop=True)

    def with_maf(self) -> list[str]:
        """Name the cohorts that have a MAF."""
        return list(self.cohorts.cohort[self.cohorts.maf.notna()])

    def regions(self) -> dict[str, str]:
        """Say of each cohort what its mutations are of."""
        found = {}
        for cohort in self.cohorts.cohort:
            panels = sorted(set(self.samples["panel"][self.samples.cohort == cohort].replace("", "exome")))
            words = ", ".join(panels) if self.genes is None else f"{len(self.genes)} panel genes"
            found[cohort] = "a ready matrix" if cohort in self.ready else words
        return found


def read_study(
    cohorts: Path, profiled: Path, mutations: Path, panels: Path, matrices: Path, genes: list[str] | None
) -> Study:
    """Read the sheets, the folder of harmonised mutations (may be empty), and the ready matrices."""
    study, profiles = read_table(cohorts, COHORTS), read_profiled(profiled)
    called, listed, samples = mutations / "mutations.tsv.gz", mutations / "samples.tsv", profiles
    if listed.is_file():
        samples = samples.merge(read_table(listed, HARMONISED), how="left", on=["cohort", "sample"])
    samples = samples.reindex(columns=["cohort", "sample", "panel", "counts", "status", "reason"]).fillna("")
    return Study(
        study,
        samples.assign(counts=samples.counts != "no"),
        read_only(panels, PANELS),
        read_ready(study, profiles, matrices),
        read_mutations(called) if called.is_file() else no_mutations(),
        genes,
    )


def read_ready(cohorts: pd.DataFrame, samples: pd.DataFrame, folder: Path) -> dict[str, pd.DataFrame]:
    """Read the ready matrices by cohort, samples called as in `samples`; number n is in folder n."""
    found = {}
    for cohort in cohorts[cohorts.sbs96.notna()].itertuples():
        path = only_file(folder / str(cohort.sbs96))
        if path is None:
            raise InputError(f"{cohort.cohort}: no ready matrix in {folder.name}/{cohort.sbs96}")
        own = samples[samples.cohort == cohort.cohort]
        called = dict(zip(own.barcode, own["sample"], strict=True))
        found[cohort.cohort] = read_spectra(path).rename(columns=called)
    return found


def no_mutations() -> pd.DataFrame:
    """Return the table of read_mutations without rows."""
    empty = pd.Series(dtype="str").astype("category")
    table = pd.DataFrame(dict.fromkeys(TEXTS, empty) | {"position": pd.Series(dtype="int64")})
    return table.assign(**dict.fromkeys(BESIDE, pd.Series(dtype="uint8")))


def matrices_of(
    study: Study, counts: np.ndarray, classes: Sequence[str], cohorts: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Return a matrix (classes x samples) of each cohort, from the counts of `study.owners` (x classes)."""
    owners, found = study.owners, {}
    for cohort in cohorts:
        own = (owners.cohort == cohort).to_numpy()
        found[cohort] = pd.DataFrame(counts[own].T, list(classes), list(owners["sample"][own]))
    return found


def ready_matrices(study: Study) -> dict[str, pd.DataFrame]:
    """Return the ready matrices of the samples that count."""
    owners = study.owners
    return {
        name: matrix[[each for each in owners["sample"][owners.cohort == name] if each in matrix]]
        for name, matrix in study.ready.items()
    }


def write_matrices(
    matrices: Mapping[str, pd.DataFrame], classes: Sequence[str], kind: str, folder: Path, pooled: str
) -> None:
    """Write <cohort>.<kind>.tsv of each cohort with samples, and their sums in <pooled>.<kind>.tsv."""
    sums = {cohort: matrix.sum(axis=1) for cohort, matrix in matrices.items()}
    tables = matrices if pooled == "pooled" else {}
    for name, matrix in {**tables, pooled: pd.DataFrame(sums, index=list(classes))}.items():
        table = matrix.rename_axis("MutationType").reset_index()
        write_table(table, folder / f"{name}.{kind}.tsv")


def sample_rows(
    study: Study, tallies: pd.DataFrame, spectra: Mapping[str, pd.DataFrame], sources: Mapping[str, str]
) -> pd.DataFrame:
    """Make the rows of samples.tsv: what counts of each profiled sample, and why not.

    `tallies` has a row for each of `study.owners`, `sources` the origin of contexts by cohort.
    """
    keys = ["cohort", "sample"]
    table = study.samples.merge(pd.concat([study.owners[keys], tallies], axis=1), how="left", on=keys)
    table["source"] = table.cohort.map(sources)
    found = {(name, sample): total for name, each in spectra.items() for sample, total in each.sum().items()}
    table["counted"] = [found.get(key, np.nan) for key in table[keys].itertuples(index=False, name=None)]
    given = table.source == "ready_matrix"
    table["snvs"] = table.snvs.mask(given, table.counted)
    table.loc[given, ["rejected", "outside_panel_genes"]] = np.nan
    table.loc[~table.cohort.isin(study.with_maf()), "doublets"] = np.nan
    verdicts = [verdict(row, study.genes is not None) for row in table.itertuples()]
    table["status"], table["reason"] = zip(*verdicts, strict=True) if verdicts else ([], [])
    known = set(table[keys].itertuples(index=False, name=None))
    further = [
        {"cohort": name, "sample": sample, "source": "ready_matrix", "status": "not_profiled"}
        | {"reason": "a column of the ready matrix, and not among the profiled samples"}
        for name, matrix in study.ready.items()
        for sample in matrix
        if (name, sample) not in known
    ]
    table = pd.concat([table, pd.DataFrame(further)], ignore_index=True) if further else table
    return table[SAMPLE].astype(dict.fromkeys(TALLIES, "Int64"))


def verdict(row: tuple, restricted: bool) -> tuple[str, str]:
    """Return status and reason of a sample."""
    if not row.counts:
        return row.status, row.reason
    if row.source == "ready_matrix":
        if np.isnan(row.counted):
            return "not_in_matrix", "the ready matrix has no such column"
        if restricted:
            return (
                "not_restricted",
                "a ready matrix has no genes: it holds those outside of the panel genes, too",
            )
    elif row.source == "none" and row.snvs:
        return "no_context", "needs --fasta, or a MAF with a context column"
    if not row.snvs:
        return "no_mutations", f"{row.rejected:.0f} rejected" if row.rejected > 0 else ""
    if not row.counted:
        return "none_counted", f"{row.rejected:.0f} rejected, the others in doublets"
    return "ok", ""
