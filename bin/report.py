#!/usr/bin/env python3
"""Put the sections of all analyses into one MultiQC report.

From the top: the call; the six questions, each with its answer and the analyses behind it; the quality of
what was measured; what was found by line, contrast and cohort; and the record of the run: plan, methods,
parameters, inputs, versions. The columns of a section's table are explained by the data dictionary, the
methods are those of what ran, and the plan is held to what came: an analysis that was planned and has no
section is an error, and so is one that was not planned.

Reference: Ewels et al. 2016, Bioinformatics 32:3047, doi:10.1093/bioinformatics/btw354
"""

import json
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from html import escape
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import click
import pandas as pd
import yaml
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.multiqc_page import AS_GIVEN, BESIDE_PCONFIG, Group, content, drawable, number_format, run_multiqc
from common.tables import read_table, write_table

PLAN = {"analysis": "str", "planned": "str", "reason": "str"}
INPUTS = {"sheet": "str", "path": "str", "sha256": "str", "rows": "str"}
NOTES = {"sheet": "str", "note": "str"}
PARAMETERS = {"parameter": "str", "value": "str"}
DICTIONARY = {"table": "str", "column": "str", "type": "str", "unit": "str", "meaning": "str"}
TOOLS = ["tool", "version"]

DOI = re.compile(r"doi:(10\.\d{4,}/[^\s,;()]*[^\s,;().])")
PROBABILITY = re.compile(r"(^|_)[pq]_")  # columns of p and q values: the small ones count
SHOWN_LINKS = 6  # more than these are folded away
NAMED_LINES = 8  # more than these are named under the pointer only
TABLES = ("table", "violin")
SIMULATED = (
    "<strong>Simulated data.</strong> This study was made by a computer to try the pipeline: "
    "what is found below was planted, and says nothing about any cell line."
)

CALL = "mmc_candidates"  # what all else leads to: the report begins with it
# The questions, in this order, and the analyses that are read for each.
QUESTIONS = {
    "active": (
        "1. In which lines is the KEAP1-NRF2 axis active?",
        ("target_score", "group_comparison", "expression_heatmap"),
    ),
    "why": (
        "2. Why is it active?",
        ("variant_comparison", "amplicon_variants", "sanger_confirmation", "lollipop", "annotate_variants"),
    ),
    "changes": (
        "3. What does it change in the cell?",
        ("gene_set_enrichment", "differential_expression", "sample_enrichment", "sample_projection"),
    ),
    "exploited": (
        "4. Can mitomycin C exploit it?",
        ("locus_genotype", "pileup", "relative_quantity", "dose_comparison", "dose_response"),
    ),
    "patients": (
        "5. Does it matter in patients?",
        ("biomarker_cutoff", "survival", "patient_table"),
    ),
    "cohorts": (
        "6. Does therapy leave its mark in cohorts?",
        ("mutation_frequency", "cohort_lollipop", "mutation_matrix", "mutational_signatures"),
    ),
}
SENTENCES = 2  # of an answer: the first, in the order in which the analyses are read
QUALITY = Group("quality", "Quality", "How good the reads, the counts, the plates and the cohorts are.")
QUALITY_OF = (
    *("trim_reads", "quantify_transcripts", "gene_counts", "align_rna", "align_amplicons"),
    *("normalise_expression", "normalise_plates", "harmonise_mutations"),
)
OVERVIEW = Group("overview", "Overview", "What stands out in this run.")
BY_NAME = Group(
    "by_name", "Findings by line", "What was found in each line, contrast and cohort: all links to evidence."
)
# What MultiQC shows of a program's logs by itself, after the analysis's sections: its module, and a sentence.
PROGRAMS = {
    "trim_reads": ("fastp", "What fastp found in each sample's reads before and after trimming."),
    "quantify_transcripts": ("salmon", "How long the fragments are whose two ends salmon mapped."),
    "align_rna": ("STAR", "Where STAR placed each sample's reads."),
}
RECORD = Group("record", "Record of the run", "What was done, with what, and on what.")


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table of cells that are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table class='nrf2flow-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def breakable(text: str) -> str:
    """Escape a text, and let a narrow screen break it within names and within checksums."""
    return re.sub(r"(?<=[_./,])|(?<=[^\W_]{14})", "<wbr>", escape(text))


