#!/usr/bin/env python3
"""Check every parameter and sheet, report all problems at once, and plan what can run.

What is right is said in nextflow_schema.json and, for a sheet, in the schema that it names; what a
problem gives after "expected" is the "description" there. Beyond single values it is checked here that
sheets, matrix, contrasts, gene sets and parameters agree with each other. Only when all is right are
files written: the sheets as tables without paths (moving them reruns nothing) and what is planned.

A contrast is estimable in `~ blocking + condition` if and only if some block has samples of both
conditions: exactly when none has, the target's indicator is the sum of its blocks' indicators.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.count_matrix import Matrix, kind_of_ids, read_counts
from common.gene_sets import GeneSet, parse_set
from common.multiqc import write_versions
from common.parameters import as_text, check_parameters, specifications
from common.sheets import (
    Problems,
    UnreadableError,
    check_once,
    check_spelling,
    lines_of,
    listed,
    meant,
    read_sheet,
    shown,
)
from common.tables import write_table

SHEETS = ("rnaseq", "counts", "contrasts")  # what --simulate makes
FILES = (*SHEETS, "gene_sets", "gene_panels")
NOT_IN_RESULTS = ("outdir", "publish_dir_mode", "registry", "help", *FILES)
# What each analysis needs, in the order of the report.
NEEDS = {
    "normalise_expression": ("counts",),
    "expression_heatmap": ("counts", "gene_panels"),
    "differential_expression": ("counts",),
    "gene_set_enrichment": ("counts", "gene_sets"),
    "sample_enrichment": ("counts", "gene_sets"),
    "sample_projection": ("counts",),
}
# The column of each sheet whose values must differ in more than case: a line, or names of files.
SPELLED = {"rnaseq": "line", "contrasts": "contrast", "gene_panels": "panel"}
ROLE = "role"  # the column that samples.tsv adds
ALL_LINES = "all"  # what the contrast over all lines is called by
# Tables with a column for each sample have these as well.
TAKEN = {"collection", "gene_id", "gene_name", "gene_set", "identifier", "panel", "reason", "size", "status"}
FEW_GENES = 0.1  # a smaller share of a collection's genes in the matrix is worth a note


class File(NamedTuple):
    """An input file."""

    parameter: str
    given: str  # its path as the user wrote it
    origin: str  # given, shipped or simulated
    name: str  # what problems call it
    path: Path


class Contrast(NamedTuple):
    """A row of contrasts.tsv."""

    contrast: str
    reference: str
    target: str
    lines: str  # between semicolons
    blocking: str  # a column of samples.tsv, or empty


def check_agreement(given: Mapping, right: Mapping, specs: Mapping, problems: Problems) -> None:
    """Find parameters that are right by themselves and not together."""
    made = [f"--{name}" for name in SHEETS if given.get(name)]
    if given.get("simulate") and made:
        found, expected = f"{' and '.join(made)} as well", "sheets, or a simulated study"
        problems.add("--simulate", found, expected)
    if "gene_set_min" in right and right["gene_set_min"] > right.get("gene_set_max", float("inf")):
        found = f"{right['gene_set_min']}, more than --gene_set_max {right['gene_set_max']}"
        problems.add("--gene_set_min", found, specs["gene_set_min"]["description"])
    if "target_condition" in right and right["target_condition"] == right.get("reference_condition"):
        found = f"{shown(right['target_condition'])}, as --reference_condition"
        problems.add("--target_condition", found, specs["target_condition"]["description"])


def check_files(given: Mapping, files: Sequence[File], specs: Mapping, problems: Problems) -> None:
    """Find the files that were given and do not exist, and collections that would overwrite each other."""
    there = {(file.parameter, file.given) for file in files}
    for name in FILES:
        value = given.get(name) if isinstance(given.get(name), str) else ""
        for path in value.split(",") if name == "gene_sets" else [value]:
            if path.strip() not in ("", "none", "shipped") and (name, path.strip()) not in there:
                problems.add(f"--{name}", f"no file {path.strip()}", specs[name]["description"])
    collections = [collection_of(file).lower() for file in files if file.parameter == "gene_sets"]
    for name in dict.fromkeys(name for name in collections if collections.count(name) > 1):
        found = f"{collections.count(name)} files called {name}.gmt"
        problems.add("--gene_sets", found, "another name for each: it is the collection's")


def collection_of(file: File) -> str:
    """Name a collection as its file, with nothing in it that files of results could not be named by."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", file.name.split("/")[-1].removesuffix(".gmt"))


