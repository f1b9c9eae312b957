"""Alleles per fragment: planted reads are counted exactly, whatever their alignment, and as mpileup does."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import count_alleles
import numpy as np
import pandas as pd
import pysam.bcftools
import pytest
from common.aligned_reads import read_regions
from common.annotation import Transcript, reverse_complement, spliced_sequence
from common.variant_sites import MismatchError, Sequence, from_hgvs, normal_form
from conftest import REFERENCE_DATA, ROOT
from mates import MATES

CIGAR = re.compile(r"(\d+)([MIDNS])")
# Both genes have three exons; 240 bases from the 31st of the transcript on are coding.
EXONS = ((1000, 1100), (1300, 1400), (1600, 1800))
CODING = (31, 270)
STRANDS = {"chr1": "+", "chr2": "-"}
GENES = {"chr1": "PLUS", "chr2": "MINUS"}
TABLES = ("alleles", "coverage", "junctions", "linkage")
TEXTS = {"sample", "gene", "locus", "source", "chrom", "ref", "alt", "transcript", "status", "reason"}
TEXTS |= {"variant_1", "variant_2"}
FIRST_OF_PAIR, SECOND_OF_PAIR = 99, 147  # forward and reverse


class Read(NamedTuple):
    """An alignment; edits are bases by their place in the contig, inserted those of each I and S."""

    start: int
    cigar: str = "100M"
    edits: Mapping[int, str] = {}
    inserted: str = ""
    name: str = ""
    flag: int = 0
    quality: int | Mapping[int, int] = 37  # of all bases, or of those at some places of the contig
    mapping_quality: int = 255
    contig: str = "chr1"


def bases_of(read: Read, contigs: Mapping[str, str]) -> tuple[str, list[int]]:
    """Spell a read from the genome, its edits and what is inserted; and its qualities."""
    place, inserted, bases, qualities = read.start, read.inserted, "", []
    given = read.quality if isinstance(read.quality, Mapping) else {}
    usual = 37 if given else read.quality
    for size, kind in CIGAR.findall(read.cigar):
        length = int(size)
        if kind in "IS":
            bases, inserted = bases + inserted[:length], inserted[length:]
            qualities += [37] * length
            continue
        if kind == "M":
            for at in range(place, place + length):
                bases += read.edits.get(at, contigs[read.contig][at])
                qualities.append(given.get(at, usual))
        place += length
    return bases, qualities


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

    def row(self, **where: object) -> pd.Series:
        """Return the one row of alleles.tsv with these values."""
        rows = self.alleles
        for column, value in where.items():
            rows = rows[rows[column] == value]
        assert len(rows) == 1, rows
        return rows.iloc[0]

    def counts(self, **where: object) -> tuple[int, ...]:
        """Return ref, alt and other of a row."""
        row = self.row(**where)
        assert row.depth == row.ref_count + row.alt_count + row.other_count
        return tuple(int(row[column]) for column in ("ref_count", "alt_count", "other_count"))


class Study:
    """A folder with a genome, two genes on both strands, and alignments."""

    def __init__(self, folder: Path, contigs: Mapping[str, str], run) -> None:
        self.folder, self.contigs, self.run = folder, dict(contigs), run
        self.samples: list[str] = []
        self.loci: list[tuple[str, str]] = []
        self.skipping: list[tuple[str, int]] = []
        self.coding_rows = True
        self.alignments = folder / "alignments"
        self.alignments.mkdir()

    def transcript(self, contig: str) -> Transcript:
        strand = STRANDS[contig]
        exons = EXONS if strand == "+" else EXONS[::-1]
        return Transcript("T", "G", GENES[contig], contig, strand, exons, (CODING[0] - 1, CODING[1]))

    def place(self, contig: str, coding: int | str) -> int:
        """Return the place of a base c.`coding` in its contig."""
        return self.transcript(contig).coding_to_genome(str(coding))

    def plant(self, contig: str, start: int, bases: str) -> None:
        """Change the genome."""
        old = self.contigs[contig]
        self.contigs[contig] = old[:start] + bases + old[start + len(bases) :]

    def add(
        self,
        sample: str,
        reads: Iterable[Read],
        suffix: str = "bam",
        index: bool = True,
        contigs: Mapping[str, int] | None = None,
    ) -> Path:
        """Write a sample's reads by coordinate; one without name is a fragment of its own."""
        self.samples.append(sample)
        path = self.alignments / f"{sample}.{suffix}"
        lengths = contigs or {name: len(bases) for name, bases in self.contigs.items()}
        header = pysam.AlignmentHeader.from_references(list(lengths), list(lengths.values()))
        records = []
        for number, read in enumerate(reads):
            record = pysam.AlignedSegment(header)
            record.query_name, record.flag = read.name or f"r{number}", read.flag
            record.reference_id = list(lengths).index(read.contig)
            record.reference_start, record.cigarstring = read.start, read.cigar
            record.mapping_quality = read.mapping_quality
            record.query_sequence, qualities = bases_of(read, self.contigs)
            record.query_qualities = qualities
            records.append(record)
        records.sort(key=lambda record: (record.reference_id, record.reference_start))
        modes = {"bam": "wb", "cram": "wc"}
        genome = str(self.write_genome())
        with pysam.AlignmentFile(path, modes[suffix], header=header, reference_filename=genome) as out:
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

    def write_annotation(self) -> Path:
        rows = []
        for contig, gene in GENES.items():
            transcript = self.transcript(contig)
            spans = [("exon", *exon) for exon in transcript.exons]
            ends = sorted(transcript.to_genome(base - 1) for base in CODING)
            if self.coding_rows:
                spans += [
                    ("CDS", max(start, ends[0]), min(end, ends[1] + 1))
                    for start, end in transcript.exons
                    if start <= ends[1] and end > ends[0]
                ]
            ids = f'gene_id "G_{gene}.1"; transcript_id "T_{gene}.2"; gene_name "{gene}";'
            rows += [
                f"{contig}\tx\t{kind}\t{start + 1}\t{end}\t.\t{transcript.strand}\t.\t{ids}\n"
                for kind, start, end in spans
            ]
        path = self.folder / "genes.gtf"
        path.write_text("".join(rows))
        return path

    def options(self) -> dict[str, Path]:
        """Write the sheets; return the command's options."""
        tables = {
            "samples": [("sample", "line", "condition", "role", "replicate")]
            + [(sample, "A", "parental", "reference", "1") for sample in self.samples],
            "target_genes": [("gene", "transcript", "cds_start", "cds_end")]
            + [(gene, f"NM_1;T_{gene}", *CODING) for gene in GENES.values()],
            "loci": [("gene", "transcript", "hgvs_c")]
            + [(gene, f"NM_1;T_{gene}", hgvs_c) for gene, hgvs_c in self.loci],
            "skipping": [("gene", "transcript", "exon")]
            + [(gene, f"NM_1;T_{gene}", exon) for gene, exon in self.skipping],
        }
        paths = {name: self.folder / f"{name}.tsv" for name in tables}
        for name, rows in tables.items():
            paths[name].write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
        return paths | {
            "alignments": self.alignments,
            "genome": self.write_genome(),
            "annotation": self.write_annotation(),
            "variants": self.folder / "variants",
        }

    def count(self, results: str = "results", **options: object) -> Counted:
        folder = self.folder / results
        folder.mkdir(exist_ok=True)
        done = self.run(count_alleles.main, **self.options() | {"results": folder} | options)
        assert done.exit_code == 0, done.output
        return Counted(folder, *(read_result(folder / f"{name}.tsv") for name in TABLES))


