#!/usr/bin/env python3
"""Find the gene sets that move in each contrast: gene set enrichment analysis (GSEA).

Ranking    Genes in falling order of a metric that is positive where the target condition is higher; equal
           ones by gene_id. stat and log2_fold_change are differential_expression's; signal_to_noise is (mean
           of target - mean of reference) / (their standard deviations, each at least 20 % of its mean), of
           counts per million. In a blocked contrast it is blocked_signal_to_noise: the mean over the blocks
           (lines) of the difference in log2 CPM, over its standard error + the median standard error. Of
           genes with one name, that of the largest base_mean stands; genes without a metric are left out.
Score      Down the ranking a sum rises at each gene of the set by its share of the set's |metric| and falls
           evenly at all others. es is its largest deviation from 0: positive is higher in the target.
Null       gene_set: sets of as many random genes. phenotype: the ranking made anew after conditions are
           swapped in whole blocks (all 2^n ways, if they are not more than permutations), or, with 7 samples
           a group or more and no blocks, shuffled over samples.
Estimate   Over the n permutations with an es of the same sign, b of them as extreme: nes is es over their
           mean, p_value (b + 1) / (n + 1), p_broad b / n. q_value, per collection and sign, is the share
           of null nes as high (the mean over permutations of each one's share, as the Broad Institute's
           program has it) over the share of observed nes as high; where blocks are swapped, it is not
           below the smallest p_value.
Assumes    gene_set: that genes are independent. Those of a pathway are not, so p and q are too small.
References Subramanian et al. 2005, PNAS 102:15545, doi:10.1073/pnas.0506580102
           Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39, doi:10.2202/1544-6115.1585
           Tusher et al. 2001, PNAS 98:5116, doi:10.1073/pnas.091062498 (the constant beside the error)
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.enrichment_evidence import evidence_of
from common.enrichment_report import (
    PANELS,
    Enrichment,
    draw_highlighted,
    draw_running_sums,
    draw_top_sets,
    highlighted_scores,
    pick,
    top_sets,
    write_sections,
)
from common.evidence import write_evidence
from common.figures import save_figure
from common.gene_sets import GeneSet, highlighted, members_of, read_collections
from common.multiqc import counted, write_versions
from common.tables import SAMPLES, read_matrix, read_table, write_table

CONTRASTS = dict.fromkeys(["contrast", "reference", "target", "lines", "blocking"], "str")
NUMBERS = ["base_mean", "log2_fold_change", "stat", "log2_fold_change_shrunk"]
GENES = dict.fromkeys(["gene_id", "gene_name", "status", "reason"], "str") | dict.fromkeys(NUMBERS, "float64")
RESULT = ["es", "nes", "p_value", "p_broad", "q_value"]
SETS = ["gene_set", "identifier", "size", *RESULT, "leading_edge", "status", "reason"]
SUMMARY = [
    "contrast", "collection", "ranking", "permute", "permutations", "genes_ranked", "genes_left_out", "sets",
    "sets_tested", "up", "down", "top_set", "top_nes", "top_q", "status", "reason",
]  # fmt: skip
COMMON = [
    "collection", "gene_set", "direction", "contrasts_enriched", "worst_q", "contrast", "nes", "q_value",
    "enriched", "status", "reason",
]  # fmt: skip
LEFT_OUT = ("all_zero", "outlier")  # statuses of genes whose metric means nothing
MIN_SAMPLES = 7  # a group, to shuffle samples freely
MIN_BLOCKS = 3  # 2 can be swapped in 4 ways: one other has a score of the same sign
LOW_SPREAD = 0.2  # the Broad Institute's least standard deviation, as a share of the mean
EQUAL = 1 - 1e-9  # a permutation that repeats the true labels scores the same, but for rounding
BATCH = 2**14  # numbers at a time: they stay in the cache, and memory does not grow with the permutations
HIGHLIGHTED = (
    "R-HSA-9755511,WP2884,WP4313,HALLMARK_XENOBIOTIC_METABOLISM,HALLMARK_REACTIVE_OXYGEN_SPECIES_PATHWAY"
)
NOTES = (
    "Positive scores are higher in the target condition. Permuting gene sets takes genes to be independent; "
    "those of one pathway are correlated, so that its p and q values are too small (anti-conservative): read "
    "them as a ranking of sets. Permuting phenotypes keeps the correlation."
)


class Phenotypes(NamedTuple):
    """Values by which samples rank genes.

    `levels` are genes x columns: samples, or differences of blocks. `labels` has a number a column: 1 for
    the target and 0 for the reference, or 1 for each block. `statistic` takes levels and labels
    (permutations x columns) and returns permutations x genes.
    """

    metric: str
    levels: pd.DataFrame
    labels: np.ndarray
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray]


class Ranking(NamedTuple):
    """A contrast's genes (gene_id, gene_name, metric) from the highest metric down, and how it came about."""

    genes: pd.DataFrame
    metric: str
    left_out: int
    status: str
    reason: str


