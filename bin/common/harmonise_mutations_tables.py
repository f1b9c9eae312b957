"""Tables of harmonise_mutations: what of each MAF counts, what does not, and the mutations themselves."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from common.maf_files import STANDARD, Maf, coded

STATUSES = (
    *("ok", "not_profiled", "not_somatic", "not_small_variant", "incomplete", "filtered", "duplicate"),
    *("other_sample_of_patient", "off_panel"),
)
TEXT = [
    *("cohort", "sample", "patient", "panel", "gene", "chrom", "position", "ref", "alt", "variant_type"),
    *("classification", "class", "protein_changing", "transcript", "numbering", "hgvs_c", "hgvs_p"),
    *("protein_position", "context", "vaf"),
]
MUTATIONS = dict.fromkeys(TEXT, pa.string())
MUTATIONS |= {"position": pa.int64(), "protein_position": pa.int64(), "vaf": pa.float64()}
SAMPLES = [
    *("cohort", "sample", "patient", "panel", "specimen", "normal", "counts", "mutations"),
    *("protein_changing", "status", "reason"),
]
MAFS = [
    *("cohort", "genome_build", "rows", "counted", "samples_profiled", "samples_counted", "samples_mutated"),
    *("patients", "unknown_classification", "remapped", "other_transcript", "transcript_unknown", "columns"),
    *("status", "reason"),
]
DROPPED = ["cohort", "status", "rows", "samples", "reason"]
SYMBOLS = ["cohort", "symbol", "gene_name", "rows"]
NAMED = 5  # samples that a reason names


class Verdicts(Protocol):
    """What becomes of rows: the number of each in STATUSES, and what is said of it."""

    status: np.ndarray
    detail: np.ndarray
    said: dict[str, int]


class Cohort(NamedTuple):
    """A cohort: its samples by name, its MAF, what becomes of the MAF's rows, and those that count."""

    name: str
    genome_build: str
    samples: pd.DataFrame
    maf: Maf | None
    verdicts: Verdicts | None
    kept: pa.Table | None


def count_values(column: pa.ChunkedArray) -> dict[str, int]:
    """Count each different value."""
    return {each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()}


def count_by_sample(samples: pd.DataFrame, cohorts: Sequence[Cohort]) -> pd.DataFrame:
    """Add to each profiled sample how many mutations count; unknown without a MAF."""
    counts = {"mutations": {}, "protein_changing": {}}
    for cohort in cohorts:
        if cohort.maf is not None:
            changing = cohort.kept.filter(pc.equal(cohort.kept["protein_changing"], "yes"))
            for column, table in (("mutations", cohort.kept), ("protein_changing", changing)):
                numbers = count_values(table["sample"])
                counts[column] |= {(cohort.name, name): numbers.get(name, 0) for name in cohort.samples.index}
    keys = list(zip(samples.cohort, samples["sample"], strict=True))
    numbers = {
        column: pd.array([found.get(key) for key in keys], dtype="Int64") for column, found in counts.items()
    }
    return samples.assign(**numbers)[SAMPLES]


def count_dropped(cohorts: Sequence[Cohort]) -> pd.DataFrame:
    """Count the rows that do not count, and their samples, by status and reason; the most frequent first."""
    found = []
    for cohort in cohorts:
        if cohort.maf is None:
            continue
        verdicts, names = cohort.verdicts, cohort.maf.fields["sample"]
        said = list(verdicts.said)
        lost = np.flatnonzero(verdicts.status)
        table = pd.DataFrame({"status": verdicts.status[lost], "detail": verdicts.detail[lost]})
        table["sample"] = names.take(lost).to_pandas()
        rows = []
        for (status, detail), own in table.groupby(["status", "detail"]):
            samples = [name for name in own["sample"].unique() if name]
            reason = said[detail]
            if STATUSES[status] == "not_profiled":
                more = ", …" if len(samples) > NAMED else ""
                reason = f"not in the list of samples: {', '.join(samples[:NAMED])}{more}"
            rows.append((status, -len(own), len(samples), reason))
        found += [(cohort.name, STATUSES[row[0]], -row[1], *row[2:]) for row in sorted(rows)]
    return pd.DataFrame(found, columns=DROPPED)


def count_symbols(cohorts: Sequence[Cohort], aliases: Mapping[str, str]) -> pd.DataFrame:
    """Count the rows, of those that count, whose symbol was replaced."""
    found = []
    for cohort in cohorts:
        if cohort.maf is not None:
            genes = coded(cohort.maf.fields["gene"].take(np.flatnonzero(cohort.verdicts.status == 0)))
            counts = np.bincount(genes.codes, minlength=len(genes.words))
            found += [
                (cohort.name, gene, aliases[gene], count)
                for gene, count in sorted(zip(genes.words, counts, strict=True))
                if gene in aliases
            ]
    return pd.DataFrame(found, columns=SYMBOLS)


def describe(cohorts: Sequence[Cohort]) -> pd.DataFrame:
    """Describe each cohort and its MAF."""
    rows = []
    for cohort in cohorts:
        maf, kept, samples = cohort.maf, cohort.kept, cohort.samples
        row = {"cohort": cohort.name, "genome_build": cohort.genome_build}
        row |= {"samples_profiled": len(samples), "patients": samples.patient.nunique()}
        if maf is None:
            rows.append(row | {"status": "no_maf", "reason": "a ready matrix, no MAF"})
            continue
        numbering = count_values(kept["numbering"])
        known = pc.is_in(kept["classification"], pa.array(STANDARD))
        row |= {
            "rows": len(maf),
            "counted": len(kept),
            "samples_counted": int((samples.counts == "yes").sum()),
            "samples_mutated": len(pc.unique(kept["sample"])),
            "unknown_classification": len(kept) - (pc.sum(known).as_py() or 0),
            "columns": "; ".join(f"{field}: {column}" for field, column in maf.columns.items()),
        }
        row |= {
            name: numbering.get(name, 0) for name in ("remapped", "other_transcript", "transcript_unknown")
        }
        lacks = {
            "filter": "no column FILTER: all rows pass",
            "classification": "no Variant_Classification: inferred from the change of the protein",
        }
        says = [words for field, words in lacks.items() if field not in maf.columns]
        status = "ok" if len(kept) else "no_mutation" if len(maf) else "empty_maf"
        says += {"ok": [], "no_mutation": ["no row counts"], "empty_maf": ["the MAF has no rows"]}[status]
        rows.append(row | {"status": status, "reason": "; ".join(says)})
    table = pd.DataFrame(rows).reindex(columns=MAFS)
    whole = MAFS[2:12]
    return table.astype(dict.fromkeys(whole, "Int64"))


def write_mutations(found: Sequence[pa.Table], path: Path) -> None:
    """Write tables one below the other, gzipped so that the same rows are the same bytes."""
    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file:
        file.write(("\t".join(MUTATIONS) + "\n").encode())
        for table in found:
            csv.write_csv(table, file, options)
