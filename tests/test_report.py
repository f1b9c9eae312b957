import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from common.cli import InputError
from common.multiqc import write_section
from common.multiqc_page import as_pairs, drawable, number_format
from common.program_logs import lay_out_logs
from common.programs import run
from common.tables import write_table
from conftest import ROOT
from report import (
    QUESTIONS,
    analysis_of,
    explain,
    findings_of,
    in_order,
    link_to,
    main,
    methods_of,
    read_sections,
    run_again,
    table_of,
    unbroken,
    versions_of,
    warnings_of,
    with_links,
    without_repeats,
)
from spliced_reads import GENES, fragments, genome, spliced, write_fasta, write_reads

WORDS = yaml.safe_load((ROOT / "assets/methods.yml").read_text())
RESISTANT = "HSC-2.resistant_vs_parental"
SAMPLES = ["x_R1.fastq.gz", "007", "1e5", "RAC1/p38 \u03b2"]  # names that a reader of files would change
DICTIONARY = pd.DataFrame(
    [
        ("differential_expression/summary.tsv", "contrast", "text", None, "The contrast"),
        ("differential_expression/summary.tsv", "up", "integer", "genes", "Genes up in the target"),
        ("differential_expression/summary.tsv", "q_value", "number", None, "Smallest false discovery rate"),
        ("differential_expression/summary.tsv", "status", "text", None, "ok, or why there is no test"),
        ("differential_expression/*.tsv", "status", "text", None, "not this one"),
        ("sample_enrichment/scores.tsv", "<sample>", "number", None, "Score in the sample"),
        ("normalise_expression/factors.tsv", "genes_detected", "integer", None, "Genes with a count"),
        ("normalise_expression/factors.tsv", "library_size", "integer", None, "Library size"),
    ],
    columns=["table", "column", "type", "unit", "meaning"],
)
SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
PARAMETERS = {
    name: described["default"] if isinstance(described["default"], str) else json.dumps(described["default"])
    for group in SCHEMA["$defs"].values()
    for name, described in group["properties"].items()
    if "default" in described
} | {"reference_condition": "sensitive", "target_condition": "resistant"}


def frame(columns: str, *rows: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split(), dtype="str")


def section(name: str, **further: object) -> dict:
    extra = {"table": "", "statuses": "", "links": [], "dois": [], "findings": {}, "answers": {}}
    extra |= {"samples": {}} | further
    return {"id": name, "data": extra.pop("data", {}), "nrf2flow": extra}


class Study:
    """The folder inputs of the report, in a folder."""

    def __init__(self, folder: Path, *planned: tuple[str, str, str], **parameters: str):
        self.folder = folder
        for name in ("checked", "sections", "assets"):
            (folder / name).mkdir()
        for name in ("multiqc_config.yml", "methods.yml", "report.css"):
            (folder / "assets" / name).write_text((ROOT / "assets" / name).read_text())
        write_table(DICTIONARY, folder / "assets/columns.tsv")
        write_table(frame("analysis planned reason", *planned), folder / "checked/plan.tsv")
        sheet = ("counts", "/data/counts.tsv", "0f" * 32, "20000")
        write_table(frame("sheet path sha256 rows", sheet), folder / "checked/inputs.tsv")
        values = frame("parameter value", *(PARAMETERS | parameters).items())
        write_table(values, folder / "checked/parameters.tsv")
        write_table(frame("sheet note"), folder / "checked/notes.tsv")
        (folder / "versions.tsv").write_text("pydeseq2\t0.5.4\nnumpy\t2.4.6\nnumpy\t2.4.6\n")

    def write(self, name: str, *arguments: object, **options: object) -> None:
        write_section(self.folder / "sections" / f"{name}_mqc.json", *arguments, **options)

    def options(self, **further: Path) -> dict[str, Path]:
        folders = {name: self.folder / name for name in ("checked", "sections", "assets")}
        return folders | {"tools": self.folder / "versions.tsv", "results": self.folder / "results"} | further


