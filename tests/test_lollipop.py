"""Lollipops: what is drawn is held to what was given, labels to each other's extents."""

import json
from pathlib import Path

import lollipop as script
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from common import lollipop_figure as figures
from common import lollipop_layout as layout
from common.figures import ROLES
from common.labels import spread, text_width
from common.lollipop_figure import draw
from common.lollipop_layout import Protein, Track
from conftest import ROOT
from drawn_figures import collisions, covered_heads, heads_of, texts_of
from lollipop_study import (
    FOUNDING,
    GAINED,
    LENGTHS,
    LINES,
    LOST,
    SHARED,
    SUBCLONE,
    UNKNOWN,
    VARIANTS,
    residues_at,
    transcripts,
    write_study,
)
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.optimize import minimize

DOMAINS = pd.read_csv(ROOT / "assets/domains.tsv", sep="\t")
CONDITIONS = {"reference": "parental", "target": "resistant"}


def protein(gene: str = "KEAP1") -> Protein:
    return Protein(gene, "ENST00000171111", LENGTHS[gene], DOMAINS[DOMAINS.gene == gene])


def cohort(number: int, near: int, seed: int, track: int = 0, most: int = 30) -> pd.DataFrame:
    """Marks of a cohort, `near` of them within 15 residues."""
    random = np.random.default_rng(seed)
    anywhere = random.choice(np.arange(1, 625), number - near, replace=False)
    positions = np.concatenate([anywhere, random.integers(470, 485, near)]).astype(int)
    rows = []
    for place, position in enumerate(positions):
        kind = random.choice(list(figures.CLASSES), p=[0.7, 0.15, 0.05, 0.05, 0.05])
        residue, other = "ACDEFGHIKL"[position % 10], random.choice(list("MNPQRSTVWY"))
        label = f"{residue}{position}{other}"
        rows.append(
            {
                "track": track,
                "position": position,
                "label": f"{label}fs*{random.integers(2, 60)}" if kind == "truncating" else label,
                "class": kind,
                "count": most if place == 0 else int(min(most, 1 + random.pareto(0.9))),
            }
        )
    return pd.DataFrame(rows, columns=["track", "position", "label", "class", "count"])


def carried(marks: pd.DataFrame) -> pd.DataFrame:
    """The same as marks of a line, in both conditions."""
    states = {"reference": "absent", "target": "present", "reference_text": "0 %", "target_text": "48 %"}
    return marks.assign(count=1, note="gained", **states)


# ---- labels in a row


@pytest.mark.parametrize("seed", range(8))
def test_spread__moves_least_of_all_arrangements_that_do_not_overlap(seed):
    random = np.random.default_rng(seed)
    wanted = np.sort(random.uniform(0, 60, 8))
    widths = random.uniform(1, 9, 8)
    found = spread(wanted, widths, 0, 60)
    apart = (widths[1:] + widths[:-1]) / 2
    limits = [
        {"type": "ineq", "fun": lambda x: np.diff(x) - apart},
        {"type": "ineq", "fun": lambda x: x[0] - widths[0] / 2},
        {"type": "ineq", "fun": lambda x: 60 - x[-1] - widths[-1] / 2},
    ]
    slow = minimize(
        lambda x: ((x - wanted) ** 2).sum(), np.linspace(5, 55, 8), constraints=limits, method="SLSQP"
    )
    assert slow.success
    np.testing.assert_allclose(found, slow.x, atol=1e-3)


def test_spread__leaves_what_has_room_where_it_is():
    assert spread([10, 20, 30], [5, 5, 5], 0, 40).tolist() == [10, 20, 30]
    assert spread([], [], 0, 40).tolist() == []


def test_spread__keeps_the_order_and_the_limits_when_it_is_full():
    found = spread([50] * 10, [6] * 10, 0, 60)
    np.testing.assert_allclose(found, np.arange(3, 60, 6))


