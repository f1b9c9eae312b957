#!/usr/bin/env python3
"""Choose the expressed genes and make samples comparable: TMM factors and log2 counts per million.

Filter     filterByExpr of edgeR 3.40, with the groups line x condition: a gene is expressed if it has
           at least k counts per million (k is 10 reads in a library of median size) in as many samples as
           the smallest group has (above 10 samples: 10 and 70 % of the rest), and 15 reads in all samples.
Model      Most genes do not differ: log2 ratios of a sample's to the reference sample's share of reads
           scatter around the difference in composition. It is their mean over genes, weighted by inverse
           asymptotic variance, without the 30 % lowest and highest ratios and the 5 % lowest and highest
           mean expressions (TMM). The reference sample is the one whose upper quartile is nearest to the
           mean of all. Factors multiply to 1; libraries are counted over expressed genes only.
Estimate   log2((reads + prior) / (effective_library_size + 2 prior) * 1e6), where the prior is 2 reads in a
           library of mean size, and in proportion to its effective size in any other.
Assumes    Most expressed genes unchanged between samples, or as many up as down. A sample that shares no
           gene with the reference has no ratio and gets the factor of no difference; a library without
           reads in expressed genes has no values.
Why here   Of the Python implementations, inmoose 0.9.1 has neither filter nor TMM nor log-CPM, and rnanorm
           2.2.0 has equal factors (relative difference below 1e-6) but no filter and no prior count, and no
           factor for any sample once one shares no gene. This agrees with edgeR to 1e-10.
Reference  Robinson and Oshlack 2010, Genome Biol 11:R25, doi:10.1186/gb-2010-11-3-r25;
           Chen et al. 2016, F1000Research 5:1438, doi:10.12688/f1000research.8987.2
"""

from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import INPUT, RESULTS, Script
from common.figures import PALE, QUIET, ROLES, new_figure, save_figure, shortened, styled
from common.multiqc import rows_of, write_section, write_versions
from common.tables import SAMPLES, read_matrix, read_table, write_table
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

MIN_COUNT, MIN_TOTAL_COUNT = 10, 15  # reads
LARGE_GROUP, MIN_PROPORTION = 10, 0.7
RATIO_TRIM, EXPRESSION_TRIM = 0.3, 0.05
PRIOR_COUNT = 2
LOW_LIBRARY = 0.1  # of the median library: a gene at the filter's threshold has one read there, not ten
EXTREME_FACTOR = 2.0  # "most genes do not differ" is then in doubt
QUANTILES = {"log_cpm_5": 5, "log_cpm_25": 25, "log_cpm_50": 50, "log_cpm_75": 75, "log_cpm_95": 95}
BINS = 40
SHOWN = ["line", "condition", "status", "library_size", "norm_factor", "genes_detected", "reason"]
DOIS = ["10.1186/gb-2010-11-3-r25", "10.12688/f1000research.8987.2"]


class Filter(NamedTuple):
    """What filterByExpr asks of a gene."""

    min_cpm: float
    min_samples: float


class Factors(NamedTuple):
    """TMM factors, one a sample (missing for an empty library), and how they came about."""

    factors: np.ndarray
    compared: np.ndarray  # genes left after trimming, one number a sample
    reference: int


def expression_filter(counts: np.ndarray, groups: np.ndarray) -> Filter:
    """Find the thresholds of filterByExpr for counts (genes x samples) and the group of each sample."""
    smallest = np.unique(groups, return_counts=True)[1].min()
    relaxed = LARGE_GROUP + (smallest - LARGE_GROUP) * MIN_PROPORTION
    median = np.median(counts.sum(axis=0))
    return Filter(
        min_cpm=MIN_COUNT / median * 1e6 if median else np.inf,
        min_samples=relaxed if smallest > LARGE_GROUP else smallest,
    )


def is_expressed(counts: np.ndarray, thresholds: Filter) -> np.ndarray:
    """Say of each gene (counts: genes x samples) whether it passes the filter: booleans."""
    libraries = counts.sum(axis=0)
    # In this order: at the threshold rounding decides, and so it does as in edgeR.
    cpm = counts * (1e6 / np.where(libraries > 0, libraries, np.inf))
    enough = (cpm >= thresholds.min_cpm).sum(axis=1) >= thresholds.min_samples - 1e-14
    return enough & (counts.sum(axis=1) >= MIN_TOTAL_COUNT)


def reference_sample(counts: np.ndarray) -> int:
    """Find the sample whose upper quartile of counts per read is nearest to the mean of all; ties: the first.

    Where most upper quartiles are 0, it is the sample with the largest sum of square roots.
    """
    quartiles = np.quantile(counts, 0.75, axis=0) / counts.sum(axis=0)
    if np.median(quartiles) < 1e-20:
        return int(np.sqrt(counts).sum(axis=0).argmax())
    return int(np.abs(quartiles - quartiles.mean()).argmin())


