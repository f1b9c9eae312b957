import json
import re
import xml.etree.ElementTree as ElementTree

import gene_set_enrichment as gsea
import gseapy
import numpy as np
import pandas as pd
import pytest
from common.enrichment_report import shorter
from common.gene_sets import GeneSet, read_gmt, readable
from common.mmc_candidates_tables import read_evidence
from conftest import REFERENCE_DATA, ROOT

BROAD = REFERENCE_DATA / "gsea_desktop_edb"
FGSEA = REFERENCE_DATA / "fgsea"
SEED = 1


def slow_score(positions, metric) -> float:
    """Walk down the whole ranking, as Subramanian et al. 2005 write it."""
    inside = np.isin(np.arange(len(metric)), positions)
    hit = np.where(inside, np.abs(metric), 0)
    steps = hit / hit.sum() - ~inside / (~inside).sum()
    sums = np.cumsum(steps)
    return sums.max() if sums.max() > -sums.min() else sums.min()


def slow_significance(es, null) -> pd.DataFrame:
    """The definitions, set by set and permutation by permutation; `null` has a row a set."""
    rows = []
    for sign in (1, -1):
        same = [[value for value in row if (value >= 0) == (sign > 0)] for row in null]
        means = [np.mean(np.abs(values)) if values else np.nan for values in same]
        nes = {i: es[i] / means[i] for i in range(len(es)) if (es[i] >= 0) == (sign > 0) and same[i]}
        for i, own in nes.items():
            b = sum(sign * value >= sign * es[i] for value in same[i])
            shares = []
            for permutation in range(null.shape[1]):
                scores = [row[permutation] / mean for row, mean in zip(null, means, strict=True)]
                scores = [score for score in scores if (score >= 0) == (sign > 0) and not np.isnan(score)]
                if scores:
                    shares.append(np.mean([sign * score >= sign * own for score in scores]))
            observed = np.mean([sign * other >= sign * own for other in nes.values()])
            q_value = min(1, np.mean(shares) / observed)
            rows.append((i, es[i], own, (b + 1) / (len(same[i]) + 1), b / len(same[i]), q_value))
    return pd.DataFrame(rows, columns=["set", *gsea.RESULT]).set_index("set").sort_index()


def gene_table(metric, **columns) -> pd.DataFrame:
    """A table of differential_expression: gene g0, g1, ... with this statistic."""
    ids = [f"g{number:05}" for number in range(len(metric))]
    table = {"gene_id": ids, "gene_name": ids, "base_mean": 100.0, "status": "ok", "stat": metric}
    table |= {"log2_fold_change": metric, "log2_fold_change_shrunk": metric, "reason": ""}
    return pd.DataFrame(table | columns)


def analyse(table, sets, seed=SEED, permutations=200, smallest=5) -> pd.DataFrame:
    """Rank and test one collection of {name: genes}."""
    ranking = gsea.rank_contrast(table, "stat")
    named = {"own": [GeneSet(name, name, tuple(genes)) for name, genes in sets.items()]}
    return gsea.enrich(
        gsea.list_sets(named, ranking.genes, smallest, 500), ranking, None, None, permutations, seed
    )


def random_study(seed, genes=800, sets=30) -> tuple[pd.DataFrame, dict]:
    rng = np.random.default_rng(seed)
    table = gene_table(rng.normal(0, 2, genes))
    sizes = rng.integers(5, 60, sets)
    return table, {
        f"S{i}": list(rng.choice(table.gene_id, size, replace=False)) for i, size in enumerate(sizes)
    }


# ---------------------------------------------------------------- scores


def test_enrichment_scores__equals_the_walk_down_the_whole_ranking():
    rng = np.random.default_rng(SEED)
    for genes, size in [(2, 1), (10, 9), (300, 1), (300, 40), (3000, 499)]:
        metric = np.sort(rng.normal(0, 2, genes))[::-1]
        positions = gsea.random_sets(genes, size, 50, rng)
        found = gsea.enrichment_scores(positions, np.abs(metric)[positions], genes)
        np.testing.assert_allclose(found, [slow_score(each, metric) for each in positions], atol=1e-12)


def test_enrichment_scores__equals_fgsea_on_its_own_example():
    """fgsea d466383 inst/extdata, calcGseaStatBatchCpp: 20 pathways of mouse Reactome, 17 digits."""
    expected = pd.read_csv(FGSEA / "ref_calcGseaStatBatchCpp.tsv", sep="\t")
    metric = pd.read_csv(FGSEA / "batchcpp_stats.tsv", sep="\t").statsAbs.to_numpy()
    lines = (FGSEA / "pathways.tsv").read_text().splitlines()
    members = [np.array(sorted(map(int, line.split()))) - 1 for line in lines]
    assert [len(each) for each in members] == list(expected["size"])
    np.testing.assert_allclose(gsea.observed_scores(members, metric), expected.ES, atol=1e-6)


def test_enrichment_scores__equals_fgsea_on_a_whole_collection():
    """fgsea's result for naive against Th1 cells: 586 pathways, in order of rising statistic there."""
    expected = pd.read_csv(FGSEA / "fgsea_res.tsv", sep="\t", dtype={"pathway": "str"})
    ranks = pd.read_csv(FGSEA / "naive.vs.th1.rnk", sep="\t", dtype={"ID": "str"})
    genes = ranks.rename(columns={"ID": "gene_id"}).sort_values("t", ascending=False, ignore_index=True)
    genes["gene_name"] = genes.gene_id
    sets = {each.name.split("_")[0]: each for each in read_gmt(FGSEA / "mouse.reactome.gmt")}
    expected = expected[expected.pathway.isin(sets)]
    members = gsea.members_of([sets[name] for name in expected.pathway], genes)
    assert len(expected) > 500
    assert [len(each) for each in members] == list(expected["size"])
    np.testing.assert_allclose(gsea.observed_scores(members, genes.t.to_numpy()), expected.ES, atol=1e-6)