def read_result(path: Path) -> pd.DataFrame:
    """Read a table; a missing text is empty, a missing number NaN."""
    table = pd.read_csv(path, sep="\t", dtype="str", keep_default_na=False)
    numbers = [column for column in table if column not in TEXTS]
    return table.assign(**{column: pd.to_numeric(table[column]) for column in numbers})


@pytest.fixture(scope="module")
def contigs() -> dict[str, str]:
    draw = np.random.default_rng(5)
    return {name: "".join(draw.choice(list("ACGT"), 3000)) for name in STRANDS}


@pytest.fixture
def study(tmp_path, contigs, run_script) -> Study:
    return Study(tmp_path, contigs, run_script)


def other(*bases: str) -> str:
    """Return a base that is none of these."""
    return next(base for base in "ACGT" if base not in bases)


def over(place: int, number: int, **read: object) -> list[Read]:
    """Return reads of 100 bases that show a place of an exon, as far from their ends as 20 to 29 bases."""
    return [Read(place - 20 - n % 10, **read) for n in range(number)]


def over_exons(contig: str, number: int) -> list[Read]:
    """Return reads that cover all exons evenly, spliced."""
    introns = [right[0] - left[1] for left, right in pairwise(EXONS)]
    cigar = f"100M{introns[0]}N100M{introns[1]}N200M"
    return [Read(EXONS[0][0], cigar, contig=contig) for _ in range(number)]


def test_main__counts_planted_alleles_of_a_locus_on_both_strands(study):
    reads = []
    for contig, strand in STRANDS.items():
        place = study.place(contig, 100)
        ref = study.contigs[contig][place]
        alt, third = other(ref), other(ref, other(ref))
        named = (ref, alt) if strand == "+" else map(reverse_complement, (ref, alt))
        study.loci.append((GENES[contig], "c.100{}>{}".format(*named)))
        for base, number in ((ref, 7), (alt, 5), (third, 2)):
            reads += over(place, number, contig=contig, edits={place: base}, flag=16 * (base == third))
    study.add("s", reads)
    counted = study.count()
    for contig, (gene, locus) in zip(STRANDS, study.loci, strict=True):
        place = study.place(contig, 100)
        assert counted.counts(gene=gene, locus=locus) == (7, 5, 2)
        row = counted.row(gene=gene, locus=locus)
        ref = study.contigs[contig][place]
        assert (row.chrom, row.pos, row.ref, row.alt) == (contig, place + 1, ref, other(ref))
        assert (row.source, row.status, row.alt_forward, row.alt_reverse) == ("locus", "ok", 5, 0)
        assert (row.alt_base_quality, row.alt_read_position) == (37, 22)


@pytest.mark.parametrize(("first", "second", "expected"), MATES)
def test_main__counts_a_fragment_once_and_a_disagreement_by_the_difference(study, first, second, expected):
    place = study.place("chr1", 100)
    ref = study.contigs["chr1"][place]
    bases = {"ref": ref, "alt": other(ref), "third": other(ref, other(ref))}
    study.loci = [("PLUS", f"c.100{ref}>{other(ref)}")]
    pair = [
        Read(place - 30 - 40 * (flag == FIRST_OF_PAIR), edits={place: bases[base]}, name="pair",
             quality={place: quality}, flag=flag)
        for (base, quality), flag in ((first, FIRST_OF_PAIR), (second, SECOND_OF_PAIR))
    ]  # fmt: skip
    study.add("s", pair)
    counted = study.count()
    assert counted.counts(sample="s", locus=study.loci[0][1]) == expected
    if expected == (0, 1, 0):
        row = counted.row(locus=study.loci[0][1])
        assert row.alt_base_quality == (first[1] - second[1] if second[0] == "ref" else first[1])
        assert (row.alt_forward, row.alt_reverse) == (1, int(second[0] == "alt"))


def test_main__does_not_count_what_covers_nothing_or_is_excluded(study):
    place = study.place("chr1", 100)
    ref = study.contigs["chr1"][place]
    study.loci = [("PLUS", f"c.100{ref}>{other(ref)}")]
    alt = {"edits": {place: other(ref)}}
    spliced_over = Read(place - 50, "40M30N60M", **alt)
    clipped = Read(place - 70, "60M40S", inserted="ACGT" * 10)
    excluded = [Read(place - 50, flag=flag, **alt) for flag in (4, 256, 512, 1024, 2048)]
    badly_placed = Read(place - 50, mapping_quality=19, **alt)
    just_placed = Read(place - 50, mapping_quality=20)
    study.add("s", [spliced_over, clipped, *excluded, badly_placed, just_placed])
    assert study.count().counts(locus=study.loci[0][1]) == (1, 0, 0)


def test_main__finds_a_variant_that_enough_fragments_show_and_counts_it_in_every_sample(study):
    utr = EXONS[2][1] - 60  # behind the coding sequence
    ref = study.contigs["chr1"][utr]
    alt = over(utr, 3, edits={utr: other(ref)})
    study.add("het", over(utr, 20) + alt)
    study.add("rare", over(utr, 40) + alt)
    study.add("few", over(utr, 20) + alt[:2])
    study.add("shallow", over(utr, 6) + alt)
    study.add("none", [])
    counted = study.count()
    assert counted.found() == [f"chr1:{utr + 1}:{ref}>{other(ref)}"]
    expected = {"het": (20, 3, 0), "rare": (40, 3, 0), "few": (20, 2, 0), "shallow": (6, 3, 0)}
    expected["none"] = (0, 0, 0)
    for sample, counts in expected.items():
        assert counted.counts(sample=sample, source="rna") == counts


