#!/usr/bin/env python3
"""Score how active the NRF2 axis is in each line and condition, by the expression of its target genes.

Panel      `nrf2_targets` of the gene panels but NQO1 and HMOX1, which are shown only: NQO1 is the other half
           of the call on mitomycin C, which is to rest on measurements of its own; HMOX1 follows BACH1 and
           haem as much. A gene is found as in the heatmaps: by name, else by identifier; of several the
           highest.
Score      Mean over the expressed genes of the panel of the mean log2 CPM of a group's samples (a group is a
           line and condition): each gene counts the same, however high it is.
Baseline   Median of the scores of the study's lowest third of groups, rounded up; `above_baseline` is the
           score minus it. Of a gene, the median of its values in those groups. Fewer than 3 groups or than 15
           expressed genes: scores are listed, and nothing is said of them.
Interval   By replicates, where a group has some: t interval of the mean of the samples' scores, with the
           standard deviation within groups pooled over all groups. It says how well a culture is measured.
           Without any replicate over genes: t interval of the mean of the genes' values above their own
           baselines. It says how well genes agree, not what another culture would show. The baseline is
           taken as known.
Change     Of a contrast: mean over the panel of DESeq2's log2 fold changes, each cut at +-5: with next to no
           reads in one condition they have no bound, and no gene alone is to make the mean. Its interval is
           that of a mean over genes with the inter-gene correlation of the test.
Test       Competitive, as limma's camera with a preset correlation: t test of the Wald statistics of the
           panel against those of all other expressed genes, the variance of the panel's mean multiplied by
           1 + (genes - 1) x 0.01; NQO1 and HMOX1 are in neither. Two-sided. q-values are Benjamini and
           Hochberg's over the contrasts of single lines; those over several lines are a family of their own.
Assumes    That some lines of the study are not active: where all are, the lowest third is no baseline. That
           0.01 is the correlation between the panel's genes beyond what the condition explains. Reads of
           AKR1C1 and AKR1C2 are hard to tell apart: together they weigh as two genes.
References Goldstein et al. 2016, Cell Rep 16:2605, doi:10.1016/j.celrep.2016.08.010 (target genes)
           Wu and Smyth 2012, Nucleic Acids Res 40:e133, doi:10.1093/nar/gks461 (camera)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.evidence import against_reference, evidence_table, write_evidence
from common.multiqc import write_versions
from common.tables import SAMPLES, read_matrix, read_table, write_table
from common.target_score_evidence import REGULATORS, change_rows, level_rows
from common.target_score_report import write_figure, write_sections
from scipy import stats

PANEL = "nrf2_targets"
NOT_SCORED = {
    "NQO1": "the other half of the call, which is to share no measurement with this one",
    "HMOX1": "follows BACH1 and haem as much as NRF2",
}
MIN_GENES = 15
MIN_GROUPS = 3
LOW_SHARE = 1 / 3  # of the groups, that make the baseline
CORRELATION = 0.01  # between genes, as camera's preset
MOST_CHANGE = 5.0  # log2
LEADING = 5  # genes that are named
UNUSABLE = ("all_zero", "outlier", "not_converged")  # statuses of genes whose fold change says nothing
UNREPLICATED = ("exploratory_additive_dispersion", "no_replicates")
GROUP = ["line", "condition", "role"]
GENES = {
    **dict.fromkeys(("gene_id", "gene_name"), "str"),
    **dict.fromkeys(("log2_fold_change", "stat", "q_value"), "float64"),
    "status": "str",
}
SUMMARY = dict.fromkeys(("contrast", "reference", "target", "lines"), "str")
SUMMARY |= {"up": "float64", "status": "str", "reason": "str"}
CHANGES = [
    *("contrast", "line", "lines", "reference", "target", "genes", "mean_log2_fold_change", "low", "high"),
    *("test", "other_genes", "statistic", "p_value", "q_value", "family", "accepted", "leading_genes"),
    *("status", "reason"),
]


class Tested(NamedTuple):
    """The competitive test of a set of genes: Student's t of its mean against that of the others."""

    statistic: float
    p_value: float