def full_study(folder: Path) -> Study:
    """All plot types, awkward names, an analysis that was not planned, and simulated data."""
    planned = [(name, "yes", "") for name in ("normalise_expression", "differential_expression")]
    planned += [("sample_enrichment", "yes", ""), ("gene_set_enrichment", "no", "gene_sets is none")]
    planned += [("mmc_candidates", "yes", ""), ("survival", "no", "patients not given")]
    study = Study(folder, *planned, simulate="small")
    answers = {"active": ["NRF2 is active in no line."]}
    study.write("mmc_candidates", "Calls", "No line is a candidate.", "html", "<p>None.</p>", answers=answers)
    notes = frame("sheet note", ("rnaseq", "line SAS has one condition <parental>"))
    write_table(notes, folder / "checked/notes.tsv")

    bars = {sample: {"reads": 1000 + n} for n, sample in enumerate(SAMPLES)}
    colours = {"categories": {"reads": {"name": "reads", "color": "#0072B2"}}, "ylab": "reads"}
    links = ["factors.tsv", "log_cpm.tsv"]
    sentence = "3 samples & 12 genes: q < 0.05."
    samples = {"factors.tsv": {"007": {"genes_detected": 12}, "1e5": {"genes_detected": 11}}}
    study.write(
        *("normalise_expression", "Libraries", sentence, "bargraph", bars),
        **{"settings": colours, "links": links, "samples": samples},
    )
    boxes = {sample: [1.0, 2.0, 4.0, 8.0] for sample in SAMPLES}
    study.write("normalise_expression_box", "Distribution", "Log-CPM.", "box", boxes)
    grid = {"GABP alpha/beta": {"007": 1.5, "1e5": None}, "beta": {"007": -1.5, "1e5": 0.0}}
    zeros = {sample: {"down": 0} for sample in SAMPLES}
    study.write("normalise_expression_zeros", "Zeros", "None.", "bargraph", zeros)
    study.write("normalise_expression_grid", "Grid", "Scores.", "heatmap", grid)
    table = {
        RESISTANT: {"up": 312, "q_value": 1e-12, "status": "ok"},
        "b": {"up": 0, "status": "no_replicates"},
    }
    study.write(
        "differential_expression",
        "Differential expression",
        "2 contrasts.",
        "table",
        table,
        table="summary.tsv",
        statuses=["ok", "no_replicates"],
        links=[f"{name}.genes.tsv" for name in "abcdefg"],
        dois=["10.1186/s13059-014-0550-8"],
        findings={RESISTANT: "312 genes up, 0 down"},
        answers={"changes": ["312 genes rise at q < 0.05.", "None falls.", "This is a third."]},
    )
    one = {"data_labels": [RESISTANT]}
    points = {f"gene{n}": {"x": n / 100, "y": 1.0, "color": "#D55E00"} for n in range(300)}
    study.write("differential_expression_volcano", "Volcano", "300 genes.", "scatter", [points], settings=one)
    lines = {"a": {"0": 0, "900": None, "1000": 2, "90": 3}, "b": {"0": None}}
    study.write(
        "sample_enrichment", "Sums", "Lines.", "linegraph", lines, findings={RESISTANT: "up (NES 2.1)"}
    )
    violins = {sample: {"WP2884": 0.1 * n} for n, sample in enumerate(SAMPLES)}
    study.write("sample_enrichment_violin", "Scores", "Sets.", "violin", violins, table="scores.tsv")
    many = {str(n): {"0": n, "1": 0} for n in range(9)}
    study.write("sample_enrichment_many", "Many", "Lines.", "linegraph", [many, many])
    study.write("sample_enrichment_none", "Nothing", "No set was scored.", "table", {}, table="scores.tsv")
    return study


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> Path:
    """The results folder of a report of the full study, made where no home folder can be written to."""
    study = full_study(tmp_path_factory.mktemp("study"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", "/nonexistent")
        words = [str(word) for name, value in study.options().items() for word in (f"--{name}", value)]
        main(words, standalone_mode=False)
    return study.folder / "results"


@pytest.fixture(scope="module")
def html(reported) -> str:
    """The page below its scripts and styles: what is shown."""
    page = (reported / "multiqc_report.html").read_text()
    return page[page.rindex("<body>") :]


def shown_in(html: str, name: str) -> str:
    """The part of the page that is the section of this name."""
    start = html.index(f'id="mqc-section-wrapper-{name}-section"')
    end = html.find('id="mqc-section-wrapper-', start + 1)
    return html[start:end]


RECORDED = ["plan", "methods", "parameters", "inputs", "versions"]


def test_report__goes_from_the_call_through_the_six_questions_and_the_quality_to_the_record(html):
    assert re.findall(r'id="mqc-section-wrapper-([^"]+)-section"', html) == [
        *("mmc_candidates", "warnings", "answer-active", "answer-why", "answer-changes"),
        *("differential_expression", "differential_expression_volcano"),
        *("sample_enrichment", "sample_enrichment_many", "sample_enrichment_none"),
        *("sample_enrichment_violin", "answer-exploited", "answer-patients", "answer-cohorts", "samples"),
        *("normalise_expression", "normalise_expression_box", "normalise_expression_grid"),
        *("normalise_expression_zeros", "findings"),
        *RECORDED,
    ]
    assert re.findall(r'<h2 class="mb-0" id="([^"]+)">', html) == [
        *("mmc_candidates", "overview", "question-active", "question-why", "question-changes"),
        *("differential_expression", "sample_enrichment", "question-exploited", "question-patients"),
        *("question-cohorts", "quality", "normalise_expression", "by_name", "record"),
    ]


def test_report__answers_a_question_in_two_sentences_that_lead_to_their_evidence(html):
    answer = shown_in(html, "answer-changes")
    link = "(<a href='#differential_expression'>Differential expression</a>)"
    assert f"<p>312 genes rise at q&nbsp;&lt;&nbsp;0.05. {link}</p>" in answer
    assert "None falls." in answer
    assert "This is a third." not in html
    assert "NRF2 is active in no line. (<a href='#mmc_candidates'>" in shown_in(html, "answer-active")


def test_report__says_why_a_question_has_no_answer(html):
    assert "Not answered in this run: no analysis sums it up." in shown_in(html, "answer-why")
    assert "Not answered in this run: patients not given." in shown_in(html, "answer-patients")


def test_report__shows_all_samples_in_one_table(html):
    table = shown_in(html, "samples")
    assert all(f">{sample}</span>" in table for sample in ("007", "1e5"))
    assert "Genes with a count" in table
    assert table.count("Library size") == 0, "what no sample has"


def test_report__says_first_that_data_are_simulated(html):
    assert html.index("Simulated data.") < html.index('id="mmc_candidates"')
    assert "The data are simulated, not measured" in shown_in(html, "methods")


def test_report__names_the_conditions_by_their_colours(html):
    start = html[: html.index('id="mmc_candidates"')]
    assert "<span class='nrf2flow-reference'>sensitive</span> is blue" in start
    assert "<span class='nrf2flow-target'>resistant</span> is red" in start


def test_report__warns_of_notes_and_of_statuses_that_are_not_ok(html):
    warnings = shown_in(html, "warnings")
    assert "<strong>rnaseq</strong>: line SAS has one condition &lt;parental&gt;" in warnings
    link = "<a href='#differential_expression-section'>Differential expression</a>"
    assert f"{link}: no replicates 1, ok 1" in warnings
    assert "Normalised expression" not in warnings


def test_report__links_what_was_found_to_its_evidence(html):
    findings = shown_in(html, "findings")
    assert "<a href='#differential_expression'>Differential expression</a>: 312 genes up, 0 down" in findings
    assert "<a href='#sample_enrichment'>Gene set scores of the samples</a>: up (NES 2.1)" in findings


def test_report__a_section_has_its_sentence_statuses_links_and_references(html):
    described = shown_in(html, "normalise_expression")
    assert "<p>3 samples &amp; 12 genes: q &lt; 0.05.</p>" in described
    assert "href='../normalise_expression/factors.tsv'" in described
    described = shown_in(html, "differential_expression")
    assert "Status: no replicates 1, ok 1" in described
    assert "<summary>7 tables and figures</summary>" in described
    assert "href='https://doi.org/10.1186/s13059-014-0550-8'" in described
    assert "There is nothing to draw." in shown_in(html, "sample_enrichment_none")


def test_report__a_table_explains_its_columns(html):
    table = shown_in(html, "differential_expression")
    assert "Genes up in the target (genes)" in table
    assert "Smallest false discovery rate" in table
    assert "not this one" not in table
    assert "1e-12" in table


def test_report__shows_names_and_order_as_given(reported):
    data = json.loads((reported / "multiqc_report_data/multiqc_data.json").read_text())
    assert list(data["report_saved_raw_data"]["multiqc_normalise_expression"]) == SAMPLES
    (grid,) = data["report_plot_data"]["normalise_expression_grid"]["datasets"]
    assert grid["ycats"] == ["GABP alpha/beta", "beta"]
    (lines,) = data["report_plot_data"]["sample_enrichment-plot"]["datasets"]
    assert lines["lines"][0]["pairs"] == [[0, 0], [90, 3], [900, None], [1000, 2]]


def test_report__a_few_lines_are_named_beside_the_plot_and_many_are_not(reported):
    plots = json.loads((reported / "multiqc_report_data/multiqc_data.json").read_text())["report_plot_data"]
    assert plots["sample_enrichment-plot"]["layout"]["showlegend"] is True
    assert plots["sample_enrichment_many"]["layout"]["showlegend"] is False


def test_report__every_plot_is_interactive_and_drawn_at_once(html):
    plots = ["normalise_expression", "normalise_expression_box", "normalise_expression_grid"]
    plots += ["differential_expression_volcano", "sample_enrichment", "sample_enrichment_violin"]
    for name in plots:
        assert "hc-plot" in shown_in(html, name), name
    assert "Show plot" not in html
    assert "Flat image" not in html


def test_report__the_plan_says_why_an_analysis_did_not_run(html):
    plan = shown_in(html, "plan").replace("<wbr>", "")
    assert "<td>gene_set_enrichment</td><td>no</td><td>gene_sets is none</td>" in plan
    assert "Gene set enrichment" not in html


def test_report__is_one_file_that_asks_nobody_for_anything(reported, html):
    page = (reported / "multiqc_report.html").read_text()
    head = page[: page.index("<style")]
    assert re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?!data:)', head + html) == []
    assert "Summarize report" not in page
    assert "generated on" not in html
    assert len(page) < 10e6


def test_report__has_no_path_of_the_machine_and_leaves_nothing_else_behind(reported):
    assert sorted(path.name for path in reported.iterdir()) == [
        *("findings.txt", "multiqc_report.html", "multiqc_report_data", "versions.tsv"),
    ]
    for path in [reported / "multiqc_report.html", *(reported / "multiqc_report_data").iterdir()]:
        assert str(reported.parent) not in path.read_text(), path.name
        assert "site-packages" not in path.read_text(), path.name


def test_report__findings_are_a_line_for_each_contrast_in_the_order_of_the_plan(reported):
    assert (reported / "findings.txt").read_text() == f"{RESISTANT}: 312 genes up, 0 down; up (NES 2.1)\n"


def test_report__the_same_sections_give_the_same_data(reported, tmp_path, run_script):
    assert run_script(main, **full_study(tmp_path).options()).exit_code == 0
    for path in [reported / "versions.tsv", *(reported / "multiqc_report_data").iterdir()]:
        again = tmp_path / "results" / path.relative_to(reported)
        assert again.read_bytes() == path.read_bytes(), path.name


def test_report__nothing_but_questions_and_the_record_when_nothing_ran(tmp_path, run_script):
    study = Study(tmp_path, ("normalise_expression", "no", "counts not given"))
    (tmp_path / "sections").rmdir()
    assert run_script(main, **study.options()).exit_code == 0
    html = (tmp_path / "results/multiqc_report.html").read_text()
    anchors = re.findall(r'id="mqc-section-wrapper-([^"]+)-section"', html)
    assert anchors == [*(f"answer-{question}" for question in QUESTIONS), *RECORDED]
    assert "Simulated data." not in html
    assert (tmp_path / "results/findings.txt").read_text() == ""


def test_report__a_setting_that_multiqc_does_not_know_stops_it(tmp_path, run_script):
    study = Study(tmp_path, ("normalise_expression", "yes", ""))
    data = {"007": {"reads": 3}}
    study.write(
        "normalise_expression", "Libraries", "1.", "bargraph", data, settings={"colour_of_bars": "red"}
    )
    with pytest.raises(RuntimeError, match="colour_of_bars"):
        run_script(main, **study.options())


def test_read_sections__a_planned_analysis_without_section_is_an_error(tmp_path):
    plan = frame("analysis planned reason", ("sample_projection", "yes", ""))
    with pytest.raises(InputError, match=r"plan.tsv: sample_projection was planned and did not run"):
        read_sections(tmp_path / "absent", plan)


def test_read_sections__a_section_of_an_unplanned_analysis_is_an_error(tmp_path):
    plan = frame("analysis planned reason", ("sample_projection", "no", "counts not given"))
    write_section(tmp_path / "sample_projection_mqc.json", "Title", "Sentence.", "table", {})
    with pytest.raises(InputError, match=r"plan.tsv: sample_projection was not planned and has a section"):
        read_sections(tmp_path, plan)


def test_analysis_of__takes_the_longest_name():
    assert analysis_of("survival_curves", ["survival", "survival_curves"]) == "survival_curves"
    assert analysis_of("survival_all", ["survival", "survival_curves"]) == "survival"
    with pytest.raises(InputError, match=r"survivals_mqc.json: no analysis of plan.tsv has this name"):
        analysis_of("survivals", ["survival"])


def test_in_order__an_analysis_comes_before_its_parts_and_2_before_10():
    names = ["heatmap_all", "heatmap_10_a", "heatmaps", "heatmap", "heatmap_2_b"]
    in_their_order = sorted((f"{name}_mqc.json" for name in names), key=in_order)
    assert [name.removesuffix("_mqc.json") for name in in_their_order] == [
        *("heatmap", "heatmap_2_b", "heatmap_10_a", "heatmap_all", "heatmaps"),
    ]


def test_explain__a_column_of_a_sample_has_the_meaning_of_all_samples():
    given = section("sample_enrichment", table="scores.tsv", data={"WP2884": {"007": 0.5}})
    headers, _ = explain(given, "sample_enrichment", DICTIONARY)
    assert headers["007"]["description"] == "Score in the sample"


def test_explain__rows_are_named_by_the_first_column_that_is_not_shown():
    given = section("differential_expression", table="summary.tsv", data={RESISTANT: {"q_value": 0.1}})
    headers, rows_are = explain(given, "differential_expression", DICTIONARY)
    assert list(headers) == ["q_value"]
    assert rows_are == "contrast"


def test_explain__a_column_without_any_value_is_not_shown():
    data = {RESISTANT: {"up": 2, "q_value": None, "status": ""}, "b": {"up": 3, "status": ""}}
    headers, _ = explain(section("a", table="summary.tsv", data=data), "differential_expression", DICTIONARY)
    assert list(headers) == ["up"]


def test_explain__a_column_without_a_meaning_is_an_error():
    given = section("differential_expression", table="summary.tsv", data={RESISTANT: {"down": 2}})
    with pytest.raises(
        InputError, match=r"columns.tsv: no row for differential_expression/summary.tsv, down"
    ):
        explain(given, "differential_expression", DICTIONARY)


def test_explain__a_table_without_a_name_is_an_error():
    given = section("differential_expression_top", data={RESISTANT: {"down": 2}})
    with pytest.raises(InputError, match=r"differential_expression_top_mqc.json: does not name the table"):
        explain(given, "differential_expression", DICTIONARY)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1, 20, 0, 12345], ["1", "20", "0", "12,345"]),
        ([0.5, 12.345], ["0.50", "12.35"]),
        ([250.04, 1.06], ["250.0", "1.1"]),
        ([1e-12, 0.049], ["1e-12", "0.049"]),
        ([0.0012, 20000.5], ["0.0012", "20,000"]),
        ([0.0, 0.0], ["0", "0"]),
        ([], []),
    ],
)
def test_number_format__shows_three_digits_of_the_largest_and_no_other_as_zero(values, shown):
    assert [number_format(values).format(value) for value in values] == shown


