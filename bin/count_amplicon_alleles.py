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
Candidate  An event that 3 fragments of a sample show, with a share of half of --min-vaf or more. Where
           nearly all of them have a base below that quality beside an insertion or deletion, and more
           fragments show another of the same length near it, it is what bad bases make of that one. A
           candidate is counted in every sample. A part of a larger one must be seen as often without that
           one; fragments that show the larger one show `other` of the part, and those that may show it
           are left out.
Allele     What the bases of a read spell: the changed bases of a substitution, of the lowest of their
           qualities; of an insertion or deletion all places where it could lie and 5 bases on both sides
           within the insert, of which one may be an error, of their mean quality. For these a read needs
           10 bases on both sides, whatever it shows, clipped primers among them, and where it ends as
           many more as it would have fewer with the longer allele. What spells neither is `other`; a read
           that only bases of low quality keep from an allele is left out.
Apart      Of two insertions or deletions of one length near each other, a fragment shows the one that it
           spells without any error; what may be a more frequent one is left out of the other. A
           substitution beside an insertion or deletion is not counted on reads that end too near to show
           that.

References: Tan et al. 2015, Bioinformatics 31:2202, doi:10.1093/bioinformatics/btv112;
Li 2011, Bioinformatics 27:2987, doi:10.1093/bioinformatics/btr509
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common.aligned_reads import Part, Reads, ascii_of, gaps, lay_down, reads_across
from common.amplicon_candidates import ALLELES, CHANGES, MEANS, NUMBERS, STRANDS, VARIANT
from common.amplicon_piles import (
    PRIMERS,
    Amplicon,
    Pile,
    Placed,
    Stretch,
    Window,
    pile_of,
    place,
    stretches_of,
    window_of,
)
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.read_matrices import GAP
from common.tables import LIBRARY, read_table, write_table
from common.variant_sites import Sequence as Bases
from common.variant_sites import Variant, normal_form, vcf_fields

EXCLUDED = 0x4 | 0x100 | 0x200 | 0x800  # unmapped, secondary, failed, supplementary
REF, ALT, OTHER, NONE = 0, 1, 2, -1
DIFFERS, PERHAPS, NEARLY, SAME = range(4)
INDEL_FLANK, INDEL_OVERHANG, FLANK_ERRORS, GAP_FLANK = 5, 10, 1, 3
CIS_SUBSTITUTION, CIS_INDEL = 1, 5  # bases between differences of one event
MIN_FRAGMENTS, MIN_GOOD, GOOD_SHARE = 3, 2, 0.1
FARTHEST = 1000  # bases between events of which one may be a part of the other
BASES = "ACGT"
CODE = np.full(256, 5, dtype=np.uint8)  # of what is no base: not counted
CODE[ascii_of(BASES)] = range(4)
CODE[GAP] = 4
SITES = ["sample", "chrom", "pos", "ref", "depth", *CHANGES]
COUNTS = [*NUMBERS, *STRANDS]


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
    exact: np.ndarray  # without an error beside it
    amplicon: np.ndarray  # its number in the stretch


KINDS = Calls(np.int64, np.int8, float, np.int64, bool, bool, bool, np.int64)


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
    events: dict[Variant, np.ndarray]  # fragments, and those without a bad base beside a gap


def look_at(reads: Reads, stretch: Stretch, settings: Settings) -> Seen:
    """Count what differs in the inserts of a stretch, and put differences of one fragment together."""
    depth = np.zeros(len(stretch.places), dtype=np.int64)
    changed = np.zeros((len(depth), 6), dtype=np.int64)
    genome = ascii_of(stretch.sequence.bases)
    placed = place(reads, stretch.amplicons)
    found: list[tuple[np.ndarray, ...]] = [(np.zeros(0, np.int64),) * 3]
    for number, each in enumerate(stretch.amplicons):
        if not len(placed.operations[number]):
            continue
        pile = pile_of(placed, number, each)
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
        found.append((pile.fragment[row[kept]], column[kept] + each.start, code[kept].astype(np.int64)))
    fragment, start, code = (np.concatenate(each) for each in zip(*found, strict=True))
    letters = np.array(list(BASES), dtype=object)[code]
    single = {"fragment": fragment, "start": start, "end": start + 1, "bases": letters}
    missing = gaps_of(placed, stretch, settings.min_base_quality)
    for (first, last, bases), fragments in missing.groupby(["start", "end", "bases"]).size().items():
        variant = normal_form(first, stretch.sequence.cut(first, last), bases, stretch.sequence)
        kind = 4 + (len(variant.alt) > len(variant.ref))
        changed[stretch.column_of(variant.start), kind] += fragments
    parts = [pd.DataFrame(single).assign(gap=False, good=True), missing]
    differences = pd.concat([part for part in parts if len(part)] or parts[:1])
    return Seen(depth, changed, events_of(differences, stretch))


