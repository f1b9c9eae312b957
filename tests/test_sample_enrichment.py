import json

import gseapy
import numpy as np
import pandas as pd
import pytest
from common.gene_sets import GeneSet, members_of, read_gmt
from conftest import ORACLES, REFERENCE_DATA
from sample_enrichment import (
    by_line,
    choose,
    divide_by_range,
    judge,
    main,
    one_row_a_name,
    order_genes,
    score_collection,
    score_sets,
)

HALLMARK = REFERENCE_DATA / "gene_sets/h.all.v7.0.symbols.gmt"
DIALECTS = ["genepattern", "gsva", "gseapy"]


def read_gct(name: str, line_end: str = "\n") -> pd.DataFrame:
    path = REFERENCE_DATA / "ssgsea_genepattern" / name
    table = pd.read_csv(path, sep="\t", skiprows=2, lineterminator=line_end)
    return table.rename(columns=str.lower).set_index("name").iloc[:, 1:].astype(float)


def lncap() -> pd.DataFrame:
    """Counts of Li et al. 2008: 28,137 symbols, of which most tie in every lane."""
    counts = pd.read_csv(REFERENCE_DATA / "counts/Li2008_LNCaP_gene_counts.tsv.gz", sep="\t")
    counts = counts[counts.gene_name.notna() & ~counts.gene_name.duplicated()]
    return counts.set_index("gene_name").iloc[:, 1:].astype(float)


def named(names) -> pd.DataFrame:
    return pd.DataFrame({"gene_id": names, "gene_name": names})


def scored(values: pd.DataFrame, sets: list[GeneSet], *options: object) -> pd.DataFrame:
    found = score_sets(values.to_numpy(), members_of(sets, named(values.index)), *options)
    return pd.DataFrame(found, [each.name for each in sets], values.columns)


def walk(values: np.ndarray, members: np.ndarray, dialect: str) -> float:
    """Sum the running sum, step by step, as the papers describe it: one set, one sample."""
    genes = len(values)
    ranks = [sum(values < value) + (sum(values == value) + 1) / 2 for value in values]
    if dialect == "genepattern":
        mean = np.mean(ranks)
        spread = np.sqrt(sum((rank - mean) ** 2 for rank in ranks) / (genes - 1))
        weights = [abs((rank - mean) / spread) ** 0.75 for rank in ranks]
    else:
        weights = [(int(rank) if dialect == "gsva" else rank) ** 0.25 for rank in ranks]
    tie = -1 if dialect == "gseapy" else 1
    total, height, area = sum(weights[gene] for gene in members), 0.0, 0.0
    for gene in sorted(range(genes), key=lambda gene: (-values[gene], tie * gene)):
        height += weights[gene] / total if gene in members else -1 / (genes - len(members))
        area += height
    return area


def study(tmp_path, values: dict[str, list[float]], sets: str = "S\tna\tG0\tG1\nT\tna\tG2\tG3\n"):
    """Write a study of one line, parental and resistant in turn, and return the options of the command."""
    samples = pd.DataFrame({"sample": list(values), "line": "HSC-2", "replicate": "1"})
    samples["condition"] = ["parental", "resistant", "clone"][: len(values)]
    samples["role"] = ["reference", "target", "other"][: len(values)]
    samples.to_csv(tmp_path / "samples.tsv", sep="\t", index=False)
    genes = named([f"G{gene}" for gene in range(len(next(iter(values.values()))))])
    genes.assign(**values).to_csv(tmp_path / "log_cpm.tsv", sep="\t", index=False)
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets/some.gmt").write_text(sets)
    inputs = {"samples": tmp_path / "samples.tsv", "log_cpm": tmp_path / "log_cpm.tsv"}
    return inputs | {"gene_sets": tmp_path / "sets", "gene_set_min": 1, "highlight_sets": "S"}


