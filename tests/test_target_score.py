"""Oracle: R limma's camera with a preset correlation (tests/oracles/target_score.R made its table)."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import target_score
import yaml
from common.evidence import COLUMNS
from common.mmc_candidates_tables import read_evidence
from common.tables import read_table
from common.target_score_report import ACTIVE_FROM, INACTIVE_BELOW, MOST_GROUPS
from conftest import ORACLES, ROOT
from scipy import stats
from target_score import (
    GENES,
    MIN_GENES,
    MOST_CHANGE,
    NOT_SCORED,
    adjusted,
    baseline_groups,
    change_of,
    competitive_test,
    context_of,
    evidence_of,
    find_genes,
    half_widths,
    list_changes,
    main,
    missing_genes,
    score_groups,
)

PANEL = read_table(ROOT / "assets/gene_panels.tsv", {"panel": "str", "gene_name": "str", "source": "str"})
PANEL = PANEL[PANEL.panel == "nrf2_targets"]
TARGETS = list(PANEL.gene_name)
SCORED = [name for name in TARGETS if name not in NOT_SCORED]
OTHERS = [f"OTHER{number}" for number in range(200)]
CONDITIONS = {"reference": "parental", "target": "resistant", "other": "recovered"}
ORACLE = pd.read_csv(ORACLES / "target_score.tsv", sep="\t")
RULES = yaml.safe_load((ROOT / "assets/mmc_rules.yml").read_text())["nrf2_active"]["rows"]["target_genes"]


def statistics_of(study) -> np.ndarray:
    genes = pd.read_csv(ORACLES / "differential_expression_genes.tsv.gz", sep="\t")
    return genes.stat[genes.set == study].dropna().to_numpy()


def places_of(name, statistics) -> np.ndarray:
    """Make a set as the oracle's script does."""
    kind, number = name.split("_")
    if kind == "every":
        return np.arange(0, len(statistics), int(number))
    return np.argsort(-statistics, kind="stable")[: 3 * int(number) : 3]


@pytest.mark.parametrize("row", list(ORACLE.itertuples()), ids=lambda row: f"{row.study} {row.set}")
def test_competitive_test__matches_camera_of_limma(row):
    statistics = statistics_of(row.study)
    places = places_of(row.set, statistics)
    found = competitive_test(statistics[places], np.delete(statistics, places))
    assert len(places) == row.genes
    assert found.p_value == pytest.approx(row.p_value, rel=1e-9)
    assert (found.statistic > 0) == (row.direction == "Up")


def correlated(rng, draws, genes, correlation) -> np.ndarray:
    shared = rng.normal(size=(draws, 1)) * correlation**0.5
    return shared + rng.normal(size=(draws, genes)) * (1 - correlation) ** 0.5


def p_values_of(correlation) -> list[float]:
    rng = np.random.default_rng(1)
    panels, others = correlated(rng, 1500, 100, correlation), rng.normal(size=(1500, 500))
    return [competitive_test(*pair).p_value for pair in zip(panels, others, strict=True)]


def test_competitive_test__is_uniform_where_genes_correlate_as_assumed():
    assert stats.kstest(p_values_of(target_score.CORRELATION), "uniform").pvalue > 0.01


def test_competitive_test__would_find_too_much_if_it_ignored_the_correlation(monkeypatch):
    monkeypatch.setattr(target_score, "CORRELATION", 0)
    assert np.mean(np.array(p_values_of(0.01)) < 0.05) > 0.12  # 0.16 is expected


def test_competitive_test__does_not_see_what_moves_all_genes():
    rng = np.random.default_rng(2)
    panel, others = rng.normal(1, 1, 27), rng.normal(0, 1, 300)
    found, moved = competitive_test(panel, others), competitive_test(3 * panel + 2, 3 * others + 2)
    assert moved.statistic == pytest.approx(found.statistic, rel=1e-12)
    assert competitive_test(-panel, -others).statistic == pytest.approx(-found.statistic, rel=1e-12)