def test_as_pairs__turns_the_keys_of_a_line_into_numbers_and_a_missing_value_into_a_gap():
    assert as_pairs({"10": 1, "9": 2}) == [[10.0, 1], [9.0, 2]]
    assert str(as_pairs({"10": 1, "9": None})) == "[[10.0, 1], [9.0, nan]]"
    assert as_pairs({"9": None}) == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("linegraph", {"a": {"1": None}, "b": {}}),
        ("scatter", [{"a": []}, {}]),
        ("box", {"a": []}),
        ("bargraph", {"a": {}}),
        ("heatmap", {"a": {"b": None}, "c": {}}),
        ("heatmap", [[None, None]]),
    ],
)
def test_drawable__nothing_is_left_where_there_is_nothing_to_draw(kind, data):
    assert not drawable(kind, data, {})[0]


def test_drawable__a_dataset_without_points_goes_with_its_label():
    data = [{"a": {"x": 1, "y": 2}}, {"a": []}, {"a": {"x": 3, "y": 4}, "b": []}]
    kept, settings = drawable("scatter", data, {"data_labels": ["first", "second", "third"]})
    assert kept == [{"a": {"x": 1, "y": 2}}, {"a": {"x": 3, "y": 4}}]
    assert settings["data_labels"] == ["first", "third"]


