"""What must agree across files, so that no reader has to check it."""

import csv
import gzip
import importlib
import json
import re
import sys
from pathlib import Path

import click
import pytest
import yaml
from check_inputs import NEEDS
from conftest import ROOT
from jsonschema import Draft202012Validator
from report import CALL, QUALITY_OF, QUESTIONS

# What makes something for the analyses, and has no section of its own in the report.
STEPS = {
    *("check_inputs", "simulate_study", "prepare_reference", "index_transcripts", "index_genome"),
    *("count_alleles", "count_amplicon_alleles", "fit_dose_curves", "report", "run_record"),
}
MODULES = sorted((ROOT / "modules").glob("*.nf"))
SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
DESCRIBED = {name: spec for group in SCHEMA["$defs"].values() for name, spec in group["properties"].items()}
# Imported as another name than PyPI's.
DISTRIBUTIONS = {"Bio": "biopython", "yaml": "pyyaml"}
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)


def calls() -> list:
    """The command line of each process: its words, from the script's name on."""
    found = []
    for module in MODULES:
        blocks = re.findall(r'process (\w+) \{.*?script:\s+"""(.*?)"""', module.read_text(), re.DOTALL)
        found += [pytest.param(module, call.split(), id=process.lower()) for process, call in blocks]
    return found


def command_of(call: list[str]) -> click.Command:
    """The command that a process calls: the script's, or one of those that it has."""
    main = importlib.import_module(call[0].removesuffix(".py")).main
    return main.commands[call[1]] if isinstance(main, click.Group) else main


each_process = pytest.mark.parametrize(("module", "call"), calls())