def read_gene_sets(file: File, problems: Problems) -> tuple[list[GeneSet], str]:
    """Read and check a GMT file; return its sets, and its text without padding and blank lines."""
    sets, lines, first = [], [], {}
    try:
        for row, line in enumerate(lines_of(file.path), start=1):
            name, *rest = [" ".join(field.split()) for field in line.split("\t")]
            if not name and not any(rest):
                continue
            if not name:
                problems.add(f"{file.name}, row {row}, name", "nothing", "the name of a gene set")
            if not any(rest[1:]):
                found, expected = f"{shown(name)} without genes", "name, description and genes between tabs"
                problems.add(f"{file.name}, row {row}, genes", found, expected)
                continue
            lines.append("\t".join([name, rest[0], *filter(None, rest[1:])]) + "\n")
            sets.append(parse_set(lines[-1]))
            check_once(f"{file.name}, row {row}, name", sets[-1].name, row, first, problems)
        if not sets:
            problems.add(file.name, "no gene set", "a GMT file: a line a gene set")
    except UnreadableError as error:
        problems.add(file.name, str(error), "a GMT file: UTF-8 text, a line a gene set")
    return sets, "".join(lines)


def check_overlap(
    file: File, sets: Sequence[GeneSet], matrix: Matrix, counts: str, problems: Problems
) -> None:
    """Find a collection of which the matrix has no gene, or few."""
    members, genes = dict.fromkeys(gene for each in sets for gene in each.genes), matrix.genes()
    shared = sum(gene in genes for gene in members)
    if not members or shared >= len(members) * FEW_GENES:
        return
    kinds = kind_of_ids(list(members)), kind_of_ids(matrix.names())
    hint = ""
    if all(kinds) and kinds[0] != kinds[1]:
        hint = f": {kinds[0]} here, {kinds[1]} there"
    elif len({gene.upper() for gene in genes} & {gene.upper() for gene in members}) > 2 * shared:
        hint = ": but for upper and lower case they would agree; is one of another species?"
    if shared or file.origin != "given":
        problems.note(file.name, f"{shared:,} of its {len(members):,} genes are in {counts}{hint}")
    else:
        found = f"{len(members):,} genes, none of them in {counts}{hint}"
        expected = f"genes as {counts} has them in gene_name or gene_id"
        problems.add(f"{file.name}, all rows, genes", found, expected)


def has_both(samples: pd.DataFrame, column: str, reference: str, target: str) -> list[str]:
    """Return the values of a column that have samples of both conditions, in the sheet's order."""
    of = [set(samples.loc[samples.condition == condition, column]) for condition in (reference, target)]
    both = of[0] & of[1]
    return [value for value in samples[column].dropna().unique() if value in both]


def check_samples(name: str, samples: pd.DataFrame, conditions: Iterable[str], problems: Problems) -> None:
    """Check what the rows of the rnaseq sheet say together; `conditions` are those that are known."""
    known = list(dict.fromkeys(conditions))
    for condition, rows in samples.groupby("condition", sort=False):
        if condition not in known:
            others = f" here and {len(rows) - 1} times more" if len(rows) > 1 else ""
            found = f"{shown(condition)}{others}{meant(condition, known)}"
            expected = f"one of {', '.join(known)} (--reference_condition, --target_condition, --contrasts)"
            problems.add(f"{name}, row {rows.index[0]}, condition", found, expected)
    for row, sample in samples["sample"].dropna().items():
        if sample in TAKEN:
            expected = "another name: tables of results have such a column"
            problems.add(f"{name}, row {row}, sample", shown(sample), expected)
    for row, line in samples.line.dropna().drop_duplicates().items():
        if line.lower() == ALL_LINES:
            expected = "another name: the contrast over all lines has this one"
            problems.add(f"{name}, row {row}, line", shown(line), expected)
    if ROLE in samples:
        expected = "another name: this one is made from the condition"
        problems.add(f"{name}, row 1, {ROLE}", "a column of this name", expected)
    for _, rows in samples.groupby(["line", "condition", "replicate"], sort=False):
        if len(rows) > 1:
            found = f"{listed(rows['sample'].dropna())} have the same line, condition and replicate"
            problems.note(name, f"{found}: they are taken as independent samples")


