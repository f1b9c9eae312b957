import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pysam
import pytest
from align_rna import JUNCTIONS, LOW_MAPPING, gather, given, judge, read_log, sample, shares, table
from common.programs import OUT_OF_MEMORY
from common.tables import write_table
from index_genome import main as index_genome
from spliced_reads import GENES, fragments, genome, spliced, write_fasta, write_gtf, write_reads

FORWARD, REVERSE, OTHER = GENES.values()
NO_READS = "no reads were left to align: see trim_reads"


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    """A folder of genome.fa, genome.fa.fai and star_index."""
    folder = tmp_path_factory.mktemp("reference")
    fasta = write_fasta(genome(), folder / "genome.fa")
    gtf = write_gtf(folder / "annotation.gtf")
    options = {"--genome": fasta, "--annotation": gtf, "--results": folder}
    index_genome([str(word) for option in options.items() for word in option], standalone_mode=False)
    return folder


@pytest.fixture(scope="module")
def planted() -> list[tuple[str, str]]:
    """Read pairs of all genes, and of the first with its second exon skipped, which no annotation has."""
    contigs = genome()
    pairs = [pair for gene in GENES.values() for pair in fragments(spliced(contigs, gene), 150)]
    return pairs + fragments(spliced(contigs, FORWARD, without=[1]), 100)


@pytest.fixture
def align(reference, tmp_path, run_script):
    """Align read pairs as a sample; returns the row, by column."""

    def run(pairs, name="s1", paired=True, results=tmp_path, **further) -> pd.Series:
        first, second = write_reads(pairs, tmp_path, name, paired)
        options = {
            "sample": name,
            "reads_1": first,
            "reads_2": second,
            "star_index": reference / "star_index",
        }
        done = run_script(sample, **options | {"memory": 1000, "results": results} | further)
        assert done.exit_code == 0, done.output
        return read_row(results / f"{name}.alignment.tsv")

    return run


def read_row(path: Path) -> pd.Series:
    (row,) = pd.read_csv(path, sep="\t", dtype={"sample": "str"}, keep_default_na=False).iloc
    return row


def records(path: Path) -> list[str]:
    with pysam.AlignmentFile(path) as opened:
        return [record.to_string() for record in opened]


def introns(record: pysam.AlignedSegment) -> list[tuple[int, int]]:
    """The introns of a record, first and last base."""
    at, found = record.reference_start, []
    for kind, length in record.cigartuples:
        if kind == pysam.CREF_SKIP:
            found.append((at + 1, at + length))
        at += length if kind in (pysam.CMATCH, pysam.CDEL, pysam.CREF_SKIP) else 0
    return found


def test_sample__spliced_reads_lie_where_they_were_planted(align, planted, tmp_path):
    contigs = genome()
    align(planted)
    joined = {(gene.contig, *intron) for gene in GENES.values() for intron in gene.introns()}
    joined.add(("chr16", FORWARD.exons[0][1] + 1, FORWARD.exons[2][0]))
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        for record in opened:
            bases = (contigs[record.reference_name][at] for at in record.get_reference_positions())
            assert record.query_alignment_sequence == "".join(bases)
            assert {(record.reference_name, *intron) for intron in introns(record)} <= joined
            assert record.get_tag("NM") == 0
            assert record.get_tag("MD") == str(record.query_alignment_length)
        assert opened.header["HD"]["SO"] == "coordinate"


def test_sample__an_end_of_fewer_than_three_bases_crosses_no_junction(align, planted, tmp_path):
    align(planted)
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        crossing = [record for record in opened if introns(record)]
    ends = {record.cigartuples[end] for record in crossing for end in (0, -1)}
    assert min(length for kind, length in ends if kind == pysam.CMATCH) == 3


