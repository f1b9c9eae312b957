"""Describe a run, what it was made of and what it published as a Workflow Run RO-Crate.

Profiles: Process Run Crate 0.5, Workflow Run Crate 0.5 and Workflow RO-Crate 1.0, on RO-Crate 1.1. The crate
is the folder of results: each published file is in it, with checksum and size where they were taken. What
was given lies elsewhere, and is known by its checksum (RFC 6920) or by its address.

Reference: Leo et al. 2024, PLOS ONE 19:e0309210, doi:10.1371/journal.pone.0309210
"""

import base64
import csv
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pandas as pd
import yaml
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from common.specifications import as_text, specifications

RO_CRATE = "1.1"
PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
BIOSCHEMAS = "https://bioschemas.org/profiles"
NEXTFLOW = "https://w3id.org/workflowhub/workflow-ro-crate#nextflow"
NEXTFLOW_DOI = "10.1038/nbt.3820"
WORKFLOW = "pipeline_info/main.nf"
# What is no package of PyPI, and where it comes from.
PROGRAMS = {
    "STAR": "https://github.com/alexdobin/STAR",
    "bwa": "https://github.com/lh3/bwa",
    "fastp": "https://github.com/OpenGene/fastp",
    "nextflow": "https://www.nextflow.io/",
    "nrf2flow": None,
    "python": "https://www.python.org/",
    "salmon": "https://github.com/COMBINE-lab/salmon",
    "samtools": "https://www.htslib.org/",
}
OWN_PACKAGES = ("pandas", "pyyaml", "rocrate")

# How a file's name ends: its format, and what to call it.
FORMATS = {
    ".tsv": ("text/tab-separated-values", "Table"),
    ".tsv.gz": ("application/gzip", "Table, compressed"),
    ".csv": ("text/csv", "Sheet"),
    ".svg": ("image/svg+xml", "Figure"),
    ".png": ("image/png", "Figure"),
    ".html": ("text/html", "Page"),
    "_mqc.json": ("application/json", "Section of the report"),
    ".json": ("application/json", "Data"),
    ".txt": ("text/plain", "Text"),
    ".log": ("text/plain", "Log"),
    ".sh": ("application/x-sh", "Shell script"),
    ".nf": ("text/plain", "Workflow"),
    ".vcf": ("text/plain", "Variants"),
    ".vcf.gz": ("application/gzip", "Variants, compressed"),
    ".tbi": ("application/octet-stream", "Index of variants"),
    ".bam": ("application/octet-stream", "Alignments by coordinate"),
    ".bai": ("application/octet-stream", "Index of alignments"),
    ".fastq.gz": ("application/gzip", "Reads"),
    ".fa": ("text/plain", "Sequences"),
    ".fa.gz": ("application/gzip", "Sequences, compressed"),
    ".fai": ("text/tab-separated-values", "Index of sequences"),
    ".gtf": ("text/tab-separated-values", "Annotation"),
    ".gtf.gz": ("application/gzip", "Annotation, compressed"),
    ".bed": ("text/tab-separated-values", "Regions"),
    ".ab1": ("application/octet-stream", "Sanger trace"),
    ".sf": ("text/tab-separated-values", "Quantities of transcripts"),
    ".gz": ("application/gzip", "Data, compressed"),
}
OTHER_FORMAT = ("application/octet-stream", "Data")
SAID = {  # of what lies in no folder of an analysis, or is more than its kind
    "pipeline_info/params.json": "The parameters that were given, for Nextflow's -params-file",
    "pipeline_info/rerun.sh": "The command that runs the same again",
    "pipeline_info/resources.tsv": "Table of what each process took, measured anew in each run",
    "report/multiqc_report.html": "Report: the calls, the evidence for them, and all figures, on one page",
    "report/findings.txt": "What was found, a line each",
    "report/versions.tsv": "Table of the software that ran",
}
MEASURED = "pipeline_info/resources.tsv"
FOLDERS = {"pipeline_info": ("Record of the run", "How the run was made, and what it took.")}
TYPES = {"string": "Text", "integer": "Integer", "number": "Float", "boolean": "Boolean"}
FILES = {"file-path": "File", "directory-path": "Dataset"}
CITED = re.compile(
    r"(?:([A-Z][^\s,;()]+(?: [a-z.]+| and [A-Z]\S+)* \d{4}), )?doi:(10\.\d{4,}/[^\s,;()]*[^\s,;().])"
)