def default_contrasts(samples: pd.DataFrame, reference: str, target: str) -> list[Contrast]:
    """Contrast the conditions in each line that has both, and over these lines, blocked by line."""
    lines = has_both(samples, "line", reference, target)
    over_all = [(ALL_LINES, ";".join(lines), "line")] if len(lines) > 1 else []
    return [
        Contrast(f"{name}.{target}_vs_{reference}", reference, target, its, blocking)
        for name, its, blocking in [*((line, line, "") for line in lines), *over_all]
    ]


def check_contrast(
    where: str, given: Contrast, samples: pd.DataFrame, sheet: str, problems: Problems
) -> Contrast | None:
    """Check a row of the contrasts sheet; return it with its lines and blocking filled in."""
    ends, before = (given.reference, given.target), problems.found.total()
    conditions, known = list(samples.condition.dropna().unique()), list(samples.line.dropna().unique())
    columns = [column for column in samples if column not in ("sample", "condition")]
    if given.reference == given.target:
        problems.add(f"{where}, target", f"{shown(given.target)}, as reference", "another condition")
    for column, end in zip(("reference", "target"), ends, strict=True):
        if end not in conditions:
            found = f"{shown(end)}{meant(end, conditions)}"
            problems.add(f"{where}, {column}", found, f"a condition of {sheet}: {listed(conditions)}")
    lines = list(dict.fromkeys(filter(None, map(str.strip, given.lines.split(";")))))
    for line in lines:
        if line not in known:
            found = f"{shown(line)}{meant(line, known)}"
            problems.add(f"{where}, lines", found, f"lines of {sheet} between semicolons: {listed(known)}")
    if given.blocking not in ("", "none", *columns):
        found = f"{shown(given.blocking)}{meant(given.blocking, columns)}"
        problems.add(f"{where}, blocking", found, f"none, or a column of {sheet}: {listed(columns)}")
    if problems.found.total() > before:
        return None

    lines = lines or has_both(samples, "line", *ends)
    chosen = samples[samples.line.isin(lines) & samples.condition.isin(ends)]
    if not lines or set(chosen.condition) != set(ends):
        found = f"{listed(lines)} without samples of both" if lines else "nothing, and no line has both"
        problems.add(f"{where}, lines", found, "lines with samples of both conditions")
        return None
    blocking = given.blocking or ("line" if len(lines) > 1 else "none")
    if blocking != "none":
        blocks, both = chosen[blocking].dropna().unique(), has_both(chosen, blocking, *ends)
        one_sided = [block for block in blocks if block not in both]
        if "" in blocks:
            row = chosen.index[chosen[blocking] == ""][0]
            problems.add(f"{sheet}, row {row}, {blocking}", "nothing", f"a value: {where} is blocked by it")
        elif not both:
            found = f"{shown(blocking)}, each value of which has one condition only: not estimable"
            problems.add(f"{where}, blocking", found, "a column that has both conditions at some value")
        elif one_sided and blocking == "line":
            found = f"{listed(one_sided)} with one condition only"
            problems.add(f"{where}, lines", found, "both in each line, if blocked by line")
        elif one_sided:
            found = f"samples whose {blocking} is {listed(one_sided)}"
            problems.note(where, f"{found} have one condition only and tell nothing")
        elif len(blocks) == 1:
            problems.note(where, f"{blocking} has one value only: nothing to block by")
            blocking = "none"
    return given._replace(lines=";".join(lines), blocking="" if blocking == "none" else blocking)


def check_contrasts(
    name: str, sheet: pd.DataFrame, samples: pd.DataFrame, rnaseq: str, problems: Problems
) -> list[Contrast]:
    """Return the contrasts of the sheet that can be estimated."""
    rows = sheet[list(Contrast._fields)].dropna()
    checked = [
        check_contrast(f"{name}, row {row}", Contrast(*fields), samples, rnaseq, problems)
        for row, *fields in rows.itertuples(name=None)
    ]
    return [contrast for contrast in checked if contrast]


def note_lines(name: str, samples: pd.DataFrame, contrasts: Sequence[Contrast], problems: Problems) -> None:
    """Note the lines that are in no contrast."""
    compared = {line for contrast in contrasts for line in contrast.lines.split(";")}
    for line, rows in samples.groupby("line", sort=False):
        if line not in compared:
            conditions = rows.condition.unique()
            why = f"has {conditions[0]} samples only" if len(conditions) == 1 else "is in no contrast"
            problems.note(name, f"line {line} {why}: no contrast, but a place in every result per sample")


