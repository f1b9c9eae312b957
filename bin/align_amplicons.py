#!/usr/bin/env python3
"""Align the reads of amplicons, clip their primers, and say how deeply each amplicon is covered.

Windows    Reads are aligned to the genome's bases around the primers (flanks of 300 bases; windows that touch
           are one), and their alignments lifted to the genome. No other place competes for them: mapping
           qualities do not know of pseudogenes, and a product of elsewhere may lie in a window, mismatched.
Alignment  bwa mem, without its third round of seeding (-y 0), which is for repeats and takes a quarter of the
           time: within windows it changes one read of ten thousand. Mapping qualities are bwa's.
           Supplementary alignments are left out.
Product    A read begins with a primer if its 5' end (with what bwa clipped there, or else without) lies at
           most 5 bases before it, in it (some bases were trimmed) or right behind it, on the primer's strand.
           A pair is a product of the amplicon with whose primers both mates begin; where several fit, of
           that whose ends are nearest. It is flagged proper. A pair that begins with two primers which are
           no pair is a chimera; all other pairs that map are off target. Both stay in the file, flagged as
           failing quality control, clipped by the primers of the amplicon with whose primer a read begins.
Primers    samtools ampliconclip compares a read with all primers of its contig. With --both-ends it so clips
           a read of one amplicon where its far end happens to lie in the primer of a neighbour (--strand
           spares only those of one strand), and of primers that overlap it takes the longest. So each read is
           put on a copy of its window that belongs to the amplicon with whose primer it begins, and there,
           at both ends, meets the two primers of that amplicon only. The bases of a primer are
           soft-clipped, so that a variant below it is seen in the reads of its neighbours only. A deletion
           at the edge is clipped too; a read that is only primer is unmapped.
Duplicates are not marked: in amplicons, all reads of a product begin and end at the same places.
Depth      of a base of the insert: the fragments (products) whose mates span it after clipping, overlapping
           mates once, deletions in the read included. Median and minimum are over the insert.
Dropout    The median depth is below 5, or below 1 % of the median over the sample's other amplicons: primers
           that do not amplify, or a deletion of both alleles. Low: the minimum is below --amplicon-min-depth.
Uniformity The share of amplicons whose median depth is within 0.2 to 5 times the sample's median.

References: Li 2013, doi:10.48550/arXiv.1303.3997 (bwa mem);
Danecek et al. 2021, GigaScience 10:giab008, doi:10.1093/gigascience/giab008 (samtools)
"""

import gzip
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import dropwhile
from pathlib import Path
from subprocess import PIPE

import click
import numpy as np
import pandas as pd
import pysam
from common.aligned_reads import depth_of
from common.amplicon_windows import (
    PRIMERS,
    WINDOWS,
    Layout,
    Primer,
    bed_of,
    check_primers,
    lay_out,
    read_lengths,
    windows_of,
)
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.programs import Pipeline, program_version, run
from common.tables import read_table, write_table

FLANK = 300  # bases of a window on both sides of its amplicons
TOLERANCE = 5  # bases before a primer at which its reads may begin; the default of ampliconclip
BWA = ("bwa", "mem", "-y", "0", "-K", "10000000")  # -K: what is aligned at once, whatever the threads
CLIP = ("samtools", "ampliconclip", "--both-ends", "--tolerance", str(TOLERANCE))
SORTING_MEMORY = "256M"
CACHED = 1 << 16
DROPPED_TAGS = (b"SA:Z:", b"XA:Z:")  # places in windows
LOW_ON_TARGET = 0.5  # share of pairs, below which a sample is marked
DROPOUT_DEPTH = 5  # fragments
DROPOUT_SHARE = 0.01  # of the median over the sample's other amplicons
EVEN = (0.2, 5)  # of a sample's median

PROPER, UNMAPPED, REVERSE, FAILED = 0x2, 0x4, 0x10, 0x200
NOT_PRIMARY = 0x100 | 0x800
OPERATION = re.compile(r"(\d+)(\D)")  # of a CIGAR
ALIGNED, ON_REFERENCE = "M=X", "MDN=X"

