import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from common.gene_sets import read_collections
from conftest import ROOT
from simulate_study import (
    DRIFT_SD,
    LIBRARY_FACTORS,
    LINES,
    NRF2_REGULATORS,
    NRF2_TARGETS,
    PLATINUM_GENES,
    PROGRAMMES,
    READS,
    SHARE_DRIFTING,
    SIZES,
    dispersion_trend,
    draw_counts,
    draw_expression,
    draw_genes,
    draw_matrix,
    main,
    planted_sets,
    stream,
    true_calls,
    true_gene_sets,
    true_genes,
)

GENE_SETS = ROOT / "assets" / "gene_sets"
SHEETS = ["rnaseq.csv", "counts.tsv", "truth/genes.tsv", "truth/gene_sets.tsv", "truth/calls.tsv"]
BY_NAME = {line.name: line for line in LINES}
NRF2_LINES = ["HSC-2", "HSC-3", "HO-1-u-1"]


@pytest.fixture(scope="module")
def collections():
    return read_collections(GENE_SETS)


@pytest.fixture(scope="module")
def genes(collections):
    return draw_genes(1, collections)


def study_of(genes, size="small", seed=1, effects=1.0):
    return [draw_expression(seed, line, genes, effects) for line in SIZES[size][0]]


@pytest.fixture(scope="module")
def study(genes):
    return study_of(genes)


@pytest.fixture(scope="module")
def small(genes, study):
    """Return the small study's samples and, by gene_id, its counts."""
    samples, counts = draw_matrix(1, genes, study, 2)
    return samples, counts.set_index("gene_id").drop(columns="gene_name")


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype=str, keep_default_na=False)


