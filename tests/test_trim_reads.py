import gzip
import json
import os
import random
import re
import threading
from pathlib import Path

import pandas as pd
import pytest
from common.fastq_files import RECORDS, BadReadsError, all_blocks, check_all
from common.pipes import Pipe
from conftest import ROOT
from libraries import (
    MGI,
    TRUSEQ,
    fastq,
    pairs_of,
    random_fragments,
    read_fastq,
    reverse_complement,
    write_lanes,
    zipped,
)
from trim_reads import Library, fastp_command, judge, sample, table

FRAGMENTS = random_fragments(RECORDS + 500, 60, 150)
PAIRS = pairs_of(FRAGMENTS)
FIRST, SECOND = fastq([pair[0] for pair in PAIRS]), fastq([pair[1] for pair in PAIRS], mate=2)
COUNT = len(PAIRS)


@pytest.fixture
def trim(tmp_path, run_script):
    """Trim lanes as a sample of this name; returns its row, by column."""

    def run(first, second=(), name="s1", folder="run", **options) -> pd.Series:
        place = tmp_path / folder
        reads_1 = write_lanes(place / "reads_1", first, "x_1.fq.gz")
        write_lanes(place / "reads_2", second, "x_2.fq.gz")
        given = {"sample": name, "reads_1": reads_1, "reads_2": place / "reads_2", "results": place}
        done = run_script(sample, **given | options)
        assert done.exit_code == 0, done.output
        (row,) = pd.read_csv(place / f"{name}.reads.tsv", sep="\t", dtype={"sample": "str"}).iloc
        return row

    return run


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"reads_1", "reads_2"}


def assert_trimmed(path: Path, fragments: list[str]) -> None:
    """Nothing of an adapter is left; what looks like the beginning of one is cut too, at 5 bases and more."""
    trimmed = read_fastq(path)
    kept = [len(fragment) - len(bases) for fragment, bases in zip(fragments, trimmed, strict=True)]
    assert all(fragment.startswith(bases) for fragment, bases in zip(fragments, trimmed, strict=True))
    assert all(lost == 0 or 5 <= lost <= 12 for lost in kept)
    assert kept.count(0) > 0.99 * len(fragments)


@pytest.mark.parametrize("adapters", [MGI, TRUSEQ])
def test_trim__fragments_shorter_than_their_reads_come_back(trim, tmp_path, adapters):
    first, second = zip(*pairs_of(FRAGMENTS, adapters), strict=True)
    row = trim([zipped(fastq(first))], [zipped(fastq(second, 2))])
    assert_trimmed(tmp_path / "run/s1_1.fastq.gz", [fragment[:100] for fragment in FRAGMENTS])
    assert_trimmed(tmp_path / "run/s1_2.fastq.gz", [reverse_complement(each)[:100] for each in FRAGMENTS])
    cut = sum(len(fragment) < 100 for fragment in FRAGMENTS)
    bases = sum(max(0, 100 - len(fragment)) for fragment in FRAGMENTS)
    assert row.adapter_rate == pytest.approx(cut / COUNT, abs=0.005)
    assert row.adapter_base_rate == pytest.approx(bases / (100 * COUNT), abs=0.002)
    assert (row.layout, row.reads_in, row.reads_out, row.status) == ("paired", 2 * COUNT, 2 * COUNT, "ok")
    assert (row.q30_rate, row.poly_g_trimmed) == (1, "no")


@pytest.mark.parametrize("adapter", [MGI[0], TRUSEQ[0]])
def test_trim__single_reads_lose_adapters_too(trim, tmp_path, adapter):
    fragments = random_fragments(2000, 40, 80)
    row = trim([fastq(pair[0] for pair in pairs_of(fragments, (adapter, adapter))).encode()])
    assert_trimmed(tmp_path / "run/s1_1.fastq.gz", fragments)
    assert (row.layout, row.reads_in, row.reads_out) == ("single", 2000, 2000)
    assert pd.isna(row.adapter_rate), "fastp does not count what it cuts by its list alone"
    assert left(tmp_path / "run") == {"s1_1.fastq.gz", "s1.reads.tsv", "s1.fastp.json", "versions.tsv"}


