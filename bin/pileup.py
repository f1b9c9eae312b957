#!/usr/bin/env python3
"""Draw the reads at genotyped loci and discovered variants: a figure a variant and line.

Which      Loci in the lines that are not reference in all samples, and further variants of each line.
Counts     Fragments that count_alleles counts: of two mates that show one base the better counts, bases
           below the base quality and alignments below the mapping quality do not; neither do secondary and
           supplementary alignments, flagged duplicates and those that failed quality control. A gap that is a
           splice is no coverage. `depth` is bases and deletions.
Drawn      A random choice of the fragments (by seed, sample and variant), as many as fit, and said so; those
           that differ from the reference on top. Coverage is that of all fragments.
Order      Of the genome, as in a genome browser: a gene of the minus strand reads from right to left.

Reference: Robinson et al. 2011, Nature Biotechnology 29:24, doi:10.1038/nbt.1754 (IGV)
"""

import re
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common.aligned_reads import find_alignment, open_alignment
from common.annotation import Transcript, spliced_sequence
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.figures import save_figure
from common.multiqc import write_versions
from common.pileup_figure import Panel, draw, write_figures
from common.tables import SAMPLES, TARGET_GENES, read_table, write_table
from common.target_sites import find_targets

FLANK = 35  # bases on either side of a variant
LARGEST = 60  # of a variant, in bases; a longer one is drawn at its first bases
MOST_FIGURES = 60
BASES = "ACGT"
NOTHING, OTHER, DELETED, SPLICED = -1, 4, 5, 6  # beside 0 to 3, the BASES
CODE = np.full(256, OTHER, dtype=np.int8)
CODE[[ord(base) for base in BASES]] = range(4)
QUALITY_OF_GAP = 93  # a gap is as sure as the alignment
MATCHES, INSERTION, DELETION, SKIP, SOFT_CLIP = (0, 7, 8), 1, 2, 3, 4
LEFT_OUT = 0x4 | 0x100 | 0x200 | 0x400 | 0x800  # unmapped, secondary, failed, duplicate, supplementary
SITE = re.compile(r"c\.(?P<first>[-*]?\d+([+-]\d+)?)(_(?P<last>[-*]?\d+([+-]\d+)?))?")
GENOTYPES = dict.fromkeys(["sample", "line", "gene", "hgvs_c", "hgvs_p", "genotype"], "str")
FIGURES = [
    *("figure", "line", "gene", "hgvs_c", "hgvs_p", "chrom", "start", "end"),
    *("samples", "fragments", "drawn", "status", "reason"),
]


class Variant(NamedTuple):
    """A variant of a line that is to be drawn."""

    gene: str
    hgvs_c: str
    hgvs_p: str
    line: str
    seen: bool  # in some sample of the line
    reference: bool  # in all samples of the line: there is nothing to look at


class Window(NamedTuple):
    """A stretch of the genome around a variant, which is at `first` to `last`, the end exclusive."""

    contig: str
    start: int
    end: int
    first: int
    last: int


class Fragments(NamedTuple):
    """What the fragments of a sample show in a window: arrays of fragments x positions."""

    codes: np.ndarray
    qualities: np.ndarray
    insertions: list[set[int]]  # of each fragment: places in the window before which bases are inserted


def variants_of(genotypes: pd.DataFrame, discovery: pd.DataFrame) -> list[Variant]:
    """List what may be drawn: every locus in every line, other variants where a line has them.

    Those that some sample of the line has come first.
    """
    named = genotypes.assign(
        seen=genotypes.genotype.isin(["het", "hom", "ambiguous"]), reference=genotypes.genotype == "ref"
    )
    found = discovery[discovery.genotype.isin(["het", "hom"]) & ~discovery.consequence.map(is_silent)]
    both = pd.concat([named, found.assign(seen=True, reference=False)])
    keys = ["gene", "hgvs_c", "hgvs_p", "line"]
    groups = both.fillna({"hgvs_p": ""}).groupby(keys, sort=False)
    states = groups.agg({"seen": "any", "reference": "all"})
    variants = [
        Variant(*key, bool(seen), bool(all_ref)) for key, seen, all_ref in states.itertuples(name=None)
    ]
    return sorted(variants, key=lambda variant: not variant.seen)


def is_silent(consequence: str | float) -> bool:
    """Whether a variant changes neither the protein nor a splice site."""
    terms = str(consequence).split("&")
    return all(term in ("synonymous_variant", "intron_variant") or "UTR" in term for term in terms)