def log2_means(counts: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Average log2 CPM by line and condition: genes in rows."""
    log_cpm = np.log2((counts + 0.5) / counts.sum() * 1e6)
    by_sample = samples.set_index("sample")
    return log_cpm.T.groupby([by_sample.line, by_sample.condition]).mean().T


def test_main__writes_the_same_bytes_for_a_seed_and_others_for_another(run_script, tmp_path):
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        options = {"gene_sets": GENE_SETS, "seed": seed, "results": tmp_path / folder}
        assert run_script(main, **options).exit_code == 0
    for name in SHEETS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    for name in ("counts.tsv", "truth/genes.tsv"):
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


@pytest.mark.parametrize(
    ("size", "lines", "samples"), [("small", 4, 16), ("medium", 7, 42), ("large", 50, 300)]
)
def test_main__writes_a_sheet_and_a_matrix_that_belong_together(size, lines, samples, run_script, tmp_path):
    started = time.process_time()
    assert run_script(main, size=size, gene_sets=GENE_SETS, results=tmp_path).exit_code == 0
    assert time.process_time() - started < 20

    sheet, matrix = read(tmp_path / "rnaseq.csv"), read(tmp_path / "counts.tsv")
    assert list(sheet) == ["sample", "line", "condition", "replicate"]
    assert list(matrix) == ["gene_id", "gene_name", *sheet["sample"]]
    assert (len(sheet), sheet.line.nunique()) == (samples, lines)
    assert sheet["sample"].is_unique
    assert sheet["sample"].str.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*").all()
    assert (sheet.groupby(["line", "condition"]).size() == samples / lines / 2).all()
    assert matrix.gene_id.is_unique
    assert matrix.gene_name[matrix.gene_name != ""].is_unique
    counts = matrix[sheet["sample"]].to_numpy().astype(np.int64)  # fails on anything but whole numbers
    assert (counts >= 0).all()
    assert (counts.sum(axis=0) > 1e6).all()


@pytest.mark.parametrize("effects", [0, 1])
def test_main__its_truth_names_what_the_sheets_and_gene_sets_have(effects, collections, run_script, tmp_path):
    assert run_script(main, gene_sets=GENE_SETS, effects=effects, results=tmp_path).exit_code == 0
    sheet, matrix = read(tmp_path / "rnaseq.csv"), read(tmp_path / "counts.tsv")
    contrasts = {f"{line}.resistant_vs_parental" for line in [*sheet.line, "all"]}
    known = {(name, each.name, each.identifier) for name, sets in collections.items() for each in sets}

    sets = read(tmp_path / "truth/gene_sets.tsv")
    assert set(zip(sets.collection, sets.gene_set, sets.identifier, strict=True)) <= known
    assert set(sets.contrast) == contrasts
    changed = read(tmp_path / "truth/genes.tsv")
    assert set(changed.contrast) == contrasts
    assert set(changed.gene_id) <= set(matrix.gene_id)
    calls = read(tmp_path / "truth/calls.tsv")
    in_calls, in_sheet = (set(zip(table.line, table.condition, strict=True)) for table in (calls, sheet))
    assert in_calls == in_sheet


def test_main__refuses_gene_sets_without_those_that_it_plants_effects_in(run_script, tmp_path):
    (tmp_path / "own.gmt").write_text("MINE\tno description\tTP53\tNQO1\n")
    result = run_script(main, gene_sets=tmp_path, results=tmp_path / "study")
    assert result.exit_code == 1
    assert result.output.startswith("Error: gene sets: no set HALLMARK_XENOBIOTIC_METABOLISM, ")


def test_planted_sets__finds_every_set_of_every_programme_in_the_shipped_collections(collections):
    found = planted_sets(collections)
    assert set(found) == {identifier for programme in PROGRAMMES.values() for identifier in programme.sets}
    assert found["WP4313"][1].name == "Ferroptosis (WP4313)"


def test_draw_genes__moves_the_nrf2_targets_most_and_leaves_their_regulators(genes):
    response = pd.Series(genes.responses["nrf2"], genes.table.gene_name)
    assert response[list(NRF2_TARGETS)].between(1, 2.5).all()
    assert (response[list(NRF2_REGULATORS)] == 0).all()
    others = response.drop([*NRF2_TARGETS, *NRF2_REGULATORS])
    assert others[others != 0].between(0.5, 1.5).all()


def test_draw_genes__a_random_three_fifths_of_a_planted_set_respond(genes, collections):
    for programme in ("nrf2", "mesenchymal", "interferon"):
        for identifier in PROGRAMMES[programme].sets:
            members = planted_sets(collections)[identifier][1].genes
            members = genes.table.gene_name.isin(set(members) - {*NRF2_TARGETS, *NRF2_REGULATORS}).to_numpy()
            share = (genes.responses[programme][members] != 0).mean()
            assert abs(share - 0.6) < 4 * np.sqrt(0.24 / members.sum())


def test_draw_genes__what_responds_is_expressed_and_some_others_are_not(genes):
    moved = np.any(list(genes.responses.values()), axis=0)
    abundance = np.exp2(genes.baseline)
    count = READS * abundance / abundance.sum()
    assert (count[moved] > 10).all()
    assert 0.2 < (count[~moved] < 10).mean() < 0.4


def test_draw_expression__a_line_is_the_same_in_a_study_of_any_size(genes):
    matrices = {size: draw_matrix(1, genes, study_of(genes, size), 2) for size in ("small", "medium")}
    (samples, small), (_, medium) = matrices.values()
    pd.testing.assert_frame_equal(small[samples["sample"]], medium[samples["sample"]])


def test_draw_expression__drift_is_random_and_independent_between_lines_and_of_what_is_planted(genes):
    drifts = np.array([draw_expression(1, line, genes, 1).drift for line in LINES[:7]])
    drifting = drifts[:, genes.may_drift]
    assert not drifts[:, ~genes.may_drift].any()
    assert abs((drifting != 0).mean() - SHARE_DRIFTING) < 4 * np.sqrt(SHARE_DRIFTING / drifting.size)
    changes = drifting[drifting != 0]
    assert abs(changes.mean()) < 4 * DRIFT_SD / np.sqrt(changes.size)
    assert abs(changes.std() - DRIFT_SD) < 4 * DRIFT_SD / np.sqrt(2 * changes.size)
    correlation = np.corrcoef([*drifting, genes.responses["nrf2"][genes.may_drift]])
    assert np.abs(correlation[np.triu_indices(8, 1)]).max() < 4.5 / np.sqrt(drifting.shape[1])


def test_draw_expression__effects_scale_what_is_planted_and_nothing_else(genes):
    none, half, whole = (draw_expression(1, BY_NAME["HO-1-u-1"], genes, effects) for effects in (0, 0.5, 1))
    np.testing.assert_allclose(half.planted, whole.planted / 2, rtol=1e-12)
    assert not none.planted.any()
    np.testing.assert_array_equal(none.drift, whole.drift)
    added = whole.log2_abundance["parental"] - none.log2_abundance["parental"]
    np.testing.assert_allclose(added, genes.responses["nrf2"], atol=1e-12)


def test_draw_counts__library_sizes_are_log_uniform_in_their_range():
    random, genes = np.random.default_rng(3), 1000
    sizes = [draw_counts(random, np.zeros(genes), np.full(genes, 0.02)).sum() / READS for _ in range(2000)]
    logs = (np.log(sizes) - np.log(LIBRARY_FACTORS[0])) / np.diff(np.log(LIBRARY_FACTORS))
    shares = [0.005, 0.25, 0.5, 0.75, 0.995]
    np.testing.assert_allclose(np.quantile(logs, shares), shares, atol=0.04)


def test_draw_counts__have_the_mean_and_the_dispersion_of_each_gene(genes, monkeypatch):
    """200 libraries of one size; the moments by classes of mean count, 3 % for Monte Carlo error."""
    monkeypatch.setattr("simulate_study.LIBRARY_FACTORS", (1.0, 1.0))
    abundance = np.exp2(genes.baseline)
    mean = READS * abundance / abundance.sum()
    random = np.random.default_rng(5)
    counts = np.array([draw_counts(random, genes.baseline, genes.dispersion) for _ in range(200)])
    found = (((counts - mean) ** 2).mean(0) - mean) / mean**2
    for low, high in ((20, 60), (60, 200), (200, 1000), (1000, 10_000)):
        rows = (mean > low) & (mean < high)
        np.testing.assert_allclose(np.mean(counts[:, rows] / mean[rows]), 1, atol=0.01)
        np.testing.assert_allclose(np.mean(found[rows] / genes.dispersion[rows]), 1, atol=0.03)


def test_draw_genes__dispersions_scatter_around_the_stated_trend(genes):
    abundance = np.exp2(genes.baseline + genes.line_sd**2 * np.log(2) / 2)
    ratio = np.log(genes.dispersion / dispersion_trend(READS * abundance / abundance.sum()))
    assert abs(ratio.mean()) < 4 * 0.3 / np.sqrt(len(ratio))
    assert abs(ratio.std() - 0.3) < 0.01
    np.testing.assert_allclose(dispersion_trend(np.array([1.0, 150, 1e9])), [1.52, 0.03, 0.02], rtol=1e-6)


def test_draw_matrix__library_sizes_vary_within_their_range_and_lines_differ(small):
    samples, counts = small
    totals = counts.sum()
    assert totals.max() / totals.min() > 1.3
    means = log2_means(counts, samples)[counts.mean(axis=1) > 100]
    between = means["HSC-3", "parental"] - means["HSC-4", "parental"]
    assert 0.7 < between.std() < 1.6


@pytest.mark.parametrize("line", NRF2_LINES)
def test_draw_matrix__planted_changes_are_in_the_means_of_the_counts(line, genes, study, small):
    samples, counts = small
    means = log2_means(counts, samples)[line]
    planted = {each.line.name: each.planted for each in study}[line]
    moved = np.flatnonzero(planted)
    found = (means.resistant - means.parental).to_numpy()
    found -= np.median(found)
    slope = (found[moved] @ planted[moved]) / (planted[moved] @ planted[moved])
    assert abs(slope - 1) < 0.15
    targets = np.flatnonzero(genes.table.gene_name.isin(NRF2_TARGETS))
    np.testing.assert_allclose(found[targets].mean(), planted[targets].mean(), atol=0.2)


def test_draw_matrix__targets_tell_active_lines_from_others_in_both_conditions(genes, study, small):
    samples, counts = small
    targets = genes.table.gene_name.isin(NRF2_TARGETS).to_numpy()
    state = log2_means(counts, samples)[targets].mean()
    state -= state.nsmallest(3).median()
    calls = true_calls([each.line for each in study], 1.0).set_index(["line", "condition"])
    assert (state[calls.index[calls.nrf2_active == "yes"]] > 1).all()
    assert (state[calls.index[calls.nrf2_active == "no"]] < 0.3).all()


def test_draw_matrix__without_effects_no_target_moves(genes):
    samples, counts = draw_matrix(1, genes, study_of(genes, effects=0), 2)
    means = log2_means(counts.set_index("gene_id").drop(columns="gene_name"), samples)
    for line in NRF2_LINES:
        change = (means[line].resistant - means[line].parental).to_numpy()
        change -= np.median(change)
        assert abs(change[np.flatnonzero(genes.responses["nrf2"])].mean()) < 0.15


def test_true_genes__is_the_difference_of_what_the_lines_express(genes, study):
    truth = true_genes(genes, study)
    for expression in study:
        levels = expression.log2_abundance
        change = pd.Series(levels["resistant"] - levels["parental"], genes.table.gene_id)
        listed = truth[truth.contrast == f"{expression.line.name}.resistant_vs_parental"].set_index("gene_id")
        np.testing.assert_allclose(listed.log2_fold_change, change[listed.index], atol=1e-12)
        assert np.abs(change.drop(listed.index)).max() < 1e-12


def test_true_genes__over_all_lines_is_their_mean(genes, study):
    truth = true_genes(genes, study)
    truth = truth[truth.gene_name != ""].set_index(["contrast", "gene_name"]).log2_fold_change
    each = [truth[f"{line}.resistant_vs_parental", "NQO1"] for line in NRF2_LINES]
    assert ("HSC-4.resistant_vs_parental", "NQO1") not in truth.index
    np.testing.assert_allclose(truth["all.resistant_vs_parental", "NQO1"], sum(each) / 4, rtol=1e-12)


def test_true_genes__without_effects_has_drift_only(genes):
    truth = true_genes(genes, study_of(genes, effects=0))
    assert (truth.planted_log2_fold_change == 0).all()
    assert (truth.log2_fold_change == truth.drift_log2_fold_change).all()
    assert len(truth) > 1000


def test_true_gene_sets__says_where_each_set_goes(collections, genes):
    truth = true_gene_sets(collections, genes, study_of(genes, "medium"), 1.0)
    direction = truth.set_index(["identifier", "contrast"]).direction
    by_line = {
        "WP2884": {"HSC-2": "up", "HSC-3": "up", "HO-1-u-1": "up", "all": "up"},
        "WP4313": {"HSC-2": "up", "HSC-3": "up", "HO-1-u-1": "up", "all": "up"},
        "HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION": {"Ca9-22": "up", "all": "up"},
        "HALLMARK_INTERFERON_ALPHA_RESPONSE": {"SAS": "down", "all": "down"},
    }
    for identifier, expected in by_line.items():
        for line in ("RPMI2650", "HSC-2", "HSC-3", "HO-1-u-1", "Ca9-22", "HSC-4", "SAS", "all"):
            assert direction[identifier, f"{line}.resistant_vs_parental"] == expected.get(line, "none")


def test_true_gene_sets__of_the_small_study_leaves_one_line_without_any(collections, genes, study):
    truth = true_gene_sets(collections, genes, study, 1.0)
    assert set(truth.identifier) == set(PROGRAMMES["nrf2"].sets)
    assert set(truth.contrast[truth.direction == "none"]) == {"HSC-4.resistant_vs_parental"}


def test_true_gene_sets__without_effects_go_nowhere(collections, genes):
    truth = true_gene_sets(collections, genes, study_of(genes, effects=0), 0)
    assert len(truth) == 20
    assert set(truth.direction) == {"none"}
    assert not truth.planted_log2_fold_change.any()


def test_true_calls__are_those_of_the_founding_study():
    calls = true_calls(SIZES["medium"][0], 1.0)
    candidates = calls[calls.call == "candidate"]
    assert list(zip(candidates.line, candidates.condition, strict=True)) == [
        *(("HSC-3", "resistant"), ("HO-1-u-1", "parental"), ("HO-1-u-1", "resistant")),
    ]
    resistant = calls[calls.condition == "resistant"].set_index("line")
    assert dict(resistant.nrf2_gained[resistant.nrf2_active == "yes"]) == {
        **{"HSC-2": "yes", "HSC-3": "yes", "HO-1-u-1": "no"},
    }
    assert set(resistant.index[resistant.nqo1_functional == "no"]) == {"RPMI2650", "HSC-2", "Ca9-22", "HSC-4"}
    assert (calls.nrf2_gained[calls.condition == "parental"] == "").all()


def test_true_calls__without_effects_nothing_is_active_and_no_line_a_candidate():
    calls = true_calls(SIZES["medium"][0], 0.0)
    assert set(calls.nrf2_active) == {"no"}
    assert set(calls.nqo1_functional) == {"yes"}
    assert set(calls.call) == {"not_candidate"}


def test_stream__parts_and_keys_are_independent():
    keys = [(1, "genes"), (2, "genes"), (1, "lines", 0), (1, "lines", 1), (1, "samples", 0, 0, 1)]
    drawn = np.array([stream(*each).random(10_000) for each in keys])
    assert np.abs(np.corrcoef(drawn)[np.triu_indices(5, 1)]).max() < 0.05


def test_platinum_genes__are_in_the_study_and_move_in_hsc_4_alone(genes, study):
    rows = np.flatnonzero(genes.table.gene_name.isin(PLATINUM_GENES))
    assert len(rows) == len(PLATINUM_GENES)
    for expression in study:
        expected = [PLATINUM_GENES[name] for name in genes.table.gene_name[rows]]
        if expression.line.name == "HSC-4":
            np.testing.assert_array_equal(expression.planted[rows], expected)
            assert np.count_nonzero(expression.planted) == len(expected)
        else:
            np.testing.assert_array_equal(expression.planted[rows] != 0, genes.responses["nrf2"][rows] != 0)