def test_drawable__one_dataset_has_its_label_as_a_subtitle():
    data = [{"a": []}, {"a": {"x": 3, "y": 4}}]
    labels = [{"name": "first", "xlab": "hours"}, {"name": "second", "xlab": "days"}]
    kept, settings = drawable("scatter", data, {"xlab": "time", "data_labels": labels})
    assert kept == {"a": {"x": 3, "y": 4}}
    assert settings == {"xlab": "days", "subtitle": "second"}


def test_drawable__keeps_zeros_and_the_text_of_categories():
    assert drawable("bargraph", {"a": {"up": 0}}, {})[0] == {"a": {"up": 0}}
    lines = {"a": {"HSC-2": 1}}
    assert drawable("linegraph", lines, {"categories": True})[0] == lines


def test_without_repeats__says_once_what_all_sections_of_an_analysis_share():
    given = [
        section(name, statuses="ok 4", dois=["10.1/a", doi])
        for name, doi in (("a", "10.1/b"), ("b", "10.1/c"))
    ]
    first, second = (told["nrf2flow"] for told in without_repeats(given))
    assert (first["statuses"], first["dois"]) == ("ok 4", ["10.1/a", "10.1/b"])
    assert (second["statuses"], second["dois"]) == ("", ["10.1/c"])