SHEET = {"sample": "str", "line": "str", "condition": "str", "role": "str"}
KINDS = ["on_target", "chimeric", "off_target", "unmapped"]
ROW = {
    **{"sample": "str", "read_pairs": "int64"},
    **{f"{kind}_pairs": "int64" for kind in KINDS},
    **{f"{kind}_rate": "float64" for kind in KINDS},
    **{"status": "str", "reason": "str"},
}
DEPTHS = {"amplicon": "str", "fragments": "int64", "median_depth": "float64", "min_depth": "int64"}
COVERAGE = [
    *("sample", "line", "condition", "amplicon", "pool", "chrom", "insert_start", "insert_end"),
    *("fragments", "median_depth", "min_depth", "status", "reason"),
]
Found = tuple[tuple[int, int], ...]  # of amplicons, with distances
NO_READS = "no reads were left to align: see trim_reads"


# ---- which amplicon a read belongs to


def operations_of(cigar: str) -> list[tuple[str, int]]:
    """Read a CIGAR: kinds and lengths."""
    return [(kind, int(size)) for size, kind in OPERATION.findall(cigar)]


def ends_of(position: int, cigar: str, reverse: bool) -> tuple[int, int]:
    """Return a read's 5' end with and without what is clipped there; of a reverse read, its exclusive end."""
    operations = operations_of(cigar)
    kind, size = operations[-1 if reverse else 0]
    clip = size if kind == "S" else 0
    if not reverse:
        return position - clip, position
    end = position + sum(size for kind, size in operations if kind in ON_REFERENCE)
    return end + clip, end


def primers_at(five_prime: tuple[int, int], primers: Iterable[Primer], reverse: bool) -> Found:
    """Find the primers with which a read begins: the amplicon, and how far away the primer's outer end is."""
    for end in five_prime:
        inside = [(each, each.outer - end if reverse else end - each.outer) for each in primers]
        if found := [(each.amplicon, abs(at)) for each, at in inside if -TOLERANCE <= at <= each.length]:
            return tuple(found)
    return ()


@lru_cache(CACHED)
def choose(first: Found, second: Found, opposite: int) -> tuple[int | None, int | None]:
    """Choose the amplicons of two mates, which lie opposite each other or not: one that both have, if any."""
    far, other = dict(first), dict(second)
    if both := far.keys() & other.keys() if opposite else ():
        return (min(both, key=lambda at: (far[at] + other[at], at)),) * 2
    return tuple(min(each, key=lambda at: (each[at], at), default=None) for each in (far, other))


def assign(lines: Iterable[bytes], layout: Layout) -> Iterator[bytes]:
    """Put pairs, as bwa writes them, on the contigs of their amplicons: lines of SAM."""

    @lru_cache(CACHED)  # most reads of an amplicon lie alike
    def begins(window: bytes, position: bytes, cigar: bytes, reverse: int) -> Found:
        ends = ends_of(int(position) - 1, cigar.decode(), bool(reverse))
        return primers_at(ends, layout.primers[window, bool(reverse)], bool(reverse))

    records = (line.split(b"\t", 11) for line in dropwhile(lambda line: line.startswith(b"@"), lines))
    primary = (fields for fields in records if not int(fields[1]) & NOT_PRIMARY)
    for first, second in zip(primary, primary, strict=True):
        flags = int(first[1]), int(second[1])
        found = [
            () if flag & UNMAPPED else begins(mate[2], mate[3], mate[5], flag & REVERSE)
            for mate, flag in zip((first, second), flags, strict=True)
        ]
        for mate, amplicon in zip(
            (first, second), choose(*found, (flags[0] ^ flags[1]) & REVERSE), strict=True
        ):
            if amplicon is not None:
                mate[2] = layout.names[layout.windows + amplicon]
        # An unmapped read lies where its mate does.
        first[2] = second[2] if flags[0] & UNMAPPED else first[2]
        second[2] = first[2] if flags[1] & UNMAPPED else second[2]
        first[6], second[6] = second[2], first[2]
        for mate in (first, second):
            if b"SA:Z:" in mate[11] or b"XA:Z:" in mate[11]:
                tags = mate[11].rstrip(b"\n").split(b"\t")
                mate[11] = b"\t".join(tag for tag in tags if not tag.startswith(DROPPED_TAGS)) + b"\n"
            yield b"\t".join(mate)


