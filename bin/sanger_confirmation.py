#!/usr/bin/env python3
"""Look for variants in Sanger traces: heterozygous, homozygous or absent, by the heights of peaks.

Place      Ends of low quality are cut off by Mott's algorithm (the stretch with the highest sum of 0.05 minus
           error probability, as in phred); a trace without quality values is not cut. Calls of several bases
           (IUPAC) are read as the one with the highest peak. What is left is aligned, both strands, to the
           genome around the variant, or to the spliced transcript if it scores higher there (cDNA): local
           alignment with the scores of blastn. Which peaks show the variant follows from that.
Heights    A base has in each channel the height of its local maximum near the base's peak, or else the height
           right there, above the channel's tenth percentile at the peaks around. Channels differ in height,
           so each is divided by its mean over the primary peaks of its base nearby.
Noise      The second highest channel's share of the two highest, at the bases around that are read well:
           median and 95th percentile. What is called noise below is the latter.
Share      Of a substitution, the alternative peak over itself plus the highest other one; the median over the
           bases that change. A deletion or insertion puts a heterozygous trace out of phase behind it: both
           alleles are written out in the direction of reading, and the share is the median over the bases
           where they differ. There, the highest peaks must be those of the call at most bases, and an allele
           alone must be nearly all of the height: another deletion at the place is no confirmation.
Calls      hom from a share of 0.8, absent up to 0.1 or the noise, het between 0.2 and 0.8 if both alleles
           have twice the noise or more; else not_assessable. (A secondary peak of a third of the primary, as
           in sangerseqR, is a share of 0.25. Sanger sequencing shows alleles from shares of 0.1 to 0.2 on.)
           Peaks vary with the bases before them: shares are estimates, and no allele fractions.

References: Ewing et al. 1998, doi:10.1101/gr.8.3.175 (phred); Cock et al. 2009,
doi:10.1093/bioinformatics/btp163 (Biopython); Nickerson et al. 1997, doi:10.1093/nar/25.14.2745 (PolyPhred);
Hill et al. 2014, doi:10.1002/dvdy.24183 (sangerseqR, alleles out of phase); Brinkman et al. 2014,
doi:10.1093/nar/gku936 (TIDE); Kluesner et al. 2018, doi:10.1089/crispr.2018.0014 (EditR: noise is the other
channels at the other bases); Rausch et al. 2020, doi:10.1186/s12864-020-6635-8 (Tracy, Indigo)
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from Bio.Align import PairwiseAligner
from common.annotation import Transcript, reverse_complement
from common.chromatogram_figure import Panel, panel_of, save_figures, write_report
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.file_names import without_names
from common.multiqc import write_versions
from common.sanger_variants import (
    ANNOTATED,
    CALLED,
    Known,
    Reference,
    Variant,
    choose,
    index_of,
    named_rows,
    read_all,
    references_for,
)
from common.tables import TARGET_GENES, read_table, write_table
from common.target_sites import find_targets
from common.trace_files import CHANNELS, Trace, TraceError, read_trace

SHEET = dict.fromkeys(["trace", "line", "condition", "role", "gene", "expected"], "str")
COLUMNS = [
    *("trace", "file", "line", "condition", "role", "gene", "expected"),
    *("chrom", "pos", "ref", "alt", "hgvs_c", "hgvs_p", "direction", "call"),
    *("primary_base", "secondary_base", "peak_ratio", "noise_ratio", "noise_median", "informative_bases"),
    *("agreement", "base_quality", "trace_base", "aligned_to", "identity", "status", "reason"),
]
WHOLE = ["pos", "informative_bases", "base_quality", "trace_base"]
MOST_FIGURES = 60

MOTT_CUTOFF = 0.05  # error probability, as in phred and Biopython
WINDOW = 750  # bases on both sides of a variant
# Of blastn: a gap costs 5, and 2 a base.
SCORES = {
    "match_score": 2,
    "mismatch_score": -3,
    "open_gap_score": -7,
    "extend_gap_score": -2,
}
MIN_MATCHES, MIN_IDENTITY = 50, 0.8  # of an alignment
NEAR = 50  # bases on either side whose peaks scale channels and tell the noise
MIN_NEAR = 20  # of them that are read well
MIN_PRIMARY = 3  # of these with a base; else the whole trace scales its channel
REACH = 0.3  # of the distance between peaks: dyes differ in mobility
BASELINE = 10  # percentile
ABSENT_SHARE, HET_SHARE, HOM_SHARE = 0.1, 0.2, 0.8
NOISE_FACTOR = 2.0  # a heterozygote's lower peak is so many times the noise
MOST_NOISE = 0.25  # share of the second highest channel, 95th percentile: more hides a heterozygote
NEAREST = 10  # bases from a deletion or insertion within which the trace must be aligned
WALK = 40  # bases behind it that are looked at,
EVEN = (0.5, 1.6)  # as long as peaks are so many times the usual distance apart
MIN_INFORMATIVE = 8  # of them where the alleles differ
MIN_AGREEMENT = 0.7  # share of these whose highest peaks are those of the call
MIN_EXPLAINED = 0.92  # share of the height that one allele has, over that of the primary bases before


class Peaks(NamedTuple):
    """A trace, and what was measured at its bases."""

    trace: Trace
    primary: str  # its bases; IUPAC codes replaced by the highest channel's
    heights: np.ndarray  # bases x 4
    good: np.ndarray  # of each base: whether it is left after trimming

    def reverse_complement(self) -> "Peaks":
        """Return the peaks as the other strand has them."""
        turned = (reverse_complement(self.primary), self.heights[::-1, ::-1], self.good[::-1])
        return Peaks(self.trace.reverse_complement(), *turned)


class Placed(NamedTuple):
    """A trace, as the plus strand reads it, aligned to a reference."""

    peaks: Peaks
    reverse: bool  # it was read from the minus strand
    reference: Reference
    base_of: np.ndarray  # of each base of the reference: the number of the trace's base, or -1
    identity: float


class Measure(NamedTuple):
    """What a trace shows of a variant."""

    call: str  # het, hom, absent, not_assessable
    status: str
    reason: str
    base: int = -1  # a base of the trace, in the direction of the reference,
    offset: int = 0  # and how many bases of the reference right of the variant's first it belongs
    share: float = np.nan
    noise_median: float = np.nan
    noise: float = np.nan
    places: int = 0  # bases at which the alleles differ
    agreement: float = np.nan
    primary: str = ""  # highest and second highest bases, of a substitution
    secondary: str = ""


def trim(qualities: np.ndarray | None, length: int) -> slice:
    """Return the stretch of a trace that Mott's algorithm keeps: the highest sum of 0.05 - p."""
    if qualities is None:
        return slice(0, length)
    sums = np.concatenate([[0.0], np.cumsum(MOTT_CUTOFF - 10 ** (-qualities / 10))])
    rises = sums - np.minimum.accumulate(sums)
    end = int(rises.argmax())
    return slice(int(sums[: end + 1].argmin()), end)