def test_findings_of__keeps_the_order_of_contrasts_and_analyses():
    given = {
        "first": [
            section("first", findings={"b": "1"}),
            section("first_more", findings={"a": "2", "b": "3"}),
        ],
        "second": [section("second", findings={"b": "4"})],
    }
    found = findings_of(given)
    assert list(found) == ["b", "a"]
    assert found["b"] == {"first": ["1", "3"], "second": ["4"]}


def test_warnings_of__is_silent_where_all_is_ok_or_uncounted():
    given = {
        "sample_projection": [section("sample_projection", statuses="ok 4"), section("sample_projection_b")]
    }
    assert warnings_of(frame("sheet note"), given, WORDS) == []


def test_warnings_of__names_the_section_only_where_others_count_other_rows():
    given = [
        {**section(name, statuses=counts), "section_name": name}
        for name, counts in (("a", "ok 4"), ("b", "low 1"))
    ]
    (listed,) = warnings_of(frame("sheet note"), {"sample_projection": given}, WORDS)
    assert listed == "<a href='#b-section'>Projection of the samples, b</a>: low 1"
    given = [{**given[1], "id": name} for name in "bc"]
    (listed,) = warnings_of(frame("sheet note"), {"sample_projection": given}, WORDS)
    assert listed == "<a href='#b-section'>Projection of the samples</a>: low 1"