# ---- back to the genome


@lru_cache(CACHED)
def tidied(cigar: str) -> tuple[str | None, int, int]:
    """Clip deletions at the ends of an alignment: a CIGAR, the bases to move it by, the bases it spans.

    The CIGAR is None if it stays as it is, and empty where no base is aligned.
    """
    operations = operations_of(cigar)
    aligned = [at for at, (kind, _) in enumerate(operations) if kind in ALIGNED]
    if not aligned:
        return "", 0, 0
    before, kept, behind = np.split(np.array(operations, dtype=object), [aligned[0], aligned[-1] + 1])
    moved, spanned = (sum(size for kind, size in part if kind in ON_REFERENCE) for part in (before, kept))
    # What was inserted there is clipped with the primer.
    clips = [sum(size for kind, size in part if kind in "SI") for part in (before, behind)]
    new = "".join(f"{size}{kind}" for kind, size in [("S", clips[0]), *kept, ("S", clips[1])] if size)
    return None if new == cigar else new, moved, spanned


def lift(read: pysam.AlignedSegment, layout: Layout) -> int:
    """Move a read from its window to the genome; unmap it if it is only primer. Returns its exclusive end."""
    contig = read.reference_id
    start = read.reference_start + layout.offsets[contig]
    # The mate's place is given by fixmate, but must be on a contig that the header has.
    read.reference_id = read.next_reference_id = layout.contigs[contig]
    if read.flag & UNMAPPED:
        read.reference_start = start
        return start
    cigar, moved, spanned = tidied(read.cigarstring)
    if cigar:
        read.cigarstring = cigar
    elif cigar is not None:
        read.flag |= UNMAPPED
        read.mapping_quality = 0
        read.cigartuples = None
    read.reference_start = start + moved
    return start + moved + spanned


def kind_of(first: pysam.AlignedSegment, second: pysam.AlignedSegment, layout: Layout) -> str:
    """Say what a pair is, before it is lifted."""
    if first.flag & second.flag & UNMAPPED:
        return "unmapped"
    if (first.flag | second.flag) & UNMAPPED or min(first.reference_id, second.reference_id) < layout.windows:
        return "off_target"
    product = first.reference_id == second.reference_id and (first.flag ^ second.flag) & REVERSE
    return "on_target" if product else "chimeric"


def lift_pairs(
    reads: Iterable[pysam.AlignedSegment], layout: Layout, written: pysam.AlignmentFile
) -> tuple[Counter[str], Counter[tuple[int, ...]]]:
    """Lift and write clipped pairs, mates beside each other; count their kinds, and where products lie.

    A product is counted by its amplicon, and by start and end of each mate in the genome.
    """
    kinds: Counter[str] = Counter()
    products: Counter[tuple[int, ...]] = Counter()
    reads = iter(reads)
    for first, second in zip(reads, reads, strict=True):
        kind = kind_of(first, second, layout)
        kinds[kind] += 1
        if kind != "unmapped":
            amplicon = first.reference_id - layout.windows
            end, mate_end = lift(first, layout), lift(second, layout)
            if kind == "on_target":
                products[amplicon, first.reference_start, end, second.reference_start, mate_end] += 1
                flags = 0 if (first.flag | second.flag) & UNMAPPED else PROPER
            else:
                flags = FAILED
            gone = first.flag & second.flag & UNMAPPED
            for read in (first, second):
                read.flag = read.flag & ~PROPER | flags
                if gone:
                    read.reference_id = read.next_reference_id = -1
                    read.reference_start = read.next_reference_start = -1
                    read.set_tag("MC", None)
        written.write(first)
        written.write(second)
    return kinds, products