@pytest.mark.parametrize(("groups", "lowest"), [(3, 1), (4, 2), (6, 2), (8, 3), (14, 5)])
def test_baseline_groups__are_the_lowest_third_rounded_up(groups, lowest):
    scores = np.random.default_rng(3).permutation(groups).astype(float)
    assert sorted(scores[baseline_groups(scores)]) == list(range(lowest))


def test_half_widths__are_those_of_the_t_interval_if_one_group_has_replicates():
    values, single = np.array([3.0, 4.5, 3.2]), np.array([8.0])
    half, over = half_widths([values, single], np.zeros((5, 2)), 0.9)
    low, high = stats.t.interval(0.9, 2, values.mean(), stats.sem(values))
    assert over == "replicates"
    assert 2 * half[0] == pytest.approx(high - low, rel=1e-12)
    # A group of one sample has the others' standard deviation.
    assert half[1] == pytest.approx(half[0] * 3**0.5, rel=1e-12)


def test_half_widths__cover_the_mean_as_often_as_they_say():
    rng, sizes = np.random.default_rng(4), (2, 3, 2, 1, 2)
    hits = []
    for _ in range(1500):
        samples = [rng.normal(5, 0.4, size) for size in sizes]
        half, _ = half_widths(samples, np.zeros((1, 5)), 0.8)
        hits += [abs(each.mean() - 5) < width for each, width in zip(samples, half, strict=True)]
    assert np.mean(hits) == pytest.approx(0.8, abs=0.02)


def test_half_widths__are_over_genes_without_replicates():
    above = np.random.default_rng(5).normal(1, 0.5, (20, 2))
    half, over = half_widths([np.ones(1), np.ones(1)], above, 0.95)
    low, high = stats.t.interval(0.95, 19, above.mean(axis=0), stats.sem(above, axis=0))
    assert over == "genes"
    np.testing.assert_allclose(2 * half, high - low, rtol=1e-12)
    alone, _ = half_widths([np.ones(1), np.ones(1)], np.where([True, False], 0, above), 0.95)
    np.testing.assert_allclose(alone, [np.nan, half[1]], rtol=1e-12)


def test_adjusted__leaves_contrasts_without_a_test_out():
    found = adjusted(pd.Series([0.01, np.nan, 0.04, 0.03]))
    np.testing.assert_allclose(found, [0.03, np.nan, 0.04, 0.04])
    assert adjusted(pd.Series([np.nan, np.nan])).isna().all()


# ---- studies


def sheet(groups, replicates=2) -> pd.DataFrame:
    """Make samples of (line, role)."""
    rows = [
        {"line": line, "condition": CONDITIONS[role], "role": role, "replicate": str(number + 1)}
        for line, role in groups
        for number in range(replicates)
    ]
    table = pd.DataFrame(rows)
    return table.assign(sample=table.line + "." + table.condition + table.replicate)