def gaps_of(placed: Placed, stretch: Stretch, min_quality: int) -> pd.DataFrame:
    """List the insertions and deletions of fragments on which mates that show the place agree.

    `good` are those without a bad base beside: an error there moves them elsewhere.
    """
    reads, offset = placed.reads, stretch.sequence.start
    searched = np.zeros(len(stretch.sequence.bases), dtype=bool)
    searched[stretch.places - offset] = True
    found = gaps(reads, offset, searched)
    start, end, fragment = found.start + offset, found.end + offset, reads.fragment[found.owner]
    amplicon = placed.amplicon[found.owner]
    inserts = np.array([[each.start, each.end] for each in stretch.amplicons])[amplicon]
    inside = (amplicon >= 0) & (start >= inserts[:, 0]) & (end <= inserts[:, 1])
    reach = np.zeros((2, 2, reads.fragments), dtype=np.int64)  # of a strand and fragment: low and high
    reach[reads.reverse.astype(int), 0, reads.fragment] = placed.low
    reach[reads.reverse.astype(int), 1, reads.fragment] = placed.high
    covers = reach[:, 0, fragment] <= start - INDEL_OVERHANG
    covers &= reach[:, 1, fragment] >= end + INDEL_OVERHANG
    first = np.maximum(found.first - GAP_FLANK, reads.first[found.owner])
    behind = np.minimum(found.behind + GAP_FLANK, reads.end[found.owner])
    lowest = [reads.qualities[low:high].min() for low, high in zip(first, behind, strict=True)]
    key = {"fragment": fragment, "start": start, "end": end, "bases": np.array(found.bases, dtype=object)}
    table = pd.DataFrame(key).assign(covering=covers.sum(axis=0), lowest=np.array(lowest, dtype=int))[inside]
    table["showing"] = table.groupby(list(key)).start.transform("size")
    table = table[table.showing >= table.covering].sort_values("lowest", ascending=False, kind="stable")
    table = table.drop_duplicates(list(key))
    return table.assign(gap=True, good=table.lowest >= min_quality)[[*key, "gap", "good"]]


def events_of(differences: pd.DataFrame, stretch: Stretch) -> dict[Variant, np.ndarray]:
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
    good = np.logical_and.reduceat(table.good.to_numpy(bool), fresh)
    _, first, which = np.unique(np.add.reduceat(numbers[kind], fresh), return_index=True, return_inverse=True)
    counts = np.stack([np.bincount(which), np.bincount(which, good)]).astype(int)
    ends = np.append(fresh[1:], len(table))
    found: dict[Variant, np.ndarray] = {}
    cut = stretch.sequence.cut
    for event, fragments in zip(first, counts.T, strict=True):
        begin = reached = int(start[fresh[event]])
        alt = ""
        for at in range(fresh[event], ends[event]):
            alt += cut(reached, int(start[at])) + table.bases[at]
            reached = int(end[at])
        variant = normal_form(begin, cut(begin, reached), alt, stretch.sequence)
        if variant.ref != variant.alt and set(variant.ref + variant.alt) <= set(BASES):
            found[variant] = found.get(variant, 0) + fragments
    return found


# ---- alleles of a candidate


def spelling(bases: np.ndarray, good: np.ndarray, haplotype: np.ndarray, window: Window) -> np.ndarray:
    """Say which reads (rows of bases) spell a haplotype: nearly, or perhaps if only bad bases deny it."""
    if bases.shape[1] != len(haplotype):
        return np.full(len(bases), DIFFERS)
    wrong = bases != haplotype
    core = slice(window.core[0] - window.start, len(haplotype) - (window.end - window.core[1]))
    denied = (wrong & good)[:, core].any(axis=1) | ((wrong & good).sum(axis=1) > FLANK_ERRORS)
    return np.select(
        [denied, wrong[:, core].any(axis=1), wrong.any(axis=1)], [DIFFERS, PERHAPS, NEARLY], SAME
    )


