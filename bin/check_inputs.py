#!/usr/bin/env python3
"""Check every parameter, sheet and file, report all problems at once, and plan what can run.

What is right is said in nextflow_schema.json and, for a sheet, in the schema that it names; what a
problem gives after "expected" is the "description" there. Beyond single values it is checked here that
sheets, reads, references, matrix, contrasts, gene sets and parameters agree with each other. Only when
all is right are files written: the sheets as tables without paths (moving files reruns nothing but
what reads them), the addresses of the reads apart from them, and what is planned.

A contrast is estimable in `~ blocking + condition` if and only if some block has samples of both
conditions: exactly when none has, the target's indicator is the sum of its blocks' indicators.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
from common.amplicon_sheets import check_amplicons
from common.bench_sheets import check_bench, in_one_form
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.cohort_sheets import Cohorts, Table, check_cohorts, names_in_cohorts, read_genes
from common.count_matrix import Matrix, read_counts
from common.gmt_files import check_overlap, note_highlighted, read_gene_sets
from common.mmc_candidates_rules import check_rules
from common.multiqc import write_versions
from common.parameters import asked_beside, check_parameters
from common.patient_sheets import check_patients, check_tumours, of_patients
from common.pseudonyms import Pseudonyms, hide
from common.read_files import READS, UNQUOTABLE, Seen, check_reads, located, one_row_each
from common.rerun import write_again
from common.sheets import Problems, check_conditions, check_spelling, listed, meant, read_sheet, shown
from common.specifications import as_text, specifications
from common.tables import write_table
from common.target_sheets import check_targets

# Not beside --simulate, which makes them or does without; nor what they refer to.
SHEETS = (
    *("rnaseq", "counts", "contrasts", "amplicons", "primers", "sanger", "signature_exposures"),
    *("dose_response", "comparisons", "assays", "qpcr", "patients", "cohorts", "panels", "panel_genes"),
)
REFERENCES = ("fasta", "gtf", "transcripts", "salmon_index", "star_index", "signatures")
# Sheets too, else those that are shipped.
ASSETS = ("target_genes", "loci", "skipping", "domains", "hotspots", "gene_aliases", "gene_panels")
FILES = (*SHEETS, *ASSETS, "gene_sets", "rules")
NOT_IN_RESULTS = (
    *("outdir", "publish_dir_mode", "registry", "help", "save_reference", "pseudonymise"),
    *("cost_per_cpu_hour", "cost_per_gb_hour", *FILES, *REFERENCES),
)
# The sheets that are passed on with the columns that they have.
AS_GIVEN = ("primers", "signature_exposures", "dose_response", "comparisons", "assays", "qpcr", "patients")
# What each analysis needs of parameters and of the files that the rnaseq sheet names; any one of those
# between `or` will do, and the first of them is used. In the order of the report.
INDEXED, COUNTED = "salmon_index or fasta", "counts or FASTQ"
ALIGNED = ("FASTQ or BAM", "fasta", "gtf")
AMPLIFIED = ("amplicons", "primers", "fasta", "gtf")
COUNTABLE = "fasta or a context column or sbs96"
NEEDS = {
    "mmc_candidates": ("counts or FASTQ or BAM or amplicons or assays or dose_response",),
    "trim_reads": ("FASTQ or amplicons", INDEXED, "gtf"),
    "quantify_transcripts": ("FASTQ", INDEXED, "gtf"),
    "gene_counts": ("FASTQ", INDEXED, "gtf"),
    "normalise_expression": (COUNTED,),
    "target_score": (COUNTED, "gene_panels"),
    "expression_heatmap": (COUNTED, "gene_panels"),
    "differential_expression": (COUNTED,),
    "gene_set_enrichment": (COUNTED, "gene_sets"),
    "sample_enrichment": (COUNTED, "gene_sets"),
    "sample_projection": (COUNTED,),
    "align_amplicons": AMPLIFIED,
    "amplicon_variants": AMPLIFIED,
    "variant_comparison": AMPLIFIED,
    "sanger_confirmation": ("sanger", "fasta", "gtf"),
    "lollipop": AMPLIFIED,
    "normalise_plates": ("dose_response",),
    "dose_response": ("dose_response",),
    "dose_comparison": ("dose_response",),
    "relative_quantity": ("qpcr",),
    "group_comparison": ("assays or qpcr",),
    "align_rna": ALIGNED,
    "annotate_variants": ("FASTQ or BAM or amplicons", "fasta", "gtf"),
    "locus_genotype": ALIGNED,
    "pileup": ALIGNED,
    "biomarker_cutoff": ("patients", "column score"),
    "survival": (
        "patients",
        "column os_months or column dfs_months",
        "column score or another of --survival_groups",
    ),
    "patient_table": ("patients",),
    "harmonise_mutations": ("cohorts", "MAF"),
    "mutation_frequency": ("cohorts", "MAF"),
    "cohort_lollipop": ("cohorts", "MAF"),
    "mutation_matrix": ("cohorts", COUNTABLE),
    "mutational_signatures": ("cohorts", COUNTABLE),
}
UNLESS = {"quantify_transcripts": "counts", "gene_counts": "counts"}  # what makes an analysis superfluous
# Which analyses use a reference, in part by way of an index that is built from it.
USES = {
    "quantify_transcripts": {"fasta", "gtf", "transcripts", "salmon_index"},
    "align_rna": {"fasta", "gtf", "star_index"},
    "align_amplicons": {"fasta", "gtf"},
    "variant_comparison": {"signatures"},
    "mutation_matrix": {"fasta", "gtf"},
    "mutational_signatures": {"signatures"},
    "sanger_confirmation": {"fasta", "gtf"},
}
# The column of each sheet whose values must differ in more than case: a line, or names of files.
SPELLED = {
    **{"rnaseq": "line", "contrasts": "contrast", "gene_panels": "panel", "target_genes": "gene"},
    **{"amplicons": "line", "primers": "amplicon", "sanger": "line"},
    **{"dose_response": "line", "assays": "line", "qpcr": "line"},
    **{"patients": "patient", "cohorts": "cohort", "panels": "panel"},
}
# The sheets whose further columns are kept, and what for.
KEPT_WHOLE = {"rnaseq": "kept to block by", "patients": "kept to tabulate and to group by"}
ROLE = "role"  # the column that samples.tsv adds
# What it is called in each sheet: wells have a role of their own.
ROLES = {
    **dict.fromkeys(("rnaseq", "amplicons", "sanger", "assays"), ROLE),
    **dict.fromkeys(("dose_response", "qpcr"), "condition_role"),
}
ALL_LINES = "all"  # what the contrast over all lines is called by
# Tables with a column for each sample have these as well.
TAKEN = {"collection", "gene_id", "gene_name", "gene_set", "identifier", "panel", "reason", "size", "status"}


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
    made = [f"--{name}" for name in (*SHEETS, *REFERENCES) if given.get(name)]
    if given.get("simulate") and made:
        found, expected = f"{' and '.join(made)} as well", "sheets and references, or a simulated study"
        problems.add("--simulate", found, expected)
    if "gene_set_min" in right and right["gene_set_min"] > right.get("gene_set_max", float("inf")):
        found = f"{right['gene_set_min']}, more than --gene_set_max {right['gene_set_max']}"
        problems.add("--gene_set_min", found, specs["gene_set_min"]["description"])
    if "target_condition" in right and right["target_condition"] == right.get("reference_condition"):
        found = f"{shown(right['target_condition'])}, as --reference_condition"
        problems.add("--target_condition", found, specs["target_condition"]["description"])


def check_files(
    given: Mapping,
    files: Sequence[File],
    unquotable: Container[tuple[str, str]],
    specs: Mapping,
    problems: Problems,
) -> None:
    """Find the files that were given and do not exist, and collections that would overwrite each other.

    Of parameter and path in `unquotable` nothing was looked at.
    """
    there = {(file.parameter, file.given) for file in files}
    for name in FILES:
        value = given.get(name) if isinstance(given.get(name), str) else ""
        for path in value.split(",") if name == "gene_sets" else [value]:
            if path.strip() not in ("", "none", "shipped") and (name, path.strip()) not in there:
                barred = (name, path.strip()) in unquotable
                found = f"{path.strip()}, {UNQUOTABLE}" if barred else f"no file {path.strip()}"
                problems.add(f"--{name}", found, specs[name]["description"])
    collections = [collection_of(file).lower() for file in files if file.parameter == "gene_sets"]
    for name in dict.fromkeys(name for name in collections if collections.count(name) > 1):
        found = f"{collections.count(name)} files called {name}.gmt"
        problems.add("--gene_sets", found, "another name for each: it is the collection's")


def check_references(
    right: Mapping, references: Mapping[str, Seen], specs: Mapping, problems: Problems
) -> None:
    """Find the references that are absent, empty, or a folder where it should be a file."""
    for name in REFERENCES:
        kind = "folder" if specs[name]["format"] == "directory-path" else "file"
        if name in right and (fault := references.get(name, Seen(right[name])).fault(kind)):
            problems.add(f"--{name}", fault, specs[name]["description"])


def check_needed(
    name: str, there: set[str], asked: Container[str], specs: Mapping, problems: Problems
) -> None:
    """Find what is lacking beside the rnaseq sheet: counts, or reads and the references that they need.

    What other parameters have `asked` for makes no further problem.
    """
    reads = [kind for kind in ("FASTQ", "BAM") if kind in there]
    if not reads and "counts" not in there:
        found = f"nothing, and no FASTQ or BAM file in {name}"
        problems.add("--counts", found, specs["counts"]["description"])
    if reads and "counts" in there:
        problems.note(name, f"counts are those of --counts: {' and '.join(reads)} serve the genotypes alone")
    if not reads:
        return
    indexed = reads == ["FASTQ"] and "counts" not in there  # then salmon's index does for the genome
    needed = ["gtf"] if indexed and "salmon_index" in there else ["fasta", "gtf"]
    lacking = [each for each in needed if each not in there and each not in asked]
    if lacking:
        wanted = "the genome and its annotation" if len(lacking) > 1 else specs[lacking[0]]["description"]
        if indexed and "fasta" in lacking:
            wanted += f", or --salmon_index{' with --gtf' if 'gtf' in lacking else ''}"
        elif "counts" in there:
            wanted += ", or no such files beside --counts"
        found = f"nothing, with {' and '.join(reads)} files in {name}"
        problems.add(" and ".join(f"--{each}" for each in lacking), found, wanted)


def collection_of(file: File) -> str:
    """Name a collection as its file, with nothing in it that files of results could not be named by."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", file.name.split("/")[-1].removesuffix(".gmt"))