def test_score_sets__matches_genepattern_on_ranks():
    """Scores of the Hallmark sets by ssGSEA.Library.R of the GenePattern module; 52, of which two are
    differences of an _UP and a _DN set. REFERENCE_DATA's README has their provenance."""
    expected = read_gct("P53_14.hallmark_v7.0.rank.w0.75.gct")
    found = scored(read_gct("P53_14samples_collapsed_symbols.gct", "\r"), read_gmt(HALLMARK), "genepattern")
    np.testing.assert_allclose(found, expected.loc[found.index], rtol=0, atol=1e-9)


def test_score_sets__matches_genepattern_without_ranks():
    """tests/oracles/sample_enrichment.R made the scores with the same module, `none` for `rank`."""
    expected = pd.read_csv(ORACLES / "sample_enrichment_genepattern_none.tsv.gz", sep="\t", index_col=0)
    values = read_gct("P53_14samples_collapsed_symbols.gct", "\r")
    found = scored(values, read_gmt(HALLMARK), "genepattern", False)
    np.testing.assert_allclose(found, expected.loc[found.index].rename(columns=str.lower), rtol=0, atol=1e-9)


def test_score_sets__matches_gsva_where_most_genes_tie():
    """tests/oracles/sample_enrichment.R made the scores with GSVA 1.46.0, ssgsea.norm FALSE and TRUE."""
    found = scored(lncap(), read_gmt(HALLMARK), "gsva")
    for scores, kind in ((found, "raw"), (divide_by_range(found.to_numpy()), "normalised")):
        expected = pd.read_csv(ORACLES / f"sample_enrichment_gsva_{kind}.tsv.gz", sep="\t", index_col=0)
        np.testing.assert_allclose(scores, expected.loc[found.index], rtol=1e-9)


def test_score_sets__matches_gseapy_where_most_genes_tie():
    values, sets = lncap(), read_gmt(HALLMARK)
    members = {each.name: list(each.genes) for each in sets}
    run = gseapy.ssgsea(values, members, outdir=None, min_size=1, max_size=1000, threads=1)
    found = scored(values, sets, "gseapy")
    for scores, column in ((found, "ES"), (divide_by_range(found.to_numpy()), "NES")):
        expected = run.res2d.set_index(["Term", "Name"])[column].astype(float).unstack()  # noqa: PD010
        np.testing.assert_allclose(scores, expected.loc[found.index, found.columns], rtol=1e-9)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_score_sets__the_androgen_response_rises_most_in_cells_given_androgen(dialect):
    """LNCaP cells of Li et al. 2008, lanes 5, 6 and 8 treated; 50 Hallmark sets."""
    found = scored(lncap(), read_gmt(HALLMARK), dialect)
    rise = found[["lane5", "lane6", "lane8"]].mean(axis=1) - found[["lane1", "lane2", "lane3", "lane4"]].mean(
        axis=1
    )
    assert rise.idxmax() == "HALLMARK_ANDROGEN_RESPONSE"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_score_sets__is_the_sum_of_the_running_sum(dialect):
    rng = np.random.default_rng(1)
    values = rng.integers(0, 12, (40, 3)).astype(float)  # of 40 genes, most tie
    members = [np.sort(rng.choice(40, size, replace=False)) for size in (1, 2, 7, 20, 39)]
    expected = [[walk(values[:, sample], set(rows), dialect) for sample in range(3)] for rows in members]
    np.testing.assert_allclose(score_sets(values, members, dialect), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_score_sets__depends_on_the_order_of_genes_only(dialect):
    values = np.random.default_rng(2).normal(size=(300, 4))
    members = [np.arange(0, 300, 7), np.arange(50)]
    np.testing.assert_array_equal(
        score_sets(values, members, dialect), score_sets(np.exp(3 * values), members, dialect)
    )


def test_score_sets__finds_the_set_and_the_samples_that_were_raised_and_no_other():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2000, 8))
    members = [np.sort(rng.choice(2000, 50, replace=False)) for _ in range(100)]
    before = score_sets(values, members, "genepattern")
    values[members[0], 4:] += 1
    after = score_sets(values, members, "genepattern")
    assert (after[0, 4:] - before[0, 4:]).min() > 300
    np.testing.assert_array_equal(after[:, :4], before[:, :4])
    disjoint = [row for row in range(1, 100) if not np.intersect1d(members[row], members[0]).size]
    assert np.abs(after[disjoint, 4:] - before[disjoint, 4:]).max() < 50


