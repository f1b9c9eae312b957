"""Read transcripts from a GTF, and turn positions of the genome into those of HGVS and back.

Within the code positions count from 0 and ends are exclusive; HGVS notation counts from 1, from the A of
the start codon (den Dunnen et al. 2016, doi:10.1002/humu.22981). GENCODE, Ensembl and RefSeq give the
stop codon in rows of its own, others within the coding sequence: here it always belongs to it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Protocol

from common.cli import InputError

ATTRIBUTE = re.compile(r'(\w+) "([^"]*)"')
VERSION = re.compile(r"\.\d+(_PAR_Y)?$")
CODING = re.compile(r"(?P<side>[-*]?)(?P<base>\d+)(?P<intron>[+-]\d+)?")
COMPLEMENT = str.maketrans("ACGTNacgtn", "TGCANtgcan")
STOPS = {"TAA", "TAG", "TGA"}
# The standard code, codons in the order TTT, TTC, TTA, TTG, TCT ... GGG.
AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = {
    first + second + third: AMINO_ACIDS[16 * i + 4 * j + k]
    for i, first in enumerate("TCAG")
    for j, second in enumerate("TCAG")
    for k, third in enumerate("TCAG")
}
FEATURES = ("exon", "CDS", "stop_codon")
LONGEST_GENE = 3_000_000  # bases; the longest of GENCODE has 2.5 million


class Sequences(Protocol):
    """What a pysam.FastaFile can do."""

    def fetch(self, reference: str, start: int, end: int) -> str:
        """Return the bases of a contig from start to end."""


class Transcript(NamedTuple):
    """A transcript, its exons in the order in which they are transcribed."""

    transcript_id: str
    gene_id: str
    gene_name: str
    contig: str
    strand: str  # + or -
    exons: tuple[tuple[int, int], ...]  # of the genome
    cds: tuple[int, int] | None  # of the transcript, with the stop codon

    @property
    def length(self) -> int:
        """Return the number of bases."""
        return sum(end - start for start, end in self.exons)

    @property
    def starts(self) -> list[int]:
        """Return where each exon begins in the transcript."""
        starts = [0]
        for start, end in self.exons[:-1]:
            starts.append(starts[-1] + end - start)
        return starts

    def exon_of(self, offset: int) -> int:
        """Return the number, from 0, of the exon that holds a place of the transcript."""
        return bisect_right(self.starts, offset) - 1

    def to_genome(self, offset: int) -> int:
        """Return the position of the genome that a place of the transcript comes from.

        Before the first and behind the last base it goes on as the genome does.
        """
        number = min(max(self.exon_of(offset), 0), len(self.exons) - 1)
        start, end = self.exons[number]
        within = offset - self.starts[number]
        return start + within if self.strand == "+" else end - 1 - within

    def to_offset(self, position: int) -> int | None:
        """Return the place in the transcript of a position of the genome; None if it is in no exon."""
        for (start, end), before in zip(self.exons, self.starts, strict=True):
            if start <= position < end:
                return before + (position - start if self.strand == "+" else end - 1 - position)
        return None

    def coding_to_genome(self, notation: str) -> int:
        """Return the position of the genome that HGVS calls c.`notation`: 559, -12, *33, 415+2."""
        parts = CODING.fullmatch(notation)
        if not parts or self.cds is None:
            raise ValueError(f"c.{notation} is no place in {self.transcript_id}")
        first, end = self.cds
        base = int(parts["base"])
        offset = {"": first + base - 1, "-": first - base, "*": end + base - 1}[parts["side"]]
        step = int(parts["intron"] or 0)
        return self.to_genome(offset) + (step if self.strand == "+" else -step)

    def coding_of(self, offset: int) -> str:
        """Return what HGVS calls a place of the transcript, after the c."""
        if self.cds is None:
            raise ValueError(f"{self.transcript_id} has no coding sequence")
        first, end = self.cds
        if offset < first:
            return f"-{first - offset}"
        return f"*{offset - end + 1}" if offset >= end else str(offset - first + 1)

    def genome_to_coding(self, position: int) -> str:
        """Return what HGVS calls a position of the genome, after the c.

        In an intron it is counted from the nearer exon, in the middle from the one before.
        """
        if (offset := self.to_offset(position)) is not None:
            return self.coding_of(offset)
        forward = self.strand == "+"
        last = [end - 1 if forward else start for start, end in self.exons]
        first = [start if forward else end - 1 for start, end in self.exons]
        sign = 1 if forward else -1
        for number, (before, after) in enumerate(zip(last, first[1:], strict=False)):
            behind, ahead = sign * (position - before), sign * (after - position)
            if behind > 0 and ahead > 0:
                anchor = self.starts[number + 1]
                if behind <= ahead:
                    return f"{self.coding_of(anchor - 1)}+{behind}"
                return f"{self.coding_of(anchor)}-{ahead}"
        outside = sign * (position - first[0])
        if outside > 0:
            outside = self.length - 1 + sign * (position - last[-1])
        return self.coding_of(outside)


def without_version(name: str) -> str:
    """Leave out the version of an id of Ensembl or RefSeq."""
    return VERSION.sub(r"\1", name)


def reverse_complement(sequence: str) -> str:
    """Return the other strand."""
    return sequence.translate(COMPLEMENT)[::-1]


def is_near(row: Sequence[str], places: Mapping[str, Sequence[int]], distance: int) -> bool:
    """Tell whether a row of a GTF, split into fields, lies within a distance of one of the places."""
    if len(row) < 5 or not (positions := places.get(row[0])):
        return False
    nearest = bisect_left(positions, int(row[3]) - 1 - distance)
    return nearest < len(positions) and positions[nearest] < int(row[4]) + distance


def translate(sequence: str) -> str:
    """Translate whole codons by the standard code: * is a stop, X a codon with unknown bases."""
    return "".join(CODE.get(sequence[at : at + 3], "X") for at in range(0, len(sequence) - 2, 3))


def rows_of_gtf(
    gtf: Path, names: Collection[str] | None, places: Mapping[str, Sequence[int]] | None
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield fields and attributes of each exon, CDS and stop codon of these names, near these places."""
    wanted = None if names is None else re.compile(f'"({"|".join(map(re.escape, sorted(names)))})[".]')
    with gtf.open() as lines:
        for line in lines:
            if line.startswith("#") or (wanted and not wanted.search(line)):
                continue
            if places is not None and not is_near(line.split("\t", 5), places, LONGEST_GENE):
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 9 and fields[2] in FEATURES:
                attributes = dict(ATTRIBUTE.findall(fields[8]))
                if "transcript_id" in attributes:
                    yield fields, attributes