def has_both(samples: pd.DataFrame, column: str, reference: str, target: str) -> list[str]:
    """Return the values of a column that have samples of both conditions, in the sheet's order."""
    of = [set(samples.loc[samples.condition == condition, column]) for condition in (reference, target)]
    both = of[0] & of[1]
    return [value for value in samples[column].dropna().unique() if value in both]


def check_samples(name: str, samples: pd.DataFrame, conditions: Iterable[str], problems: Problems) -> None:
    """Check what the rows of the rnaseq sheet say together; `conditions` are those that are known."""
    check_conditions(name, samples, conditions, problems)
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


def note_contrasts(
    name: str, samples: pd.DataFrame, contrasts: Sequence[Contrast], problems: Problems
) -> None:
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


def planned(there: Container[str]) -> pd.DataFrame:
    """Say of each analysis whether it will run, and why; `there` are the inputs given."""
    plan = []
    for analysis, needs in NEEDS.items():
        met = [next((name for name in need.split(" or ") if name in there), "") for need in needs]
        absent = [need for need, name in zip(needs, met, strict=True) if not name]
        references = [need for need in absent if need.split(" or ")[0] in REFERENCES]
        reasons = [f"{need} not given" for need in absent if need not in references]
        if references:
            wanted = [
                " or ".join(f"--{name}" if name in REFERENCES else name for name in need.split(" or "))
                for need in references
            ]
            reasons.append(f"needs {' and '.join(wanted)}")
        if UNLESS.get(analysis) in there:
            reasons = [f"{UNLESS[analysis]} given"]
        given = f"{', '.join(met[:-1])} and {met[-1]}" if len(met) > 1 else met[0]
        plan.append((analysis, "no" if reasons else "yes", "; ".join(reasons) or f"{given} given"))
    return pd.DataFrame(plan, columns=["analysis", "planned", "reason"])