@pytest.mark.parametrize("sample", ["rare", "few", "shallow", "low_quality", "at_ends", "intron"])
def test_main__does_not_find_what_errors_explain(study, sample):
    place = study.place("chr1", 100)
    inside_intron = EXONS[0][1] + 100
    edit = {place: other(study.contigs["chr1"][place])}
    alt = over(place, 3, edits=edit)
    reads = {
        "rare": over(place, 40) + alt,
        "few": over(place, 10) + alt[:2],
        "shallow": over(place, 6) + alt,
        "low_quality": over(place, 20) + over(place, 20, edits=edit, quality={place: 19}),
        "at_ends": over(place, 20) + [Read(place - n % 3, edits=edit) for n in range(20)],
        "intron": over(inside_intron, 20, edits={inside_intron: other(study.contigs["chr1"][inside_intron])}),
    }
    study.add("s", reads[sample])
    assert study.count().found() == []


@pytest.mark.parametrize(("distance", "together"), [(1, True), (2, True), (3, False)])
def test_main__takes_substitutions_of_one_codon_and_read_as_one_variant(study, distance, together):
    contig = study.contigs["chr1"]
    start = EXONS[2][0] + 60
    edits = {at: other(contig[at]) for at in (start, start + distance)}
    # Of a read that ends between both, and of a base of low quality, nobody knows.
    unsure = [Read(start - 99, edits=edits), *over(start, 3, edits=edits, quality={start + distance: 5})]
    study.add("s", over(start, 10) + over(start, 10, edits=edits) + unsure)
    counted = study.count()
    if together:
        end = start + distance + 1
        alt = "".join(edits.get(at, contig[at]) for at in range(start, end))
        assert counted.found() == [f"chr1:{start + 1}:{contig[start:end]}>{alt}"]
        assert counted.counts(source="rna") == (10, 10, 0)
    else:
        assert counted.found() == [f"chr1:{at + 1}:{contig[at]}>{edits[at]}" for at in sorted(edits)]
        assert [counted.counts(pos=at + 1) for at in sorted(edits)] == [(10, 14, 0), (10, 10, 0)]


def test_main__reports_substitutions_in_trans_one_by_one_and_their_linkage(study):
    contig = study.contigs["chr1"]
    first, second = EXONS[2][0] + 60, EXONS[2][0] + 61
    sides = [{at: other(contig[at])} for at in (first, second)]
    study.add("s", over(first, 10, edits=sides[0]) + over(first, 8, edits=sides[1]))
    counted = study.count()
    assert [counted.counts(pos=at + 1) for at in (first, second)] == [(8, 10, 0), (10, 8, 0)]
    (row,) = counted.linkage.itertuples()
    assert row.variant_1.startswith(f"chr1:{first + 1}:")
    assert (row.ref_ref, row.ref_alt, row.alt_ref, row.alt_alt) == (0, 8, 10, 0)


def test_main__links_variants_through_both_reads_of_a_fragment(study):
    contig = study.contigs["chr1"]
    places = EXONS[0][0] + 50, EXONS[2][0] + 150
    edits = {at: other(contig[at]) for at in places}
    reads = []
    for number, (left, right) in enumerate([(0, 0)] * 5 + [(1, 1)] * 4 + [(1, 0)] * 2):
        for at, shows, flag in ((places[0], left, FIRST_OF_PAIR), (places[1], right, SECOND_OF_PAIR)):
            edit = {at: edits[at]} if shows else {}
            reads.append(Read(at - 40, "50M", edit, name=f"f{number}", flag=flag))
    study.add("s", reads)
    (row,) = study.count().linkage.itertuples()
    assert [int(name.split(":")[1]) for name in (row.variant_1, row.variant_2)] == [at + 1 for at in places]
    assert (row.ref_ref, row.ref_alt, row.alt_ref, row.alt_alt) == (5, 0, 2, 4)


def test_main__counts_a_deletion_in_a_repeat_wherever_the_aligner_put_it(study):
    start = EXONS[2][0] + 60
    study.plant("chr1", start - 2, "TG" + "CA" * 6 + "GT")
    alt = [Read(start - 50, f"{50 + 2 * n % 12}M2D{50 - 2 * n % 12}M") for n in range(6)]
    assert len({read.cigar for read in alt}) == 6
    study.add("s", over(start, 10) + alt)
    counted = study.count()
    before = study.contigs["chr1"][start - 1]
    assert counted.found() == [f"chr1:{start}:{before}CA>{before}"]
    assert counted.counts(source="rna") == (10, 6, 0)


def test_main__counts_an_insertion_and_neither_of_another_length(study):
    start = EXONS[2][0] + 60
    study.plant("chr1", start - 1, "TAAAAG")
    alt = [Read(start - 50, f"{50 + n}M1I{49 - n}M", inserted="A") for n in range(5)]
    longer = [Read(start - 50, "50M2I48M", inserted="AA") for _ in range(2)]
    study.add("s", over(start, 10) + alt + longer)
    counted = study.count()
    assert counted.found() == [f"chr1:{start}:T>TA"]
    assert counted.counts(source="rna") == (10, 5, 2)


def test_main__bears_one_error_beside_a_deletion_but_none_in_its_place(study):
    contig = study.contigs["chr1"]
    start = EXONS[2][0] + 60
    study.plant(
        "chr1", start - 1, "TACGACGT"
    )  # three bases, twice: the deletion may lie at any of four places
    contig = study.contigs["chr1"]

    def wrong(*places: int, quality: int = 37) -> Read:
        edits = {at: other(contig[at]) for at in places}
        return Read(start - 50, "50M3D50M", edits, quality=dict.fromkeys(places, quality))

    alt = [Read(start - 50, "50M3D50M") for _ in range(5)]
    beside, twice, inside = wrong(start - 3), wrong(start - 3, start + 8), wrong(start + 4)
    unsure = [wrong(start + 4, quality=10), wrong(start - 3, start + 8, quality=10)]
    study.add("s", [*over(start, 10), *alt, beside, twice, inside, *unsure])
    counted = study.count()
    assert counted.found() == [f"chr1:{start}:TACG>T"]
    # Of the unsure ones, that with a doubtful base in the repeat is left out.
    assert counted.counts(source="rna") == (10, 7, 2)