@pytest.mark.parametrize("text", ["V512I", "W544*  gained", "D114Qfs*4\nR470C", "0 % \u2192 48 %"])
def test_text_width__is_that_with_which_a_text_is_drawn(text):
    figure = Figure(dpi=300)
    drawn = figure.text(0.5, 0.5, text, fontsize=7, family="DejaVu Sans")
    extent = drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert text_width(text, 7) == pytest.approx(extent.width * 25.4 / 300, rel=0.05)


# ---- the figure


CASES = {
    "1": cohort(1, 0, 1),
    "10": cohort(10, 3, 2),
    "60, 20 within 15 residues": cohort(60, 20, 3),
    "150": cohort(150, 30, 4),
}


@pytest.mark.parametrize("marks", CASES.values(), ids=CASES)
def test_draw__no_two_texts_of_a_cohort_collide(marks):
    figure, _ = draw(protein(), marks, [Track("TCGA", "n = 503")], notes=["Domains: as shipped."])
    assert collisions(figure) == []


@pytest.mark.parametrize("number", [1, 10, 60])
def test_draw__no_two_texts_of_mirrored_cohorts_collide(number):
    marks = pd.concat(
        [cohort(number, number // 3, 5), cohort(number, number // 3, 6, track=1)], ignore_index=True
    )
    figure, labelled = draw(
        protein(), marks, [Track("TCGA", "n = 503"), Track("C-CAT", "n = 742")], mirrored=True
    )
    assert collisions(figure) == []
    assert labelled.all()


@pytest.mark.parametrize("marks", CASES.values(), ids=CASES)
def test_draw__no_two_texts_of_lines_collide(marks):
    tracks = [Track("HSC-2"), Track("a line with a very long name indeed", "resistant", "none found")]
    figure, labelled = draw(protein(), carried(marks), tracks, conditions=CONDITIONS)
    assert collisions(figure) == []
    if labelled.all():
        assert covered_heads(figure) == []


@pytest.mark.parametrize("gene", ["KEAP1", "NFE2L2"])
def test_draw__names_protein_transcript_length_domains_repeats_and_motifs(gene):
    figure, _ = draw(protein(gene), cohort(0, 0, 1), [Track("TCGA")])
    words = [text for text, _ in texts_of(figure)]
    assert gene in words
    assert f"ENST00000171111, {LENGTHS[gene]} aa" in words
    for name in DOMAINS[DOMAINS.gene == gene].name:
        assert any(word.split(" \u2013")[0].startswith(name) for word in words), name


def test_draw__labels_each_variant_of_60_once():
    marks = cohort(60, 20, 3)
    figure, labelled = draw(protein(), marks, [Track("TCGA")])
    words = "\n".join(text for text, _ in texts_of(figure))
    assert labelled.all()
    alone = marks.drop_duplicates("position", keep=False)
    assert len(alone) > 40
    assert all(words.count(label) == 1 for label in alone.label)


def test_draw__leaves_out_labels_of_the_rarest_where_there_is_no_room():
    marks = cohort(150, 0, 4)
    _, labelled = draw(protein(), marks, [Track("TCGA")])
    assert 55 <= labelled.sum() < 150
    assert marks["count"][labelled].min() >= marks["count"][~labelled].max()


@pytest.mark.parametrize("mirrored", [False, True])
def test_draw__the_height_of_the_topmost_head_is_the_count_of_its_position(mirrored):
    marks = pd.concat([cohort(12, 6, 7), cohort(12, 6, 8, track=1)], ignore_index=True)
    figure, _ = draw(protein(), marks, [Track("one"), Track("two")], mirrored=mirrored)
    axes = figure.axes[0]
    ticks = [text for text in axes.texts if text.get_text().isdigit() and text.get_ha() == "right"]
    half = len(ticks) // 2
    for track, own in enumerate((ticks[:half], ticks[half:])):
        places = [text.get_position()[1] for text in own]
        slope, zero = np.polyfit(places, [int(text.get_text()) for text in own], 1)
        low, high = sorted((places[0], places[-1]))
        heights = [
            slope * head.get_ydata()[0] + zero
            for head in heads_of(figure)
            if low - 0.01 <= head.get_ydata()[0] <= high + 0.01
        ]
        expected = marks[marks.track == track].sort_values("count", ascending=False, kind="stable")
        expected = expected.groupby("position")["count"].cumsum()
        np.testing.assert_allclose(sorted(heights), sorted(expected), atol=1e-6)


def test_draw__stems_start_at_their_residue():
    marks = cohort(60, 20, 3)
    figure, _ = draw(protein(), marks, [Track("TCGA")])
    axes = figure.axes[0]
    ticks = [text for text in axes.texts if text.get_text() in ("100", "500") and text.get_ha() == "center"]
    (low, high) = [text.get_position()[0] for text in ticks]
    roots = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 4]
    residues = [100 + (x - low) / (high - low) * 400 for x in roots]
    np.testing.assert_allclose(sorted(residues), sorted(set(marks.position)), atol=1e-6)


def test_place__the_protein_fills_the_width_between_its_margins():
    place = layout.Place(20.0, 624)
    assert place.at(0.5) == 20
    assert place.at(624.5) == layout.WIDTH - layout.RIGHT


@pytest.mark.parametrize("number", [2, 8, 25])
def test_draw__what_a_line_has_stays_between_the_lines_above_and_below(number):
    marks = pd.concat([carried(cohort(number, number // 2, n, track=n)) for n in range(3)], ignore_index=True)
    tracks = [Track("HSC-2"), Track("HSC-3"), Track("SAS")]
    figure, _ = draw(protein(), marks, tracks, conditions=CONDITIONS)
    page = layout.lay_out_page(protein(), marks, tracks, mirrored=False)
    height = figure.get_size_inches()[1] * 25.4
    labels = {column.label: number for number, lane in enumerate(page.lanes) for column in lane.columns}
    assert len(labels) == sum(len(lane.columns) for lane in page.lanes)
    seen = [(labels[text], box) for text, box in texts_of(figure) if text in labels]
    assert len(seen) == len(labels)
    for lane, (_, low, _, high) in seen:
        base = page.bases[lane][0]
        above = page.bases[lane - 1][0] + 2 if lane else page.top + page.features.height
        assert above <= height - high
        assert height - low < base


def test_draw__the_halves_of_a_head_tell_the_conditions():
    states = [("absent", "present"), ("present", "absent"), ("present", "present"), ("unknown", "present")]
    marks = carried(
        pd.DataFrame(
            [
                {"track": 0, "position": 100 * n, "label": f"V{n}00I", "class": "missense", "count": 1}
                for n in range(1, 5)
            ]
        )
    )
    marks[["reference", "target"]] = states
    figure, _ = draw(protein(), marks, [Track("HSC-2")], conditions=CONDITIONS)
    found = [
        (head.get_markerfacecolor(), head.get_markerfacecoloralt())
        for head in sorted(heads_of(figure), key=lambda head: head.get_xdata()[0])
    ]
    blue, red, grey = ROLES["reference"], ROLES["target"], figures.SHADES["unknown"]
    assert found == [("white", red), (blue, "white"), (blue, red), (grey, red)]
    words = [text for text, _ in texts_of(figure)]
    for key in (
        "in resistant only",
        "in parental only",
        "in parental and resistant",
        "in resistant, not assessable in parental",
    ):
        assert key in words


def test_draw__variants_of_one_position_are_stacked_and_labelled_from_the_top():
    marks = carried(
        pd.DataFrame(
            [
                {"track": 0, "position": 470, "label": name, "class": "missense", "count": 1}
                for name in ("R470C", "R470H")
            ]
        )
    )
    figure, _ = draw(protein(), marks, [Track("HSC-2")])
    heads = heads_of(figure)
    assert len({head.get_xdata()[0] for head in heads}) == 1
    first, second = (head.get_ydata()[0] for head in heads)
    assert first - second >= layout.HEAD
    assert "R470H  gained\nR470C  gained" in [text for text, _ in texts_of(figure)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["R470C"], "R470C"),
        (["R470C", "R470H"], "R470C/H"),
        (["R470C", "R470fs*4"], "R470C/fs*4"),
        (["W544*", "W544C"], "W544*/C"),
        (["R470C", "R47H"], "R470C\nR47H"),
        (["E36_L40del", "c.108+1G>A"], "E36_L40del\nc.108+1G>A"),
        (["V32_D38del", "V32G"], "V32_D38del\nV32G"),
    ],
)
def test_joined__writes_changes_of_one_residue_in_one(labels, expected):
    assert layout.joined(labels) == expected


def test_levels_of__overlapping_features_do_not_share_a_level():
    features = pd.DataFrame({"start": [1, 50, 60, 99, 120], "end": [100, 90, 95, 130, 140]})
    assert layout.levels_of(features) == [0, 1, 2, 0, 1]


def test_domain_colours__differ_from_the_classes_and_carry_dark_text():
    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    dark = luminance(layout.DARK)
    for colour in layout.DOMAINS:
        assert (luminance(colour) + 0.05) / (dark + 0.05) > 7  # WCAG 2, level AAA
        for _, other in figures.CLASSES.values():
            assert np.abs(np.subtract(to_rgb(colour), to_rgb(other))).max() > 0.25
    assert len(set(figures.CLASSES.values())) == len({marker for marker, _ in figures.CLASSES.values()})


def test_draw__a_text_on_another_would_be_found():
    figure, _ = draw(protein(), cohort(10, 3, 2), [Track("TCGA")])
    one, other = (text for text in figure.axes[0].texts if text.get_text() in ("NTR", "BTB"))
    one.set_position(other.get_position())
    assert collisions(figure) != []


# ---- variants


@pytest.mark.parametrize(
    ("consequence", "expected"),
    [
        ("missense_variant&splice_region_variant", "missense"),
        ("stop_gained", "truncating"),
        ("frameshift_variant&stop_lost", "truncating"),
        ("start_lost&inframe_deletion", "truncating"),
        ("splice_donor_variant&coding_sequence_variant", "splice site"),
        ("inframe_deletion", "in frame"),
        ("stop_lost", "other"),
        ("synonymous_variant", ""),
        ("splice_region_variant&intron_variant", ""),
        ("upstream_gene_variant", ""),
        ("", ""),
    ],
)
def test_class_of__a_change_of_the_protein_has_a_class_and_no_other(consequence, expected):
    assert script.class_of(consequence) == expected


@pytest.mark.parametrize(
    ("start", "hgvs_c", "expected"),
    [
        (512, "c.1534G>A", 512),
        (None, "c.1704+1del", 568),
        (None, "c.1705-2A>G", 569),
        (None, "c.-12+1G>A", None),
        (None, "", None),
        (None, "c.*5A>G", None),
    ],
)
def test_residue_of__a_splice_site_is_drawn_at_the_codon_beside_it(start, hgvs_c, expected):
    assert script.residue_of(start, hgvs_c) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, "0 %"), (0.0002, "0.02 %"), (0.031, "3.1 %"), (0.476, "48 %"), (0.999, "100 %"), (np.nan, "n/a")],
)
def test_percent__has_two_digits(share, expected):
    assert script.percent(share) == expected