@pytest.mark.parametrize(("dialect", "expected"), [("genepattern", 0), ("gsva", 1 / 18), ("gseapy", 1 / 18)])
def test_score_sets__random_sets_score_what_their_weights_give(dialect, expected):
    """Per gene of the study: 1/2 - int w(1-x) dx / int w dx, w being |x - 1/2|^(3/4) or x^(1/4).

    Of 500 random sets' mean, 4 standard errors are allowed.
    """
    rng = np.random.default_rng(4)
    members = [np.sort(rng.choice(1000, 40, replace=False)) for _ in range(500)]
    scores = score_sets(rng.normal(size=(1000, 1)), members, dialect) / 1000
    assert abs(scores.mean() - expected) < 4 * scores.std() / np.sqrt(500)


def test_score_sets__a_set_without_weight_has_no_score():
    """genepattern's weight is 0 in the middle of the ranks, and everywhere if all genes tie."""
    values = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    scores = score_sets(values, [np.array([1]), np.array([2])], "genepattern")
    np.testing.assert_array_equal(np.isnan(scores), [[True, True], [False, True]])


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [("genepattern", [3, 1, 4, 2]), ("gsva", [3, 1, 4, 2]), ("gseapy", [4, 2, 3, 1])],
)
def test_order_genes__ties_are_in_the_order_that_the_dialect_has(dialect, expected):
    position, _ = order_genes(np.array([1.0, 7.0, 1.0, 7.0]), dialect)
    np.testing.assert_array_equal(position, expected)


def test_divide_by_range__gives_scores_a_range_of_one_that_depends_on_all_of_them():
    scores = np.array([[1.0, 3.0], [np.nan, 5.0]])
    np.testing.assert_array_equal(divide_by_range(scores), [[0.25, 0.75], [np.nan, 1.25]])
    assert np.isnan(divide_by_range(np.full((2, 2), 3.0))).all()


def test_one_row_a_name__the_row_with_the_larger_mean_stands():
    genes = pd.DataFrame({"gene_id": list("abcd"), "gene_name": ["X", "Y", "X", "Y"]})
    values = pd.DataFrame({"s": [1.0, 2, 3, 2], "t": [5.0, 2, 4, 2]})
    kept, kept_values = one_row_a_name(genes, values)
    assert list(kept.gene_id) == ["b", "c"]
    assert list(kept_values.s) == [2, 3]


@pytest.mark.parametrize(
    ("size", "status", "reason"),
    [
        (0, "no_overlap", "none of its 3 genes is among the study's 100"),
        (4, "too_small", "4 genes in the study, 5 needed"),
        (5, "ok", ""),
        (100, "too_large", "all 100 genes of the study are in the set"),
        (200, "too_large", "200 genes in the study, 100 allowed"),
    ],
)
def test_judge__says_with_the_number_why_a_set_is_not_scored(size, status, reason):
    assert judge(GeneSet("S", "S", ("A", "B", "C")), size, 100, 5, 100) == (status, reason)


def test_score_collection__keeps_a_row_for_every_set_in_its_order():
    genes = named([f"G{gene}" for gene in range(10)])
    values = pd.DataFrame(np.random.default_rng(5).normal(size=(10, 2)), columns=["a", "b"])
    sets = [
        GeneSet("absent", "X1", ("Q",)),
        GeneSet("two", "X2", ("G1", "G4", "Q")),
        GeneSet("one", "X3", ("G1",)),
    ]
    table = score_collection(sets, genes, values, "gsva", 2, 500)
    assert list(table.gene_set) == ["absent", "two", "one"]
    assert list(table["size"]) == [0, 2, 1]
    assert list(table.status) == ["no_overlap", "ok", "too_small"]
    assert list(table.a.isna()) == [True, False, True]


