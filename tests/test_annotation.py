"""Transcripts of a GTF, and HGVS positions: held to places of GRCh38 that are published."""

from pathlib import Path

import pytest
from common.annotation import (
    TranscriptIndex,
    named_transcript,
    read_transcripts,
    reverse_complement,
    spliced_sequence,
    target_transcripts,
    translate,
    with_cds,
)
from conftest import REFERENCE_DATA

# First and last base of the coding sequence in the transcript, from 1.
CODING = {"NQO1": (122, 946), "KEAP1": (164, 2038), "NFE2L2": (152, 1969)}


class Contigs:
    """Sequences as a pysam.FastaFile has them."""

    def __init__(self, **contigs: str) -> None:
        self.contigs = contigs

    def fetch(self, reference: str, start: int, end: int) -> str:
        return self.contigs[reference][start:end]


@pytest.fixture(scope="module")
def gtf(tmp_path_factory) -> Path:
    """The transcripts of four genes of GRCh38 as GTF, without CDS rows."""
    path = tmp_path_factory.mktemp("gtf") / "exons.gtf"
    rows = [
        line.split("\t") for line in (REFERENCE_DATA / "sequences/exons.GRCh38.bed").read_text().splitlines()
    ]
    path.write_text(
        "#!genome-build GRCh38\n"
        + "".join(
            f"{chrom}\tHAVANA\texon\t{int(start) + 1}\t{end}\t.\t-\t.\t"
            f'gene_id "ENSG_{gene}.1"; transcript_id "{transcript}"; gene_name "{gene}";\n'
            for chrom, start, end, _, gene, _, transcript in rows
        )
    )
    return path


def with_rows(*rows: str) -> str:
    return "".join(
        "\t".join(["chr1", "x", *row.split("|")[:3], ".", row.split("|")[3], ".", row.split("|")[4]]) + "\n"
        for row in rows
    )


IDS = 'gene_id "G1.2"; transcript_id "T1.3"; gene_name "ABC1";'


@pytest.mark.parametrize(
    ("gene", "coding", "position"),
    [
        ("NQO1", "559", 69711242),
        ("NQO1", "415", 69714966),
        ("NQO1", "417+1", 69714963),
        ("NQO1", "418-1", 69713130),
        ("KEAP1", "1534", 10489366),
        ("KEAP1", "1631", 10489269),
        ("KEAP1", "1632", 10489268),
        ("NFE2L2", "246", 177234071),
    ],
)
def test_coding_to_genome__gives_the_published_place_and_back(gtf, gene, coding, position):
    (transcript,) = read_transcripts(gtf, {gene})
    first, last = CODING[gene]
    transcript = transcript._replace(cds=(first - 1, last))
    assert transcript.coding_to_genome(coding) == position - 1
    assert transcript.genome_to_coding(position - 1) == coding


def test_genome_to_coding__is_undone_at_every_place(gtf):
    """Exons, introns, UTR and the flanks of a gene, on both strands."""
    (minus,) = read_transcripts(gtf, {"NQO1"})
    minus = minus._replace(cds=(121, 946))
    plus = minus._replace(strand="+", exons=tuple(reversed(minus.exons)))
    for transcript in (minus, plus):
        for position in range(69709300, 69726700, 7):
            assert transcript.coding_to_genome(transcript.genome_to_coding(position)) == position


def test_read_transcripts__takes_the_stop_codon_into_the_coding_sequence(tmp_path):
    path = tmp_path / "a.gtf"
    path.write_text(
        with_rows(
            f"exon|101|130|+|{IDS}",
            f"exon|201|230|+|{IDS}",
            f"CDS|111|130|+|{IDS}",
            f"CDS|201|204|+|{IDS}",
            f"stop_codon|205|207|+|{IDS}",
        )
    )
    (transcript,) = read_transcripts(path, {"T1"})
    assert transcript.cds == (10, 37)
    assert (transcript.gene_id, transcript.gene_name, transcript.length) == ("G1.2", "ABC1", 60)


def test_read_transcripts__knows_the_flavours_of_gtf(tmp_path):
    path = tmp_path / "a.gtf"
    refseq = 'gene_id "ABC1"; transcript_id "NM_000001.4"; gene "ABC1"; db_xref "GeneID:1";'
    ensembl = 'gene_id "ENSG01"; gene_version "2"; transcript_id "ENST01"; gene_name "ABC1";'
    other = 'gene_id "ABC12"; transcript_id "NM_000002.1"; gene "ABC12";'
    path.write_text(with_rows(f"exon|1|9|+|{refseq}", f"exon|1|9|-|{ensembl}", f"exon|1|9|-|{other}"))
    found = read_transcripts(path, {"ABC1"})
    assert [transcript.transcript_id for transcript in found] == ["NM_000001.4", "ENST01"]
    assert named_transcript(found, "ENST01.9;NM_000001").transcript_id == "ENST01"
    assert named_transcript(found, "NM_000001;ENST01").transcript_id == "NM_000001.4"
    assert named_transcript(found, "NM_00000") is None
    assert len(read_transcripts(path)) == 3