def test_main__counts_an_insertion_in_an_exon_that_could_lie_in_the_intron_before(study):
    first, before = EXONS[2][0], EXONS[1][1]
    study.plant("chr1", first - 4, "TACACACAG")  # the exon begins with CACAG
    ref = [Read(before - 50, f"50M{first - before}N50M") for _ in range(8)]
    alt = [
        Read(before - 50, f"50M{first - before}N{at}M2I{48 - at}M", inserted="CA") for at in (2, 4, 2, 4, 2)
    ]
    study.add("s", ref + alt)
    counted = study.count()
    assert counted.found() == [f"chr1:{first - 3}:T>TAC"]
    assert counted.counts(source="rna") == (8, 5, 0)


def test_read_regions__reads_an_alignment_over_several_regions_once(study):
    path = study.add("s", [*over_exons("chr1", 3), *over(1650, 2), Read(1100), Read(1299)])
    with pysam.AlignmentFile(path) as opened:
        reads = read_regions(opened, "chr1", EXONS, 20, 0)
    assert (len(reads.fragment), reads.fragments) == (6, 6)


def test_main__does_not_count_reads_that_end_beside_an_insertion_or_deletion(study):
    """Whatever they show: an aligner finds the genome's bases there, but no deletion."""
    start = EXONS[2][0] + 60
    study.plant("chr1", start - 1, "TACGCG")
    far = [Read(start - 50, "50M3D50M") for _ in range(5)] + over(start, 5)
    near = [Read(start - 100 + n) for n in range(13)] + [Read(start - n) for n in range(1, 10)]
    study.add("s", far + near)
    counted = study.count()
    assert counted.found() == [f"chr1:{start}:TACG>T"]
    assert counted.counts(source="rna") == (5, 5, 0)


def test_main__takes_a_deletion_and_a_substitution_near_a_junction_as_one_event(study):
    """As in the line 2CR: four bases are missing from an exon, and the next is another."""
    contig = study.contigs["chr1"]
    end = EXONS[1][1]
    start = end - 9
    study.plant("chr1", start - 1, "TACGTCGGAT")  # T[ACGTC>T]GGAT|
    contig = study.contigs["chr1"]
    edit = {start + 4: "T"}
    intron = EXONS[2][0] - end
    whole = [Read(start - 50 + n, f"{50 - n}M4D5M{intron}N45M", edit) for n in range(8)]
    # The same haplotype otherwise: a base missing and inserted, or the gap elsewhere and more mismatches.
    replaced = [Read(start - 50 + n, f"{50 - n}M5D1I4M{intron}N45M", {}, "T") for n in range(4)]
    shifted = [
        Read(start - 50, f"51M4D4M{intron}N45M", {start: "T"}),
        Read(start - 50, f"52M4D3M{intron}N45M", {start: "T", start + 1: "G"}),
    ]
    ref = [Read(start - 40 + n, f"{49 - n}M{intron}N51M") for n in range(10)]
    only_deleted = [Read(start - 50, f"50M4D5M{intron}N45M")]
    clipped = [Read(start - 50, "50M50S", inserted="A" * 50)]
    study.add("s", whole + replaced + shifted + ref + only_deleted + clipped)
    counted = study.count()
    assert counted.found() == [f"chr1:{start + 1}:{contig[start : start + 5]}>T"]
    assert counted.counts(source="rna") == (10, 14, 1)


@pytest.mark.parametrize("alone", [0, 5])
def test_main__reports_a_part_of_an_event_only_if_it_is_seen_without(study, alone):
    """Reads that end between a substitution and a deletion show the one and not the other."""
    start = EXONS[2][0] + 60
    study.plant("chr1", start, "GCATGCTGA")  # the first base, and four from the fourth on
    edit = {start: "T"}
    whole = [Read(start - 20 - n, f"{23 + n}M4D60M", edit) for n in range(10)]
    ending = [Read(start - 96 - n, edits=edit) for n in range(3)] + [
        Read(start - 40, "43M40S", edit, "A" * 40)
    ]
    study.add("s", over(start, 10) + whole + ending + over(start, alone, edits=edit))
    counted = study.count()
    event = f"chr1:{start + 1}:GCATGCT>TCA"
    assert counted.found() == [f"chr1:{start + 1}:G>T"] * (alone > 0) + [event]
    assert counted.counts(source="rna", ref="GCATGCT") == (10, 10, alone)


def test_main__does_not_take_a_splice_for_a_deletion(study):
    study.add("s", [Read(1620, "40M6N60M") for _ in range(20)] + over_exons("chr1", 20))
    assert study.count().found() == []


def test_main__reads_out_variants_of_dna_where_a_bed_of_exons_would_not_look(study):
    """In an exon, in an intron, far from any gene; against the genome; and as a locus too.

    What did not pass a filter is not read out.
    """
    contig = study.contigs["chr1"]
    in_exon, in_intron = study.place("chr1", 100), EXONS[0][1] + 100
    study.loci = [("PLUS", f"c.100{contig[in_exon]}>{other(contig[in_exon])}")]
    study.contigs["chr3"] = "ACGT" * 500
    rows = [
        ("chr1", in_exon + 1, contig[in_exon], other(contig[in_exon])),
        ("chr1", in_intron + 1, contig[in_intron], other(contig[in_intron])),
        ("chr1", 21, other(contig[20]), contig[20]),
        ("chr3", 1001, "A", "AC,<DEL>"),
    ]
    (study.folder / "variants").mkdir()
    (study.folder / "variants/dna.vcf").write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr3>\n"
        '##ALT=<ID=DEL,Description="x">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
        + "".join(f"{chrom}\t{pos}\t.\t{ref}\t{alt}\t.\tPASS\t.\n" for chrom, pos, ref, alt in rows)
        + "chr3\t1500\t.\tT\tG\t.\tstrand_bias\t.\n"
    )
    reads = over(in_exon, 4, edits={in_exon: other(contig[in_exon])})
    reads += over(in_intron, 3, edits={in_intron: other(contig[in_intron])})
    reads += [Read(980, contig="chr3"), Read(970, "31M1I68M", inserted="C", contig="chr3")]
    study.add("s", reads)
    counted = study.count()
    assert counted.row(source="locus;dna").gene == "PLUS"
    assert counted.counts(source="locus;dna") == (0, 4, 0)
    assert counted.counts(pos=in_intron + 1, source="dna") == (0, 3, 0)
    assert counted.counts(chrom="chr3") == (1, 1, 0)
    row = counted.row(pos=21)
    assert row.status == "reference_mismatch"
    assert row.reason == f"the genome has {contig[20]} instead of {other(contig[20])}"
    sites = (counted.folder / "count_alleles.vcf").read_text()
    assert "GENE=PLUS;LOCUS=c.100" in sites
    assert "SOURCE=locus,dna" in sites
    assert "chr1\t21\t" not in sites
    assert "chr3\t1500\t" not in sites