def tmm_factors(counts: np.ndarray) -> Factors:
    """Estimate the TMM factors of counts (genes x samples, no gene 0 in all samples): their product is 1."""
    libraries = counts.sum(axis=0)
    used = libraries > 0
    factors = np.full(len(libraries), np.nan)
    compared = np.zeros(len(libraries), dtype=int)
    if not used.any():
        return Factors(factors, compared, reference=0)

    counts, libraries = counts[:, used], libraries[used]
    reference = reference_sample(counts)
    shares = counts / libraries
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log2(shares / shares[:, [reference]])
        expression = (np.log2(shares) + np.log2(shares[:, [reference]])) / 2
        variance = (1 - shares) / counts
        weight = 1 / (variance + variance[:, [reference]])
    shared = np.isfinite(ratio) & np.isfinite(expression)
    ratio[~shared] = expression[~shared] = np.nan
    kept = within(ratio, RATIO_TRIM) & within(expression, EXPRESSION_TRIM)

    # Two libraries of the same single gene have no variance, so infinite weight; their ratio is 0.
    weight[~kept | np.isinf(weight)] = ratio[~kept] = 0
    total = weight.sum(axis=0)
    log_factors = np.zeros(len(libraries))
    np.divide((weight * ratio).sum(axis=0), total, out=log_factors, where=total > 0)
    factors[used] = 2 ** (log_factors - log_factors.mean())
    compared[used] = kept.sum(axis=0)
    return Factors(factors, compared, int(np.flatnonzero(used)[reference]))


def within(values: np.ndarray, trim: float) -> np.ndarray:
    """Say which values (genes x samples) are not among the share `trim` of lowest or highest of their sample.

    Missing values are not counted, and equal values share their mean rank.
    """
    ranks = pd.DataFrame(values).rank().to_numpy()
    number = np.isfinite(values).sum(axis=0)
    lowest = np.floor(number * trim) + 1
    return (ranks >= lowest) & (ranks <= number + 1 - lowest)


def log2_cpm(counts: np.ndarray, effective_libraries: np.ndarray) -> np.ndarray:
    """Turn counts (genes x samples) into log2 counts per million; missing where the library is."""
    mean = np.nanmean(effective_libraries) if np.isfinite(effective_libraries).any() else np.nan
    prior = PRIOR_COUNT * effective_libraries / mean
    return np.log2((counts + prior) / (effective_libraries + 2 * prior) * 1e6)


def judge(sample: pd.Series, median: float, reference: str) -> tuple[str, str]:
    """Say how far a sample's values can be trusted: status and reason."""
    if not sample.expressed_library_size:
        return "empty_library", f"0 of {sample.library_size:,.0f} reads in expressed genes"
    if not sample.genes_compared:
        return "not_comparable", f"0 genes to compare with {reference}: factor of no difference"
    if sample.library_size < LOW_LIBRARY * median:
        share = sample.library_size / median
        return "low_library", f"{sample.library_size:,.0f} reads, {share:.1%} of the median library"
    if not 1 / EXTREME_FACTOR <= sample.norm_factor <= EXTREME_FACTOR:
        return (
            "extreme_factor",
            f"factor {sample.norm_factor:.3g}, outside 1/{EXTREME_FACTOR:g} to {EXTREME_FACTOR:g}",
        )
    return "ok", ""


def normalise(samples: pd.DataFrame, counts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, Filter, str]:
    """Filter, normalise and judge: log-CPM of expressed genes, a row a sample, thresholds, reference sample.

    `counts` is genes x samples, its columns in the order of the rows of `samples`.
    """
    values = counts.to_numpy()
    thresholds = expression_filter(values, (samples.line + "\t" + samples.condition).to_numpy())
    expressed = is_expressed(values, thresholds)
    tmm = tmm_factors(values[expressed])
    reference = samples["sample"].iloc[tmm.reference]

    factors = samples[["sample", "line", "condition"]].reset_index(drop=True)
    factors["library_size"] = values.sum(axis=0)
    factors["expressed_library_size"] = values[expressed].sum(axis=0)
    factors["norm_factor"] = tmm.factors
    factors["effective_library_size"] = factors.expressed_library_size * tmm.factors
    factors["genes_detected"] = (values > 0).sum(axis=0)
    factors["genes_compared"] = tmm.compared
    median = factors.library_size.median()
    judged = [judge(row, median, reference) for _, row in factors.iterrows()]
    factors["status"], factors["reason"] = zip(*judged, strict=True)

    log_cpm = log2_cpm(values[expressed], factors.effective_library_size.to_numpy())
    return pd.DataFrame(log_cpm, counts.index[expressed], counts.columns), factors, thresholds, reference