def explained() -> list[tuple[re.Pattern, str]]:
    """Each row of the data dictionary: the tables that it speaks of, and the column."""
    with (ROOT / "assets/columns.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    return [(re.compile(re.escape(row["table"]).replace(r"\*", ".*")), row["column"]) for row in rows]


@each_module
def test_an_analysis_has_one_name(module):
    name, text = module.stem, module.read_text()
    processes = re.findall(r"process (\w+) \{", text)
    assert processes[0] == name.upper()
    assert all(process.startswith(name.upper()) for process in processes)
    image = f'container "${{params.registry}}/{name}:${{workflow.manifest.version}}"'
    assert text.count(image) == len(processes)
    folder = "" if name == "run_record" else f"/{name}"  # all results are the crate
    assert f'publishDir "${{params.outdir}}{folder}", ' in text
    for path in (f"bin/{name}.py", f"containers/{name}.pip", f"tests/test_{name}.py"):
        assert (ROOT / path).is_file(), path
    assert (ROOT / f"bin/{name}.py").stat().st_mode & 0o111, "Nextflow runs the script as a command"


def test_what_a_process_publishes_goes_to_the_crate():
    """RUN_RECORD reads the topics, and may not write to them."""
    silent = []
    for module in MODULES:
        for process in re.split(r"^(?=process )", module.read_text(), flags=re.MULTILINE)[1:]:
            if "publishDir" in process and not re.search(r"topic: (published|reference)", process):
                silent.append(module.stem)
    assert silent == ["run_record"]


def test_nextflow_reads_the_workflow_whatever_the_encoding_of_the_machine():
    scripts = [ROOT / "main.nf", ROOT / "nextflow.config"]
    for folder in ("modules", "subworkflows", "conf"):
        scripts += sorted((ROOT / folder).iterdir())
    assert [path.name for path in scripts if not path.read_text(encoding="utf-8").isascii()] == []


@each_process
def test_a_process_gives_its_script_the_options_that_it_has(module, call):
    options = {option: parameter for parameter in command_of(call).params for option in parameter.opts}
    used = {word for word in call if word.startswith("--")}
    assert call[0] == f"{module.stem}.py"
    assert used <= options.keys(), "an option that the script lacks"
    required = {option for option, parameter in options.items() if parameter.required}
    assert required <= used, "a required option is left out"


@each_process
def test_an_option_has_the_name_and_the_default_of_its_parameter(module, call):
    for option in command_of(call).params:
        described = DESCRIBED.get(option.name, {})
        if "default" in described and described["default"] != "shipped" and not option.required:
            assert option.default == described["default"], f"{module.stem}: {option.name}"


@each_module
def test_a_container_holds_what_its_script_imports(module):
    def imports(script: Path) -> set[str]:
        text = script.read_text()
        found = re.findall(r"^\s*(?:import (\w+)|from (\w+)[.\w]* import)", text, re.MULTILINE)
        found = {name for names in found for name in names} - {"", "common"}
        for plumbing in re.findall(r"^from common\.(\w+)", text, re.MULTILINE):
            found |= imports(ROOT / f"bin/common/{plumbing}.py")
        return found

    needed = imports(ROOT / f"bin/{module.stem}.py") - sys.stdlib_module_names
    held = set((ROOT / f"containers/{module.stem}.pip").read_text().split())
    assert {DISTRIBUTIONS.get(name, name) for name in needed} <= held


def test_every_parameter_is_declared_and_described_with_the_same_default():
    block = re.search(r"params \{(.*?)\n\}", (ROOT / "nextflow.config").read_text(), re.DOTALL)[1]
    declared = {
        name: json.loads(value.replace("'", '"')) for name, value in re.findall(r"(\w+) += (.+)", block)
    }
    assert declared == {name: spec.get("default") for name, spec in DESCRIBED.items()}


# What Nextflow's meta-schema of parameters knows; forms of platforms and nf-core's tools read the same.
KEYWORDS = {
    *("type", "format", "pattern", "enum", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("default", "description", "help_text", "fa_icon", "hidden", "exists", "mimetype", "schema"),
}
UNIT = re.compile(r"^In |^Phred|without unit|share of|In the unit of|^A probability")
ICON = re.compile(r"fa[bs] fa-[a-z0-9-]+")


@pytest.mark.parametrize("group", SCHEMA["$defs"].values(), ids=SCHEMA["$defs"])
def test_a_group_of_parameters_is_introduced(group):
    assert re.fullmatch(r"[A-Z].*[^.]", group["title"])
    assert re.fullmatch(r"[A-Z].+\.", group["description"])
    assert ICON.fullmatch(group["fa_icon"])
    assert group["properties"]


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_parameter_is_described_for_whoever_fills_in_a_form(name):
    spec = DESCRIBED[name]
    assert spec.keys() <= KEYWORDS
    assert ICON.fullmatch(spec["fa_icon"])
    # The gate says `expected ...`, and the description follows.
    assert re.fullmatch(r"(?![A-Z][a-z]).+[^\s.;,:]", spec["description"])
    assert re.fullmatch(r"\S.*\.", spec["help_text"])
    assert spec["help_text"] != spec["description"]
    if spec["type"] in ("integer", "number"):
        assert UNIT.search(spec["help_text"]), "a number has a unit, or has none"
        lowest = spec.get("minimum", spec.get("exclusiveMinimum"))
        assert re.search(rf"\b(from|above|of|between) {lowest:g}\b|\b{lowest:g} or more", spec["description"])
    if "enum" in spec:
        assert [value for value in spec["enum"] if value not in spec["description"]] == []
    if "default" in spec:
        Draft202012Validator(spec).validate(spec["default"])
    if "schema" in spec:
        assert (spec["format"], spec["mimetype"]) == ("file-path", "text/csv")
        assert json.loads((ROOT / spec["schema"]).read_text())["type"] == "array"
    # What is shipped is named by a word, and where results go need not exist.
    named = "format" in spec and spec.get("default") != "shipped" and name != "outdir"
    assert spec.get("exists", False) == named


def test_the_schema_of_parameters_is_whole():
    Draft202012Validator.check_schema(SCHEMA)
    assert [each["$ref"] for each in SCHEMA["allOf"]] == [f"#/$defs/{name}" for name in SCHEMA["$defs"]]
    names = [name for group in SCHEMA["$defs"].values() for name in group["properties"]]
    assert len(names) == len(set(names))
    manifest = dict(
        re.findall(r"(\w+) += '(.+)'", (ROOT / "nextflow.config").read_text().split("params {")[0])
    )
    assert SCHEMA["title"] == f"{manifest['name']} pipeline parameters"
    assert SCHEMA["description"] == manifest["description"]
    for group in SCHEMA["$defs"].values():
        needs = group.get("dependentRequired", {})
        assert needs.keys() <= group["properties"].keys()
        assert {other for others in needs.values() for other in others} <= DESCRIBED.keys()


def test_every_published_column_is_explained_and_every_explained_column_is_published(demo):
    results = demo.folder / "results"
    rows = explained()
    study = results / "simulate_study"
    sheets = [study / "rnaseq.csv", study / "cohorts.csv", *study.glob("cohort_files/*.samples.tsv")]
    names = {re.split("[,\t]", row)[0] for sheet in sheets for row in sheet.read_text().splitlines()[1:]}
    unexplained, seen = [], set()
    tables = [*results.rglob("*.[ct]sv"), *results.rglob("*.tsv.gz")]
    for path in sorted(tables):
        table = path.relative_to(results).as_posix()
        if re.match("report/|quantify_transcripts/.+/", table):
            continue  # MultiQC's and salmon's own
        separator = "," if path.suffix == ".csv" else "\t"
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            header = lines.readline().rstrip("\n")
        for column in header.split(separator):
            wanted = "<sample>" if column in names else column
            found = {
                n for n, (tables, known) in enumerate(rows) if known == wanted and tables.fullmatch(table)
            }
            seen |= found
            if not found:
                unexplained.append((table, column))
    assert unexplained == []
    assert [rows[n] for n in range(len(rows)) if n not in seen] == []


def test_the_reports_of_the_platform_are_published(demo):
    reports = yaml.safe_load((ROOT / "tower.yml").read_text())["reports"]
    assert [path for path in reports if not (demo.folder / "results" / path).is_file()] == []
    assert all(Path(path).suffix in (".html", ".tsv") and words["display"] for path, words in reports.items())


def test_the_versions_of_images_and_tests_are_those_that_are_pinned():
    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "containers/constraints.txt").read_text().splitlines()
        if "==" in line
    )
    lists = [path for kind in ("pip", "data") for path in (ROOT / "containers").glob(f"*.{kind}")]
    for listed in sorted(lists):
        for package in listed.read_text().split():
            assert package.lower() in pinned, f"{listed.name}: {package}"


def test_every_analysis_is_planned_and_has_its_method_in_the_report():
    methods = yaml.safe_load((ROOT / "assets/methods.yml").read_text())
    analyses = {module.stem for module in MODULES} - STEPS
    assert set(NEEDS) == analyses
    assert analyses <= methods.keys()


def test_every_analysis_has_one_place_in_the_report():
    placed = [CALL, *(name for _, analyses in QUESTIONS.values() for name in analyses), *QUALITY_OF]
    assert sorted(placed) == sorted(NEEDS)


def test_every_asset_has_its_source_and_licence():
    listed = (ROOT / "assets/README.md").read_text()
    data = [path for path in (ROOT / "assets").rglob("*") if path.suffix in (".gmt", ".tsv")]
    shipped = [path.relative_to(ROOT / "assets").as_posix() for path in data if path.name != "columns.tsv"]
    assert [name for name in sorted(shipped) if f"| {name} |" not in listed] == []