def test_main__places_loci_by_offsets_where_the_annotation_has_no_coding_rows(study):
    study.coding_rows = False
    for contig in STRANDS:
        transcript = study.transcript(contig)
        frame = "ATG" + "GCA" * 78 + "TAA"
        for base, letter in enumerate(frame if contig == "chr1" else "", start=CODING[0] - 1):
            study.plant(contig, transcript.to_genome(base), letter)
    study.loci = [("PLUS", "c.100G>A"), ("MINUS", "c.100G>A")]
    study.add("s", over(study.place("chr1", 100), 4))
    counted = study.count()
    assert counted.counts(gene="PLUS") == (4, 0, 0)
    row = counted.row(gene="MINUS")
    assert (row.status, row.chrom, np.isnan(row.pos)) == ("no_cds", "", True)
    assert "no open reading frame" in row.reason
    assert list(counted.coverage[counted.coverage.gene == "MINUS"].status) == ["no_cds"]


def test_main__says_what_cannot_be_placed(study, tmp_path):
    place = study.place("chr1", 100)
    ref = study.contigs["chr1"][place]
    study.loci = [
        ("PLUS", f"c.100{other(ref)}>{ref}"),
        ("PLUS", "c.241A>T"),
        ("PLUS", f"c.100delins{ref}"),
        ("ABSENT", "c.1A>T"),
    ]
    study.skipping = [("PLUS", 1), ("PLUS", 2), ("ABSENT", 2)]
    study.add("s", over_exons("chr1", 3))
    options = study.options()
    with options["target_genes"].open("a") as genes:
        genes.write("ABSENT\tNM_1;T_ABSENT\t\t\n")
    results = tmp_path / "results"
    results.mkdir()
    done = study.run(count_alleles.main, **options, results=results)
    assert done.exit_code == 0, done.output
    alleles = pd.read_csv(results / "alleles.tsv", sep="\t")
    assert dict(zip(alleles.locus, alleles.status, strict=True)) == {
        f"c.100{other(ref)}>{ref}": "reference_mismatch",
        "c.241A>T": "reference_mismatch",
        f"c.100delins{ref}": "reference_mismatch",
        "c.1A>T": "no_transcript",
    }
    assert list(alleles.reason) == [
        f"the genome has {ref} where c.100{other(ref)}>{ref} has {other(ref)}",
        "c.241 is beyond the coding sequence of 240 bases",
        f"the genome has what c.100delins{ref} changes to",
        "the annotation has none of NM_1, T_ABSENT",
    ]
    junctions = pd.read_csv(results / "junctions.tsv", sep="\t")
    assert list(junctions.status) == ["no_exon", "ok", "no_transcript"]
    assert junctions.reason[0] == "exon 1 of 3 has no neighbour on both sides"
    coverage = pd.read_csv(results / "coverage.tsv", sep="\t")
    assert list(coverage.status[coverage.gene == "ABSENT"]) == ["no_transcript"]


def test_main__keeps_the_rows_of_samples_without_usable_alignment(study):
    place = study.place("chr1", 100)
    ref = study.contigs["chr1"][place]
    study.loci, study.skipping = [("PLUS", f"c.100{ref}>{other(ref)}")], [("PLUS", 2)]
    study.add("s", over(place, 2))
    study.add("other_names", [], contigs={"1": 3000, "2": 3000})
    study.add("other_build", [], contigs={"chr1": 2999, "chr2": 3000})
    study.samples.append("absent")
    counted = study.count()
    reasons = {
        "s": ("ok", ""),
        "other_names": ("no_contig", "other_names.bam has no contig chr1 (it has 1, 2)"),
        "other_build": ("no_contig", "chr1 has 2,999 bases in other_build.bam, and 3,000 in the genome"),
        "absent": ("no_alignment", "no BAM or CRAM file"),
    }
    for table in (counted.alleles, counted.coverage, counted.junctions):
        rows = table[table.gene == "PLUS"].drop_duplicates("sample")
        assert {row.sample: (row.status, row.reason) for row in rows.itertuples()} == reasons
    assert np.isnan(counted.row(sample="absent").depth)
    assert counted.coverage[counted.coverage["sample"] == "absent"].min_depth.isna().all()


@pytest.mark.parametrize(("suffix", "index"), [("bam", False), ("cram", True), ("cram", False)])
def test_main__reads_cram_and_files_without_index_alike(study, suffix, index):
    place = study.place("chr1", 100)
    ref = study.contigs["chr1"][place]
    study.loci = [("PLUS", f"c.100{ref}>{other(ref)}")]
    study.add("s", over(place, 4) + over(place, 3, edits={place: other(ref)}), suffix, index)
    before = sorted(path.name for path in study.alignments.iterdir())
    assert study.count().counts(locus=study.loci[0][1]) == (4, 3, 0)
    assert sorted(path.name for path in study.alignments.iterdir()) == before


def test_main__refuses_a_file_that_is_not_sorted_and_a_genome_of_other_names(study):
    path = study.add("s", [], index=False)
    with pysam.AlignmentFile(path) as opened:
        header = opened.header
    with pysam.AlignmentFile(path, "wb", header=header) as out:
        for start in (2000, 1000):
            out.write(
                pysam.AlignedSegment.fromstring(f"r\t0\tchr1\t{start}\t60\t4M\t*\t0\t0\tACGT\tIIII", header)
            )
    options = study.options() | {"results": study.folder}
    done = study.run(count_alleles.main, **options)
    assert (done.exit_code, done.output) == (1, "Error: s.bam: no BAM or CRAM file sorted by coordinate\n")
    study.contigs = {name.removeprefix("chr"): bases for name, bases in study.contigs.items()}
    study.write_genome()
    done = study.run(count_alleles.main, **options)
    assert (done.exit_code, done.output) == (
        1, "Error: genome.fa: no contig chr1, where PLUS is (has 1, 2)\n"
    )  # fmt: skip