def drawn(samples: pd.DataFrame, factors: pd.DataFrame, log_cpm: pd.DataFrame) -> pd.DataFrame:
    """List what the figure draws: a row a sample, line by line, with the quantiles of its log-CPM."""
    columns = ["library_size", "expressed_library_size", "norm_factor"]
    table = samples[["sample", "line", "condition", "role"]].reset_index(drop=True).join(factors[columns])
    values = log_cpm.to_numpy() if len(log_cpm) else np.full((1, len(table)), np.nan)
    table[list(QUANTILES)] = np.percentile(values, list(QUANTILES.values()), axis=0).T
    line = table.line.map({name: rank for rank, name in enumerate(table.line.unique())})
    role = table.role.map({name: rank for rank, name in enumerate(ROLES)})
    return table.iloc[np.lexsort((role, line))].reset_index(drop=True)


@styled
def draw(table: pd.DataFrame, expressed: int) -> Figure:
    """Draw library sizes, TMM factors and the distribution of log-CPM: a row a sample, a block a line."""
    height = 30 + 4.2 * len(table)
    figure, axes = new_figure(180, height, 1, 3, sharey=True, width_ratios=(1.1, 0.8, 1.1))
    sizes, scale, spread = axes[0]
    y = np.arange(len(table))
    colours = table.role.map(ROLES)

    many = table.library_size.max() >= 2e6
    unit, word = (1e6, "millions of reads") if many else (1e3, "thousands of reads")
    sizes.barh(y, table.library_size / unit, color=PALE, height=0.7)
    sizes.barh(y, table.expressed_library_size / unit, color=colours, height=0.7)
    sizes.axvline(table.library_size.median() / unit, color=QUIET, linewidth=0.6, linestyle=":")
    sizes.set(title="Library size", xlabel=f"{word}\n(grey: genes not expressed;\ndotted: median sample)")
    sizes.set_yticks(y, [shortened(name, 22) for name in table["sample"]])
    sizes.set_ylim(len(table) - 0.5, -0.5)

    reach = max(1.25, np.exp(np.abs(np.log(table.norm_factor)).max()))
    ticks = np.array([0.8, 1, 1.25]) if reach < 2 else 2.0 ** np.arange(-np.ceil(np.log2(reach)), 20)
    ticks = ticks[ticks <= reach][:: max(1, len(ticks) // 5)]
    scale.axvline(1, color=QUIET, linewidth=0.6)
    scale.scatter(table.norm_factor, y, c=colours, s=14, zorder=3)
    scale.set_xscale("log", base=2)
    scale.set_xlim(1 / reach**1.1, reach**1.1)
    scale.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    scale.minorticks_off()
    scale.set(title="TMM factor", xlabel="relative to the geometric mean\nof all samples")

    for low, high, width in (("log_cpm_5", "log_cpm_95", 1), ("log_cpm_25", "log_cpm_75", 4)):
        spread.hlines(y, table[low], table[high], color=colours, linewidth=width)
    spread.scatter(table.log_cpm_50, y, c="white", s=5, zorder=3, linewidths=0)
    spread.set(
        title=f"Expression of {expressed:,} genes",
        xlabel="log2 counts per million\n(median, middle 50 % and 90 %)",
    )

    beside = spread.get_yaxis_transform()
    starts = np.flatnonzero(table.line != table.line.shift())
    for start, end in zip(starts, [*starts[1:], len(table)], strict=True):
        name = shortened(table.line[start], 14)
        spread.text(1.03, (start + end - 1) / 2, name, va="center", transform=beside)
        for panel in axes[0] if start else ():
            panel.axhline(start - 0.5, color=PALE, linewidth=0.6)
    for panel in axes[0]:
        panel.tick_params(axis="y", length=0)
    conditions = table.groupby("role").condition.unique()
    marks = [
        Line2D(
            [], [], color=colour, marker="o", markersize=4, linestyle="", label=", ".join(conditions[role])
        )
        for role, colour in ROLES.items()
        if role in conditions
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), handletextpad=0.1)
    return figure


def densities(log_cpm: pd.DataFrame) -> dict[str, list[tuple[float, float]]]:
    """Count each sample's log-CPM in bins: (middle of the bin, share of genes) pairs by sample."""
    values = log_cpm.loc[:, log_cpm.notna().all()]
    if values.empty:
        return {}
    edges = np.linspace(np.floor(values.min(axis=None)), np.ceil(values.max(axis=None)), BINS + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).round(3).tolist()
    shares = {name: np.histogram(values[name], edges)[0] / len(values) for name in values}
    return {name: list(zip(middles, share.round(5).tolist(), strict=True)) for name, share in shares.items()}


def describe(counts: pd.DataFrame, log_cpm: pd.DataFrame, thresholds: Filter) -> str:
    """Say how many genes are expressed by which rule."""
    return (
        f"{len(log_cpm):,} of {len(counts):,} genes are expressed by the rule of filterByExpr: at least "
        f"{thresholds.min_cpm:.3g} counts per million ({MIN_COUNT} reads in a library of median size) in "
        f"{thresholds.min_samples:g} or more of {counts.shape[1]} samples (the smallest group "
        f"of line and condition), and {MIN_TOTAL_COUNT} reads in all. "
    )


def write_sections(
    results: Path,
    samples: pd.DataFrame,
    factors: pd.DataFrame,
    log_cpm: pd.DataFrame,
    sentence: str,
    reference: str,
) -> None:
    """Write the sections: the factors as a table, library sizes as bars, log-CPM as lines."""
    usual = {"statuses": factors.status, "dois": DOIS}
    doubtful = factors[factors.status != "ok"]
    known = factors.norm_factor.dropna()
    spread = (
        f"TMM factors, relative to {reference}, are {known.min():.3f} to {known.max():.3f}."
        if len(known)
        else ""
    )
    write_section(
        results / "normalise_expression_mqc.json",
        "Normalisation",
        sentence + spread,
        "table",
        rows_of(factors.set_index("sample")[SHOWN]),
        table="factors.tsv",
        links=["factors.tsv", "log_cpm.tsv"],
        samples={"factors.tsv": rows_of(factors.set_index("sample")[["genes_detected"]])},
        findings={
            line: "; ".join(f"{row.sample} {row.status} ({row.reason})" for row in rows.itertuples())
            for line, rows in doubtful.groupby("line", sort=False)
        },
        **usual,
    )
    sizes = factors.library_size
    other = sizes - factors.expressed_library_size
    write_section(
        results / "normalise_expression_library_sizes_mqc.json",
        "Library sizes",
        f"Libraries have {sizes.min():,.0f} to {sizes.max():,.0f} reads (median {sizes.median():,.0f}).",
        "bargraph",
        {
            sample: {"expressed genes": inside, "other genes": outside}
            for sample, inside, outside in zip(
                factors["sample"], factors.expressed_library_size, other, strict=True
            )
        },
        settings={
            "ylab": "reads",
            "categories": {
                "expressed genes": {"name": "expressed genes", "color": QUIET},
                "other genes": {"name": "other genes", "color": PALE},
            },
        },
        links=["factors.tsv", "library_sizes.svg", "library_sizes.png", "library_sizes.tsv"],
        **usual,
    )
    if lines := densities(log_cpm):
        write_section(
            results / "normalise_expression_log_cpm_mqc.json",
            "Distribution of expression",
            f"Share of the {len(log_cpm):,} expressed genes by log2 counts per million, in {BINS} bins: "
            "curves of comparable samples lie on each other.",
            "linegraph",
            lines,
            settings={
                "xlab": "log2 counts per million",
                "ylab": "share of genes",
                "ymin": 0,
                "colors": dict(zip(samples["sample"], samples.role.map(ROLES), strict=True)),
            },
            links=["log_cpm.tsv"],
            **usual,
        )


@click.command(cls=Script)
@click.option(
    "--samples", "sheet", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate."
)
@click.option(
    "--counts",
    "matrix",
    type=INPUT,
    required=True,
    help="TSV: gene_id, gene_name, reads in a column a sample.",
)
@RESULTS
def main(sheet: Path, matrix: Path, results: Path) -> None:
    """Choose expressed genes, estimate TMM factors, compute log2 counts per million."""
    samples = read_table(sheet, SAMPLES)
    genes, counts = read_matrix(matrix, samples["sample"])
    log_cpm, factors, thresholds, reference = normalise(samples, counts)

    write_table(genes.loc[log_cpm.index].join(log_cpm), results / "log_cpm.tsv")
    write_table(factors, results / "factors.tsv")
    table = drawn(samples, factors, log_cpm)
    save_figure(draw(table, len(log_cpm)), table, results / "library_sizes")
    sentence = describe(counts, log_cpm, thresholds)
    write_sections(results, samples, factors, log_cpm, sentence, reference)
    write_versions(results / "versions.tsv", "numpy", "pandas", "matplotlib")


if __name__ == "__main__":
    main()
