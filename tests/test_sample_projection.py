import json

import numpy as np
import pandas as pd
import pytest
from common.figures import new_figure
from common.labels import place_labels
from common.projection_report import NAMED, draw
from common.tables import SAMPLES
from conftest import ORACLES, REFERENCE_DATA
from matplotlib.text import Text
from sample_projection import (
    Matrix,
    analyse,
    displacements,
    drawn,
    list_coordinates,
    list_cosines,
    list_displacements,
    list_loadings,
    list_variance,
    main,
    project,
)

SCORES = REFERENCE_DATA / "ssgsea_genepattern/P53_14.hallmark_v7.0.rank.w0.75.gct"
ORACLE = pd.read_csv(ORACLES / "sample_projection.tsv.gz", sep="\t")


def names(count: int) -> list[str]:
    return [f"V{place:03}" for place in range(count)]


def random_values(samples: int = 12, variables: int = 30, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, variables)) * rng.uniform(0.5, 3, variables)


def study(lines: dict[str, str]) -> pd.DataFrame:
    """List samples: {line: `pprr` for two parental and two resistant ones, `x` for another condition}."""
    roles = {"p": ("parental", "reference"), "r": ("resistant", "target"), "x": ("clone", "other")}
    rows = [
        (f"{line}.{place}", line, *roles[letter], str(place))
        for line, letters in lines.items()
        for place, letter in enumerate(letters)
    ]
    return pd.DataFrame(rows, columns=list(SAMPLES))


def matrix_of(values: np.ndarray, samples: pd.DataFrame) -> Matrix:
    """Make `values` (samples x variables) what is read from the files."""
    variables = pd.DataFrame({"variable": names(values.shape[1]), "identifier": names(values.shape[1])})
    return Matrix(pd.DataFrame(values.T, columns=list(samples["sample"])), variables, "gene sets")


def analysed(values: np.ndarray, samples: pd.DataFrame, scale: bool = True):
    return analyse("some", matrix_of(values, samples), samples, scale)


