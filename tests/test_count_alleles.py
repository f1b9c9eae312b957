"""Alleles per fragment: planted reads are counted exactly, whatever their alignment, and as mpileup does."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import count_alleles
import numpy as np
import pandas as pd
import pysam
import pytest

CIGAR = re.compile(r"(\d+)([MIDNS])")
COMPLEMENT = str.maketrans("ACGT", "TGCA")
# Both genes: three exons, coding from the 31st base of the transcript on, for 240 bases.
EXONS = ((1000, 1100), (1300, 1400), (1600, 1800))
CODING = 31, 270
CONTIGS = {"chr1": "+", "chr2": "-"}
GENE = {"chr1": "PLUS", "chr2": "MINUS"}


class Read(NamedTuple):
    """An alignment; edits are bases by their place in the contig, inserted those of each I or S."""

    start: int
    cigar: str = "100M"
    edits: Mapping[int, str] = {}
    inserted: str = ""
    name: str = ""
    flag: int = 0
    quality: int | list[int] = 37
    mapping_quality: int = 255
    contig: str = "chr1"


@pytest.fixture(scope="module")
def contigs() -> dict[str, str]:
    draw = np.random.default_rng(5)
    return {name: "".join(draw.choice(list("ACGT"), 3000)) for name in CONTIGS}


class Study:
    """A folder with a genome, two genes on both strands, and alignments."""

    def __init__(self, folder: Path, contigs: dict[str, str], run) -> None:
        self.folder, self.contigs, self.run = folder, dict(contigs), run
        self.samples: list[str] = []
        self.loci: list[tuple[str, str]] = []
        self.skipping: list[tuple[str, int]] = []
        self.coding_rows = True
        self.bams = folder / "alignments"
        self.bams.mkdir()

    def sequence(self, read: Read) -> str:
        """Spell a read from the genome, its edits and what is inserted."""
        place, inserted, bases = read.start, read.inserted, ""
        for length, kind in CIGAR.findall(read.cigar):
            length = int(length)
            if kind in "IS":
                bases, inserted = bases + inserted[:length], inserted[length:]
                continue
            if kind == "M":
                contig = self.contigs[read.contig]
                bases += "".join(read.edits.get(at, contig[at]) for at in range(place, place + length))
            place += length
        return bases

    def add(
        self, sample: str, reads: Iterable[Read], suffix: str = "bam", index: bool = True, **header
    ) -> Path:
        """Write a sample's reads, sorted; without name each is a fragment of its own."""
        self.samples.append(sample)
        path = self.bams / f"{sample}.{suffix}"
        names = header.get("names", list(self.contigs))
        lengths = [len(self.contigs.get(name, "x" * 3000)) for name in names]
        records = []
        made = pysam.AlignmentHeader.from_references(names, lengths)
        for number, read in enumerate(reads):
            record = pysam.AlignedSegment(made)
            record.query_name = read.name or f"r{number}"
            record.flag = read.flag
            record.reference_id = names.index(read.contig)
            record.reference_start = read.start
            record.mapping_quality = read.mapping_quality
            record.cigarstring = read.cigar
            record.query_sequence = self.sequence(read)
            quality = read.quality
            if isinstance(quality, int):
                quality = [quality] * len(record.query_sequence)
            record.query_qualities = pysam.qualitystring_to_array("".join(chr(q + 33) for q in quality))
            records.append(record)
        records.sort(key=lambda record: (record.reference_id, record.reference_start))
        mode = {"bam": "wb", "cram": "wc"}[suffix]
        self.write_genome()
        with pysam.AlignmentFile(
            path, mode, header=made, reference_filename=str(self.folder / "genome.fa")
        ) as out:
            for record in records:
                out.write(record)
        if index:
            pysam.index(str(path))
        return path

    def write_genome(self) -> Path:
        path = self.folder / "genome.fa"
        path.write_text("".join(f">{name}\n{bases}\n" for name, bases in self.contigs.items()))
        pysam.faidx(str(path))
        return path

    def write_gtf(self) -> Path:
        rows = []
        for contig, strand in CONTIGS.items():
            gene = GENE[contig]
            ids = f'gene_id "G_{gene}.1"; transcript_id "T_{gene}.2"; gene_name "{gene}";'
            spans = [("exon", *exon) for exon in EXONS]
            if self.coding_rows:
                spans += [("CDS", *span) for span in self.coding(contig)]
            for kind, start, end in spans:
                rows.append(f"{contig}\tx\t{kind}\t{start + 1}\t{end}\t.\t{strand}\t.\t{ids}\n")
        path = self.folder / "genes.gtf"
        path.write_text("".join(rows))
        return path

    def coding(self, contig: str) -> list[tuple[int, int]]:
        """Return the coding part of each exon."""
        return (
            [self.places(contig, *part) for part in ((31, 100), (101, 200), (201, 270))]
            if (contig == "chr1")
            else [self.places(contig, *part) for part in ((31, 200), (201, 270))]
        )

    def places(self, contig: str, first: int, last: int) -> tuple[int, int]:
        """Return the span of some bases of a transcript, from 1, that lie in one exon."""
        ends = self.place(contig, first), self.place(contig, last)
        return min(ends), max(ends) + 1

    def place(self, contig: str, base: int) -> int:
        places = [at for start, end in EXONS for at in range(start, end)]
        return (places if CONTIGS[contig] == "+" else places[::-1])[base - 1]

    def count(self, vcfs: Mapping[str, str] | None = None, **options) -> "Counted":
        folder = self.folder
        tables = {
            "samples.tsv": [("sample", "line", "condition", "role", "replicate")]
            + [(sample, "A", "parental", "reference", "1") for sample in self.samples],
            "target_genes.tsv": [("gene", "transcript", "cds_start", "cds_end")]
            + [(gene, f"T_{gene}", *CODING) for gene in GENE.values()],
            "loci.tsv": [("gene", "transcript", "hgvs_c")]
            + [(gene, f"T_{gene}", hgvs_c) for gene, hgvs_c in self.loci],
            "skipping.tsv": [("gene", "transcript", "exon")]
            + [(gene, f"T_{gene}", exon) for gene, exon in self.skipping],
        }
        for name, rows in tables.items():
            (folder / name).write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
        variants = folder / "variants"
        for name, text in (vcfs or {}).items():
            variants.mkdir(exist_ok=True)
            (variants / name).write_text(text)
        results = folder / "results"
        results.mkdir(exist_ok=True)
        usual = {
            "samples": folder / "samples.tsv",
            "alignments": self.bams,
            "genome": self.write_genome(),
            "annotation": self.write_gtf(),
            "target_genes": folder / "target_genes.tsv",
            "loci": folder / "loci.tsv",
            "skipping": folder / "skipping.tsv",
            "variants": variants,
            "results": results,
        }
        done = self.run(count_alleles.main, **usual | options)
        assert done.exit_code == 0, done.output
        read = {
            name: pd.read_csv(results / f"{name}.tsv", sep="\t", dtype={"locus": str}, keep_default_na=False)
            for name in ("alleles", "coverage", "junctions", "linkage")
        }
        return Counted(results, **read)