def check_common(value: str, default: str, names: Sequence[str], problems: Problems) -> None:
    """Check --common_contrasts: a number of the contrasts called `names`, or some of them."""
    if value.isdecimal():
        if value != default and not 1 <= int(value) <= len(names):
            expected = f"a number from 1 to {len(names)}, how many contrasts there are, or contrasts by name"
            problems.add("--common_contrasts", value, expected)
        return
    for name in filter(None, map(str.strip, value.split(","))):
        if name not in names:
            expected = f"a number, or contrasts: {listed(names)}"
            problems.add("--common_contrasts", f"{shown(name)}{meant(name, names)}", expected)


def note_highlighted(wanted: str, sets: Sequence[GeneSet], problems: Problems) -> None:
    """Note the sets that --highlight_sets names and that no collection has."""
    known = {name: None for each in sets for name in (each.name, each.identifier)}
    for name in filter(None, map(str.strip, wanted.split(","))):
        if name not in known:
            problems.note("highlight_sets", f"no gene set called {name}{meant(name, known)}")


def planned(absent: Mapping[str, str]) -> pd.DataFrame:
    """Say of each analysis whether it will run; `absent` says of each input why it is not there."""
    rows = [
        (analysis, [absent[need] for need in needs if need in absent]) for analysis, needs in NEEDS.items()
    ]
    plan = [
        (analysis, "no" if reasons else "yes", "; ".join(reasons) or f"{' and '.join(NEEDS[analysis])} given")
        for analysis, reasons in rows
    ]
    return pd.DataFrame(plan, columns=["analysis", "planned", "reason"])


class Checked(NamedTuple):
    """All inputs, checked."""

    parameters: dict[str, object]
    tables: dict[str, pd.DataFrame]  # the sheets, by parameter
    matrix: Matrix | None
    contrasts: list[Contrast]
    collections: dict[str, str]  # GMT text
    rows: list[int]  # of each file


def read_sheets(
    files: Sequence[File], specs: Mapping, folder: Path, problems: Problems
) -> dict[str, pd.DataFrame]:
    """Read and check the sheets that have a schema, which `specs` names within `folder`."""
    tables = {}
    for file in files:
        if "schema" in specs[file.parameter]:
            schema = json.loads((folder / specs[file.parameter]["schema"]).read_text())
            if (table := read_sheet(file.path, file.name, schema, problems)) is not None:
                tables[file.parameter] = table
                check_spelling(file.name, table[SPELLED[file.parameter]], problems)
                further = [column for column in table if column not in schema["items"]["properties"]]
                if further:
                    fate = "kept to block by" if file.parameter == "rnaseq" else "ignored"
                    problems.note(file.name, f"further columns, {fate}: {listed(further)}")
    return tables


def check_design(
    names: Mapping[str, str], tables: Mapping[str, pd.DataFrame], right: Mapping, problems: Problems
) -> list[Contrast]:
    """Check the samples, and return the contrasts of the sheet, or the default ones."""
    samples, sheet, before = tables["rnaseq"], tables.get("contrasts"), problems.found.total()
    ends = right["reference_condition"], right["target_condition"]
    compared = [] if sheet is None else [*sheet.reference.dropna(), *sheet.target.dropna()]
    used = [condition for condition in compared if condition in set(samples.condition)]
    check_samples(names["rnaseq"], samples, [*ends, *used], problems)
    if sheet is not None:
        contrasts = check_contrasts(names["contrasts"], sheet, samples, names["rnaseq"], problems)
    else:
        contrasts = default_contrasts(samples, *ends)
        if not contrasts and problems.found.total() == before and samples.condition.notna().any():
            found, expected = f"no line with both {' and '.join(ends)}", "one at least, or --contrasts"
            problems.add(f"{names['rnaseq']}, all rows, condition", found, expected)
    if contrasts:
        note_lines(names["rnaseq"], samples, contrasts, problems)
    return contrasts


