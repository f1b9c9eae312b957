"""What processes ask for, by the size of what they are given."""

import csv
import re

import pytest
from conftest import ROOT, run_pipeline

GIB = 2**30
# Bytes of a human study: a genome, its indexes, a sample's reads, the counts of 1,200 samples.
HUMAN = {
    "genome.fa": 3_150_000_000,
    "genome.fa.fai": 20_000,
    "star_index/SA": 24_200_000_000,
    "star_index/SAindex": 1_570_000_000,
    "star_index/Genome": 3_200_000_000,
    "salmon_index/pos.bin": 9_900_000_000,
    "salmon_index/mphf.bin": 1_800_000_000,
    "salmon_index/seq.bin": 1_900_000_000,
    "sample_1.fastq.gz": 3_000_000_000,
    "sample_2.fastq.gz": 3_200_000_000,
    "counts.tsv": 90_000_000,
}
WORKFLOW = """
include {{ INDEX_GENOME             }} from '{modules}/index_genome'
include {{ INDEX_TRANSCRIPTS        }} from '{modules}/index_transcripts'
include {{ ALIGN_RNA                }} from '{modules}/align_rna'
include {{ QUANTIFY_TRANSCRIPTS     }} from '{modules}/quantify_transcripts'
include {{ TRIM_READS               }} from '{modules}/trim_reads'
include {{ DIFFERENTIAL_EXPRESSION  }} from '{modules}/differential_expression'
include {{ ALIGN_RNA as CAPPED      }} from '{modules}/align_rna'

workflow {{
    genome = channel.value(files("${{launchDir}}/genome.fa*").toSorted())
    reads = files("${{launchDir}}/sample_*").toSorted()
    table = file("${{launchDir}}/table.tsv")
    contrasts = file("${{launchDir}}/contrasts.tsv")
    counts = file("${{launchDir}}/counts.tsv")
    INDEX_GENOME(genome, table)
    INDEX_TRANSCRIPTS(genome, table)
    ALIGN_RNA(channel.of(tuple('sample', reads)), file("${{launchDir}}/star_index"), 1000)
    CAPPED(channel.of(tuple('sample', reads)), file("${{launchDir}}/star_index"), 1000)
    QUANTIFY_TRANSCRIPTS(channel.of(tuple('sample', reads)), file("${{launchDir}}/salmon_index"))
    TRIM_READS(channel.of(tuple('sample', [reads[0]], [reads[1]])), 15, 31, false, false)
    DIFFERENTIAL_EXPRESSION(table, counts, contrasts, false, 0.05)
}}
"""
# A local machine that has all that is asked for: nothing is run but stubs.
CONFIG = f"""
includeConfig '{ROOT}/conf/base.config'
params.registry = 'none'
params.outdir = 'results'
params.publish_dir_mode = 'copy'
params.save_reference = false
executor {{
    cpus = 64
    memory = 512.GB
}}
process {{
    withName: CAPPED {{
        resourceLimits = [cpus: 2, memory: 6.GB, time: 1.h]
    }}
}}
trace.fields = 'process,cpus,memory,time'
trace.raw = true
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> dict[str, tuple[int, float, float]]:
    """What each process asks for in a human study: (processors, GiB, hours). The files are holes."""
    folder = tmp_path_factory.mktemp("human")
    for name, size in HUMAN.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
    for name in ("table.tsv", "contrasts.tsv"):
        (folder / name).touch()
    (folder / "main.nf").write_text(WORKFLOW.format(modules=ROOT / "modules"))
    (folder / "nextflow.config").write_text(CONFIG)
    run = run_pipeline(folder, "-stub", "-with-trace", "trace.txt", project=folder)
    assert run.exit_code == 0, run.output
    with (folder / "trace.txt").open() as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return {
        row["process"]: (int(row["cpus"]), int(row["memory"]) / GIB, int(row["time"]) / 3_600_000)
        for row in rows
    }


@pytest.mark.parametrize(
    ("process", "cpus", "least", "most"),
    [
        ("INDEX_GENOME", 8, 32, 48),
        ("ALIGN_RNA", 8, 32, 48),
        ("INDEX_TRANSCRIPTS", 8, 18, 32),
        ("QUANTIFY_TRANSCRIPTS", 8, 16, 24),
        ("TRIM_READS", 4, 4, 8),
        ("DIFFERENTIAL_EXPRESSION", 1, 4, 12),
    ],
)
def test_a_human_study__asks_for_what_the_tools_need(asked, process, cpus, least, most):
    assert asked[process][0] == cpus
    assert least <= asked[process][1] <= most
    assert 2 <= asked[process][2] <= 24


def test_a_machine_that_has_less__is_asked_for_no_more_than_it_has(asked):
    assert asked["CAPPED"] == (2, 6, 1)


def test_every_time_and_memory__grows_with_the_attempt():
    declared = [
        line.split("//")[0]
        for path in [*sorted((ROOT / "modules").glob("*.nf")), ROOT / "conf/base.config"]
        for line in path.read_text().splitlines()
        if re.match(r" +(memory|time)( +=)? ", line)
    ]
    assert len(declared) > 20
    assert [line for line in declared if "task.attempt" not in line] == []
