import json
import re

import numpy as np
import pandas as pd
import pytest
from common.gene_sets import read_gmt
from common.tables import read_table
from conftest import ROOT
from expression_heatmap import (
    CELL_WIDTH,
    LEFT,
    PANELS,
    RIGHT,
    WIDTH,
    absent,
    describe,
    differences,
    draw,
    drawn,
    find_genes,
    in_order,
    main,
    places,
    title_of,
    z_scores,
)
from scipy import stats


def sheet(rows) -> pd.DataFrame:
    """Make samples of (line, role), called s0, s1, ..."""
    table = pd.DataFrame(rows, columns=["line", "role"])
    names = {"reference": "parental", "target": "resistant", "other": "recovered"}
    table["condition"] = table.role.map(names)
    table["sample"], table["replicate"] = [f"s{row}" for row in range(len(table))], "1"
    return table


def matrix(values, names) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make genes (ids ENSG0.1, ENSG1.1, ...) and their values in samples s0, s1, ..."""
    gene_ids = [f"ENSG{row}.1" for row in range(len(names))]
    genes = pd.DataFrame({"gene_id": gene_ids, "gene_name": names}, index=gene_ids)
    values = pd.DataFrame(np.array(values, float), index=gene_ids)
    return genes, values.set_axis([f"s{column}" for column in values], axis=1)


def panel(*names) -> pd.DataFrame:
    return pd.DataFrame({"panel": "p", "gene_name": names})


def test_z_scores__match_those_of_scipy():
    values = pd.DataFrame(np.random.default_rng(0).normal(5, 2, (20, 7)))
    np.testing.assert_allclose(z_scores(values), stats.zscore(values, axis=1, ddof=1), rtol=1e-12)


def test_z_scores__do_not_depend_on_a_genes_level_or_scale():
    values = pd.DataFrame(np.random.default_rng(0).normal(5, 2, (20, 7)))
    np.testing.assert_allclose(z_scores(values * 3 + 100), z_scores(values), atol=1e-10)


def test_z_scores__are_missing_for_a_constant_gene_and_for_one_sample():
    values = pd.DataFrame([[1, 2, 3], [4, 4, 4 + 1e-9]])
    np.testing.assert_array_equal(z_scores(values), [[-1, 0, 1], [np.nan] * 3])
    assert z_scores(values[[0]]).isna().all(axis=None)


def test_z_scores__leave_out_a_sample_without_values():
    values = pd.DataFrame([[1, np.nan, 2, 3]])
    np.testing.assert_array_equal(z_scores(values), [[-1, np.nan, 0, 1]])


def test_find_genes__tells_not_measured_from_not_expressed():
    genes, values = matrix([[1, 2], [3, 3], [0, 0]], ["A", "B", "C"])
    found = find_genes(panel("D", "C", "B", "A"), genes, values.iloc[:2])
    assert list(found.status) == ["not_measured", "not_expressed", "constant", "ok"]
    assert list(found.gene_id.fillna("")) == ["", "ENSG2.1", "ENSG1.1", "ENSG0.1"]
    assert list(found.reason) == [
        *("none of 3 genes has this name", "fewer reads than an expressed gene needs"),
        *("one value in 2 samples: no z-score", ""),
    ]
    np.testing.assert_array_equal(found.mean_log_cpm, [np.nan, np.nan, 3, 1.5])


def test_find_genes__takes_the_highest_of_one_name_and_ids_without_their_version():
    genes, values = matrix([[1, 2], [5, 4], [9, 8], [3, 2]], ["A", "A", "A", "ENSG0"])
    found = find_genes(panel("A", "ENSG1", "ENSG0"), genes, values.drop("ENSG2.1"))
    # The gene called ENSG0 comes before the one that has it as its id.
    assert list(found.gene_id) == ["ENSG1.1", "ENSG1.1", "ENSG3.1"]


def test_in_order__puts_reference_and_target_side_by_side_in_the_order_of_the_sheet():
    rows = [("B", "target"), ("A", "other"), ("B", "reference"), ("A", "target"), ("A", "reference")]
    rows += [("B", "target"), ("B", "reference")]
    assert list(in_order(sheet(rows))["sample"]) == ["s2", "s6", "s0", "s5", "s4", "s3", "s1"]


def test_drawn__has_every_cell_gene_by_gene_in_the_panels_order():
    samples = in_order(sheet([("A", "target"), ("A", "reference")]))
    genes, values = matrix([[1, 3], [7, 5]], ["X", "Y"])
    cells = drawn(find_genes(panel("Y", "X"), genes, values), samples, values)
    assert list(cells.gene_name + cells["sample"]) == ["Ys1", "Ys0", "Xs1", "Xs0"]
    assert list(cells.log_cpm) == [5, 7, 3, 1]
    np.testing.assert_allclose(cells.z_score * 2**0.5, [-1, 1, 1, -1])


def test_differences__are_target_minus_reference_in_lines_that_have_both():
    samples = sheet([("A", "reference"), ("A", "target"), ("A", "target"), ("B", "target"), ("B", "other")])
    genes, values = matrix([[1, 3, 5, 9, 9], [2, 2, 2, 9, 9]], ["X", "Y"])
    cells = drawn(find_genes(panel("X", "Y"), genes, values), samples, values)
    assert differences(cells) == {"A": 1.5}
    assert differences(cells[cells.role == "target"]) == {}


@pytest.mark.parametrize(("lines", "replicates"), [(1, 1), (1, 2), (7, 2), (7, 6), (40, 4), (300, 1)])
def test_places__fill_the_width_between_the_margins_and_no_more(lines, replicates):
    samples = sheet([(f"line{line}", "reference") for line in range(lines) for _ in range(replicates)])
    columns = places(samples)
    room = WIDTH - LEFT - RIGHT
    assert columns.left[0] == 0
    assert columns.width > 0
    assert columns.end <= room + 1e-9
    assert columns.width == CELL_WIDTH or columns.end > room - 1e-9
    steps = np.diff(columns.left) - columns.width
    within = (samples.line == samples.line.shift(-1)).to_numpy()[:-1]
    np.testing.assert_allclose(steps[within], 0, atol=1e-9)
    assert (steps[~within] > 0).all()


def test_describe__says_by_how_much_the_panel_differs_in_each_line():
    samples = sheet([("HSC-2", "reference"), ("HSC-2", "target")])
    genes, values = matrix([[1, 0.5], [2, 1]], ["X", "Y"])
    found = find_genes(panel("X", "Y", "Z"), genes, values)
    sentence = describe(found, samples, drawn(found[:2], samples, values))
    assert sentence.startswith("2 of 3 genes of the panel")
    assert "over these genes, resistant minus parental: HSC-2 \u22120.75." in sentence
    assert sentence.endswith("Not measured: Z.")


def test_many_lines__are_named_where_there_is_room_and_told_by_their_size():
    samples = sheet([(f"line{line}", role) for line in range(120) for role in ("reference", "target")])
    genes, values = matrix([np.arange(240) ** 2.0], ["X"])
    found = find_genes(panel("X"), genes, values)
    cells = drawn(found, samples, values)
    texts = [text.get_text() for text in draw("some", found, samples, cells).axes[0].texts]
    assert [text for text in texts if text.startswith("line")] == [f"line{n}" for n in range(0, 120, 3)]
    sentence = describe(found, samples, cells)
    assert re.search(
        r": line112 \+449\.00, (line\d+ \S+, ){6}line119 \+477\.00; less in 112 more\.", sentence
    )


def test_absent__lists_genes_by_what_they_lack():
    genes, values = matrix([[1, 2], [3, 3], [0, 0]], ["A", "B", "C"])
    found = find_genes(panel("E", "C", "B", "A", "D"), genes, values.iloc[:2])
    assert absent(found) == "Grey, without z-score: B. Not expressed: C. Not measured: E, D"


def write_study(folder, samples, genes, log_cpm, panels) -> dict[str, object]:
    tables = {
        "samples": samples,
        "gene_panels": panels,
        "counts": genes.assign(**dict.fromkeys(samples["sample"], 9)),
    }
    tables["log_cpm"] = genes[["gene_id", "gene_name"]].join(log_cpm, how="inner")
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    return {name: folder / f"{name}.tsv" for name in tables}


LINE = [("A", "reference"), ("A", "target")]
STUDIES = {
    "1 line": (LINE, 4),
    "1 sample": (LINE[:1], 3),
    "no gene expressed": (LINE, 0),
    "many lines": ([(f"a-long-name-of-line-{line}", role) for line in range(16) for _, role in LINE], 4),
}


@pytest.mark.parametrize("study", STUDIES)
def test_main__writes_a_figure_and_a_section_for_each_panel_of_any_study(study, run_script, tmp_path):
    rows, expressed = STUDIES[study]
    samples = sheet(rows)
    values = np.random.default_rng(1).normal(5, 2, (6, len(rows)))
    genes, log_cpm = matrix(values, [*"ABCDEF"])
    panels = pd.concat([panel(*"ABFX"), panel("A").assign(panel="q")])
    options = write_study(tmp_path, samples, genes, log_cpm.iloc[:expressed], panels)
    result = run_script(main, **options, results=tmp_path)
    assert (result.exit_code, result.output) == (0, "")
    for name in ("p", "q"):
        stems = {f"{name}.heatmap.{suffix}" for suffix in ("svg", "png", "tsv")}
        assert stems <= {path.name for path in tmp_path.iterdir()}
    table = read_table(tmp_path / "panels.tsv", {"panel": "str", "status": "str"})
    assert list(table.panel) == [*"ppppq"]
    assert list(table.status[2:4]) == ["not_expressed", "not_measured"]
    section = json.loads((tmp_path / "expression_heatmap_1_p_mqc.json").read_text())
    shown = min(expressed, 2)
    assert section["description"].startswith(f"{shown} of 4 genes of the panel")
    assert [len(row) for row in section["data"]] == [len(rows)] * shown
    assert section["pconfig"]["ycats"] == [*"AB"][:shown]
    assert "Not measured: X" in section["description"]
    written = re.findall(r">([^<>]+)</text>", (tmp_path / "p.heatmap.svg").read_text())
    assert "Not measured: X" in " ".join(written)


def test_main__gives_the_same_bytes_twice(run_script, tmp_path):
    genes, log_cpm = matrix(np.random.default_rng(1).normal(5, 2, (3, 2)), [*"ABC"])
    options = write_study(tmp_path, sheet(LINE), genes, log_cpm, panel(*"CAB"))
    runs = [tmp_path / "1", tmp_path / "2"]
    for folder in runs:
        folder.mkdir()
        assert run_script(main, **options, results=folder).exit_code == 0
    names = sorted(path.name for path in runs[0].iterdir())
    assert all((runs[0] / name).read_bytes() == (runs[1] / name).read_bytes() for name in names)


def test_main__shows_as_many_genes_as_a_section_holds_and_says_so(run_script, tmp_path, monkeypatch):
    monkeypatch.setattr("expression_heatmap.INTERACTIVE_CELLS", 4)
    genes, log_cpm = matrix(np.random.default_rng(1).normal(5, 2, (3, 2)), [*"ABC"])
    options = write_study(tmp_path, sheet(LINE), genes, log_cpm, panel(*"CAB"))
    assert run_script(main, **options, results=tmp_path).exit_code == 0
    section = json.loads((tmp_path / "expression_heatmap_1_p_mqc.json").read_text())
    assert section["pconfig"]["ycats"] == [*"CA"]
    assert section["description"].endswith("The first 2 genes are drawn here, all in the figure.")
    assert len(read_table(tmp_path / "p.heatmap.tsv", {"gene_name": "str"})) == 6


def shipped_panels() -> pd.DataFrame:
    return read_table(ROOT / "assets/gene_panels.tsv", PANELS | {"source": "str"})


def test_gene_panels__name_each_gene_once_with_its_source():
    panels = shipped_panels()
    assert not panels.duplicated(["panel", "gene_name"]).any()
    assert panels.source.notna().all()
    assert panels.gene_name.str.fullmatch(r"[A-Z][A-Z0-9]+").all()


def test_gene_panels__score_27_nrf2_targets_and_neither_nqo1_nor_hmox1():
    panels = shipped_panels()
    targets = panels[panels.panel == "nrf2_targets"]
    scored = targets.source.str.contains(r"\bscored\b") & ~targets.source.str.contains("not scored")
    assert scored.sum() == 27
    assert set(targets.gene_name[~scored]) == {"NQO1", "HMOX1"}


def test_gene_panels__have_the_members_of_the_pathways_that_they_name():
    members = {
        each.identifier: set(each.genes) for each in read_gmt(ROOT / "assets/gene_sets/wikipathways.gmt")
    }
    panels = shipped_panels()
    named = panels.assign(pathway=panels.source.str.extract(r"WikiPathways (WP\d+)")[0]).dropna()
    assert len(named) > 40
    strangers = [row.gene_name for row in named.itertuples() if row.gene_name not in members[row.pathway]]
    assert strangers == []


@pytest.mark.parametrize(
    ("panel", "title"),
    [("nrf2_targets", "NRF2 targets"), ("mmc_activation", "MMC activation"), ("ferroptosis", "Ferroptosis")],
)
def test_title_of__writes_abbreviations_in_capitals(panel, title):
    assert title_of(panel) == title