def peak_heights(trace: Trace) -> np.ndarray:
    """Measure each channel at each base (bases x 4), above its baseline."""
    channels, peaks = trace.channels, trace.peaks
    spacing = float(np.median(np.diff(peaks))) if len(peaks) > 1 else 1.0
    reach = max(int(REACH * spacing), 1)
    padded = np.pad(channels, ((0, 0), (1, 1)), constant_values=-np.inf)
    tops = (channels >= padded[:, :-2]) & (channels >= padded[:, 2:])
    near = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, channels.shape[1] - 1)
    highest = np.where(tops, channels, -np.inf)[:, near].max(axis=2)
    heights = np.where(np.isfinite(highest), highest, channels[:, peaks]).T
    around = np.pad(heights, ((NEAR, NEAR), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * NEAR + 1, axis=0)
    return np.maximum(heights - np.percentile(windows, BASELINE, axis=2), 0)


def measure_peaks(trace: Trace) -> Peaks:
    """Measure the bases of a trace, and find those of good quality."""
    heights = peak_heights(trace)
    highest = heights.argmax(axis=1)
    primary = "".join(
        base if base in CHANNELS else CHANNELS[top] for base, top in zip(trace.bases, highest, strict=True)
    )
    good = np.zeros(len(primary), dtype=bool)
    good[trim(trace.qualities, len(primary))] = True
    return Peaks(trace, primary, heights, good)


def aligner() -> PairwiseAligner:
    """Return what aligns reads."""
    made = PairwiseAligner(mode="local")
    for name, score in SCORES.items():
        setattr(made, name, score)
    return made


def place(peaks: Peaks, references: Iterable[Reference]) -> Placed | None:
    """Align the good part of a trace to the reference and the strand that fit it best; None if none does.

    Of equals the first reference is taken, and the plus strand.
    """
    if peaks.good.sum() < MIN_MATCHES:
        return None
    align, best = aligner(), (0.0, None)
    for reference in references:
        for reverse in (False, True):
            turned = peaks.reverse_complement() if reverse else peaks
            low, high = np.flatnonzero(turned.good)[[0, -1]]
            query = turned.primary[low : high + 1]
            score = align.score(reference.bases, query)
            if score > best[0]:
                best = (score, (turned, reverse, reference, int(low), query))
    if best[1] is None:
        return None
    turned, reverse, reference, low, query = best[1]
    base_of = np.full(len(reference.bases), -1)
    for (start, end), (first, last) in zip(*align.align(reference.bases, query)[0].aligned, strict=True):
        base_of[start:end] = np.arange(low + first, low + last)
    mapped = np.flatnonzero(base_of >= 0)
    own = np.frombuffer(turned.primary.encode(), np.uint8)[base_of[mapped]]
    matches = int((own == np.frombuffer(reference.bases.encode(), np.uint8)[mapped]).sum())
    # Gaps are no matches.
    span = max(np.ptp(mapped), np.ptp(base_of[mapped])) + 1
    identity = matches / span
    if matches < MIN_MATCHES or identity < MIN_IDENTITY:
        return None
    return Placed(turned, reverse, reference, base_of, float(identity))


def well_read(placed: Placed) -> np.ndarray:
    """Return the numbers of the bases of a trace that are aligned and of good quality."""
    bases = placed.base_of[placed.base_of >= 0]
    return bases[placed.peaks.good[bases]]


def scale(placed: Placed, near: np.ndarray) -> np.ndarray:
    """Divide each channel by its mean over the primary peaks of some bases (bases x 4, of all bases)."""
    heights = placed.peaks.heights
    called = np.array(list(placed.peaks.trace.bases))
    means = np.empty(4)
    for number, base in enumerate(CHANNELS):
        own = near[called[near] == base]
        if len(own) < MIN_PRIMARY:
            own = np.flatnonzero((called == base) & placed.peaks.good)
        means[number] = heights[own, number].mean() if len(own) else 0
    known = means > 0
    return heights / np.where(known, means, means[known].mean() if known.any() else 1)


def noise_of(heights: np.ndarray) -> tuple[float, float]:
    """Return median and 95th percentile of the second highest channel's share of the two highest."""
    ordered = np.sort(heights, axis=1)
    shares = share_of(ordered[:, 2], ordered[:, 3])
    return float(np.median(shares)), float(np.percentile(shares, 95))


def share_of(part: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how much a height is of itself and another one; half where there is nothing."""
    both = part + other
    return np.where(both > 0, part / np.where(both > 0, both, 1), 0.5)


def decide(share: float, noise: float) -> tuple[str, str, str]:
    """Call a share of the alternative allele: call, status and reason."""
    lower = min(share, 1 - share)
    shown = f"share {share:.2f}, noise {noise:.2f}"
    if noise > MOST_NOISE:
        return "not_assessable", "too_noisy", f"the second highest peaks around have shares up to {noise:.2f}"
    if share >= HOM_SHARE:
        return "hom", "ok", ""
    if share <= max(ABSENT_SHARE, noise) and share < HET_SHARE:
        return "absent", "ok", ""
    if lower >= max(HET_SHARE, NOISE_FACTOR * noise):
        return "het", "ok", ""
    return "not_assessable", "ambiguous", f"a peak that is neither noise nor an allele for sure ({shown})"


def fail(status: str, reason: str, base: int = -1, offset: int = 0) -> Measure:
    """Return that a trace cannot show a variant, and why."""
    return Measure("not_assessable", status, reason, base, offset)


def not_covered(placed: Placed) -> str:
    """Say what a trace covers, if not the variant."""
    bases = well_read(placed)
    if not len(bases):
        return "no base around it is read well"
    indices = np.flatnonzero(np.isin(placed.base_of, bases))
    low, high = placed.reference.positions[indices[[0, -1]]] + 1
    return f"the trace is read well from {low} to {high}"


def base_at(placed: Placed, at: int) -> tuple[int, int]:
    """Return the aligned base of a trace at or near a place of the reference, and its offset from there.

    -1 if there is none, or if the trace ends before: beside what is aligned it goes on base by base.
    """
    aligned = np.flatnonzero(placed.base_of >= 0)
    nearest = int(aligned[np.abs(aligned - at).argmin()])
    base = int(placed.base_of[nearest])
    reached = 0 <= base + at - nearest < len(placed.peaks.good) and abs(nearest - at) <= NEAR
    return (base, nearest - at) if reached else (-1, 0)


def measure_substitution(placed: Placed, at: int, ref: str, alt: str) -> Measure:
    """Measure bases that are replaced by as many others, from a place of the reference on."""
    bases = placed.base_of[at : at + len(ref)]
    site = base_at(placed, at)
    if (bases < 0).any() or not placed.peaks.good[bases].all():
        return fail("not_covered", not_covered(placed), *site)
    near = np.setdiff1d(well_read(placed), bases)
    near = near[(near >= bases[0] - NEAR) & (near <= bases[-1] + NEAR)]
    if len(near) < MIN_NEAR:
        return fail("not_covered", f"{len(near)} bases around it are read well", *site)
    heights = scale(placed, near)
    noises = noise_of(heights[near])
    changed = [number for number, pair in enumerate(zip(ref, alt, strict=True)) if pair[0] != pair[1]]
    rows, own = np.arange(len(changed)), heights[bases[changed]]
    alts = np.array([CHANNELS.index(alt[number]) for number in changed])
    others = own.copy()
    others[rows, alts] = -np.inf
    rivals = others.argmax(axis=1)
    shares = share_of(own[rows, alts], own[rows, rivals])
    call, status, reason = decide(float(np.median(shares)), noises[1])
    calls = [decide(float(share), noises[1])[0] for share in shares]
    if status == "ok" and set(calls) != {call}:
        call, status = "not_assessable", "ambiguous"
        reason = f"the bases that change disagree: {', '.join(calls)}"
    third = [CHANNELS[rival] for rival, at in zip(rivals, changed, strict=True) if CHANNELS[rival] != ref[at]]
    if third and status == "ok" and call != "hom":
        reason = f"{'beside ' * (call == 'het')}{third[0]}, which is neither"
    ranked = np.argsort(-heights[bases], axis=1, kind="stable")
    letters = ["".join(CHANNELS[order[rank]] for order in ranked) for rank in (0, 1)]
    agreement = calls.count(call) / len(calls)
    return Measure(
        call, status, reason, *site, float(np.median(shares)), *noises, len(changed), agreement, *letters
    )


def alleles_behind(placed: Placed, at: int, ref: str, alt: str) -> tuple[int, int, str, str] | None:
    """Write out both alleles behind a deletion or insertion, in the direction of reading.

    Returns the last base of the trace that is surely before it, its offset, and the bases of the reference
    and of the alternative allele that follow. None if the trace is not aligned there.
    """
    bases = placed.reference.bases
    changed = bases[:at] + alt + bases[at + len(ref) :]
    aligned = np.flatnonzero(placed.base_of >= 0)
    if not placed.reverse:
        before = aligned[(aligned < at) & (aligned >= at - NEAREST)]
        if not len(before):
            return None
        last = int(before[-1])
        return int(placed.base_of[last]), last - at, bases[last + 1 :], changed[last + 1 :]
    slack = 0  # by which it can be placed further to the right
    while bases[at + slack : at + slack + 1] == changed[at + slack : at + slack + 1] != "":
        slack += 1
    end = at + len(ref) + slack
    before = aligned[(aligned >= end) & (aligned < end + NEAREST)]
    if not len(before):
        return None
    last = int(before[0])
    shifted = changed[: last + len(alt) - len(ref)]
    return int(placed.base_of[last]), last - at, bases[:last][::-1], shifted[::-1]


def walk(placed: Placed, base: int, alleles: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Go along a trace behind one of its bases, from where two alleles differ, for as long as peaks are even.

    Returns the numbers of the trace's bases, and the channels of both alleles there (bases x 2).
    """
    step = -1 if placed.reverse else 1
    codes = np.array([[CHANNELS.find(letter) for letter in pair] for pair in zip(*alleles, strict=False)])
    differ = np.flatnonzero(codes[:, 0] != codes[:, 1]) if len(codes) else codes
    first = int(differ[0]) if len(differ) else 0
    peaks = placed.peaks.trace.peaks
    bases = base + step * np.arange(first + 1, min(first + WALK, len(codes)) + 1)
    bases = bases[(bases >= 0) & (bases < len(peaks))]
    # Where the base caller leaves a base out or puts one in, bases behind it belong elsewhere.
    distances = np.abs(peaks[bases] - peaks[bases - step]) / np.median(np.diff(peaks))
    uneven = np.flatnonzero((distances < EVEN[0]) | (distances > EVEN[1]))
    bases = bases[: uneven[0]] if len(uneven) else bases
    codes = codes[first : first + len(bases)]
    known = (codes >= 0).all(axis=1) if len(codes) else slice(0)
    return bases[known], codes[known].reshape(-1, 2)


def measure_shift(placed: Placed, at: int, ref: str, alt: str) -> Measure:
    """Measure a change of length, at a place of the reference, by what is read behind it."""
    behind = alleles_behind(placed, at, ref, alt)
    if behind is None:
        return fail("not_covered", not_covered(placed), *base_at(placed, at))
    base, offset, *alleles = behind
    step = -1 if placed.reverse else 1
    near = well_read(placed)
    near = near[(step * (base - near) >= 0) & (step * (base - near) < NEAR)]
    if len(near) < MIN_NEAR:
        return fail("not_covered", f"{len(near)} bases before it are read well", base, offset)
    heights = scale(placed, near)
    median, noise = noise_of(heights[near])
    bases, codes = walk(placed, base, alleles)
    differ = codes[:, 0] != codes[:, 1]
    count = int(differ.sum())
    if count < MIN_INFORMATIVE:
        return fail("not_covered", f"the trace shows {count} bases where the alleles differ", base, offset)
    own, rows = heights[bases], np.arange(len(bases))
    refs, alts = own[rows, codes[:, 0]], own[rows, codes[:, 1]]
    sums = np.maximum(heights.sum(axis=1), 1e-9)
    usual = np.median(heights[near].max(axis=1) / sums[near])
    explained = float(np.mean((refs + np.where(differ, alts, 0)) / sums[bases]) / usual)
    share = float(np.median(share_of(alts, refs)[differ]))
    call, status, reason = decide(share, noise)
    ranked, expected = np.argsort(-own, axis=1, kind="stable")[differ], codes[differ]
    if call in ("hom", "absent"):
        agrees = ranked[:, 0] == expected[:, int(call == "hom")]
    else:
        agrees = (np.sort(ranked[:, :2], axis=1) == np.sort(expected, axis=1)).all(axis=1)
    agreement = float(agrees.mean())
    more = call != "het" and explained < MIN_EXPLAINED  # than one allele
    if status == "ok" and (agreement < MIN_AGREEMENT or more):
        call, status = "not_assessable", "ambiguous"
        reason = (
            f"behind it the highest peaks are the alleles' at {agreement:.0%} of {count} bases, and "
            f"{explained:.0%} of the usual height is theirs: another change, or noise"
        )
    return Measure(call, status, reason, base, offset, share, median, noise, count, agreement)


def measure(placed: Placed | None, peaks: Peaks, variant: Variant) -> Measure:
    """Measure a variant in a trace, where it was placed."""
    if peaks.good.sum() < MIN_MATCHES:
        return fail("too_noisy", f"{peaks.good.sum()} of {len(peaks.good)} bases are left after trimming")
    if placed is None:
        place = f"{variant.chrom}:{variant.pos}"
        return fail("no_alignment", f"no {MIN_MATCHES} bases align around {place} (identity {MIN_IDENTITY})")
    start, ref, alt = variant.change()
    at = index_of(start, len(ref), placed.reference)
    if at is None:
        return fail("not_covered", "the trace shows spliced RNA, which lacks this place")
    if len(ref) == len(alt):
        return measure_substitution(placed, at, ref, alt)
    return measure_shift(placed, at, ref, alt)


def describe(placed: Placed, shown: Measure, strand: str) -> dict[str, object]:
    """Return the columns of what a trace shows of a variant of a gene on this strand."""
    trace, known = placed.peaks.trace, shown.places > 0
    return {
        "direction": "forward" if placed.reverse == (strand == "-") else "reverse",
        "primary_base": shown.primary,
        "secondary_base": shown.secondary,
        "peak_ratio": shown.share,
        "noise_ratio": shown.noise,
        "noise_median": shown.noise_median,
        "informative_bases": shown.places or None,
        "agreement": shown.agreement,
        "base_quality": trace.qualities[shown.base] if known and trace.qualities is not None else None,
        "trace_base": (len(trace.bases) - shown.base if placed.reverse else shown.base + 1)
        if known
        else None,
        "aligned_to": placed.reference.name,
        "identity": placed.identity,
    }


def look(
    row: Mapping[str, object], path: Path, known: Known, file: str
) -> tuple[list[dict[str, object]], list[tuple[Variant, Panel]]]:
    """Look for the variants of a row of the sheet in its trace: rows of the table, and what is drawn.

    The trace is called `file` in both.
    """
    row = {**row, "file": file, "call": "not_assessable"}
    choice = choose(row["line"], row["gene"], row["expected"], known)
    try:
        peaks = measure_peaks(read_trace(path))
    except TraceError as error:
        choice = choice._replace(status="unreadable", reason=without_names(str(error), {path.name: file}))
    if choice.status != "ok":
        named = [variant._asdict() for variant in choice.variants] or [{}]
        return [{**row, **each, "status": choice.status, "reason": choice.reason} for each in named], []
    transcript = known.transcripts.get(row["gene"])
    transcript = transcript if isinstance(transcript, Transcript) else None
    strand = transcript.strand if transcript else "+"
    rows, panels = [], []
    for variant in choice.variants:
        placed = place(peaks, references_for(variant, known.genome, transcript, WINDOW))
        shown = measure(placed, peaks, variant)
        own = {**row, **variant._asdict(), "call": shown.call, "status": shown.status, "reason": shown.reason}
        turned, reference = (placed.peaks.trace, placed.reference) if placed else (None, None)
        own |= describe(placed, shown, strand) if placed else {}
        rows.append(own)
        seen = (shown.base, shown.offset)
        panels.append((variant, panel_of(own, turned, reference, variant, seen, strand == "-")))
    return rows, panels


@click.command(cls=Script)
@click.option(
    "--sanger", type=INPUT, required=True, help="TSV: trace, line, condition, role, gene, expected."
)
@click.option("--traces", type=FOLDER, required=True, help="Folder of <trace>/<file>.ab1.")
@click.option(
    "--called", type=FOLDER, required=True, help="Folder of variants.tsv of amplicon_variants; may be absent."
)
@click.option(
    "--annotated",
    type=FOLDER,
    required=True,
    help="Folder of variants.tsv of annotate_variants; may be absent.",
)
@click.option(
    "--pseudonymise",
    type=bool,
    default=False,
    show_default=True,
    help="Whether traces are named by their row of the sheet, not as their files are called.",
)
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, with its .fai.")
@click.option("--annotation", type=INPUT, required=True, help="GTF.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@RESULTS
def main(
    sanger: Path,
    traces: Path,
    called: Path,
    annotated: Path,
    pseudonymise: bool,
    genome: Path,
    annotation: Path,
    target_genes: Path,
    results: Path,
) -> None:
    """Look in each trace at its variants, and draw them."""
    sheet = read_table(sanger, SHEET).fillna({"expected": ""})
    genes = read_table(target_genes, TARGET_GENES)
    listed = read_all(annotated, ANNOTATED)
    listed = pd.DataFrame(columns=list(ANNOTATED)) if listed is None else named_rows(listed)
    results.mkdir(parents=True, exist_ok=True)
    rows, figures = [], {}
    with pysam.FastaFile(str(genome)) as sequences:
        transcripts = find_targets(genes, annotation, sequences)
        ids = dict(zip(genes.gene, genes.transcript, strict=True))
        known = Known(listed, read_all(called, CALLED), transcripts, ids, sequences)
        for row in sheet.to_dict("records"):
            path = min((traces / row["trace"]).iterdir())
            found, panels = look(row, path, known, f"trace {row['trace']}" if pseudonymise else path.name)
            rows += found
            for variant, panel in panels:
                figures.setdefault((row["line"], row["gene"], variant), []).append(panel)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).astype(dict.fromkeys(WHOLE, "Int64"))
    write_table(table, results / "calls.tsv")
    write_report(results, table, save_figures(figures, results, MOST_FIGURES))
    write_versions(results / "versions.tsv", "biopython", "matplotlib", "numpy", "pandas", "pysam")


if __name__ == "__main__":
    main()