def header_of(sample: str, lengths: Mapping[str, int], versions: Mapping[str, str]) -> pysam.AlignmentHeader:
    """Make the header of a sample: all contigs of the genome, and programs without paths."""
    return pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "unsorted"},
            "SQ": [{"SN": name, "LN": length} for name, length in lengths.items()],
            "RG": [{"ID": sample, "SM": sample}],
            "PG": [
                {"ID": "bwa", "PN": "bwa", "VN": versions["bwa"], "CL": " ".join(BWA)},
                {"ID": "samtools", "PN": "samtools", "PP": "bwa", "VN": versions["samtools"],
                 "CL": " ".join(CLIP)},
            ],
        }
    )  # fmt: skip


def align(
    sample: str,
    reads: list[Path],
    windows: Path,
    layout: Layout,
    header: pysam.AlignmentHeader,
    threads: int,
    aligned: Path,
) -> tuple[Counter[str], Counter[tuple[int, ...]]]:
    """Align read pairs into a BAM file by coordinate: bwa, clipping, lifting and sorting run side by side."""
    quiet = ("--no-PG", "-u")
    with (
        tempfile.TemporaryDirectory(dir=aligned.parent) as scratch,
        ThreadPoolExecutor(1) as pool,
        Pipeline() as programs,
    ):
        group = f"@RG\\tID:{sample}\\tSM:{sample}"
        bwa = programs.start([*BWA, "-t", threads, "-R", group, windows / "windows.fa", *reads])
        clip = programs.start([*CLIP, *quiet, "-f", "/dev/null", "-b", windows / "primers.bed", "-"], PIPE)
        mates = programs.start(["samtools", "fixmate", *quiet, "-", "-"], PIPE)
        options = ("--no-PG", "-@", threads - 1, "-m", SORTING_MEMORY, "-T", f"{scratch}/sorting")
        programs.start(["samtools", "sort", *options, "-o", aligned, "-"], mates.stdout)

        def feed() -> None:
            """Write what bwa says to ampliconclip; both are text, so that no thread waits for another."""
            with clip.stdin as written:
                written.write(layout.header() + b"@RG\tID:%s\n" % sample.encode())
                written.writelines(assign(bwa.stdout, layout))

        fed = pool.submit(feed)
        with (
            pysam.AlignmentFile(clip.stdout, check_sq=False) as clipped,
            mates.stdin,
            pysam.AlignmentFile(mates.stdin, "wbu", header=header) as written,
        ):
            counted = lift_pairs(clipped.fetch(until_eof=True), layout, written)
        fed.result()
    return counted


# ---- depth


def depths_of(primers: pd.DataFrame, products: Mapping[tuple[int, ...], int]) -> pd.DataFrame:
    """Count the fragments over the bases of each insert, mates once: a row an amplicon, as DEPTHS."""
    places = np.array(list(products), dtype="int64").reshape(-1, 5)
    counts = np.array(list(products.values()), dtype="int64")
    rows = []
    for number, each in enumerate(primers.itertuples()):
        own = places[:, 0] == number
        _, start, end, mate_start, mate_end = places[own].T
        together = np.maximum(start, mate_start) <= np.minimum(end, mate_end)  # mates are one stretch
        low, high = np.minimum(start, mate_start), np.maximum(end, mate_end)
        starts = np.concatenate([np.where(together, low, start), mate_start[~together]])
        ends = np.concatenate([np.where(together, high, end), mate_end[~together]])
        times = np.concatenate([counts[own], counts[own][~together]])
        depth = depth_of(starts, ends, each.left_end, each.right_start, times)
        rows.append((each.amplicon, counts[own].sum(), np.median(depth), depth.min()))
    return pd.DataFrame(rows, columns=list(DEPTHS)).astype(DEPTHS)


def summarise(sample: str, kinds: Mapping[str, int]) -> dict[str, object]:
    """Put the kinds of a sample's pairs into a row of alignment.tsv."""
    pairs = sum(kinds.values())
    row: dict[str, object] = {"sample": sample, "read_pairs": pairs}
    row |= {f"{kind}_pairs": kinds.get(kind, 0) for kind in KINDS}
    row |= {f"{kind}_rate": kinds.get(kind, 0) / pairs if pairs else np.nan for kind in KINDS}
    row["status"], row["reason"] = judge_sample(pairs, kinds.get("on_target", 0))
    return row


