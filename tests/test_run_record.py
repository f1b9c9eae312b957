import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from common.run_crate import PROGRAMS
from conftest import ROOT
from rocrate.rocrate import ROCrate
from run_record import main, read_trace, resources_of

HOUR, GB = 3_600_000, 2**30
HEADER = [
    *("task_id", "process", "name", "status", "attempt", "complete", "realtime", "cpus", "memory"),
    *("peak_rss", "rchar", "wchar"),
]
STARTED = "2026-01-02T03:04:05.123456789Z"
ENDED = datetime(2026, 1, 2, 4, 0, tzinfo=UTC)
FILES = {
    "check_inputs/inputs.tsv": "a" * 64,
    "group_comparison/tests.tsv": "b" * 64,
    "group_comparison/reporter+1.svg": "c" * 64,
    "group_comparison/reporter+1.png": "d" * 64,
    "group_comparison/reporter+1.tsv": "e" * 64,
    "align_rna/A.P1.bam": None,
    "pipeline_info/params.json": "f" * 64,
    "simulate_study/assays.csv": "1" * 64,
    "quantify_transcripts/A.P1/quant.sf": None,
}
INPUTS = [
    ("assays", "simulate_study/assays.csv", "1" * 64, "390"),
    ("patients", "some where/patients.csv", "2" * 64, "31"),
    ("loci", "assets/loci.tsv", "3" * 64, "2"),
    ("cohorts", "cohorts.csv", "4" * 64, "1"),
    ("cohorts", "C.maf", "5" * 64, ""),
    ("fasta", "s3://bucket/genome.fa.gz", "", ""),
    ("gtf", "genes.gtf.gz", "", ""),
    ("FASTQ", "in rnaseq: fastq_1 and fastq_2", "", "16"),
]
RUN = {
    **{"name": "nrf2flow", "version": "1.0", "nextflow": "25.04.0", "profile": "docker"},
    **dict.fromkeys(("repository", "revision", "commitId")),
}
PARAMETERS = {
    "patients": "some where/patients.csv",
    "seed": 7,
    "confidence": 0.95,
    "strict": False,
    "counts": None,
}