class Scored(NamedTuple):
    """The scores of all groups (scores.tsv), and the values of all genes of the panel (genes.tsv)."""

    scores: pd.DataFrame
    genes: pd.DataFrame


# ---- the panel


def find_genes(names: Sequence[str], genes: pd.DataFrame, log_cpm: pd.DataFrame) -> dict[str, str]:
    """Find the panel's genes among the expressed ones: {name: gene_id}.

    `genes` has gene_id, gene_name; `log_cpm` the values, by gene_id. A name wins over an identifier without
    version; of several genes, the one with the highest mean is taken.
    """
    means = log_cpm.mean(axis=1)
    by_name = means.groupby(genes.gene_name).idxmax()
    by_id = means.groupby(genes.gene_id.str.partition(".")[0]).idxmax()
    places = by_id.to_dict() | by_name.to_dict()
    return {name: places[name] for name in names if name in places}


def names_in(genes: pd.DataFrame) -> set[str]:
    """Return what the genes of a table may be called."""
    return {*genes.gene_name.fillna(genes.gene_id), *genes.gene_id.str.partition(".")[0]}


# ---- scores


def baseline_groups(scores: np.ndarray) -> np.ndarray:
    """Find the lowest third of the groups, rounded up: their places, the lowest first."""
    return np.argsort(scores, kind="stable")[: int(np.ceil(len(scores) * LOW_SHARE))]


def half_widths(
    samples: Sequence[np.ndarray], above: np.ndarray, confidence: float
) -> tuple[np.ndarray, str]:
    """Return half the interval of each group's score, and what it is over: replicates, genes or none.

    `samples` are the scores of each group's samples, `above` the genes' values (genes x groups) above their
    baselines: taken where no group has replicates. A group that alone is the baseline has no interval then.
    """
    counts = np.array([len(each) for each in samples])
    free = int((counts - 1).sum())
    if free > 0:
        squares = sum(((each - each.mean()) ** 2).sum() for each in samples)
        return stats.t.ppf((1 + confidence) / 2, free) * np.sqrt(squares / free / counts), "replicates"
    genes = len(above)
    if genes < 2:
        return np.full(len(counts), np.nan), "none"
    errors = above.std(axis=0, ddof=1) / np.sqrt(genes)
    own = (above == 0).all(axis=0)
    return np.where(own, np.nan, stats.t.ppf((1 + confidence) / 2, genes - 1) * errors), "genes"


def leading(values: pd.Series) -> str:
    """Name the genes with the largest values, those above 0."""
    first = values[values > 0].sort_values(ascending=False, kind="stable")[:LEADING]
    return ";".join(first.index)