def window_of(variant: Variant, transcript: Transcript, length: int) -> Window:
    """Place a window around a variant of a transcript, on a contig of this length."""
    place = SITE.match(variant.hgvs_c)
    ends = [transcript.coding_to_genome(place[name] or place["first"]) for name in ("first", "last")]
    first, last = min(ends), min(max(ends) + 1, min(ends) + LARGEST)
    return Window(transcript.contig, max(0, first - FLANK), min(length, last + FLANK), first, last)


def show(read: pysam.AlignedSegment, window: Window, codes: np.ndarray, qualities: np.ndarray) -> set[int]:
    """Write what a read shows into a row of codes and qualities; return where bases are inserted."""
    sequence = CODE[np.frombuffer(read.query_sequence.upper().encode(), dtype=np.uint8)]
    given = read.query_qualities
    quality = np.asarray(given, dtype=np.int16) if given is not None else np.full(len(sequence), 255)
    at, place, inserted = 0, read.reference_start, set()
    for kind, length in read.cigartuples:
        if kind in (*MATCHES, DELETION, SKIP):
            low, high = max(place, window.start), min(place + length, window.end)
            if low < high:
                own = slice(low - window.start, high - window.start)
                if kind in MATCHES:
                    shown = slice(at + low - place, at + high - place)
                    better = quality[shown] > qualities[own]
                    codes[own] = np.where(better, sequence[shown], codes[own])
                    qualities[own] = np.where(better, quality[shown], qualities[own])
                else:
                    empty = codes[own] == NOTHING
                    codes[own] = np.where(empty, DELETED if kind == DELETION else SPLICED, codes[own])
                    qualities[own] = np.where(empty, QUALITY_OF_GAP, qualities[own])
            place += length
        elif kind == INSERTION and window.start < place < window.end:
            inserted.add(place - window.start)
        if kind in (*MATCHES, INSERTION, SOFT_CLIP):
            at += length
    return inserted


def read_fragments(alignment: pysam.AlignmentFile, window: Window, min_mapping_quality: int) -> Fragments:
    """Read the fragments that show anything of a window."""
    rows: dict[str, int] = {}
    codes, qualities, insertions = [], [], []
    size = window.end - window.start
    for read in alignment.fetch(window.contig, window.start, window.end):
        if read.flag & LEFT_OUT or read.mapping_quality < min_mapping_quality or not read.query_sequence:
            continue
        row = rows.setdefault(read.query_name, len(rows))
        if row == len(codes):
            codes.append(np.full(size, NOTHING, dtype=np.int8))
            qualities.append(np.full(size, -1, dtype=np.int16))
            insertions.append(set())
        insertions[row] |= show(read, window, codes[row], qualities[row])
    shape = (len(codes), size)
    return Fragments(
        np.array(codes, dtype=np.int8).reshape(shape),
        np.array(qualities, dtype=np.int16).reshape(shape),
        insertions,
    )


def count_bases(fragments: Fragments, min_base_quality: int) -> pd.DataFrame:
    """Count the bases, deletions, splices and insertions at each position of a window."""
    counted = np.where(fragments.qualities >= min_base_quality, fragments.codes, NOTHING)
    kinds = {**dict(zip(BASES, range(4), strict=True)), "deletion": DELETED, "splice": SPLICED}
    counts = pd.DataFrame({name: (counted == code).sum(axis=0) for name, code in kinds.items()})
    places = [place for inserted in fragments.insertions for place in inserted]
    counts["insertion"] = np.bincount(places, minlength=len(counts))
    counts["depth"] = counts[[*BASES, "deletion"]].sum(axis=1)
    return counts


def choose(
    fragments: Fragments, reference: np.ndarray, site: slice, rows: int, random: np.random.Generator
) -> list[tuple[int, int]]:
    """Choose fragments to draw at random, and give each a row: (fragment, row) pairs.

    Those that span the site are preferred; of those chosen, what differs from the reference there is on top.
    """
    shown = fragments.codes != NOTHING
    spans = shown[:, site].any(axis=1)
    shuffled = random.permutation(len(spans))
    picked = np.sort(shuffled[np.argsort(~spans[shuffled], kind="stable")][:rows])
    codes = fragments.codes[picked]
    bases = (codes[:, site] != NOTHING) & (codes[:, site] != SPLICED)
    differs = (bases & (codes[:, site] != reference[site])).any(axis=1)
    begins = (codes != NOTHING).argmax(axis=1)
    placed, ends = [], []
    for at in np.lexsort((begins, ~differs, ~bases.any(axis=1), ~spans[picked])):
        places = np.flatnonzero(codes[at] != NOTHING)
        row = next((number for number, end in enumerate(ends) if end + 1 < places[0]), len(ends))
        ends[row : row + 1] = [places[-1]]
        placed.append((int(picked[at]), row))
    return placed