def unbroken(text: str) -> str:
    """Escape a text, and keep each comparison (`q < 0.05`) in one line."""
    return re.sub(r" (&[lg]t;) ", r"&nbsp;\1&nbsp;", escape(text))


def table_of(frame: pd.DataFrame) -> str:
    """Show a table as it is, missing values empty."""
    return html_table(
        [column.replace("_", " ") for column in frame],
        [[breakable(cell) for cell in row] for row in frame.fillna("").itertuples(index=False)],
    )


def link_to(doi: str) -> str:
    """Make a DOI, whatever characters it has, a link."""
    href = f"https://doi.org/{quote(doi)}"
    return f"<a href='{href}' target='_blank' rel='noopener'>doi:{escape(doi)}</a>"


def with_links(text: str) -> str:
    """Make each doi:… of a text a link; the rest is escaped."""
    return DOI.sub(lambda match: link_to(match[1]), escape(text))


def read_checked(folder: Path, name: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read a table of the gate; without the file it has no rows."""
    path = folder / f"{name}.tsv"
    if not path.is_file():
        return pd.DataFrame(columns=list(columns), dtype="str")
    return read_table(path, columns)


def analysis_of(name: str, analyses: Iterable[str]) -> str:
    """Name the analysis that wrote a section: the longest that its name, without _mqc.json, begins with."""
    owners = [analysis for analysis in analyses if name == analysis or name.startswith(f"{analysis}_")]
    if not owners:
        raise InputError(f"{name}_mqc.json: no analysis of plan.tsv has this name")
    return max(owners, key=len)


def in_order(name: str) -> list[str | int]:
    """Sort names of sections by this: an analysis's own first, numbers within names by their size."""
    return [
        int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name.removesuffix("_mqc.json"))
    ]


def read_sections(folder: Path, plan: pd.DataFrame) -> dict[str, list[dict]]:
    """Read all sections, by analysis, in the plan's order; hold what came to what was planned."""
    sections: dict[str, list[dict]] = {analysis: [] for analysis in plan.analysis}
    for path in sorted(folder.glob("*_mqc.json"), key=lambda path: in_order(path.name)):
        owner = analysis_of(path.name.removesuffix("_mqc.json"), sections)
        sections[owner].append(json.loads(path.read_text()))
    for row in plan.itertuples():
        if row.planned == "yes" and not sections[row.analysis]:
            raise InputError(f"plan.tsv: {row.analysis} was planned and did not run: it has no section")
        if row.planned != "yes" and sections[row.analysis]:
            raise InputError(f"plan.tsv: {row.analysis} was not planned and has a section")
    return {analysis: given for analysis, given in sections.items() if given}