class Given(NamedTuple):
    """All inputs, as they were given."""

    parameters: Mapping[str, object]
    files: Sequence[File]
    unquotable: Container[tuple[str, str]]  # parameter and path of files that no task is given
    references: Mapping[str, Seen]  # by parameter
    found: Mapping[str, Mapping[str, Seen]]  # by the sheet that names it, and its cell
    read: Mapping[tuple[str, str], Table]  # those of them that are read here, by both


class Checked(NamedTuple):
    """All inputs, checked."""

    parameters: dict[str, object]
    there: set[str]  # the parameters given as files and folders; FASTQ and BAM if the rnaseq sheet names any
    tables: dict[str, pd.DataFrame]  # the sheets, by parameter; that of the samples without reads
    lanes: pd.DataFrame | None  # the rnaseq sheet with its reads
    plan: pd.DataFrame
    matrix: Matrix | None
    contrasts: list[Contrast]
    collections: dict[str, str]  # GMT text
    cohorts: Cohorts | None
    panel_genes: list[str]
    rows: list[int]  # of each file
    pseudonyms: Pseudonyms | None


def read_sheets(
    files: Sequence[File], specs: Mapping, folder: Path, problems: Problems
) -> dict[str, pd.DataFrame]:
    """Read and check the sheets that have a schema, which `specs` names within `folder`."""
    tables = {}
    for file in files:
        if "schema" in specs[file.parameter]:
            schema = json.loads((folder / specs[file.parameter]["schema"]).read_text())
            if (table := read_sheet(file.path, file.name, schema, problems)) is not None:
                columns = list(schema["items"]["properties"])
                tables[file.parameter] = table if file.parameter in KEPT_WHOLE else table[columns]
                if file.parameter in SPELLED:
                    check_spelling(file.name, table[SPELLED[file.parameter]], problems)
                further = [column for column in table if column not in columns]
                if further:
                    fate = KEPT_WHOLE.get(file.parameter, "ignored")
                    problems.note(file.name, f"further columns, {fate}: {listed(further)}")
    return tables