def test_describe__labels_are_short_whatever_code_the_names_have():
    names = ["p.Asp114GlnfsTer4", "p.D114Qfs*4", "p.(Val512Ile)", "p.?", None]
    found = pd.DataFrame({"line": "HSC-2", "condition": "resistant", "gene": "KEAP1", "hgvs_p_short": names})
    found = found.assign(hgvs_c="c.1704+1del", consequence="missense_variant", comparison="gained")
    found = found.assign(
        zygosity_reference="absent", zygosity_target="het", vaf_reference=0.0, vaf_target=0.5
    )
    found = found.assign(common_polymorphism="no", protein_start=pd.array([1] * 5, dtype="Int64"))
    rows = [script.Row("HSC-2", "resistant", "target", {})]
    expected = ["D114Qfs*4", "D114Qfs*4", "V512I", "c.1704+1del", "c.1704+1del"]
    assert script.describe(found, rows).label.tolist() == expected


# ---- what was read


@pytest.mark.parametrize("gene", ["KEAP1", "NFE2L2"])
def test_read_residues__agrees_with_a_look_at_each_base(gene):
    transcript = next(each for each in transcripts() if each.gene_name == gene)
    codons = script.codons_of(transcript)
    assert codons.shape == (LENGTHS[gene], 3)
    random = np.random.default_rng(3)
    ends = np.sort(random.choice(codons.ravel(), (30, 2)), axis=1)
    inserts = pd.DataFrame(ends[np.diff(ends, axis=1)[:, 0] < 300], columns=["insert_start", "insert_end"])
    assert len(inserts) > 3
    found = script.read_residues(codons, inserts)
    for residue in range(1, LENGTHS[gene] + 1):
        bases = [transcript.coding_to_genome(str(3 * residue - back)) for back in (2, 1, 0)]
        held = all(
            any(row.insert_start <= base < row.insert_end for row in inserts.itertuples()) for base in bases
        )
        assert found[residue - 1] == held