def explain(section: Mapping, analysis: str, dictionary: pd.DataFrame) -> tuple[dict[str, dict], str]:
    """Return a title, a meaning with unit, and a format for each column that has values in a section's table.

    Beside them, the column that names the rows: the first of the published table that is none of these.
    """
    if not section["nrf2flow"]["table"]:
        raise InputError(f"{section['id']}_mqc.json: does not name the table whose columns it shows")
    table = f"{analysis}/{section['nrf2flow']['table']}"
    tables = [known for known in dict.fromkeys(dictionary.table) if fnmatchcase(table, known)]
    # Of several patterns, the one that says most has the last word.
    known = pd.concat(
        [dictionary[dictionary.table == name] for name in sorted(tables, key=len)] or [dictionary[:0]]
    )
    meanings = known.drop_duplicates("column", keep="last").set_index("column")

    headers = {}
    shown = dict.fromkeys(column for row in section["data"].values() for column in row)
    for column in shown:
        if (named := column if column in meanings.index else "<sample>") not in meanings.index:
            raise InputError(f"columns.tsv: no row for {table}, {column}")
        values = [row[column] for row in section["data"].values() if row.get(column) not in (None, "")]
        if not values:
            continue
        kind, unit, meaning = meanings.loc[named, ["type", "unit", "meaning"]]
        headers[column] = {
            "title": column.replace("_", " "),
            "description": escape(meaning if pd.isna(unit) else f"{meaning} ({unit})"),
            "scale": False,
        }
        if kind in ("integer", "number"):
            headers[column]["format"] = "{:.3g}" if PROBABILITY.search(column) else number_format(values)
    rows_are = next((column for column in meanings.index if column not in shown), "")
    return headers, rows_are.replace("_", " ")


def without_repeats(sections: Sequence[Mapping]) -> list[dict]:
    """Leave out statuses and references that an earlier section of the same analysis has shown."""
    said: set[str] = set()
    told = []
    for section in sections:
        extra = section["nrf2flow"]
        new = {
            "statuses": "" if extra["statuses"] in said else extra["statuses"],
            "dois": [doi for doi in extra["dois"] if doi not in said],
        }
        said |= {extra["statuses"], *extra["dois"]}
        told.append({**section, "nrf2flow": {**extra, **new}})
    return told


def describe(section: Mapping, analysis: str) -> str:
    """Put a section's sentence, statuses, links and references into HTML."""
    extra = section["nrf2flow"]
    lines = [f"<p>{with_links(section['description'])}</p>"]
    if extra["statuses"]:
        lines.append(f"Status: {escape(extra['statuses'].replace('_', ' '))}")
    if extra["links"]:
        links = [
            f"<a href='../{analysis}/{quote(link)}' target='_blank'>{escape(link)}</a>"
            for link in extra["links"]
        ]
        if len(links) > SHOWN_LINKS:
            folded = (
                f"<details><summary>{len(links)} tables and figures</summary>{', '.join(links)}</details>"
            )
            lines.append(folded)
        else:
            lines.append(f"Tables and figures: {', '.join(links)}")
    if extra["dois"]:
        lines.append(f"Method: {', '.join(map(link_to, extra['dois']))}")
    first, *further = lines
    return first + "".join(f"<div class='nrf2flow-meta'>{line}</div>" for line in further)