def read_transcripts(
    gtf: Path, names: Collection[str] | None = None, places: Mapping[str, Sequence[int]] | None = None
) -> list[Transcript]:
    """Read the transcripts of a GTF, in its order; of some genes or ids only, if `names` are given.

    A name is a gene's symbol or id or a transcript's id, without version. Of a transcript that lies in
    several places (RefSeq has those of both sex chromosomes), the first is read. With `places` (sorted
    positions by contig) all that could hold one are read, and further ones of their contigs.
    """
    wanted = set(names or ())
    attributes: dict[str, tuple[str, str, str, str]] = {}
    parts: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for fields, given in rows_of_gtf(gtf, names, places):
        transcript = given["transcript_id"]
        gene = given.get("gene_id", "")
        name = given.get("gene_name") or given.get("gene") or gene
        if names is not None and not wanted & {name, without_version(gene), without_version(transcript)}:
            continue
        place = (gene, name, fields[0], fields[6])
        if attributes.setdefault(transcript, place) == place:
            rows = parts.setdefault(transcript, {feature: [] for feature in FEATURES})
            rows[fields[2]].append((int(fields[3]) - 1, int(fields[4])))
    return [
        made
        for transcript, place in attributes.items()
        if (made := transcript_of(transcript, place, parts[transcript])) is not None
    ]


def transcript_of(
    transcript_id: str, place: tuple[str, str, str, str], rows: Mapping[str, list[tuple[int, int]]]
) -> Transcript | None:
    """Put a transcript together from its place and its rows, by feature; None without exons."""
    *_, strand = place
    exons = tuple(sorted(rows["exon"], reverse=strand == "-"))
    if not exons:
        return None
    made = Transcript(transcript_id, *place, exons, None)
    ends = [
        made.to_offset(position)
        for start, end in rows["CDS"] + rows["stop_codon"]
        for position in (start, end - 1)
    ]
    known = [end for end in ends if end is not None]
    return made._replace(cds=(min(known), max(known) + 1)) if known else made