def judge_sample(pairs: int, on_target: int) -> tuple[str, str]:
    """Say how far a library is one of these amplicons: status and reason."""
    if not pairs:
        return "no_reads", NO_READS
    if not on_target:
        return "nothing_on_target", f"none of {pairs:,} pairs begins with the primers of an amplicon"
    if on_target < LOW_ON_TARGET * pairs:
        share = f"{on_target / pairs:.1%} of {pairs:,} pairs begin with the primers of an amplicon"
        return "low_on_target", f"{share}, fewer than {LOW_ON_TARGET:.0%}"
    return "ok", ""


def judge(depths: pd.DataFrame, min_depth: int) -> pd.DataFrame:
    """Say of each amplicon of a sample whether it is covered: status and reason."""
    judged = []
    for number, row in enumerate(depths.itertuples()):
        others = np.delete(depths.median_depth.to_numpy(), number)
        usual = float(np.median(others)) if len(others) else 0.0
        if row.median_depth < DROPOUT_DEPTH:
            judged.append(("dropout", f"median depth {row.median_depth:g}, below {DROPOUT_DEPTH}"))
        elif row.median_depth < DROPOUT_SHARE * usual:
            share = f"{row.median_depth / usual:.2%} of the {usual:,.0f} of the sample's other amplicons"
            judged.append(("dropout", f"median depth {row.median_depth:g}, {share}"))
        elif row.min_depth < min_depth:
            judged.append(
                ("low", f"{row.min_depth:,} fragments at its least covered base, below {min_depth:,}")
            )
        else:
            judged.append(("ok", ""))
    return pd.DataFrame(judged, columns=["status", "reason"], index=depths.index)


def uniformity(median_depth: pd.Series) -> float:
    """Return the share of amplicons within EVEN times the median of these median depths."""
    usual = median_depth.median()
    return float(median_depth.between(EVEN[0] * usual, EVEN[1] * usual).mean()) if usual else np.nan