class Counted(NamedTuple):
    """The results of a run."""

    folder: Path
    alleles: pd.DataFrame
    coverage: pd.DataFrame
    junctions: pd.DataFrame
    linkage: pd.DataFrame

    def found(self) -> list[str]:
        """Return the variants that no sheet names."""
        rows = self.alleles[self.alleles.source == "rna"].drop_duplicates(["chrom", "pos", "ref", "alt"])
        return [f"{row.chrom}:{row.pos}:{row.ref}>{row.alt}" for row in rows.itertuples()]

    def counts(self, locus: str = "", **where: object) -> list[int]:
        """Return depth, ref, alt and other of the one row of a locus, or with these values."""
        rows = self.alleles
        for column, value in (where | ({"locus": locus} if locus else {})).items():
            rows = rows[rows[column] == value]
        (row,) = rows.itertuples()
        return [int(number) for number in (row.depth, row.ref_count, row.alt_count, row.other_count)]


@pytest.fixture
def study(tmp_path, contigs, run_script) -> Study:
    return Study(tmp_path, contigs, run_script)


def other(base: str, *than: str) -> str:
    """Return a base that is not this one, nor those."""
    return next(each for each in "ACGT" if each != base and each not in than)


def spread(number: int, around: int, **read) -> list[Read]:
    """Return reads of 100 bases that begin 90 to 10 bases before a place."""
    return [Read(around - 90 + 80 * n // max(number - 1, 1), **read) for n in range(number)]


def test_main__counts_planted_alleles_of_a_locus_on_both_strands(study, contigs):
    for contig, sign in CONTIGS.items():
        place = study.place(contig, CODING[0] + 99)  # c.100
        base = contigs[contig][place]
        alt = other(base)
        third = other(base, alt)
        named = (base, alt) if sign == "+" else (base.translate(COMPLEMENT), alt.translate(COMPLEMENT))
        study.loci.append((GENE[contig], f"c.100{named[0]}>{named[1]}"))
        reads = [
            Read(place - n, contig=contig, edits={place: each}, name=f"{contig}{each}{n}")
            for each, number in ((base, 7), (alt, 5), (third, 2))
            for n in range(20, 20 + number)
        ]
        study.all = getattr(study, "all", []) + reads
    study.add("s", study.all)
    counted = study.count()
    for contig in CONTIGS:
        gene = GENE[contig]
        assert counted.counts(gene=gene, source="locus") == [14, 7, 5, 2]
        (row,) = counted.alleles[counted.alleles.gene == gene].itertuples()
        assert (row.chrom, row.pos, row.ref) == (
            contig,
            study.place(contig, 130) + 1,
            contigs[contig][study.place(contig, 130)],
        )
        assert (row.alt_forward, row.alt_reverse, row.alt_base_quality, row.status) == (
            "5",
            "0",
            "37.0",
            "ok",
        ) or (int(row.alt_forward), int(row.alt_reverse), float(row.alt_base_quality)) == (5, 0, 37)
        assert float(row.alt_read_position) == np.mean([20, 21, 22, 23, 24])
