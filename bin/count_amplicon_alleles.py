#!/usr/bin/env python3
"""Count alleles per fragment in the inserts of amplicons: at every site, and of what may be a variant.

Reads      Alignments whose primers are clipped. Unmapped, secondary, supplementary and QC-failed ones are
           left out. Duplicates are kept: all fragments of an amplicon begin and end alike.
Fragment   Mates are one fragment, of the amplicon whose primers they begin with, and show what lies in
           its insert only: under a primer, the bases are the primer's. Overlapping mates count once: if
           they show one allele, the better quality holds; if not, the better one with the difference of
           the qualities (as CallOverlappingConsensusBases of fgbio). It is counted if its quality is
           --min-base-quality or more.
Site       A base of an insert. Each fragment's base there is counted; of insertions and deletions those
           that begin there, left-aligned, and that both mates show where both have 10 bases on either
           side.
Event      Differences of one fragment are one event in cis if no more than 1 base lies between
           substitutions (they may share a codon), or 5 where one is an insertion or deletion. Events are
           compared in normal form (Tan 2015). A mismatch that few fragments have, for the depth, is an
           error and joins no event.
Candidate  An event that 3 fragments of a sample show, with a share of half of --min-vaf or more. It is
           counted in every sample. A part of a larger candidate must be seen as often without that one;
           fragments that show the larger one show `other` of the part, and those that may show it are
           left out.
Allele     What the bases of a read spell: the changed bases of a substitution, of the lowest of their
           qualities; of an insertion or deletion all places where it could lie and 5 bases on both sides
           within the insert, of which one may be an error, of their mean quality. For these a read needs
           10 bases on both sides, whatever it shows, clipped primers among them, and where it ends as
           many more as it would have fewer with the longer allele. What spells neither is `other`; a read
           that only bases of low quality keep from an allele is left out.

References: Tan et al. 2015, Bioinformatics 31:2202, doi:10.1093/bioinformatics/btv112;
Li 2011, Bioinformatics 27:2987, doi:10.1093/bioinformatics/btr509
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common.aligned_reads import Part, Reads, ascii_of, gaps, lay_down, reads_across
from common.amplicon_piles import (
    PRIMERS,
    Amplicon,
    Pile,
    Stretch,
    amplicon_of,
    core_of,
    pile_of,
    stretches_of,
)
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.read_matrices import GAP
from common.tables import LIBRARY, read_table, write_table
from common.variant_sites import Sequence as Bases
from common.variant_sites import Variant, normal_form, vcf_fields

EXCLUDED = 0x4 | 0x100 | 0x200 | 0x800  # unmapped, secondary, failed, supplementary
REF, ALT, OTHER, NONE = 0, 1, 2, -1
DIFFERS, PERHAPS, SAME = range(3)
INDEL_FLANK, INDEL_OVERHANG, FLANK_ERRORS = 5, 10, 1
CIS_SUBSTITUTION, CIS_INDEL = 1, 5  # bases between differences of one event
MIN_FRAGMENTS = 3
BASES = "ACGT"
CODE = np.full(256, 5, dtype=np.uint8)  # of what is no base: not counted
CODE[ascii_of(BASES)] = range(4)
CODE[GAP] = 4
CHANGES = ["a", "c", "g", "t", "deletions", "insertions"]
SITES = ["sample", "chrom", "pos", "ref", "depth", *CHANGES]
VARIANT = ["chrom", "pos", "ref", "alt"]
STRANDS = ["alt_forward", "alt_reverse", "rest_forward", "rest_reverse"]
COUNTS = ["depth", "ref_count", "alt_count", "other_count", *STRANDS]
MEANS = ["alt_base_quality", "alt_read_position", "rest_read_position"]
ALLELES = ["sample", *VARIANT, "amplicon", *COUNTS, *MEANS, "status", "reason"]


class Settings(NamedTuple):
    """The parameters of the analysis."""

    min_vaf: float
    min_base_quality: int
    min_mapping_quality: int

    def enough(self, depth: np.ndarray | float) -> np.ndarray:
        """Return how many fragments make a candidate."""
        return np.maximum(MIN_FRAGMENTS, np.asarray(depth) * self.min_vaf / 2)


class Calls(NamedTuple):
    """What fragments show of a variant: a number a fragment that is counted."""

    fragment: np.ndarray
    allele: np.ndarray
    quality: np.ndarray
    position: np.ndarray  # bases to the nearer end of what was read
    forward: np.ndarray  # shown by the forward read
    reverse: np.ndarray
    amplicon: np.ndarray  # its number in the stretch


def consensus(pile: Pile) -> tuple[np.ndarray, np.ndarray]:
    """Put mates together, base by base: bases and qualities (fragments x places); 0 is not covered."""
    (base, other), (quality, against) = pile.bases, pile.qualities
    better = np.where(quality >= against, base, other)
    apart = np.maximum(quality, against) - np.minimum(quality, against)
    return better, np.where(base == other, np.maximum(quality, against), apart)


# ---- what differs from the genome


class Seen(NamedTuple):
    """What a sample shows in a stretch: counts a site, and events."""

    depth: np.ndarray
    changed: np.ndarray  # sites x (A, C, G, T, deletions, insertions); the genome's base is 0
    events: dict[Variant, int]  # fragments


def look_at(reads: Reads, stretch: Stretch, settings: Settings) -> Seen:
    """Count what differs in the inserts of a stretch, and put differences of one fragment together."""
    depth = np.zeros(len(stretch.places), dtype=np.int64)
    changed = np.zeros((len(depth), 6), dtype=np.int64)
    genome = ascii_of(stretch.sequence.bases)
    amplicon = amplicon_of(reads, stretch.amplicons)
    parts = []
    for number, each in enumerate(stretch.amplicons):
        own = np.flatnonzero(amplicon == number)
        if not len(own):
            continue
        pile = pile_of(reads, own, each)
        base, quality = consensus(pile)
        good = (quality >= settings.min_base_quality) & (quality > 0)
        width = each.end - each.start
        ref = genome[each.start - stretch.sequence.start :][:width]
        row, column = np.nonzero(good & (base != ref))
        code = CODE[base[row, column]]
        counts = np.bincount(column * 6 + code, minlength=6 * width).reshape(width, 6)
        covering = good.sum(axis=0) - counts[:, 5]
        span = slice(each.site, each.site + width)
        depth[span] += covering
        changed[span, :4] += counts[:, :4]
        # A mismatch that few fragments have is an error: it would hide the event near.
        often = counts >= np.maximum(MIN_FRAGMENTS - 1, covering * settings.min_vaf / 4)[:, None]
        kept = often[column, code] & (code < 4)
        place, code, fragment = column[kept] + each.start, code[kept], pile.fragment[row[kept]]
        parts.append(
            pd.DataFrame(
                {"fragment": fragment, "start": place, "end": place + 1, "bases": list_of(code), "gap": False}
            )
        )
        found = gaps_of(reads, pile, each, stretch)
        parts.append(found)
        for (first, last, bases), fragments in found.groupby(["start", "end", "bases"]).size().items():
            variant = normal_form(first, stretch.sequence.cut(first, last), bases, stretch.sequence)
            kind = 4 + (len(variant.alt) > len(variant.ref))
            changed[stretch.column_of(variant.start), kind] += fragments
    differences = pd.concat(parts) if parts else pd.DataFrame(columns=["fragment"])
    return Seen(depth, changed, events_of(differences, stretch))


def list_of(codes: np.ndarray) -> np.ndarray:
    """Return the letters of bases."""
    return np.array(list(BASES), dtype=object)[codes]


def gaps_of(reads: Reads, pile: Pile, amplicon: Amplicon, stretch: Stretch) -> pd.DataFrame:
    """List the insertions and deletions of the fragments of an amplicon; mates that show the place agree."""
    searched = np.zeros(len(stretch.sequence.bases), dtype=bool)
    offset = stretch.sequence.start
    searched[amplicon.start - offset : amplicon.end - offset] = True
    found = gaps(reads, offset, searched)
    row = pile.row[found.owner]
    start, end = found.start + offset, found.end + offset
    inside = (row >= 0) & (start >= amplicon.start) & (end <= amplicon.end)
    covers = pile.low[:, row] <= start - INDEL_OVERHANG
    covers &= pile.high[:, row] >= end + INDEL_OVERHANG
    table = pd.DataFrame(
        {"fragment": pile.fragment[row], "start": start, "end": end, "bases": np.array(found.bases, object)}
    ).assign(covering=covers.sum(axis=0), gap=True)[inside]
    if table.empty:
        return table.drop(columns="covering")
    key = ["fragment", "start", "end", "bases"]
    table["showing"] = table.groupby(key).start.transform("size")
    agreed = table[table.showing >= table.covering].drop_duplicates(key)
    return agreed.drop(columns=["covering", "showing"])


def events_of(differences: pd.DataFrame, stretch: Stretch) -> dict[Variant, int]:
    """Put near differences of one fragment together, and count the fragments of each event."""
    if differences.empty:
        return {}
    table = differences.sort_values(["fragment", "start", "end"], ignore_index=True)
    fragment, start, end = (table[name].to_numpy(np.int64) for name in ("fragment", "start", "end"))
    gap = table.gap.to_numpy(bool)
    near = np.zeros(len(table), dtype=bool)
    either = gap[1:] | gap[:-1]
    near[1:] = start[1:] - end[:-1] <= np.where(either, CIS_INDEL, CIS_SUBSTITUTION)
    near[1:] &= fragment[1:] == fragment[:-1]
    fresh = np.flatnonzero(~near)
    # Equal events have equal differences: each kind of these has a random number, and they are summed.
    kind = table.groupby(["start", "end", "bases"], sort=False).ngroup().to_numpy()
    numbers = np.random.default_rng(0).integers(1 << 62, size=kind.max() + 1)
    _, first, counts = np.unique(np.add.reduceat(numbers[kind], fresh), return_index=True, return_counts=True)
    ends = np.append(fresh[1:], len(table))
    found: dict[Variant, int] = {}
    cut = stretch.sequence.cut
    for event, fragments in zip(first, counts, strict=True):
        begin = reached = int(start[fresh[event]])
        alt = ""
        for at in range(fresh[event], ends[event]):
            alt += cut(reached, int(start[at])) + table.bases[at]
            reached = int(end[at])
        variant = normal_form(begin, cut(begin, reached), alt, stretch.sequence)
        if variant.ref != variant.alt and set(variant.ref + variant.alt) <= set(BASES):
            found[variant] = found.get(variant, 0) + int(fragments)
    return found


# ---- alleles of a candidate


class Window(NamedTuple):
    """Where reads show an insertion or deletion, and what reference and variant spell there, as ASCII."""

    start: int
    end: int
    core: tuple[int, int]  # the places where it can lie
    haplotypes: tuple[np.ndarray, np.ndarray]


def window_of(variant: Variant, sequence: Bases, amplicon: Amplicon) -> Window:
    """Find where the reads of an amplicon must be compared with an insertion or deletion."""
    cut = sequence.cut
    low, high = core_of(variant, sequence)
    first, last = max(low - INDEL_FLANK, amplicon.start), min(high + INDEL_FLANK, amplicon.end)
    spelled = cut(first, low) + variant.alt + cut(low + len(variant.ref), last)
    return Window(first, last, (low, high), (ascii_of(cut(first, last)), ascii_of(spelled)))


def holds(amplicon: Amplicon, variant: Variant, sequence: Bases) -> bool:
    """Say whether all places where a variant can lie are in the insert."""
    low, high = core_of(variant, sequence)
    return amplicon.start <= low and high <= amplicon.end


def spelling(bases: np.ndarray, good: np.ndarray, haplotype: np.ndarray, window: Window) -> np.ndarray:
    """Say which reads (rows of bases) spell a haplotype: perhaps, if only bases of low quality deny it."""
    if bases.shape[1] != len(haplotype):
        return np.full(len(bases), DIFFERS)
    wrong = bases != haplotype
    core = slice(window.core[0] - window.start, len(haplotype) - (window.end - window.core[1]))
    denied = (wrong & good)[:, core].any(axis=1)
    denied |= (wrong & good).sum(axis=1) > FLANK_ERRORS
    return np.where(denied, DIFFERS, np.where(wrong[:, core].any(axis=1), PERHAPS, SAME))


def shown_substitution(
    pile: Pile, variant: Variant, amplicon: Amplicon
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tell the allele of each read (2 x fragments), its lowest quality, and bases to the end of the read."""
    ref, alt = ascii_of(variant.ref), ascii_of(variant.alt)
    changed = np.flatnonzero(ref != alt)
    columns = variant.start - amplicon.start + changed
    bases, quality = pile.bases[:, :, columns], pile.qualities[:, :, columns].min(axis=2)
    allele = np.full(quality.shape, OTHER, dtype=np.int8)
    allele[(bases == ref[changed]).all(axis=2)] = REF
    allele[(bases == alt[changed]).all(axis=2)] = ALT
    allele[(quality == 0) | (bases == ord("N")).any(axis=2)] = NONE
    position = np.minimum(variant.start - pile.low, pile.high - variant.start - len(variant.ref))
    return allele, quality.astype(float), position