def describe(
    fragments: Fragments, placed: Sequence[tuple[int, int]], reference: np.ndarray, window: Window
) -> pd.DataFrame:
    """List what is drawn of each fragment: stretches of bases, deletions, splices; mismatches; insertions."""
    drawn = []
    for fragment, row in placed:
        codes = fragments.codes[fragment]
        kinds = np.select([codes == DELETED, codes == SPLICED, codes == NOTHING], [1, 2, 3], 0)
        breaks = np.flatnonzero(np.diff(kinds)) + 1
        for low, high in zip([0, *breaks], [*breaks, len(codes)], strict=True):
            if kinds[low] < 3:
                kind = ("bases", "deletion", "splice")[kinds[low]]
                drawn.append((row, kind, window.start + low + 1, window.start + high, ""))
        differs = (codes >= 0) & (codes < 4) & (codes != reference)
        for place in np.flatnonzero(differs):
            position = window.start + place + 1
            drawn.append((row, "mismatch", position, position, BASES[codes[place]]))
        for place in sorted(fragments.insertions[fragment]):
            drawn.append((row, "insertion", window.start + place, window.start + place + 1, ""))
    return pd.DataFrame(drawn, columns=["row", "element", "start", "end", "base"])


def codons_of(transcript: Transcript, window: Window, sequence: str) -> pd.DataFrame:
    """List the exonic positions of a window: exon, and codon and its bases where they are coding."""
    rows = []
    for position in range(window.start, window.end):
        offset = transcript.to_offset(position)
        if offset is not None:
            first, end = transcript.cds
            codon = (offset - first) // 3 + 1 if first <= offset < end else 0
            triplet = sequence[first + 3 * codon - 3 : first + 3 * codon] if codon else ""
            rows.append((position + 1, transcript.exon_of(offset) + 1, codon, triplet))
    return pd.DataFrame(rows, columns=["position", "exon", "codon", "triplet"])


class Sources(NamedTuple):
    """What figures are drawn from."""

    alignments: Path  # folder of <sample>.bam or .cram
    genome: Path
    scratch: Path  # for an index that is not there
    min_base_quality: int
    min_mapping_quality: int
    seed: int


def panels_of(
    samples: pd.DataFrame, window: Window, reference: np.ndarray, rows: int, sources: Sources, name: str
) -> list[Panel]:
    """Make the panel of each sample of a line; one without an alignment, or without the contig, is empty."""
    panels = []
    for sample in samples.itertuples():
        path = find_alignment(sources.alignments, sample.sample)
        fragments, why = Fragments(np.empty((0, len(reference))), np.empty((0, len(reference))), []), ""
        if path is None:
            why = "no alignment"
        else:
            with open_alignment(path, sources.genome, sources.scratch) as alignment:
                if window.contig in alignment.references:
                    fragments = read_fragments(alignment, window, sources.min_mapping_quality)
                else:
                    why = f"no contig {window.contig}"
        counts = count_bases(fragments, sources.min_base_quality)
        counts.insert(0, "position", np.arange(window.start, window.end) + 1)
        counts.insert(1, "reference", [BASES[code] if code < 4 else "N" for code in reference])
        random = np.random.default_rng([sources.seed, zlib.crc32(f"{name}\t{sample.sample}".encode())])
        site = slice(window.first - window.start, window.last - window.start)
        placed = choose(fragments, reference, site, rows, random)
        drawn = describe(fragments, placed, reference, window)
        says = why or f"{len(placed):,} of {len(fragments.codes):,} fragments"
        panels.append(
            Panel(
                sample.sample,
                sample.condition,
                sample.role,
                counts,
                drawn,
                says,
                len(fragments.codes),
                len(placed),
            )
        )
    return panels