def signal_to_noise(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the signal to noise ratio of each gene, permutations x genes, on the scale of the values.

    `values` is genes x samples; `labels` (permutations x samples) is 1 where a sample counts as target.
    """
    sides = []
    middle = values.mean(1)
    around = (values - middle[:, None]).T  # keeps the digits of the squares
    for chosen in (labels == 1, labels != 1):
        n = chosen.sum(1, keepdims=True)
        mean = chosen @ around / n
        squares = chosen @ around**2 - n * mean**2
        mean = mean + middle
        deviation = np.sqrt(np.maximum(squares, 0) / np.maximum(n - 1, 1))
        deviation = np.maximum(deviation, LOW_SPREAD * np.abs(mean))
        sides.append((mean, np.where(deviation > 0, deviation, LOW_SPREAD)))
    (target, target_spread), (reference, reference_spread) = sides
    return (target - reference) / (target_spread + reference_spread)


def blocked_signal_to_noise(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return mean / (standard error + its median) of each gene's differences, permutations x genes.

    `values` is genes x blocks, two or more: target minus reference; `labels` (permutations x blocks) is
    -1 where a block is swapped.
    """
    n = values.shape[1]
    mean = labels @ values.T / n
    squares = (values**2).sum(1) - n * mean**2  # a sign does not change a square
    error = np.sqrt(np.maximum(squares, 0) / (n - 1) / n)
    usual = np.median(error, axis=1, keepdims=True)
    return mean / (error + np.where(usual > 0, usual, 1))


def phenotypes_of(contrast: NamedTuple, samples: pd.DataFrame, log_cpm: pd.DataFrame) -> Phenotypes:
    """Gather what ranks genes by samples: differences within blocks, or samples if there are not two blocks.

    `log_cpm` is genes x samples, one gene a name, in order of gene_id.
    """
    rows = samples[samples.line.isin(contrast.lines.split(";"))].sort_values("sample")
    sides = [rows[rows.condition == condition] for condition in (contrast.target, contrast.reference)]
    if pd.notna(contrast.blocking):
        target, reference = (
            log_cpm[side["sample"]].T.groupby(side[contrast.blocking].to_numpy()).mean().T for side in sides
        )
        blocks = [block for block in target if block in reference]
        if len(blocks) > 1:
            differences = target[blocks] - reference[blocks]
            return Phenotypes(
                "blocked_signal_to_noise", differences, np.ones(len(blocks)), blocked_signal_to_noise
            )
    names = [name for side in sides for name in side["sample"]]
    labels = np.repeat([1.0, 0.0], [len(side) for side in sides])
    return Phenotypes("signal_to_noise", 2 ** log_cpm[names], labels, signal_to_noise)


def relabel(phenotypes: Phenotypes, permutations: int, seed: int) -> tuple[np.ndarray | None, str]:
    """Permute labels: permutations x columns, without the true labelling where all ways are listed.

    Returns None where samples do not allow it; the text says why, or how small a p_value can be.
    """
    rng = np.random.default_rng([seed, len(phenotypes.labels)])
    if phenotypes.metric == "signal_to_noise":
        group = int(min(phenotypes.labels.sum(), (1 - phenotypes.labels).sum()))
        if group < MIN_SAMPLES:
            return None, f"{group} samples in a group and no blocks, {MIN_SAMPLES} needed to permute samples"
        return rng.permuted(np.tile(phenotypes.labels, (permutations, 1)), axis=1), ""
    n = len(phenotypes.labels)
    if n < MIN_BLOCKS:
        return None, f"{n} blocks, {MIN_BLOCKS} needed to swap conditions within them"
    if n > 60 or 2**n - 1 > permutations:
        least = f"p_value and q_value >= about {2 / (permutations + 1):.3g}"
        return rng.choice(
            [-1.0, 1.0], (permutations, n)
        ), f"{n} blocks, {permutations:,} random swaps: {least}"
    swapped = (np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1
    # Swapping all blocks mirrors the ranking, so that half of all ways score with the same sign.
    least = f"p_value and q_value >= {2 / 2**n:.3g}"
    return 1.0 - 2.0 * swapped, f"{n} blocks, {2**n} swaps, half of them with a score of one sign: {least}"


def one_a_name(genes: pd.DataFrame) -> pd.DataFrame:
    """Keep of each gene_name the gene of the largest base_mean, then of the first gene_id; sort by id."""
    ordered = genes.sort_values(["base_mean", "gene_id"], ascending=[False, True])
    return ordered.drop_duplicates("gene_name").sort_values("gene_id", ignore_index=True)


def rank_contrast(genes: pd.DataFrame, wanted: str, phenotypes: Phenotypes | None = None) -> Ranking:
    """Rank a contrast's genes: by `phenotypes` if given, else by the column that is wanted, or what there is.

    Without a single test statistic, that is the shrunken fold change.
    """
    metric, status, reason = wanted, "ok", ""
    if (genes.status == "no_samples").any():
        return Ranking(genes[:0].assign(metric=0.0), wanted, len(genes), "not_ranked", genes.reason.iloc[0])
    for special in ("exploratory_additive_dispersion", "no_replicates"):
        if (genes.status == special).any():
            status, reason = special, "the status of the contrast's genes in differential_expression"
    if phenotypes:
        metric = phenotypes.metric
        values = phenotypes.statistic(phenotypes.levels.to_numpy(), phenotypes.labels[None])[0]
        known = genes.assign(metric=genes.gene_id.map(pd.Series(values, phenotypes.levels.index)))
        if metric == "signal_to_noise" and min(np.unique(phenotypes.labels, return_counts=True)[1]) == 1:
            status, reason = "no_replicates", "20 % of the mean stands for the deviation of a single sample"
    else:
        if wanted == "stat" and genes.stat.isna().all() and genes.log2_fold_change_shrunk.notna().any():
            metric, status = "log2_fold_change_shrunk", "no_replicates"
            reason = "no gene has a test statistic: ranked by the shrunken log2 fold change"
        known = genes.assign(metric=genes[metric].where(~genes.status.isin(LEFT_OUT)))
    known = one_a_name(known[known.metric.notna()])
    ranked = known.sort_values(["metric", "gene_id"], ascending=[False, True], ignore_index=True)
    if (distinct := ranked.metric.nunique()) < 2:
        status, reason = "not_ranked", f"{len(ranked)} genes with {distinct} values of {metric}"
    return Ranking(ranked, metric, len(genes) - len(ranked), status, reason)


def enrichment_scores(positions: np.ndarray, weights: np.ndarray, genes: int) -> np.ndarray:
    """Score sets of one size k in a ranking of so many genes.

    `positions` (..., k) are the members' places, from 0, rising; `weights` (..., k) the |metric| there. A
    set whose weights are all 0 rises evenly. The running sum can be extreme only at a member or just before.
    """
    k = positions.shape[-1]
    total = weights.sum(-1, keepdims=True)
    if (total > 0).all():
        steps = weights / total
    else:
        steps = np.divide(weights, total, out=np.full(weights.shape, 1 / k), where=total > 0)
    sums = steps.cumsum(-1)
    sums -= (positions - np.arange(k)) / (genes - k)
    highest = sums.max(-1)
    sums -= steps
    lowest = sums.min(-1)
    return np.where(highest > -lowest, highest, lowest)


def by_size(members: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Group sets by size: the sets' numbers, and their members (sets x size)."""
    sizes = np.array([len(each) for each in members])
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        yield which, np.stack([members[each] for each in which])


def observed_scores(members: Sequence[np.ndarray], metric: np.ndarray) -> np.ndarray:
    """Score each set, of sorted places in the ranking that `metric` has in order."""
    scores = np.empty(len(members))
    for which, positions in by_size(members):
        scores[which] = enrichment_scores(positions, np.abs(metric)[positions], len(metric))
    return scores


def random_sets(genes: int, size: int, sets: int, rng: np.random.Generator) -> np.ndarray:
    """Draw sets (sets x size) of distinct places below `genes`, sorted; each set is as likely as any other.

    Places drawn twice are drawn again. No place is treated unlike another, so no set is preferred.
    """
    drawn = np.sort(rng.integers(0, genes, (sets, size), dtype=np.int32))
    rows, again = np.arange(sets), drawn[:, 1:] == drawn[:, :-1]
    while (repeated := again.any(1)).any():
        rows, again = rows[repeated], again[repeated]
        part = drawn[rows]
        part[:, 1:][again] = rng.integers(0, genes, again.sum(), dtype=np.int32)
        part.sort()
        drawn[rows] = part
        again = part[:, 1:] == part[:, :-1]
    return drawn


def gene_set_null(sizes: Sequence[int], metric: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Score random sets of each size: sizes x permutations. A size's draws depend on nothing but the seed."""
    weights = np.abs(metric)
    null = np.empty((len(sizes), permutations))
    for scores, size in zip(null, sizes, strict=True):
        rng = np.random.default_rng([seed, len(metric), size])
        batch = max(1, BATCH // size)
        for start in range(0, permutations, batch):
            positions = random_sets(len(metric), size, min(batch, permutations - start), rng)
            scores[start : start + batch] = enrichment_scores(positions, weights[positions], len(metric))
    return null


def phenotype_null(members: Sequence[np.ndarray], phenotypes: Phenotypes, labels: np.ndarray) -> np.ndarray:
    """Score each set in the ranking of each relabelling: sets x permutations.

    `members` are rows of the phenotypes' values, whose order decides between equal genes.
    """
    values = phenotypes.levels.to_numpy()
    genes = len(values)
    null = np.empty((len(members), len(labels)))
    batch = max(1, 64 * BATCH // genes)
    for start in range(0, len(labels), batch):
        metric = phenotypes.statistic(values, labels[start : start + batch])
        order = np.argsort(-metric, axis=1, kind="stable")
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(genes)[None], axis=1)
        weights = np.abs(np.take_along_axis(metric, order, axis=1))
        for which, rows in by_size(members):
            positions = np.sort(place[:, rows].reshape(len(metric), -1, rows.shape[1]))
            at = np.take_along_axis(weights, positions.reshape(len(metric), -1), axis=1)
            scores = enrichment_scores(positions, at.reshape(positions.shape), genes)
            null[which, start : start + batch] = scores.T
    return null


def significance(es: np.ndarray, null: np.ndarray, row: np.ndarray) -> pd.DataFrame:
    """Judge the scores of a collection's sets: nes, p_value, p_broad and q_value, as RESULT has them.

    `null` is rows x permutations; `row` says which of its rows is each set's. Without a null score of
    the same sign these are missing.
    """
    judged = pd.DataFrame({"es": es}, columns=RESULT, dtype="float64")
    times = np.bincount(row, minlength=len(null))[:, None]  # how many sets share a row
    for sign, own, same in ((1, es >= 0, null >= 0), (-1, es < 0, null < 0)):
        n = same.sum(1)
        own = own & (n[row] > 0)
        if not own.any():
            continue
        mean = np.abs(null.sum(1, where=same)) / np.maximum(n, 1)
        score, which = sign * es[own], row[own]
        b = (same[which] & (sign * null[which] >= (score * EQUAL)[:, None])).sum(1)
        nes = score / mean[which]
        in_permutation = (same * times).sum(0)
        share = (times / np.maximum(in_permutation, 1) / (in_permutation > 0).sum() * same)[same]
        null_nes = (sign * null / np.maximum(mean, np.finfo(float).tiny)[:, None])[same]
        order = np.argsort(null_nes)
        as_high = np.append(np.cumsum(share[order][::-1])[::-1], 0)[
            np.searchsorted(null_nes[order], nes * EQUAL)
        ]
        observed = 1 - np.searchsorted(np.sort(nes), nes * EQUAL) / len(nes)
        judged.loc[own, "nes"] = sign * nes
        judged.loc[own, "p_value"] = (b + 1) / (n[which] + 1)
        judged.loc[own, "p_broad"] = b / n[which]
        judged.loc[own, "q_value"] = np.minimum(as_high / observed, 1)
    return judged


def corners(positions: np.ndarray, metric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the running sum before and after each of a set's members."""
    k = len(positions)
    weights = np.abs(metric[positions])
    steps = weights / weights.sum() if weights.any() else np.full(k, 1 / k)
    after = np.cumsum(steps) - (positions - np.arange(k)) / (len(metric) - k)
    return after - steps, after


def running_sum(positions: np.ndarray, metric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of a set's running sum: places from 0 to the number of genes, and heights."""
    places = np.column_stack([positions, positions + 1]).ravel()
    heights = np.column_stack(corners(positions, metric)).ravel()
    return np.r_[0, places, len(metric)], np.r_[0, heights, 0]


def leading_edge(positions: np.ndarray, metric: np.ndarray, names: np.ndarray) -> str:
    """List the members up to the peak, or from the trough on, the most extreme first."""
    before, after = corners(positions, metric)
    if after.max() > -before.min():
        return ";".join(names[positions[: after.argmax() + 1]])
    return ";".join(names[positions[before.argmin() :]][::-1])


def list_sets(
    collections: Mapping[str, Sequence[GeneSet]], genes: pd.DataFrame, smallest: int, largest: int
) -> pd.DataFrame:
    """List all sets with their members' places among the ranked genes, and which can be tested."""
    rows = []
    for collection, sets in collections.items():
        found = members_of(sets, genes)
        overlap = any(len(members) for members in found)
        for each, members in zip(sets, found, strict=True):
            size, status, reason = len(members), "ok", ""
            if not overlap:
                status, reason = (
                    "no_overlap",
                    "no gene of the collection is ranked: are these the same kind of ids?",
                )
            elif size < smallest:
                status, reason = (
                    "too_small",
                    f"{size} of its {len(each.genes)} genes are ranked, {smallest} needed",
                )
            elif size > largest:
                status, reason = "too_large", f"{size} of its genes are ranked, {largest} allowed"
            elif size == len(genes):
                status, reason = "all_genes", f"all {size} ranked genes are in the set"
            rows.append((collection, each.name, each.identifier, size, status, reason, members))
    return pd.DataFrame(rows, columns=["collection", *SETS[:3], "status", "reason", "members"])


def enrich(
    sets: pd.DataFrame, ranking: Ranking, phenotypes: Phenotypes | None, labels: np.ndarray | None,
    permutations: int, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Test the sets that `list_sets` calls ok; with `labels`, permute these, else gene sets."""
    sets = sets.reindex(columns=["collection", *SETS, "members"])
    sets = sets.astype(dict.fromkeys(RESULT, "float64") | {"leading_edge": "object"})
    if ranking.status == "not_ranked":
        return sets.assign(status="not_ranked", reason=ranking.reason)
    ok = sets.index[sets.status == "ok"]
    if not len(ok):
        return sets
    members, metric = list(sets.members[ok]), ranking.genes.metric.to_numpy()
    es = observed_scores(members, metric)
    if labels is None:
        sizes, row = np.unique(sets["size"][ok], return_inverse=True)
        null = gene_set_null(sizes, metric, permutations, seed)
    else:
        row_of = phenotypes.levels.index.get_indexer(ranking.genes.gene_id)
        null, row = phenotype_null([row_of[each] for each in members], phenotypes, labels), np.arange(len(ok))
    for collection in sets.collection[ok].unique():
        own = (sets.collection[ok] == collection).to_numpy()
        judged = significance(es[own], null, row[own])
        if labels is not None and phenotypes.metric == "blocked_signal_to_noise":
            judged["q_value"] = judged.q_value.clip(lower=2 / (len(labels) + 1))
        sets.loc[ok[own], RESULT] = judged.to_numpy()
    names = ranking.genes.gene_name.to_numpy()
    sets.loc[ok, "leading_edge"] = [leading_edge(each, metric, names) for each in members]
    lost = sets.nes.isna() & (sets.status == "ok")
    sets.loc[lost, "status"] = "no_null"
    sets.loc[lost, "reason"] = f"none of {null.shape[1]:,} permutations has a score of its sign"
    by = ["q_value", "strength", "gene_set"]
    return sets.assign(strength=-sets.nes.abs()).sort_values(by, kind="stable", ignore_index=True)


def summarise(sets: pd.DataFrame, ranking: Ranking, q_value_max: float) -> dict[str, object]:
    """Count what was tested and found in one collection, and name the set of the smallest q_value."""
    tested, left = sets[sets.status == "ok"], sets.status[sets.status != "ok"]
    enriched = tested[tested.q_value < q_value_max]
    reasons = [ranking.reason, f"not tested: {counted(left)}" if len(left) else ""]
    up, down = int((enriched.nes > 0).sum()), int((enriched.nes < 0).sum())
    row = {"sets": len(sets), "sets_tested": len(tested), "up": up, "down": down}
    row |= {"status": ranking.status, "reason": "; ".join(filter(None, reasons))}
    if len(tested):
        top = tested.iloc[0]
        return row | {"top_set": top.gene_set, "top_nes": top.nes, "top_q": top.q_value}
    if ranking.status == "not_ranked":
        return row | {"reason": ranking.reason}
    if (left == "no_overlap").all():
        return row | {"status": "no_overlap", "reason": sets.reason.iloc[0]}
    return row | {"status": "no_sets_tested"}


def common_sets(
    results: Mapping[str, pd.DataFrame], wanted: Sequence[str], least: int, q_value_max: float
) -> pd.DataFrame:
    """List sets that are enriched, in one direction, in at least so many of the wanted contrasts.

    A row a set and contrast, of all contrasts; worst_q is the largest q_value of the wanted contrasts in
    which the set is enriched, and ranks the sets; next come their number and the smallest |nes| among them.
    """
    every = pd.concat([sets.assign(contrast=name) for name, sets in results.items()], ignore_index=True)
    found = every[every.contrast.isin(wanted) & (every.q_value < q_value_max)]
    rows = []
    for (collection, name, up), group in found.groupby(["collection", "gene_set", found.nes > 0]):
        if (enriched_in := group.contrast.nunique()) < least:
            continue
        own = every[(every.collection == collection) & (every.gene_set == name)].copy()
        enriched, same = own.q_value < q_value_max, (own.nes > 0) == up
        own["enriched"] = np.select([enriched & same, enriched], ["yes", "opposite"], "no")
        own["direction"] = "up" if up else "down"
        own["weakest"] = group.nes.abs().min()
        rows.append(own.assign(contrasts_enriched=enriched_in, worst_q=group.q_value.max()))
    if not rows:
        return pd.DataFrame(columns=COMMON)
    by = {
        "worst_q": True,
        "contrasts_enriched": False,
        "weakest": False,
        "collection": True,
        "gene_set": True,
    }
    ranked = pd.concat(rows).sort_values(
        list(by), ascending=list(by.values()), kind="stable", ignore_index=True
    )
    return ranked[COMMON]


def running_sums(sets: pd.DataFrame, ranking: Ranking) -> pd.DataFrame:
    """List what `draw_running_sums` draws: each set's corners and hits, and 200 points of the ranking."""
    metric = ranking.genes.metric.to_numpy()
    parts = []
    thin = np.unique(np.linspace(0, len(metric) - 1, 200).astype(int))
    parts.append(pd.DataFrame({"element": "metric", "place": thin + 1, "value": metric[thin]}))
    for row in sets[sets.status == "ok"].itertuples():
        places, heights = running_sum(row.members, metric)
        names = {"collection": row.collection, "gene_set": row.gene_set}
        parts.append(pd.DataFrame({**names, "element": "running_sum", "place": places, "value": heights}))
        hits = {"element": "hit", "place": row.members + 1, "value": metric[row.members]}
        parts.append(pd.DataFrame({**names, **hits, "gene_name": ranking.genes.gene_name[row.members]}))
    columns = ["collection", "gene_set", "element", "place", "value", "gene_name"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def common_of(wanted: str, contrasts: pd.DataFrame) -> tuple[list[str], int]:
    """Read --common-contrasts: the contrasts to look at, and in how many of them a set is to be enriched.

    A number counts contrasts of single lines, where there are any: one over all lines repeats these.
    """
    if not re.fullmatch(r"\d+", wanted.strip()):
        names = [name.strip() for name in wanted.split(",")]
        if unknown := [name for name in names if name not in set(contrasts.contrast)]:
            there = ", ".join(contrasts.contrast)
            raise InputError(f"--common-contrasts: {', '.join(unknown)} is no contrast (there are {there})")
        return names, len(names)
    single = contrasts.contrast[~contrasts.lines.str.contains(";")]
    return list(single if len(single) else contrasts.contrast), int(wanted)


def prepare(
    genes: pd.DataFrame, wanted: str, permute: str, phenotypes: Phenotypes | None, permutations: int,
    seed: int, q_value_max: float,
) -> tuple[Ranking, Phenotypes | None, np.ndarray | None]:  # fmt: skip
    """Rank a contrast's genes, and draw labels if phenotypes are to be permuted and can be."""
    if permute == "gene_set" or (genes.status == "no_samples").any():
        return rank_contrast(genes, wanted, phenotypes), phenotypes, None
    labels, says = relabel(phenotypes, permutations, seed)
    if labels is None:
        phenotypes = phenotypes if wanted == "signal_to_noise" else None
        ranking = rank_contrast(genes, wanted, phenotypes)
        status, reason = "gene_set_permuted", f"gene sets were permuted: {says}"
    else:
        ranking = rank_contrast(genes, wanted, phenotypes)
        few = 2 / (len(labels) + 1) > q_value_max
        status, reason = "few_permutations" if few else "ok", says
    if ranking.status == "not_ranked":
        return ranking, phenotypes, None
    reason = "; ".join(filter(None, [ranking.reason, reason]))
    status = ranking.status if status == "ok" else status
    return ranking._replace(status=status, reason=reason), phenotypes, labels


@click.command(cls=Script)
@click.option(
    "--samples", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate, others."
)
@click.option("--log-cpm", type=INPUT, required=True, help="TSV: gene_id, gene_name, log2 CPM a sample.")
@click.option(
    "--contrasts", type=INPUT, required=True, help="TSV: contrast, reference, target, lines, blocking."
)
@click.option("--genes", type=FOLDER, required=True, help="Folder of <contrast>.genes.tsv.")
@click.option("--gene-sets", type=FOLDER, required=True, help="Folder of GMT files, one a collection.")
@click.option(
    "--gsea-ranking",
    type=click.Choice(["stat", "log2_fold_change", "signal_to_noise"]),
    default="stat",
    show_default=True,
    help="What ranks the genes.",
)
@click.option(
    "--gsea-permute",
    type=click.Choice(["gene_set", "phenotype"]),
    default="gene_set",
    show_default=True,
    help="What is permuted; phenotype ranks by signal to noise, where samples allow it.",
)
@click.option(
    "--gsea-permutations",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Number of permutations.",
)
@click.option(
    "--gene-set-min", type=int, default=15, show_default=True, help="Smallest set tested, in ranked genes."
)
@click.option(
    "--gene-set-max", type=int, default=500, show_default=True, help="Largest set tested, in ranked genes."
)
@click.option(
    "--highlight-sets",
    default=HIGHLIGHTED,
    show_default=True,
    help="Names or identifiers of sets to draw and mark, between commas.",
)
@click.option(
    "--common-contrasts",
    default="2",
    show_default=True,
    help="Contrasts between commas, or a number: sets enriched in all of these, or in so many, are common.",
)
@click.option(
    "--q-value-max",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate below which a set counts as enriched.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the permutations.")
@RESULTS
def main(
    samples: Path, log_cpm: Path, contrasts: Path, genes: Path, gene_sets: Path, gsea_ranking: str,
    gsea_permute: str, gsea_permutations: int, gene_set_min: int, gene_set_max: int, highlight_sets: str,
    common_contrasts: str, q_value_max: float, seed: int, results: Path,
) -> None:  # fmt: skip
    """Test every gene set in every contrast."""
    sheet = read_table(samples, SAMPLES, further=True)
    planned = read_table(contrasts, CONTRASTS)
    wanted, least = common_of(common_contrasts, planned)
    collections = read_collections(gene_sets)
    marked = list(dict.fromkeys(highlighted(highlight_sets, collections)))
    by_samples = gsea_ranking == "signal_to_noise" or gsea_permute == "phenotype"
    expression = read_matrix(log_cpm, list(sheet["sample"]))[1] if by_samples else None

    found, top, sums, summary = {}, {}, {}, []
    for contrast in planned.itertuples():
        table = read_table(genes / f"{contrast.contrast}.genes.tsv", GENES)
        table.gene_name = table.gene_name.fillna(table.gene_id)
        phenotypes = None
        if by_samples and (table.status != "no_samples").all():
            known = one_a_name(table[table.gene_id.isin(expression.index)]).gene_id
            phenotypes = phenotypes_of(contrast, sheet, expression.loc[known])
        ranking, phenotypes, labels = prepare(
            table, gsea_ranking, gsea_permute, phenotypes, gsea_permutations, seed, q_value_max
        )
        sets = list_sets(collections, ranking.genes, gene_set_min, gene_set_max)
        sets = enrich(sets, ranking, phenotypes, labels, gsea_permutations, seed)
        found[contrast.contrast] = sets
        for collection in collections:
            own = sets[sets.collection == collection]
            write_table(own[SETS], results / f"{contrast.contrast}.{collection}.sets.tsv")
            summary.append(
                {
                    "contrast": contrast.contrast, "collection": collection, "ranking": ranking.metric,
                    "permute": "gene_set" if labels is None else "phenotype",
                    "permutations": gsea_permutations if labels is None else len(labels),
                    "genes_ranked": len(ranking.genes), "genes_left_out": ranking.left_out,
                }
                | summarise(own, ranking, q_value_max)
            )  # fmt: skip
        shown = top_sets(sets, marked, q_value_max)
        if len(shown):
            top[contrast.contrast] = shown
            figure = draw_top_sets(shown, contrast.contrast, q_value_max)
            save_figure(figure, shown, results / f"{contrast.contrast}.top_sets")
        chosen = pick(sets, marked[:PANELS])
        if (chosen.status == "ok").any():
            sums[contrast.contrast] = running_sums(chosen, ranking)
            figure = draw_running_sums(
                sums[contrast.contrast], chosen, contrast.contrast, ranking.metric, len(marked)
            )
            save_figure(figure, sums[contrast.contrast], results / f"{contrast.contrast}.running_sum")

    summary = pd.DataFrame(summary, columns=SUMMARY)
    common = common_sets(found, wanted, least, q_value_max)
    write_table(summary, results / "summary.tsv")
    write_table(common, results / "common_sets.tsv")
    write_evidence(evidence_of(sheet, planned, found, marked), "gene_set_enrichment", results)
    scores = highlighted_scores(found, marked)
    if len(scores):
        save_figure(draw_highlighted(scores), scores, results / "highlighted")

    notes = NOTES
    names = {name for sets in collections.values() for each in sets for name in (each.name, each.identifier)}
    lost = [name.strip() for name in highlight_sets.split(",") if name.strip() and name.strip() not in names]
    if lost:
        notes += f" In none of the collections: {', '.join(lost)}."
    write_sections(Enrichment(found, top, sums, summary, scores, common), marked, notes, q_value_max, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas")


if __name__ == "__main__":
    main()