def as_text(data: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """Escape the texts of a table: MultiQC takes names of rows and cells for HTML, and users wrote some."""
    return {
        escape(name): {key: escape(cell) if isinstance(cell, str) else cell for key, cell in row.items()}
        for name, row in data.items()
    }


def compose(section: Mapping, group: Group, dictionary: pd.DataFrame) -> dict[str, object]:
    """Turn what an analysis wrote into a section of the group that has the analysis's name."""
    name, title, kind, data = (section[key] for key in ("id", "section_name", "plot_type", "data"))
    # MultiQC drops the heading and the description of a section that is called as its group is.
    title = f"{title}: results" if title == group.title else title
    description = describe(section, group.name)
    settings = {"id": name, "title": title, "series_label": False} | AS_GIVEN.get(kind, {})
    if kind == "linegraph":
        lines = data[0] if isinstance(data, list) else data
        settings["showlegend"] = len(lines) <= NAMED_LINES
    data, settings = drawable(kind, data, settings | section["pconfig"])
    if not data:
        return content(group, name, title, description, "html", "<p>There is nothing to draw.</p>")
    further = {key: settings.pop(key) for key in BESIDE_PCONFIG.get(kind, ()) if key in settings}
    if kind in TABLES:
        further["headers"], rows_are = explain(section, group.name, dictionary)
        settings = {"col1_header": rows_are} | settings
        data = as_text(data)
    if kind != "html":
        further["pconfig"] = settings
    return content(group, name, title, description, kind, data, **further)


def findings_of(sections: Mapping[str, Sequence[Mapping]]) -> dict[str, dict[str, list[str]]]:
    """Collect what was found: {contrast, line or cohort: {analysis: texts}}, both in the order given."""
    found: dict[str, dict[str, list[str]]] = {}
    for analysis, given in sections.items():
        for section in given:
            for name, text in section["nrf2flow"]["findings"].items():
                found.setdefault(name, {}).setdefault(analysis, []).append(text)
    return found


def warnings_of(
    notes: pd.DataFrame, sections: Mapping[str, Sequence[Mapping]], words: Mapping[str, Mapping]
) -> list[str]:
    """List, as HTML, the notes of the gate, and the statuses of each analysis where not all are ok."""
    listed = [
        (f"<strong>{escape(note.sheet)}</strong>: " if pd.notna(note.sheet) else "") + escape(note.note)
        for note in notes.itertuples()
    ]
    for analysis, given in sections.items():
        counted = [section for section in without_repeats(given) if section["nrf2flow"]["statuses"]]
        for section in counted:
            counts = section["nrf2flow"]["statuses"]
            if {count.rpartition(" ")[0] for count in counts.split(", ")} - {"ok"}:
                # Where all sections of an analysis count the same rows, none of them is the one to name.
                further = f", {section['section_name']}" if len(counted) > 1 else ""
                title = escape(words[analysis]["title"] + further)
                says = escape(counts.replace("_", " "))
                listed.append(f"<a href='#{section['id']}-section'>{title}</a>: {says}")
    return listed


def answers_of(question: str, sections: Mapping[str, Sequence[Mapping]]) -> list[tuple[str, str]]:
    """Take the sentences that answer a question, with their analyses: the call's, then in reading order."""
    order = dict.fromkeys([CALL, *QUESTIONS[question][1], *sections])
    return [
        (analysis, sentence)
        for analysis in order
        for section in sections.get(analysis, ())
        for sentence in section["nrf2flow"]["answers"].get(question, ())
    ][:SENTENCES]


def answer_section(
    question: str, sections: Mapping[str, Sequence[Mapping]], plan: pd.DataFrame, words: Mapping
) -> dict:
    """Make the section that answers a question, or says why it was not asked."""
    title, analyses = QUESTIONS[question]
    said = [
        f"<p>{unbroken(sentence)} (<a href='#{analysis}'>{escape(words[analysis]['title'])}</a>)</p>"
        for analysis, sentence in answers_of(question, sections)
    ]
    if not said:
        reasons = plan[plan.analysis.isin(analyses) & (plan.planned != "yes")].reason.dropna()
        why = "; ".join(dict.fromkeys(reasons)) or "no analysis sums it up"
        said = [f"<p>Not answered in this run: {escape(why)}.</p>"]
    group = Group(f"question-{question}", title, "")
    return content(group, f"answer-{question}", "In short", "", "html", "".join(said))


def samples_section(sections: Mapping[str, Sequence[Mapping]], dictionary: pd.DataFrame) -> list[dict]:
    """Make one table of all samples, with what their analyses give for it; nothing without samples."""
    data: dict[str, dict[str, object]] = {}
    headers: dict[str, dict] = {}
    for analysis, given in sections.items():
        for section in given:
            for table, rows in section["nrf2flow"]["samples"].items():
                known, _ = explain({"data": rows, "nrf2flow": {"table": table}}, analysis, dictionary)
                kind = " (amplicons)" if "amplicon" in f"{analysis}/{table}" else ""
                for column, header in known.items():
                    name = f"{analysis}/{table}/{column}"
                    headers[name] = header | {"title": header["title"] + kind}
                    for sample, cells in rows.items():
                        data.setdefault(sample, {}).update({name: cells[column]} if column in cells else {})
    says = "What to look at first in each sample; the sections below have the rest."
    settings = AS_GIVEN["table"] | {"id": "samples", "title": "Samples", "col1_header": "sample"}
    further = {"headers": headers, "pconfig": settings}
    section = content(QUALITY, "samples", "Samples", says, "table", data, **further)
    return [section] if data else []


def methods_of(ran: Iterable[str], words: Mapping[str, Mapping], parameters: Mapping[str, str]) -> list[str]:
    """Write the methods of what ran: a paragraph each, with the values of the parameters."""
    paragraphs = []
    for analysis in ran:
        try:
            cases = words[analysis].get("if", {}).items()
            sentences = [words[analysis]["method"], *(says[parameters[name]] for name, says in cases)]
            paragraphs.append(" ".join(sentences).format_map(parameters))
        except KeyError as error:
            raise InputError(
                f"methods.yml, {analysis}: {error} is no parameter, or no value of it"
            ) from error
    return paragraphs


def versions_of(tools: Path) -> pd.DataFrame:
    """List each tool's version once, by name; this script's own tools are added."""
    lines = [line.split("\t") for line in tools.read_text().splitlines() if line]
    lines += [["python", platform.python_version()]]
    lines += [[package, version(package)] for package in ("multiqc", "pandas")]
    return pd.DataFrame(lines, columns=TOOLS, dtype="str").drop_duplicates().sort_values(TOOLS)


def overview(warnings: Sequence[str]) -> list[dict]:
    """Make the section of warnings, if there are any."""
    items = "".join(f"<li>{warning}</li>" for warning in warnings)
    section = content(OVERVIEW, "warnings", "Warnings and notes", "", "html", f"<ul>{items}</ul>")
    return [section] if warnings else []


def by_name(found: Mapping, words: Mapping[str, Mapping]) -> list[dict]:
    """Make the section of what was found in each line, contrast and cohort, if there is anything."""
    rows = []
    for name, told in found.items():
        items = [
            f"<li><a href='#{analysis}'>{escape(words[analysis]['title'])}</a>: {unbroken(text)}</li>"
            for analysis, texts in told.items()
            for text in texts
        ]
        rows.append((f"<strong>{breakable(name)}</strong>", f"<ul>{''.join(items)}</ul>"))
    table = html_table(["about", "found"], rows)
    return [content(BY_NAME, "findings", "Findings", "", "html", table)] if rows else []


def colour_key(parameters: Mapping[str, str]) -> str:
    """Say, in HTML, which colours the two conditions have in all plots."""
    if not {"reference_condition", "target_condition"} <= parameters.keys():
        return ""
    reference, target = escape(parameters["reference_condition"]), escape(parameters["target_condition"])
    return (
        f" In plots, <span class='nrf2flow-reference'>{reference}</span> is blue"
        f" and <span class='nrf2flow-target'>{target}</span> is red."
    )


def run_again(checked: Path) -> str:
    """Show, in HTML, the command that runs the same again, and say what is the same then."""
    path = checked / "rerun.sh"
    if not path.is_file():
        return ""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return (
        "<p>In the folder where this run was started, <code>sh &lt;results&gt;/pipeline_info/rerun.sh again"
        "</code> runs it again into the folder <code>again</code>, with the parameters of params.json:</p>"
        f"<pre style='white-space: pre-wrap'>{escape(chr(10).join(lines))}</pre>"
        "<p>Where the inputs have the checksums listed above, and the software the versions listed below,"
        " every table comes out the same to the last byte. One exception: salmon, where it ran, has no seed,"
        " so that counts and what rests on them differ in the last digits.</p>"
    )


def record(
    plan: pd.DataFrame,
    methods: Sequence[str],
    parameters: pd.DataFrame,
    inputs: pd.DataFrame,
    again: str,
    versions: pd.DataFrame,
) -> list[dict]:
    """Make the last sections: how the results came about."""
    text = "".join(f"<p>{with_links(paragraph)}</p>" for paragraph in methods)
    tables = [
        ("plan", "Plan", "What was planned, and why the rest was not.", table_of(plan)),
        ("methods", "Methods", "What ran, in words to be quoted.", text),
        ("parameters", "Parameters", "As given, or by default.", table_of(parameters)),
        ("inputs", "Inputs", "The files given, with the checksums of their content.", table_of(inputs)),
        ("again", "Run again", "How to get the same results once more.", again),
        ("versions", "Software versions", "What ran in this report's analyses.", table_of(versions)),
    ]
    return [content(RECORD, name, title, says, "html", data) for name, title, says, data in tables if data]


@click.command(cls=Script)
@click.option(
    "--checked", type=FOLDER, required=True, help="Folder of plan, inputs, notes and parameters.tsv."
)
@click.option("--sections", type=FOLDER, required=True, help="Folder of *_mqc.json; absent: nothing ran.")
@click.option(
    "--logs",
    type=FOLDER,
    help="Folder of <sample>.fastp.json, salmon's <sample>/ and <sample>.Log.final.out; absent: none.",
)
@click.option("--tools", type=INPUT, required=True, help="TSV, no header: tool, version.")
@click.option(
    "--assets",
    type=FOLDER,
    required=True,
    help="Folder of columns.tsv, methods.yml, multiqc_config.yml, report.css.",
)
@RESULTS
def main(checked: Path, sections: Path, logs: Path | None, tools: Path, assets: Path, results: Path) -> None:
    """Put the sections of all analyses into one report."""
    results.mkdir(parents=True, exist_ok=True)
    plan = read_checked(checked, "plan", PLAN)
    parameters = read_checked(checked, "parameters", PARAMETERS)
    values = dict(parameters.dropna().itertuples(index=False))
    dictionary = read_table(assets / "columns.tsv", DICTIONARY)
    words = yaml.safe_load((assets / "methods.yml").read_text())

    given = read_sections(sections, plan)
    found = findings_of(given)
    ran = (["simulate_study"] if "simulate" in values else []) + [*given, "report"]
    versions = versions_of(tools)
    shown = {
        analysis: [
            compose(section, Group(analysis, words[analysis]["title"], words[analysis]["shows"]), dictionary)
            for section in without_repeats(written)
        ]
        for analysis, written in given.items()
    }
    warnings = warnings_of(read_checked(checked, "notes", NOTES), given, words)
    made = [*shown.get(CALL, []), *overview(warnings)]
    for question, (_, analyses) in QUESTIONS.items():
        made.append(answer_section(question, given, plan, words))
        made += chain.from_iterable(shown.get(analysis, []) for analysis in analyses)
    made += samples_section(given, dictionary)
    made += chain.from_iterable(shown.get(analysis, []) for analysis in QUALITY_OF)
    made += by_name(found, words)
    inputs = read_checked(checked, "inputs", INPUTS)
    made += record(plan, methods_of(ran, words, values), parameters, inputs, run_again(checked), versions)

    settings = yaml.safe_load((assets / "multiqc_config.yml").read_text())
    settings["custom_css_files"] = [str((assets / "report.css").resolve())]
    settings["intro_text"] += colour_key(values)
    said = [SIMULATED] if "simulate" in values else []
    if warnings:
        said.append(
            f"<a href='#warnings-section'>{len(warnings)} warnings and notes</a> on what was measured."
        )
    settings["report_comment"] = "<br>".join(said) or None
    programs = {
        analysis: Group(program.lower(), f"{words[analysis]['title']}: {program}", says)
        for analysis, (program, says) in PROGRAMS.items()
        if analysis in given
    }
    run_multiqc(made, settings, results, logs if logs and logs.is_dir() else None, programs)
    write_table(versions, results / "versions.tsv")
    lines = [f"{name}: {'; '.join(chain.from_iterable(told.values()))}\n" for name, told in found.items()]
    (results / "findings.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