def shown_substitution(pile: Pile, variant: Variant, amplicon: Amplicon) -> tuple[np.ndarray, ...]:
    """Tell of each read (2 x fragments) allele, lowest quality, and bases to its end; all are exact."""
    ref, alt = ascii_of(variant.ref), ascii_of(variant.alt)
    changed = np.flatnonzero(ref != alt)
    columns = variant.start - amplicon.start + changed
    bases, quality = pile.bases[:, :, columns], pile.qualities[:, :, columns].min(axis=2)
    allele = np.full(quality.shape, OTHER, dtype=np.int8)
    allele[(bases == ref[changed]).all(axis=2)] = REF
    allele[(bases == alt[changed]).all(axis=2)] = ALT
    allele[(quality == 0) | (bases == ord("N")).any(axis=2)] = NONE
    position = np.minimum(variant.start - pile.low, pile.high - variant.start - len(variant.ref))
    return allele, quality.astype(float), position, np.ones(quality.shape, dtype=bool)


def shown_indel(
    pile: Pile, variant: Variant, amplicon: Amplicon, sequence: Bases, min_quality: int
) -> tuple[np.ndarray, ...]:
    """Tell of each read (2 x fragments) allele, mean quality, bases to its end, and if it is exact."""
    window = window_of(variant, sequence, amplicon, INDEL_FLANK)
    allele = np.full(pile.low.shape, NONE, dtype=np.int8)
    quality, exact = np.zeros(pile.low.shape), np.zeros(pile.low.shape, dtype=bool)
    position = np.minimum(window.core[0] - pile.low, pile.high - window.core[1])
    longer = len(variant.alt) - len(variant.ref)
    more = np.zeros(4, dtype=np.int64)  # by allele, none the last
    more[[REF, ALT, OTHER]] = max(longer, 0), max(-longer, 0), abs(longer)
    reads = pile.reads
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
        best = np.maximum(on_ref, on_alt)
        unknown = (best == PERHAPS) | ((on_ref == on_alt) & (best > PERHAPS))
        spelled = np.select([unknown, best == DIFFERS, on_ref > on_alt], [NONE, OTHER, REF], ALT)
        allele[strand[some], row[some]], exact[strand[some], row[some]] = spelled, best == SAME
        quality[strand[some], row[some]] = reads.qualities[beside].mean(axis=1)
    # A read of one length reaches further on the shorter allele, unless it has the whole product.
    reached = np.stack([pile.high[0] - window.core[1], window.core[0] - pile.low[1]])
    whole = np.stack([pile.high[0] >= amplicon.right_end, pile.low[1] <= amplicon.left_start])
    allele[~whole & (reached < INDEL_OVERHANG + more[allele])] = NONE
    return allele, np.where(allele == NONE, 0, quality), position, exact


def of_fragments(
    allele: np.ndarray, quality: np.ndarray, position: np.ndarray, exact: np.ndarray, min_quality: int
) -> tuple[np.ndarray, ...]:
    """Put mates (2 x fragments) together: those that count, and what Calls has of them."""
    quality = np.where(allele == NONE, 0, quality)
    best = np.where(quality[0] >= quality[1], 0, 1)
    at = np.arange(allele.shape[1])
    held = allele[best, at]
    shows = (allele == held) & (held != NONE)
    against = np.where((allele != NONE) & ~shows, quality, 0).max(axis=0, initial=0)
    left = quality[best, at] - against
    counted = np.flatnonzero((held != NONE) & (left >= min_quality) & (left > 0))
    reached = np.where(shows, position, -1).max(axis=0, initial=-1)
    sure = (shows & exact).any(axis=0)[counted]
    return counted, held[counted], left[counted], np.maximum(reached[counted], 0), *shows[:, counted], sure