def check_all(given: Mapping, files: Sequence[File], schema: Path, problems: Problems) -> Checked:
    """Check all inputs, each by itself and with each other."""
    rules = json.loads(schema.read_text())
    specs, names = specifications(rules), {file.parameter: file.name for file in files}
    right = check_parameters(given, rules, problems)
    check_agreement(given, right, specs, problems)
    check_files(given, files, specs, problems)
    tables = read_sheets(files, specs, schema.parent, problems)

    matrix, samples = None, tables.get("rnaseq")
    for file in files:
        if file.parameter == "counts":
            by_row = None if samples is None else dict(samples["sample"].dropna())
            matrix = read_counts(file.path, file.name, by_row, names.get("rnaseq", ""), problems)

    contrasts = []
    ends = {right.get("reference_condition"), right.get("target_condition")} - {None}
    if samples is not None and len(ends) == 2 and ("contrasts" in tables or not given.get("contrasts")):
        contrasts = check_design(names, tables, right, problems)
    if contrasts and "common_contrasts" in right:
        default = specs["common_contrasts"]["default"]
        compared = tables.get("contrasts", pd.DataFrame(contrasts)).contrast.dropna()
        check_common(right["common_contrasts"], default, list(compared), problems)

    sets, collections = {}, {}
    for file in files:
        if file.parameter == "gene_sets":
            sets[file.given], collections[collection_of(file)] = read_gene_sets(file, problems)
            if matrix and any(matrix.gene_ids):
                check_overlap(file, sets[file.given], matrix, names["counts"], problems)
    wanted = right.get("highlight_sets", "")
    if sets and wanted != specs["highlight_sets"]["default"]:
        note_highlighted(wanted, [each for its in sets.values() for each in its], problems)

    sizes = {name: len(table) for name, table in tables.items()}
    sizes |= {"counts": len(matrix.gene_ids)} if matrix else {}
    rows = [len(sets.get(file.given, ())) or sizes.get(file.parameter, 0) for file in files]
    return Checked(right, tables, matrix, contrasts, collections, rows)


def sha256(path: Path) -> str:
    """Return the checksum of a file as it was given."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_all(checked: Checked, files: Sequence[File], results: Path) -> None:
    """Write the checked inputs as tables; the record of the files as given; and what is planned."""
    inputs = [
        (file.parameter, file.given, sha256(file.path), rows)
        for file, rows in zip(files, checked.rows, strict=True)
    ]
    write_table(pd.DataFrame(inputs, columns=["sheet", "path", "sha256", "rows"]), results / "inputs.tsv")
    there = {file.parameter for file in files}
    absent = {name: f"{name} not given" for name in FILES if name not in there}
    write_table(planned(absent), results / "plan.tsv")
    values = [
        (name, as_text(value)) for name, value in checked.parameters.items() if name not in NOT_IN_RESULTS
    ]
    write_table(pd.DataFrame(values, columns=["parameter", "value"]), results / "parameters.tsv")

    if (samples := checked.tables.get("rnaseq")) is not None:
        ends = [checked.parameters[name] for name in ("reference_condition", "target_condition")]
        roles = samples.condition.map(dict(zip(ends, ("reference", "target"), strict=True))).fillna("other")
        samples.insert(3, ROLE, roles)
        write_table(samples, results / "samples.tsv")
        write_table(pd.DataFrame(checked.contrasts), results / "contrasts.tsv")
    if checked.matrix:
        (results / "counts.tsv").write_text(checked.matrix.text)
    if (panels := checked.tables.get("gene_panels")) is not None:
        write_table(panels[["panel", "gene_name"]], results / "gene_panels.tsv")
    for collection, text in checked.collections.items():
        (results / "gene_sets").mkdir(exist_ok=True)
        (results / "gene_sets" / f"{collection}.gmt").write_text(text)


@click.command(cls=Script)
@click.option(
    "--values", type=INPUT, required=True, help="JSON: parameters {}, files [{parameter, path, origin}]."
)
@click.option("--schema", type=INPUT, required=True, help="nextflow_schema.json, with its assets/ beside it.")
@click.option("--sheets", type=FOLDER, required=True, help="Folder with <n>/<file> for the nth of the files.")
@RESULTS
def main(values: Path, schema: Path, sheets: Path, results: Path) -> None:
    """Check every parameter and sheet; if all are right, write them as tables, and what is planned."""
    given = json.loads(values.read_text())
    called = [Path(file["path"]).name for file in given["files"]]
    files = [
        File(
            file["parameter"],
            file["path"],
            file["origin"],
            name if called.count(name) == 1 else file["path"],
            next((sheets / str(number)).iterdir()),
        )
        for number, (file, name) in enumerate(zip(given["files"], called, strict=True), start=1)
    ]
    problems = Problems()
    checked = check_all(given["parameters"], files, schema, problems)
    if problems.found:
        raise InputError(str(problems))
    results.mkdir(parents=True, exist_ok=True)
    write_all(checked, files, results)
    write_table(pd.DataFrame(problems.notes, columns=["sheet", "note"]), results / "notes.tsv")
    write_versions(results / "versions.tsv", "jsonschema", "pandas")


if __name__ == "__main__":
    main()
