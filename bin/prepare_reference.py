#!/usr/bin/env python3
"""Make one genome, one annotation and one set of transcripts of what was given, and hold them to each other.

Annotation  The GTF as it is (GENCODE, Ensembl, RefSeq), uncompressed. A transcript is what has exons; its
            gene's name is gene_name, else gene (RefSeq), else that of another row of the gene, else gene_id.
            RefSeq may give one transcript_id to several places (NM_001636.4 of chrX and of chrY): from the
            second place on it is renamed NM_001636.4_1, ..._2, as RefSeq does in its newer files. Exons with
            an empty transcript_id or none (RefSeq's of pseudogenes) belong to no transcript: they are left
            out, for programs differ in what they make of them.
Genome      Records named by their first word, in lines of 60 bases, letters as they are (soft masking stays),
            and the index that `samtools faidx` would make.
Transcripts Cut from the genome in the direction of transcription; or those given, named by what comes before
            the first blank or |, and without version if the GTF has none. In upper case. Left out of both are
            second copies, whose reads another has: GENCODE's ENST..._PAR_Y beside ENST..., and RefSeq's
            further places. Left out of those cut are transcripts of contigs that the FASTA does not have, and
            those of nothing but N (Ensembl masks the pseudoautosomal regions of chrY).
Checks      Contigs of the GTF that the FASTA lacks (patches, scaffolds) are a note. They are an error if no
            contig is shared, or if more than half of the genes have an exon on such a contig. An exon beyond
            the end of its contig is an error: the two files are of different assemblies.
Cost        One pass over each file; the largest contig is held in memory.
Formats     GTF 2.2, https://mblab.wustl.edu/GTF22.html; FASTA index, https://www.htslib.org/doc/faidx.html
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from sys import intern
from typing import BinaryIO, NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.fasta import (
    BROKEN_OFF,
    COMPLEMENT,
    COMPLETE,
    DAMAGED,
    WIDTH,
    opened,
    records_of,
    shown,
    write_record,
)
from common.multiqc import write_versions
from common.sheets import Problems, listed
from common.tables import write_table

AS_DNA = bytes.maketrans(b"acgtunryswkmbdhvU", b"ACGTTNRYSWKMBDHVT")
TRANSCRIPT_ID, GENE_ID, GENE_NAME, GENE = (
    re.compile(rb'(?:^|;)\s*%s "([^"]+)"' % name)
    for name in (b"transcript_id", b"gene_id", b"gene_name", b"gene")
)
GFF3 = re.compile(rb"\s*\w+=")
VERSION = re.compile(rb"\.\d+$")
SECOND_COPY = re.compile(rb"(?P<first>.+)_PAR_Y|(?P<refseq>[NX][MR]_\d+(?:\.\d+)?)_\d+")
CHROMOSOME = re.compile(r"NC_0000(\d\d)(?:\.\d+)?")
SECOND = "second copies of transcripts (PAR_Y, or a further place of one id)"
MASKED = "transcripts of nothing but N"
A_GTF = "GTF: nine columns between tabs, the fourth and fifth whole numbers from 1 on, the seventh + or -"
ONE_ASSEMBLY = "FASTA and GTF of one assembly, with the same names of contigs"


class Transcript(NamedTuple):
    """A transcript of the GTF."""

    name: bytes  # its id, or one of its own if that is another's too
    given: bytes  # its id
    gene_id: bytes
    gene_name: bytes | None
    contig: str
    reverse: bool
    further: bool  # a place beyond the first of one id and gene


class Annotation(NamedTuple):
    """The transcripts of a GTF, and their exons by transcript and start."""

    transcripts: list[Transcript]
    first: np.ndarray  # per transcript: its first exon; one more at the end
    starts: np.ndarray  # from 0
    ends: np.ndarray  # exclusive
    rows: np.ndarray  # of the GTF
    nameless: int = 0  # exons without a transcript

    def second_copies(self) -> set[bytes]:
        """Return the names of transcripts whose reads are those of another."""
        names = {each.name for each in self.transcripts}
        found = {each.name for each in self.transcripts if each.further}
        for name in names:
            if copy := SECOND_COPY.fullmatch(name):
                found |= {name} if (copy["first"] or copy["refseq"]) in names else set()
        return found

    def by_contig(self) -> dict[str, list[int]]:
        """Return the transcripts of each contig, by their place in the list."""
        found: dict[str, list[int]] = {}
        for number, each in enumerate(self.transcripts):
            found.setdefault(each.contig, []).append(number)
        return found


class Places:
    """Gives each transcript its number, and those that share an id names of their own."""

    def __init__(self) -> None:
        """Start with no transcript."""
        self.transcripts: list[Transcript] = []
        self.numbers: dict[tuple[bytes, ...], int] = {}
        self.names: set[bytes] = set()
        self.genes_of: dict[bytes, set[bytes]] = {}
        self.begun: set[int] = set()

    def number_of(self, key: tuple[bytes, ...], begins: bool, attributes: bytes) -> int:
        """Return the number of a transcript by id, gene, contig and strand; `begins` at its own row."""
        number = self.numbers.get(key)
        if number is None or (begins and number in self.begun):
            number = self.numbers[key] = self.add(*key, attributes)
        if begins:
            self.begun.add(number)
        return number

    def add(self, name: bytes, gene_id: bytes, contig: bytes, strand: bytes, attributes: bytes) -> int:
        """Add a transcript."""
        genes = self.genes_of.setdefault(name, set())
        further = gene_id in genes
        genes.add(gene_id)
        unique, copy = name, 0
        while unique in self.names:
            copy += 1
            unique = b"%s_%d" % (name, copy)
        self.names.add(unique)
        called = GENE_NAME.search(attributes) or GENE.search(attributes)
        gene_name = called[1] if called else None
        where = intern(contig.decode(errors="replace"))
        self.transcripts.append(Transcript(unique, name, gene_id, gene_name, where, strand == b"-", further))
        return len(self.transcripts) - 1


def read_annotation(path: Path, copy: BinaryIO, problems: Problems) -> Annotation:
    """Read the transcripts of a GTF, and write its rows to `copy`, no two transcripts under one name."""
    places, gene_names = Places(), {}
    owners, starts, ends, rows = (array("q") for _ in range(4))
    nameless = array("q")
    row = number = 0
    before: tuple[bytes, ...] = ()
    try:
        with opened(path) as file:
            for row, line in enumerate(file, start=1):
                text = line.rstrip(b"\r\n")
                fields = text.split(b"\t", 8)
                attributes = fields[-1]
                if text.startswith(b"#") or not text:
                    copy.write(text + b"\n")
                    continue
                if len(fields) < 9 or GFF3.match(attributes):
                    found = "attributes of GFF3 (ID=...)" if fields[8:] else f"{len(fields)} columns"
                    problems.add(f"{path.name}, row {row}", found, A_GTF)
                    if fields[8:]:
                        break
                    continue
                contig, _, feature, start, end, _, strand, _, _ = fields
                transcript, gene = TRANSCRIPT_ID.search(attributes), GENE_ID.search(attributes)
                if transcript and gene:
                    key = transcript[1], gene[1], contig, strand
                    if key != before or feature == b"transcript":
                        before, number = key, places.number_of(key, feature == b"transcript", attributes)
                    if (name := places.transcripts[number].name) != transcript[1]:
                        at, to = transcript.span(1)
                        text = b"\t".join([*fields[:8], attributes[:at] + name + attributes[to:]])
                elif gene and feature == b"gene" and (called := GENE_NAME.search(attributes)):
                    gene_names[gene[1]] = called[1]
                if feature == b"exon" and not transcript:
                    nameless.append(row)
                    continue
                copy.write(text + b"\n")
                if feature == b"exon":
                    if fault := fault_of_exon(fields, gene is not None):
                        problems.add(f"{path.name}, row {row}", *fault)
                        continue
                    owners.append(number)
                    starts.append(int(start) - 1)
                    ends.append(int(end))
                    rows.append(row)
    except DAMAGED:
        problems.add(f"{path.name}, row {row + 1}", BROKEN_OFF, COMPLETE)
    if not owners and nameless:
        found = f"an exon without transcript_id, as all {len(nameless):,} are"
        problems.add(f"{path.name}, row {nameless[0]}", found, "gene_id and transcript_id in each exon")
    elif not owners and not problems.found:
        expected = "rows of feature exon, each with gene_id and transcript_id"
        problems.add(path.name, f"{row:,} rows and no exon among them", expected)
    exons = (np.array(each, dtype=np.int64) for each in (owners, starts, ends, rows))
    return arranged(places.transcripts, gene_names, *exons)._replace(nameless=len(nameless))


def fault_of_exon(fields: list[bytes], gene: bool) -> tuple[str, str] | None:
    """Say what is wrong with the row of a transcript's exon, and what is expected; None if nothing is."""
    if not gene:
        return "an exon without gene_id", "gene_id and transcript_id in each exon"
    start, end, strand = fields[3], fields[4], fields[6]
    if start.isdigit() and end.isdigit() and 0 < int(start) <= int(end) and strand in (b"+", b"-"):
        return None
    return f"an exon from {shown(start)} to {shown(end)} on strand {shown(strand)}", A_GTF