def test_sample__a_deletion_and_a_substitution_beside_it_are_aligned(align, tmp_path):
    transcript = spliced(genome(), FORWARD)
    other = {"A": "C", "C": "A", "G": "T", "T": "G"}[transcript[604]]
    align(fragments(transcript[:600] + other + transcript[605:], 100))
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        deletions = Counter(
            length for record in opened for kind, length in record.cigartuples if kind == pysam.CDEL
        )
    assert set(deletions) == {4}
    assert deletions[4] >= 10


def test_sample__junctions_are_counted_as_planted(align, planted, tmp_path):
    row = align(planted)
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        fragments_by_intron: dict[tuple, set] = {}
        for record in opened:
            for intron in introns(record) if record.get_tag("NH") == 1 else []:
                key = (record.reference_name, *intron)
                fragments_by_intron.setdefault(key, set()).add(record.query_name)
    junctions = pd.read_csv(tmp_path / "s1.junctions.tsv", sep="\t", index_col=[0, 1, 2])
    assert junctions.unique_reads.to_dict() == {
        key: len(names)
        for key, names in sorted(fragments_by_intron.items(), key=lambda item: item[0][0] != "chr2")
    }
    assert row.splices == junctions.unique_reads.sum()


def test_sample__only_junctions_of_the_annotation_are_annotated(align, planted, tmp_path):
    row = align(planted)
    junctions = pd.read_csv(tmp_path / "s1.junctions.tsv", sep="\t", index_col=[0, 1, 2])
    skipping = ("chr16", FORWARD.exons[0][1] + 1, FORWARD.exons[2][0])
    assert junctions.annotated[junctions.annotated == 0].index.to_list() == [skipping]
    assert row.annotated_splices == row.splices - junctions.unique_reads[skipping]
    assert junctions.strand[("chr16", *REVERSE.introns()[0])] == 2


def test_sample__counts_reads_as_planted(align, planted, tmp_path):
    row = align(planted)
    assert row.source == "star"
    assert row.reads_in == len(planted)
    assert row.uniquely_mapped_rate > 0.99
    assert row[["uniquely_mapped_rate", "multi_mapped_rate", "unmapped_rate"]].sum() == pytest.approx(1)
    assert row.mismatch_rate == 0
    assert row.mean_mapped_length == pytest.approx(200, abs=0.1)  # an end of one or two bases may be left out
    assert (row.mapped_records, row.unmapped_records) == (2 * len(planted), 0)
    assert (row.status, row.reason) == ("ok", "")
    assert f"Number of input reads |\t{len(planted)}" in (tmp_path / "s1.Log.final.out").read_text()


def test_sample__single_reads_need_no_second_file(align, planted, tmp_path):
    row = align(planted, paired=False)
    assert (row.reads_in, row.status) == (len(planted), "ok")
    assert row.mean_mapped_length == pytest.approx(100, abs=0.1)
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        assert not any(record.is_paired for record in opened)


def test_sample__reads_belong_to_the_sample(align, planted, tmp_path):
    align(planted, name="007")
    with pysam.AlignmentFile(tmp_path / "007.bam") as opened:
        assert opened.header["RG"] == [{"ID": "007", "SM": "007"}]
        assert {record.get_tag("RG") for record in opened} == {"007"}
    assert read_row(tmp_path / "007.alignment.tsv")["sample"] == "007"


def test_sample__the_index_finds_reads(align, planted, tmp_path):
    align(planted)
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        assert opened.has_index()
        found = opened.fetch(OTHER.contig, OTHER.exons[0][0], OTHER.exons[0][0] + 1)
        assert {record.reference_start for record in found} == {OTHER.exons[0][0]}


def test_sample__reads_of_nowhere_stay_in_the_file(align, planted, tmp_path):
    strange = fragments(genome(seed=9)["chr2"][:600], 50)
    row = align(planted[:150] + strange)
    assert row.unmapped_rate == pytest.approx(50 / 200)
    assert row.unmapped_records == 100