def test_stretches__are_first_and_last_residues_of_what_was_read():
    assert script.stretches(np.array([1, 1, 0, 1, 0, 0, 1], dtype=bool)) == [(1, 2), (4, 4), (7, 7)]
    assert script.stretches(np.zeros(3, dtype=bool)) == []


def test_fitted__cuts_features_at_the_end_of_the_protein():
    features = pd.DataFrame({"kind": "domain", "start": [1, 90, 120], "end": [50, 110, 130]})
    found = script.fitted(features, 100)
    assert found.end.tolist() == [50, 100, 130]
    assert found.drawn.tolist() == ["yes", "yes", "no"]
    assert found.status.tolist() == ["ok", "beyond_end", "beyond_end"]


# ---- a study


def run(run_script, folder: Path, **study) -> dict[str, pd.DataFrame | dict]:
    """Run a study; return its tables by stem, and the section of the report."""
    paths = write_study(folder / "inputs", **study)
    result = run_script(script.main, **paths, results=folder / "out")
    assert result.exit_code == 0, result.output
    tables = [folder / "out/proteins.tsv", *(folder / "out/proteins").glob("*.tsv")]
    found = {path.stem: pd.read_csv(path, sep="\t", keep_default_na=False) for path in tables}
    for name in set(found) - {"proteins"}:
        assert (folder / f"out/proteins/{name}.svg").stat().st_size > 5000
        assert (folder / f"out/proteins/{name}.png").read_bytes().startswith(b"\x89PNG")
    return found | {"section": json.loads((folder / "out/lollipop_mqc.json").read_text())}