def test_methods_of__each_analysis_has_a_method_that_its_parameters_complete():
    shown = [name for name in WORDS if name != "simulate_study"]
    paragraphs = methods_of(shown, WORDS, PARAMETERS)
    assert len(paragraphs) == len(shown)
    assert not any("{" in paragraph for paragraph in paragraphs)
    assert "1000 permutations (seed 1)" in paragraphs[shown.index("gene_set_enrichment")]


@pytest.mark.parametrize(
    ("parameter", "value", "sentence"),
    [
        ("gsea_permute", "phenotype", "conditions were permuted"),
        ("ssgsea_dialect", "gsva", "they depend on which samples are analysed together"),
        ("projection_scale", "false", "not scaled"),
    ],
)
def test_methods_of__a_sentence_follows_the_value_of_its_parameter(parameter, value, sentence):
    (owner,) = [name for name, words in WORDS.items() if parameter in words.get("if", {})]
    assert sentence not in methods_of([owner], WORDS, PARAMETERS)[0]
    assert sentence in methods_of([owner], WORDS, PARAMETERS | {parameter: value})[0]


def test_methods_of__every_value_that_the_schema_allows_has_its_sentence():
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    described = {
        name: spec for group in schema["$defs"].values() for name, spec in group["properties"].items()
    }
    for words in WORDS.values():
        for parameter, cases in words.get("if", {}).items():
            spec = described[parameter]
            assert set(cases) == set(spec.get("enum", ["true", "false"])), parameter


def test_link_to__leads_to_old_names_too():
    link = link_to("10.1002/1097-0142(1950)3:1<32::AID>3.0.CO;2-3")
    assert "'https://doi.org/10.1002/1097-0142%281950%293%3A1%3C32%3A%3AAID%3E3.0.CO%3B2-3'" in link
    assert ">doi:10.1002/1097-0142(1950)3:1&lt;32::AID&gt;3.0.CO;2-3<" in link