@pytest.mark.parametrize("sets", [52, 8])
@pytest.mark.parametrize("scaled", [False, True])
def test_project__matches_prcomp_but_for_the_signs(sets, scaled):
    """tests/oracles/sample_projection.R made the numbers, with prcomp of R 4.2.2, to 15 digits."""
    scores = pd.read_csv(SCORES, sep="\t", skiprows=2, index_col=0).iloc[:sets, 1:].T
    found = project(scores.to_numpy(), scaled, list(scores.columns))
    oracle = ORACLE[(ORACLE.sets == sets) & (ORACLE.scaled == scaled)]
    kinds = {kind: rows.set_index(["name", "component"]).value for kind, rows in oracle.groupby("kind")}
    np.testing.assert_allclose(found.variance, kinds["variance"], rtol=1e-9)
    loadings = kinds["loading"].unstack().loc[scores.columns].to_numpy()  # noqa: PD010
    coordinates = kinds["coordinate"].unstack().loc[scores.index].to_numpy()  # noqa: PD010
    signs = np.sign((found.loadings * loadings).sum(axis=0))
    np.testing.assert_allclose(found.loadings, loadings * signs, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.coordinates, coordinates * signs, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("shape", [(12, 30), (30, 6)])
def test_project__is_a_rotation_that_keeps_distances_and_all_variance(scale, shape):
    values = random_values(*shape)
    found = project(values, scale, names(shape[1]))
    used = (values - values.mean(axis=0)) / (values.std(axis=0, ddof=1) if scale else 1)
    np.testing.assert_allclose(found.loadings.T @ found.loadings, np.eye(found.loadings.shape[1]), atol=1e-12)
    np.testing.assert_allclose(used @ found.loadings, found.coordinates, atol=1e-10)
    np.testing.assert_allclose(found.coordinates @ found.loadings.T, used, atol=1e-10)
    np.testing.assert_allclose(found.variance, found.coordinates.var(axis=0, ddof=1), rtol=1e-10)
    np.testing.assert_allclose(found.variance.sum(), used.var(axis=0, ddof=1).sum(), rtol=1e-10)
    assert (np.diff(found.variance) <= 0).all()


def test_project__a_rotation_of_the_variables_changes_no_coordinate_but_in_sign():
    values = random_values(10, 6)
    turned = values @ np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    first, second = (project(each, False, names(6)).coordinates for each in (values, turned))
    np.testing.assert_allclose(np.abs(first), np.abs(second), atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_project__neither_the_order_of_samples_nor_that_of_variables_changes_a_sign(seed):
    rng = np.random.default_rng(seed)
    values, labels = random_values(seed=seed), np.array(names(30))
    samples, variables = rng.permutation(12), rng.permutation(30)
    first = project(values, True, labels)
    second = project(values[samples][:, variables], True, labels[variables])
    np.testing.assert_allclose(second.coordinates, first.coordinates[samples], atol=1e-10)
    np.testing.assert_allclose(second.loadings, first.loadings[variables], atol=1e-10)


def test_project__the_largest_loading_is_positive_and_of_equal_ones_the_first_by_name():
    loadings = project(random_values(), True, names(30)).loadings
    assert (loadings[np.abs(loadings).argmax(axis=0), range(loadings.shape[1])] > 0).all()
    opposite = np.array([[1.0, -1.0], [2.0, -2.0], [4.0, -4.0]])
    for labels, signs in ((["a", "b"], [1, -1]), (["b", "a"], [-1, 1])):
        np.testing.assert_array_equal(np.sign(project(opposite, True, labels).loadings[:, 0]), signs)


def test_project__has_as_many_components_as_the_values_have_dimensions():
    rng = np.random.default_rng(3)
    plane = rng.normal(size=(20, 2)) @ rng.normal(size=(2, 9))
    assert len(project(plane, True, names(9)).variance) == 2
    assert len(project(random_values(5, 30), True, names(30)).variance) == 4


def test_analyse__leaves_out_and_counts_what_is_constant_or_incomplete():
    samples = study({"A": "pprr", "B": "pprr"})
    values = random_values(8, 10)
    values[:, 2], values[3, 5] = 1.5, np.nan
    found = analysed(values, samples)
    kept = [place for place in range(10) if place not in (2, 5)]
    assert (found.summary["constant_variables"], found.summary["incomplete_variables"]) == (1, 1)
    assert list(found.variables.variable) == [names(10)[place] for place in kept]
    np.testing.assert_array_equal(
        found.projection.coordinates,
        project(values[:, kept], True, [names(10)[place] for place in kept]).coordinates,
    )


def test_analyse__a_sample_without_values_changes_no_other_and_keeps_its_row():
    samples = study({"A": "ppprrr"})
    values = random_values(6, 10)
    values[4] = np.nan
    others = samples[samples.index != 4]
    found = analysed(values, samples)
    alone = analysed(values[others.index], others)
    np.testing.assert_array_equal(found.projection.coordinates, alone.projection.coordinates)
    listed = list_coordinates(found, samples)
    empty = listed[listed["sample"] == "A.4"]
    assert list(empty.status) == ["no_values"]
    assert list(empty.reason) == ["no gene sets have a value in the sample"]
    assert empty.coordinate.isna().all()
    assert (listed[listed["sample"] != "A.4"].status == "ok").all()


@pytest.mark.parametrize(
    ("values", "letters", "status", "reason"),
    [
        (random_values(2, 9), "pr", "too_few_samples", "2 samples with values, 3 needed"),
        (random_values(4, 2), "pprr", "too_few_variables", "2 gene sets that vary between samples, 3 needed"),
        (np.ones((4, 9)), "pprr", "too_few_variables", "0 gene sets that vary between samples, 3 needed"),
        (np.ones((4, 0)), "pprr", "too_few_variables", "0 gene sets that vary between samples, 3 needed"),
        (np.full((4, 9), np.nan), "pprr", "too_few_samples", "0 samples with values, 3 needed"),
    ],
)
def test_analyse__what_cannot_be_projected_keeps_its_rows_and_says_why(values, letters, status, reason):
    samples = study({"A": letters})
    found = analysed(values, samples)
    assert (found.summary["status"], found.summary["reason"]) == (status, reason)
    coordinates, moves = list_coordinates(found, samples), list_displacements(found, samples)
    assert list(coordinates["sample"]) == list(samples["sample"])
    assert set(coordinates.status) == {status}
    assert list(zip(moves.line, moves.status, moves.reason, strict=True)) == [("A", status, reason)]
    assert [len(table) for table in (list_loadings(found), list_variance(found), list_cosines(found))] == [
        0,
        0,
        0,
    ]


def test_displacements__find_the_direction_that_was_planted_and_only_in_its_lines():
    """A and B move by 6 along one direction of 40 variables, C along another, D not at all."""
    samples = study(dict.fromkeys("ABCD", "ppprrr"))
    rng = np.random.default_rng(4)
    common, own = np.linalg.qr(rng.normal(size=(40, 2)))[0].T
    values = np.repeat(rng.normal(size=(4, 40)), 6, axis=0) + rng.normal(0, 0.1, (24, 40))
    target = samples.role == "target"
    values[target & samples.line.isin(["A", "B"])] += 6 * common
    values[target & (samples.line == "C")] += 6 * own
    found = analysed(values, samples, scale=False)
    lengths = {line: np.linalg.norm(move) for line, move in displacements(found).items()}
    np.testing.assert_allclose([lengths[line] for line in "ABC"], 6, atol=0.5)
    assert lengths["D"] < 1
    for line, direction in (("A", common), ("B", common), ("C", own)):
        back = found.projection.loadings @ displacements(found)[line]
        np.testing.assert_allclose(back, 6 * direction, atol=0.4)
    cosine = list_cosines(found).set_index(["line_a", "line_b"]).cosine
    assert cosine["A", "B"] > 0.97
    assert cosine.drop(("A", "B")).abs().max() < 0.4


def test_list_cosines__are_those_of_the_variables_themselves():
    """All components are a rotation: cosines need none of them."""
    samples = study({"A": "pprr", "B": "prr", "C": "ppr"})
    values = random_values(10, 20)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    moves = {}
    for line in "ABC":
        rows = (samples.line == line).to_numpy()
        target, reference = ((samples.role == role).to_numpy() & rows for role in ("target", "reference"))
        moves[line] = scaled[target].mean(axis=0) - scaled[reference].mean(axis=0)
    for row in list_cosines(analysed(values, samples)).itertuples():
        a, b = moves[row.line_a], moves[row.line_b]
        np.testing.assert_allclose(row.cosine, a @ b / np.linalg.norm(a) / np.linalg.norm(b), atol=1e-8)


def test_list_cosines__a_line_that_does_not_move_has_no_direction():
    samples = study({"A": "pr", "B": "pr"})
    values = random_values(4, 9)
    values[1] = values[0]
    row = list_cosines(analysed(values, samples)).iloc[0]
    assert (row.status, row.reason) == ("no_displacement", "the length of a displacement is 0")
    assert np.isnan(row.cosine)


def test_list_displacements__a_line_without_both_conditions_keeps_a_row():
    samples = study({"A": "ppr", "B": "pp", "C": "xr"})
    found = list_displacements(analysed(random_values(7, 9), samples), samples)
    assert list(found[found.line != "A"].status) == ["no_pair", "no_pair"]
    assert list(found[found.line != "A"].reason) == [
        "2 reference and 0 target samples with values",
        "0 reference and 1 target samples with values",
    ]
    assert list(found[found.line == "A"].component) == [f"PC{place}" for place in range(1, 7)]


def test_list_variance__shares_sum_to_one():
    table = list_variance(analysed(random_values(), study({"A": "ppprrr", "B": "ppprrr"})))
    np.testing.assert_allclose(table.variance_explained_ratio.sum(), 1, atol=1e-8)
    np.testing.assert_allclose(table.cumulative_ratio.iloc[-1], 1, atol=1e-8)


def test_list_loadings__are_by_size():
    table = list_loadings(analysed(random_values(), study({"A": "ppprrr", "B": "ppprrr"})))
    for _, rows in table.groupby("component"):
        assert list(rows["rank"]) == list(range(1, 31))
        assert rows.loading.abs().is_monotonic_decreasing
        assert rows.loading.iloc[0] > 0


def test_place_labels__covers_neither_points_nor_other_labels():
    rng = np.random.default_rng(5)
    points = rng.normal(size=(40, 2))
    segments = points[:20].reshape(10, 2, 2)
    _, [[panel]] = new_figure(120, 100)
    panel.plot(*points.T, "o")
    labels = [(*segment[1], f"line {place}", "black") for place, segment in enumerate(segments)]
    place_labels(panel, labels, points, segments)
    panel.figure.draw_without_rendering()
    boxes = [Text.get_window_extent(note) for note in panel.texts]  # without leaders
    assert len(boxes) == 10
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    pixels = panel.transData.transform(points)
    assert not any(box.contains(*pixel) for box in boxes for pixel in pixels)
    assert all(panel.bbox.contains(*corner) for box in boxes for corner in box.corners())


@pytest.mark.parametrize("letters", ["pr", "p"])
def test_draw__of_many_lines_names_those_that_move_farthest(letters):
    samples = study({f"L{place:02}": letters for place in range(40)})
    values = random_values(len(samples))
    values[1::2] += np.arange(len(values) // 2)[:, None]
    projected = analysed(values, samples)
    table = drawn(projected)
    figure = draw(table, list_variance(projected), {})
    texts = {text.get_text() for panel in figure.axes for text in panel.texts} - {""}
    assert len(texts) == NAMED
    assert f"named: {NAMED} of 40 lines, those that move farthest" in {
        panel.get_title(loc="left") for panel in figure.axes
    }
    arrows = table[table.kind == "displacement"].set_index("line")
    far = np.hypot(arrows.pc1_end - arrows.pc1, arrows.pc2_end - arrows.pc2)
    assert far.empty or texts == set(far.nlargest(NAMED).index)


def write_study(
    folder, lines: dict[str, str], genes: int, scores: dict[str, int] | None = None, seed: int = 0
):
    """Write a study with so many genes, and so many scored sets in each collection."""
    rng = np.random.default_rng(seed)
    samples = study(lines)
    samples.to_csv(folder / "samples.tsv", sep="\t", index=False)
    columns = list(samples["sample"])

    def values(rows):
        return pd.DataFrame(rng.normal(size=(rows, len(columns))), columns=columns)

    table = pd.DataFrame({"gene_id": names(genes), "gene_name": names(genes)})
    pd.concat([table, values(genes)], axis=1).to_csv(folder / "log_cpm.tsv", sep="\t", index=False)
    (folder / "scores").mkdir()
    if scores:
        parts = []
        for collection, sets in scores.items():
            part = pd.DataFrame({"gene_set": names(sets), "identifier": names(sets)})
            part = pd.concat(
                [part.assign(collection=collection, size=20, status="ok", reason=""), values(sets)], axis=1
            )
            part.loc[part.index[-1], ["status", *columns]] = ["too_small", *[np.nan] * len(columns)]
            parts.append(part)
        pd.concat(parts).to_csv(folder / "scores/scores.tsv", sep="\t", index=False)
    return {"samples": folder / "samples.tsv", "log_cpm": folder / "log_cpm.tsv", "scores": folder / "scores"}


def section(folder, what: str = "") -> dict:
    return json.loads((folder / f"sample_projection{what}_mqc.json").read_text())


def test_main__projects_every_collection_with_enough_scored_sets_and_the_genes(run_script, tmp_path):
    options = write_study(tmp_path, {"A": "pprr", "B": "pprr"}, 50, {"hallmark": 12, "few": 3})
    assert run_script(main, **options, projection_scale="false", results=tmp_path).exit_code == 0
    made = pd.read_csv(tmp_path / "projections.tsv", sep="\t").set_index("projection")
    assert list(made.index) == ["hallmark", "few", "log_cpm"]
    assert list(made.status) == ["ok", "too_few_variables", "ok"]
    assert list(made.variables) == [11, 2, 50]
    assert set(made.scaled) == {"no"}
    described = section(tmp_path, "_hallmark")["description"]
    assert described.startswith(
        "Principal components of 11 gene sets in 8 samples, centred, not scaled. PC1 holds"
    )
    assert "2 gene sets that vary" in section(tmp_path, "_few")["description"]
    drawn = pd.read_csv(tmp_path / "hallmark.projection.tsv", sep="\t")
    assert drawn.kind.value_counts().to_dict() == {"sample": 8, "loading": 16, "displacement": 2}
    moves = pd.read_csv(tmp_path / "displacement.tsv", sep="\t")
    first = moves[(moves.projection == "hallmark") & (moves.line == "A") & (moves.component == "PC1")]
    arrow = drawn[(drawn.kind == "displacement") & (drawn.line == "A")].iloc[0]
    np.testing.assert_allclose(arrow.pc1_end - arrow.pc1, first.displacement, atol=1e-8)
    directions = section(tmp_path)
    assert list(directions["nrf2flow"]["findings"]) == ["A.resistant_vs_parental", "B.resistant_vs_parental"]
    assert "along PC1" in directions["nrf2flow"]["findings"]["A.resistant_vs_parental"]
    assert np.shape(directions["data"]) == (2, 2)


@pytest.mark.parametrize(
    ("lines", "genes"),
    [
        ({"A": "p"}, 20),
        ({"A": "pr"}, 2),
        ({"A": "pr", "B": "pr"}, 2),
        ({"A": "pr", "B": "pr"}, 0),
        ({"A": "pppp"}, 20),
        ({"A": "p", "B": "p", "C": "x"}, 20),
    ],
    ids=["one sample", "one replicate", "two genes", "no gene", "one condition", "no pair"],
)
def test_main__a_degenerate_study_has_rows_figures_and_sections(lines, genes, run_script, tmp_path):
    options = write_study(tmp_path, lines, genes)
    assert run_script(main, **options, results=tmp_path).exit_code == 0
    assert len(pd.read_csv(tmp_path / "projections.tsv", sep="\t")) == 1
    coordinates = pd.read_csv(tmp_path / "coordinates.tsv", sep="\t")
    assert set(coordinates["sample"]) == set(study(lines)["sample"])
    assert set(pd.read_csv(tmp_path / "displacement.tsv", sep="\t").line) == set(lines)
    for suffix in ("svg", "png", "tsv"):
        assert (tmp_path / f"log_cpm.projection.{suffix}").stat().st_size > 0
    assert section(tmp_path)["data"] == []
    assert section(tmp_path, "_log_cpm")["description"]


def test_main__two_samples_of_one_kind_lie_on_one_component(run_script, tmp_path):
    options = write_study(tmp_path, {"A": "ppp"}, 5)
    table = pd.read_csv(options["log_cpm"], sep="\t")
    table["A.1"] = table["A.0"]
    table.to_csv(options["log_cpm"], sep="\t", index=False)
    assert run_script(main, **options, results=tmp_path).exit_code == 0
    assert list(pd.read_csv(tmp_path / "variance.tsv", sep="\t").component) == ["PC1"]
    assert section(tmp_path, "_log_cpm")["pconfig"]["ylab"] == "PC2 (0.0 % of variance)"


def test_main__a_collection_may_not_be_called_as_the_genes_are(run_script, tmp_path):
    options = write_study(tmp_path, {"A": "pprr"}, 5, {"log_cpm": 5})
    result = run_script(main, **options, results=tmp_path)
    assert result.exit_code == 1
    assert (
        result.output == "Error: scores.tsv: a collection called log_cpm, which is the projection of genes\n"
    )


def test_main__the_same_input_gives_the_same_bytes(run_script, tmp_path):
    options = write_study(tmp_path, {"A": "pprr", "B": "pprr"}, 50, {"hallmark": 12})
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        assert run_script(main, **options, results=folder).exit_code == 0
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