def score_groups(
    samples: pd.DataFrame,
    values: pd.DataFrame,
    found: Mapping[str, str],
    missing: pd.DataFrame,
    confidence: float,
) -> Scored:
    """Score each line and condition, and list the values of the panel's genes.

    `values` are log2 CPM (gene_id x sample), `found` the genes of the panel that have some, `missing`
    (gene_name, status, reason) those that have none.
    """
    groups = samples.groupby(GROUP, sort=False)["sample"].apply(list)
    table = groups.index.to_frame(index=False).assign(samples=[len(each) for each in groups])
    panel = values.loc[list(found.values())].set_axis(list(found), axis=0)
    scored = panel.loc[[name for name in found if name not in NOT_SCORED]]
    means = pd.DataFrame({place: panel[each].mean(axis=1) for place, each in enumerate(groups)})
    own = means.loc[scored.index].to_numpy()
    count = len(scored)

    table["genes"] = count
    table["score"] = own.mean(axis=0) if count else np.nan
    table[["baseline", "above_baseline", "low", "high"]] = np.nan
    table["interval"], table["leading_genes"], table["status"], table["reason"] = "none", "", "ok", ""
    above = means * np.nan
    if count < MIN_GENES:
        reason = f"{count} genes of the panel {PANEL} are expressed, {MIN_GENES} needed"
        table[["status", "reason"]] = "too_few_genes", reason
    elif len(groups) < MIN_GROUPS:
        reason = f"{len(groups)} lines and conditions, {MIN_GROUPS} needed for a baseline"
        table[["status", "reason"]] = "too_few_groups", reason
    else:
        lowest = baseline_groups(table.score.to_numpy())
        above = means.sub(means[lowest].median(axis=1), axis=0)
        table["baseline"] = table.score[lowest].median()
        table["above_baseline"] = table.score - table.baseline
        each = [scored[names].mean(axis=0).to_numpy() for names in groups]
        half, table["interval"] = half_widths(each, above.loc[scored.index].to_numpy(), confidence)
        table["low"], table["high"] = table.above_baseline - half, table.above_baseline + half
        table.loc[np.isnan(half), "interval"] = "none"
        table["leading_genes"] = [leading(above.loc[scored.index, place]) for place in above]

    rows = []
    for name, gene_id in found.items():
        status, reason = ("not_scored", NOT_SCORED[name]) if name in NOT_SCORED else ("ok", "")
        row = {"gene_name": name, "gene_id": gene_id, "status": status, "reason": reason}
        rows += [
            row
            | {"place": place, "log2_cpm": means.loc[name, place], "above_baseline": above.loc[name, place]}
            for place in means
        ]
    rows += [row | {"place": place} for row in missing.to_dict("records") for place in range(len(groups))]
    columns = ["gene_name", "gene_id", "place", "log2_cpm", "above_baseline", "status", "reason"]
    genes = pd.DataFrame(rows, columns=columns).join(table[GROUP], on="place")
    genes["scored"] = np.where(genes.status == "ok", "yes", "no")
    order = ["gene_name", "gene_id", "scored", *GROUP, "log2_cpm", "above_baseline", "status", "reason"]
    return Scored(table, genes[order])


# ---- changes


def competitive_test(panel: np.ndarray, others: np.ndarray) -> Tested:
    """Test whether the mean of a set's statistics differs from that of the others, which are independent.

    The t test of equal variances, with the variance of the set's mean inflated by the correlation
    between genes (Wu and Smyth 2012, with a preset correlation).
    """
    m, rest = len(panel), len(others)
    squares = ((panel - panel.mean()) ** 2).sum() + ((others - others.mean()) ** 2).sum()
    inflation = 1 + (m - 1) * CORRELATION
    error = np.sqrt(squares / (m + rest - 2) * (inflation / m + 1 / rest))
    statistic = (panel.mean() - others.mean()) / error if error > 0 else np.nan
    return Tested(statistic, 2 * stats.t.sf(abs(statistic), m + rest - 2))


def change_of(
    table: pd.DataFrame, found: Mapping[str, str], expressed: pd.Index, confidence: float
) -> dict[str, object]:
    """Return the mean change of the panel in a contrast, with its interval, and its test.

    `table` is <contrast>.genes.tsv, `found` the genes of the panel that are expressed.
    """
    usable = ~table.status.isin(UNUSABLE) & table.log2_fold_change.notna()
    table = table[usable].set_index("gene_id")
    table = table.loc[table.index.isin(expressed)]
    scored = {gene_id: name for name, gene_id in found.items() if name not in NOT_SCORED}
    panel = table.loc[[gene_id for gene_id in scored if gene_id in table.index]]
    others = table.stat[~table.index.isin(found.values())].dropna()
    changes = panel.log2_fold_change.clip(-MOST_CHANGE, MOST_CHANGE)
    count, found_stats = len(panel), panel.stat.dropna()
    mean = changes.mean()
    row: dict[str, object] = {"genes": count, "mean_log2_fold_change": mean}
    if count > 1:
        inflation = 1 + (count - 1) * CORRELATION
        half = stats.t.ppf((1 + confidence) / 2, count - 1) * changes.std() * np.sqrt(inflation / count)
        row |= {"low": mean - half, "high": mean + half}
    names = changes.set_axis([scored[gene_id] for gene_id in changes.index])
    row["leading_genes"] = leading(names if mean > 0 else -names) if count else ""
    if count < MIN_GENES:
        reason = f"{count} genes of the panel {PANEL} have a fold change, {MIN_GENES} needed"
        return row | {"status": "too_few_genes", "reason": reason}
    if len(found_stats) < MIN_GENES:
        return row
    if len(others) < MIN_GENES:
        reason = f"{len(others)} other genes to compare with, {MIN_GENES} needed"
        return row | {"status": "too_few_other_genes", "reason": reason}
    tested = competitive_test(found_stats.to_numpy(), others.to_numpy())
    if np.isnan(tested.statistic):
        return row | {"status": "zero_variance", "reason": "the statistics of all genes are the same"}
    return row | {"other_genes": len(others), "test": "camera"} | tested._asdict()