@pytest.fixture(scope="module")
def founding(tmp_path_factory) -> tuple[Path, dict[str, pd.DataFrame | dict]]:
    """The founding study, run once: the folder, and what `run` returns."""
    folder = tmp_path_factory.mktemp("founding")

    def command(main, **options):
        words = [
            str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)
        ]
        return CliRunner().invoke(main, words, catch_exceptions=False)

    return folder, run(command, folder)


def variants_of(table: pd.DataFrame) -> pd.DataFrame:
    return table[table.element == "variant"].set_index(["line", "hgvs_c"])


def test_main__draws_what_each_line_carries_and_says_what_it_leaves_out(founding):
    folder, found = founding
    assert set(found) == {"proteins", "KEAP1", "NFE2L2", "section"}
    seen = variants_of(found["KEAP1"])
    carried = {
        (line, VARIANTS[name][1])
        for line, names in FOUNDING.items()
        for name in names
        if VARIANTS[name][0] == "KEAP1"
    }
    assert set(seen.index) == carried
    drawn = seen[seen.drawn == "yes"]
    assert set(drawn.label) == {"V512I", "W544*", "D114Qfs*4", "G333C"}
    assert (drawn.status == "ok").all()
    assert drawn["class"].to_dict()["HSC-3", "c.1632G>A"] == "truncating"
    assert seen.status["HSC-2", "c.1413C>G"] == "common_polymorphism"
    assert seen.reason["HSC-3", "c.600C>G"] == "no residue changes: synonymous_variant"
    lines = found["KEAP1"][found["KEAP1"].element == "line"].set_index("line")
    assert lines.index.tolist() == list(LINES)
    assert lines.status.tolist() == ["ok", "ok", "none_found", "ok"]
    assert lines.label["HO-1-u-1"] == "none found"
    svg = (folder / "out/proteins/KEAP1.svg").read_text()
    for word in ("ENST00000171111, 624 aa", "V512I  gained", "48 %", "3.1 %", "Kelch 4", "none found"):
        assert f">{word}<" in svg, word
    assert ">Not drawn: 1 common polymorphism, 2 without a change of a residue.<" in svg
    for word in ("L471=", "A200="):
        assert word not in svg
    section = found["section"]
    assert "V512I (Kelch 4; gained in HSC-2)" in section["description"]
    assert "E82D (ETGE; shared in HO-1-u-1)" in section["description"]
    assert "1 common polymorphism, 2 without a change of a residue" in section["description"]
    assert section["nrf2flow"]["links"] == ["proteins.tsv", "KEAP1.svg", "NFE2L2.svg"]
    assert "none_found 4" in section["nrf2flow"]["statuses"]
    assert section["data"].count("<img") == 2
    proteins = found["proteins"].set_index("gene")
    numbers = ["residues", "variants", "drawn", "left_out"]
    assert proteins.loc["KEAP1", numbers].tolist() == ["624", "7", "4", "3"]
    assert proteins.status["CUL3"] == "no_domains"


