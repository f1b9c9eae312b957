"""The gate on an amplicon study: its samples, primers, Sanger traces and exposures."""

import pytest
from gate import AMPLICONS, PRIMERS, RNASEQ, Gate

TRACES = "line,condition,gene,ab1,expected\nA,parental,KEAP1,a.ab1,p.V512I\nA,resistant,KEAP1,b.ab1,\n"
AB1 = {"a.ab1": "ABIF", "b.ab1": "ABIF"}
EXPOSURES = {"exposures.csv": "signature,share\nSBS1,0.4\nSBS31,0.1\n", "cosmic.txt": "Type\tSBS1\n"}
GIVEN = {"signature_exposures": "exposures.csv", "signatures": "cosmic.txt"}


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    return Gate(run_script, tmp_path)


def plan_of(gate: Gate) -> dict[str, str]:
    return {row["analysis"]: row["planned"] for row in gate.table("plan.tsv")}


def test_gate__an_amplicon_study_alone_is_planned_and_written_without_paths(gate):
    assert gate.amplicons() == []
    plan = plan_of(gate)
    wanted = {"trim_reads", "align_amplicons", "amplicon_variants", "annotate_variants"}
    wanted |= {"variant_comparison", "lollipop", "mmc_candidates"}
    assert {name for name, planned in plan.items() if planned == "yes"} == wanted
    samples = gate.table("amplicons.tsv")
    assert samples[1] == {"sample": "A.CR", "line": "A", "condition": "resistant", "role": "target"}
    assert len(samples) == 4
    files = gate.table("amplicon_files.tsv")
    assert files[0] == {"sample": "A.P", "fastq_1": "/study/A.P_1.fq.gz", "fastq_2": "/study/A.P_2.fq.gz"}
    assert [row["amplicon"] for row in gate.table("primers.tsv")] == ["KEAP1_1", "KEAP1_2"]
    assert not (gate.results / "samples.tsv").exists()
    recorded = {(row["sheet"], row["path"]): row["rows"] for row in gate.table("inputs.tsv")}
    assert recorded["FASTQ", "in amplicons: fastq_1 and fastq_2"] == "8"


def test_gate__lanes_of_an_amplicon_library_are_one_sample(gate):
    lane = {"A.P_L2_1.fq.gz": "reads", "A.P_L2_2.fq.gz": "reads"}
    sheet = AMPLICONS + "A.P,A,parental,A.P_L2_1.fq.gz,A.P_L2_2.fq.gz\n"
    assert gate.amplicons(**{"amplicons.csv": sheet}, **lane) == []
    assert len(gate.table("amplicons.tsv")) == 4
    assert len(gate.table("amplicon_files.tsv")) == 5


def test_gate__amplicons_need_primers_and_a_genome(gate):
    said = gate.say({"amplicons.csv": AMPLICONS}, amplicons="amplicons.csv")
    assert any(line.startswith("--primers: found nothing") for line in said)
    assert any(line.startswith("--fasta: found nothing") for line in said)


def test_gate__each_fault_of_the_samples_is_said(gate):
    sheet = AMPLICONS.replace("B.P,B,parental", "B.P,B,parent").replace("B.CR_2.fq.gz", "A.P_2.fq.gz")
    sheet = sheet.replace("A.CR_1.fq.gz", "absent_1.fq.gz")
    said = gate.amplicons(**{"amplicons.csv": sheet})
    assert [line.split("; expected")[0] for line in said] == [
        "amplicons.csv, row 3, fastq_1: found no file absent_1.fq.gz",
        "amplicons.csv, row 5, fastq_2: found 'A.P_2.fq.gz', as fastq_2 in row 2",
        "amplicons.csv, row 4, condition: found 'parent' (perhaps parental)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("100\t120\t280\t300", "120\t100\t280\t300", "row 2, left_end: found 100, with left_start 120"),
        ("100\t120\t280\t300", "280\t300\t100\t120", "row 2, right_start: found 100, with left_end 300"),
        ("100\t120\t280\t300", "100\t120\t120\t120", "row 2, right_end: found 120, with right_start 120"),
        ("100\t120\t280\t300", "90\t120\t280\t300", "row 2, left_start: found 90, with start 100"),
        ("100\t120\t280\t300", "100\t120\t280\t310", "row 2, end: found 300, with right_end 310"),
        ("chr19\t100\t", "chr19\t-1\t", "row 2, start: found '-1'"),
        ("KEAP1_2", "KEAP1_1", "row 3, amplicon: found 'KEAP1_1', as in row 2"),
        ("KEAP1_2", "keap1_1", "row 3, amplicon: found 'keap1_1' beside 'KEAP1_1'"),
    ],
)
def test_check_primers__borders_out_of_order_are_said(gate, old, new, fault):
    said = gate.amplicons(**{"primers.tsv": PRIMERS.replace(old, new)})
    assert any(line.startswith(f"primers.tsv, {fault}") for line in said), said