def test_sample__nothing_mapped_is_a_status(align, tmp_path):
    row = align(fragments(genome(seed=9)["chr2"][:600], 50))
    assert (row.status, row.reason) == ("nothing_mapped", "0 of 50 reads map to the genome")
    assert (row.unmapped_rate, row.mismatch_rate, row.mean_mapped_length) == (1, "", "")
    assert (row.splices, row.annotated_splices) == (0, 0)
    assert pd.read_csv(tmp_path / "s1.junctions.tsv", sep="\t").columns.to_list() == list(JUNCTIONS)
    assert (tmp_path / "s1.junctions.tsv").read_text().count("\n") == 1
    assert len(records(tmp_path / "s1.bam")) == 100


def test_sample__no_reads_is_a_status(align):
    row = align([])
    assert (row.status, row.reason) == ("nothing_mapped", "0 of 0 reads map to the genome")
    assert (row.reads_in, row.uniquely_mapped_rate, row.unmapped_rate) == (0, "", "")


def test_sample__threads_and_folders_do_not_change_a_byte(align, planted, tmp_path):
    for threads in (1, 3):
        align(planted, results=tmp_path / f"threads{threads}", threads=threads)
    names = sorted(path.name for path in (tmp_path / "threads1").iterdir())
    assert names == [
        *("s1.Log.final.out", "s1.alignment.tsv", "s1.bam", "s1.bam.bai", "s1.junctions.tsv", "versions.tsv"),
    ]
    for name in names[1:]:
        assert (tmp_path / "threads1" / name).read_bytes() == (tmp_path / "threads3" / name).read_bytes(), (
            name
        )


def test_sample__the_header_says_how_and_not_where(align, planted, tmp_path):
    align(planted)
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        header = str(opened.header)
    assert "\tCL:STAR --twopassMode Basic --outFilterType BySJout" in header
    assert str(tmp_path) not in header
    assert "@CO" not in header


def test_sample__too_little_memory_to_sort_ends_so_that_more_is_tried(reference, tmp_path, run_script):
    # Reads that are all of one place fill one bin: STAR sorts a bin in memory.
    pairs = fragments(spliced(genome(), OTHER)[:201], 1) * 30_000
    first, second = write_reads(pairs, tmp_path, "s1")
    index = reference / "star_index"
    done = run_script(
        sample, sample="s1", reads_1=first, reads_2=second, star_index=index, memory=1, results=tmp_path
    )
    assert done.exit_code == OUT_OF_MEMORY
    assert "not enough memory for BAM sorting" in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s1_1.fastq.gz", "s1_2.fastq.gz"]


@pytest.mark.parametrize(
    ("line", "changed", "message"),
    [
        (
            r"versionGenome\t.*",
            "versionGenome\t2.6.1d",
            r"star_index: is an index of version 2.6.1d, expected 2.7.4a",
        ),
        (
            r"sjdbGTFfile\t.*",
            "sjdbGTFfile\t-",
            r"star_index: was built without --sjdbGTFfile, so it has no annotated",
        ),
        (None, None, r"star_index: has no genomeParameters.txt, so it is not an index of STAR"),
    ],
)
def test_sample__an_index_of_another_kind_is_an_error(
    reference, tmp_path, run_script, planted, line, changed, message
):
    index = shutil.copytree(reference / "star_index", tmp_path / "star_index")
    parameters = index / "genomeParameters.txt"
    text = parameters.read_text()
    parameters.unlink()
    if line:
        parameters.write_text(re.sub(line, changed, text))
    first, _ = write_reads(planted, tmp_path, "s1")
    done = run_script(sample, sample="s1", reads_1=first, star_index=index, results=tmp_path)
    assert done.exit_code == 1
    assert re.search(message, done.output)


@pytest.mark.parametrize(
    ("counts", "status", "reason"),
    [
        ((100, 50, 0), "ok", ""),
        ((100, 49, 51), "low_mapping", "49.0% of reads map to one place, fewer than 50%"),
        ((100, 0, 100), "low_mapping", "0.0% of reads map to one place, fewer than 50%"),
        ((100, 0, 0), "nothing_mapped", "0 of 100 reads map to the genome"),
    ],
)
def test_judge__holds_uniquely_mapped_reads_to_the_threshold(counts, status, reason):
    assert LOW_MAPPING == 0.5
    assert judge(*counts) == (status, reason)


