import gzip
import random
from pathlib import Path

import pysam
import pytest
from common import fasta as fasta_files
from common.annotation import read_transcripts, spliced_sequence
from conftest import ORACLES, REFERENCE_DATA
from prepare_reference import main

SEQUENCES = REFERENCE_DATA / "sequences"
PAIRS = str.maketrans("ACGT", "TGCA")


def bases(length: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def fasta(records: dict[str, str], width: int = 50) -> str:
    """Write records; their names may have descriptions."""
    lines = []
    for name, sequence in records.items():
        lines += [f">{name}", *(sequence[at : at + width] for at in range(0, len(sequence), width))]
    return "\n".join(lines) + "\n"


def row(feature: str, contig: str, start: int, end: int, strand: str, attributes: str) -> str:
    return f"{contig}\tsource\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


def rows(transcript: str, gene: str, contig: str, strand: str, exons, further: str = "") -> str:
    """Write the rows of a transcript, its exons (start, end from 1) in the order given."""
    attributes = f'gene_id "{gene}"; transcript_id "{transcript}";{further}'
    span = min(start for start, _ in exons), max(end for _, end in exons)
    return row("transcript", contig, *span, strand, attributes) + "".join(
        row("exon", contig, *exon, strand, f'{attributes} exon_number "{number}";')
        for number, exon in enumerate(exons, start=1)
    )


@pytest.fixture
def prepare(run_script, tmp_path):
    """Run the script on texts or bytes; return what it said and the folder of its results."""

    def run(gtf, genome=None, transcripts=None, name="genes.gtf", genome_name="genome.fasta"):
        given = {"gtf": (name, gtf), "fasta": (genome_name, genome), "transcripts": ("cdna.fa", transcripts)}
        for folder, (file, content) in given.items():
            if content is not None:
                (tmp_path / folder).mkdir(exist_ok=True)
                content = content.encode() if isinstance(content, str) else content
                (tmp_path / folder / file).write_bytes(content)
        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        options = {"fasta": tmp_path / "fasta", "transcripts": tmp_path / "transcripts", "results": results}
        return run_script(main, gtf=tmp_path / "gtf" / name, **options), results

    return run


def read(path: Path) -> dict[str, str]:
    """Read a FASTA the plain way."""
    return {
        name.split("\n", 1)[0]: name.split("\n", 1)[1].replace("\n", "")
        for name in path.read_text().split(">")[1:]
    }


def genes(results: Path) -> list[list[str]]:
    header, *lines = (results / "transcripts.tsv").read_text().splitlines()
    assert header == "transcript_id\tgene_id\tgene_name"
    return [line.split("\t") for line in lines]


def notes(results: Path) -> list[str]:
    return (results / "notes.tsv").read_text().splitlines()[1:]


def reverse(sequence: str) -> str:
    return sequence.translate(PAIRS)[::-1]


ONE, TWO = bases(400, 1), bases(130, 2)
EXONS = [(11, 60), (101, 130), (301, 400)]
SPLICED = ONE[10:60] + ONE[100:130] + ONE[300:400]

GENCODE = (
    "##format: gtf\n"
    + row("gene", "chr1", 11, 400, "+", 'gene_id "ENSG01.5"; gene_name "AAA";')
    + rows(
        "ENST01.2", "ENSG01.5", "chr1", "+", EXONS, ' gene_type "x"; gene_name "AAA"; havana_gene "OTT1.1";'
    )
    + rows("ENST02.1", "ENSG02.1", "chr1", "-", EXONS[::-1], ' gene_type "x"; gene_name "BBB";')
    + rows("ENST03.1", "ENSG03.1", "chrX", "+", [(1, 130)], ' gene_name "CCC";')
    + rows("ENST03.1_PAR_Y", "ENSG03.1_PAR_Y", "chrY", "+", [(1, 130)], ' gene_name "CCC";')
)
ENSEMBL = (
    "#!genome-build GRCh38.p14\n"
    + row("gene", "1", 11, 400, "+", 'gene_id "ENSG01"; gene_version "5"; gene_name "AAA";')
    + rows("ENST01", "ENSG01", "1", "+", EXONS, ' transcript_version "2"; gene_name "AAA";')
    + rows("ENST02", "ENSG02", "1", "-", EXONS[::-1], ' transcript_version "1"; gene_source "x";')
)
REFSEQ = (
    "#gtf-version 2.2\n"
    + row(
        "gene", "NC_000001.11", 11, 400, "+", 'gene_id "AAA"; transcript_id ""; gene "AAA"; note "a gene x";'
    )
    + rows(
        "NM_01.2", "AAA", "NC_000001.11", "+", EXONS, ' db_xref "GeneID:1"; gene "AAA"; product "the gene b";'
    )
    + rows("NM_02.1", "BBB", "NC_000001.11", "-", EXONS[::-1], ' note "x; gene y"; gene "BBB";')
    + rows("NM_03.4", "CCC", "NC_000023.11", "+", [(1, 130)], ' gene "CCC";')
    + row("CDS", "NC_000023.11", 4, 33, "+", 'gene_id "CCC"; transcript_id "NM_03.4"; gene "CCC";')
    + rows("NM_03.4", "CCC", "NC_000024.10", "+", [(1, 130)], ' gene "CCC";')
    + row("CDS", "NC_000024.10", 4, 33, "+", 'gene_id "CCC"; transcript_id "NM_03.4"; gene "CCC";')
)
FLAVOURS = {
    "gencode": (GENCODE, ("chr1", "chrX", "chrY"), ("ENST01.2", "ENST02.1", "ENST03.1")),
    "ensembl": (ENSEMBL, ("1",), ("ENST01", "ENST02")),
    "refseq": (REFSEQ, ("NC_000001.11", "NC_000023.11", "NC_000024.10"), ("NM_01.2", "NM_02.1", "NM_03.4")),
}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_main__cuts_transcripts_of_both_strands_from_any_flavour(flavour, packed, prepare):
    gtf, contigs, names = FLAVOURS[flavour]
    genome = fasta(
        {f"{name} a description": each for name, each in zip(contigs, (ONE, TWO, TWO), strict=False)}
    )
    pack = (lambda text: gzip.compress(text.encode())) if packed else str
    result, results = prepare(pack(gtf), pack(genome), name="genes.gtf.gz" if packed else "genes.gtf")
    assert (result.exit_code, result.output) == (0, "")
    expected = dict(zip(names, (SPLICED, reverse(SPLICED), TWO), strict=False))
    assert read(results / "transcripts.fa") == expected
    assert read(results / "genome.fa") == dict(zip(contigs, (ONE, TWO, TWO), strict=False))
    if flavour != "refseq":
        assert (results / "annotation.gtf").read_text() == gtf


def test_main__reads_bgz_as_written_by_bgzip(prepare, tmp_path):
    (tmp_path / "plain.fa").write_text(fasta({"1": bases(200_000)}))
    pysam.tabix_compress(str(tmp_path / "plain.fa"), str(tmp_path / "genome.fa.gz"))
    result, results = prepare(ENSEMBL, (tmp_path / "genome.fa.gz").read_bytes(), genome_name="genome.fa.gz")
    assert result.exit_code == 0
    assert read(results / "genome.fa")["1"] == bases(200_000)


def test_main__names_genes_by_what_each_flavour_has(prepare):
    _, results = prepare(GENCODE)
    assert genes(results) == [
        ["ENST01.2", "ENSG01.5", "AAA"],
        ["ENST02.1", "ENSG02.1", "BBB"],
        ["ENST03.1", "ENSG03.1", "CCC"],
        ["ENST03.1_PAR_Y", "ENSG03.1_PAR_Y", "CCC"],
    ]
    _, results = prepare(ENSEMBL)
    assert genes(results) == [["ENST01", "ENSG01", "AAA"], ["ENST02", "ENSG02", "ENSG02"]]
    _, results = prepare(REFSEQ)
    assert genes(results) == [
        ["NM_01.2", "AAA", "AAA"],
        ["NM_02.1", "BBB", "BBB"],
        ["NM_03.4", "CCC", "CCC"],
        ["NM_03.4_1", "CCC", "CCC"],
    ]


def test_main__takes_the_name_of_a_gene_from_its_own_row_where_exons_have_none(prepare):
    gtf = row("gene", "1", 1, 9, "+", 'gene_id "G"; gene_name "NQO1";') + rows("T", "G", "1", "+", [(1, 9)])
    assert genes(prepare(gtf)[1]) == [["T", "G", "NQO1"]]


def test_main__gives_the_places_of_one_refseq_id_names_of_their_own(prepare):
    """In every row of the copy: transcript, exon and CDS."""
    _, results = prepare(REFSEQ)
    written = (results / "annotation.gtf").read_text().splitlines()
    assert [line for line in written if "NC_000024.10" not in line] == [
        line for line in REFSEQ.splitlines() if "NC_000024.10" not in line
    ]
    copies = [line for line in written if "NC_000024.10" in line]
    assert len(copies) == 3
    assert all('transcript_id "NM_03.4_1"; gene "CCC";' in line for line in copies)
    assert notes(results) == ["renamed with _1, _2 at the end, for others have the same id: 1 transcripts"]


def test_main__tells_places_of_one_id_apart_on_one_contig_or_in_several_genes(prepare):
    genome = fasta({"c": ONE})
    gtf = (
        rows("NM_1", "A", "c", "+", [(1, 20)])
        + rows("NM_1", "A", "c", "+", [(101, 120)])
        + rows("unknown", "B", "c", "+", [(201, 210)])
        + rows("unknown", "C", "c", "+", [(301, 310)])
        + rows("NM_9", "D", "c", "+", [(321, 330)])
        + rows("NM_9_1", "D_1", "c", "+", [(341, 350)])
    )
    _, results = prepare(gtf, genome)
    names = ["NM_1", "NM_1_1", "unknown", "unknown_1", "NM_9", "NM_9_1"]
    assert [name for name, _, _ in genes(results)] == names
    assert [name for name, _, _ in genes(results)] == [
        each.transcript_id for each in read_transcripts(results / "annotation.gtf")
    ]
    # Another gene's transcript of one id is another transcript.
    expected = {"NM_1": ONE[:20], "unknown": ONE[200:210], "unknown_1": ONE[300:310], "NM_9": ONE[320:330]}
    assert read(results / "transcripts.fa") == expected
    assert notes(results)[1].startswith("left out of transcripts.fa: 2 second copies of transcripts")


def test_main__leaves_out_the_copies_of_par_y_and_what_is_masked(prepare):
    gtf = GENCODE + rows("ENST04.1", "ENSG04.1", "chrY", "-", [(1, 20), (51, 90)])
    result, results = prepare(gtf, fasta({"chr1": ONE, "chrX": TWO, "chrY": "N" * 130}))
    assert result.exit_code == 0
    assert list(read(results / "transcripts.fa")) == ["ENST01.2", "ENST02.1", "ENST03.1"]
    assert sorted(notes(results)) == [
        "left out of transcripts.fa: 1 second copies of transcripts (PAR_Y, or a further place of one id)",
        "left out of transcripts.fa: 1 transcripts of nothing but N",
    ]
    assert len(genes(results)) == 5, "in the annotation they are"


def test_main__cuts_a_soft_masked_genome_in_upper_case_and_keeps_its_case(prepare):
    _, results = prepare(ENSEMBL, fasta({"1": ONE[:200].lower() + ONE[200:]}))
    assert read(results / "transcripts.fa")["ENST02"] == reverse(SPLICED)
    assert read(results / "genome.fa")["1"] == ONE[:200].lower() + ONE[200:]


def test_main__leaves_out_exons_of_no_transcript(prepare):
    """RefSeq's pseudogenes: STAR would take the next word for the name of one transcript of them all."""
    pseudogene = row("exon", "NC_000001.11", 1, 9, "+", 'gene_id "P"; transcript_id ""; gene "P";')
    result, results = prepare(REFSEQ + pseudogene * 2)
    assert result.exit_code == 0
    assert 'gene_id "P"' not in (results / "annotation.gtf").read_text()
    assert "P" not in [gene for _, gene, _ in genes(results)]
    assert "left out of the GTF: 2 exons without transcript_id" in notes(results)


def test_main__joins_exons_that_overlap_once(prepare):
    _, results = prepare(rows("T", "G", "1", "+", [(1, 20), (15, 30)]), fasta({"1": ONE}))
    assert read(results / "transcripts.fa") == {"T": ONE[:30]}


def test_main__cuts_what_gffread_cuts(prepare):
    """tests/oracles/prepare_reference.R asked gffread 0.12.7: 60 transcripts of up to nine exons."""
    inputs = [(ORACLES / f"prepare_reference.{kind}.gz").read_bytes() for kind in ("gtf", "fa")]
    result, results = prepare(*inputs)
    assert result.exit_code == 0
    expected = gzip.decompress((ORACLES / "prepare_reference_transcripts.fa.gz").read_bytes()).decode()
    records = [record.split("\n", 1) for record in expected.split(">")[1:]]
    cut = {name.split()[0]: text.replace("\n", "").upper() for name, text in records}
    assert len(cut) == 60
    assert read(results / "transcripts.fa") == cut


def test_main__cuts_nqo1_from_its_exons_on_the_minus_strand_of_chr16(prepare):
    """NM_000903.3 is spliced of the exons of GRCh38 (shared/data/sequences), here in a contig of N."""
    shift, genome = 69_709_000, ["N"] * 18_000
    exons = []
    for header, sequence in read(SEQUENCES / "NQO1_exons.GRCh38.fa").items():
        start, end = (int(part) - shift for part in header.split()[0].split(":")[1].split("-"))
        genome[start - 1 : end] = sequence
        exons.append((start, end))
    gtf = rows("NM_000903.3", "NQO1", "chr16", "-", exons)
    _, results = prepare(gtf, fasta({"chr16": "".join(genome)}))
    (mrna,) = read(SEQUENCES / "NQO1_NM_000903.3.fa").values()
    assert read(results / "transcripts.fa") == {"NM_000903.3": mrna.upper()}


def test_main__indexes_the_genome_as_samtools_does(prepare):
    lengths = [1, 59, 60, 61, 120, 1000]
    genome = {f"c{length} x": bases(length) for length in lengths}
    gtf = rows("T", "G", "c1000", "-", [(1, 5), (500, 1000)])
    _, results = prepare(gtf, fasta(genome, width=37))
    written = (results / "genome.fa.fai").read_bytes()
    (results / "genome.fa.fai").unlink()
    pysam.faidx(str(results / "genome.fa"))
    assert written == (results / "genome.fa.fai").read_bytes()
    with pysam.FastaFile(str(results / "genome.fa")) as opened:
        assert [opened.fetch(f"c{length}") for length in lengths] == list(genome.values())
        (transcript,) = read_transcripts(results / "annotation.gtf")
        assert spliced_sequence(transcript, opened) == read(results / "transcripts.fa")["T"]


@pytest.mark.parametrize("chunk", [1, 2, 7, 61, 500])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_records_of__does_not_depend_on_where_chunks_end(chunk, end, prepare, monkeypatch):
    monkeypatch.setattr(fasta_files, "CHUNK", chunk)
    genome = fasta({"1 x>y": ONE, "2": TWO, "3": "ACGT"}).replace("\n", end)
    result, results = prepare(ENSEMBL.replace("\n", end), genome.removesuffix(end))
    assert (result.exit_code, result.output) == (0, "")
    assert read(results / "genome.fa") == {"1": ONE, "2": TWO, "3": "ACGT"}
    assert read(results / "transcripts.fa")["ENST01"] == SPLICED
    assert (results / "annotation.gtf").read_text() == ENSEMBL


def test_main__gives_clean_names_to_given_transcripts(prepare):
    given = {
        "ENST01.2|ENSG01.5|OTT|-|AAA-201|AAA|180|x|": SPLICED.lower(),
        "ENST02.1 cdna chromosome:GRCh38:1": reverse(SPLICED).replace("T", "U"),
        "ENST03.1_PAR_Y|ENSG03.1_PAR_Y|x": TWO,
        "ENST09.1|ENSG09.1|": TWO,
    }
    result, results = prepare(GENCODE, None, fasta(given))
    assert result.exit_code == 0
    found = {"ENST01.2": SPLICED, "ENST02.1": reverse(SPLICED), "ENST09.1": TWO}
    assert read(results / "transcripts.fa") == found
    assert notes(results) == [
        "left out of transcripts.fa: 1 second copies of transcripts (PAR_Y, or a further place of one id)",
        "of the transcripts given, 1 are not in the GTF by this id",
    ]
    given = {"ENST01.2 cdna chromosome:GRCh38:1:11:400:1 gene:ENSG01.5": SPLICED}
    _, results = prepare(ENSEMBL, fasta({"1": ONE}), fasta(given))
    assert read(results / "transcripts.fa") == {"ENST01": SPLICED}, "the GTF's id has no version"


def test_main__writes_annotation_and_genes_alone_without_a_fasta(prepare):
    result, results = prepare(ENSEMBL)
    assert result.exit_code == 0
    written = {path.name for path in results.iterdir()}
    assert written == {"annotation.gtf", "transcripts.tsv", "notes.tsv", "versions.tsv"}


def test_main__notes_the_contigs_that_only_the_gtf_has(prepare):
    gtf = ENSEMBL + rows("ENST09", "ENSG09", "KI270728.1", "+", [(1, 9)])
    result, results = prepare(gtf, fasta({"1": ONE, "MT": TWO}))
    assert result.exit_code == 0
    assert notes(results) == ["not in the FASTA: 1 contigs of the GTF, with 1 of 3 genes: KI270728.1"]
    assert [name for name, _, _ in genes(results)] == ["ENST01", "ENST02", "ENST09"]
    assert list(read(results / "transcripts.fa")) == ["ENST01", "ENST02"]


def test_main__gives_the_same_bytes_twice(prepare):
    genome = fasta({"chr1": ONE, "chrX": TWO, "chrY": TWO})
    _, results = prepare(GENCODE, genome)
    before = {path.name: path.read_bytes() for path in results.iterdir()}
    _, results = prepare(GENCODE, genome)
    assert before == {path.name: path.read_bytes() for path in results.iterdir()}


SAME = "expected FASTA and GTF of one assembly, with the same names of contigs"


@pytest.mark.parametrize(
    ("theirs", "ours", "hint"),
    [
        ("1", "chr1", "only one of the two writes chr before the names"),
        ("chrM", "M", "only one of the two writes chr before the names"),
        ("chr1", "NC_000001.11", "one of the two has RefSeq's accessions, as NC_000001.11 for chromosome 1"),
        ("NC_000023.11", "X", "one of the two has RefSeq's accessions, as NC_000001.11 for chromosome 1"),
        ("NC_012920.1", "chrM", "one of the two has RefSeq's accessions, as NC_000001.11 for chromosome 1"),
        ("MT", "NC_012920.1", "one of the two has RefSeq's accessions, as NC_000001.11 for chromosome 1"),
        ("KI270728.1", "KI270728", "they have other versions, or only one of the two has any"),
    ],
)
def test_main__shows_contigs_that_disagree_and_says_why(theirs, ours, hint, prepare):
    result, _ = prepare(rows("T", "G", theirs, "+", [(1, 9)]), fasta({ours: ONE, "other": TWO}))
    assert result.exit_code == 1
    assert (
        f"genes.gtf, row 2: found contigs {theirs}, with 1 of 1 genes, none of which is in genome.fasta: "
        f"it has {ours}, other ({hint}); {SAME}" in result.output
    )


def test_main__shows_contigs_that_disagree_for_no_reason_it_knows(prepare):
    contigs = {"T": "scaffold_1", "T2": "x", "T3": "y"}
    gtf = "".join(rows(name, f"G{name}", contig, "+", [(1, 9)]) for name, contig in contigs.items())
    result, _ = prepare(gtf, fasta({"x": ONE}))
    assert result.exit_code == 1
    assert (
        "genes.gtf, row 2: found contigs scaffold_1, y, with 2 of 3 genes, none of which is in genome.fasta: "
        f"it has x; {SAME}" in result.output
    )


def packed(text: str, cut: int) -> bytes:
    return gzip.compress(text.encode())[:-cut]


GENOME = fasta({"1": ONE})
NOT_GTF = "GTF: nine columns between tabs, the fourth and fifth whole numbers from 1 on, the seventh + or -"
NOT_FASTA = "FASTA: > and a name in a line, nucleotides in those below"
EXON = 'gene_id "G"; transcript_id "T";'


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            (row("gene", "1", 1, 9, "+", 'gene_id "G";'), GENOME),
            "genes.gtf: found 1 rows and no exon among them; expected rows of feature exon",
        ),
        (("", GENOME), "genes.gtf: found 0 rows and no exon among them"),
        (
            (row("exon", "1", 1, 9, "+", 'gene_id "G"; transcript_id "";') * 2, GENOME),
            "genes.gtf, row 1: found an exon without transcript_id, as all 2 are; expected gene_id and",
        ),
        (
            (row("exon", "1", 1, 9, "+", 'ref_gene_id "G"; exon_id "E";'), GENOME),
            "genes.gtf, row 1: found an exon without transcript_id, as all 1 are; expected gene_id and",
        ),
        (
            (ENSEMBL + row("exon", "1", 1, 9, "+", 'transcript_id "T";'), GENOME),
            "genes.gtf, row 11: found an exon without gene_id; expected gene_id and transcript_id in each",
        ),
        (
            ("##gff-version 3\n" + row("gene", "1", 1, 9, "+", "ID=gene:G;Name=NQO1"), GENOME),
            f"genes.gtf, row 2: found attributes of GFF3 (ID=...); expected {NOT_GTF}",
        ),
        ((ENSEMBL.replace("\t", " "), GENOME), f"genes.gtf, row 2: found 1 columns; expected {NOT_GTF}"),
        (
            (row("exon", "1", 0, 9, "+", EXON), GENOME),
            "genes.gtf, row 1: found an exon from '0' to '9' on strand '+'",
        ),
        ((row("exon", "1", 9, 8, "+", EXON), GENOME), "genes.gtf, row 1: found an exon from '9' to '8'"),
        (
            (row("exon", "1", "1e3", 9, "+", EXON), GENOME),
            "genes.gtf, row 1: found an exon from '1e3' to '9'",
        ),
        (
            (row("exon", "1", 1, 9, ".", EXON), GENOME),
            "genes.gtf, row 1: found an exon from '1' to '9' on strand '.'",
        ),
        (
            (ENSEMBL, fasta({"1": ONE[:350]})),
            "genes.gtf, row 6: found an exon up to 400 of 1, which has 350 bases in genome.fasta; "
            "expected FASTA and GTF of one assembly",
        ),
        ((ENSEMBL, GENOME + GENOME), "genome.fasta, row 10: found 1, as in row 1; expected each name once"),
        (
            (ENSEMBL, GENOME + ">2\n>3\nACGT\n"),
            "genome.fasta, row 10: found 2 without sequence; expected nucleotides below each name",
        ),
        (
            (ENSEMBL, fasta({"1": ONE, "p": "MKEEFLP*"})),
            "genome.fasta, row 10: found p with '*EFLP': a protein?; expected letters of nucleotides",
        ),
        (
            (ENSEMBL, GENOME + "> \nACGT\n"),
            f"genome.fasta, row 10: found a > without a name; expected {NOT_FASTA}",
        ),
        (
            (ENSEMBL, ENSEMBL),
            f"genome.fasta, row 1: found '#!genome-build GRCh3' above the first >; expected {NOT_FASTA}",
        ),
        ((ENSEMBL, "\n"), f"genome.fasta: found an empty file; expected {NOT_FASTA}"),
        ((ENSEMBL, ">" * 10**5), f"genome.fasta: found a line that does not end; expected {NOT_FASTA}"),
        (
            (ENSEMBL, packed(fasta({"1": ONE, "2": bases(10**6)}), 1000)),
            "genome.fasta: found a gz compression that breaks off or is damaged; expected a complete",
        ),
        (
            (packed(ENSEMBL * 2000, 1000), GENOME),
            "found a gz compression that breaks off or is damaged; expected a complete file",
        ),
        (
            (ENSEMBL, GENOME, fasta({"NM_1 x": ONE, "NM_2": TWO})),
            "cdna.fa, names: found NM_1, NM_2, none of which is in the GTF (such as ENST01); expected the "
            "transcripts of the GTF, named by their ids",
        ),
        (
            (ENSEMBL, GENOME, fasta({"ENST01": "MEEFP"})),
            "cdna.fa, row 1: found ENST01 with 'EFP': a protein?",
        ),
        ((ENSEMBL, GENOME, GENOME + ">2\n"), "cdna.fa, row 10: found 2 without sequence"),
        (
            (ENSEMBL, fasta({"1": "N" * 400})),
            "genome.fasta: found transcripts of N alone, or copies of others (2)",
        ),
    ],
)
def test_main__says_what_is_wrong_where_and_what_was_expected(files, said, prepare):
    result, _ = prepare(*files)
    assert result.exit_code == 1
    assert said in result.output


def test_main__says_everything_that_is_wrong_at_once_and_a_few_of_a_kind(prepare):
    gtf = ENSEMBL + "".join(row("exon", "1", 1, 900 + n, "+", EXON) for n in range(3))
    gtf += row("exon", "1", 1, 9, "?", EXON) * 20 + rows("T9", "G", "chr1", "+", [(1, 5)])
    result, _ = prepare(gtf, fasta({"1": ONE, "2": "EEE", "3": ""}), fasta({"x": "ACGT"}))
    lines = result.output.splitlines()
    assert lines[0] == "Error: 24 to put right before anything runs:"
    for said in ("an exon up to 902 of 1", "2 with 'E'", "3 without sequence", "x, none of which", "15 more"):
        assert sum(said in line for line in lines) == 1, said
    assert len(lines) == 1 + 5 + 1 + 4


def test_main__does_not_blame_the_contigs_that_a_damaged_file_lost(prepare):
    genome = packed(fasta({"2": bases(10**6), "1": ONE}), 300)
    result, _ = prepare(ENSEMBL, genome)
    assert "one assembly" not in result.output
    assert result.output.count("; expected") == 1