def test_methods_of__an_unknown_parameter_is_an_error():
    words = {"survival": {"method": "Followed for {years} years."}}
    with pytest.raises(InputError, match=r"methods.yml, survival: 'years' is no parameter"):
        methods_of(["survival"], words, PARAMETERS)


def test_versions_of__lists_each_tool_once_with_those_of_the_report(tmp_path):
    (tmp_path / "versions.tsv").write_text("zlib\t1.3\nnumpy\t2.4.6\nnumpy\t2.4.6\n")
    versions = versions_of(tmp_path / "versions.tsv")
    assert list(versions.tool) == ["multiqc", "numpy", "pandas", "python", "zlib"]


def test_with_links__links_a_doi_without_the_punctuation_after_it():
    linked = "href='https://doi.org/10.1186/gb-2010-11-3-r25'"
    assert linked in with_links("(Robinson 2010, doi:10.1186/gb-2010-11-3-r25).")
    assert with_links("a < b & c") == "a &lt; b &amp; c"


def test_unbroken__keeps_a_comparison_in_one_line():
    assert unbroken("up & down at q < 0.05") == "up &amp; down at q&nbsp;&lt;&nbsp;0.05"


def test_table_of__escapes_cells_and_leaves_missing_ones_empty():
    table = table_of(frame("sheet_name value", ("<b>", None)))
    assert "<th>sheet name</th>" in table
    assert "<td>&lt;b&gt;</td><td></td>" in table


READS = ["trim_reads", "quantify_transcripts", "align_rna"]
LIBRARIES = ["x_R1.fastq.gz", "007", "multiqc_data", "unmapped", "lost", "single"]


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    """What fastp, salmon and STAR write of small libraries; two of them give salmon nothing to count."""
    folder = tmp_path_factory.mktemp("programs")
    contigs, written = genome(), folder / "logs"
    written.mkdir()
    transcripts = {name: spliced(contigs, gene) for name, gene in GENES.items()}
    write_fasta(transcripts, folder / "transcripts.fa")
    write_fasta(contigs, folder / "genome.fa")
    run(["salmon", "index", "-t", folder / "transcripts.fa", "-i", folder / "salmon_index"])
    index = ["--genomeDir", folder / "star_index", "--outFileNamePrefix", f"{folder}/"]
    fasta = ["--genomeFastaFiles", folder / "genome.fa", "--genomeSAindexNbases", 6]
    run(["STAR", "--runMode", "genomeGenerate", *index, *fasta])
    pairs = [pair for transcript in transcripts.values() for pair in fragments(transcript, 400)]
    libraries = dict.fromkeys(LIBRARIES, pairs)
    libraries |= {
        "unmapped": fragments(genome(seed=9)["chr2"][:2000], 200),
        "lost": [("N" * 100, "N" * 100)] * 9,
    }
    for sample, reads in libraries.items():
        mates = write_reads(reads, folder, sample)[: 1 if sample == "single" else 2]
        both = [word for option, mate in zip(("-i", "-I"), mates, strict=False) for word in (option, mate)]
        run(["fastp", *both, "--json", written / f"{sample}.fastp.json", "--html", folder / "fastp.html"])
        prefix = ["--outFileNamePrefix", written / f"{sample}."]
        star = ["STAR", *index[:2], *prefix, "--readFilesIn", *mates, "--readFilesCommand", "zcat"]
        run([*star, "--outSAMtype", "None"])
        if sample not in ("unmapped", "lost"):
            named = ["-r", *mates] if sample == "single" else ["-1", mates[0], "-2", mates[1]]
            run(["salmon", "quant", "-i", folder / "salmon_index", "-l", "A", *named, "-o", written / sample])
    return written


def study_of_reads(folder: Path) -> Study:
    study = Study(folder, *[(name, "yes", "") for name in (*READS, "normalise_expression")])
    own = {name: {"title": name.capitalize(), "shows": "Reads.", "method": "As said."} for name in READS}
    (folder / "assets/methods.yml").write_text(yaml.safe_dump(WORDS | own))
    for name in (*READS, "normalise_expression"):
        study.write(name, "Bars", "Sentence.", "bargraph", {sample: {"reads": 3} for sample in LIBRARIES})
    return study


