#!/usr/bin/env python3
"""Count alleles per fragment in the target genes: at named loci, at variants of DNA, and at those found here.

Reads      Alignments that overlap exons of the named transcripts or a listed variant, read through the index.
           Unmapped, secondary, supplementary, QC-failed ones and flagged duplicates are left out, as in
           samtools mpileup and GATK's ASEReadCounter; STAR flags no duplicates, so its are kept. What is
           spliced out or soft-clipped covers nothing.
Allele     A read shows the allele that its bases spell over a window, whatever its CIGAR: the changed bases
           of a substitution; of an insertion or deletion all places where it could lie and 5 bases on both
           sides within the exon, of which one may be an error. For these, a read needs 10 aligned bases on
           both sides, whatever it shows: with fewer, aligners clip or misplace the variant and not the
           reference. What spells neither is `other`; a read that only bases of low quality keep from an
           allele is left out.
Quality    Of a substitution the lowest of its bases; of an insertion or deletion the mean over the window.
Fragment   Overlapping mates count once. If they show one allele, the better quality holds; if not, the better
           one with the difference as its quality (as CallOverlappingConsensusBases of fgbio). It is counted
           if its quality is --min-base-quality or more.
Event      Differences of one read are one event in cis if no more than 1 base lies between substitutions
           (they may share a codon), or 5 where one is an insertion or deletion. Events are compared in normal
           form: reads that spell one haplotype in different ways have the same event.
Found      An event in an exon is a variant if, in a sample, 3 fragments show it, of 10 or more, with a share
           of --rna-min-vaf or more, and on average 5 bases or more from the end of the alignment. A part of a
           larger event needs as many without that one. What is found is then counted in every sample.
Junction   A fragment skips an exon, or joins it to a neighbour, if it is spliced exactly between their ends,
           with 8 aligned bases on both sides.
Assumes    Short reads, aligned across splices, which the aligner writes as N: a deletion is never a splice.
Reference  Castel et al. 2015, Genome Biol 16:195, doi:10.1186/s13059-015-0762-6;
           Li 2011, Bioinformatics 27:2987, doi:10.1093/bioinformatics/btr509;
           Tan et al. 2015, Bioinformatics 31:2202, doi:10.1093/bioinformatics/btv112
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common.aligned_reads import (
    SPLICE,
    Part,
    Reads,
    Segments,
    ascii_of,
    covered,
    depth_of,
    gaps,
    lay_down,
    mismatches,
    reads_across,
    segments_of,
)
from common.annotation import Transcript, require_contigs
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.tables import SAMPLES, TARGET_GENES, read_table, write_table
from common.target_sites import (
    SITE,
    Site,
    Target,
    add_dna,
    describe_site,
    find_targets,
    map_loci,
    reason_for,
    targets_of,
    write_vcf,
)
from common.variant_sites import Variant, normal_form, vcf_fields
from common.vcf import read_variants, vcfs_of

# Unmapped, secondary, failed, duplicate, supplementary.
EXCLUDED = 0x4 | 0x100 | 0x200 | 0x400 | 0x800
REF, ALT, OTHER = range(3)
DIFFERS, PERHAPS, SAME = range(3)
INDEL_FLANK = 5  # bases beside an insertion or deletion that are compared too
INDEL_OVERHANG = 10  # aligned bases that a read has on both sides of one
FLANK_ERRORS = 1
CIS_SUBSTITUTION, CIS_INDEL = 1, 5  # bases between differences of one event
LONGEST_REPEAT = 100  # bases over which an insertion or deletion is moved
MIN_FRAGMENTS, MIN_DEPTH, MIN_READ_POSITION = 3, 10, 5
ANCHOR = 8  # aligned bases on both sides of a splice
CHUNK = 1 << 21  # numbers that are handled at once
COUNTS = ["depth", "ref_count", "alt_count", "other_count", "alt_forward", "alt_reverse"]
MEANS = ["alt_base_quality", "alt_read_position"]
LINKS = ["ref_ref", "ref_alt", "alt_ref", "alt_alt"]
JUNCTIONS = ["skipping_reads", "upstream_reads", "downstream_reads"]
SKIPPING = ["sample", "gene", "transcript", "exon", *JUNCTIONS, "status", "reason"]
DEPTHS = ["c_start", "c_end", "min_depth", "median_depth", "fragments"]
COVERAGE = ["sample", "gene", "transcript", "exon", *DEPTHS, "status", "reason"]


class Settings(NamedTuple):
    """The parameters of the analysis."""

    min_base_quality: int
    min_mapping_quality: int
    rna_min_vaf: float


class Window(NamedTuple):
    """Where reads show a variant, and what reference and variant spell there, as ASCII."""

    start: int
    end: int
    core: tuple[int, int]  # the places where the variant can lie
    haplotypes: tuple[np.ndarray, np.ndarray]


class Calls(NamedTuple):
    """What fragments show at a variant: a number a fragment that is counted."""

    fragment: np.ndarray
    allele: np.ndarray
    quality: np.ndarray
    position: np.ndarray  # bases to the nearer end of the alignment
    forward: np.ndarray  # shown by a forward read
    reverse: np.ndarray


def window_of(variant: Variant, target: Target) -> Window:
    """Find where reads must be compared with a variant: within the exon, if it can lie there."""
    cut = target.sequence.cut
    _, start, ref, alt = variant
    if len(ref) == len(alt):
        end = start + len(ref)
        return Window(start, end, (start, end), (ascii_of(ref), ascii_of(alt)))
    low, high, moved = start, start + len(ref), ref or alt
    if not (ref and alt):
        while (
            high - low < LONGEST_REPEAT + len(ref) and cut(high, high + 1) == moved[(high - low) % len(moved)]
        ):
            high += 1
    first, last = max(low - INDEL_FLANK, target.sequence.start), high + INDEL_FLANK
    for exon_start, exon_end in target.exons:
        inside = max(low, exon_start), min(high, exon_end)
        if inside[1] - inside[0] >= len(ref):
            low, high = inside
            first, last = max(low - INDEL_FLANK, exon_start), min(high + INDEL_FLANK, exon_end)
            break
    turn = (low - start) % len(moved) if not (ref and alt) else 0
    new = alt[turn:] + alt[:turn]
    spelled = cut(first, low) + new + cut(low + len(ref), last)
    return Window(first, last, (low, high), (ascii_of(cut(first, last)), ascii_of(spelled)))


def compare(
    reads: Reads, owner: np.ndarray, begin: np.ndarray, end: np.ndarray, window: Window, min_quality: int
) -> tuple[np.ndarray, np.ndarray]:
    """Tell the allele that reads spell between two of their bases (-1: it may be either), and its quality."""
    ref, alt = window.haplotypes
    allele = np.full(len(owner), OTHER, dtype=np.int8)
    quality = np.zeros(len(owner))
    widths = end - begin
    for width in np.unique(widths):
        rows = np.flatnonzero(widths == width)
        inside = begin[rows, None] + np.arange(width)
        # What is inserted or missing has the quality of the bases beside it, too.
        beside = begin[rows, None] + np.arange(-1, width + 1)
        beside = np.clip(beside, reads.first[owner[rows], None], reads.end[owner[rows], None] - 1)
        quality[rows] = reads.qualities[beside].mean(axis=1)
        bases = reads.bases[inside]
        if len(ref) == len(alt):
            if width == len(ref):
                changed = ref != alt
                quality[rows] = reads.qualities[inside[:, changed]].min(axis=1)
                for which, haplotype in ((REF, ref), (ALT, alt)):
                    same = (bases[:, changed] == haplotype[changed]).all(axis=1)
                    allele[rows[same]] = which
            continue
        good = reads.qualities[inside] >= min_quality
        on_ref, on_alt = (spelling(bases, good, haplotype, window) for haplotype in window.haplotypes)
        open_question = (on_ref == on_alt) & (on_ref != DIFFERS) | (np.maximum(on_ref, on_alt) == PERHAPS)
        allele[rows] = np.select([open_question, on_ref == SAME, on_alt == SAME], [-1, REF, ALT], OTHER)
    return allele, quality


def spelling(bases: np.ndarray, good: np.ndarray, haplotype: np.ndarray, window: Window) -> np.ndarray:
    """Say which reads (rows of bases) spell a haplotype: perhaps, if only bases of low quality deny it."""
    if bases.shape[1] != len(haplotype):
        return np.full(len(bases), DIFFERS)
    wrong = bases != haplotype
    start, behind = window.core[0] - window.start, window.end - window.core[1]
    core = slice(start, len(haplotype) - behind)
    denied = (wrong & good)[:, core].any(axis=1)
    denied |= (wrong & good).sum(axis=1) > FLANK_ERRORS
    return np.where(denied, DIFFERS, np.where(wrong[:, core].any(axis=1), PERHAPS, SAME))


def call(reads: Reads, numbers: np.ndarray, window: Window, min_quality: int) -> Calls:
    """Tell the allele of each fragment that shows a window."""
    owner, begin, end = reads_across(reads, numbers, window.start, window.end)
    left = begin - reads.first[owner] + window.core[0] - window.start
    right = reads.end[owner] - end + window.end - window.core[1]
    if len(window.haplotypes[0]) != len(window.haplotypes[1]):
        enough = (left >= INDEL_OVERHANG) & (right >= INDEL_OVERHANG)
        owner, begin, end, left, right = (each[enough] for each in (owner, begin, end, left, right))
    allele, quality = compare(reads, owner, begin, end, window, min_quality)
    known = allele >= 0
    owner, allele, quality = owner[known], allele[known], quality[known]
    position = np.maximum(np.minimum(left, right)[known], 0)
    return of_fragments(reads.fragment[owner], allele, quality, position, reads.reverse[owner], min_quality)


def of_fragments(
    fragment: np.ndarray,
    allele: np.ndarray,
    quality: np.ndarray,
    position: np.ndarray,
    reverse: np.ndarray,
    min_quality: int,
) -> Calls:
    """Put what mates show together: the better one, with the difference of qualities where they disagree."""
    order = np.lexsort((-quality, fragment))
    fragment, allele, quality = fragment[order], allele[order], quality[order]
    position, reverse = position[order], reverse[order]
    best = np.flatnonzero(np.concatenate([[True], fragment[1:] != fragment[:-1]])[: len(fragment)])
    held = np.repeat(best, np.diff(np.append(best, len(fragment))))  # of each read, its fragment's best
    agrees = allele == allele[held]
    against = np.zeros(len(fragment))
    np.maximum.at(against, held[~agrees], quality[~agrees])
    sides = []
    for side in (~reverse, reverse):
        shown = np.zeros(len(fragment), dtype=bool)
        shown[held[agrees & side]] = True
        sides.append(shown[best])
    left = quality[best] - against[best]
    counted = (left >= min_quality) & ((left > 0) | (against[best] == 0))
    best = best[counted]
    return Calls(
        fragment[best], allele[best], left[counted], position[best], sides[0][counted], sides[1][counted]
    )


def counts_of(calls: Calls) -> list[float]:
    """Return the counts and means of alleles.tsv."""
    ref, alt, other = np.bincount(calls.allele, minlength=3)
    shows = calls.allele == ALT
    sides = [int(calls.forward[shows].sum()), int(calls.reverse[shows].sum())]
    means = [calls.quality[shows].mean(), calls.position[shows].mean()] if alt else [np.nan, np.nan]
    return [len(calls.allele), int(ref), int(alt), int(other), *sides, *means]


def differences_of(reads: Reads, depth: np.ndarray, target: Target, settings: Settings) -> pd.DataFrame:
    """List what differs from the genome in the exons, by read: owner, start, end, bases instead, gap or not.

    A mismatch that few reads of good quality have, for the depth, is an error: it would hide the event near.
    """
    searched = np.zeros(len(depth), dtype=bool)
    for start, end in target.exons:
        searched[start - target.sequence.start : end - target.sequence.start] = True
    owner, place, base, quality = mismatches(reads, target.sequence.start, target.sequence.bases, searched)
    key = place * 256 + base
    good, often = np.unique(key[quality >= settings.min_base_quality], return_counts=True)
    recurrent = np.isin(key, good[often >= at_least(depth[good // 256], settings)])
    found = gaps(reads, target.sequence.start, searched)
    return pd.DataFrame(
        {
            "owner": np.concatenate([owner[recurrent], found.owner]),
            "start": np.concatenate([place[recurrent], found.start]),
            "end": np.concatenate([place[recurrent] + 1, found.end]),
            "bases": [chr(number) for number in base[recurrent]] + found.bases,
            "gap": np.repeat([False, True], [recurrent.sum(), len(found.owner)]),
        }
    ).sort_values(["owner", "start", "end"], ignore_index=True)


def at_least(depth: np.ndarray, settings: Settings) -> np.ndarray:
    """Return how many reads must show what may be a variant; mates may have counted twice in the depth."""
    return np.maximum(MIN_FRAGMENTS, depth * settings.rna_min_vaf / 2)


def discover(reads: Reads, segments: Segments, target: Target, settings: Settings) -> set[Variant]:
    """Find the events of a sample that may be variants: in an exon, and in enough fragments."""
    offset = target.sequence.start
    depth = depth_of(segments.start, segments.end, offset, target.sequence.end)
    differences = differences_of(reads, depth, target, settings)
    if differences.empty:
        return set()
    gap = differences.gap | differences.gap.shift(1, fill_value=False)
    near = differences.start - differences.end.shift(1) <= np.where(gap, CIS_INDEL, CIS_SUBSTITUTION)
    fresh = np.flatnonzero((differences.owner != differences.owner.shift(1)) | ~near)
    # Equal events have equal differences: each kind of these has a random number, and they are summed.
    kind = differences.groupby(["start", "end", "bases"], sort=False).ngroup()
    numbers = np.random.default_rng(0).integers(1 << 62, size=kind.max() + 1)
    spelling = np.add.reduceat(numbers[kind], fresh)
    events = pd.DataFrame({"spelling": spelling, "fragment": reads.fragment[differences.owner[fresh]]})
    found: dict[Variant, set[int]] = {}
    ends = np.append(fresh[1:], len(differences))
    for _, alike in events.groupby("spelling", sort=False):
        one = alike.index[0]
        variant = event_of(differences.iloc[fresh[one] : ends[one]], target)
        if set(variant.ref + variant.alt) <= set("ACGT"):
            found.setdefault(variant, set()).update(alike.fragment)
    return {
        variant
        for variant, fragments in found.items()
        if variant.ref != variant.alt and len(fragments) >= at_least(depth[variant.start - offset], settings)
    }


def event_of(differences: pd.DataFrame, target: Target) -> Variant:
    """Put the differences of one read together, with what lies between them."""
    cut, offset = target.sequence.cut, target.sequence.start
    start = reached = int(differences.start.iloc[0]) + offset
    alt = ""
    for each in differences.itertuples():
        alt += cut(reached, each.start + offset) + each.bases
        reached = each.end + offset
    return normal_form(start, cut(start, reached), alt, target.sequence)


def coverage_of(
    transcript: Transcript, stretches: tuple[np.ndarray, np.ndarray, np.ndarray] | None
) -> list[dict[str, object]]:
    """Describe the depth of each exon's coding part in fragments, without regard to base quality.

    `stretches` is what `covered` found; None leaves the numbers out. `fragments` is of the whole gene.
    """
    rows = []
    touching = np.zeros(0, dtype=np.int64)
    if stretches:
        fragment, start, end = stretches
        touches = np.zeros(len(start), dtype=bool)
        for exon in transcript.exons:
            touches |= (start < exon[1]) & (end > exon[0])
        touching = np.unique(fragment[touches])
    for number, (exon, offset) in enumerate(zip(transcript.exons, transcript.starts, strict=True), start=1):
        first = max(offset, transcript.cds[0])
        last = min(offset + exon[1] - exon[0], transcript.cds[1]) - 1
        if first > last:
            continue
        row = {
            "exon": number,
            "c_start": first - transcript.cds[0] + 1,
            "c_end": last - transcript.cds[0] + 1,
        }
        if stretches:
            low, high = sorted((transcript.to_genome(first), transcript.to_genome(last)))
            depth = depth_of(start, end, low, high + 1)
            row |= {"min_depth": depth.min(), "median_depth": np.median(depth), "fragments": len(touching)}
        rows.append(row)
    return rows


def skipping_of(
    transcript: Transcript, exon: int, reads: Reads, numbers: np.ndarray, segments: Segments
) -> list:
    """Count the fragments that skip an exon (from 1), join it to the one before, and to the one behind."""
    before, own, behind = (transcript.exons[place] for place in (exon - 2, exon - 1, exon))
    splices = np.flatnonzero(reads.kind == SPLICE)
    start, end = reads.place[splices], reads.place[splices] + reads.length[splices]
    fragment = reads.fragment[reads.owner[splices]]
    anchors = segments.aligned[numbers[splices] - 1], segments.aligned[numbers[splices]]
    counts = []
    for pair in ((before, behind), (before, own), (own, behind)):
        left, right = sorted(pair)
        # An exon may be shorter than the anchor: then all of it.
        wanted = [min(ANCHOR, exon_end - exon_start) for exon_start, exon_end in (left, right)]
        exact = (start == left[1]) & (end == right[0])
        exact &= (anchors[0] >= wanted[0]) & (anchors[1] >= wanted[1])
        counts.append(len(np.unique(fragment[exact])))
    return counts


def linked(calls: Mapping[str, Calls], fragments: int) -> list[tuple[object, ...]]:
    """Count the fragments that show two variants, of which one has its alternative allele in the sample."""
    names = list(calls)
    together = np.zeros((2, len(names), 2, len(names)))
    for first in range(0, fragments, CHUNK // max(len(names), 1)):
        shown = np.zeros((2, len(names), CHUNK // len(names)), dtype=np.float32)
        for row, each in enumerate(calls.values()):
            inside = (
                (each.fragment >= first) & (each.fragment < first + shown.shape[2]) & (each.allele != OTHER)
            )
            shown[each.allele[inside], row, each.fragment[inside] - first] = 1
        together += np.tensordot(shown, shown, axes=(2, 2))
    found = [(each.allele == ALT).any() for each in calls.values()]
    return [
        (names[one], names[two], *(int(together[a, one, b, two]) for a in (REF, ALT) for b in (REF, ALT)))
        for one in range(len(names))
        for two in range(one + 1, len(names))
        if (found[one] or found[two]) and together[:, one, :, two].any()
    ]


def find(
    reads: Reads, numbers: np.ndarray, segments: Segments, target: Target, settings: Settings
) -> set[Variant]:
    """Find the events that a sample shows to be variants.

    An event that is a part of a larger one must be seen without it: of reads that end within, nobody knows.
    """
    found = {}
    for event in discover(reads, segments, target, settings):
        calls = call(reads, numbers, window_of(event, target), settings.min_base_quality)
        *_, position = counts_of(calls)
        if passes(calls.allele == ALT, settings) and position >= MIN_READ_POSITION:
            found[event] = calls
    return {
        event
        for event, calls in found.items()
        if all(passes(without(calls, found[larger]), settings) for larger in found if is_part(event, larger))
    }


def passes(shows: np.ndarray, settings: Settings) -> bool:
    """Say whether enough of the fragments show an event, and of enough."""
    enough = max(MIN_FRAGMENTS, settings.rna_min_vaf * len(shows))
    return len(shows) >= MIN_DEPTH and np.count_nonzero(shows) >= enough


def is_part(event: Variant, larger: Variant) -> bool:
    """Say whether an event lies where a larger one does."""
    size, larger_size = (len(each.ref) + len(each.alt) for each in (event, larger))
    behind = event.start > larger.start + len(larger.ref) or larger.start > event.start + len(event.ref)
    return size < larger_size and not behind


def without(calls: Calls, larger: Calls) -> np.ndarray:
    """Say of the fragments that show the places of two events which have the first and not the other."""
    _, first, second = np.intersect1d(
        calls.fragment, larger.fragment, assume_unique=True, return_indices=True
    )
    return (calls.allele[first] == ALT) & (larger.allele[second] != ALT)


def tables_of_reads(
    samples: Sequence[str],
    genes: pd.DataFrame,
    skipped: pd.DataFrame,
    found: Mapping[str, Transcript | str],
    targets: Mapping[str, Target],
    parts: Mapping[tuple[str, str], Part],
    settings: Settings,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, set[Variant]]]:
    """Make coverage.tsv and junctions.tsv, and find the new variants of each gene."""
    coverage, junctions = [], []
    new: dict[str, set[Variant]] = {gene: set() for gene in targets}
    for sample, (gene, ids) in product(samples, genes[["gene", "transcript"]].itertuples(index=False)):
        transcript = found[gene]
        exons = skipped.exon[skipped.gene == gene]
        row = {"sample": sample, "gene": gene}
        if isinstance(transcript, str):
            row |= {"transcript": "", "status": transcript, "reason": reason_for(transcript, ids)}
            coverage.append(row)
            junctions += [row | {"exon": exon} for exon in exons]
            continue
        part = parts[sample, gene]
        row |= {"transcript": transcript.transcript_id, "status": part.status, "reason": part.reason}
        stretches, counts = None, {}
        if part.reads:
            reads = part.load()
            numbers, segments = segments_of(reads)
            stretches = covered(reads, segments)
            inner = [exon for exon in exons if 1 < exon < len(transcript.exons)]
            counts = {exon: skipping_of(transcript, exon, reads, numbers, segments) for exon in inner}
            new[gene] |= find(reads, numbers, segments, targets[gene], settings)
        coverage += [row | depths for depths in coverage_of(transcript, stretches)]
        for exon in exons:
            if not 1 < exon < len(transcript.exons):
                reason = f"exon {exon} of {len(transcript.exons)} has no neighbour on both sides"
                junctions.append(row | {"exon": exon, "status": "no_exon", "reason": reason})
            else:
                junctions.append(
                    row | {"exon": exon} | dict(zip(JUNCTIONS, counts.get(exon, ()), strict=False))
                )
    return pd.DataFrame(coverage, columns=COVERAGE), pd.DataFrame(junctions, columns=SKIPPING), new


def regions_of(target: Target, sites: Iterable[Site]) -> list[tuple[int, int]]:
    """Return the exons of a target and where its sites show."""
    windows = (window_of(site.variant, target) for site in sites)
    return [*target.exons, *((window.start, window.end) for window in windows)]


def order_sites(sites: Iterable[Site], found: Iterable[Variant]) -> list[Site]:
    """Add what was found and is not listed; from left to right."""
    sites = list(sites)
    known = {site.variant for site in sites}
    sites += [Site(variant, "", "rna") for variant in set(found) - known]
    return sorted(sites, key=lambda site: (site.variant, site.locus))


def tables_of_sites(
    samples: Sequence[str],
    targets: Mapping[str, Target],
    sites: Mapping[str, Sequence[Site]],
    lost: Sequence[Mapping[str, object]],
    parts: Mapping[tuple[str, str], Part],
    settings: Settings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make alleles.tsv and linkage.tsv: every site in every sample."""
    alleles, linkage = [], []
    for sample in samples:
        for name, target in targets.items():
            part = parts[sample, name]
            calls: dict[Variant, Calls] = {}
            if part.reads and sites[name]:
                reads = part.load()
                numbers, _ = segments_of(reads)
                for site in sites[name]:
                    window = window_of(site.variant, target)
                    calls[site.variant] = call(reads, numbers, window, settings.min_base_quality)
                named = {name_of(variant, target): each for variant, each in calls.items()}
                linkage += [(sample, target.gene, *row) for row in linked(named, reads.fragments)]
            for site in sites[name]:
                row = {"sample": sample, "status": part.status, "reason": part.reason}
                counts = counts_of(calls[site.variant]) if calls else []
                alleles.append(
                    row | describe_site(site, target) | dict(zip(COUNTS + MEANS, counts, strict=False))
                )
        alleles += [{"sample": sample, **row} for row in lost]
    columns = ["sample", *SITE, *COUNTS, *MEANS, "status", "reason"]
    table = pd.DataFrame(alleles, columns=columns).astype(dict.fromkeys(["pos", *COUNTS], "Int64"))
    return table, pd.DataFrame(linkage, columns=["sample", "gene", "variant_1", "variant_2", *LINKS])