def test_read_log__leaves_out_times_and_keeps_rates():
    text = "Started job on |\tNov 23 04:53:49\nUNIQUE READS:\nMapped % |\t99.86%\nMismatch |\t-nan%\n"
    assert str(read_log(text)) == "{'Mapped %': 99.86, 'Mismatch': nan}"


class Given:
    """A folder of a given alignment, made of the reads that were aligned."""

    def __init__(self, folder: Path, reference: Path, bam: Path, run_script):
        self.folder, self.genome, self.bam, self.run_script = folder, reference / "genome.fa", bam, run_script
        self.alignment = folder / "given"
        self.alignment.mkdir()

    def take(self, **further):
        options = {"sample": "s1", "alignment": self.alignment, "genome": self.genome, "results": self.folder}
        return self.run_script(given, **options | further)

    def row(self, **further) -> pd.Series:
        done = self.take(**further)
        assert done.exit_code == 0, done.output
        return read_row(self.folder / "s1.alignment.tsv")

    def refused(self) -> tuple[str, str]:
        """Status and reason of what is not used; nothing but the row is left of it."""
        row = self.row()
        assert [path.name for path in self.folder.glob("s1.*")] == ["s1.alignment.tsv"]
        done = self.take(strict="true")
        assert done.exit_code == 1
        assert done.output == f"Error: sample s1: {row.reason}\n"
        return row.status, row.reason

    def cram(self) -> Path:
        path = self.alignment / "x.cram"
        pysam.view("-C", "-T", str(self.genome), "-o", str(path), str(self.bam), catch_stdout=False)
        return path

    def with_header(self, path: Path, *changes: tuple[str, str]) -> Path:
        """Write the alignment with a changed header."""
        with pysam.AlignmentFile(self.bam) as opened:
            text = str(opened.header)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        header = self.folder / "header.sam"
        header.write_text(text)
        pysam.reheader("-P", str(header), str(self.bam), save_stdout=str(path))
        return path


@pytest.fixture(scope="module")
def aligned(reference, planted, tmp_path_factory) -> Path:
    """A BAM of 100 pairs of two contigs, and 20 of none."""
    folder = tmp_path_factory.mktemp("aligned")
    pairs = planted[:40] + planted[300:360] + fragments(genome(seed=9)["chr2"][:600], 20)
    first, second = write_reads(pairs, folder, "s0")
    options = {"--sample": "s0", "--reads-1": first, "--reads-2": second, "--memory": 1000}
    options |= {"--star-index": reference / "star_index", "--results": folder}
    sample([str(word) for option in options.items() for word in option], standalone_mode=False)
    return folder / "s0.bam"


@pytest.fixture
def taken(tmp_path, reference, aligned, run_script) -> Given:
    return Given(tmp_path, reference, aligned, run_script)


def test_given__a_bam_is_linked_and_indexed(taken, tmp_path):
    shutil.copy(taken.bam, taken.alignment / "tumour 7.bam")
    row = taken.row()
    assert (row.status, row.reason, row.source) == ("ok", "", "given")
    assert (row.mapped_records, row.unmapped_records) == (200, 40)
    assert (row.reads_in, row.uniquely_mapped_rate) == ("", "")
    assert os.readlink(tmp_path / "s1.bam") == "given/tumour 7.bam"
    assert not (tmp_path / "s1.bam.bai").is_symlink()
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        assert len(list(opened.fetch("chr2"))) == 120