@pytest.fixture(scope="module")
def broad() -> list[dict]:
    """What the Broad Institute's GSEA program wrote: 7 sets, 1,000 permutations, to 4 decimals."""
    sets = [dict(entry.attrib) for entry in ElementTree.parse(BROAD / "results.edb").getroot()]
    for each in sets:
        each["name"] = each["GENESET"].split("#")[1]
        each["null"] = np.array(each["RND_ES"].split(), dtype=float)
        each |= {key: float(each[key]) for key in ("ES", "NES", "NP", "FDR")}
    return sets


def test_observed_scores__equals_the_broad_program_from_its_ranking_and_sets(broad):
    ranks = pd.read_csv(
        BROAD / "gsea_data.gsea_data.rnk", sep="\t", header=None, names=["gene_name", "metric"]
    )
    ranks["gene_id"] = ranks.gene_name
    sets = {each.name: each for each in read_gmt(BROAD / "gene_sets.gmt")}
    members = gsea.members_of([sets[each["name"]] for each in broad], ranks)
    assert [" ".join(map(str, each)) for each in members] == [each["HIT_INDICES"] for each in broad]
    scores = gsea.observed_scores(members, ranks.metric.to_numpy())
    np.testing.assert_allclose(scores, [each["ES"] for each in broad], atol=5e-5)


def test_running_sum__equals_the_broad_program_at_its_hits(broad):
    ranks = pd.read_csv(BROAD / "gsea_data.gsea_data.rnk", sep="\t", header=None, names=["gene", "metric"])
    for each in broad:
        hits = np.array(each["HIT_INDICES"].split(), dtype=int)
        _, heights = gsea.running_sum(hits, ranks.metric.to_numpy())
        np.testing.assert_allclose(heights[2:-1:2], np.array(each["ES_PROFILE"].split(), float), atol=5.1e-5)


def test_significance__equals_the_broad_program_from_its_own_null_scores(broad):
    """NES to 5e-4 and p and FDR to 1e-4: the program kept 4 decimals of its null scores."""
    es = np.array([each["ES"] for each in broad])
    null = np.array([each["null"] for each in broad])
    found = gsea.significance(es, null, np.arange(len(es)))
    np.testing.assert_allclose(found.nes, [each["NES"] for each in broad], atol=5e-4)
    np.testing.assert_allclose(found.p_broad, [each["NP"] for each in broad], atol=1e-4)
    np.testing.assert_allclose(found.q_value, [each["FDR"] for each in broad], atol=1e-4)


# ---------------------------------------------------------------- null and significance


@pytest.mark.parametrize("shared", [False, True])
def test_significance__equals_the_definitions_set_by_set(shared):
    """Also where several sets share a row of null scores."""
    rng = np.random.default_rng(SEED)
    null, es = rng.normal(0.05, 0.3, (6, 40)), rng.normal(0, 0.5, 6)
    row = np.array([0, 1, 1, 3, 3, 3]) if shared else np.arange(6)
    found = gsea.significance(es, null, row)
    expected = slow_significance(es, null[row])
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), rtol=1e-12)


def test_significance__a_null_score_that_differs_by_rounding_counts_as_extreme():
    found = gsea.significance(
        np.array([0.5]), np.array([[0.5 * (1 - 1e-13), 0.1, 0.2]]), np.zeros(1, dtype=int)
    )
    assert (found.p_broad[0], found.p_value[0]) == (1 / 3, 2 / 4)
    assert found.q_value[0] == pytest.approx(1 / 3)


def test_significance__a_score_without_null_scores_of_its_sign_has_no_p_value():
    found = gsea.significance(np.array([0.5, -0.5]), np.full((2, 10), -0.2), np.arange(2))
    assert found.loc[0, ["nes", "p_value", "p_broad", "q_value"]].isna().all()
    assert found.loc[1, "p_value"] == 1 / 11


def test_random_sets__draws_sorted_sets_without_repeats_and_every_one_as_often():
    """All 10 pairs of 5 places, 20,000 draws: each within 4 binomial deviations of 2,000."""
    drawn = gsea.random_sets(5, 2, 20_000, np.random.default_rng(SEED))
    pairs, counts = np.unique(drawn, axis=0, return_counts=True)
    assert (drawn[:, 0] < drawn[:, 1]).all()
    assert len(pairs) == 10
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(20_000 * 0.1 * 0.9)


def test_gene_set_null__has_the_law_of_scores_of_shuffled_rankings():
    """Against whole shuffled rankings: deciles of 3,000 scores each, within the error of their difference."""
    rng = np.random.default_rng(SEED)
    metric = np.sort(rng.normal(0.3, 1.5, 400))[::-1]
    fast = gsea.gene_set_null([20], metric, 3000, SEED)[0]
    slow = [slow_score(rng.permutation(400)[:20], metric) for _ in range(3000)]
    for decile in np.arange(0.1, 1, 0.1):
        share = np.mean(slow <= np.quantile(fast, decile))
        assert abs(share - decile) < 4 * np.sqrt(2 * decile * (1 - decile) / 3000)