def test_main__a_study_without_a_variant_has_proteins_and_lines(run_script, tmp_path):
    found = run(run_script, tmp_path, carried={})
    for gene in ("KEAP1", "NFE2L2"):
        lines = found[gene][found[gene].element == "line"]
        assert lines.label.tolist() == ["none found"] * 4
        assert (found[gene].element != "variant").all()
    assert found["section"]["description"].startswith(
        "No variant was found that changes KEAP1 or NFE2L2, in what was read."
    )


def test_main__not_read_is_not_none_found(run_script, tmp_path):
    unread = {("HSC-2", "resistant"): ("KEAP1", 1, 624), ("HSC-3", "parental"): ("KEAP1", 200, 260)}
    found = run(run_script, tmp_path, carried={}, unread=unread, covered=["KEAP1"])
    lines = found["KEAP1"][found["KEAP1"].element == "line"].set_index("line")
    assert lines.status.tolist() == ["not_read", "none_found", "none_found", "none_found"]
    assert lines.label["HSC-2"] == "not assessable: nothing was read in resistant"
    assert lines.label["HSC-3"] == "none found in the 90 % that were read"
    assert lines.reason["HSC-3"] == "parental: 90 % read, resistant: 100 % read"
    read = found["KEAP1"][found["KEAP1"].element == "read"]
    own = read[(read.line == "HSC-3") & (read.condition == "parental")]
    assert own[["start", "end"]].to_numpy().tolist() == [["1", "199"], ["261", "624"]]
    assert read[(read.line == "HSC-2") & (read.condition == "resistant")].empty


