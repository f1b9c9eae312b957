"""Pileups: counts held to planted reads and to samtools, what is drawn to what was counted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from click.testing import Result
from common.annotation import Transcript
from pileup import (
    CODE,
    Fragments,
    Variant,
    Window,
    choose,
    count_bases,
    describe,
    main,
    read_fragments,
    variants_of,
    window_of,
)

RANDOM = np.random.default_rng(5)
CONTIG = "".join(RANDOM.choice(list("ACGT"), 600))
# A gene of the minus strand: exon 1 is 401-500, exon 2 201-300; its CDS begins with the ATG put at 480.
CONTIG = CONTIG[:477] + "CAT" + CONTIG[480:]
EXONS = ((400, 500), (200, 300))
ALL = Window("chr1", 0, 600, 0, 1)


def aligned(
    name: str, start: int, cigar: str, quality: int = 40, mapping_quality: int = 255, flag: int = 0, **bases
):
    """A read of the contig; `p250="T"` puts other bases at position 250 (from 0)."""
    read = pysam.AlignedSegment(pysam.AlignmentHeader.from_dict(HEADER))
    read.query_name, read.flag, read.reference_id, read.reference_start = name, flag, 0, start
    read.mapping_quality, read.cigarstring = mapping_quality, cigar
    sequence, place = "", start
    for kind, length in read.cigartuples:
        if kind == 0:
            sequence += CONTIG[place : place + length]
        if kind in (1, 4):
            sequence += "A" * length
        place += length if kind in (0, 2, 3) else 0
    letters = list(sequence)
    for key, base in bases.items():
        letters[read.get_reference_positions(full_length=True).index(int(key[1:]))] = base
    read.query_sequence = "".join(letters)
    read.query_qualities = pysam.qualitystring_to_array(chr(33 + quality) * len(letters))
    return read


HEADER = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 600}]}


def write_bam(path: Path, reads: list[pysam.AlignedSegment]) -> Path:
    with pysam.AlignmentFile(path, "wb", header=HEADER) as file:
        for read in sorted(reads, key=lambda read: read.reference_start):
            file.write(read)
    pysam.index(str(path))
    return path


def fragments_of(
    tmp_path: Path, reads: list, window: Window = ALL, min_mapping_quality: int = 20
) -> Fragments:
    with pysam.AlignmentFile(write_bam(tmp_path / "x.bam", reads)) as alignment:
        return read_fragments(alignment, ALL, 20)


def other(position: int) -> str:
    return "ACGT"["CGTA".index(CONTIG[position])]


def test_count_bases__counts_a_fragment_once_by_its_better_base(tmp_path):
    wrong = other(230)
    reads = [
        aligned("one", 200, "50M", 30, p230=wrong),
        aligned("one", 220, "50M", 35),
        aligned("two", 210, "50M", 12, p230=wrong),
        aligned("three", 210, "50M", 30, p230=wrong),
    ]
    counts = count_bases(fragments_of(tmp_path, reads), 20)
    assert counts.loc[230, [CONTIG[230], wrong, "depth"]].tolist() == [1, 1, 2]
    assert counts.depth.sum() == 70 + 50


def test_count_bases__splices_are_no_coverage_and_deletions_are(tmp_path):
    reads = [aligned("a", 280, "20M100N20M"), aligned("b", 205, "20M4D20M"), aligned("c", 205, "10M2I30M5S")]
    counts = count_bases(fragments_of(tmp_path, reads), 20)
    assert counts.depth[300:400].sum() == 0
    assert (counts.splice[300:400] == 1).all()
    assert counts.deletion[225:229].tolist() == [1] * 4
    assert (counts.depth[225:229] == 2).all()
    assert counts.insertion.to_numpy().nonzero()[0].tolist() == [215]
    assert counts.depth[245:250].tolist() == [1] * 4 + [0]


def test_read_fragments__leaves_out_what_count_alleles_leaves_out(tmp_path):
    reads = [
        aligned("secondary", 200, "50M", flag=256),
        aligned("supplementary", 200, "50M", flag=2048),
        aligned("failed", 200, "50M", flag=512),
        aligned("duplicate", 200, "50M", flag=1024),
        aligned("elsewhere", 200, "50M", mapping_quality=3),
        aligned("good", 200, "50M"),
    ]
    assert len(fragments_of(tmp_path, reads).codes) == 1


def test_count_bases__agrees_with_samtools_on_single_reads(tmp_path):
    reads = []
    for number in range(200):
        start, length = int(RANDOM.integers(0, 500)), int(RANDOM.integers(20, 90))
        reads.append(aligned(f"r{number}", start, f"{length}M", quality=int(RANDOM.integers(10, 40))))
    counts = count_bases(fragments_of(tmp_path, reads), 20)
    said = pysam.depth("-a", "-q", "20", "-Q", "20", str(tmp_path / "x.bam"))
    assert counts.depth.tolist() == [int(line.split("\t")[2]) for line in said.splitlines()]


def test_choose__is_a_fair_choice_with_the_variant_on_top(tmp_path):
    wrong = other(230)
    reads = [aligned(f"r{n}", 200 + n % 20, "60M", **({"p230": wrong} if n < 20 else {})) for n in range(80)]
    fragments = fragments_of(tmp_path, reads)
    reference = CODE[np.frombuffer(CONTIG.encode(), dtype=np.uint8)]
    shares = []
    for seed in range(200):
        placed = choose(fragments, reference, slice(230, 231), 30, np.random.default_rng(seed))
        assert sorted(row for _, row in placed) == list(range(30))
        carries = [fragments.codes[fragment, 230] == "ACGT".index(wrong) for fragment, _ in placed]
        assert carries == sorted(carries, reverse=True)
        shares.append(sum(carries) / 30)
    assert 0.23 < np.mean(shares) < 0.27
    assert placed == choose(fragments, reference, slice(230, 231), 30, np.random.default_rng(seed))
    drawn = describe(fragments, placed, reference, ALL)
    assert (drawn[drawn.element == "mismatch"].start == 231).all()
    assert (drawn.element == "bases").sum() == 30


def test_choose__fragments_that_do_not_meet_share_a_row(tmp_path):
    reads = [aligned("a", 10, "20M"), aligned("b", 40, "20M"), aligned("c", 59, "20M")]
    fragments = fragments_of(tmp_path, reads)
    reference = CODE[np.frombuffer(CONTIG.encode(), dtype=np.uint8)]
    placed = choose(fragments, reference, slice(0, 1), 5, np.random.default_rng(1))
    rows = {int((fragments.codes[fragment] >= 0).argmax()): row for fragment, row in placed}
    assert rows == {10: 0, 40: 0, 59: 1}


def test_variants_of__loci_in_every_line_and_others_where_they_change_something():
    genotypes = pd.DataFrame(
        [("A1", "A", "ref"), ("B1", "B", "hom"), ("C1", "C", "no_call")],
        columns=["sample", "line", "genotype"],
    ).assign(gene="NQO1", hgvs_c="c.559C>T", hgvs_p="p.P187S")
    discovery = pd.DataFrame(
        [
            ("A1", "A", "het", "c.1A>G", "missense_variant&splice_region_variant"),
            ("A1", "A", "het", "c.3G>A", "synonymous_variant"),
            ("B1", "B", "ref", "c.1A>G", "missense_variant"),
            ("B1", "B", "hom", "c.-4G>A", "5_prime_UTR_variant"),
        ],
        columns=["sample", "line", "genotype", "hgvs_c", "consequence"],
    ).assign(gene="KEAP1", hgvs_p=pd.NA)
    found = [
        (variant.line, variant.hgvs_c, variant.seen, variant.reference)
        for variant in variants_of(genotypes, discovery)
    ]
    assert found == [
        ("B", "c.559C>T", True, False),
        ("A", "c.1A>G", True, False),
        ("A", "c.559C>T", False, True),
        ("C", "c.559C>T", False, False),
    ]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Two lines: a het SNV beside a splice site in the second; a sample without alignment."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "genome.fa").write_text(f">chr1\n{CONTIG}\n")
    pysam.faidx(str(folder / "genome.fa"))
    ids = 'gene_id "G1"; transcript_id "T1"; gene_name "NQO1";'
    rows = [f"chr1\tx\texon\t{start + 1}\t{end}\t.\t-\t.\t{ids}\n" for start, end in EXONS]
    rows += [f"chr1\tx\tCDS\t401\t480\t.\t-\t.\t{ids}\n", f"chr1\tx\tCDS\t252\t300\t.\t-\t.\t{ids}\n"]
    (folder / "annotation.gtf").write_text("".join(rows))
    (folder / "samples.tsv").write_text(
        "sample\tline\tcondition\trole\treplicate\n"
        "A.P\tA\tparental\treference\t1\nB.P\tB\tparental\treference\t1\nB.CR\tB\tresistant\ttarget\t1\n"
        "B.CR2\tB\tresistant\ttarget\t2\n"
    )
    (folder / "target_genes.tsv").write_text(
        "gene\ttranscript\tcds_start\tcds_end\nNQO1\tT1\t\t\nKEAP1\tT9\t\t\n"
    )
    (folder / "alignments").mkdir()
    for sample, share in (("A.P", 0), ("B.P", 0.0), ("B.CR", 0.5)):
        random = np.random.default_rng(len(sample))
        reads = []
        for number in range(120):
            left = int(random.integers(5, 80))
            change = {"p403": other(403)} if random.random() < share else {}
            reads.append(aligned(f"{sample}{number}", 300 - left, f"{left}M100N{85 - left}M", **change))
        write_bam(folder / "alignments" / f"{sample}.bam", reads)
    header = "sample\tline\tgene\thgvs_c\thgvs_p\tgenotype\tconsequence\n"
    # The CDS begins at 480, of the minus strand: 404 is c.77.
    rows = [
        f"{sample}\t{sample[0]}\tNQO1\tc.77A>G\tp.K26R\t{genotype}\t\n"
        for sample, genotype in (("A.P", "ref"), ("B.CR", "het"))
    ]
    (folder / "genotypes.tsv").write_text(header + "".join(rows) + "A.P\tA\tKEAP1\tc.5A>G\t\tno_call\t\n")
    (folder / "discovery.tsv").write_text(header)
    return folder


def run(study: Path, results: Path, run_script: Callable[..., Result], **options: object) -> Result:
    names = ("samples", "target_genes", "genotypes", "discovery")
    given = {name: study / f"{name}.tsv" for name in names}
    given |= {"genome": study / "genome.fa", "annotation": study / "annotation.gtf"}
    return run_script(main, **given, alignments=study / "alignments", results=results, **options)


def test_main__draws_each_variant_in_each_line_and_says_what_is_not_drawn(study, tmp_path, run_script):
    assert run(study, tmp_path, run_script).exit_code == 0
    figures = pd.read_csv(tmp_path / "figures.tsv", sep="\t")
    assert figures.line.tolist() == ["B", "A", "A"]
    assert figures.status.tolist() == ["ok", "reference", "no_transcript"]
    assert figures.figure.fillna("").tolist() == ["NQO1.c.77A_G.B.png", "", ""]
    table = pd.read_csv(tmp_path / "NQO1.c.77A_G.B.tsv", sep="\t")
    counts = table[(table.element == "coverage") & (table.position == 404)].set_index("sample")
    assert counts.depth.to_dict() == {"B.P": 120, "B.CR": 120, "B.CR2": 0}
    assert counts.codon.unique() == [26]
    assert 40 <= counts[other(403)]["B.CR"] <= 80
    assert counts.reference.unique() == [CONTIG[403]]
    section = (tmp_path / "pileup_mqc.json").read_text()
    assert section.count("data:image/png;base64") == 1
    assert len(section) < 300_000


def test_main__the_same_seed_draws_the_same(study, tmp_path, run_script):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(study, tmp_path / name, run_script, seed=3)
    for path in sorted((tmp_path / "a").glob("*.[ts][sv][vg]")):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_window_of__takes_the_whole_of_a_variant():
    transcript = Transcript("T", "G", "N", "chr1", "-", EXONS, (20, 149))
    window = window_of(Variant("N", "c.77_80delinsA", "", "A", seen=True, reference=False), transcript, 600)
    assert (window.first, window.last) == (400, 404)
    assert (window.start, window.end) == (365, 439)
    assert window_of(Variant("N", "c.77A>G", "", "A", seen=True, reference=False), transcript, 420).end == 420