def call_otherwise(
    given: Given, tables: dict[str, pd.DataFrame], specs: Mapping, folder: Path, problems: Problems
) -> tuple[Given, Pseudonyms]:
    """Put pseudonyms into sheets and into names of files; the schemas of sheets are within `folder`."""
    cohorts = names_in_cohorts(tables["cohorts"], given.read, folder) if "cohorts" in tables else []
    pseudonyms = Pseudonyms(tables["patients"].patient if "patients" in tables else [], cohorts)
    columns = {
        name: json.loads((folder / specs[name]["schema"]).read_text())["items"]["properties"]
        for name in tables
    }
    files = [
        file._replace(name="/".join([file.parameter] * ("/" in file.name) + [pseudonyms.of_file(file.name)]))
        for file in given.files
    ]
    read = {key: table._replace(name=pseudonyms.within(table.name)) for key, table in given.read.items()}
    names = {file.parameter: file.name for file in files}
    before = {file.name: new.name for file, new in zip(given.files, files, strict=True)}
    problems.notes = [(before[sheet], note) for sheet, note in problems.notes]
    hide(names, tables, columns, pseudonyms, problems)
    if "patients" in tables:
        problems.note(names["patients"], "patients have pseudonyms: P001 is the first below the header")
    if cohorts:
        first = f"{cohorts[0].cohort.iloc[0]}.S0001 is the first in the cohort's list"
        problems.note(names["cohorts"], f"samples have pseudonyms: {first}")
    return given._replace(files=files, read=read), pseudonyms


