"""Report sections of amplicon_variants: they show tables as given and compute nothing that decides."""

from pathlib import Path

import numpy as np
import pandas as pd

from common.amplicon_candidates import VARIANT
from common.multiqc import write_section
from common.variant_comparison_words import percent

DOIS = ["10.1038/ncomms1814", "10.1093/bioinformatics/btt750", "10.1080/01621459.1973.10481332"]
DOIS += ["10.1111/j.2517-6161.1995.tb02031.x", "10.1080/01621459.1927.10502953"]
# As common.figures has them: importing it would take longer than all else here.
LOOK = {"ok": "#009E73", "strand_bias": "#E69F00", "read_end": "#CC79A7", "primer_site": "#56B4E9"}
LOOK |= {"below_detection": "#6B6B6B"}
SHOWN = 3000  # points
MATRIX = 60  # samples and amplicons of the heatmap
LINKS = ["variants.tsv", "variants.vcf.gz", "detection_limits.tsv", "error_rates.tsv"]


def number_of(count: int, word: str) -> str:
    """Write `1 variant`, `2 variants`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def write_sections(
    variants: pd.DataFrame,
    limits: pd.DataFrame,
    rates: pd.DataFrame,
    tests: int,
    min_vaf: float,
    folder: Path,
) -> None:
    """Write what was found, what could have been found, and the errors."""
    write_found(variants, limits, rates, tests, folder)
    if (variants.status.isin(LOOK) & (variants.alt_count > 0)).any():
        write_shares(variants, min_vaf, folder)
    if rates.errors.sum():
        write_errors(rates, folder)


def says_found(variants: pd.DataFrame) -> str:
    """Say how many variants there are, and how many candidates are none."""
    found = variants[variants.status == "ok"]
    candidates = len(variants.drop_duplicates(VARIANT))
    if found.empty:
        beside = f", of {number_of(candidates, 'candidate')}" if candidates else " and no candidate"
        return f"No variant in any sample{beside}."
    called, samples = len(found.drop_duplicates(VARIANT)), found["sample"].nunique()
    single = (found.ref.str.len() == 1) & (found.alt.str.len() == 1)
    kinds = f"{len(found[single].drop_duplicates(VARIANT))} of one base"
    return (
        f"{number_of(called, 'variant')} ({kinds}) in {number_of(samples, 'sample')}, of "
        f"{number_of(candidates, 'candidate')}; VAF {percent(found.vaf.min())} to {percent(found.vaf.max())}."
    )


def says_limits(limits: pd.DataFrame) -> str:
    """Say what could have been found."""
    known = limits[limits.median_detection_limit.notna()]
    if known.empty:
        return "In no amplicon of any sample there were fragments enough to find one."
    worst = known.loc[known.worst_detection_limit.idxmax()]
    usual = percent(known.median_detection_limit.median())
    words = (
        f"A changed base would have been found from a VAF of {usual} on (median), and "
        f"{percent(worst.worst_detection_limit)} at the worst site ({worst.amplicon} in {worst['sample']})."
    )
    thin = (limits.status != "ok").sum()
    return words + (f" {thin} of {len(limits)} inserts are not or not wholly covered." if thin else "")


def says_errors(rates: pd.DataFrame) -> str:
    """Say how often bases are wrong."""
    single = rates[rates.kind.str.contains(">")]
    if not single.fragments.sum():
        return ""
    rate = single.errors.sum() / single.fragments.sum()
    words = f" Errors: {rate:.2g} per fragment and substitution"
    seen = single[single.sites > 0]
    often = seen.loc[seen.error_rate.idxmax()] if single.errors.sum() else None
    return words + (f", {often.error_rate:.2g} at {often.change}." if often is not None else ".")


def write_found(
    variants: pd.DataFrame, limits: pd.DataFrame, rates: pd.DataFrame, tests: int, folder: Path
) -> None:
    """Write the sentence, and the detection limits of samples and amplicons."""
    samples = list(dict.fromkeys(limits["sample"]))
    amplicons = list(dict.fromkeys(limits.amplicon))
    table = limits.pivot_table(
        index="sample", columns="amplicon", values="median_detection_limit", sort=False, dropna=False
    ).reindex(index=samples[:MATRIX], columns=amplicons[:MATRIX])
    data = [[None if np.isnan(value) else round(100 * value, 2) for value in row] for row in table.to_numpy()]
    more = len(samples) > MATRIX or len(amplicons) > MATRIX
    shown = f" The first {MATRIX} samples and amplicons are shown." if more else ""
    write_section(
        folder / "amplicon_variants_mqc.json",
        "Variants in amplicons",
        f"{says_found(variants)} {says_limits(limits)}{says_errors(rates)} Judged over {tests:,} tests of "
        f"a site, change and sample. The map shows the smallest VAF that would have been found in 95 % of "
        f"samplings, by sample and amplicon; what is empty has too few fragments.{shown}",
        "heatmap",
        data,
        settings={
            "xcats": amplicons[:MATRIX], "ycats": samples[:MATRIX], "xcats_samples": False,
            "cluster_rows": False, "cluster_cols": False, "zlab": "detection limit (VAF, %)", "min": 0,
            "xlab": "amplicon", "ylab": "sample",
        },
        statuses=variants.status,
        links=LINKS,
        dois=DOIS,
    )  # fmt: skip


def write_shares(variants: pd.DataFrame, min_vaf: float, folder: Path) -> None:
    """Write the VAF of what is there, or nearly, in each sample."""
    samples = list(dict.fromkeys(variants["sample"]))
    place = {sample: number for number, sample in enumerate(samples)}
    seen = variants[variants.status.isin(LOOK) & (variants.alt_count > 0)]
    order = {status: number for number, status in enumerate(LOOK)}
    seen = seen.sort_values("status", key=lambda column: column.map(order), kind="stable").head(SHOWN)
    data: dict[str, list] = {}
    for row in seen.itertuples():
        point = {
            "x": place[row.sample],
            "y": round(row.vaf, 4),
            "color": LOOK[row.status],
            "group": row.status,
        }
        data.setdefault(f"{row.chrom}:{row.pos} {shown(row.ref)}>{shown(row.alt)}", []).append(
            point | {"name": f"{row.sample}: {row.chrom}:{row.pos} {shown(row.ref)}>{shown(row.alt)}"}
        )
    write_section(
        folder / "amplicon_variants_vaf_mqc.json",
        "Variant allele fractions",
        f"Share of the fragments that show each variant, by sample: called (ok), flagged, and above what "
        f"errors give but not called (below_detection). The line is --min_vaf, {percent(min_vaf)}.",
        "scatter",
        data,
        settings={
            "xlab": "sample", "ylab": "VAF", "ymin": 0, "ymax": 1,
            "categories": samples,
            "y_lines": [{"value": min_vaf, "color": LOOK["below_detection"], "dash": "dash"}],
        },
        statuses=seen.status,
        links=LINKS[:2],
    )  # fmt: skip


def shown(bases: str, longest: int = 12) -> str:
    """Cut the middle out of many bases."""
    return bases if len(bases) <= longest else f"{bases[:4]}..{len(bases)}..{bases[-4:]}"


def write_errors(rates: pd.DataFrame, folder: Path) -> None:
    """Write the error rate of each class."""
    seen = rates[rates.sites > 0]
    data = {row.change: {row.kind: float(f"{1e6 * row.error_rate:.4g}")} for row in seen.itertuples()}
    write_section(
        folder / "amplicon_variants_errors_mqc.json",
        "Errors of the sequencing",
        f"How often a fragment shows another base than its line has, per million, by trinucleotide change "
        f"(on either strand); of deletions and insertions by the length of the homopolymer. "
        f"{seen.errors.sum():,} errors at {seen.sites.sum():,} sites and changes. These rates are what a "
        f"variant must exceed where fewer than three other samples tell those of its site.",
        "bargraph",
        data,
        settings={
            "ylab": "errors per million fragments", "cpswitch": False,
            "tt_decimals": 1, "sort_samples": False, "use_legend": True,
        },
        statuses=rates.status,
        links=["error_rates.tsv"],
        dois=DOIS[:3],
    )  # fmt: skip