def adjusted(p_values: pd.Series) -> pd.Series:
    """Return the false discovery rates of Benjamini and Hochberg; a missing p-value is no test."""
    q_values, known = p_values * np.nan, p_values.notna()
    if known.any():
        q_values[known] = stats.false_discovery_control(p_values[known])
    return q_values


def list_changes(
    summary: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    found: Mapping[str, str],
    expressed: pd.Index,
    confidence: float,
) -> pd.DataFrame:
    """List the change of the panel in each contrast: changes.tsv."""
    rows = []
    for contrast in summary.itertuples():
        row = {"status": contrast.status, "reason": contrast.reason if pd.notna(contrast.reason) else ""}
        if contrast.status == "no_samples":
            change = {"genes": 0}
        else:
            change = change_of(tables[contrast.contrast], found, expressed, confidence)
        several = ";" in contrast.lines
        name = {
            "contrast": contrast.contrast,
            "line": "" if several else contrast.lines,
            "lines": contrast.lines,
            "reference": contrast.reference,
            "target": contrast.target,
            "family": "several_lines" if several else "single_lines",
            "test": "none",
            "accepted": "yes" if contrast.status not in UNREPLICATED or pd.notna(contrast.up) else "no",
        }
        rows.append(name | row | change)
    table = pd.DataFrame(rows).reindex(columns=CHANGES)
    table["other_genes"] = table.other_genes.astype("Int64")
    table["q_value"] = table.groupby("family").p_value.transform(adjusted) if len(table) else np.nan
    return table


# ---- evidence


def single(changes: pd.DataFrame) -> pd.DataFrame:
    """Choose the changes of one line each."""
    return changes[changes.family == "single_lines"]


def evidence_of(
    scores: pd.DataFrame, changes: pd.DataFrame, context: Iterable[dict[str, object]] = ()
) -> pd.DataFrame:
    """List what bears on the call: the score of each line and condition, its change against the reference.

    A change that was measured without a test (no replicates, unless such tests are accepted) has no q_value.
    `context` are rows that are shown only.
    """
    rows = []
    for row in scores.itertuples():
        rows.append(
            {name: getattr(row, name) for name in (*GROUP, "low", "high", "status", "reason")}
            | {"evidence": "nrf2_target_score", "value": row.above_baseline, "n": row.genes, "unit": "log2"}
            | {"source": "target_score/scores.tsv"}
        )
    for place, row in against_reference(scores, single(changes)):
        accepted = row.accepted == "yes"
        rows.append(
            place
            | {"evidence": "nrf2_target_change", "value": row.mean_log2_fold_change}
            | {"low": row.low, "high": row.high, "n": row.genes, "unit": "log2"}
            | {"q_value": row.q_value if accepted else np.nan}
            | {"status": "ok" if row.status in UNREPLICATED else row.status}
            | {"reason": row.reason if accepted else f"no test that counts: {row.reason or row.status}"}
            | {"source": "target_score/changes.tsv"}
        )
    return evidence_table([*rows, *context])