def conditions_of(tables: Mapping[str, pd.DataFrame], right: Mapping) -> list[str]:
    """List the conditions that samples may have: of the parameters, and those that are compared."""
    known = [right["reference_condition"], right["target_condition"]]
    if "contrasts" in tables and "rnaseq" in tables:
        used = set(tables["rnaseq"].condition.dropna())
        compared = tables["contrasts"][["reference", "target"]].to_numpy().ravel()
        known += [condition for condition in compared if condition in used]
    return list(dict.fromkeys(known))


def check_design(
    names: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    right: Mapping,
    conditions: Sequence[str],
    compares: bool,
    problems: Problems,
) -> list[Contrast]:
    """Check the samples, and return the contrasts of the sheet, or the default ones.

    There must be one if the study `compares` expression; genotypes need none.
    """
    samples, sheet, before = tables["rnaseq"], tables.get("contrasts"), problems.found.total()
    ends = right["reference_condition"], right["target_condition"]
    check_samples(names["rnaseq"], samples, conditions, problems)
    if sheet is not None:
        contrasts = check_contrasts(names["contrasts"], sheet, samples, names["rnaseq"], problems)
    else:
        contrasts = default_contrasts(samples, *ends)
        right_so_far = problems.found.total() == before and samples.condition.notna().any()
        if compares and not contrasts and right_so_far:
            found, expected = f"no line with both {' and '.join(ends)}", "one at least, or --contrasts"
            problems.add(f"{names['rnaseq']}, all rows, condition", found, expected)
    if contrasts:
        note_contrasts(names["rnaseq"], samples, contrasts, problems)
    return contrasts


def inputs_there(given: Given, lanes: pd.DataFrame | None) -> set[str]:
    """Name the inputs that are given: parameters, and FASTQ and BAM if the rnaseq sheet names such files."""
    there = {name for name in (*SHEETS, *REFERENCES) if given.parameters.get(name)}
    there |= {*(file.parameter for file in given.files), *given.references}
    if lanes is not None:
        named = {"FASTQ": lanes.fastq_1.ne("") | lanes.fastq_2.ne(""), "BAM": lanes.bam.ne("")}
        there |= {kind for kind, rows in named.items() if rows.any()}
    return there