def call(piles: Mapping[int, Pile], variant: Variant, stretch: Stretch, min_quality: int) -> Calls:
    """Tell the allele of each fragment that shows a candidate, in the order of the fragments."""
    parts = [[np.zeros(0, kind) for kind in KINDS]]
    for number, pile in piles.items():
        amplicon = stretch.amplicons[number]
        if len(variant.ref) == len(variant.alt):
            shown = shown_substitution(pile, variant, amplicon)
        else:
            shown = shown_indel(pile, variant, amplicon, stretch.sequence, min_quality)
        counted, *rest = of_fragments(*shown, min_quality)
        parts.append([pile.fragment[counted], *rest, np.full(len(counted), number)])
    calls = Calls(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    order = np.argsort(calls.fragment, kind="stable")
    return Calls(*(each[order] for each in calls))


def is_part(event: Variant, larger: Variant) -> bool:
    """Say whether an event lies where a larger one does."""
    size, larger_size = (len(each.ref) + len(each.alt) for each in (event, larger))
    behind = event.start > larger.start + len(larger.ref) or larger.start > event.start + len(event.ref)
    return size < larger_size and not behind


def meet(event: Variant, other: Variant) -> bool:
    """Say whether two insertions or deletions may be taken for each other."""
    near = min(len(event.ref), len(other.ref)) + INDEL_FLANK
    lengths = {len(each.alt) - len(each.ref) for each in (event, other)}
    return 0 not in lengths and len(lengths) == 1 and abs(event.start - other.start) <= near


def ends_beside(event: Variant, other: Variant) -> bool:
    """Say whether a substitution lies where reads that end may show it instead of an indel."""
    substitution, indel = len(event.ref) == len(event.alt), len(other.ref) != len(other.alt)
    apart = max(other.start - event.start - len(event.ref), event.start - other.start - len(other.ref))
    return substitution and indel and apart < INDEL_OVERHANG and not is_part(event, other)


def of_other(calls: Calls, other: Calls) -> tuple[np.ndarray, np.ndarray]:
    """Find what fragments show of another event: its allele (NONE if it is not known), and if it is exact."""
    allele, exact = np.full(len(calls.fragment), NONE), np.zeros(len(calls.fragment), dtype=bool)
    if len(other.fragment):
        at = np.minimum(np.searchsorted(other.fragment, calls.fragment), len(other.fragment) - 1)
        known = other.fragment[at] == calls.fragment
        allele[known], exact[known] = other.allele[at[known]], other.exact[at[known]]
    return allele, exact


def without(calls: Calls, larger: Calls) -> Calls:
    """Count fragments that show a larger event as `other`, and leave out those that may."""
    theirs, _ = of_other(calls, larger)
    shows = calls.allele == ALT
    allele = np.where(shows & (theirs == ALT), OTHER, calls.allele)
    kept = ~shows | (theirs != NONE)
    return Calls(*(each[kept] for each in calls._replace(allele=allele)))


def beside(calls: Calls, indel: Calls) -> Calls:
    """Leave out fragments that show a substitution where they end too near an indel to show that."""
    theirs, _ = of_other(calls, indel)
    kept = (calls.allele != ALT) | (theirs != NONE)
    return Calls(*(each[kept] for each in calls))


def against(calls: Calls, rival: Calls) -> Calls:
    """Count fragments that show a rival exactly, and this not, as `other`, and leave out the unclear.

    Of a rival that is more frequent those that may show it are unclear, too.
    """
    theirs, exactly = of_other(calls, rival)
    shows = calls.allele == ALT
    both = shows & (theirs == ALT) & ~calls.exact
    allele = np.where(both & exactly, OTHER, calls.allele)
    kept = ~both | exactly
    if (rival.allele == ALT).sum() > shows.sum():
        kept &= ~shows | (theirs != NONE)
    return Calls(*(each[kept] for each in calls._replace(allele=allele)))


class Candidate(NamedTuple):
    """What may be a variant: the amplicons that hold it, and how it is told from others."""

    variant: Variant
    amplicons: list[int]
    others: list[tuple[Variant, Callable[[Calls, Calls], Calls]]]


def candidates_of(variants: Sequence[Variant], stretch: Stretch) -> list[Candidate]:
    """Find the amplicons of each candidate, and the others that it may be taken for."""
    found = []
    for variant in variants:
        near = [other for other in variants if abs(other.start - variant.start) <= FARTHEST]
        others = [(other, without) for other in near if is_part(variant, other)]
        others += [(other, against) for other in near if other != variant and meet(variant, other)]
        others += [(other, beside) for other in near if ends_beside(variant, other)]
        holding = [n for n, each in enumerate(stretch.amplicons) if each.holds(variant, stretch.sequence)]
        found.append(Candidate(variant, holding, others))
    return found


def count(
    reads: Reads, candidates: Sequence[Candidate], stretch: Stretch, settings: Settings
) -> list[tuple[Calls, bool]]:
    """Tell what fragments show of each candidate, and if it is more than a part of another."""
    placed = place(reads, stretch.amplicons)
    needed = sorted({number for each in candidates for number in each.amplicons})
    piles = {
        number: pile_of(placed, number, stretch.amplicons[number])
        for number in needed
        if len(placed.operations[number])
    }
    calls = {}
    for each in candidates:
        own = {number: piles[number] for number in each.amplicons if number in piles}
        calls[each.variant] = call(own, each.variant, stretch, settings.min_base_quality)
    counted = []
    for each in candidates:
        own = calls[each.variant]
        for other, told_apart in each.others:
            if (calls[other].allele == ALT).any():
                own = told_apart(own, calls[other])
        counted.append((own, bool((own.allele == ALT).sum() >= settings.enough(len(own.allele)))))
    return counted


def rows_of(calls: Calls, candidate: Candidate, stretch: Stretch) -> list[dict[str, object]]:
    """Describe a candidate in a sample: a row an amplicon that holds it, or one without."""
    rows = []
    for number in candidate.amplicons:
        own = Calls(*(each[calls.amplicon == number] for each in calls))
        shows = own.allele == ALT
        sides = [(side & mine).sum() for mine in (shows, ~shows) for side in (own.forward, own.reverse)]
        means = [
            each.mean() if len(each) else np.nan
            for each in (own.quality[shows], own.position[shows], own.position[~shows])
        ]
        numbers = [len(shows), *np.bincount(own.allele, minlength=3), *sides, *means]
        row = {"amplicon": stretch.amplicons[number].name}
        rows.append(row | dict(zip(COUNTS + MEANS, numbers, strict=True)))
    return rows or [{"amplicon": ""} | dict.fromkeys(COUNTS, 0)]


def frequent(seen: Seen, stretch: Stretch, settings: Settings) -> set[Variant]:
    """Find the events that enough fragments show, and not as what bad bases make of a more frequent one."""
    found = set()
    for variant, (fragments, good) in seen.events.items():
        if fragments < settings.enough(seen.depth[stretch.column_of(variant.start)]):
            continue
        sure = good >= max(MIN_GOOD, GOOD_SHARE * fragments)
        if sure or not any(
            more > fragments and meet(variant, other) for other, (more, _) in seen.events.items()
        ):
            found.add(variant)
    return found


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
                candidates[stretch.name] |= frequent(seen, stretch, settings)
            tables.append(pd.DataFrame(table))
    sites = pd.concat(tables).reindex(columns=SITES).astype(dict.fromkeys(["depth", *CHANGES], "Int64"))
    return sites, {
        stretch.name: sorted(candidates[stretch.name], key=partial(vcf_fields, sequence=stretch.sequence))
        for stretch in stretches
    }


def tabulate(
    samples: Sequence[str],
    stretches: Sequence[Stretch],
    candidates: Mapping[str, Sequence[Variant]],
    parts: Mapping[tuple[str, str], Part],
    settings: Settings,
) -> pd.DataFrame:
    """Make alleles.tsv: each candidate that is more than a part of another in a sample, in every sample."""
    rows, kept = [], set()
    wanted = {stretch.name: candidates_of(candidates[stretch.name], stretch) for stretch in stretches}
    for sample in samples:
        for stretch in stretches:
            own, part = wanted[stretch.name], parts[sample, stretch.name]
            says = {"status": part.status, "reason": part.reason}
            counted = count(part.load(), own, stretch, settings) if part.reads and own else []
            for number, each in enumerate(own):
                named = dict(zip(VARIANT, vcf_fields(each.variant, stretch.sequence), strict=True))
                numbers = [{}]
                if counted:
                    calls, whole = counted[number]
                    numbers = rows_of(calls, each, stretch)
                    if whole:
                        kept.add(each.variant)
                rows += [{"sample": sample, "variant": each.variant} | named | says | row for row in numbers]
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