def task(process: str, status: str = "COMPLETED", **said: object) -> dict:
    """A row of the trace: one hour on two CPUs with 4 GB, in raw numbers."""
    row = {
        **{"task_id": 1, "process": process, "name": f"{process} (1)", "status": status, "attempt": 1},
        **{"complete": int(ENDED.timestamp() * 1000), "realtime": HOUR, "cpus": 2, "memory": 4 * GB},
        **{"peak_rss": 3 * GB, "rchar": GB, "wchar": GB // 2},
    }
    return row | said


def trace_of(folder: Path, *tasks: dict, further: str = "") -> Path:
    """Write Nextflow's trace into a folder of its own."""
    folder.mkdir(exist_ok=True)
    lines = [HEADER, *([task[column] for column in HEADER] for task in tasks)]
    text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
    (folder / "trace.txt").write_text(text + further)
    return folder


@pytest.fixture
def resources(tmp_path):
    """What tasks took, a row a process."""

    def take(*tasks: dict, **prices: float) -> pd.DataFrame:
        trace = read_trace(trace_of(tmp_path / "trace", *tasks))
        return resources_of(trace, **prices).set_index("process")

    return take


@pytest.fixture
def record(run_script, tmp_path):
    """Record a run; returns its crate, {@id: entity}."""

    def run(
        files: dict[str, str | None] = FILES, trace: Path | None = None, name: str = "results", **run: object
    ) -> dict[str, dict]:
        results, pipeline = tmp_path / name, tmp_path / "pipeline"
        pipeline.mkdir(exist_ok=True)
        sources = (
            "main.nf",
            "nextflow_schema.json",
            "CITATION.cff",
            "assets/columns.tsv",
            "assets/methods.yml",
        )
        for source in sources:
            (pipeline / Path(source).name).write_bytes((ROOT / source).read_bytes())
        listed = [{"path": path, "size": 10, "sha256": sha256} for path, sha256 in files.items()]
        told = {"run": RUN | run, "started": STARTED, "parameters": PARAMETERS, "files": listed}
        (tmp_path / "record.json").write_text(json.dumps(told))
        rows = [("sheet", "path", "sha256", "rows"), *INPUTS]
        (tmp_path / "inputs.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
        (tmp_path / "tools.tsv").write_text("tool\tversion\nSTAR\t2.7.10b\nnumpy\t2.4.6\n")
        done = run_script(
            main, record=tmp_path / "record.json", inputs=tmp_path / "inputs.tsv",
            tools=tmp_path / "tools.tsv", trace=trace or trace_of(tmp_path / "trace", task("REPORT")),
            pipeline=pipeline, results=results,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        graph = json.loads((results / "ro-crate-metadata.json").read_text())["@graph"]
        assert len({entity["@id"] for entity in graph}) == len(graph)
        return {entity["@id"]: entity for entity in graph}

    return run


def referred(said: object) -> list[str]:
    """All @id that the values of an entity refer to."""
    if isinstance(said, dict):
        return [said["@id"]]
    return [each for value in said for each in referred(value)] if isinstance(said, list) else []


def as_list(said: object) -> list:
    return said if isinstance(said, list) else [said]


def test_resources_of__adds_up_what_each_attempt_had_asked_for(resources):
    found = resources(
        task("READS:ALIGN_RNA"),
        task("READS:ALIGN_RNA", realtime=HOUR // 2, memory=8 * GB, peak_rss=5 * GB, name="ALIGN_RNA (2)"),
        task("REPORT", cpus=1),
    )
    assert list(found.index) == ["ALIGN_RNA", "REPORT", "total"]
    own = found.loc["ALIGN_RNA"]
    assert (own.tasks, own.attempts, own.cached, own.failed) == (2, 2, 0, 0)
    assert own.realtime_hours == pytest.approx(1.5)
    assert own.cpu_hours == pytest.approx(3)
    assert own.memory_gb_hours == pytest.approx(4 + 0.5 * 8)
    assert (own.peak_rss_gb, own.memory_asked_gb, own.read_gb, own.written_gb) == (5, 8, 2, 1)
    assert found.cpu_hours["total"] == pytest.approx(4)
    assert found.tasks["total"] == 3
    assert set(found.status) == {"ok"}
    assert found.cost.isna().all()


def test_resources_of__a_cached_task_is_counted_and_took_nothing(resources):
    found = resources(task("A", "CACHED"), task("A"), task("B", "CACHED", attempt=2))
    assert (found.tasks["A"], found.cached["A"], found.attempts["A"], found.cpu_hours["A"]) == (2, 1, 1, 2)
    assert (found.tasks["B"], found.cpu_hours["B"], found.status["B"]) == (1, 0, "cached")
    assert found.status["total"] == "ok"


def test_resources_of__an_attempt_that_failed_took_what_it_took(resources):
    found = resources(task("A", "FAILED"), task("A", attempt=2, memory=8 * GB))
    own = found.loc["A"]
    assert (own.tasks, own.attempts, own.failed, own.memory_gb_hours) == (1, 2, 1, 12)


def test_resources_of__what_was_not_measured_is_missing_and_says_so(resources):
    found = resources(task("A", realtime="-", peak_rss="-"), task("A"), task("B", realtime="-", peak_rss="-"))
    assert found.status.to_dict() == {"A": "partly_measured", "B": "not_measured", "total": "partly_measured"}
    assert found.reason["A"].startswith("1 of 2 attempts")
    assert pd.isna(found.peak_rss_gb["B"])


@pytest.mark.parametrize(
    ("prices", "cost"),
    [({"per_cpu_hour": 0.5}, 1), ({"per_gb_hour": 0.1}, 0.4), ({"per_cpu_hour": 1, "per_gb_hour": 1}, 6)],
)
def test_resources_of__the_cost_is_hours_times_prices(resources, prices, cost):
    found = resources(task("A"), **prices)
    assert found.cost.to_list() == pytest.approx([cost, cost])


def test_resources_of__without_a_trace_there_is_a_row_that_says_so(tmp_path):
    assert read_trace(tmp_path / "none") is None
    found = resources_of(None)
    assert found[["process", "status"]].to_numpy().tolist() == [["total", "no_trace"]]
    assert "trace.txt" in found.reason[0]


def test_read_trace__leaves_out_a_row_that_is_still_being_written(tmp_path):
    found = read_trace(trace_of(tmp_path / "trace", task("A"), further="2\tREPO"))
    assert list(found.process) == ["A"]


def test_main__every_entity_that_is_referred_to_is_there(record):
    graph = record()
    outside = {
        name
        for entity in graph.values()
        for value in (value for key, value in entity.items() if not key.startswith("@"))
        for name in referred(value)
        if name not in graph
    }
    assert all(re.match("https?://", name) for name in outside)
    assert not [name for name in outside if "wfrun" in name]
    linked = {name for entity in graph.values() for name in referred(entity.get("hasPart", []))}
    files = {name for name, entity in graph.items() if {"File", "Dataset"} & set(as_list(entity["@type"]))}
    assert files - {"./"} == linked


def test_main__the_crate_has_the_form_of_its_profiles(record):
    graph = record()
    root, descriptor = graph["./"], graph["ro-crate-metadata.json"]
    profiles = {f"https://w3id.org/{name}" for name in ("ro/wfrun/process/0.5", "ro/wfrun/workflow/0.5")}
    assert profiles <= set(referred(root["conformsTo"]))
    assert all(graph[name]["@type"] == "CreativeWork" for name in referred(root["conformsTo"]))
    assert referred(descriptor["about"]) == ["./"]
    assert "https://w3id.org/ro/crate/1.1" in referred(descriptor["conformsTo"])
    assert {"name", "description", "datePublished", "license"} <= root.keys()

    workflow = graph[root["mainEntity"]["@id"]]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert workflow["version"] == "1.0"
    language = graph[workflow["programmingLanguage"]["@id"]]
    assert (language["@type"], language["name"], language["version"]) == (
        "ComputerLanguage",
        "Nextflow",
        "25.04.0",
    )
    assert referred(workflow["license"]) == ["https://spdx.org/licenses/MIT"]

    (action,) = [entity for entity in graph.values() if entity["@type"] == "CreateAction"]
    assert referred(root["mentions"]) == [action["@id"]]
    assert referred(action["instrument"]) == [workflow["@id"]]
    for side, formal in (("object", "input"), ("result", "output")):
        for name in referred(action[side]):
            parameters = referred(graph[name].get("exampleOfWork", []))
            assert set(parameters) <= set(referred(workflow[formal]))
            assert all(name in referred(graph[parameter]["workExample"]) for parameter in parameters)
    assert all(graph[name]["@type"] == "FormalParameter" for name in referred(workflow["input"]))


def test_main__the_workflow_lies_in_the_crate(record, tmp_path):
    record()
    assert (tmp_path / "results/pipeline_info/main.nf").read_bytes() == (ROOT / "main.nf").read_bytes()


def test_main__another_program_reads_the_crate(record, tmp_path):
    """Every file that is not there is one of those that only the names of are given here."""
    record()
    crate = ROCrate(tmp_path / "results")
    assert crate.mainEntity.id == "pipeline_info/main.nf"
    read = {entity.id for entity in crate.data_entities}
    assert {"align_rna/", "align_rna/A.P1.bam", "group_comparison/reporter%2B1.svg"} <= read


def test_main__each_file_has_size_checksum_format_and_a_description(record):
    graph = record()
    for path, sha256 in FILES.items():
        entity = graph[path.replace("+", "%2B")]
        assert entity["contentSize"] == "10"
        assert entity.get("sha256") == sha256
    figure = graph["group_comparison/reporter%2B1.svg"]
    assert figure["encodingFormat"] == "image/svg+xml"
    assert referred(figure["isBasedOn"]) == ["group_comparison/reporter%2B1.tsv"]
    assert "what it draws is in reporter+1.tsv" in figure["description"]
    assert "p_value, p_adjusted" in graph["group_comparison/tests.tsv"]["description"]
    assert "Alignments by coordinate".lower() in graph["align_rna/A.P1.bam"]["description"]
    assert graph["quantify_transcripts/A.P1/quant.sf"]["name"] == "A.P1/quant.sf"


def test_main__what_was_given_is_known_by_content_or_by_address(record):
    graph = record()
    objects = {name: graph[name] for name in referred(graph["#run"]["object"])}
    by_sha256 = {each.get("sha256"): each for each in objects.values() if each["@type"] == "File"}
    assert by_sha256["2" * 64]["alternateName"] == "some where/patients.csv"
    assert by_sha256["2" * 64]["@id"].startswith("ni:///sha-256;")
    assert by_sha256["1" * 64]["@id"] == "simulate_study/assays.csv"
    assert "s3://bucket/genome.fa.gz" in objects
    assert len(graph["#parameter-cohorts"]["workExample"]) == 2
    assert [each["name"] for each in objects.values() if each["@type"] == "Collection"] == [
        "16 FASTQ files in rnaseq: fastq_1 and fastq_2"
    ]
    assert objects["#given-genes.gtf.gz"]["alternateName"] == "genes.gtf.gz"


def test_main__every_parameter_has_its_default_and_its_value(record):
    graph = record()
    formal = {name for name in graph if name.startswith("#parameter-")}
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    described = {name for group in schema["$defs"].values() for name in group["properties"]}
    assert formal == {f"#parameter-{name}" for name in described}
    assert (graph["#parameter-seed"]["defaultValue"], graph["#value-seed"]["value"]) == ("1", "7")
    assert graph["#parameter-seed"]["additionalType"] == "Integer"
    assert graph["#value-strict"]["value"] == "false"
    assert "#value-counts" not in graph
    assert "#value-patients" not in graph  # a file


def test_main__software_is_named_with_its_version(record):
    graph = record()
    software = {
        (each["name"], each["softwareVersion"])
        for each in graph.values()
        if each["@type"] == "SoftwareApplication"
    }
    assert {("STAR", "2.7.10b"), ("numpy", "2.4.6")} <= software
    assert {"python", "rocrate"} <= {name for name, _ in software}
    assert len(referred(graph["pipeline_info/main.nf"]["softwareRequirements"])) == len(software)


def test_programs__every_program_of_the_images_is_known_not_to_be_a_package():
    lists = sorted((ROOT / "containers").glob("*.apt"))
    programs = {line.split()[1] for path in lists for line in path.read_text().splitlines()}
    assert programs - {"ps"} <= PROGRAMS.keys()


def test_main__the_run_lasts_from_its_start_to_the_end_of_its_last_task(record, tmp_path):
    long_ago = task("A", "CACHED", complete=1000)
    late = task("B", complete=int(ENDED.timestamp() * 1000) + 5000)
    graph = record(trace=trace_of(tmp_path / "others", long_ago, late, task("C")))
    assert graph["#run"]["startTime"] == "2026-01-02T03:04:05+00:00"
    assert graph["#run"]["endTime"] == "2026-01-02T04:00:05+00:00"
    assert graph["./"]["datePublished"] == graph["#run"]["endTime"]


def test_main__without_a_trace_the_crate_is_still_written(record, tmp_path):
    graph = record(trace=tmp_path / "none")
    assert datetime.fromisoformat(graph["#run"]["endTime"]) > ENDED
    table = pd.read_csv(tmp_path / "results/pipeline_info/resources.tsv", sep="\t")
    assert list(table.status) == ["no_trace"]


def test_main__two_runs_on_the_same_differ_in_times_alone(record, tmp_path):
    first = record()
    other = trace_of(
        tmp_path / "other", task("REPORT", complete=int(ENDED.timestamp() * 1000) + 1000, realtime=5)
    )
    second = record(files=dict(reversed(FILES.items())), trace=other, name="again")
    times = {(name, key) for name in first for key in first[name] if first[name][key] != second[name][key]}
    assert times == {("./", "datePublished"), ("#run", "endTime")}
    assert list(first) == list(second)


def test_main__a_repository_is_named_with_its_commit(record):
    workflow = record(repository="https://example.org/nrf2flow", commitId="abc")["pipeline_info/main.nf"]
    assert (workflow["codeRepository"], workflow["identifier"]) == ("https://example.org/nrf2flow", "abc")