def test_main__counts_junctions_once_a_fragment_and_with_anchors(study):
    (_, first_end), (second, second_end), (third, _) = EXONS
    inner, outer = second - first_end, third - first_end
    study.skipping = [("PLUS", 2), ("MINUS", 2)]
    for contig in STRANDS:
        own = {"contig": contig}
        reads = [Read(first_end - 50, f"50M{outer}N50M", name=f"{contig}skip{n}", **own) for n in range(3)]
        # Both mates of one fragment.
        reads += [Read(first_end - 40, f"40M{outer}N60M", name=f"{contig}skip0", **own)]
        reads += [Read(first_end - 50, f"50M{inner}N50M", **own) for _ in range(5)]
        reads += [Read(second_end - 50, f"50M{third - second_end}N50M", **own) for _ in range(4)]
        reads += [Read(first_end - 8, f"8M{outer}N92M", **own), Read(first_end - 7, f"7M{outer}N93M", **own)]
        reads += [
            Read(first_end - 92, f"92M{outer}N8M", **own),
            Read(first_end - 93, f"93M{outer}N7M", **own),
        ]
        # A deletion beside the junction is no less of an anchor; another place is another junction.
        reads += [Read(first_end - 50, f"43M4D3M{outer}N54M", **own)]
        reads += [
            Read(first_end - 50, f"49M{outer + 1}N51M", **own),
            Read(first_end - 50, f"50M{outer + 1}N50M", **own),
        ]
        study.all = [*getattr(study, "all", []), *reads]
    study.add("s", study.all)
    counted = study.count()
    columns = ["skipping_reads", "upstream_reads", "downstream_reads"]
    by_gene = counted.junctions.set_index("gene")[columns].astype(int)
    assert list(by_gene.loc["PLUS"]) == [6, 5, 4]
    assert list(by_gene.loc["MINUS"]) == [6, 4, 5]


def test_main__gives_the_depth_of_each_coding_exon_in_fragments(study):
    draw = np.random.default_rng(3)
    reads, depth, touching = [], np.zeros((2, 3000), dtype=int), [0, 0]
    for number, contig in product(range(60), STRANDS):
        which = list(STRANDS).index(contig)
        shown = set()
        for start in (first := int(draw.integers(900, 1800)), first + int(draw.integers(0, 150))):
            cut = int(draw.integers(20, 80))
            cigar = [f"{cut}M{50}N{100 - cut}M", f"{cut}M5D{100 - cut}M", "100M"][number % 3]
            reads.append(Read(start, cigar, name=f"{contig}{number}", contig=contig))
            gap = (50, 0, 0)[number % 3]
            length = (150, 105, 100)[number % 3]
            shown |= {at for at in range(start, start + length) if not start + cut <= at < start + cut + gap}
        depth[which][sorted(shown)] += 1
        touching[which] += any(start <= at < end for at in shown for start, end in EXONS)
    study.add("s", reads)
    coverage = study.count().coverage
    for which, (contig, gene) in enumerate(GENES.items()):
        rows = coverage[coverage.gene == gene]
        assert list(zip(rows.c_start, rows.c_end, strict=True)) == (
            [(1, 70), (71, 170), (171, 240)] if contig == "chr1" else [(1, 170), (171, 240)]
        )
        assert list(rows.exon) == [1, 2, 3][: len(rows)]
        for row in rows.itertuples():
            own = depth[which][[study.place(contig, base) for base in range(row.c_start, row.c_end + 1)]]
            assert (row.min_depth, row.median_depth) == (own.min(), np.median(own))
            assert row.fragments == touching[which]


def slowly(path: Path, places: Mapping[int, tuple[str, str]]) -> dict[int, tuple[int, ...]]:
    """Count the fragments with ref, alt, and neither at each place, read by read and base by base."""
    shown: dict[int, dict[str, list[tuple[float, str]]]] = {place: {} for place in places}
    with pysam.AlignmentFile(path) as opened:
        for read in opened.fetch("chr1"):
            if read.flag & 0xF04 or read.mapping_quality < 20:
                continue
            qualities, query, place = read.query_qualities, 0, read.reference_start
            for kind, length in read.cigartuples:
                for step in range(length):
                    at = place + step
                    if kind == 0 and at in places:
                        base = read.query_sequence[query + step]
                        call = qualities[query + step], base if base in places[at] else "other"
                        shown[at].setdefault(read.query_name, []).append(call)
                    if kind == 2 and at in places:
                        call = (qualities[query - 1] + qualities[query]) / 2, "other"
                        shown[at].setdefault(read.query_name, []).append(call)
                query += length if kind in (0, 1, 4) else 0
                place += length if kind in (0, 2, 3) else 0
    counts = {place: Counter() for place in places}
    for place, fragments in shown.items():
        for calls in fragments.values():
            (best, base), *_ = sorted(calls, reverse=True)
            against = max((quality for quality, other in calls if other != base), default=0)
            counts[place][base] += best - against >= 20
    return {place: tuple(counts[place][name] for name in (*places[place], "other")) for place in places}


@pytest.mark.parametrize("seed", range(3))
def test_main__counts_as_the_slow_obvious_way_does(study, seed):
    """Random pairs with gaps, splices, clips, all qualities and four bases at each of 40 places."""
    draw = np.random.default_rng(seed)
    contig = study.contigs["chr1"]
    places = list(range(EXONS[0][0] + 31, EXONS[0][0] + 71))
    named = {}
    for place in places:
        coding = study.transcript("chr1").genome_to_coding(place)
        named[f"c.{coding}{contig[place]}>{other(contig[place])}"] = place
    study.loci = [("PLUS", name) for name in named]
    cigars = ["100M", "5S95M", "50M3D50M", "40M2I58M", "30M40N70M", "60M1D39M1S", "20M1I20M1D59M"]
    reads = []
    for number in range(300):
        start = int(draw.integers(EXONS[0][0] - 60, EXONS[0][0] + 60))
        for flag in (FIRST_OF_PAIR, SECOND_OF_PAIR):
            own = start + int(draw.integers(0, 30))
            edits = {int(at): "ACGT"[draw.integers(4)] for at in draw.choice(places, 3)}
            reads.append(
                Read(own, cigars[draw.integers(len(cigars))], edits, "ACGTACGT", f"f{number}", flag,
                     {at: int(draw.integers(2, 41)) for at in range(own, own + 200)},
                     int(draw.choice([0, 19, 20, 60], p=[0.05, 0.05, 0.1, 0.8])))
            )  # fmt: skip
    path = study.add("s", reads)
    counted = study.count()
    expected = slowly(path, {place: (contig[place], other(contig[place])) for place in places})
    assert {place: counted.counts(locus=name) for name, place in named.items()} == expected