@pytest.fixture(scope="module")
def reported_reads(logs, tmp_path_factory) -> Path:
    """The results folder of a report with what MultiQC shows of the programs' logs."""
    study = study_of_reads(tmp_path_factory.mktemp("reads"))
    words = [str(word) for name, value in study.options(logs=logs).items() for word in (f"--{name}", value)]
    main(words, standalone_mode=False)
    return study.folder / "results"


def test_report__what_programs_say_follows_the_analysis_that_ran_them(reported_reads):
    page = (reported_reads / "multiqc_report.html").read_text()
    groups = re.findall(r'<h2 class="mb-0" id="([^"]+)">\s*([^<]*?)\s*<', page[page.rindex("<body>") :])
    assert groups[len(QUESTIONS) :] == [
        *(("trim_reads", "Trim_reads"), ("fastp", "Trim_reads: fastp")),
        *(("quantify_transcripts", "Quantify_transcripts"), ("salmon", "Quantify_transcripts: salmon")),
        *(("align_rna", "Align_rna"), ("star", "Align_rna: STAR")),
        *(("normalise_expression", "Normalised expression"), ("record", "Record of the run")),
    ]


def test_report__programs_name_the_samples_as_the_study_does(reported_reads):
    data = json.loads((reported_reads / "multiqc_report_data/multiqc_data.json").read_text())
    plots, raw = data["report_plot_data"], data["report_saved_raw_data"]
    for module in ("multiqc_fastp", "multiqc_star"):
        assert sorted(raw[module]) == sorted(LIBRARIES), module
    for name in ("star_alignment_plot", "fastp_filtered_reads_plot"):
        (bars,) = plots[name]["datasets"]
        assert sorted(bars["samples"]) == sorted(LIBRARIES), name
    assert raw["multiqc_star"]["007"]["uniquely_mapped"] > 1190


def test_report__fragment_lengths_are_shown_where_salmon_measured_them(reported_reads):
    data = json.loads((reported_reads / "multiqc_report_data/multiqc_data.json").read_text())
    (lengths,) = data["report_plot_data"]["salmon_plot"]["datasets"]
    lines = {line["name"]: dict(line["pairs"]) for line in lengths["lines"]}
    assert sorted(lines) == sorted(set(LIBRARIES) - {"unmapped", "lost", "single"})
    assert max(lines["007"], key=lines["007"].get) == pytest.approx(200, abs=2)


def test_report__programs_add_no_path_time_or_address_that_is_asked(reported_reads, logs):
    page = (reported_reads / "multiqc_report.html").read_text()
    shown = page[page.rindex("<body>") :]
    assert re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?!data:)', shown) == []
    assert "data-doi" not in shown  # a click on it would ask crossref.org
    for path in [reported_reads / "multiqc_report.html", *(reported_reads / "multiqc_report_data").iterdir()]:
        text = path.read_text()
        assert str(logs.parent) not in text, path.name
        assert str(reported_reads.parent) not in text, path.name
        assert "start_time" not in text, path.name


def test_report__the_same_logs_give_the_same_data(reported_reads, logs, tmp_path, run_script):
    assert run_script(main, **study_of_reads(tmp_path).options(logs=logs)).exit_code == 0
    for path in (reported_reads / "multiqc_report_data").iterdir():
        again = tmp_path / "results/multiqc_report_data" / path.name
        assert again.read_bytes() == path.read_bytes(), path.name


def test_report__without_logs_there_is_nothing_of_programs(tmp_path, run_script):
    study = study_of_reads(tmp_path)
    assert run_script(main, **study.options(logs=tmp_path / "absent")).exit_code == 0
    page = (tmp_path / "results/multiqc_report.html").read_text()
    assert "mqc-module-section-align_rna" in page
    for module in ("fastp", "salmon", "star"):
        assert f"mqc-module-section-{module}" not in page


def test_lay_out_logs__names_the_modules_that_have_something_to_show(logs, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/single").symlink_to(logs / "single")
    (tmp_path / "logs/007.Log.final.out").symlink_to(logs / "007.Log.final.out")
    assert lay_out_logs(tmp_path / "logs", tmp_path / "laid_out") == ["star"]


def test_run_again__shows_the_command_without_its_comments_and_as_text(tmp_path):
    assert run_again(tmp_path) == ""
    (tmp_path / "rerun.sh").write_text("#!/bin/sh\n# where\nexport NXF_VER=25.04.0\nnextflow run <folder>\n")
    shown = run_again(tmp_path)
    assert "export NXF_VER=25.04.0\nnextflow run &lt;folder&gt;</pre>" in shown
    assert "where\n" not in shown