def test_score_collection__a_set_without_weight_keeps_its_row():
    genes = named(list("ABC"))
    values = pd.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 3, 2]})
    sets = [GeneSet("B", "B", ("B",)), GeneSet("A", "A", ("A",))]
    table = score_collection(sets, genes, values[["a"]], "genepattern", 1, 500)
    assert list(table.status) == ["no_weight", "ok"]
    table = score_collection(sets, genes, values, "genepattern", 1, 500)
    assert list(table.status) == ["ok", "ok"]
    assert list(table.reason) == ["its genes all have weight 0 in 1 of 2 samples", ""]


def test_score_collection__a_sample_without_values_has_no_scores_and_changes_no_other():
    genes = named([f"G{gene}" for gene in range(9)])
    values = pd.DataFrame(np.random.default_rng(7).normal(size=(9, 2)), columns=["a", "b"])
    sets = [GeneSet("S", "S", ("G1", "G5"))]
    for dialect in DIALECTS:
        table = score_collection(sets, genes, values.assign(empty=np.nan), dialect, 1, 500)
        assert table.drop(columns="empty").equals(score_collection(sets, genes, values, dialect, 1, 500))
        assert table["empty"].isna().all()
        assert list(table.status) == ["ok"]


def test_score_collection__one_sample_and_one_set_have_no_range():
    genes, values = named(list("ABC")), pd.DataFrame({"a": [1.0, 2, 3]})
    row = score_collection([GeneSet("S", "S", ("A",))], genes, values, "gsva", 1, 500).iloc[0]
    assert (row.status, row.reason) == (
        "not_normalised",
        "all scores of the collection are equal: they have no range",
    )


def test_score_collection__genepattern_does_not_depend_on_the_other_samples_and_gsva_does():
    genes = named([f"G{gene}" for gene in range(50)])
    values = pd.DataFrame(np.random.default_rng(6).normal(size=(50, 4)), columns=list("abcd"))
    sets = [GeneSet(f"S{n}", f"S{n}", tuple(f"G{n + gene}" for gene in range(8))) for n in range(6)]
    for dialect, same in (("genepattern", True), ("gsva", False), ("gseapy", False)):
        few, all_samples = (
            score_collection(sets, genes, values[list(columns)], dialect, 1, 500)
            for columns in ("ab", "abcd")
        )
        assert few[["a", "b"]].equals(all_samples[["a", "b"]]) is same


def test_choose__takes_the_wanted_sets_first_and_then_those_that_vary_most():
    table = pd.DataFrame(
        {
            "collection": "c",
            "gene_set": ["calm", "lively", "small", "wanted"],
            "status": ["ok", "ok", "too_small", "ok"],
            "a": [1.0, 1.0, np.nan, 2.0],
            "b": [1.1, 3.0, np.nan, 2.0],
        }
    )
    wanted, further = choose(table, [("c", "wanted"), ("c", "small"), ("c", "wanted")], ["a", "b"])
    assert list(wanted.gene_set) == ["wanted"]
    assert list(further.gene_set) == ["lively", "calm"]


def test_by_line__puts_the_conditions_of_a_line_side_by_side():
    samples = pd.DataFrame(
        {
            "sample": ["r2", "r1", "p1", "x1", "p2"],
            "line": ["two", "one", "one", "one", "two"],
            "condition": ["resistant", "resistant", "parental", "clone", "parental"],
            "role": ["target", "target", "reference", "other", "reference"],
        }
    )
    assert list(by_line(samples)["sample"]) == ["p2", "r2", "p1", "r1", "x1"]