def name_of(variant: Variant, target: Target) -> str:
    """Name a variant as linkage.tsv does."""
    contig, position, ref, alt = vcf_fields(variant, target.sequence)
    return f"{contig}:{position}:{ref}>{alt}"


@click.command(cls=Script)
@click.option(
    "--samples", "sheet", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate."
)
@click.option(
    "--alignments", type=FOLDER, required=True, help="Folder of <sample>.bam or .cram, with an index or none."
)
@click.option("--genome", type=INPUT, required=True, help="FASTA of the alignments, with its index .fai.")
@click.option("--annotation", type=INPUT, required=True, help="GTF.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@click.option("--loci", type=INPUT, required=True, help="TSV: gene, transcript, hgvs_c.")
@click.option("--skipping", type=INPUT, required=True, help="TSV: gene, transcript, exon.")
@click.option("--variants", type=FOLDER, required=True, help="Folder of VCFs of DNA; may be absent.")
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
@click.option(
    "--rna-min-vaf",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.1,
    show_default=True,
    help="Share of fragments from which a variant that is not listed is reported.",
)
@RESULTS
def main(
    sheet: Path,
    alignments: Path,
    genome: Path,
    annotation: Path,
    target_genes: Path,
    loci: Path,
    skipping: Path,
    variants: Path,
    min_base_quality: int,
    min_mapping_quality: int,
    rna_min_vaf: float,
    results: Path,
) -> None:
    """Count alleles, junction reads and linked variants in the target genes of all samples."""
    settings = Settings(min_base_quality, min_mapping_quality, rna_min_vaf)
    samples = list(read_table(sheet, SAMPLES)["sample"])
    genes = read_table(target_genes, TARGET_GENES)
    skipped = read_table(skipping, {"gene": "str", "transcript": "str", "exon": "int64"})
    named = read_table(loci, {"gene": "str", "transcript": "str", "hgvs_c": "str"})
    results.mkdir(parents=True, exist_ok=True)
    with pysam.FastaFile(str(genome)) as fasta, tempfile.TemporaryDirectory(dir=results) as scratch:
        found = find_targets(genes, annotation, fasta)
        known = [each for each in found.values() if isinstance(each, Transcript)]
        require_contigs(known, fasta.references, genome.name)
        targets = targets_of(found, fasta)
        sites, lost = map_loci(named, found, targets)
        lost += add_dna(read_variants(vcfs_of(variants), passed=True), fasta, targets, sites)
        wanted = {
            name: (target.sequence.contig, regions_of(target, sites[name]))
            for name, target in targets.items()
        }
        parts = lay_down(samples, alignments, fasta, wanted, min_mapping_quality, EXCLUDED, Path(scratch))
        coverage, junctions, new = tables_of_reads(samples, genes, skipped, found, targets, parts, settings)
        ordered = {name: order_sites(sites[name], new[name]) for name in targets}
        alleles, linkage = tables_of_sites(samples, targets, ordered, lost, parts, settings)

        write_table(alleles, results / "alleles.tsv")
        write_table(coverage, results / "coverage.tsv")
        write_table(junctions, results / "junctions.tsv")
        write_table(linkage, results / "linkage.tsv")
        described = [describe_site(site, targets[name]) for name in targets for site in ordered[name]]
        write_vcf(results / "count_alleles.vcf", pd.DataFrame(described, columns=SITE), fasta)
    write_versions(results / "versions.tsv", "numpy", "pandas", "pysam")


if __name__ == "__main__":
    main()