def test_main__has_the_depths_and_bases_of_samtools_mpileup(study):
    """Of single reads, clipped, with insertions and spliced: mpileup takes another quality for deletions."""
    draw = np.random.default_rng(7)
    contig = study.contigs["chr1"]
    names = {}
    for base in range(20, 60):
        place = study.place("chr1", base)
        names[f"c.{base}{contig[place]}>{other(contig[place])}"] = place
    study.loci = [("PLUS", name) for name in names]
    cigars = ["100M", "5S95M", "40M2I58M", "30M40N70M"]
    places = list(names.values())
    reads = []
    for _ in range(200):
        start = int(draw.integers(EXONS[0][0] - 60, EXONS[0][0] + 60))
        edits = {int(at): "ACGT"[draw.integers(4)] for at in draw.choice(places, 3)}
        quality = {at: int(draw.integers(10, 41)) for at in range(start, start + 200)}
        reads.append(Read(start, cigars[draw.integers(4)], edits, "ACGTACGT", quality=quality))
    path = study.add("s", reads)
    counted = study.count()
    filters = ["-B", "-x", "-A", "-q", "20", "-Q", "20", "-d", "0", "-r", "chr1:900-1200"]
    said = pysam.mpileup(*filters, "-f", str(study.folder / "genome.fa"), str(path))
    bases = {}
    for line in said.splitlines():
        _, position, ref, _, text, _ = line.split("\t")
        text = re.sub(r"\^.|\$", "", text)
        while found := re.search(r"[+-](\d+)", text):
            text = text[: found.start()] + text[found.end() + int(found[1]) :]
        bases[int(position) - 1] = Counter(text.upper().replace(",", ref).replace(".", ref))
    for name, place in names.items():
        ref, alt = contig[place], other(contig[place])
        expected = bases.get(place, Counter())
        third = sum(expected[base] for base in "ACGT") - expected[ref] - expected[alt]
        assert counted.counts(locus=name) == (expected[ref], expected[alt], third), name


def test_write_vcf__is_what_bcftools_norm_would_write(study):
    start = EXONS[2][0] + 60
    study.plant("chr1", start - 2, "TG" + "CA" * 6 + "GT")
    study.loci = [("MINUS", "c.10_12del"), ("MINUS", "c.100dup"), ("PLUS", "c.20_21insTTT")]
    study.add("s", over(start, 5) + [Read(start - 50, "54M2D46M") for _ in range(6)])
    path = study.count().folder / "count_alleles.vcf"
    said = pysam.bcftools.norm("-c", "e", "-f", str(study.folder / "genome.fa"), "-O", "v", str(path))
    ours, theirs = (
        [line for line in text.splitlines() if not line.startswith("##")] for text in (path.read_text(), said)
    )
    assert len(ours) == 5
    assert ours == theirs
    assert ":\t4/0/0/0/0/0/0" in pysam.bcftools.norm.get_messages()  # of 4 lines, none was changed


class Contigs:
    """Sequences as a pysam.FastaFile has them."""

    def __init__(self, contigs: Mapping[str, str]) -> None:
        self.contigs = contigs

    def fetch(self, reference: str, start: int, end: int) -> str:
        return self.contigs[reference][start:end]


def applied(hgvs_c: str, coding: str) -> str:
    """Change a coding sequence by its HGVS name."""
    first, last, change = re.fullmatch(r"c\.(\d+)(?:_(\d+))?(.*)", hgvs_c).groups()
    start, end = int(first) - 1, int(last or first)
    kind, bases = re.fullmatch(r"([A-Z]?>|delins|del|dup|ins)([A-Z]*)", change).groups()
    if kind == "dup":
        return coding[:end] + coding[start:end] + coding[end:]
    if kind == "ins":
        return coding[: start + 1] + bases + coding[start + 1 :]
    return coding[:start] + bases + coding[end:]


@pytest.mark.parametrize("contig", STRANDS)
def test_from_hgvs__changes_the_transcript_as_the_name_says(study, contig):
    """All kinds, at random places of the last coding exon, on both strands."""
    draw = np.random.default_rng(1)
    transcript = study.transcript(contig)
    bases = study.contigs[contig]
    around = Sequence(contig, 0, bases)
    mrna = spliced_sequence(transcript, Contigs(study.contigs))
    first, last = transcript.cds
    coding = mrna[first:last]
    for _ in range(300):
        start, length = int(draw.integers(172, 220)), int(draw.integers(2, 12))
        new = "".join(draw.choice(list("ACGT"), int(draw.integers(1, 6))))
        kinds = [f"{coding[start - 1]}>{other(coding[start - 1])}", "del", "dup", f"_{start + 1}ins{new}"]
        kinds += [f"_{start + length - 1}{kind}" for kind in ("del", "dup", f"delins{new}T")]
        name = f"c.{start}{draw.choice(kinds)}"
        expected = mrna[:first] + applied(name, coding) + mrna[last:]
        if expected == mrna:
            continue
        variant = from_hgvs(name, transcript, around)
        changed = bases[: variant.start] + variant.alt + bases[variant.start + len(variant.ref) :]
        assert bases[variant.start : variant.start + len(variant.ref)] == variant.ref
        grown = len(variant.alt) - len(variant.ref)
        exons = [
            (start + grown * (variant.start < start), end + grown * (variant.start < end))
            for start, end in sorted(transcript.exons)
        ]
        spliced = "".join(changed[start:end] for start, end in exons)
        assert (spliced if transcript.strand == "+" else reverse_complement(spliced)) == expected, name
        again = normal_form(variant.start - 3, bases[variant.start - 3 : variant.start] + variant.ref,
                            bases[variant.start - 3 : variant.start] + variant.alt, around)  # fmt: skip
        assert again == variant


def test_from_hgvs__says_what_is_wrong_with_a_name(study):
    transcript, around = study.transcript("chr1"), Sequence("chr1", 0, study.contigs["chr1"])
    for name, message in {
        "c.5_9insT": "does not name two bases beside each other",
        "c.300del": "beyond the coding sequence",
        "p.R139W": "is no substitution",
        "c.-20000A>T": "outside of the contig",
    }.items():
        with pytest.raises(MismatchError, match=message):
            from_hgvs(name, transcript, around)


def test_main__gives_the_same_bytes_again(study):
    place = study.place("chr1", 100)
    edits = {at: other(study.contigs["chr1"][at]) for at in (place, place + 7, place + 20)}
    study.skipping = [("PLUS", 2)]
    study.add("s", over(place, 10, edits=edits) + over(place, 10) + over_exons("chr2", 4))
    folders = [study.count(name).folder for name in ("first", "second")]
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 6
    assert [(folders[0] / name).read_bytes() for name in names] == [
        (folders[1] / name).read_bytes() for name in names
    ]