def test_main__says_which_dialect_ran_and_what_has_no_scores(run_script, tmp_path):
    values = {"P": [1, 2, 3, 4, 5, 6], "CR": [6, 5, 4, 3, 2, 1], "X": [None] * 6}
    options = study(tmp_path, values) | {"highlight_sets": "S,T,WP2884", "ssgsea_dialect": "gsva"}
    assert run_script(main, **options, results=tmp_path).exit_code == 0
    section = json.loads((tmp_path / "sample_enrichment_mqc.json").read_text())
    assert section["description"].startswith(
        "ssGSEA scores of 2 of 2 gene sets in 3 samples, over 6 expressed"
    )
    assert "that of GSVA" in section["description"]
    assert "they depend on the other samples" in section["description"]
    assert "Shown are 2 highlighted sets and the 0 others" in section["description"]
    assert "Highlighted and without scores: WP2884." in section["description"]
    assert section["description"].endswith("and so without scores: X.")
    assert section["pconfig"]["ycats"] == ["S", "T"]
    assert [row[2] for row in section["data"]] == [None, None]
    np.testing.assert_allclose([row[0] + row[1] for row in section["data"]], 0, atol=1e-3)
    drawn = pd.read_csv(tmp_path / "highlighted.tsv", sep="\t")
    scores = pd.read_csv(tmp_path / "scores.tsv", sep="\t").set_index("gene_set")
    points = drawn[drawn.kind == "sample"]
    assert len(points) == 4
    assert all(scores.loc[row.gene_set, row.sample] == row.score for row in points.itertuples())


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("values", "sets"),
    [
        ({"P": [1, 2]}, "S\tna\tG0\n"),
        ({"P": [1]}, "S\tna\tG0\n"),
        ({"P": [3, 3, 3, 3], "CR": [3, 3, 3, 3]}, "S\tna\tG0\tG1\n"),
        ({"P": [1, 2, 3], "CR": [3, 2, 1]}, "S\tna\tTP53\n"),
        ({"P": [1, 2, 3], "CR": [3, 2, 1]}, "S\tna\tG1\nS\tna\tG1\n"),
        ({"P": [1, 2, 3], "CR": [None, None, None]}, "S\tna\tG0\n"),
        ({"P": [], "CR": []}, "S\tna\tG0\n"),
    ],
    ids=["one sample", "one gene", "all genes tie", "no overlap", "a set twice", "empty sample", "no gene"],
)
def test_main__a_degenerate_study_has_rows_a_figure_and_a_section(
    values, sets, dialect, run_script, tmp_path
):
    options = study(tmp_path, values, sets)
    assert run_script(main, **options, ssgsea_dialect=dialect, results=tmp_path).exit_code == 0
    assert len(pd.read_csv(tmp_path / "scores.tsv", sep="\t")) == sets.count("\n")
    for name in ("highlighted.svg", "highlighted.png", "highlighted.tsv", "versions.tsv"):
        assert (tmp_path / name).stat().st_size > 0
    section = json.loads((tmp_path / "sample_enrichment_mqc.json").read_text())
    assert f"of {sets.count(chr(10))} gene sets" in section["description"]


def test_main__draws_what_fits_a_page_and_says_what_it_leaves_out(run_script, tmp_path):
    sets = "".join(f"S{n}\tna\tG{n}\n" for n in range(40))
    options = study(tmp_path, {"P": range(50), "CR": range(50, 0, -1)}, sets)
    wanted = ",".join(f"S{n}" for n in range(40))
    assert run_script(main, **options | {"highlight_sets": wanted}, results=tmp_path).exit_code == 0
    drawn = pd.read_csv(tmp_path / "highlighted.tsv", sep="\t")
    assert list(drawn.gene_set.unique()) == [f"S{n}" for n in range(33)]
    section = json.loads((tmp_path / "sample_enrichment_mqc.json").read_text())
    assert section["description"].endswith("highlighted.svg has room for the first 33 of 40 sets.")


def test_main__the_same_input_gives_the_same_bytes(run_script, tmp_path):
    options = study(tmp_path, {"P": [1, 2, 3, 4, 5, 6], "CR": [6, 5, 4, 3, 2, 1]})
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        assert run_script(main, **options, results=folder).exit_code == 0
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