@pytest.mark.parametrize(("option", "index"), [("-b", "x.bam.bai"), ("-b", "x.bai"), ("-c", "x.bam.csi")])
def test_given__an_index_is_linked_too(taken, tmp_path, option, index):
    path = shutil.copy(taken.bam, taken.alignment / "x.bam")
    pysam.index(option, "-o", str(taken.alignment / index), str(path))
    assert taken.row().status == "ok"
    link = tmp_path / f"s1.bam{Path(index).suffix}"
    assert os.readlink(link) == f"given/{index}"
    assert sorted(path.name for path in tmp_path.glob("s1.bam*")) == ["s1.bam", link.name]
    with pysam.AlignmentFile(tmp_path / "s1.bam") as opened:
        assert len(list(opened.fetch("chr2"))) == 120


@pytest.mark.parametrize("broken", ["older", "damaged"])
def test_given__an_index_that_is_older_or_damaged_is_made_anew(taken, tmp_path, broken):
    path = shutil.copy(taken.bam, taken.alignment / "x.bam")
    index = taken.alignment / "x.bam.bai"
    pysam.index("-o", str(index), str(path))
    if broken == "older":
        os.utime(index, (1, 1))
    else:
        index.write_bytes(b"BAI?")
    assert taken.row().status == "ok"
    assert not (tmp_path / "s1.bam.bai").is_symlink()


def test_given__a_cram_is_read_with_the_genome(taken, tmp_path, monkeypatch):
    monkeypatch.delenv("REF_PATH", raising=False)
    taken.cram()
    row = taken.row()
    assert (row.status, row.mapped_records, row.unmapped_records) == ("ok", 200, 40)
    assert os.readlink(tmp_path / "s1.cram") == "given/x.cram"
    assert (tmp_path / "s1.cram.crai").is_file()
    with pysam.AlignmentFile(tmp_path / "s1.cram", reference_filename=str(taken.genome)) as opened:
        assert len(list(opened.fetch("chr2"))) == 120


def test_given__a_cram_may_have_its_index(taken, tmp_path):
    path = taken.cram()
    pysam.index(str(path))
    assert taken.row().status == "ok"
    assert os.readlink(tmp_path / "s1.cram.crai") == "given/x.cram.crai"


def test_given__a_cram_of_another_genome_is_not_used(taken, tmp_path):
    taken.cram()
    taken.genome = write_fasta(genome(seed=2), tmp_path / "genome.fa")
    status, reason = taken.refused()
    assert status == "reference_differs"
    assert reason == "x.cram was written with another chr2 than the genome's, or is damaged"


def test_given__an_empty_file_is_unreadable(taken):
    (taken.alignment / "x.bam").touch()
    assert taken.refused() == ("unreadable", "x.bam is empty")


def test_given__a_file_is_not_named_under_pseudonyms(taken):
    (taken.alignment / "tumour 7.bam").touch()
    assert taken.row(pseudonymise="true").reason == "the alignment is empty"


def test_given__another_kind_of_file_is_unreadable(taken):
    (taken.alignment / "x.bam").write_text("sample\tline\n" * 100)
    assert taken.refused() == ("unreadable", "x.bam is no BAM or CRAM file")


def test_given__sam_text_is_unreadable(taken):
    path = taken.alignment / "x.bam"
    path.write_text(pysam.view("-h", str(taken.bam)))
    assert taken.refused() == ("unreadable", "x.bam is SAM text, not BAM or CRAM")