def test_check_primers__two_amplicons_with_one_pair_of_primers_are_said(gate):
    again = PRIMERS.splitlines()[1].replace("KEAP1_1", "again")
    said = gate.amplicons(**{"primers.tsv": f"{PRIMERS}{again}\n"})
    assert said == [
        "primers.tsv, row 4, primers: found 'chr19', '100', '120', '280', '300', as in row 2; "
        "expected another in each row"
    ]


def test_gate__traces_are_numbered_by_their_rows(gate):
    assert gate.amplicons(sanger="sanger.csv", **{"sanger.csv": TRACES}, **AB1) == []
    assert gate.table("sanger.tsv")[1] == {
        **{"trace": "2", "line": "A", "condition": "resistant", "role": "target", "gene": "KEAP1"},
        "expected": "",
    }
    assert gate.table("sanger_files.tsv")[1] == {"trace": "2", "ab1": "/study/b.ab1"}
    assert plan_of(gate)["sanger_confirmation"] == "yes"


def test_gate__each_fault_of_the_traces_is_said(gate):
    sheet = TRACES.replace("KEAP1,b", "KEAP,c").replace("A,parental", "A,Parental")
    said = gate.amplicons(sanger="sanger.csv", **{"sanger.csv": sheet.replace("p.V512I", "V512")}, **AB1)
    assert [line.split("; expected")[0] for line in said] == [
        "sanger.csv, row 2, expected: found 'V512'",
        "sanger.csv, row 3, ab1: found no file c.ab1",
        "sanger.csv, row 3, gene: found 'KEAP' (perhaps KEAP1)",
        "sanger.csv, row 2, condition: found 'Parental' (perhaps parental)",
    ]


def test_gate__traces_without_amplicons_must_say_what_is_expected(gate):
    files = {"sanger.csv": TRACES, "genome.fa": "x", "genes.gtf": "x", **AB1}
    said = gate.say(files, sanger="sanger.csv", fasta="genome.fa", gtf="genes.gtf")
    assert [line.split(";")[0] for line in said] == ["sanger.csv, row 3, expected: found nothing"]
    sheet = TRACES.replace("b.ab1,", "b.ab1,p.Trp544Ter")
    assert (
        gate.say({**files, "sanger.csv": sheet}, sanger="sanger.csv", fasta="genome.fa", gtf="genes.gtf")
        == []
    )
    assert {name for name, planned in plan_of(gate).items() if planned == "yes"} == {"sanger_confirmation"}


def test_gate__exposures_need_signatures_and_a_share_above_zero(gate):
    assert gate.amplicons(**EXPOSURES, **GIVEN) == []
    assert gate.table("signature_exposures.tsv")[0] == {"signature": "SBS1", "share": "0.4"}
    said = gate.amplicons(**EXPOSURES, signature_exposures="exposures.csv")
    assert any(line.startswith("--signatures: found nothing") for line in said)
    none = EXPOSURES | {"exposures.csv": "signature,share\nSBS1,0\n"}
    assert [line.split(";")[0] for line in gate.amplicons(**none, **GIVEN)] == [
        "exposures.csv, all rows, share: found 0"
    ]


def test_gate__lines_that_cannot_be_compared_or_are_spelt_otherwise_are_noted(gate):
    sheet = "".join(row for row in AMPLICONS.splitlines(keepends=True) if not row.startswith("B.P"))
    reads = RNASEQ.replace(",A,", ",HSC-2,").replace("replicate\n", "replicate,bam\n")
    reads = (
        "\n".join(
            f"{row},{row.split(',')[0]}.bam" if number else row for number, row in enumerate(reads.split())
        )
        + "\n"
    )
    bams = {f"{row.split(',')[0]}.bam": "x" for row in RNASEQ.split()[1:]}
    files = {"amplicons.csv": sheet.replace(",A,", ",HSC2,"), "rnaseq.csv": reads, **bams}
    assert gate.amplicons(rnaseq="rnaseq.csv", **files) == []
    notes = gate.notes()
    assert "amplicons.csv: line B has no parental sample: its variants cannot be compared" in notes
    assert "amplicons.csv: line HSC2 is not in rnaseq.csv (perhaps HSC-2)" in notes