def format_of(name: str) -> tuple[str, str]:
    """Return the format of a file and what to call it, by the longest ending that is known."""
    endings = [ending for ending in FORMATS if name.endswith(ending)]
    return FORMATS[max(endings, key=len)] if endings else OTHER_FORMAT


def identifier(sha256: str) -> str:
    """Name content by its checksum (RFC 6920)."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


def address_of(path: str) -> str | None:
    """Return the address of what lies in the web or in an object store; None for a path of a machine."""
    return path if re.match(r"[a-z][a-z0-9+.-]+://", path) else None


def columns_of(path: str, tables: Mapping[str, Sequence[str]]) -> list[str]:
    """List the columns of a table that the data dictionary explains: {pattern of tables: columns}."""
    found = [columns for pattern, columns in tables.items() if fnmatchcase(path, pattern)]
    return list(dict.fromkeys(column for columns in found for column in columns))


def describe(path: str, title: str, published: set[str], tables: Mapping[str, Sequence[str]]) -> str:
    """Say what a published file is."""
    if path in SAID:
        return SAID[path]
    kind = format_of(path)[1]
    said = f"{title}: {kind[0].lower()}{kind[1:]}"
    if (drawn := drawn_by(path, published)) is not None:
        return f"{said}; what it draws is in {PurePosixPath(drawn).name}"
    if columns := columns_of(path, tables):
        return f"{said} with the columns {', '.join(columns)}"
    return said


def drawn_by(path: str, published: set[str]) -> str | None:
    """Return the table of what a figure draws; None if it is no figure, or has none of its name."""
    drawn = str(PurePosixPath(path).with_suffix(".tsv"))
    return drawn if format_of(path)[1] == "Figure" and drawn in published else None


class Pipeline:
    """What the pipeline says of itself."""

    def __init__(self, folder: Path) -> None:
        """Read its description, schema, methods and data dictionary."""
        self.citation = yaml.safe_load((folder / "CITATION.cff").read_text())
        self.words = yaml.safe_load((folder / "methods.yml").read_text())
        self.parameters = specifications(json.loads((folder / "nextflow_schema.json").read_text()))
        self.tables: dict[str, list[str]] = {}
        with (folder / "columns.tsv").open() as table:
            for row in csv.DictReader(table, delimiter="\t"):
                self.tables.setdefault(row["table"], []).append(row["column"])
        self.workflow = folder / "main.nf"

    def title_of(self, folder: str) -> tuple[str, str]:
        """Return the title of a folder of results, and what it shows."""
        if folder in FOLDERS:
            return FOLDERS[folder]
        said = self.words.get(folder, {})
        title = said.get("title", folder.replace("_", " ").capitalize())
        return title, said.get("shows", f"Results of {folder}.")

    def cited(self, ran: Iterable[str]) -> dict[str, str]:
        """List the papers of the methods that ran: {doi: authors and year, as far as they are said}."""
        found = {NEXTFLOW_DOI: "Di Tommaso et al. 2017"}
        for analysis in ran:
            for name, doi in CITED.findall(
                " ".join(str(self.words.get(analysis, {}).get("method", "")).split())
            ):
                if not found.get(doi):
                    found[doi] = name
        return found


class Crate:
    """A crate in the making: entities come in the order in which they are added."""

    def __init__(self) -> None:
        """Begin a crate of RO-Crate 1.1 with the terms of Workflow Run Crate."""
        self.crate = ROCrate(version=RO_CRATE)
        self.crate.metadata.extra_contexts.append(CONTEXT)
        self.root = self.crate.root_dataset

    def add(self, at: str, kind: str | list[str], /, **properties: object) -> Entity:
        """Add an entity; properties that are None are left out. One `at` an address is there once."""
        if at in self.crate:
            return self.crate.get(at)
        said = {key: value for key, value in properties.items() if value is not None}
        return self.crate.add(Entity(self.crate, at, {"@type": kind} | said))

    def part(self, whole: Entity, at: str, kind: str | list[str], /, **properties: object) -> Entity:
        """Add an entity that is part of another."""
        made = self.add(at, kind, **properties)
        if {"@id": made.id} not in whole.properties().get("hasPart", []):
            whole.append_to("hasPart", made)
        return made

    def write(self, folder: Path) -> None:
        """Write the crate's metadata; a list of one is written as that one, as RO-Crate recommends."""
        for entity in self.crate.get_entities():
            said = entity.properties()
            said |= {
                key: value[0] for key, value in said.items() if isinstance(value, list) and len(value) == 1
            }
        self.crate.metadata.write(folder)