def context_of(
    samples: pd.DataFrame,
    known: pd.DataFrame,
    values: pd.DataFrame,
    measured: set[str] | None,
    scores: pd.DataFrame,
    changes: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
) -> Iterator[dict[str, object]]:
    """Yield the expression of NFE2L2, KEAP1 and CUL3, and its changes: evidence that is shown only.

    `known` are the genes of `values` (log2 CPM), `measured` the names of all genes counted.
    """
    found = find_genes(list(REGULATORS), known, values)
    groups = samples.groupby(GROUP, sort=False)["sample"].apply(list)
    own = values.loc[list(found.values())].set_axis(list(found), axis=0)
    means = pd.DataFrame({place: own[each].mean(axis=1) for place, each in enumerate(groups)})
    yield from level_rows(scores, means, missing_genes(list(REGULATORS), found, measured))
    yield from change_rows(
        against_reference(scores, single(changes)), tables, found, lambda status: status not in UNUSABLE
    )


# ---- command


def missing_genes(names: Sequence[str], found: Mapping[str, str], measured: set[str] | None) -> pd.DataFrame:
    """List the genes of the panel without values; `measured` are the names of all genes counted, if known."""
    rows = []
    for name in names:
        if name in found:
            continue
        if measured is None:
            status, reason = "no_value", "not measured, or fewer reads than an expressed gene needs"
        elif name in measured:
            status, reason = "not_expressed", "fewer reads than an expressed gene needs"
        else:
            status, reason = "not_measured", "no gene of the counts has this name"
        rows.append({"gene_name": name, "gene_id": None, "status": status, "reason": reason})
    return pd.DataFrame(rows, columns=["gene_name", "gene_id", "status", "reason"])


@click.command(cls=Script)
@click.option(
    "--samples", "sheet", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate."
)
@click.option("--log-cpm", type=INPUT, required=True, help="TSV of log2 CPM: gene_id, gene_name, samples.")
@click.option("--summary", type=INPUT, required=True, help="summary.tsv of differential_expression.")
@click.option("--genes", type=FOLDER, required=True, help="Folder of <contrast>.genes.tsv.")
@click.option("--gene-panels", type=INPUT, required=True, help="TSV: panel, gene_name.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Confidence of the intervals.",
)
@click.option(
    "--q-value-max",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate below which the panel is said to change.",
)
@RESULTS
def main(
    sheet: Path,
    log_cpm: Path,
    summary: Path,
    genes: Path,
    gene_panels: Path,
    confidence: float,
    q_value_max: float,
    results: Path,
) -> None:
    """Score the NRF2 axis by its target genes."""
    samples = read_table(sheet, SAMPLES)
    known, values = read_matrix(log_cpm, samples["sample"])
    contrasts = read_table(summary, SUMMARY)
    tables = {name: read_table(genes / f"{name}.genes.tsv", GENES) for name in contrasts.contrast}
    panels = read_table(gene_panels, {"panel": "str", "gene_name": "str"})
    names = list(dict.fromkeys(panels.gene_name[panels.panel == PANEL]))

    found = find_genes(names, known, values)
    measured = names_in(next(iter(tables.values()))) if tables else None
    scored = score_groups(samples, values, found, missing_genes(names, found, measured), confidence)
    changes = list_changes(contrasts, tables, found, values.index, confidence)
    write_table(scored.scores, results / "scores.tsv")
    write_table(scored.genes, results / "genes.tsv")
    write_table(changes, results / "changes.tsv")
    context = context_of(samples, known, values, measured, scored.scores, changes, tables)
    write_evidence(evidence_of(scored.scores, changes, context), "target_score", results)
    links = write_figure(results, scored.scores, scored.genes, confidence)
    write_sections(results, scored.scores, scored.genes, changes, q_value_max, links)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