def named_transcript(transcripts: Iterable[Transcript], ids: str) -> Transcript | None:
    """Find the transcript with the first of these ids (between semicolons) that is there, of any version."""
    known: dict[str, Transcript] = {}
    for transcript in transcripts:
        known.setdefault(without_version(transcript.transcript_id), transcript)
    for name in ids.split(";"):
        if found := known.get(without_version(name.strip())):
            return found
    return None


def spliced_sequence(transcript: Transcript, genome: Sequences) -> str:
    """Return the sequence of a transcript, in capitals."""
    exons = [genome.fetch(transcript.contig, start, end).upper() for start, end in transcript.exons]
    return "".join(exons if transcript.strand == "+" else map(reverse_complement, exons))


def with_cds(transcript: Transcript, first: int, last: int, sequence: str) -> Transcript | None:
    """Give a transcript its coding sequence from `first` to `last` base, which count from 1.

    None if that is no open reading frame: an ATG, whole codons, and one stop codon, at the end.
    """
    coding = sequence[first - 1 : last]
    codons = [coding[at : at + 3] for at in range(0, len(coding), 3)]
    if last > len(sequence) or len(coding) % 3 or not codons or codons[0] != "ATG":
        return None
    if [number for number, codon in enumerate(codons) if codon in STOPS] != [len(codons) - 1]:
        return None
    return transcript._replace(cds=(first - 1, last))


def target_transcripts(
    genes: Iterable[tuple[str, str, int | None, int | None]], gtf: Path, genome: Sequences
) -> dict[str, Transcript | str]:
    """Find the transcript of each target gene (gene, transcript ids, first and last base of the CDS).

    What cannot be found is a status instead: no_transcript, or no_cds if neither the GTF has a coding
    sequence nor that given is an open reading frame.
    """
    genes = list(genes)
    names = {name for gene, ids, *_ in genes for name in (gene, *map(without_version, ids.split(";")))}
    transcripts = read_transcripts(gtf, names)
    found: dict[str, Transcript | str] = {}
    for gene, ids, first, last in genes:
        transcript = named_transcript(transcripts, ids)
        if transcript and transcript.cds is None and first and last:
            sequence = spliced_sequence(transcript, genome)
            transcript = with_cds(transcript, first, last, sequence) or transcript
        found[gene] = "no_transcript" if not transcript else transcript if transcript.cds else "no_cds"
    return found


def require_contigs(transcripts: Iterable[Transcript], contigs: Collection[str], name: str) -> None:
    """Raise an InputError if a file called `name` lacks the contig of a transcript."""
    for transcript in transcripts:
        if transcript.contig not in contigs:
            has = ", ".join(sorted(contigs)[:5])
            raise InputError(
                f"{name}: no contig {transcript.contig}, where {transcript.gene_name} is (has {has})"
            )


class TranscriptIndex:
    """The transcripts of a contig, found by position."""

    def __init__(self, transcripts: Iterable[Transcript]) -> None:
        """Sort transcripts by where they start."""
        spans = [
            (min(start for start, _ in each.exons), max(end for _, end in each.exons), number, each)
            for number, each in enumerate(transcripts)
        ]
        self.spans = sorted(spans, key=lambda span: span[:3])
        self.starts = [start for start, *_ in self.spans]
        self.furthest = list(accumulate((end for _, end, *_ in self.spans), max))

    def near(self, start: int, end: int, distance: int) -> list[tuple[int, Transcript]]:
        """Return the transcripts within a distance of a stretch, each with how far it is, in the GTF's order.

        Those that overlap are less than 0 away.
        """
        first = bisect_right(self.furthest, start - distance)
        last = bisect_left(self.starts, end + distance)
        found = [
            (number, max(begins - end, start - ends), each)
            for begins, ends, number, each in self.spans[first:last]
            if ends > start - distance
        ]
        return [(apart, each) for _, apart, each in sorted(found, key=lambda span: span[0])]