def expression(samples, effects, names=(*TARGETS, *OTHERS), seed=1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make genes and their log2 CPM; `effects` of (line, role) are what the targets have more."""
    rng = np.random.default_rng(seed)
    gene_ids = [f"ENSG{number}.1" for number in range(len(names))]
    values = rng.uniform(3, 9, (len(names), 1)) + rng.normal(0, 0.2, (len(names), len(samples)))
    more = [effects.get((row.line, row.role), 0) for row in samples.itertuples()]
    values[np.isin(names, TARGETS)] += more
    genes = pd.DataFrame({"gene_id": gene_ids, "gene_name": names}, index=gene_ids)
    return genes, pd.DataFrame(values, gene_ids, samples["sample"])


def contrast_of(genes, values, samples, lines) -> pd.DataFrame:
    """Make <contrast>.genes.tsv of resistant against parental in these lines."""
    own = samples[samples.line.isin(lines)]
    ends = [values[own["sample"][own.role == role]] for role in ("target", "reference")]
    change = ends[0].mean(axis=1) - ends[1].mean(axis=1)
    table = genes.assign(log2_fold_change=change, stat=change / 0.2, q_value=0.5, status="ok")
    return table[list(GENES)].reset_index(drop=True)


def summary_of(samples, status="ok", up=0.0) -> pd.DataFrame:
    roles = samples.groupby("line", sort=False).role.agg(set)
    lines = [line for line, its in roles.items() if {"reference", "target"} <= its]
    named = {line: line for line in lines} | ({"all": ";".join(lines)} if len(lines) > 1 else {})
    rows = [
        {"contrast": f"{name}.resistant_vs_parental", "lines": its, "status": status, "up": up}
        for name, its in named.items()
    ]
    columns = ["contrast", "reference", "target", "lines", "up", "status", "reason"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(reference="parental", target="resistant", reason="")


class Study:
    """A study with planted effects, and what is found in it."""

    def __init__(self, groups, effects, replicates=2, status="ok", up=0.0, seed=1, **given):
        self.samples = sheet(groups, replicates)
        self.genes, self.log_cpm = expression(self.samples, effects, seed=seed, **given)
        self.summary = summary_of(self.samples, status, up)
        lines = self.summary.set_index("contrast").lines.str.split(";")
        self.tables = {
            name: contrast_of(self.genes, self.log_cpm, self.samples, its) for name, its in lines.items()
        }
        if status == "no_replicates":
            self.tables = {name: table.assign(stat=np.nan) for name, table in self.tables.items()}

    def score(self):
        found = find_genes(TARGETS, self.genes, self.log_cpm)
        absent = missing_genes(TARGETS, found, set(self.genes.gene_name))
        return score_groups(self.samples, self.log_cpm, found, absent, 0.95)

    def change(self):
        found = find_genes(TARGETS, self.genes, self.log_cpm)
        return list_changes(self.summary, self.tables, found, self.log_cpm.index, 0.95)

    def evidence(self):
        return evidence_of(self.score().scores, self.change())

    def write(self, folder, panels=PANEL) -> dict[str, object]:
        (folder / "genes").mkdir(parents=True)
        tables = {"samples": self.samples, "summary": self.summary, "gene_panels": panels}
        tables["log_cpm"] = self.genes.join(self.log_cpm)
        tables |= {f"genes/{name}.genes": table for name, table in self.tables.items()}
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
        named = {name: folder / f"{name}.tsv" for name in ("samples", "summary", "gene_panels", "log_cpm")}
        return named | {"genes": folder / "genes"}


PAIRS = [(line, role) for line in "ABCD" for role in ("reference", "target")]
# As in the founding study: one line rises, one rises less, one is high throughout, one is not.
PLANTED = {("A", "target"): 1.5, ("B", "target"): 1.2, ("C", "reference"): 1.5, ("C", "target"): 2.0}


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_score_groups__finds_the_planted_activity(replicates):
    scores = Study(PAIRS, PLANTED, replicates).score().scores
    planted = [PLANTED.get(group, 0) for group in zip(scores.line, scores.role, strict=True)]
    np.testing.assert_allclose(scores.above_baseline, planted, atol=0.15)
    assert (scores.low <= scores.above_baseline).all()
    assert set(scores.interval) == {"genes" if replicates == 1 else "replicates"}
    active = scores.above_baseline >= ACTIVE_FROM
    assert list(scores.line[active] + scores.role[active]) == ["Atarget", "Btarget", "Creference", "Ctarget"]
    assert (scores.above_baseline[~active] < INACTIVE_BELOW).all()


def test_score_groups__finds_nothing_where_nothing_is_planted():
    study = Study(PAIRS, {})
    assert (study.score().scores.above_baseline.abs() < INACTIVE_BELOW).all()
    assert not (study.change().q_value < 0.05).any()


def test_score_groups__does_not_depend_on_depth_or_on_the_order_of_samples():
    study = Study(PAIRS, PLANTED)
    before = study.score().scores
    study.log_cpm += 3
    study.samples = study.samples.iloc[::-1]
    before = before.sort_values(["line", "condition"])
    after = study.score().scores.sort_values(["line", "condition"])
    np.testing.assert_allclose(after.above_baseline, before.above_baseline, atol=1e-12)
    np.testing.assert_allclose(after.high, before.high, atol=1e-12)


def test_score_groups__is_the_mean_of_means_over_the_median_of_the_lowest_third():
    study = Study(PAIRS, PLANTED)
    scores, (genes, values) = study.score().scores, (study.genes, study.log_cpm)
    slow = {}
    for (line, condition), own in study.samples.groupby(["line", "condition"]):
        rows = [values.loc[genes.gene_id[genes.gene_name == name].item(), own["sample"]] for name in SCORED]
        slow[line, condition] = sum(sum(row) / len(row) for row in rows) / len(rows)
    low = sorted(slow.values())[1]  # the median of the lowest three of eight
    for row in scores.itertuples():
        assert row.score == pytest.approx(slow[row.line, row.condition], rel=1e-12)
        assert row.above_baseline == pytest.approx(slow[row.line, row.condition] - low, abs=1e-12)


def test_nqo1_and_hmox1__are_shown_and_change_no_score_and_no_test():
    study = Study(PAIRS, PLANTED)
    scored, changes = study.score(), study.change()
    for name in NOT_SCORED:
        place = study.genes.gene_id[study.genes.gene_name == name].item()
        study.log_cpm.loc[place] = np.linspace(-5, 15, len(study.samples))
        for table in study.tables.values():
            table.loc[table.gene_id == place, ["log2_fold_change", "stat"]] = [20, 100]
    pd.testing.assert_frame_equal(study.score().scores, scored.scores)
    pd.testing.assert_frame_equal(study.change(), changes)
    shown = scored.genes[scored.genes.gene_name.isin(NOT_SCORED)]
    assert set(shown.scored) == {"no"}
    assert shown.above_baseline.notna().all()
    assert set(shown.reason) == set(NOT_SCORED.values())


def test_not_scored__are_the_genes_that_the_shipped_panel_does_not_score():
    assert set(PANEL.gene_name[PANEL.source.str.contains("not scored")]) == set(NOT_SCORED)


def test_thresholds__are_those_of_the_shipped_rules():
    assert (RULES["score_from"], RULES["score_below"], RULES["genes_from"]) == (
        ACTIVE_FROM,
        INACTIVE_BELOW,
        MIN_GENES,
    )


def test_score_groups__gives_no_verdict_with_fewer_than_15_genes():
    names = [*SCORED[:14], "NQO1", "HMOX1", *OTHERS]
    study = Study(PAIRS, PLANTED, names=names)
    scored, changes = study.score(), study.change()
    assert set(scored.scores.status) == {"too_few_genes"}
    assert set(scored.scores.reason) == {"14 genes of the panel nrf2_targets are expressed, 15 needed"}
    assert scored.scores.score.notna().all()
    assert scored.scores[["above_baseline", "low", "high"]].isna().all(axis=None)
    assert set(changes.status) == {"too_few_genes"}
    assert changes.p_value.isna().all()
    assert not (study.evidence().status == "ok").any()
    assert set(Study(PAIRS, PLANTED, names=[*SCORED[:15], *OTHERS]).score().scores.status) == {"ok"}


def test_score_groups__gives_no_verdict_with_fewer_than_3_groups():
    scores = Study(PAIRS[:2], PLANTED).score().scores
    assert set(scores.status) == {"too_few_groups"}
    assert set(scores.reason) == {"2 lines and conditions, 3 needed for a baseline"}
    assert scores.above_baseline.isna().all()


def test_score_groups__names_the_genes_that_lead():
    study = Study(PAIRS, PLANTED)
    study.log_cpm.loc[study.genes.gene_id[study.genes.gene_name == "GCLM"].item(), ["A.resistant1"]] += 8
    scores = study.score().scores.set_index(["line", "role"])
    assert scores.leading_genes["A", "target"].startswith("GCLM;")
    assert len(scores.leading_genes["A", "target"].split(";")) == 5


def test_missing_genes__tells_not_measured_from_not_expressed_if_it_can():
    found = missing_genes(["A", "B", "C"], {"A": "ENSG1"}, {"A", "B"})
    assert list(found.gene_name + " " + found.status) == ["B not_expressed", "C not_measured"]
    assert list(missing_genes(["A", "B"], {"A": "ENSG1"}, None).status) == ["no_value"]


def test_find_genes__takes_the_highest_of_a_name_and_ids_without_version():
    genes = pd.DataFrame(
        {"gene_id": ["ENSG1.1", "ENSG2.1", "ENSG3.1", "ENSG4.2"], "gene_name": ["X", "X", "ENSG4", "Y"]}
    ).set_index("gene_id", drop=False)
    values = pd.DataFrame({"s": [1.0, 5, 2, 9]}, genes.index)
    found = find_genes(["X", "ENSG4", "ENSG1", "Z"], genes, values)
    assert found == {"X": "ENSG2.1", "ENSG4": "ENSG3.1", "ENSG1": "ENSG1.1"}


def test_change_of__is_the_mean_over_usable_expressed_genes_cut_at_both_ends():
    names = SCORED[:20]
    changes = np.linspace(0.2, 1.2, 20)
    table = pd.DataFrame({"gene_id": names, "gene_name": names, "log2_fold_change": changes, "status": "ok"})
    table["stat"] = changes * 4
    table.loc[:1, "log2_fold_change"] = [28, -28]
    table.loc[2, "status"] = "outlier"
    found = change_of(table, {name: name for name in names}, pd.Index(names[:-1]), 0.95)
    used = np.array([MOST_CHANGE, -MOST_CHANGE, *changes[3:-1]])
    assert found["genes"] == len(used) == 18
    assert found["mean_log2_fold_change"] == pytest.approx(used.mean(), rel=1e-12)
    # The variance of a mean of equally correlated genes.
    half = stats.t.ppf(0.975, 17) * used.std(ddof=1) * np.sqrt((1 + 17 * 0.01) / 18)
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=1e-12)
    assert found["leading_genes"].split(";")[0] == names[0]
    assert found["status"] == "too_few_other_genes"


def test_list_changes__finds_planted_changes_and_adjusts_single_lines_apart():
    changes = Study(PAIRS, PLANTED).change().set_index("contrast")
    planted = {"A": 1.5, "B": 1.2, "C": 0.5, "D": 0.0}
    for line, change in planted.items():
        row = changes.loc[f"{line}.resistant_vs_parental"]
        assert row.mean_log2_fold_change == pytest.approx(change, abs=0.1)
        assert (row.q_value < 0.05) == (change > 0)
    single = changes[changes.family == "single_lines"]
    assert list(single.line) == [*"ABCD"]
    np.testing.assert_allclose(single.q_value, stats.false_discovery_control(single.p_value))
    several = changes.loc["all.resistant_vs_parental"]
    assert (several.family, several.line) == ("several_lines", "")
    assert several.q_value == several.p_value


def test_list_changes__passes_on_that_a_contrast_has_no_replicates():
    changes = Study(PAIRS, PLANTED, 1, "exploratory_additive_dispersion", np.nan).change()
    assert set(changes.status) == {"exploratory_additive_dispersion"}
    assert changes.p_value.notna().all()
    untested = Study(PAIRS, PLANTED, 1, "no_replicates", np.nan).change()
    assert set(untested.status) == {"no_replicates"}
    assert untested.mean_log2_fold_change.notna().all()
    assert untested[["statistic", "p_value", "q_value"]].isna().all(axis=None)
    absent = Study(PAIRS, PLANTED, 1, "no_samples", np.nan).change()
    assert (set(absent.status), set(absent.genes)) == ({"no_samples"}, {0})


@pytest.mark.parametrize(("up", "says"), [(np.nan, "0 up and 0 down"), (3.0, "4 up and 0 down")])
def test_main__counts_no_contrast_without_replicates_unless_that_was_accepted(up, says, run_script, tmp_path):
    study = Study(PAIRS, PLANTED, 1, "exploratory_additive_dispersion", up)
    assert run_script(main, **study.write(tmp_path / "study"), results=tmp_path).exit_code == 0
    sections = [tmp_path / f"target_score{name}_mqc.json" for name in ("", "_changes")]
    scores, changes = (json.loads(path.read_text()) for path in sections)
    assert says in changes["description"]
    assert ("ranked and not counted: 5" in changes["description"]) == np.isnan(up)
    words = "(exploratory, without replicates)" if np.isnan(up) else "(q < 0.0001, exploratory"
    assert words in scores["nrf2flow"]["findings"]["A"]


def test_list_changes__has_no_test_where_all_statistics_are_the_same():
    study = Study(PAIRS, {})
    study.tables = {name: table.assign(stat=0.0) for name, table in study.tables.items()}
    assert set(study.change().status) == {"zero_variance"}


@pytest.mark.parametrize(("up", "tested"), [(np.nan, False), (3.0, True)])
def test_evidence_of__has_a_q_value_without_replicates_only_if_that_was_accepted(up, tested):
    evidence = Study(PAIRS, PLANTED, 1, "exploratory_additive_dispersion", up).evidence()
    changes = evidence[evidence.evidence == "nrf2_target_change"]
    assert set(changes.status) == {"ok"}
    assert changes.value.notna().all()
    assert set(changes.q_value.notna()) == {tested}
    reason = "" if tested else "no test that counts: exploratory_additive_dispersion"
    assert set(changes.reason) == {reason}


def test_evidence_of__has_a_score_for_all_groups_and_a_change_against_the_reference_condition_alone():
    study = Study([*PAIRS, ("D", "other")], PLANTED)
    study.summary.loc[3, ["reference", "target"]] = ["resistant", "recovered"]
    study.summary.loc[2, "target"] = "recovered"
    evidence = study.evidence()
    assert list(evidence) == COLUMNS
    assert (evidence.evidence == "nrf2_target_score").sum() == 9
    changes = evidence[evidence.evidence == "nrf2_target_change"]
    assert list(changes.line + changes.role) == ["Atarget", "Btarget"]


def test_context_of__has_levels_of_all_groups_and_changes_against_the_reference_condition():
    study = Study(PAIRS, PLANTED, names=(*TARGETS, *OTHERS, "KEAP1", "NFE2L2"))
    changes = study.change()
    for table in study.tables.values():
        table.loc[table.gene_name == "NFE2L2", "status"] = "outlier"
    given = study.samples, study.genes, study.log_cpm, {*study.genes.gene_name}
    rows = list(context_of(*given, study.score().scores, changes, study.tables))
    table = evidence_of(study.score().scores, changes, rows).set_index(["evidence", "line", "condition"])
    levels = table[table.unit == "log2 CPM"]
    assert len(levels) == 3 * len(PAIRS)
    own = study.samples["sample"][(study.samples.line == "A") & (study.samples.role == "target")]
    keap1 = study.log_cpm.loc[study.genes.gene_id[study.genes.gene_name == "KEAP1"].iloc[0], own]
    assert levels.value["keap1_expression", "A", "resistant"] == pytest.approx(keap1.mean())
    assert set(levels.status["cul3_expression"]) == {"not_measured"}
    moved = table[table["item"] == "change"]
    assert len(moved) == 2 * len(PAIRS) / 2
    assert set(moved.status["keap1_expression"]) == {"ok"}
    assert set(moved.status["nfe2l2_expression"]) == {"outlier"}
    assert (moved.q_value["keap1_expression"] == 0.5).all()


# ---- the command


STUDIES = {
    "as planted": (PAIRS, 2, {}),
    "no replicates": ([(f"L{n}", role) for n in range(7) for role in ("reference", "target")], 1, {}),
    "1 line": (PAIRS[:2], 2, {}),
    "1 sample": (PAIRS[:1], 1, {}),
    "1 condition": (PAIRS[::2], 2, {}),
    "many lines": ([(f"long name of line {n}", role) for n in range(34) for role in CONDITIONS], 1, {}),
    "no gene of the panel": (PAIRS, 2, {"names": OTHERS}),
    "2 genes": (PAIRS, 1, {"names": ["GCLM", "NQO1"]}),
    "only NQO1": (PAIRS, 2, {"names": ["NQO1", *OTHERS]}),
}


@pytest.mark.parametrize("name", STUDIES)
def test_main__writes_tables_figure_and_sections_of_any_study(name, run_script, tmp_path):
    groups, replicates, given = STUDIES[name]
    study = Study(groups, PLANTED, replicates, **given)
    results = tmp_path / "results"
    results.mkdir()
    done = run_script(main, **study.write(tmp_path / "study"), results=results)
    assert (done.exit_code, done.output) == (0, "")

    scores = read_table(results / "scores.tsv", {"line": "str", "score": "float64", "status": "str"})
    assert len(scores) == len(groups)
    genes = read_table(results / "genes.tsv", {"gene_name": "str", "line": "str"})
    assert len(genes) == len(groups) * len(TARGETS)
    changes = read_table(results / "changes.tsv", {"contrast": "str", "status": "str"})
    assert list(changes.contrast) == list(study.summary.contrast)
    assert len(read_evidence(results)) >= len(groups)
    sections = [json.loads(path.read_text()) for path in sorted(results.glob("*_mqc.json"))]
    assert len(sections) == 3
    assert all(section["description"] for section in sections)
    assert all(path.stat().st_size < 300_000 for path in results.glob("*_mqc.json"))

    drawn = results / "target_score.tsv"
    assert drawn.exists() == scores.score.notna().any()
    if drawn.exists():
        table = read_table(drawn, {"element": "str", "line": "str"})
        assert (table.element == "group").sum() == min(len(groups), MOST_GROUPS)
        assert {path.suffix for path in results.glob("target_score.*")} == {".png", ".svg", ".tsv"}

    explained = pd.read_csv(ROOT / "assets/columns.tsv", sep="\t")
    for path in results.glob("*.tsv"):
        if path.name != "versions.tsv":
            known = set(explained.column[explained.table == f"target_score/{path.name}"])
            assert set(path.read_text().split("\n")[0].split("\t")) == known, path.name


def test_main__says_by_line_what_was_found(run_script, tmp_path):
    study = Study(PAIRS, PLANTED)
    assert run_script(main, **study.write(tmp_path / "study"), results=tmp_path).exit_code == 0
    section = json.loads((tmp_path / "target_score_mqc.json").read_text())
    assert section["nrf2flow"]["statuses"] == "ok 8"
    findings = section["nrf2flow"]["findings"]
    assert list(findings) == [*"ABCD"]
    words = r"NRF2 targets parental .0\.\d\d, resistant \+1\.\d\d log2 above the study's low lines; "
    words += r"resistant against parental \+1\.\d\d \(q < 0\.0001\), most in \w+, \w+ and \w+"
    assert re.fullmatch(words, findings["A"])
    assert re.search(r"resistant against parental .0\.\d\d \(q 0\.\d+\)$", findings["D"])
    assert "Twice as high as it or more: C resistant +" in section["description"]


def test_main__draws_the_groups_line_by_line_from_the_highest_on(run_script, tmp_path):
    study = Study(PAIRS, PLANTED)
    assert run_script(main, **study.write(tmp_path / "study"), results=tmp_path).exit_code == 0
    table = pd.read_csv(tmp_path / "target_score.tsv", sep="\t")
    groups = table[table.element == "group"]
    assert list(groups.line) == [*"CCAABBDD"]
    assert list(groups.role) == ["reference", "target"] * 4
    cells = table[table.element == "gene"]
    assert set(cells.gene_name[-16:]) == set(NOT_SCORED)
    means = cells[:-16].groupby("gene_name", sort=False).value.mean()
    assert means.is_monotonic_decreasing
    written = re.findall(r">([^<>]+)</text>", (tmp_path / "target_score.svg").read_text())
    assert {*TARGETS, "A", "B", "C", "D", "parental", "resistant", "0.3", "1"} <= set(written)


def test_main__gives_the_same_bytes_twice(run_script, tmp_path):
    options = Study(PAIRS, PLANTED).write(tmp_path / "study")
    runs = [tmp_path / "1", tmp_path / "2"]
    for folder in runs:
        folder.mkdir()
        assert run_script(main, **options, results=folder).exit_code == 0
    names = sorted(path.name for path in runs[0].iterdir())
    assert all((runs[0] / name).read_bytes() == (runs[1] / name).read_bytes() for name in names)