def test_trim__lanes_give_the_bytes_of_one_file_in_the_order_of_their_numbers(trim, tmp_path):
    cuts = [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 2 * RECORDS]  # eleven lanes: 10 follows 9
    lanes = [
        [text.encode() if lane % 2 else zipped(text) for lane, text in enumerate(split(content, cuts))]
        for content in (FIRST, SECOND)
    ]
    trim(*lanes, folder="lanes", threads=2)
    trim([FIRST.replace("\n", "\r\n").encode()], [gzip.compress(SECOND.encode())], folder="one", threads=1)
    for name in ("s1_1.fastq.gz", "s1_2.fastq.gz", "s1.reads.tsv"):
        assert (tmp_path / "lanes" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def split(text: str, cuts: list[int]) -> list[str]:
    lines = text.split("\n")[:-1]
    parts = [lines[4 * start : 4 * end] for start, end in zip(cuts, [*cuts[1:], len(lines)], strict=True)]
    return ["\n".join(part) + "\n" for part in parts if part]


def test_trim__a_gzip_of_many_members_is_read_to_its_end(trim):
    members = b"".join(zipped(text) for text in split(FIRST, [0, 1, 1000, 4000])) + b"\0" * 512
    assert trim([members]).reads_in == COUNT


def test_trim__tails_of_g_are_cut_where_the_instrument_has_two_colours(trim, tmp_path):
    reads = [f"{fragment}{'G' * 30}" for fragment in random_fragments(500, 70, 70, seed=2)]
    # NovaSeq X, which fastp's own list lacks; HiSeq.
    for prefix, poly_g, lengths in (("LH00123:1:2:", "yes", 71), ("K00123:1:2:", "no", 101)):
        row = trim([fastq(reads, prefix=prefix).encode()], folder=poly_g)
        assert row.poly_g_trimmed == poly_g
        assert max(map(len, read_fastq(tmp_path / poly_g / "s1_1.fastq.gz"))) < lengths


def test_trim__bad_and_short_reads_are_left_out_with_their_mates(trim):
    good, bad = fastq(["ACGTTGCA" * 10] * 3), "@bad/{0}\n" + "ACGTTGCA" * 10 + "\n+\n" + "#" * 80 + "\n"
    short, unknown = "@short/{0}\nACGTACGT\n+\nIIIIIIII\n", f"@n/{{0}}\n{'N' * 80}\n+\n{'I' * 80}\n"
    first = good + bad.format(1) + short.format(1) + unknown.format(1)
    second = fastq(["TTGCAACG" * 10] * 6, 2).split("@")[1:]
    names = ["V350L1C001R0", "V350L1C001R1", "V350L1C001R2", "bad", "short", "n"]
    second = "".join(
        f"@{name}/2\n{record.split(chr(10), 1)[1]}" for name, record in zip(names, second, strict=True)
    )
    row = trim([first.encode()], [second.encode()])
    assert (row.reads_in, row.reads_out, row.reads_low_quality) == (12, 6, 2)
    assert (row.reads_too_short, row.reads_too_many_n) == (2, 2)
    assert row.duplication_rate == pytest.approx(3 / 6)  # the bad one has the same bases


def test_trim__a_sample_of_which_nothing_is_left_has_a_row_and_no_reads(trim, tmp_path, run_script):
    short = fastq(["ACGTACGT"] * 5).encode()
    row = trim([short], [fastq(["ACGTACGT"] * 5, 2).encode()])
    assert row.status == "no_reads_left"
    assert row.reason == "none of 10 reads is left (10 too short; 31 bases needed)"
    assert left(tmp_path / "run") == {"s1.reads.tsv", "s1.fastp.json", "versions.tsv"}
    options = {"reads_1": tmp_path / "run/reads_1", "reads_2": tmp_path / "none", "results": tmp_path}
    done = run_script(sample, sample="s1", strict="true", **options)
    assert done.exit_code == 1
    assert done.output == "Error: sample s1: none of 5 reads is left (5 too short; 31 bases needed)\n"


ZIPPED = zipped(FIRST)
BAD = {
    "truncated": (
        [ZIPPED[: len(ZIPPED) // 2], zipped(SECOND)],
        r"x_1.fq.gz: its gzip data end too early, .* \(after record [\d,]+\)",
    ),
    "only the trailer is missing": (
        [ZIPPED, zipped(SECOND)[:-4]],
        rf"x_2.fq.gz: its gzip data end too early, .* \(after record {COUNT:,}\)",
    ),
    "damaged": (
        [ZIPPED[:60_000] + b"\0\1\2\3" + ZIPPED[60_004:], zipped(SECOND)],
        r"x_1.fq.gz: its gzip data are damaged \(after record [\d,]+\)",
    ),
    "text after the gzip data": (
        [ZIPPED + b"more", zipped(SECOND)],
        rf"x_1.fq.gz: its gzip data are damaged \(after record {COUNT:,}\)",
    ),
    "fewer mates": (
        [FIRST.encode(), "\n".join(SECOND.split("\n")[:4000]).encode()],
        rf"x_1.fq.gz has {COUNT:,} reads and x_2.fq.gz 1,000: not all have a mate",
    ),
    "more mates": (
        ["\n".join(FIRST.split("\n")[:40]).encode(), SECOND.encode()],
        rf"x_1.fq.gz has 10 reads and x_2.fq.gz {COUNT:,}: not all have a mate",
    ),
    "a record is missing": (
        [FIRST.encode(), "@".join(each for each in SECOND.split("@") if "R4200/" not in each).encode()],
        rf"x_1.fq.gz has {COUNT:,} reads and x_2.fq.gz {COUNT - 1:,}: not .* \(record 4,201 is .* mates\)",
    ),
    "other names": (
        [FIRST.encode(), SECOND.replace("R4300/", "R43/").encode()],
        r"record 4,301 is '@V350L1C001R4300' in x_1.fq.gz and '@V350L1C001R43' in x_2.fq.gz: .* not mates",
    ),
    "FASTA": (
        [b">x\nACGT\n>y\nACGT\n", SECOND.encode()],
        r"x_1.fq.gz: record 1 begins with '>x', expected @.*",
    ),
    "no text": (
        [b"\x89PNG\r\n\x1a\n" + bytes(300)] * 2,
        r"x_1.fq.gz: record 1 begins with '\?PNG', expected @.*",
    ),
    "a FASTA record within": (
        [FIRST.replace("@V350L1C001R4200/", ">V350L1C001R4200/").encode(), SECOND.encode()],
        r"x_1.fq.gz: record 4,201 begins with '>V350L1C001R4200/1', expected @ and a name",
    ),
    "no third line": (
        [FIRST.replace("\n+\n", "\n", 1).encode(), SECOND.encode()],
        r"x_1.fq.gz: record 1 has 'I+…' in its third line, expected \+",
    ),
    "a quality is missing": (
        [FIRST.encode(), (SECOND[:-2] + "\n").encode()],
        rf"x_2.fq.gz: record {COUNT:,} has 100 bases and 99 qualities",
    ),
    "ends within a record": (
        [FIRST[: FIRST.rindex("+")].encode(), SECOND.encode()],
        rf"x_1.fq.gz: ends within record {COUNT:,}",
    ),
    "empty": ([b"", b""], r"x_1.fq.gz: is empty"),
    "no reads": ([ZIPPED, zipped("")], r"x_2.fq.gz: has no reads"),
}


@pytest.mark.parametrize("kind", BAD)
def test_check_all__says_which_file_is_bad_and_why(tmp_path, kind):
    contents, reason = BAD[kind]
    paths = [tmp_path / "x_1.fq.gz", tmp_path / "x_2.fq.gz"]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    with pytest.raises(BadReadsError, match=f"^{reason}$"):
        check_all([[path] for path in paths])


@pytest.mark.parametrize("kind", ["truncated", "fewer mates", "other names", "a quality is missing", "empty"])
def test_trim__a_bad_file_is_named_with_what_is_wrong_and_leaves_nothing(trim, tmp_path, kind):
    (first, second), reason = BAD[kind]
    row = trim([first], [second])
    assert row.status == "unreadable"
    assert re.fullmatch(reason, row.reason)
    assert row[["reads_in", "reads_out", "q30_rate"]].isna().all()
    assert left(tmp_path / "run") == {"s1.reads.tsv", "versions.tsv"}


@pytest.mark.parametrize("kind", ["truncated", "fewer mates", "other names"])
def test_trim__a_bad_file_is_named_by_lane_and_mate_under_pseudonyms(trim, kind):
    (first, second), _ = BAD[kind]
    named = trim([FIRST.encode(), first], [SECOND.encode(), second]).reason
    hidden = trim(
        [FIRST.encode(), first], [SECOND.encode(), second], folder="other", pseudonymise="true"
    ).reason
    assert hidden == named.replace("x_1.fq.gz", "lane 2, mate 1").replace("x_2.fq.gz", "lane 2, mate 2")
    assert hidden != named


def test_trim__a_bad_file_is_an_error_if_strict(tmp_path, run_script):
    reads_1 = write_lanes(tmp_path / "reads_1", [FIRST.encode(), b"@r\nACGT\n+\nIII\n"])
    done = run_script(
        sample, sample="a.b", reads_1=reads_1, reads_2=tmp_path / "reads_2", strict="true", results=tmp_path
    )
    assert done.exit_code == 1
    assert done.output == "Error: sample a.b: x.fastq.gz: record 1 has 4 bases and 3 qualities\n"
    assert not list(tmp_path.glob("a.b*"))


def test_trim__lanes_without_mates_are_an_error(tmp_path, run_script):
    reads_1 = write_lanes(tmp_path / "reads_1", [FIRST.encode()] * 2)
    reads_2 = write_lanes(tmp_path / "reads_2", [SECOND.encode()])
    done = run_script(sample, sample="s1", reads_1=reads_1, reads_2=reads_2, results=tmp_path)
    assert (done.exit_code, done.output) == (
        1,
        f"Error: {reads_2}: has 1 files, expected 2 as in {reads_1}\n",
    )


def test_check_all__finds_every_cut_and_every_changed_bit_of_a_gzip(tmp_path):
    path, content, rng = tmp_path / "x.gz", zipped(FIRST[:20_000].rpartition("@")[0]), random.Random(1)
    path.write_bytes(content)
    check_all([[path]])
    for end in [*range(1, 30), *rng.sample(range(30, len(content)), 60), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(BadReadsError, match=r"x\.gz: (its gzip data end too early|record 1 begins)"):
            check_all([[path]])
    for place in rng.sample(range(10, len(content)), 150):  # what lies before is of no account
        changed = bytearray(content)
        changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(BadReadsError):
            check_all([[path]])


def test_all_blocks__have_all_bytes_of_the_files_in_blocks_of_one_size(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_text(FIRST[:-1])
    paths[1].write_bytes(zipped(SECOND + "\n\n"))
    found = list(all_blocks(paths))
    assert b"".join(block.text for block in found) == (FIRST + SECOND).encode()
    assert [block.records for block in found] == [RECORDS, 500] * 2
    assert [(block.lane, block.first) for block in found] == [
        (0, 1),
        (0, RECORDS + 1),
        (1, 1),
        (1, RECORDS + 1),
    ]
    assert found[0].names() == [f"@V350L1C001R{number}".encode() for number in range(RECORDS)]


def test_names__are_those_of_mates_in_all_ways_of_naming_them(tmp_path):
    for first, second in [
        ("@M01:1:A:1:1:2:3 1:N:0:ACGT", "@M01:1:A:1:1:2:3 2:N:0:ACGT"),
        ("@SRR1.1 1 length=4", "@SRR1.1 1 length=4"),
        ("@SRR1.1.1 1 length=4", "@SRR1.1.2 1 length=4"),
        ("@V300L1C001R1/1", "@V300L1C001R1/2"),
        ("@x\t1", "@x\t2"),
    ]:
        reads = []
        for mate, name in enumerate((first, second)):
            reads.append([tmp_path / str(mate)])
            reads[-1][0].write_text(f"{name}\nACGT\n+\nIIII\n")
        check_all(reads)


def test_pipe__each_reader_gets_all_from_the_beginning(tmp_path):
    pieces = [bytes([letter]) * 700_000 for letter in b"abc"]
    pipe = Pipe(tmp_path / "pipe", lambda: iter(pieces))
    with pipe.path.open("rb") as early:
        assert early.read(10) == b"a" * 10
        with pipe.path.open("rb") as second:
            assert second.read() == b"".join(pieces)
    for _ in range(20):
        with pipe.path.open("rb") as again:
            assert again.read(5) == b"aaaaa"
    assert pipe.path.read_bytes() == b"".join(pieces)
    pipe.close()
    assert threading.active_count() == 1


def test_library__fastp_reads_the_bytes_that_it_would_read_of_the_files(trim, tmp_path):
    trim([ZIPPED], [zipped(SECOND)])
    folder = tmp_path / "bare"
    folder.mkdir()
    for mate, text in enumerate((FIRST, SECOND), start=1):
        (folder / f"{mate}.fq").write_text(text)
    outputs = [folder / f"{mate}.out.fq.gz" for mate in (1, 2)]
    command = fastp_command("s1", [folder / "1.fq", folder / "2.fq"], outputs, folder, 15, 31, False, 1)
    assert os.spawnvp(os.P_WAIT, "sh", ["sh", "-c", f"{' '.join(command)} 2> {folder}/log"]) == 0
    for mate, path in enumerate(outputs, start=1):
        assert path.read_bytes() == (tmp_path / f"run/s1_{mate}.fastq.gz").read_bytes()
    logs = [json.loads(path.read_text()) for path in (folder / "fastp.json", tmp_path / "run/s1.fastp.json")]
    for log in logs:
        del log["command"]
    assert logs[0] == logs[1]


def test_library__fastp_is_ended_as_soon_as_a_file_is_found_bad(tmp_path):
    paths = [tmp_path / "1", tmp_path / "2"]
    paths[0].write_text(FIRST)
    paths[1].write_text(SECOND.replace("R4300/", "R43/"))
    library = Library([[path] for path in paths])
    waiting = [
        "sh",
        "-c",
        f"exec 3< {tmp_path}/a 4< {tmp_path}/b; cat <&3 > /dev/null; cat <&4 > /dev/null; sleep 600",
    ]
    with pytest.raises(BadReadsError, match=r"record 4,301 is .*: they are not mates"):
        library.run(waiting, [tmp_path / "a", tmp_path / "b"])
    assert library.process.returncode == -9


def test_judge__says_where_the_reads_went():
    row = {"reads_in": 1200, "reads_out": 0, "reads_too_short": 1000, "reads_low_quality": 200}
    reason = "none of 1,200 reads is left (1,000 too short, 200 low quality; 31 bases needed)"
    assert judge(row, 31) == ("no_reads_left", reason)


def test_the_log_names_the_sample_for_multiqc_and_no_folder(trim, tmp_path):
    trim([FIRST.encode()], [SECOND.encode()], name="007.R1_x+y-z")
    log = json.loads((tmp_path / "run/007.R1_x+y-z.fastp.json").read_text())
    assert log["command"].startswith("fastp --report_title 007.R1_x+y-z --in1 007.R1_x+y-z_1.fastq --out1 ")
    assert "/" not in log["command"].replace("/dev/null", "")


def test_table__lists_the_samples_that_have_reads_in_the_order_of_the_sheet(tmp_path, run_script, trim):
    rows = tmp_path / "rows"
    rows.mkdir()
    small = "\n".join(FIRST.split("\n")[:400]) + "\n"
    for name, content in (("b.1", small), ("007", "@x\n"), ("a", fastq(["ACGT"] * 4))):
        trim([content.encode()], name=name, folder=name)
        (tmp_path / name / f"{name}.reads.tsv").rename(rows / f"{name}.reads.tsv")
    sheet = tmp_path / "samples.tsv"
    names = ["b.1", "only_bam", "007", "a"]
    lines = [f"{name}\tL{number}\tparental\treference\t1\n" for number, name in enumerate(names)]
    sheet.write_text("sample\tline\tcondition\trole\treplicate\n" + "".join(lines))
    assert run_script(table, samples=sheet, rows=rows, results=tmp_path).exit_code == 0
    reads = pd.read_csv(tmp_path / "reads.tsv", sep="\t", dtype={"sample": "str"})
    assert list(reads["sample"]) == ["b.1", "007", "a"]
    assert list(reads.status) == ["ok", "unreadable", "no_reads_left"]
    section = json.loads((tmp_path / "trim_reads_mqc.json").read_text())
    assert section["data"]["b.1"] == {"kept": 100, "too short": 0, "low quality": 0, "too many N": 0}
    assert list(section["data"]) == ["b.1", "a"]
    assert section["description"].startswith(
        "fastp kept 0.0 to 100.0 % of a sample's reads (100 of 104 in all"
    )
    assert "2 of 3 samples have no reads to go on with" in section["description"]
    assert section["nrf2flow"]["findings"] == {
        "L2": "007 unreadable (x_1.fq.gz: ends within record 1)",
        "L3": "a no_reads_left (none of 4 reads is left (4 too short; 31 bases needed))",
    }


def test_table__without_fastq_files_has_no_rows(tmp_path, run_script):
    sheet = tmp_path / "samples.tsv"
    sheet.write_text("sample\tline\tcondition\trole\treplicate\na\tL\tp\treference\t1\n")
    assert run_script(table, samples=sheet, rows=tmp_path / "none", results=tmp_path).exit_code == 0
    assert pd.read_csv(tmp_path / "reads.tsv", sep="\t").empty
    assert "No sample has FASTQ files." in (tmp_path / "trim_reads_mqc.json").read_text()


def test_the_script_runs_as_a_command():
    assert os.access(ROOT / "bin/trim_reads.py", os.X_OK)