def test_main__lines_with_one_condition_or_three_have_their_rows(run_script, tmp_path):
    conditions = {
        "HSC-2": ["resistant"],
        "HSC-3": ["parental", "resistant", "washout"],
        "HO-1-u-1": ["parental"],
        "HSC-4": ["parental"],
    }
    alone = ("not_assessable", 0.5, "het", None, None)
    carried = {"HSC-2": {"V512I": UNKNOWN}, "HSC-3": {"W544*": SUBCLONE}, "HSC-4": {"G333C": alone}}
    found = run(run_script, tmp_path, conditions=conditions, carried=carried, covered=["KEAP1"])
    lines = found["KEAP1"][found["KEAP1"].element == "line"]
    assert lines[["line", "condition"]].to_numpy().tolist() == [
        ["HSC-2", "resistant"],
        ["HSC-3", "resistant"],
        ["HSC-3", "washout"],
        ["HO-1-u-1", "parental"],
        ["HSC-4", "parental"],
    ]
    assert lines.label.tolist() == ["", "none found", "", "none found, no resistant sample", ""]
    assert lines.reason.iloc[0] == "resistant: 100 % read; no parental sample"
    svg = (tmp_path / "out/proteins/KEAP1.svg").read_text()
    assert ">in resistant, not assessable in parental<" in svg
    assert ">in washout only<" in svg
    assert ">in parental, not assessable in resistant<" in svg


def test_main__stacks_and_splice_sites_are_drawn(run_script, tmp_path):
    carried = {"HSC-2": {"R470C": SHARED, "R470H": LOST, "splice": GAINED, "intron": GAINED}}
    seen = variants_of(run(run_script, tmp_path, carried=carried, covered=["KEAP1"])["KEAP1"])
    assert seen.position["HSC-2", "c.1704+1del"] == "568"
    assert seen.label["HSC-2", "c.1704+1del"] == "c.1704+1del"
    assert seen.drawn.to_dict() == {
        ("HSC-2", "c.1408C>T"): "yes",
        ("HSC-2", "c.1409G>A"): "yes",
        ("HSC-2", "c.1704+1del"): "yes",
        ("HSC-2", "c.639+40C>T"): "no",
    }


def test_main__sixty_variants_of_a_line_are_counted_by_domain(run_script, tmp_path):
    marks = cohort(60, 20, 3).drop_duplicates("label")
    many = {
        row.label: ("KEAP1", f"c.{3 * row.position}A>{row.label}", f"p.{row.label}", "missense_variant",
                    row.position, "no")
        for row in marks.itertuples()
    }  # fmt: skip
    carried = {"HSC-2": dict.fromkeys(many, GAINED)}
    found = run(run_script, tmp_path, carried=carried, variants=many, covered=["KEAP1"])
    expected = [
        f"{((marks.position >= row.start) & (marks.position <= row.end)).sum()} in {row.name_}"
        for row in DOMAINS[(DOMAINS.gene == "KEAP1") & (DOMAINS.kind == "domain")]
        .rename(columns={"name": "name_"})
        .itertuples()
    ]
    words = found["section"]["description"]
    assert all(each in words for each in expected if not each.startswith("0 "))
    assert (tmp_path / "out/lollipop_mqc.json").stat().st_size < 300_000


def test_main__draws_no_gene_that_no_amplicon_covers(run_script, tmp_path):
    found = run(run_script, tmp_path, carried={}, covered=["NFE2L2"])
    assert set(found) == {"proteins", "NFE2L2", "section"}
    proteins = found["proteins"].set_index("gene")
    assert proteins.status.to_dict() == {"KEAP1": "no_amplicon", "NFE2L2": "ok", "CUL3": "no_domains"}


def test_main__without_a_protein_there_is_a_section_that_says_so(run_script, tmp_path):
    found = run(run_script, tmp_path, carried={}, covered=["CUL3"])
    assert set(found) == {"proteins", "section"}
    assert found["section"]["description"].startswith("No protein is drawn")
    assert found["section"]["nrf2flow"]["statuses"] == "no_amplicon 2, no_domains 1"


def test_main__gives_the_same_bytes_twice(founding, run_script, tmp_path):
    folder, _ = founding
    run(run_script, tmp_path)
    names = [path.relative_to(folder / "out") for path in (folder / "out").rglob("*.*")]
    assert len(names) == 9
    for name in names:
        assert (folder / "out" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


def test_residues_at__the_studys_own_amplicons_hold_whole_codons():
    places = residues_at("KEAP1", 100, 300)
    assert sum(end - start for _, start, end in places) == 603