def check_all(given: Given, schema: Path, problems: Problems) -> Checked:
    """Check all inputs, each by itself and with each other."""
    rules = json.loads(schema.read_text())
    specs, names = specifications(rules), {file.parameter: file.name for file in given.files}
    right = check_parameters(given.parameters, rules, problems)
    check_agreement(given.parameters, right, specs, problems)
    check_files(given.parameters, given.files, given.unquotable, specs, problems)
    check_references(right, given.references, specs, problems)
    tables, pseudonyms = read_sheets(given.files, specs, schema.parent, problems), None
    if right.get("pseudonymise"):
        given, pseudonyms = call_otherwise(given, tables, specs, schema.parent, problems)
        names = {file.parameter: file.name for file in given.files}

    lanes = tables.get("rnaseq")
    there = inputs_there(given, lanes)
    if lanes is not None:
        lanes["strandedness"] = lanes.strandedness.replace("", "auto")
        asked = {other for _, others in asked_beside(given.parameters, rules) for other in others}
        check_needed(names["rnaseq"], there, asked, specs, problems)
        check_reads(names["rnaseq"], lanes, given.found.get("rnaseq", {}), there, problems)
        apart = [*READS, *["strandedness"] * ("FASTQ" not in there)]
        tables["rnaseq"] = one_row_each(lanes).drop(columns=apart)

    matrix, samples = None, tables.get("rnaseq")
    for file in given.files:
        if file.parameter == "counts":
            by_row = None if samples is None else dict(samples["sample"].dropna())
            called = pseudonyms.of if pseudonyms else str
            matrix = read_counts(file.path, file.name, by_row, names.get("rnaseq", ""), problems, called)

    contrasts = []
    ends = {right.get("reference_condition"), right.get("target_condition")} - {None}
    readable = "contrasts" in tables or not given.parameters.get("contrasts")
    if len(ends) == 2 and readable:
        known = conditions_of(tables, right)
        known += check_tumours(names, tables, known, problems)
        if samples is not None:
            compares = not there.isdisjoint(COUNTED.split(" or "))
            contrasts = check_design(names, tables, right, known, compares, problems)
        check_amplicons(names, tables, given.found, right, known, problems)
        check_bench(names, tables, right, known, problems)
    if contrasts and "common_contrasts" in right:
        default = specs["common_contrasts"]["default"]
        compared = tables.get("contrasts", pd.DataFrame(contrasts)).contrast.dropna()
        check_common(right["common_contrasts"], default, list(compared), problems)

    sets, collections = {}, {}
    for file in given.files:
        if file.parameter == "gene_sets":
            sets[file.given], text = read_gene_sets(file.path, file.name, problems)
            collections[collection_of(file)] = text
            if matrix and any(matrix.gene_ids):
                own, counts = file.origin == "given", names["counts"]
                check_overlap(file.name, own, sets[file.given], matrix, counts, problems)
    wanted = right.get("highlight_sets", "")
    if sets and wanted != specs["highlight_sets"]["default"]:
        note_highlighted(wanted, [each for its in sets.values() for each in its], problems)
    check_targets(tables, names, {file.parameter for file in given.files if file.origin == "given"}, problems)

    for file in given.files:
        if file.parameter == "rules":
            _, faults = check_rules(file.path, schema.parent / "assets/mmc_rules.schema.json")
            for place, found, expected in faults:
                problems.add(f"{file.name}, {place}", found, expected)
    check_patients(names, tables, right, problems)
    if "patients" in tables:
        there |= of_patients(tables["patients"], right)
    gene = right.get("spectrum_gene", "")
    cohorts = check_cohorts(names, tables, given.found, given.read, schema.parent, gene, problems, pseudonyms)
    there |= set() if cohorts is None else cohorts.there
    panel_genes = [
        gene
        for file in given.files
        if file.parameter == "panel_genes"
        for gene in read_genes(Table(file.name, file.path), problems)
    ]

    plan = planned(there)
    used = {name for each in plan.analysis[plan.planned == "yes"] for name in USES.get(each, ())}
    for name in REFERENCES:
        superfluous = name == "transcripts" and "salmon_index" in there
        if name in given.references and (name not in used or superfluous):
            problems.note(name, "given, and nothing that is planned uses it")
    sizes = {name: len(table) for name, table in tables.items()}
    sizes |= {} if lanes is None else {"rnaseq": len(lanes)}
    sizes |= {"counts": len(matrix.gene_ids)} if matrix else {}
    sizes |= {"panel_genes": len(panel_genes)}
    rows = [len(sets.get(file.given, ())) or sizes.get(file.parameter, 0) for file in given.files]
    return Checked(
        right,
        there,
        tables,
        lanes,
        plan,
        matrix,
        contrasts,
        collections,
        cohorts,
        panel_genes,
        rows,
        pseudonyms,
    )