def test_read_transcripts__reads_the_first_of_several_places_of_a_transcript(tmp_path):
    path = tmp_path / "a.gtf"
    rows = with_rows(f"exon|1|9|+|{IDS}", f"exon|21|29|+|{IDS}")
    path.write_text(rows + rows.replace("chr1", "chrX"))
    (transcript,) = read_transcripts(path)
    assert (transcript.contig, transcript.exons) == ("chr1", ((0, 9), (20, 29)))


def test_spliced_sequence__is_the_mrna_on_either_strand(tmp_path):
    genome = Contigs(chr1="ttACGTggggCCAttt")
    path = tmp_path / "a.gtf"
    path.write_text(with_rows(f"exon|3|6|-|{IDS}", f"exon|11|13|-|{IDS}"))
    (transcript,) = read_transcripts(path)
    assert spliced_sequence(transcript, genome) == "TGGACGT" == reverse_complement("ACGTCCA")
    plus = transcript._replace(strand="+", exons=tuple(reversed(transcript.exons)))
    assert spliced_sequence(plus, genome) == "ACGTCCA"


@pytest.mark.parametrize(
    ("sequence", "is_frame"),
    [
        ("ccATGAAATAGcc", True),
        ("ccATGAAATAcc", False),
        ("ccATCAAATAGcc", False),
        ("ccATGTAATAGcc", False),
        ("ccATGAAAGGGcc", False),
        ("ccATGAA", False),
    ],
)
def test_with_cds__takes_open_reading_frames_only(tmp_path, sequence, is_frame):
    path = tmp_path / "a.gtf"
    path.write_text(with_rows(f"exon|1|{len(sequence)}|+|{IDS}"))
    (transcript,) = read_transcripts(path)
    made = with_cds(transcript, 3, 11, sequence)
    assert (made is not None) is is_frame
    assert made is None or made.cds == (2, 11)


def test_target_transcripts__takes_offsets_where_the_gtf_has_no_coding_sequence(tmp_path):
    path = tmp_path / "a.gtf"
    path.write_text(with_rows(f"exon|1|13|+|{IDS}"))
    genome = Contigs(chr1="ccATGAAATAGcc")
    genes = [("ABC1", "NM_1;T1", 3, 11), ("ABC2", "T2", 1, 3)]
    found = target_transcripts(genes, path, genome)
    assert found["ABC1"].cds == (2, 11)
    assert found["ABC2"] == "no_transcript"
    assert target_transcripts([("ABC1", "T1", None, None)], path, genome) == {"ABC1": "no_cds"}
    assert target_transcripts([("ABC1", "T1", 4, 12)], path, genome) == {"ABC1": "no_cds"}


def test_coding_to_genome__needs_a_place_and_a_coding_sequence(gtf):
    (transcript,) = read_transcripts(gtf, {"NQO1"})
    with pytest.raises(ValueError, match="no place in ENST00000320623"):
        transcript.coding_to_genome("559")
    with pytest.raises(ValueError, match="x is no place"):
        transcript._replace(cds=(121, 946)).coding_to_genome("x")


def test_translate__reads_the_standard_code():
    assert translate("ATGTTTTCTTATTGTCTTCCTCATCGTATTACTAATGTTGCTGATGGTTAATGGAA") == "MFSYCLPHRITNVADG*W"
    assert translate("ATGNNNAA") == "MX"
    assert sum(translate(a + b + c) == "*" for a in "ACGT" for b in "ACGT" for c in "ACGT") == 3


def test_read_transcripts__reads_what_could_hold_a_place(tmp_path):
    """A variant of an intron lies in no row: what is further from it than a gene is long is left out."""
    path = tmp_path / "a.gtf"
    far = IDS.replace("T1.3", "T2")
    other = IDS.replace("T1.3", "T3")
    rows = with_rows(f"exon|11|20|+|{IDS}", f"exon|2000011|2000020|+|{IDS}", f"exon|9000001|9000009|+|{far}")
    path.write_text(rows + with_rows(f"exon|11|20|+|{other}").replace("chr1", "chr2"))
    assert [each.transcript_id for each in read_transcripts(path, places={"chr1": [1_000_000]})] == ["T1.3"]
    assert [each.transcript_id for each in read_transcripts(path, places={"chr1": [5], "chr2": [5]})] == [
        "T1.3",
        "T3",
    ]
    assert read_transcripts(path, places={"chr3": [5]}) == []
    assert len(read_transcripts(path)) == 3


def test_near__finds_what_looking_at_every_transcript_finds(gtf):
    (template,) = read_transcripts(gtf, {"NQO1"})
    spans = [(start, start + 1 + start * 7 % 97) for start in range(0, 2000, 13)]
    transcripts = [
        template._replace(transcript_id=f"T{number}", exons=((start, end),))
        for number, (start, end) in enumerate([*spans[::2], *spans[1::2], (100, 1900)])
    ]
    index = TranscriptIndex(transcripts)
    for start, end in [(0, 1), (500, 500), (700, 760), (1999, 2000), (5000, 5001), (50, 1500)]:
        for distance in (0, 1, 30):
            expected = []
            for each in transcripts:
                ((first, behind),) = each.exons
                apart = max(first - end, start - behind)
                if apart < distance:
                    expected.append((apart, each))
            assert index.near(start, end, distance) == expected