@pytest.fixture(scope="module")
def nqo1(tmp_path_factory) -> tuple[Path, str, Transcript]:
    """The real exons of NQO1 in a contig with random introns, as on its strand, with a STAR index."""
    draw = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("nqo1")
    sequences = REFERENCE_DATA / "sequences"
    mrna = "".join((sequences / "NQO1_NM_000903.3.fa").read_text().splitlines()[1:]).upper()
    rows = [line.split("\t") for line in (sequences / "exons.GRCh38.bed").read_text().splitlines()]
    spans = sorted((int(row[1]), int(row[2])) for row in rows if row[4] == "NQO1")
    sizes = [end - start for start, end in spans[::-1]]
    assert sum(sizes) == len(mrna)

    def noise(length: int) -> str:
        return "".join(draw.choice(list("ACGT"), length))

    forward, exons, done = noise(500), [], 0
    for size in sizes:
        exons.append((len(forward), len(forward) + size))
        forward += mrna[done : done + size] + "GT" + noise(300) + "AG"
        done += size
    contig = reverse_complement(forward)
    exons = [(len(contig) - end, len(contig) - start) for start, end in exons]
    (folder / "genome.fa").write_text(f">chr16\n{contig}\n")
    ids = 'gene_id "ENSG00000181019.14"; transcript_id "ENST00000320623.10"; gene_name "NQO1";'
    (folder / "genes.gtf").write_text(
        "".join(f"chr16\tx\texon\t{start + 1}\t{end}\t.\t-\t.\t{ids}\n" for start, end in exons)
    )
    genome = ("--genomeFastaFiles", folder / "genome.fa", "--genomeSAindexNbases", 5)
    known = ("--sjdbGTFfile", folder / "genes.gtf", "--sjdbOverhang", 99)
    star("--runMode", "genomeGenerate", *genome, *known, folder=folder)
    return folder, mrna, Transcript("T", "G", "NQO1", "chr16", "-", tuple(exons), (121, 946))


def star(*options: object, folder: Path, out: str = "star") -> None:
    command = ["STAR", *options, "--genomeDir", folder / "star", "--outFileNamePrefix", folder / f"{out}."]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def sequenced(haplotypes: list[str], folder: Path, sample: str, pairs: int = 2000) -> None:
    """Write and align read pairs, 2 x 100 of fragments of 120 to 300; one base of a thousand is wrong."""
    draw = np.random.default_rng(len(sample))
    texts = ["", ""]
    for number in range(pairs):
        own = haplotypes[number % len(haplotypes)]
        length = int(draw.integers(120, 300))
        start = int(draw.integers(0, len(own) - length))
        fragment = own[start : start + length]
        fragment = fragment if draw.random() < 0.5 else reverse_complement(fragment)
        for mate, read in enumerate((fragment[:100], reverse_complement(fragment)[:100])):
            wrong = draw.random(100) < 0.001
            bases = (other(base) if error else base for base, error in zip(read, wrong, strict=True))
            texts[mate] += f"@r{number}\n{''.join(bases)}\n+\n{'F' * 100}\n"
    paths = [folder / f"{sample}_{mate}.fastq" for mate in (1, 2)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    star("--readFilesIn", *paths, "--outSAMtype", "BAM", "SortedByCoordinate", folder=folder, out=sample)
    (folder / "alignments").mkdir(exist_ok=True)
    aligned = folder / f"{sample}.Aligned.sortedByCoord.out.bam"
    aligned.rename(folder / "alignments" / f"{sample}.bam")


def test_main__finds_what_is_planted_in_nqo1_and_aligned_by_star(nqo1, run_script):
    """R139W and P187S as in the lines 7 and 8; deletions with a substitution as in 2CR, before a junction."""
    folder, mrna, transcript = nqo1

    def changed(coding: int, ref: str, alt: str) -> str:
        at = transcript.cds[0] + coding - 1
        assert mrna[at : at + len(ref)] == ref
        return mrna[:at] + alt + mrna[at + len(ref) :]

    deletions = {"2CR": (398, "ATGAC", "G"), "near": (411, "CTTCC", "G")}  # exon 4 ends with c.417
    samples = {sample: [mrna, changed(*event)] for sample, event in deletions.items()} | {
        "7P": [changed(415, "C", "T")],
        "8P": [mrna, changed(559, "C", "T")],
        "skips": [mrna, mrna, mrna, mrna[: 121 + 303] + mrna[121 + 417 :]],
    }
    for sample, haplotypes in samples.items():
        sequenced(haplotypes, folder, sample)
    (folder / "samples.tsv").write_text(
        "sample\tline\tcondition\trole\treplicate\n"
        + "".join(f"{sample}\tA\tparental\treference\t1\n" for sample in samples)
    )
    sheets = {name: ROOT / f"assets/{name}.tsv" for name in ("target_genes", "loci", "skipping")}
    results = folder / "results"
    results.mkdir()
    done = run_script(
        count_alleles.main, samples=folder / "samples.tsv", alignments=folder / "alignments",
        genome=folder / "genome.fa", annotation=folder / "genes.gtf", variants=folder / "none",
        results=results, **sheets,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    counted = Counted(results, *(read_result(results / f"{name}.tsv") for name in TABLES))

    for locus, sample, expected in (("c.415C>T", "7P", 1), ("c.559C>T", "8P", 0.5)):
        for each in samples:
            row = counted.row(sample=each, locus=locus)
            assert row.alt_count / row.depth == pytest.approx(expected if each == sample else 0, abs=0.1)
    planted = {}
    for sample, (coding, ref, alt) in deletions.items():
        place = transcript.coding_to_genome(str(coding + len(ref) - 1)) + 1
        planted[f"chr16:{place}:{reverse_complement(ref)}>{reverse_complement(alt)}"] = sample
    assert sorted(counted.found()) == sorted(planted)
    for name, sample in planted.items():
        for each in samples:
            row = counted.row(sample=each, source="rna", pos=int(name.split(":")[1]), ref=name[-7:-2])
            assert row.depth > 60
            assert row.alt_count / row.depth == pytest.approx(0.5 * (each == sample), abs=0.1)
    skipping = counted.junctions.set_index(["sample", "gene"]).skipping_reads.xs("NQO1", level="gene")
    assert {sample for sample, reads in skipping.items() if reads} == {"skips"}