def sha256(path: Path) -> str:
    """Return the checksum of a file as it was given."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record_of(given: Given, checked: Checked) -> pd.DataFrame:
    """Record what was given: files with checksums, references, and how many read files there are."""
    called = checked.pseudonyms.of_file if checked.pseudonyms else str
    inputs = [
        (
            file.parameter,
            called(file.given) if file.origin == "given" else file.given,
            sha256(file.path),
            str(rows),
        )
        for file, rows in zip(given.files, checked.rows, strict=True)
    ]
    inputs += [(sheet, called(cell), sha256(table.path), "") for (sheet, cell), table in given.read.items()]
    inputs += [(name, called(seen.path), "", "") for name, seen in given.references.items()]
    for kind, sheet, columns in (
        ("FASTQ", "rnaseq", ["fastq_1", "fastq_2"]),
        ("BAM", "rnaseq", ["bam"]),
        ("FASTQ", "amplicons", ["fastq_1", "fastq_2"]),
        ("AB1", "sanger", ["ab1"]),
    ):
        table = checked.lanes if sheet == "rnaseq" else checked.tables.get(sheet)
        cells = [] if table is None else table[columns].to_numpy().ravel()
        if files := {given.found[sheet][cell].uri for cell in cells if cell}:
            inputs.append((kind, f"in {sheet}: {' and '.join(columns)}", "", str(len(files))))
    return pd.DataFrame(inputs, columns=["sheet", "path", "sha256", "rows"])


def without_folders(checked: Checked) -> dict[str, object]:
    """Return the parameters, under pseudonyms without the folders and ids in the names of files."""
    if not checked.pseudonyms:
        return checked.parameters
    return checked.parameters | {
        name: ",".join(map(checked.pseudonyms.of_file, checked.parameters[name].split(",")))
        for name in (*FILES, *REFERENCES)
        if name in checked.parameters
    }


def write_all(given: Given, checked: Checked, results: Path) -> None:
    """Write the checked inputs as tables; the record of what was given; and what is planned."""
    write_table(record_of(given, checked), results / "inputs.tsv")
    write_table(checked.plan, results / "plan.tsv")
    values = [
        (name, as_text(value)) for name, value in checked.parameters.items() if name not in NOT_IN_RESULTS
    ]
    write_table(pd.DataFrame(values, columns=["parameter", "value"]), results / "parameters.tsv")

    in_one_form(checked.tables)
    tables, ends = checked.tables, [checked.parameters[f"{end}_condition"] for end in ("reference", "target")]
    roles = dict(zip(ends, ("reference", "target"), strict=True)) | {"": ""}
    for name, column in ROLES.items():
        if name in tables:
            behind = tables[name].columns.get_loc("condition") + 1
            tables[name].insert(behind, column, tables[name].condition.map(roles).fillna("other"))
    if "rnaseq" in tables:
        write_table(tables["rnaseq"], results / "samples.tsv")
        if not checked.there.isdisjoint(("FASTQ", "BAM")):
            write_table(located(checked.lanes, given.found["rnaseq"]), results / "rnaseq.tsv")
    if "amplicons" in tables:
        lanes = tables["amplicons"]
        one_each = lanes.drop_duplicates("sample").drop(columns=["fastq_1", "fastq_2"])
        write_table(one_each, results / "amplicons.tsv")
        files = located(lanes.assign(bam=""), given.found["amplicons"])
        write_table(files.drop(columns="bam"), results / "amplicon_files.tsv")
    if "sanger" in tables:
        traces = tables["sanger"]
        traces.insert(0, "trace", range(1, len(traces) + 1))
        write_table(traces.drop(columns="ab1"), results / "sanger.tsv")
        uris = traces.ab1.map(lambda cell: given.found["sanger"][cell].uri)
        write_table(traces[["trace"]].assign(ab1=uris), results / "sanger_files.tsv")
    for name in AS_GIVEN:
        if name in tables:
            write_table(tables[name], results / f"{name}.tsv")
    if checked.cohorts:
        for name in ("cohorts", "profiled", "panels"):
            if (table := getattr(checked.cohorts, name)) is not None:
                write_table(table, results / f"{name}.tsv")
        write_table(checked.cohorts.files, results / "cohort_files.tsv")
    if checked.panel_genes:
        (results / "panel_genes.txt").write_text("".join(f"{gene}\n" for gene in checked.panel_genes))
    if checked.contrasts:
        write_table(pd.DataFrame(checked.contrasts), results / "contrasts.tsv")
    if checked.matrix:
        (results / "counts.tsv").write_text(checked.matrix.text)
    for name in ASSETS:
        if name in checked.tables:
            write_table(checked.tables[name], results / f"{name}.tsv")
    for file in given.files:
        if file.parameter == "rules":
            shutil.copyfile(file.path, results / "rules.yml")
    for collection, text in checked.collections.items():
        (results / "gene_sets").mkdir(exist_ok=True)
        (results / "gene_sets" / f"{collection}.gmt").write_text(text)


def seen_of(said: Mapping, path: str) -> Seen:
    """Take what Nextflow says of a path."""
    return Seen(path, said["uri"], said["exists"], said["kind"], said["size"], said["quotable"])


@click.command(cls=Script)
@click.option(
    "--values",
    type=INPUT,
    required=True,
    help="JSON: parameters {}, run {name, version, nextflow, profile, ...}, "
    "files and unquotable [{parameter, path, origin}], tables [{sheet, cell}], "
    "references [{parameter, path, uri, quotable, exists, kind, size}], paths [{sheet, cell} and as those].",
)
@click.option("--schema", type=INPUT, required=True, help="nextflow_schema.json, with its assets/ beside it.")
@click.option(
    "--sheets", type=FOLDER, required=True, help="Folder with <n>/<file> for the nth of files and tables."
)
@RESULTS
def main(values: Path, schema: Path, sheets: Path, results: Path) -> None:
    """Check every parameter, sheet and file; if all are right, write them as tables, and what is planned."""
    words = json.loads(values.read_text())
    called = [Path(file["path"]).name for file in words["files"]]
    files = [
        File(
            file["parameter"],
            file["path"],
            file["origin"],
            name if called.count(name) == 1 else file["path"],
            next((sheets / str(number)).iterdir()),
        )
        for number, (file, name) in enumerate(zip(words["files"], called, strict=True), start=1)
    ]
    references, paths = words["references"], words["paths"]
    seen = {each["parameter"]: seen_of(each, each["path"]) for each in references}
    found: dict[str, dict[str, Seen]] = {}
    for each in paths:
        cell = " ".join(each["cell"].split())  # as sheets are read: without padding
        found.setdefault(each["sheet"], {})[cell] = seen_of(each, cell)
    folders = enumerate(words["tables"], start=len(files) + 1)
    read = {
        (each["sheet"], " ".join(each["cell"].split())): Table(
            Path(each["cell"]).name, next((sheets / str(number)).iterdir())
        )
        for number, each in folders
    }
    unquotable = {(each["parameter"], each["path"]) for each in words["unquotable"]}
    given, problems = Given(words["parameters"], files, unquotable, seen, found, read), Problems()
    checked = check_all(given, schema, problems)
    if problems.found:
        raise InputError(str(problems))
    results.mkdir(parents=True, exist_ok=True)
    write_all(given, checked, results)
    specs = specifications(json.loads(schema.read_text()))
    write_again(without_folders(checked), specs, words["run"], results)
    write_table(pd.DataFrame(problems.notes, columns=["sheet", "note"]), results / "notes.tsv")
    write_versions(results / "versions.tsv", "jsonschema", "pandas")


if __name__ == "__main__":
    main()
