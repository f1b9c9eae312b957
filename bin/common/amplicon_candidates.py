"""The candidates of the amplicons: as count_amplicon_alleles wrote them, and where they lie."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.amplicon_piles import Stretch, core_of, run_at
from common.cli import InputError
from common.tables import read_table
from common.variant_sites import Variant, normal_form, vcf_fields

BASES = "ACGT"
CHANGES = ["a", "c", "g", "t", "deletions", "insertions"]
DELETION, INSERTION = 4, 5
VARIANT = ["chrom", "pos", "ref", "alt"]
SITES = {"sample": "str", "chrom": "str", "pos": "int64", "depth": "Int64"} | dict.fromkeys(CHANGES, "Int64")
NUMBERS = ["depth", "ref_count", "alt_count", "other_count"]
STRANDS = ["alt_forward", "alt_reverse", "rest_forward", "rest_reverse"]
MEANS = ["alt_base_quality", "alt_read_position", "rest_read_position"]
ALLELES = {
    **{"sample": "str", "chrom": "str", "pos": "int64", "ref": "str", "alt": "str", "amplicon": "str"},
    **dict.fromkeys(NUMBERS + STRANDS, "Int64"),
    **dict.fromkeys(MEANS, "float64"),
    **{"status": "str", "reason": "str"},
}

VARIANTS = [
    *("sample", "line", "condition", *VARIANT, "amplicons", *NUMBERS, "alt_forward", "alt_reverse"),
    *("amplicon_counts", "vaf", "vaf_low", "vaf_high", "error_rate", "error_source", "p_value", "q_value"),
    *("alt_base_quality", "alt_read_position", "strand_bias_p", "homopolymer", "primer_site"),
    *("detection_limit", "status", "reason"),
]
LIMITS = [
    *("sample", "line", "condition", "amplicon", "chrom", "insert_start", "insert_end", "median_depth"),
    *("sites", "sites_assessed", "median_detection_limit", "worst_detection_limit", "status", "reason"),
]


class Candidate(NamedTuple):
    """What may be a variant, and where it lies; `first_site` is of its stretch."""

    variant: Variant
    stretch: Stretch
    first_site: int


def candidates_of(alleles: pd.DataFrame, stretches: Sequence[Stretch]) -> list[Candidate]:
    """Find the stretch of each candidate, in the order of the genome."""
    found = []
    firsts = np.cumsum([0, *(len(stretch.places) for stretch in stretches)])
    for chrom, pos, ref, alt in alleles[VARIANT].drop_duplicates().itertuples(index=False):
        away = [
            max(stretch.places[0] - pos, pos - stretch.places[-1], 0)
            if stretch.sequence.contig == chrom
            else np.inf
            for stretch in stretches
        ]
        nearest = int(np.argmin(away))
        variant = normal_form(pos - 1, ref, alt, stretches[nearest].sequence)
        order = (nearest, pos, ref, alt)
        found.append((order, Candidate(variant, stretches[nearest], int(firsts[nearest]))))
    return [each for _, each in sorted(found, key=itemgetter(0))]


def counts_of(
    alleles: pd.DataFrame, candidates: Sequence[Candidate], samples: pd.DataFrame
) -> list[list[list[tuple]]]:
    """Return the rows of each candidate in each sample: one an amplicon; what was not counted is 0."""
    of: dict[tuple, list[tuple]] = {}
    counts = dict.fromkeys([*NUMBERS, *STRANDS], 0)
    for row in alleles.fillna(counts).astype(dict.fromkeys(counts, "int64")).itertuples():
        of.setdefault((row.sample, row.chrom, row.pos, row.ref, row.alt), []).append(row)
    names = [vcf_fields(candidate.variant, candidate.stretch.sequence) for candidate in candidates]
    return [[of[sample, *name] for sample in samples["sample"]] for name in names]


def mean_of(pairs: Iterable[tuple[float, int]]) -> float:
    """Return a mean of means, of so many each; missing without any."""
    some = [(value, number) for value, number in pairs if number]
    return sum(value * number for value, number in some) / sum(n for _, n in some) if some else np.nan


def read_sites(path: Path, samples: Sequence[str], sites: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read fragments (samples x sites), errors (samples x sites x changes), and which samples are aligned."""
    table = read_table(path, SITES)
    if list(table["sample"]) != [sample for sample in samples for _ in range(sites)]:
        raise InputError(f"{path.name}: expected {sites:,} rows for each of {len(samples)} samples in order")
    counts = table[["depth", *CHANGES]].fillna(0).to_numpy(np.int64).reshape(len(samples), sites, -1)
    aligned = table.depth.notna().to_numpy().reshape(len(samples), sites).any(axis=1)
    return counts[:, :, 0], counts[:, :, 1:], aligned