def gather(
    sheet: pd.DataFrame, primers: pd.DataFrame, rows: Path, min_depth: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put the samples together in the sheet's order: coverage, alignment; one without a row has no reads."""
    amplicons = primers.rename(columns={"left_end": "insert_start", "right_start": "insert_end"})
    amplicons = amplicons[["amplicon", "pool", "chrom", "insert_start", "insert_end"]]
    coverage, alignment = [], []
    for sample in sheet.itertuples():
        path = rows / f"{sample.sample}.alignment.tsv"
        row = read_table(path, ROW).iloc[0].to_dict() if path.is_file() else summarise(sample.sample, {})
        if row["status"] == "no_reads":
            depths = primers[["amplicon"]].assign(fragments=0, median_depth=0.0, min_depth=0)
            depths = depths.assign(status="no_reads", reason=NO_READS)
        else:
            depths = read_table(rows / f"{sample.sample}.amplicons.tsv", DEPTHS)
            depths[["status", "reason"]] = judge(depths, min_depth)
        row["median_depth"] = depths.median_depth.median()
        row["uniformity"] = uniformity(depths.median_depth)
        alignment.append(row)
        named = {"sample": sample.sample, "line": sample.line, "condition": sample.condition}
        coverage.append(amplicons.merge(depths, on="amplicon", validate="1:1").assign(**named))
    columns = [*list(ROW)[:-2], "median_depth", "uniformity", "status", "reason"]
    return pd.concat(coverage, ignore_index=True)[COVERAGE], pd.DataFrame(alignment)[columns]


# ---- commands


def has_reads(path: Path) -> bool:
    """Say whether there is a FASTQ, gz, with anything in it."""
    if not path.is_file():
        return False
    with gzip.open(path) as reads:
        return bool(reads.read(1))


@click.group()
def main() -> None:
    """Align the reads of amplicons, and clip their primers."""


PRIMERS_OPTION = click.option(
    "--primers", type=INPUT, required=True,
    help="TSV: chrom, start, end, amplicon, pool, left_start, left_end, right_start, right_end.",
)  # fmt: skip
GENOME_OPTION = click.option(
    "--genome", type=INPUT, required=True, help="FASTA of the genome, its .fai beside it."
)


@main.command(cls=Script)
@PRIMERS_OPTION
@GENOME_OPTION
@RESULTS
def windows(primers: Path, genome: Path, results: Path) -> None:
    """Cut the windows around the amplicons from the genome and index them: the folder windows."""
    folder = results / "windows"
    folder.mkdir(parents=True, exist_ok=True)
    amplicons, lengths = read_table(primers, PRIMERS), read_lengths(genome)
    check_primers(amplicons, lengths)
    cut = windows_of(amplicons, lengths, FLANK)
    write_table(cut, folder / "windows.tsv")
    write_table(amplicons, folder / "primers.tsv")
    (folder / "primers.bed").write_text(bed_of(amplicons, lay_out(amplicons, cut, lengths)))
    with pysam.FastaFile(genome) as bases:
        records = (
            f">{row.window}\n{bases.fetch(row.chrom, row.start, row.end)}\n" for row in cut.itertuples()
        )
        (folder / "windows.fa").write_text("".join(records))
    run(["bwa", "index", folder / "windows.fa"])
    write_versions(results / "versions.tsv", "numpy", "pandas", "pysam", bwa=program_version("bwa"))


@main.command(cls=Script)
@click.option("--sample", required=True, help="Name of the sample, and of its read group.")
@click.option("--reads-1", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="FASTQ, gz: first mates; absent or empty: no reads.")  # fmt: skip
@click.option("--reads-2", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="FASTQ, gz: second mates.")  # fmt: skip
@click.option("--windows", type=FOLDER, required=True, help="Folder that `windows` wrote.")
@GENOME_OPTION
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU cores to use.")
@RESULTS
def sample(
    sample: str,
    reads_1: Path,
    reads_2: Path,
    windows: Path,
    genome: Path,
    threads: int,
    results: Path,
) -> None:
    """Align a sample's pairs and clip their primers: BAM by coordinate, its index, depths, a row."""
    results.mkdir(parents=True, exist_ok=True)
    amplicons, lengths = read_table(windows / "primers.tsv", PRIMERS), read_lengths(genome)
    layout = lay_out(amplicons, read_table(windows / "windows.tsv", WINDOWS), lengths)
    versions = {"bwa": program_version("bwa"), "samtools": program_version("samtools")}
    header, aligned = header_of(sample, lengths, versions), results / f"{sample}.bam"
    if has_reads(reads_1) and has_reads(reads_2):
        reads = [reads_1, reads_2]
        kinds, products = align(sample, reads, windows, layout, header, threads, aligned)
    else:
        kinds, products = Counter(), Counter()
        with pysam.AlignmentFile(aligned, "wb", header=header):
            pass
    run(["samtools", "index", aligned])
    write_table(depths_of(amplicons, products), results / f"{sample}.amplicons.tsv")
    write_table(pd.DataFrame([summarise(sample, kinds)])[list(ROW)], results / f"{sample}.alignment.tsv")
    write_versions(results / "versions.tsv", "numpy", "pandas", "pysam", **versions)


@main.command(cls=Script)
@click.option("--amplicons", type=INPUT, required=True, help="TSV: sample, line, condition, role.")
@PRIMERS_OPTION
@click.option("--rows", type=FOLDER, required=True,
              help="Folder of <sample>.amplicons.tsv and <sample>.alignment.tsv.")  # fmt: skip
@click.option(
    "--amplicon-min-depth",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Depth (fragments) that each base of an insert should have.",
)
@RESULTS
def table(amplicons: Path, primers: Path, rows: Path, amplicon_min_depth: int, results: Path) -> None:
    """Judge the amplicons of all samples: coverage.tsv, alignment.tsv, a heatmap, sections of the report."""
    from common.amplicon_report import write_coverage, write_pairs  # drawing is for this command only

    results.mkdir(parents=True, exist_ok=True)
    sheet, known = read_table(amplicons, SHEET), read_table(primers, PRIMERS)
    coverage, alignment = gather(sheet, known, rows, amplicon_min_depth)
    write_table(coverage, results / "coverage.tsv")
    write_table(alignment, results / "alignment.tsv")
    write_coverage(coverage, alignment, sheet, amplicon_min_depth, results)
    write_pairs(alignment, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas")


if __name__ == "__main__":
    main()