def shown_indel(
    reads: Reads, pile: Pile, variant: Variant, amplicon: Amplicon, sequence: Bases, min_quality: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tell the allele of each read (2 x fragments), its mean quality, and bases to the end of the read."""
    window = window_of(variant, sequence, amplicon)
    allele = np.full(pile.low.shape, NONE, dtype=np.int8)
    quality = np.zeros(pile.low.shape)
    position = np.minimum(window.core[0] - pile.low, pile.high - window.core[1])
    longer = len(variant.alt) - len(variant.ref)
    more = np.zeros(4, dtype=np.int64)  # by allele, none the last
    more[[REF, ALT, OTHER]] = max(longer, 0), max(-longer, 0), abs(longer)
    owner, begin, end = reads_across(reads, reads.owner, window.start, window.end)
    row, strand = pile.row[owner], reads.reverse[owner].astype(int)
    known = (row >= 0) & (position[strand, row] >= INDEL_OVERHANG)
    owner, begin, end, row, strand = (each[known] for each in (owner, begin, end, row, strand))
    for width in np.unique(end - begin):
        some = np.flatnonzero(end - begin == width)
        inside = begin[some, None] + np.arange(width)
        # What is inserted or missing has the quality of the bases beside it, too.
        beside = np.clip(
            begin[some, None] + np.arange(-1, width + 1),
            reads.first[owner[some], None], reads.end[owner[some], None] - 1,
        )  # fmt: skip
        bases, good = reads.bases[inside], reads.qualities[inside] >= min_quality
        on_ref, on_alt = (spelling(bases, good, haplotype, window) for haplotype in window.haplotypes)
        unknown = (on_ref == on_alt) & (on_ref != DIFFERS) | (np.maximum(on_ref, on_alt) == PERHAPS)
        spelled = np.select([unknown, on_ref == SAME, on_alt == SAME], [NONE, REF, ALT], OTHER)
        allele[strand[some], row[some]] = spelled
        quality[strand[some], row[some]] = reads.qualities[beside].mean(axis=1)
    # A read of one length reaches further on the shorter allele, unless it has the whole product.
    reached = np.stack([pile.high[0] - window.core[1], window.core[0] - pile.low[1]])
    whole = np.stack([pile.high[0] >= amplicon.right_end, pile.low[1] <= amplicon.left_start])
    allele[~whole & (reached < INDEL_OVERHANG + more[allele])] = NONE
    return allele, np.where(allele == NONE, 0, quality), position


def of_fragments(
    allele: np.ndarray, quality: np.ndarray, position: np.ndarray, min_quality: int
) -> tuple[np.ndarray, ...]:
    """Put mates (2 x fragments) together: those that count, their alleles, qualities, positions, strands."""
    quality = np.where(allele == NONE, 0, quality)
    best = np.where(quality[0] >= quality[1], 0, 1)
    at = np.arange(allele.shape[1])
    held = allele[best, at]
    shows = (allele == held) & (held != NONE)
    against = np.where((allele != NONE) & ~shows, quality, 0).max(axis=0, initial=0)
    left = quality[best, at] - against
    counted = np.flatnonzero((held != NONE) & (left >= min_quality) & (left > 0))
    reached = np.where(shows, position, -1).max(axis=0, initial=-1)
    return counted, held[counted], left[counted], np.maximum(reached[counted], 0), *shows[:, counted]


def call(
    reads: Reads, piles: Mapping[int, Pile], variant: Variant, stretch: Stretch, min_quality: int
) -> Calls:
    """Tell the allele of each fragment that shows a candidate."""
    parts = []
    for number, pile in piles.items():
        amplicon = stretch.amplicons[number]
        if not holds(amplicon, variant, stretch.sequence):
            continue
        if len(variant.ref) == len(variant.alt):
            shown = shown_substitution(pile, variant, amplicon)
        else:
            shown = shown_indel(reads, pile, variant, amplicon, stretch.sequence, min_quality)
        counted, *rest = of_fragments(*shown, min_quality)
        parts.append((pile.fragment[counted], *rest, np.full(len(counted), number)))
    kinds = (np.int64, np.int8, float, np.int64, bool, bool, np.int64)
    return Calls(
        *(
            np.concatenate([np.zeros(0, kind), *each]).astype(kind)
            for kind, each in zip(kinds, zip(*parts, strict=True) if parts else [[]] * 7, strict=True)
        )
    )


def is_part(event: Variant, larger: Variant) -> bool:
    """Say whether an event lies where a larger one does."""
    size, larger_size = (len(each.ref) + len(each.alt) for each in (event, larger))
    behind = event.start > larger.start + len(larger.ref) or larger.start > event.start + len(event.ref)
    return size < larger_size and not behind


def without(calls: Calls, larger: Calls) -> Calls:
    """Count fragments that show a larger event as `other`, and leave out those that may."""
    at = np.searchsorted(larger.fragment, calls.fragment)
    at = np.minimum(at, max(len(larger.fragment) - 1, 0))
    known = larger.fragment[at] == calls.fragment if len(larger.fragment) else np.zeros(len(at), dtype=bool)
    allele = calls.allele.copy()
    allele[known & (allele == ALT) & (larger.allele[at] == ALT if len(larger.allele) else False)] = OTHER
    kept = known | (allele != ALT)
    return Calls(*(each[kept] for each in calls._replace(allele=allele)))


def ordered(calls: Calls) -> Calls:
    """Put calls in the order of their fragments."""
    order = np.argsort(calls.fragment, kind="stable")
    return Calls(*(each[order] for each in calls))


def count(
    reads: Reads, candidates: Sequence[Variant], stretch: Stretch, settings: Settings
) -> dict[Variant, tuple[Calls, bool]]:
    """Tell what fragments show of the candidates of a stretch, and which are more than a part of another."""
    amplicon = amplicon_of(reads, stretch.amplicons)
    piles = {}
    for number, each in enumerate(stretch.amplicons):
        own = np.flatnonzero(amplicon == number)
        if len(own) and any(holds(each, variant, stretch.sequence) for variant in candidates):
            piles[number] = pile_of(reads, own, each)
    quality = settings.min_base_quality
    calls = {variant: ordered(call(reads, piles, variant, stretch, quality)) for variant in candidates}
    counted = {}
    for variant, own in calls.items():
        for larger in candidates:
            if is_part(variant, larger) and (calls[larger].allele == ALT).any():
                own = without(own, calls[larger])
        counted[variant] = own, bool((own.allele == ALT).sum() >= settings.enough(len(own.allele)))
    return counted


def rows_of(calls: Calls, variant: Variant, stretch: Stretch) -> list[dict[str, object]]:
    """Describe a candidate in a sample: a row an amplicon that covers it, or one without."""
    rows = []
    for number, amplicon in enumerate(stretch.amplicons):
        if not holds(amplicon, variant, stretch.sequence):
            continue
        own = Calls(*(each[calls.amplicon == number] for each in calls))
        shows = own.allele == ALT
        ref, alt, other = np.bincount(own.allele, minlength=3)
        sides = [(side & mine).sum() for mine in (shows, ~shows) for side in (own.forward, own.reverse)]
        means = [own.quality[shows], own.position[shows], own.position[~shows]]
        numbers = [
            len(shows),
            ref,
            alt,
            other,
            *sides,
            *(each.mean() if len(each) else np.nan for each in means),
        ]
        rows.append({"amplicon": amplicon.name} | dict(zip(COUNTS + MEANS, numbers, strict=True)))
    return rows or [{"amplicon": ""} | dict.fromkeys(COUNTS, 0)]


def find(
    samples: Sequence[str],
    stretches: Sequence[Stretch],
    parts: Mapping[tuple[str, str], Part],
    settings: Settings,
) -> tuple[pd.DataFrame, dict[str, list[Variant]]]:
    """Make sites.tsv, and find the candidates of each stretch, from left to right."""
    tables = []
    candidates: dict[str, set[Variant]] = {stretch.name: set() for stretch in stretches}
    for sample in samples:
        for stretch in stretches:
            sequence, places = stretch.sequence, stretch.places
            letters = np.frombuffer(sequence.bases.encode(), "S1").astype(str)[places - sequence.start]
            table = {"sample": sample, "chrom": sequence.contig, "pos": places + 1, "ref": letters}
            part = parts[sample, stretch.name]
            if part.reads:
                seen = look_at(part.load(), stretch, settings)
                table |= {"depth": seen.depth} | dict(zip(CHANGES, seen.changed.T, strict=True))
                candidates[stretch.name] |= {
                    variant
                    for variant, fragments in seen.events.items()
                    if fragments >= settings.enough(seen.depth[stretch.column_of(variant.start)])
                }
            tables.append(pd.DataFrame(table))
    sites = pd.concat(tables).reindex(columns=SITES).astype(dict.fromkeys(["depth", *CHANGES], "Int64"))
    return sites, {name: sorted(found) for name, found in candidates.items()}


def tabulate(
    samples: Sequence[str],
    stretches: Sequence[Stretch],
    candidates: Mapping[str, Sequence[Variant]],
    parts: Mapping[tuple[str, str], Part],
    settings: Settings,
) -> pd.DataFrame:
    """Make alleles.tsv: each candidate that is more than a part of another in a sample, in every sample."""
    rows, kept = [], set()
    for sample in samples:
        for stretch in stretches:
            wanted, part = candidates[stretch.name], parts[sample, stretch.name]
            says = {"status": part.status, "reason": part.reason}
            counted = count(part.load(), wanted, stretch, settings) if part.reads and wanted else {}
            kept |= {variant for variant, (_, whole) in counted.items() if whole}
            for variant in wanted:
                named = dict(zip(VARIANT, vcf_fields(variant, stretch.sequence), strict=True))
                row = {"sample": sample, "variant": variant} | named | says
                own = rows_of(counted[variant][0], variant, stretch) if counted else [{}]
                rows += [row | each for each in own]
    table = pd.DataFrame(rows, columns=["variant", *ALLELES])
    table = table[table.variant.isin(kept)].drop(columns="variant")
    return table.astype(dict.fromkeys(["pos", *COUNTS], "Int64"))


@click.command(cls=Script)
@click.option("--amplicons", type=INPUT, required=True, help="TSV: sample, line, condition, role.")
@click.option(
    "--alignments", type=FOLDER, required=True, help="Folder of <sample>.bam, primers clipped; may be absent."
)
@click.option(
    "--primers", type=INPUT, required=True, help="TSV: chrom, start, end, amplicon, left_start ...."
)
@click.option("--genome", type=INPUT, required=True, help="FASTA of the alignments, with its index .fai.")
@click.option(
    "--min-vaf",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.02,
    show_default=True,
    help="Share of fragments of which half makes a candidate.",
)
@click.option(
    "--min-base-quality",
    type=click.IntRange(0, 60),
    default=20,
    show_default=True,
    help="Phred quality from which a base is counted.",
)
@click.option(
    "--min-mapping-quality",
    type=click.IntRange(0, 255),
    default=20,
    show_default=True,
    help="Mapping quality from which an alignment is counted.",
)
@RESULTS
def main(
    amplicons: Path,
    alignments: Path,
    primers: Path,
    genome: Path,
    min_vaf: float,
    min_base_quality: int,
    min_mapping_quality: int,
    results: Path,
) -> None:
    """Count alleles in the amplicons of all samples."""
    settings = Settings(min_vaf, min_base_quality, min_mapping_quality)
    samples = list(read_table(amplicons, LIBRARY)["sample"])
    results.mkdir(parents=True, exist_ok=True)
    with pysam.FastaFile(str(genome)) as fasta, tempfile.TemporaryDirectory(dir=results) as scratch:
        stretches = stretches_of(read_table(primers, PRIMERS), fasta)
        wanted = {
            stretch.name: (stretch.sequence.contig, [(each.start, each.end) for each in stretch.amplicons])
            for stretch in stretches
        }
        parts = lay_down(samples, alignments, fasta, wanted, min_mapping_quality, EXCLUDED, Path(scratch))
        sites, candidates = find(samples, stretches, parts, settings)
        alleles = tabulate(samples, stretches, candidates, parts, settings)
    write_table(sites, results / "sites.tsv")
    write_table(alleles, results / "alleles.tsv")
    write_versions(results / "versions.tsv", "numpy", "pandas", "pysam")


if __name__ == "__main__":
    main()