def changes_of(candidate: Candidate) -> tuple[np.ndarray, np.ndarray]:
    """Return sites and changes of a candidate: its substitutions, or its one insertion or deletion."""
    (_, start, ref, alt), stretch, first_site = candidate
    if len(ref) != len(alt):
        kind = DELETION if len(ref) > len(alt) else INSERTION
        return np.array([first_site + stretch.column_of(start)]), np.array([kind])
    at = [place for place in range(len(ref)) if ref[place] != alt[place]]
    sites = [first_site + stretch.column_of(start + place) for place in at]
    return np.array(sites), np.array([BASES.index(alt[place]) for place in at])


def described(candidate: Candidate) -> dict[str, object]:
    """Say of a candidate what is the same in all samples."""
    variant, stretch, _ = candidate
    low, high = core_of(variant, stretch.sequence)
    places = range(low if variant.ref else max(low - 1, stretch.sequence.start), max(high, low + 1))
    inside = [each.name for each in stretch.amplicons if each.holds(variant, stretch.sequence)]
    return dict(zip(VARIANT, vcf_fields(variant, stretch.sequence), strict=True)) | {
        "amplicons": ";".join(inside),
        "homopolymer": max(run_at(place, stretch.sequence) for place in places),
        "primer_site": "yes" if primers_at(candidate) else "no",
    }


def primers_at(candidate: Candidate) -> list[str]:
    """Return the amplicons under whose primers a candidate can lie."""
    variant, stretch, _ = candidate
    return [each.name for each in stretch.amplicons if each.meets_primer(variant, stretch.sequence)]


def by_amplicon(
    samples: pd.DataFrame,
    stretches: Sequence[Stretch],
    trials: np.ndarray,
    limits: np.ndarray,
    aligned: np.ndarray,
    min_depth: int,
) -> pd.DataFrame:
    """Describe depths and detection limits (samples x sites; missing: too few fragments) by amplicon."""
    rows, first = [], 0
    for stretch in stretches:
        for each in stretch.amplicons:
            span = slice(first + each.site, first + each.site + each.end - each.start)
            for number, sample in enumerate(samples.itertuples()):
                row = {
                    "sample": sample.sample, "line": sample.line, "condition": sample.condition,
                    "amplicon": each.name, "chrom": stretch.sequence.contig, "insert_start": each.start,
                    "insert_end": each.end, "sites": each.end - each.start, "order": number,
                }  # fmt: skip
                if not aligned[number]:
                    rows.append(row | {"status": "no_alignment", "reason": "no alignment of the sample"})
                    continue
                known = limits[number, span][np.isfinite(limits[number, span])]
                row |= {"median_depth": np.median(trials[number, span]), "sites_assessed": len(known)}
                if len(known):
                    row |= {"median_detection_limit": np.median(known), "worst_detection_limit": known.max()}
                thin = f"{len(known)} of {row['sites']} sites have {min_depth} fragments or more"
                whole = len(known) == row["sites"]
                rows.append(row | {"status": "ok" if whole else "low_depth", "reason": "" if whole else thin})
        first += len(stretch.places)
    table = pd.DataFrame(rows).sort_values("order", kind="stable").reindex(columns=LIMITS)
    return table.astype({"sites_assessed": "Int64"})