def add_outputs(
    crate: Crate, files: Sequence[Mapping], pipeline: Pipeline
) -> tuple[list[Entity], list[Entity]]:
    """Add the published files by folder; return the folders, and the workflow's outputs that they are."""
    published = {file["path"] for file in files}
    folders: dict[str, list[Mapping]] = {}
    for file in files:
        folders.setdefault(file["path"].split("/")[0], []).append(file)
    made, outputs = [], []
    for folder, its in sorted(folders.items()):
        title, shows = pipeline.title_of(folder)
        whole = crate.part(crate.root, f"{folder}/", "Dataset", name=title, description=shows)
        for file in its:
            path = file["path"]
            drawn = drawn_by(path, published)
            crate.part(
                whole, quote(path), "File",
                name=path.split("/", 1)[1],
                description=describe(path, title, published, pipeline.tables),
                encodingFormat=format_of(path)[0],
                contentSize=None if file["size"] is None else str(file["size"]),
                sha256=file["sha256"],
                isBasedOn=None if drawn is None else {"@id": quote(drawn)},
            )  # fmt: skip
        if folder != "pipeline_info":
            output = crate.add(
                f"#output-{folder}", "FormalParameter",
                name=folder, description=shows, additionalType="Dataset",
                conformsTo={"@id": f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
            )  # fmt: skip
            whole["exampleOfWork"] = output
            output["workExample"] = whole
            made.append(whole)
            outputs.append(output)
    return made, outputs


def add_given(crate: Crate, row: Mapping[str, str], published: Mapping[str, str]) -> Entity:
    """Add a file or folder that was given, as a row of inputs.tsv has it."""
    path, sha256 = row["path"], row["sha256"]
    if path in published:  # the simulation made it
        return crate.crate.get(published[path])
    if not sha256 and row["rows"]:  # the files that the cells of a sheet name
        return crate.add(
            f"#{row['sheet']}-{quote(path)}", "Collection", name=f"{row['rows']} {row['sheet']} files {path}"
        )
    name = PurePosixPath(path).name
    if address := address_of(path):
        return crate.part(crate.root, address, "File", name=name, sha256=sha256 or None)
    if not sha256:
        return crate.add(f"#given-{quote(path)}", "CreativeWork", name=name, alternateName=path)
    return crate.part(crate.root, identifier(sha256), "File", name=name, alternateName=path, sha256=sha256)


def add_inputs(
    crate: Crate,
    parameters: Mapping[str, object],
    inputs: Sequence[Mapping],
    files: Sequence[Mapping],
    pipeline: Pipeline,
) -> tuple[list[Entity], list[Entity]]:
    """Add parameters and what was given; return their values, and the workflow's inputs that they are."""
    published = {file["path"]: quote(file["path"]) for file in files}
    values, formal = [], []
    for name, spec in pipeline.parameters.items():
        rows = [row for row in inputs if row["sheet"] == name]
        kind = FILES.get(spec.get("format"), "File") if rows else TYPES[spec["type"]]
        default = spec.get("default")
        parameter = crate.add(
            f"#parameter-{name}", "FormalParameter",
            name=name, description=spec["description"], additionalType=kind,
            valueRequired="False", defaultValue=None if default is None else as_text(default),
            conformsTo={"@id": f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
        )  # fmt: skip
        formal.append(parameter)
        value = parameters.get(name)
        given = [add_given(crate, row, published) for row in rows]
        if not rows and value is not None:
            given = [crate.add(f"#value-{name}", "PropertyValue", name=name, value=as_text(value))]
        for entity in given:
            link(entity, "exampleOfWork", parameter)
            link(parameter, "workExample", entity)
        values += given
    known = set(pipeline.parameters)
    values += [add_given(crate, row, published) for row in inputs if row["sheet"] not in known]
    return list(dict.fromkeys(values)), formal


def link(entity: Entity, key: str, other: Entity) -> None:
    """Refer to another entity, once."""
    if {"@id": other.id} not in (entity.properties().get(key) or []):
        entity.append_to(key, other)


def add_software(crate: Crate, tools: pd.DataFrame) -> list[Entity]:
    """Add each program and package that ran, once a version, under its package URL (purl)."""
    own = [("python", platform.python_version()), *((name, version(name)) for name in OWN_PACKAGES)]
    both = sorted({*tools.itertuples(index=False, name=None), *own})
    return [
        crate.add(
            f"pkg:{'generic' if name in PROGRAMS else 'pypi'}/{name}@{quote(number)}", "SoftwareApplication",
            name=name, softwareVersion=number,
            url=PROGRAMS.get(name, f"https://pypi.org/project/{name}/"),
        )
        for name, number in both
    ]  # fmt: skip


def add_workflow(crate: Crate, run: Mapping, pipeline: Pipeline) -> Entity:
    """Add the workflow, its language, authors and licence."""
    said = pipeline.citation
    language = crate.add(
        NEXTFLOW, "ComputerLanguage",
        name="Nextflow", version=run["nextflow"],
        identifier={"@id": "https://www.nextflow.io/"}, url={"@id": "https://www.nextflow.io/"},
    )  # fmt: skip
    licence = crate.add(f"https://spdx.org/licenses/{said['license']}", "CreativeWork", name=said["license"])
    authors = [
        crate.add(f"#author-{number}", "Organization", name=" ".join(map(str, author.values())))
        for number, author in enumerate(said["authors"], start=1)
    ]
    text = pipeline.workflow.read_bytes()
    whole = crate.part(
        crate.root, "pipeline_info/", "Dataset",
        **dict(zip(("name", "description"), FOLDERS["pipeline_info"], strict=True)),
    )  # fmt: skip
    return crate.part(
        whole, WORKFLOW, ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        name=run["name"], description=said["title"], version=run["version"],
        programmingLanguage=language, license=licence, creator=authors,
        codeRepository=run["repository"], url=run["repository"],
        identifier=run["commitId"],
        encodingFormat=format_of(WORKFLOW)[0],
        contentSize=str(len(text)), sha256=hashlib.sha256(text).hexdigest(),
        conformsTo={"@id": f"{BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"},
    )  # fmt: skip


def write_crate(
    record: Mapping,
    inputs: pd.DataFrame,
    tools: pd.DataFrame,
    folder: Path,
    times: tuple[datetime, datetime],
    results: Path,
) -> None:
    """Write ro-crate-metadata.json.

    `record` has run, parameters and files; `inputs` and `tools` are tables of the gate and the report,
    `folder` has what the pipeline says of itself, and `times` are when the run started and ended.
    """
    run, pipeline, crate = record["run"], Pipeline(folder), Crate()
    start, end = (time.isoformat(timespec="seconds") for time in times)
    crate.crate.metadata["conformsTo"] = [
        {"@id": f"https://w3id.org/ro/crate/{RO_CRATE}"}, {"@id": PROFILES[-1][0]},
    ]  # fmt: skip
    workflow = add_workflow(crate, run, pipeline)
    files = sorted(
        [*record["files"], {"path": MEASURED, "size": None, "sha256": None}], key=lambda file: file["path"]
    )
    folders, outputs = add_outputs(crate, files, pipeline)
    rows = inputs.fillna("").to_dict("records")
    values, formal = add_inputs(crate, record["parameters"], rows, files, pipeline)
    software = add_software(crate, tools)
    ran = [each.id.rstrip("/") for each in folders]
    papers = [
        crate.add(f"https://doi.org/{quote(doi)}", "ScholarlyArticle", name=name or f"doi:{doi}")
        for doi, name in pipeline.cited(ran).items()
    ]
    workflow["input"], workflow["output"] = formal, outputs
    workflow["softwareRequirements"], workflow["citation"] = software, papers

    title = f"{run['name']} {run['version']}"
    action = crate.add(
        "#run", "CreateAction",
        name=f"Run of {title}", description=f"Run by Nextflow {run['nextflow']}, profile {run['profile']}",
        instrument=workflow, object=values, result=folders, startTime=start, endTime=end,
        actionStatus="http://schema.org/CompletedActionStatus",
    )  # fmt: skip
    profiles = [
        crate.add(name, "CreativeWork", name=words, version=number) for name, words, number in PROFILES
    ]
    root = crate.root
    root["name"] = f"Results of {title}"
    root["description"] = f"What a run of {title} found, from what, and how. {pipeline.citation['title']}."
    root["datePublished"] = end
    root["conformsTo"], root["mainEntity"], root["mentions"] = profiles, workflow, [action]
    root["license"] = crate.add(
        "#licence-of-results", "CreativeWork",
        name="No licence is given",
        description="Whoever ran the workflow says how its results may be used.",
    )  # fmt: skip
    crate.write(results)