def stem_of(variant: Variant) -> str:
    """Name the files of a variant's figure."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", f"{variant.gene}.{variant.hgvs_c}.{variant.line}")


def table_of(panels: Iterable[Panel], codons: pd.DataFrame) -> pd.DataFrame:
    """Put all that a figure draws into one table: counts of each base, and the elements of fragments."""
    parts = [panel.counts.assign(sample=panel.sample, element="coverage") for panel in panels]
    parts += [panel.drawn.assign(sample=panel.sample) for panel in panels if len(panel.drawn)]
    table = pd.concat(parts, ignore_index=True).merge(codons, on="position", how="left")
    columns = ["sample", "element", "row", "start", "end", "base", "position", "reference"]
    counts = [*BASES, "deletion", "splice", "insertion", "depth", "exon", "codon"]
    return table[columns + counts + ["triplet"]].astype(
        dict.fromkeys(["row", "start", "end", "position", *counts], "Int64")
    )


@click.command(cls=Script)
@click.option("--samples", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate.")
@click.option("--alignments", type=FOLDER, required=True, help="Folder of <sample>.bam or .cram, indexed.")
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, with its .fai.")
@click.option("--annotation", type=INPUT, required=True, help="GTF.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@click.option("--genotypes", type=INPUT, required=True, help="genotypes.tsv of locus_genotype.")
@click.option("--discovery", type=INPUT, required=True, help="discovery.tsv of locus_genotype.")
@click.option(
    "--min-base-quality",
    type=int,
    default=20,
    show_default=True,
    help="Phred quality from which a base is counted.",
)
@click.option(
    "--min-mapping-quality",
    type=int,
    default=20,
    show_default=True,
    help="Mapping quality from which an alignment is counted.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the choice of fragments.")
@RESULTS
def main(
    samples: Path,
    alignments: Path,
    genome: Path,
    annotation: Path,
    target_genes: Path,
    genotypes: Path,
    discovery: Path,
    min_base_quality: int,
    min_mapping_quality: int,
    seed: int,
    results: Path,
) -> None:
    """Draw the reads at loci and variants, line by line."""
    sheet = read_table(samples, SAMPLES)
    targets = read_table(target_genes, TARGET_GENES)
    variants = variants_of(
        read_table(genotypes, GENOTYPES), read_table(discovery, GENOTYPES | {"consequence": "str"})
    )
    listed, made = [], {}
    results.mkdir(parents=True, exist_ok=True)
    with pysam.FastaFile(str(genome)) as sequences, tempfile.TemporaryDirectory(dir=results) as scratch:
        settings = (min_base_quality, min_mapping_quality, seed)
        sources = Sources(alignments, genome, Path(scratch), *settings)
        transcripts = find_targets(targets, annotation, sequences)
        for number, variant in enumerate(variants):
            row = variant._asdict() | {"status": "ok", "reason": ""}
            del row["reference"]
            listed.append(row)
            transcript = transcripts.get(variant.gene, "no_transcript")
            if isinstance(transcript, str):
                row |= {"status": transcript, "reason": f"the annotation does not place {variant.hgvs_c}"}
                continue
            if variant.reference:
                reason = "reference in all samples of the line: genotypes.tsv has their depths"
                row |= {"status": "reference", "reason": reason}
                continue
            if number >= MOST_FIGURES:
                row |= {"status": "not_drawn", "reason": f"{MOST_FIGURES} figures are drawn"}
                continue
            window = window_of(variant, transcript, sequences.get_reference_length(transcript.contig))
            bases = sequences.fetch(window.contig, window.start, window.end).upper()
            reference = CODE[np.frombuffer(bases.encode(), dtype=np.uint8)]
            own, stem = sheet[sheet.line == variant.line], stem_of(variant)
            panels = panels_of(own, window, reference, max(4, 60 // len(own)), sources, stem)
            codons = codons_of(transcript, window, spliced_sequence(transcript, sequences))
            figure = draw(panels, codons, bases, window, variant, transcript)
            save_figure(figure, table_of(panels, codons), results / stem)
            made[stem] = (figure, variant)
            fragments = sum(panel.fragments for panel in panels)
            row |= {
                "figure": f"{stem}.png",
                "chrom": window.contig,
                "start": window.start + 1,
                "end": window.end,
            }
            row |= {
                "samples": len(own),
                "fragments": fragments,
                "drawn": sum(panel.placed for panel in panels),
            }
            if not fragments:
                row |= {"status": "no_reads", "reason": f"no fragment in {len(own)} samples"}
    table = pd.DataFrame(listed).reindex(columns=FIGURES)
    numbers = ["start", "end", "samples", "fragments", "drawn"]
    write_table(table.astype(dict.fromkeys(numbers, "Int64")), results / "figures.tsv")
    write_figures(results / "pileup_mqc.json", table, made)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "pysam")


if __name__ == "__main__":
    main()