def arranged(
    transcripts: list[Transcript],
    gene_names: dict[bytes, bytes],
    owners: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    rows: np.ndarray,
) -> Annotation:
    """Sort the exons, leave out transcripts without any, and name the genes that their rows do not name."""
    number = np.bincount(owners, minlength=len(transcripts))
    order = np.lexsort((starts, owners))
    kept = [each for each, exons in zip(transcripts, number, strict=True) if exons]
    for each in kept:
        if each.gene_name:
            gene_names.setdefault(each.gene_id, each.gene_name)
    kept = [
        each if each.gene_name else each._replace(gene_name=gene_names.get(each.gene_id, each.gene_id))
        for each in kept
    ]
    first = np.concatenate([[0], np.cumsum(number[number > 0])])
    return Annotation(kept, first, starts[order], ends[order], rows[order])


def copy_genome(
    path: Path, results: Path, annotation: Annotation, cut: BinaryIO | None, problems: Problems
) -> tuple[dict[str, int], Counter[str]]:
    """Write genome.fa and its index, and cut the transcripts; return lengths, and what was left out."""
    lengths: dict[str, int] = {}
    left_out: Counter[str] = Counter()
    on, copies = annotation.by_contig(), annotation.second_copies()
    offset = 0
    with (results / "genome.fa").open("wb") as genome, (results / "genome.fa.fai").open("w") as index:
        for record in records_of(path, problems):
            kept: list[bytes] = []
            wanted = cut is not None and record.name in on
            bases = copied(record.bases, kept) if wanted else record.bases
            length = lengths[record.name] = write_record(genome, record.name, bases)
            offset += len(record.name.encode()) + 2
            width = min(length, WIDTH)
            index.write(f"{record.name}\t{length}\t{offset}\t{width}\t{width + 1}\n")
            offset += length + -(-length // WIDTH)
            if wanted:
                sequence = b"".join(kept)
                left_out += cut_transcripts(cut, sequence, annotation, on[record.name], copies)
    return lengths, left_out


def copied(pieces: Iterable[bytes], kept: list[bytes]) -> Iterator[bytes]:
    """Yield the pieces, and keep them in upper case."""
    for piece in pieces:
        kept.append(piece.translate(AS_DNA))
        yield piece


def cut_transcripts(
    file: BinaryIO, sequence: bytes, annotation: Annotation, numbers: Iterable[int], copies: set[bytes]
) -> Counter[str]:
    """Write the transcripts of these numbers, all of one contig; count what is left out, and why."""
    left_out: Counter[str] = Counter()
    first = annotation.first
    for number in numbers:
        transcript = annotation.transcripts[number]
        exons = slice(first[number], first[number + 1])
        ends = annotation.ends[exons].tolist()
        starts = [max(pair) for pair in zip(annotation.starts[exons].tolist(), [0, *ends], strict=False)]
        spliced = b"".join(sequence[start:end] for start, end in zip(starts, ends, strict=True))
        if transcript.name in copies:
            left_out[SECOND] += 1
        elif not spliced.strip(b"N"):
            left_out[MASKED] += 1
        else:
            if transcript.reverse:
                spliced = spliced.translate(COMPLEMENT)[::-1]
            write_record(file, transcript.name.decode(), [spliced])
    return left_out


def copy_transcripts(
    path: Path, results: Path, annotation: Annotation, problems: Problems
) -> tuple[Counter[str], int]:
    """Write the given transcripts under clean names; count what is left out, and names that the GTF lacks."""
    names = {each.name for each in annotation.transcripts}
    bare = {VERSION.sub(b"", name) for name in names}
    copies = annotation.second_copies()
    left_out: Counter[str] = Counter()
    strange: list[str] = []
    shared = 0
    with (results / "transcripts.fa").open("wb") as file:
        for record in records_of(path, problems):
            name = record.name.partition("|")[0].encode()
            plain = VERSION.sub(b"", name)
            if name not in names and plain in names:
                name = plain
            shared += name in names or plain in bare
            if name not in names:
                strange.append(record.name)
            bases = b"".join(record.bases).translate(AS_DNA)
            if name in copies:
                left_out[SECOND] += 1
            else:
                write_record(file, name.decode(), [bases])
    if strange and names and not shared:
        one = annotation.transcripts[0].name.decode()
        found = f"{listed(strange)}, none of which is in the GTF (such as {one})"
        problems.add(f"{path.name}, names", found, "the transcripts of the GTF, named by their ids")
    return left_out, len(strange)


def check_contigs(
    annotation: Annotation, lengths: dict[str, int], gtf: str, fasta: str, problems: Problems
) -> list[str]:
    """Hold the contigs of exons to those of the FASTA: report what is wrong, return notes on what is not."""
    on = annotation.by_contig()
    absent = [contig for contig in on if contig not in lengths]
    reach = np.maximum.reduceat(annotation.ends, annotation.first[:-1])
    rows = annotation.rows
    for contig, numbers in on.items():
        far = numbers[int(np.argmax(reach[numbers]))]
        if reach[far] > lengths.get(contig, reach[far]):
            exons = slice(annotation.first[far], annotation.first[far + 1])
            row = rows[exons][np.argmax(annotation.ends[exons])]
            found = (
                f"an exon up to {reach[far]:,} of {contig}, which has {lengths[contig]:,} bases in {fasta}"
            )
            problems.add(f"{gtf}, row {row}", found, ONE_ASSEMBLY, f"{gtf}, exons beyond their contigs")
    if not absent:
        return []
    genes = {each.gene_id for each in annotation.transcripts}
    lost = {annotation.transcripts[number].gene_id for contig in absent for number in on[contig]}
    if len(absent) < len(on) and len(lost) <= len(genes) / 2:
        many = f"{len(absent):,} contigs of the GTF, with {len(lost):,} of {len(genes):,} genes"
        return [f"not in the FASTA: {many}: {listed(absent)}"]
    row = rows[annotation.first[on[absent[0]][0]]]
    found = (
        f"contigs {listed(absent)}, with {len(lost):,} of {len(genes):,} genes, none of which is in {fasta}: "
        f"it has {listed(lengths)}{reason(absent, lengths)}"
    )
    problems.add(f"{gtf}, row {row}", found, ONE_ASSEMBLY)
    return []


def reason(absent: Iterable[str], lengths: Iterable[str]) -> str:
    """Say how contigs could be meant that differ in name only; empty if they do not."""
    for change, said in (
        (lambda name: name.removeprefix("chr"), "only one of the two writes chr before the names"),
        (chromosome, "one of the two has RefSeq's accessions, as NC_000001.11 for chromosome 1"),
        (
            lambda name: re.sub(r"\.\d+$", "", name),
            "they have other versions, or only one of the two has any",
        ),
    ):
        if {change(name) for name in absent} & {change(name) for name in lengths}:
            return f" ({said})"
    return ""


def chromosome(name: str) -> str:
    """Turn RefSeq's accession of a human chromosome, or a name with or without chr, into 1 to 22, X, Y, M."""
    if found := CHROMOSOME.fullmatch(name):
        return {23: "X", 24: "Y"}.get(int(found[1]), str(int(found[1])))
    if name.partition(".")[0] == "NC_012920":
        return "M"
    return name.removeprefix("chr").replace("MT", "M")


def the_file(folder: Path) -> Path | None:
    """Find the file of a folder that holds one or is not there."""
    return next(iter(sorted(folder.glob("*"))), None)


def write_genes(annotation: Annotation, path: Path) -> None:
    """Write transcript_id, gene_id, gene_name, a row a transcript."""
    with path.open("wb") as file:
        file.write(b"transcript_id\tgene_id\tgene_name\n")
        file.writelines(
            b"%s\t%s\t%s\n" % (each.name, each.gene_id, each.gene_name) for each in annotation.transcripts
        )


def notes_on(annotation: Annotation, left_out: Counter[str], strange: int) -> Iterator[str]:
    """Say what was renamed, left out, or is in one of the files only."""
    if renamed := sum(each.name != each.given for each in annotation.transcripts):
        yield f"renamed with _1, _2 at the end, for others have the same id: {renamed:,} transcripts"
    if annotation.nameless:
        yield f"left out of the GTF: {annotation.nameless:,} exons without transcript_id"
    for what, number in left_out.items():
        yield f"left out of transcripts.fa: {number:,} {what}"
    if strange:
        yield f"of the transcripts given, {strange:,} are not in the GTF by this id"


@click.command(cls=Script)
@click.option(
    "--fasta",
    type=FOLDER,
    required=True,
    help="Folder of the genome's FASTA, plain, gz or bgz; absent: none.",
)
@click.option("--gtf", type=INPUT, required=True, help="GTF of the genome, plain or gz.")
@click.option(
    "--transcripts",
    type=FOLDER,
    required=True,
    help="Folder of the transcripts' FASTA; absent: cut from the genome.",
)
@RESULTS
def main(fasta: Path, gtf: Path, transcripts: Path, results: Path) -> None:
    """Write genome.fa and its index, annotation.gtf, transcripts.fa, transcripts.tsv and notes.tsv."""
    problems = Problems()
    genome, given = the_file(fasta), the_file(transcripts)
    left_out: Counter[str] = Counter()
    notes: list[str] = []
    strange = 0
    with (results / "annotation.gtf").open("wb") as copy:
        annotation = read_annotation(gtf, copy, problems)
    if genome:
        with ExitStack() as stack:
            cut = None if given else stack.enter_context((results / "transcripts.fa").open("wb"))
            lengths, left_out = copy_genome(genome, results, annotation, cut, problems)
        # A file that breaks off lacks contigs that it should have.
        if annotation.transcripts and COMPLETE not in (expected for _, expected in problems.found):
            notes += check_contigs(annotation, lengths, gtf.name, genome.name, problems)
    if given:
        left_out, strange = copy_transcripts(given, results, annotation, problems)
    if problems.found:
        raise InputError(str(problems))
    if genome and not (results / "transcripts.fa").stat().st_size:
        found = f"transcripts of N alone, or copies of others ({left_out.total():,})"
        raise InputError(f"{(given or genome).name}: found {found}; expected the sequence of at least one")

    notes += notes_on(annotation, left_out, strange)
    write_genes(annotation, results / "transcripts.tsv")
    write_table(pd.DataFrame({"note": notes}, dtype=object), results / "notes.tsv")
    write_versions(results / "versions.tsv", "numpy", "pandas")


if __name__ == "__main__":
    main()