def test_gene_set_null__of_one_size_does_not_depend_on_the_other_sizes():
    metric = np.sort(np.random.default_rng(SEED).normal(size=300))[::-1]
    alone = gsea.gene_set_null([20], metric, 50, SEED)
    np.testing.assert_array_equal(gsea.gene_set_null([15, 20, 30], metric, 50, SEED)[1], alone[0])
    assert not np.array_equal(gsea.gene_set_null([20], metric, 50, SEED + 1), alone)


def test_enrich__p_values_of_random_sets_are_uniform():
    """600 sets over 20 rankings: no decile of p_value is off by more than 4 binomial deviations."""
    p_values = pd.concat([analyse(*random_study(seed), seed=seed) for seed in range(20)]).p_value
    for level in (0.05, 0.1, 0.25, 0.5, 0.75):
        assert abs((p_values <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / len(p_values))


def test_enrich__finds_the_planted_sets_with_their_signs_and_no_others():
    table, sets = random_study(SEED)
    untouched = analyse(table, sets)
    table.loc[table.gene_id.isin(sets["S3"]), "stat"] += 2
    table.loc[table.gene_id.isin(sets["S4"]), "stat"] -= 2
    found = analyse(table, sets).set_index("gene_set")
    assert found.nes["S3"] > 1.5
    assert found.nes["S4"] < -1.5
    assert set(found.index[found.q_value < 0.05]) == {"S3", "S4"}
    assert not (untouched.q_value < 0.05).any()


def test_enrich__the_mirrored_ranking_mirrors_the_scores():
    table, sets = random_study(SEED)
    found = analyse(table, sets).set_index("gene_set").es
    mirrored = analyse(table.assign(stat=-table.stat), sets).set_index("gene_set").es
    np.testing.assert_allclose(mirrored[found.index], -found, atol=1e-12)


def test_enrich__scores_do_not_depend_on_the_unit_of_the_metric():
    table, sets = random_study(SEED)
    columns = ["es", "nes", "p_value", "q_value"]
    found, scaled = analyse(table, sets), analyse(table.assign(stat=1000 * table.stat), sets)
    np.testing.assert_allclose(found[columns], scaled[columns], rtol=1e-9)


def test_enrich__does_not_depend_on_the_order_of_genes_sets_and_members():
    table, sets = random_study(SEED)
    table["stat"] = table.stat.round(1)  # many ties
    shuffled = {name: sets[name][::-1] for name in reversed(list(sets))}
    pd.testing.assert_frame_equal(
        analyse(table, sets).drop(columns="members"),
        analyse(table.sample(frac=1, random_state=SEED), shuffled).drop(columns="members"),
    )


def test_leading_edge__runs_to_the_peak_and_from_the_trough_the_most_extreme_first():
    metric, names = np.array([5.0, 4, 3, 1, -1, -3, -4, -5]), np.array(list("abcdefgh"))
    assert gsea.leading_edge(np.array([0, 2, 6]), metric, names) == "a;c"
    assert gsea.leading_edge(np.array([1, 5, 7]), metric, names) == "h;f"


def test_enrich__equals_gseapy_on_the_same_ranking():
    """gseapy 1.3.1's engine: es to rounding; from its own null scores its NES, p and, pooled there, FDR."""
    table, sets = random_study(SEED, genes=2000, sets=40)
    for name, shift in {"S3": 1.5, "S4": -1.5, "S5": 0.7, "S6": -0.7}.items():
        table.loc[table.gene_id.isin(sets[name]), "stat"] += shift
    found = analyse(table, sets, permutations=1000).set_index("gene_set")
    ranks = table.sort_values("stat", ascending=False)
    genes, metric = list(ranks.gene_id), list(ranks.stat)
    theirs = gseapy.gse.prerank_rs(genes, metric, sets, 1.0, 5, 500, 1000, 1, SEED).summaries
    expected = pd.DataFrame(
        [(one.es, one.nes, one.pval, one.fdr) for one in theirs], columns=["es", "nes", "p_broad", "q_value"]
    )
    names = [one.term for one in theirs]
    np.testing.assert_allclose(found.es[names], expected.es, atol=1e-9)
    np.testing.assert_allclose(found.nes[names], expected.nes, rtol=0.08)  # two samples of 1,000 sets

    null = np.array([one.esnull for one in theirs])
    own = gsea.significance(expected.es.to_numpy(), null, np.arange(len(null)))
    np.testing.assert_allclose(own.nes, expected.nes, rtol=1e-6)
    np.testing.assert_allclose(own.p_broad, expected.p_broad, atol=1e-9)
    np.testing.assert_allclose(own.q_value, expected.q_value, atol=0.03)


# ---------------------------------------------------------------- ranking


def test_rank_contrast__orders_ties_by_gene_id_and_leaves_out_what_has_no_metric():
    table = gene_table(
        [1.0, 3.0, 1.0, np.nan, 9.0, 2.0], status=["ok", "ok", "low_count", "ok", "outlier", "ok"]
    )
    ranking = gsea.rank_contrast(table.iloc[::-1], "stat")
    assert list(ranking.genes.gene_id) == ["g00001", "g00005", "g00000", "g00002"]
    assert (ranking.left_out, ranking.status, ranking.metric) == (2, "ok", "stat")


def test_rank_contrast__of_one_name_the_gene_of_larger_base_mean_stands():
    table = gene_table([1.0, 3.0, -1.0], gene_name=["A", "A", "B"], base_mean=[50.0, 5.0, 7.0])
    ranking = gsea.rank_contrast(table, "stat")
    assert list(ranking.genes.gene_id) == ["g00000", "g00002"]
    assert ranking.left_out == 1


def test_rank_contrast__without_replicates_ranks_by_the_shrunken_fold_change_and_says_so():
    table = gene_table([np.nan] * 3, log2_fold_change_shrunk=[0.5, 2.0, -1.0], status="no_replicates")
    ranking = gsea.rank_contrast(table, "stat")
    assert list(ranking.genes.metric) == [2.0, 0.5, -1.0]
    assert (ranking.metric, ranking.status) == ("log2_fold_change_shrunk", "no_replicates")
    assert ranking.reason == "no gene has a test statistic: ranked by the shrunken log2 fold change"


def test_rank_contrast__keeps_the_status_of_additive_dispersions():
    ranking = gsea.rank_contrast(gene_table([1.0, 2.0], status="exploratory_additive_dispersion"), "stat")
    assert ranking.status == "exploratory_additive_dispersion"


@pytest.mark.parametrize(
    ("metric", "reason"),
    [([0.0] * 40, "40 genes with 1 values of stat"), ([], "0 genes with 0 values of stat")],
)
def test_enrich__without_a_ranking_every_set_keeps_its_row_and_says_why(metric, reason):
    found = analyse(gene_table(np.array(metric, dtype=float)), {"S": ["g00001", "g00002"]})
    assert list(found.status) == ["not_ranked"]
    assert list(found.reason) == [reason]


@pytest.mark.parametrize(
    ("genes", "members", "status", "reason"),
    [
        (600, 4, "too_small", "4 of its 4 genes are ranked, 5 needed"),
        (600, 501, "too_large", "501 of its genes are ranked, 500 allowed"),
        (20, 20, "all_genes", "all 20 ranked genes are in the set"),
        (2, 2, "too_small", "2 of its 2 genes are ranked, 5 needed"),
    ],
)
def test_enrich__a_set_that_cannot_be_tested_keeps_its_row_and_says_why(genes, members, status, reason):
    table = gene_table(np.linspace(3, -3, genes))
    found = analyse(table, {"S": list(table.gene_id[:members])}).iloc[0]
    assert (found.status, found.reason, found["size"]) == (status, reason, members)
    assert np.isnan(found.nes)


def test_enrich__members_that_all_have_a_metric_of_0_rise_evenly():
    table = gene_table(np.r_[np.linspace(3, 1, 20), np.zeros(10), np.linspace(-1, -3, 20)])
    assert np.isfinite(analyse(table, {"S": list(table.gene_id[20:30])}).es).all()


def test_list_sets__a_collection_of_other_ids_is_no_overlap():
    found = analyse(gene_table(np.linspace(3, -3, 50)), {"S": [f"ENSG{i}" for i in range(20)]})
    assert list(found.status) == ["no_overlap"]


# ---------------------------------------------------------------- phenotypes


def study(lines, replicates, planted=0.0, genes=400, seed=SEED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A samples sheet and log-CPM; the first 30 genes are `planted` higher in the resistant samples."""
    rng = np.random.default_rng(seed)
    rows, columns = [], {}
    base = rng.normal(5, 2, genes)
    for line in range(lines):
        own = base + rng.normal(0, 1, genes)
        response = rng.normal(0, 0.3, genes)
        for condition in ("parental", "resistant"):
            for replicate in range(replicates):
                name = f"L{line}_{condition}_{replicate}"
                rows.append((name, f"L{line}", condition, "reference", str(replicate)))
                changed = (response + planted * (np.arange(genes) < 30)) * (condition == "resistant")
                columns[name] = own + changed + rng.normal(0, 0.2, genes)
    sheet = pd.DataFrame(rows, columns=list(gsea.SAMPLES))
    ids = pd.Index([f"g{number:05}" for number in range(genes)], name="gene_id")
    return sheet, pd.DataFrame(columns, ids)


def contrast_of(sheet, blocking="line"):
    row = {"contrast": "all", "reference": "parental", "target": "resistant"}
    row |= {"lines": ";".join(sheet.line.unique()), "blocking": blocking}
    return next(pd.DataFrame([row]).itertuples())


def permuted(sheet, log_cpm, sets, permutations=1000, blocking="line"):
    """Test sets by permuting phenotypes: the table and the ranking."""
    phenotypes = gsea.phenotypes_of(contrast_of(sheet, blocking), sheet, log_cpm)
    table = gene_table(np.zeros(len(log_cpm)))
    ranking, phenotypes, labels = gsea.prepare(
        table, "stat", "phenotype", phenotypes, permutations, SEED, 0.05
    )
    named = {"own": [GeneSet(name, name, tuple(genes)) for name, genes in sets.items()]}
    listed = gsea.list_sets(named, ranking.genes, 5, 500)
    return gsea.enrich(listed, ranking, phenotypes, labels, permutations, SEED).set_index("gene_set"), ranking


def test_signal_to_noise__equals_gseapy():
    """gseapy 1.3.1, which has the Broad program's least standard deviations."""
    sheet, log_cpm = study(4, 2)
    values = 2**log_cpm
    values.iloc[1] = 7.0
    options = {"permutation_num": 10, "min_size": 5, "outdir": None, "no_plot": True}
    sides = list(sheet.condition.map({"resistant": "t", "parental": "r"}))
    theirs = gseapy.gsea(values, {"S": list(values.index[:20])}, sides, **options)
    sign = 1 if theirs.pheno_pos == "t" else -1
    labels = (sheet.condition == "resistant").to_numpy(dtype=float)[None]
    found = pd.Series(gsea.signal_to_noise(values.to_numpy(), labels)[0], values.index)
    np.testing.assert_allclose(sign * found[theirs.ranking.index], theirs.ranking, rtol=1e-7)


def test_blocked_signal_to_noise__equals_its_definition_gene_by_gene():
    values = np.random.default_rng(SEED).normal(0.3, 1, (50, 5))
    errors = [np.std(row, ddof=1) / np.sqrt(5) for row in values]
    expected = [row.mean() / (error + np.median(errors)) for row, error in zip(values, errors, strict=True)]
    np.testing.assert_allclose(gsea.blocked_signal_to_noise(values, np.ones((1, 5)))[0], expected, rtol=1e-10)


def test_relabel__swaps_whole_blocks_in_every_way_but_the_true_one():
    sheet, log_cpm = study(4, 2)
    phenotypes = gsea.phenotypes_of(contrast_of(sheet), sheet, log_cpm)
    labels, says = gsea.relabel(phenotypes, 1000, SEED)
    assert len(np.unique(labels, axis=0)) == len(labels) == 15
    assert not (labels == 1).all(axis=1).any()
    assert says == "4 blocks, 16 swaps, half of them with a score of one sign: p_value and q_value >= 0.125"


def test_relabel__draws_swaps_where_there_are_more_than_permutations():
    sheet, log_cpm = study(12, 1)
    phenotypes = gsea.phenotypes_of(contrast_of(sheet), sheet, log_cpm)
    labels, says = gsea.relabel(phenotypes, 1000, SEED)
    assert labels.shape == (1000, 12)
    assert set(np.unique(labels)) == {-1, 1}
    assert says == "12 blocks, 1,000 random swaps: p_value and q_value >= about 0.002"


def test_phenotypes_of__a_swap_of_labels_is_the_swap_of_a_lines_samples():
    """Replicates move together: relabelling the sheet of one line gives the ranking of that sign."""
    sheet, log_cpm = study(3, 2)
    phenotypes = gsea.phenotypes_of(contrast_of(sheet), sheet, log_cpm)
    swapped = sheet.copy()
    own = sheet.line == "L1"
    swapped.loc[own, "condition"] = sheet.condition[own].map(
        {"parental": "resistant", "resistant": "parental"}
    )
    again = gsea.phenotypes_of(contrast_of(swapped), swapped, log_cpm)
    np.testing.assert_allclose(
        phenotypes.statistic(phenotypes.levels.to_numpy(), np.array([[1.0, -1, 1]])),
        again.statistic(again.levels.to_numpy(), again.labels[None]),
        rtol=1e-9,
    )


@pytest.mark.parametrize(("lines", "replicates", "blocking"), [(5, 2, "line"), (4, 2, np.nan)])
def test_phenotype_null__equals_scoring_each_relabelled_ranking(lines, replicates, blocking):
    sheet, log_cpm = study(lines, replicates)
    phenotypes = gsea.phenotypes_of(contrast_of(sheet, blocking), sheet, log_cpm)
    rng = np.random.default_rng(SEED)
    labels = np.array([rng.permutation(phenotypes.labels) for _ in range(20)])
    members = [np.sort(rng.choice(400, size, replace=False)) for size in (10, 25, 10)]
    found = gsea.phenotype_null(members, phenotypes, labels)
    for column, row in enumerate(labels):
        metric = phenotypes.statistic(phenotypes.levels.to_numpy(), row[None])[0]
        order = np.argsort(-metric, kind="stable")
        expected = [slow_score(np.flatnonzero(np.isin(order, each)), metric[order]) for each in members]
        np.testing.assert_allclose(found[:, column], expected, atol=1e-10)


def test_phenotype_null__without_blocks_gives_the_scores_of_gseapy():
    """gseapy 1.3.1, phenotype permutation: es to rounding, NES as far as 1,000 other permutations allow."""
    sheet, log_cpm = study(1, 8, planted=0.3)
    rng = np.random.default_rng(SEED)
    sets = {f"S{number}": rng.choice(log_cpm.index, 30, replace=False) for number in range(8)}
    sets["planted"] = log_cpm.index[:30]
    found, _ = permuted(sheet, log_cpm, sets, 1000, np.nan)
    sides = list(sheet.condition.map({"resistant": "t", "parental": "r"}))
    options = {"permutation_num": 1000, "min_size": 5, "outdir": None, "no_plot": True, "seed": SEED}
    named = {name: list(genes) for name, genes in sets.items()}
    theirs = gseapy.gsea(2**log_cpm, named, sides, permutation_type="phenotype", **options)
    sign = 1 if theirs.pheno_pos == "t" else -1
    scores = theirs.res2d.set_index("Term").loc[found.index, ["ES", "NES", "NOM p-val"]].astype(float)
    np.testing.assert_allclose(found.es, sign * scores["ES"], atol=1e-6)
    np.testing.assert_allclose(found.nes, sign * scores["NES"], rtol=0.1)
    np.testing.assert_allclose(found.p_broad, scores["NOM p-val"], atol=0.08)


def test_prepare__seven_lines_cannot_give_a_p_value_below_a_64th_and_a_planted_set_reaches_it():
    """Swapping all 7 lines mirrors every ranking, so 64 of the 128 ways have a score of the set's sign."""
    sheet, log_cpm = study(7, 1, planted=0.8)
    sets = {"planted": log_cpm.index[:30], "other": log_cpm.index[100:130]}
    found, ranking = permuted(sheet, log_cpm, sets)
    assert found.p_value["planted"] == 1 / 64
    assert found.p_value["other"] > 0.05
    assert (ranking.metric, ranking.status) == ("blocked_signal_to_noise", "ok")
    assert "p_value and q_value >= 0.0156" in ranking.reason
    assert found.q_value["planted"] == 1 / 64


def test_prepare__too_few_swaps_for_the_q_value_wanted_is_a_status():
    sheet, log_cpm = study(4, 1)
    found, ranking = permuted(sheet, log_cpm, {"S": log_cpm.index[:30]})
    assert ranking.status == "few_permutations"
    assert found.q_value["S"] >= 1 / 8


def test_prepare__without_blocks_shuffles_samples_and_finds_the_planted_set():
    sheet, log_cpm = study(1, 8, planted=1.0)
    found, ranking = permuted(sheet, log_cpm, {"planted": log_cpm.index[:30]}, 500, np.nan)
    assert (ranking.metric, ranking.status) == ("signal_to_noise", "ok")
    assert found.p_value["planted"] < 0.02


@pytest.mark.parametrize(
    ("lines", "replicates", "blocking", "reason"),
    [
        (
            1,
            6,
            np.nan,
            "gene sets were permuted: 6 samples in a group and no blocks, 7 needed to permute samples",
        ),
        (2, 3, "line", "gene sets were permuted: 2 blocks, 3 needed to swap conditions within them"),
    ],
)
def test_prepare__samples_that_cannot_be_permuted_leave_gene_sets_and_say_so(
    lines, replicates, blocking, reason
):
    sheet, log_cpm = study(lines, replicates)
    phenotypes = gsea.phenotypes_of(contrast_of(sheet, blocking), sheet, log_cpm)
    table = gene_table(np.linspace(1, -1, len(log_cpm)))
    ranking, _, labels = gsea.prepare(table, "stat", "phenotype", phenotypes, 100, SEED, 0.05)
    assert labels is None
    assert (ranking.metric, ranking.status, ranking.reason) == ("stat", "gene_set_permuted", reason)


def test_prepare__phenotype_p_values_are_right_where_genes_are_correlated_and_gene_set_ones_are_not():
    """Genes of the set share a factor, lines do not respond: 40 studies of 7 lines, tests at 1/8."""
    phenotype, gene_set = [], []
    for seed in range(40):
        sheet, log_cpm = study(7, 1, seed=seed, genes=200)
        factor = np.random.default_rng(seed + 1000).normal(0, 0.5, len(sheet))
        log_cpm.iloc[:30] += factor
        phenotypes = gsea.phenotypes_of(contrast_of(sheet), sheet, log_cpm)
        for permute, kept in (("phenotype", phenotype), ("gene_set", gene_set)):
            ranking, own, labels = gsea.prepare(
                gene_table(np.zeros(200)), "signal_to_noise", permute, phenotypes, 200, SEED, 0.05
            )
            sets = gsea.list_sets(
                {"c": [GeneSet("S", "S", tuple(log_cpm.index[:30]))]}, ranking.genes, 5, 500
            )
            kept.append(gsea.enrich(sets, ranking, own, labels, 200, SEED).p_value[0])
    assert np.mean(np.array(phenotype) <= 1 / 8) < 1 / 8 + 3 * np.sqrt(1 / 8 * 7 / 8 / 40)
    assert np.mean(np.array(gene_set) <= 1 / 8) > 0.4


# ---------------------------------------------------------------- common sets, labels


def scores_of(**nes) -> dict[str, pd.DataFrame]:
    """Results of one set S in each contrast: nes, significant above 1.5 on either side."""
    frame = pd.DataFrame({"collection": ["c"], "gene_set": ["S"], "status": ["ok"], "reason": [""]})
    q_value = {name: 0.001 * len(name) if abs(value) > 1.5 else 0.5 for name, value in nes.items()}
    return {name: frame.assign(nes=value, q_value=q_value[name]) for name, value in nes.items()}


def test_common_sets__asks_for_the_same_direction_and_names_the_worst_q():
    found = gsea.common_sets(scores_of(a=2.0, bbb=1.8, cc=-2.0, d=0.3), ["a", "bbb", "cc", "d"], 2, 0.05)
    assert list(found.contrast) == ["a", "bbb", "cc", "d"]
    assert list(found.enriched) == ["yes", "yes", "opposite", "no"]
    assert set(found.worst_q) == {0.003}
    assert set(found.contrasts_enriched) == {2}
    assert set(found.direction) == {"up"}


def test_common_sets__is_empty_where_too_few_contrasts_agree():
    found = gsea.common_sets(scores_of(a=2.0, b=-1.8, c=0.3), ["a", "b", "c"], 2, 0.05)
    assert list(found) == gsea.COMMON
    assert not len(found)


def test_common_of__a_number_does_not_count_the_contrast_over_all_lines():
    contrasts = pd.DataFrame({"contrast": ["A", "B", "all"], "lines": ["A", "B", "A;B"]})
    assert gsea.common_of("2", contrasts) == (["A", "B"], 2)
    assert gsea.common_of("2", contrasts[2:]) == (["all"], 2)
    assert gsea.common_of("A, all", contrasts) == (["A", "all"], 2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HALLMARK_TNFA_SIGNALING_VIA_NFKB", "Hallmark TNFA signaling via NFKB"),
        ("HALLMARK_IL6_JAK_STAT3_SIGNALING", "Hallmark IL6 JAK STAT3 signaling"),
        ("NRF2 pathway (WP2884)", "NRF2 pathway (WP2884)"),
        ("KEAP1-NFE2L2 pathway", "KEAP1-NFE2L2 pathway"),
    ],
)
def test_readable__reads_as_a_phrase(name, expected):
    assert readable(name, 40) == expected


@pytest.mark.parametrize("lines", [1, 2, 3])
@pytest.mark.parametrize("width", [30, 62])
def test_readable__fits_its_room_and_keeps_the_accession(lines, width):
    for path in sorted((ROOT / "assets/gene_sets").glob("*.gmt")):
        for each in read_gmt(path):
            shown = readable(each.name, width, lines).split("\n")
            assert len(shown) <= lines
            assert max(map(len, shown)) <= width
            if each.identifier != each.name:
                assert f"({each.identifier})" in " ".join(shown)


def test_shorter__drops_what_all_contrasts_share():
    assert shorter(["A-1.r_vs_p", "all.r_vs_p"]) == ({"A-1.r_vs_p": "A-1", "all.r_vs_p": "all"}, "r vs p")
    assert shorter(["a", "b.c"]) == ({"a": "a", "b.c": "b.c"}, "")


# ---------------------------------------------------------------- the command


@pytest.fixture
def inputs(tmp_path):
    """Write a study of so many lines with a set planted in all but the last; return the command's options."""

    def write(lines=3, replicates=1, planted=1.0, genes=400, table=None, only=""):
        sheet, log_cpm = study(lines, replicates, planted, genes)
        names = [f"GENE{number}" for number in range(genes)]
        sheet.to_csv(tmp_path / "samples.tsv", sep="\t", index=False)
        log_cpm.insert(0, "gene_name", names)
        log_cpm.to_csv(tmp_path / "log_cpm.tsv", sep="\t")
        rows = [(f"L{i}.resistant_vs_parental", "parental", "resistant", f"L{i}", "") for i in range(lines)]
        if lines > 1:
            every = ";".join(f"L{i}" for i in range(lines))
            rows.append(("all.resistant_vs_parental", "parental", "resistant", every, "line"))
        contrasts = pd.DataFrame(rows, columns=list(gsea.CONTRASTS))
        contrasts = contrasts[contrasts.contrast.str.startswith(only)]
        contrasts.to_csv(tmp_path / "contrasts.tsv", sep="\t", index=False)
        (tmp_path / "genes").mkdir()
        rng = np.random.default_rng(SEED)
        for number, name in enumerate(contrasts.contrast):
            stat = rng.normal(0, 1, genes) + planted * (np.arange(genes) < 30) * (number != lines - 1)
            genes_table = gene_table(stat, gene_name=names) if table is None else table(names)
            genes_table.to_csv(tmp_path / f"genes/{name}.genes.tsv", sep="\t", index=False)
        (tmp_path / "gene_sets").mkdir()
        sets = {"PLANTED_SET": range(30), "OTHER_SET": range(100, 140), "SMALL_SET": range(3)}
        lines_of = ["\t".join([name, "", *(f"GENE{i}" for i in of)]) for name, of in sets.items()]
        (tmp_path / "gene_sets/first.gmt").write_text("\n".join(lines_of) + "\n")
        (tmp_path / "gene_sets/second.gmt").write_text(
            "FOREIGN\tx\t" + "\t".join(f"X{i}" for i in range(30)) + "\n"
        )
        files = {key: tmp_path / f"{key}.tsv" for key in ("samples", "log_cpm", "contrasts")}
        folders = {key: tmp_path / key for key in ("genes", "gene_sets")}
        highlight = "PLANTED_SET,SMALL_SET,R-HSA-9755511"
        return files | folders | {"highlight_sets": highlight, "gsea_permutations": 100, "seed": SEED}

    return write


def run_into(folder, run_script, options):
    folder.mkdir()
    result = run_script(gsea.main, **options, results=folder)
    assert result.exit_code == 0, result.output
    return folder


def test_main__writes_every_table_figure_and_section(inputs, run_script, tmp_path):
    out = run_into(tmp_path / "out", run_script, inputs())
    contrasts = [f"{name}.resistant_vs_parental" for name in ("L0", "L1", "L2", "all")]
    expected = {f"{name}.{which}.sets.tsv" for name in contrasts for which in ("first", "second")}
    expected |= {
        f"{name}.{what}.{kind}"
        for name in contrasts
        for what in ("top_sets", "running_sum")
        for kind in ("svg", "png", "tsv")
    }
    expected |= {f"highlighted.{kind}" for kind in ("svg", "png", "tsv")}
    expected |= {"summary.tsv", "common_sets.tsv", "versions.tsv", "gene_set_enrichment_mqc.json"}
    expected.add("gene_set_enrichment_evidence.tsv")
    expected |= {
        f"gene_set_enrichment_{what}_mqc.json"
        for what in ("highlighted", "running_sums", "top_sets", "common_sets")
    }
    assert {path.name for path in out.iterdir()} == expected

    summary = pd.read_csv(out / "summary.tsv", sep="\t")
    assert list(summary) == gsea.SUMMARY
    assert list(summary.status[summary.collection == "second"].unique()) == ["no_overlap"]
    first = summary[summary.collection == "first"].set_index("contrast")
    assert list(first.up) == [1, 1, 0, 1]
    assert set(first.reason) == {"not tested: too_small 1"}
    common = pd.read_csv(out / "common_sets.tsv", sep="\t")
    assert set(common.gene_set) == {"PLANTED_SET"}
    assert set(common.contrasts_enriched) == {2}  # L0 and L1: the one over all lines repeats them
    section = json.loads((out / "gene_set_enrichment_mqc.json").read_text())
    assert "In none of the collections: R-HSA-9755511." in section["description"]
    assert section["nrf2flow"]["findings"]["L0.resistant_vs_parental"].startswith("Planted set up (NES ")
    assert section["nrf2flow"]["findings"]["L2.resistant_vs_parental"] == "none of 2 gene sets at q < 0.05"
    (answer,) = section["nrf2flow"]["answers"]["changes"]
    assert re.search(r"^At q < 0\.05, Planted set rises in L0 and L1 \(NES \d\.\d\d to", answer)


def test_main__tells_the_call_of_the_highlighted_sets_of_each_line(inputs, run_script, tmp_path):
    out = run_into(tmp_path / "out", run_script, inputs() | {"highlight_sets": "PLANTED_SET,SMALL_SET"})
    table = read_evidence(out)
    assert table[["line", "item"]].to_numpy().tolist() == [
        [line, name] for line in ("L0", "L1", "L2") for name in ("PLANTED_SET", "SMALL_SET")
    ]
    assert set(table.condition) == {"resistant"}
    tested = table[table.item == "PLANTED_SET"].set_index("line")
    assert (tested.q_value[["L0", "L1"]] < 0.05).all()
    assert tested.q_value["L2"] > 0.05
    sets = pd.read_csv(out / tested.source["L0"].split("/")[1], sep="\t").set_index("gene_set")
    assert tested.value["L0"] == sets.nes["PLANTED_SET"]
    assert set(table.status[table.item == "SMALL_SET"]) == {"too_small"}


def test_main__finds_nothing_in_a_study_without_effects(inputs, run_script, tmp_path):
    out = run_into(tmp_path / "out", run_script, inputs(lines=1, planted=0))
    summary = pd.read_csv(out / "summary.tsv", sep="\t")
    assert summary.up.sum() + summary.down.sum() == 0
    assert (out / "common_sets.tsv").read_text() == "\t".join(gsea.COMMON) + "\n"


def test_main__the_same_seed_gives_the_same_bytes(inputs, run_script, tmp_path):
    options = inputs(lines=1)
    first, second = (run_into(tmp_path / name, run_script, options) for name in ("a", "b"))
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


@pytest.mark.parametrize(
    ("lines", "only", "options", "ranking", "permute", "status"),
    [
        (1, "L0", {}, "stat", "gene_set", "ok"),
        (1, "L0", {"gsea_ranking": "signal_to_noise"}, "signal_to_noise", "gene_set", "no_replicates"),
        (3, "all", {"gsea_ranking": "signal_to_noise"}, "blocked_signal_to_noise", "gene_set", "ok"),
        (3, "all", {"gsea_permute": "phenotype"}, "blocked_signal_to_noise", "phenotype", "few_permutations"),
        (2, "all", {"gsea_permute": "phenotype"}, "stat", "gene_set", "gene_set_permuted"),
    ],
)
def test_main__every_ranking_and_permutation_says_what_was_done(
    lines, only, options, ranking, permute, status, inputs, run_script, tmp_path
):
    out = run_into(tmp_path / "out", run_script, inputs(lines, only=only) | {"highlight_sets": ""} | options)
    row = pd.read_csv(out / "summary.tsv", sep="\t").iloc[0]
    assert (row.ranking, row.permute, row.status) == (ranking, permute, status)
    assert row.sets_tested == 2


def nothing_known(names):
    return gene_table([np.nan] * len(names), gene_name=names, status="all_zero")


@pytest.mark.parametrize(("genes", "table"), [(2, None), (400, nothing_known)])
def test_main__a_study_without_a_ranking_or_sets_says_so_and_has_a_section(
    genes, table, inputs, run_script, tmp_path
):
    out = run_into(tmp_path / "out", run_script, inputs(lines=1, genes=genes, table=table))
    summary = pd.read_csv(out / "summary.tsv", sep="\t")
    assert list(summary.status) == (["not_ranked"] * 2 if table else ["no_sets_tested", "no_overlap"])
    assert summary.reason.notna().all()
    section = json.loads((out / "gene_set_enrichment_mqc.json").read_text())
    assert section["nrf2flow"]["findings"]["L0.resistant_vs_parental"].startswith("no gene set tested (")


def lost(names):
    reason = "no sample of resistant has counts"
    return gene_table([np.nan] * len(names), gene_name=names, status="no_samples", reason=reason)


@pytest.mark.parametrize(
    "options", [{}, {"gsea_ranking": "signal_to_noise"}, {"gsea_permute": "phenotype"}], ids=str
)
def test_main__a_contrast_that_lost_its_samples_is_not_ranked_whatever_is_asked(
    options, inputs, run_script, tmp_path
):
    given = inputs(lines=1, table=lost)
    sheet = pd.read_csv(given["samples"], sep="\t")
    sheet[sheet.role == "reference"].to_csv(given["samples"], sep="\t", index=False)
    out = run_into(tmp_path / "out", run_script, given | options)
    summary = pd.read_csv(out / "summary.tsv", sep="\t")
    assert list(summary.status) == ["not_ranked"] * 2
    assert list(summary.reason) == ["no sample of resistant has counts"] * 2


def test_main__an_unknown_common_contrast_is_one_line_and_exit_1(inputs, run_script):
    result = run_script(gsea.main, **inputs(lines=1), common_contrasts="L7", results=".")
    message = "--common-contrasts: L7 is no contrast (there are L0.resistant_vs_parental)"
    assert (result.exit_code, result.output) == (1, f"Error: {message}\n")