@pytest.mark.parametrize("kind", ["bam", "cram"])
def test_given__a_file_cut_short_is_truncated(taken, kind):
    path = taken.cram() if kind == "cram" else Path(shutil.copy(taken.bam, taken.alignment / "x.bam"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    assert taken.refused() == ("truncated", f"x.{kind} has no end-of-file block: it is not complete")


def test_given__a_damaged_file_is_unreadable(taken):
    path = taken.alignment / "x.bam"
    content = bytearray(taken.bam.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 500] = bytes(500)
    path.write_bytes(content)
    status, reason = taken.refused()
    assert status == "unreadable"
    assert re.fullmatch(r"x.bam is damaged after record [\d,]+", reason)


def test_given__an_order_by_name_is_unsorted(taken):
    path = taken.alignment / "x.bam"
    pysam.sort("-n", "-o", str(path), str(taken.bam), catch_stdout=False)
    assert taken.refused() == ("unsorted", "x.bam has the order queryname, not coordinate")


def test_given__an_order_that_the_header_does_not_admit_is_unsorted(taken, tmp_path):
    by_name = tmp_path / "by_name.bam"
    pysam.sort("-n", "-o", str(by_name), str(taken.bam), catch_stdout=False)
    taken.bam = by_name
    order = "SO:queryname\tSS:queryname:natural"
    taken.with_header(taken.alignment / "x.bam", (order, "SO:coordinate"))
    status, reason = taken.refused()
    assert status == "unsorted"
    assert re.fullmatch(r"x.bam: record [\d,]+, at chr(2|16):[\d,]+, is out of order", reason)


def test_given__a_header_without_an_order_is_taken_if_an_index_can_be_made(taken):
    taken.with_header(taken.alignment / "x.bam", ("\tSO:coordinate", ""))
    assert taken.row().status == "ok"


def test_given__contigs_of_other_names_disagree(taken):
    taken.with_header(taken.alignment / "x.bam", ("SN:chr", "SN:"))
    words = "100.0% of its mapped records lie on contigs that the genome lacks (2, 16)"
    assert taken.refused() == ("contigs_disagree", f"{words}; the genome has chr2, chr16")


def test_given__a_contig_of_another_length_disagrees(taken):
    taken.with_header(taken.alignment / "x.bam", ("LN:40000", "LN:40001"))
    reason = "chr16 is 40,001 bases long, and 40,000 in the genome"
    assert taken.refused() == ("contigs_disagree", reason)


def test_given__a_contig_without_reads_may_differ(taken, tmp_path):
    taken.bam = Path(shutil.copy(taken.bam, tmp_path / "one.bam"))
    pysam.index(str(taken.bam))
    pysam.view("-b", "-o", str(tmp_path / "chr2.bam"), str(taken.bam), "chr2", catch_stdout=False)
    taken.bam = tmp_path / "chr2.bam"
    taken.with_header(taken.alignment / "x.bam", ("LN:40000", "LN:40001"))
    assert (taken.row().status, taken.row().reason) == ("ok", "")


def test_given__a_few_reads_on_a_decoy_are_said_and_allowed(taken):
    with pysam.AlignmentFile(taken.bam) as opened:
        header, kept = opened.header.to_dict(), list(opened)
    header["SQ"].append({"SN": "chrEBV", "LN": 1000})
    with pysam.AlignmentFile(taken.alignment / "x.bam", "wb", header=header) as written:
        for record in kept[:200]:
            written.write(record)
        for record in kept[:2]:
            moved = record.to_dict() | {"ref_name": "chrEBV", "ref_pos": "10", "next_ref_name": "="}
            written.write(pysam.AlignedSegment.from_dict(moved, written.header))
    words = "1.0% of its mapped records lie on contigs that the genome lacks (chrEBV)"
    assert (taken.row().status, taken.row().reason) == ("ok", words)


def test_given__reads_that_were_never_aligned_are_said_so(taken):
    header = {"HD": {"VN": "1.6", "SO": "unsorted"}}
    with pysam.AlignmentFile(taken.alignment / "x.bam", "wb", header=header):
        pass
    assert taken.refused() == ("contigs_disagree", "x.bam names no contigs: its reads are not aligned")


def test_given__a_file_without_reads_is_not_used(taken):
    pysam.view("-H", "-b", "-o", str(taken.alignment / "x.bam"), str(taken.bam), catch_stdout=False)
    assert taken.refused() == ("no_reads", "x.bam holds no reads")


def test_given__a_file_without_mapped_reads_is_a_status(taken, tmp_path):
    options = ("-b", "-f", "4", "-o", str(taken.alignment / "x.bam"))
    pysam.view(*options, str(taken.bam), catch_stdout=False)
    row = taken.row()
    assert (row.status, row.reason) == ("nothing_mapped", "0 of 40 records are mapped")
    assert (tmp_path / "s1.bam").is_file()


def samples_and_rows(folder: Path) -> dict[str, Path]:
    sheet = [
        (name, line, "parental", "reference", "1")
        for name, line in (("b", "2"), ("007", "2"), ("a", "3"), ("c", "3"))
    ]
    write_table(
        pd.DataFrame(sheet, columns=["sample", "line", "condition", "role", "replicate"]),
        folder / "samples.tsv",
    )
    (folder / "rows").mkdir()
    first = {"source": "star", "reads_in": 1000, "uniquely_mapped_rate": 0.9, "multi_mapped_rate": 0.06}
    first |= {"unmapped_rate": 0.04, "splices": 400, "annotated_splices": 390, "status": "ok", "reason": ""}
    rows = {
        "007": first,
        "a": {"source": "given", "mapped_records": 300, "unmapped_records": 100, "status": "ok"},
        "b": first
        | {"uniquely_mapped_rate": 0.4, "multi_mapped_rate": 0.56, "status": "low_mapping", "reason": "40 %"},
    }
    known = pd.DataFrame([{"sample": name} | row for name, row in rows.items()])
    for name in rows:
        row = gather(pd.DataFrame({"sample": [name]}), folder / "absent").drop(columns=["status", "reason"])
        values = known[known["sample"] == name].reset_index(drop=True)
        write_table(
            row.assign(**{column: values[column] for column in values}), folder / f"rows/{name}.alignment.tsv"
        )
    return {"samples": folder / "samples.tsv", "rows": folder / "rows", "results": folder}


def test_table__has_all_samples_in_their_order(tmp_path, run_script):
    assert run_script(table, **samples_and_rows(tmp_path)).exit_code == 0
    written = pd.read_csv(tmp_path / "alignment.tsv", sep="\t", dtype="str", keep_default_na=False)
    assert written["sample"].to_list() == ["b", "007", "a", "c"]
    assert written.status.to_list() == ["low_mapping", "ok", "ok", "no_reads"]
    assert written.reason.to_list() == ["40 %", "", "", NO_READS]
    assert written.reads_in.to_list() == ["1000", "1000", "", ""]


def test_table__the_section_shows_shares_and_says_what_is_doubtful(tmp_path, run_script):
    run_script(table, **samples_and_rows(tmp_path))
    section = pd.read_json(tmp_path / "align_rna_mqc.json", typ="series")
    assert section.description == (
        "STAR aligned 2 of 4 samples: 40.0 to 90.0 % of a sample's reads map to one place (median 65.0 %). "
        "97.5 % of 800 splices are annotated. For 1 of 4 samples an alignment was "
        "given: its share of mapped records is shown."
    )
    assert section["data"]["a"] == {
        **{"mapped to one place": 0, "mapped to several places": 0, "mapped, as given": 75, "unmapped": 25},
    }
    assert section["pconfig"]["categories"].keys() == section["data"]["a"].keys()
    assert list(section["data"]) == ["b", "007", "a"]
    assert section["nrf2flow"]["statuses"] == "ok 2, low_mapping 1, no_reads 1"
    assert section["nrf2flow"]["findings"] == {"2": "b low_mapping (40 %)", "3": f"c no_reads ({NO_READS})"}


def test_table__a_study_whose_samples_were_all_lost_is_said(tmp_path, run_script):
    options = samples_and_rows(tmp_path)
    shutil.rmtree(tmp_path / "rows")
    assert run_script(table, **options).exit_code == 0
    section = pd.read_json(tmp_path / "align_rna_mqc.json", typ="series")
    assert section.description == "No sample has an alignment."
    assert section["data"] == {}


def test_shares__of_a_sample_without_reads_are_not_drawn():
    absent = gather(pd.DataFrame({"sample": ["a"]}), Path("absent"))
    assert shares(absent) == {}
