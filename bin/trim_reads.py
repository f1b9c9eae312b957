#!/usr/bin/env python3
"""Trim adapters and bad ends of reads, and leave out bad reads, with fastp; count what was kept.

Adapters   Of a pair, what lies beyond the fragment (found by overlap of the two reads), and where reads do
           not overlap, the adapter that fastp detects in the first quarter of a million reads; of single
           reads, the detected one. After that, those of MGI/DNBSEQ and of Illumina TruSeq in any read.
Poly-G     Two-colour instruments read G where there is no signal: tails of G are cut if the first read's
           name is of one (NextSeq, NovaSeq, MiniSeq, iSeq: the list below; fastp's own lacks the newer ones).
Filter     A read is left out if more than 40 % of its bases are below the quality, if more than 5 are N, or
           if it is too short; of a pair, both reads go.
Checks     fastp 0.23 stops at the first bad record, or at the end of the shorter of two files, without an
           error, and may wait for ever. So the files are checked while they are handed to it, each byte once:
           checksums of gzip, form of each record, names and numbers of mates. Of a sample with bad files
           nothing is kept.
Counts     Reads are single reads: a pair is two. Duplicates are reads or pairs of the same sequence, by hash;
           libraries of RNA and of amplicons have true ones, so that they are reported and kept.

The order of reads is kept and compression has no time in it: the same files give the same bytes, with any
number of threads.

Reference: Chen et al. 2018, Bioinformatics 34:i884, doi:10.1093/bioinformatics/bty560
"""

import json
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.fastq_files import BadReadsError, all_blocks, check_all
from common.file_names import without_names
from common.multiqc import rows_of, write_section, write_versions
from common.pipes import Pipe
from common.programs import ProgramError, fail, program_version
from common.tables import LIBRARY, read_table, write_table

# Of the kits' documentation: what is read after a fragment that is shorter than the read.
ADAPTERS = {
    "MGI_read_1": "AAGTCGGAGGCCAAGCGGTCTTAGGAAGACAA",
    "MGI_read_2": "AAGTCGGATCGTAGCCATGTCGTTCTGTGAGCCAAGGAGTTG",
    "TruSeq_read_1": "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA",
    "TruSeq_read_2": "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT",
}
# Instruments, as read names begin: NextSeq 500, 550, 550Dx, 1000/2000; NovaSeq 6000, X; MiniSeq; iSeq.
TWO_COLOUR = re.compile(rb"@(NS|NB|NDX|VH|A0|LH|MN|FS1)\d+:")

COUNTS = {
    "reads_in": "Int64",
    "reads_out": "Int64",
    "reads_too_short": "Int64",
    "reads_low_quality": "Int64",
    "reads_too_many_n": "Int64",
}
ROW = {
    **{"sample": "str", "layout": "str"},
    **COUNTS,
    **dict.fromkeys(
        ["mean_length", "q30_rate", "gc_rate", "duplication_rate", "adapter_rate", "adapter_base_rate"],
        "float64",
    ),
    **{"adapter_1": "str", "adapter_2": "str", "poly_g_trimmed": "str", "status": "str", "reason": "str"},
}
LIBRARIES = {  # by the sheet of samples: the table, its section, and that one's heading
    "rnaseq": ("reads.tsv", "trim_reads_mqc.json", "Trimmed reads"),
    "amplicons": ("amplicon_reads.tsv", "trim_reads_amplicons_mqc.json", "Trimmed reads of amplicons"),
}
TEXTS = [column for column, kind in ROW.items() if kind == "str"]
BARS = {
    "reads_out": ("kept", "#56B4E9"),
    "reads_too_short": ("too short", "#E69F00"),
    "reads_low_quality": ("low quality", "#D55E00"),
    "reads_too_many_n": ("too many N", "#999999"),
}


class Library:
    """The files of a sample, handed to fastp and checked on the way; `reads` has the lanes of each mate."""

    def __init__(self, reads: Sequence[Sequence[Path]]) -> None:
        """Nothing is read yet."""
        self.reads = reads
        self.bad = threading.Event()
        self.records = [0] * len(reads)  # that were handed over, at most
        # Of each mate, what its blocks must have in common with the other's; None ends them.
        self.signatures: list[list] = [[] for _ in reads]
        self.lock = threading.Lock()
        self.process: subprocess.Popen | None = None

    def agree(self, mate: int, number: int, signature: object) -> bool:
        """Keep the signature of a mate's block, and compare it with the other mate's, if there is one."""
        with self.lock:
            if number == len(self.signatures[mate]):
                self.signatures[mate].append(signature)
            others = self.signatures[1 - mate] if len(self.reads) > 1 else []
            return number >= len(others) or others[number] == signature

    def content(self, mate: int) -> Iterator[bytes]:
        """Hand over the reads of a mate; what is bad ends fastp."""
        records = number = 0
        try:
            for number, block in enumerate(all_blocks(self.reads[mate]), start=1):
                names = hash(tuple(block.names())) if len(self.reads) > 1 else 0
                if not self.agree(mate, number - 1, (block.lane, block.records, names)):
                    return self.end()
                yield block.text
                records += block.records
            if not self.agree(mate, number, None):
                return self.end()
        except BadReadsError:
            return self.end()
        self.records[mate] = records

    def end(self) -> None:
        """End fastp: a file is bad."""
        self.bad.set()
        with self.lock:
            if self.process:
                self.process.kill()

    def run(self, command: Sequence[str], pipes: Sequence[Path]) -> None:
        """Run fastp on named pipes, one a mate; raise BadReadsError if a file is bad."""
        opened = [Pipe(path, lambda mate=mate: self.content(mate)) for mate, path in enumerate(pipes)]
        try:
            with self.lock:
                self.process = subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
                )
            output, _ = self.process.communicate()
        finally:
            for pipe in opened:
                pipe.close()
        if self.bad.is_set():
            check_all(self.reads)
            raise ProgramError("files were found bad when they were read once, and good when read again")
        if self.process.returncode:
            fail(command, self.process.returncode, output)


def lanes(folder: Path) -> list[Path]:
    """List the files of numbered folders, in the order of the numbers; none if there is no folder."""
    files = [path for path in folder.glob("*/*") if path.is_file()]
    return sorted(files, key=lambda path: (int(path.parent.name), path.name))


def library_of(reads_1: Path, reads_2: Path) -> list[list[Path]]:
    """List the lanes of each mate; a library without second reads is single."""
    first, second = lanes(reads_1), lanes(reads_2)
    if not first:
        raise InputError(f"{reads_1}: has no file in a numbered folder")
    if second and len(first) != len(second):
        raise InputError(f"{reads_2}: has {len(second)} files, expected {len(first)} as in {reads_1}")
    return [first, second] if second else [first]


def lane_names(reads: Sequence[Sequence[Path]]) -> dict[str, str]:
    """Say which lane and mate a file is, by its name."""
    return {
        path.name: f"lane {lane}, mate {mate}"
        for mate, paths in enumerate(reads, start=1)
        for lane, path in enumerate(paths, start=1)
    }


def fastp_command(
    sample: str,
    pipes: Sequence[Path],
    outputs: Sequence[Path],
    folder: Path,
    quality: int,
    length: int,
    poly_g: bool,
    threads: int,
) -> list[str]:
    """Compose fastp's command; its JSON and the adapters are in `folder`."""
    adapters = folder / "adapters.fa"
    adapters.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in ADAPTERS.items()))
    files = ["--in1", pipes[0], "--out1", outputs[0]]
    if len(pipes) > 1:
        files += ["--in2", pipes[1], "--out2", outputs[1], "--detect_adapter_for_pe"]
    words = [
        *("fastp", "--report_title", sample, *files, "--adapter_fasta", adapters),
        *("--qualified_quality_phred", quality, "--length_required", length),
        *("--trim_poly_g" if poly_g else "--disable_trim_poly_g", "--thread", threads),
        *("--json", folder / "fastp.json", "--html", "/dev/null"),
    ]
    return [str(word) for word in words]


def read_log(path: Path, folder: Path) -> dict:
    """Read fastp's JSON; a rate of nothing, which it writes as -nan, is 0, and paths lose their folder."""
    text = path.read_text().replace(f"{folder}/", "")
    return json.loads(re.sub(r"(?<=[:,\[])(\s*)-?nan\b", r"\g<1>0", text))


def summarise(log: Mapping, poly_g: bool) -> dict[str, object]:
    """Turn fastp's JSON into a row of reads.tsv."""
    before, after, kept = log["summary"]["before_filtering"], log["summary"]["after_filtering"], {}
    filtered, cut = log["filtering_result"], log.get("adapter_cutting", {})
    if after["total_reads"]:
        kept = {
            "mean_length": after["total_bases"] / after["total_reads"],
            "gc_rate": after["gc_content"],
        }
    return kept | {
        "reads_in": before["total_reads"],
        "reads_out": after["total_reads"],
        "reads_too_short": filtered["too_short_reads"],
        "reads_low_quality": filtered["low_quality_reads"],
        "reads_too_many_n": filtered["too_many_N_reads"],
        "q30_rate": before["q30_rate"],
        "duplication_rate": log["duplication"]["rate"],
        **cut_off(cut, before),
        **{f"adapter_{mate}": detected(cut, mate) for mate in (1, 2)},
        "poly_g_trimmed": "yes" if poly_g else "no",
    }


def cut_off(cut: Mapping, before: Mapping) -> dict[str, float]:
    """Return the shares of reads and bases that adapters are cut off from.

    fastp counts those that it finds by the overlap of mates or detects, not those of its list alone: of
    single reads without a detected adapter nothing is known.
    """
    if "read2_mean_length" not in before and not detected(cut, 1):
        return {}
    return {
        "adapter_rate": cut["adapter_trimmed_reads"] / before["total_reads"],
        "adapter_base_rate": cut["adapter_trimmed_bases"] / max(1, before["total_bases"]),
    }


def detected(cut: Mapping, mate: int) -> str:
    """Return the adapter that fastp detected in the reads of a mate; empty if none."""
    adapter = cut.get(f"read{mate}_adapter_sequence", "unspecified")
    return "" if adapter == "unspecified" else adapter


def trim(
    sample: str, reads: Sequence[Sequence[Path]], quality: int, length: int, threads: int, results: Path
) -> dict[str, object]:
    """Trim a library into <sample>_1.fastq.gz (and _2), with <sample>.fastp.json; returns its row.

    Raises BadReadsError, and leaves no file, if the library cannot be read.
    """
    first = next(all_blocks(reads[0]))
    poly_g = bool(TWO_COLOUR.match(first.text))
    with tempfile.TemporaryDirectory(dir=results) as name:
        folder = Path(name).resolve()
        pipes = [folder / f"{sample}_{mate}.fastq" for mate in range(1, len(reads) + 1)]
        outputs = [path.with_name(f"trimmed_{path.name}.gz") for path in pipes]
        command = fastp_command(sample, pipes, outputs, folder, quality, length, poly_g, threads)
        library = Library(reads)
        library.run(command, pipes)
        log = read_log(folder / "fastp.json", folder)
        for mate, records in enumerate(library.records, start=1):
            read = log[f"read{mate}_before_filtering"]["total_reads"]
            if read != records:
                raise ProgramError(f"fastp read {read:,} records of mate {mate}, and was given {records:,}")
        row = summarise(log, poly_g)
        (results / f"{sample}.fastp.json").write_text(json.dumps(log, indent=1) + "\n")
        if row["reads_out"]:
            for path in outputs:
                path.rename(results / path.name.removeprefix("trimmed_"))
    return row


def judge(row: Mapping[str, object], length: int) -> tuple[str, str]:
    """Say whether a sample has reads left: status and reason."""
    if row["reads_out"]:
        return "ok", ""
    causes = ", ".join(f"{row[column]:,} {BARS[column][0]}" for column in BARS if row.get(column))
    return "no_reads_left", f"none of {row['reads_in']:,} reads is left ({causes}; {length} bases needed)"


def gather(samples: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Put the rows into one table, in the samples' order; a sample without FASTQ has none."""
    paths = [folder / f"{sample}.reads.tsv" for sample in samples["sample"]]
    rows = [read_table(path, ROW) for path in paths if path.is_file()]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(ROW)).astype(ROW)


def describe(reads: pd.DataFrame) -> str:
    """Say how many reads were kept, of what quality, and which adapters they had."""
    known = reads[reads.reads_in.notna()]
    sentences = []
    if len(known):
        kept, q30 = 100 * known.reads_out / known.reads_in, 100 * known.q30_rate
        cut = 100 * known.adapter_rate.dropna()
        sentences = [
            f"fastp kept {spread(kept)} of a sample's reads ({known.reads_out.sum():,} of "
            f"{known.reads_in.sum():,} in all, mates counted singly).",
            f"{spread(q30)} of bases had a quality of 30 or more.",
        ]
        if len(cut):
            sentences.insert(1, f"Adapters were cut off {spread(cut)} of reads.")
        poly_g = known["sample"][known.poly_g_trimmed == "yes"]
        if len(poly_g):
            words = f"Tails of G were cut in {len(poly_g)} of {len(known)} samples"
            sentences.append(f"{words}: their instruments are two-colour ones.")
    if len(lost := reads[reads.status != "ok"]):
        sentences.append(f"{len(lost)} of {len(reads)} samples have no reads to go on with.")
    return " ".join(sentences) or "No sample has FASTQ files."


def spread(percentages: pd.Series) -> str:
    """Write a range: `95.1 to 97.3 %`."""
    low, high = (f"{value:.1f}" for value in (percentages.min(), percentages.max()))
    return f"{low} %" if low == high else f"{low} to {high} %"


@click.group()
def main() -> None:
    """Trim reads with fastp."""


@main.command(cls=Script)
@click.option("--sample", required=True, help="Name of the sample.")
@click.option("--reads-1", type=FOLDER, required=True, help="Folder of numbered folders of a lane: FASTQ.")
@click.option("--reads-2", type=FOLDER, required=True, help="The same, of second mates; absent: single.")
@click.option(
    "--trim-quality",
    type=click.IntRange(0, 40),
    default=15,
    show_default=True,
    help="Quality (Phred) below which a base counts as bad.",
)
@click.option(
    "--trim-min-length",
    type=click.IntRange(15, 500),
    default=31,
    show_default=True,
    help="Length (bases) below which a trimmed read is left out.",
)
@click.option(
    "--strict",
    type=bool,
    default=False,
    show_default=True,
    help="Whether a sample that has no reads is an error.",
)
@click.option(
    "--pseudonymise",
    type=bool,
    default=False,
    show_default=True,
    help="Whether files are named by lane and mate, not as they are called.",
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU cores to use.")
@RESULTS
def sample(
    sample: str,
    reads_1: Path,
    reads_2: Path,
    trim_quality: int,
    trim_min_length: int,
    strict: bool,
    pseudonymise: bool,
    threads: int,
    results: Path,
) -> None:
    """Trim a sample's reads: FASTQ, fastp's JSON, a row."""
    results.mkdir(parents=True, exist_ok=True)
    reads = library_of(reads_1, reads_2)
    try:
        row = trim(sample, reads, trim_quality, trim_min_length, threads, results)
        status, reason = judge(row, trim_min_length)
    except BadReadsError as error:
        row, status, reason = {}, "unreadable", str(error)
        if pseudonymise:
            reason = without_names(reason, lane_names(reads))
    if strict and status != "ok":
        raise InputError(f"sample {sample}: {reason}")
    row |= {"sample": sample, "layout": "paired" if len(reads) > 1 else "single"}
    table = pd.DataFrame([row | {"status": status, "reason": reason}], columns=list(ROW))
    write_table(table.astype(ROW | dict.fromkeys(TEXTS, "object")), results / f"{sample}.reads.tsv")
    write_versions(results / "versions.tsv", "numpy", "pandas", fastp=program_version("fastp"))


@main.command(cls=Script)
@click.option("--samples", type=INPUT, required=True, help="TSV: sample, line, condition, role.")
@click.option("--rows", type=FOLDER, required=True, help="Folder of <sample>.reads.tsv.")
@click.option(
    "--library",
    type=click.Choice(list(LIBRARIES)),
    default="rnaseq",
    show_default=True,
    help="The sheet that the samples are of.",
)
@RESULTS
def table(samples: Path, rows: Path, library: str, results: Path) -> None:
    """Put the samples into one table: reads.tsv or amplicon_reads.tsv, and its section of the report."""
    results.mkdir(parents=True, exist_ok=True)
    sheet = read_table(samples, LIBRARY)
    reads = gather(sheet, rows)
    name, section, title = LIBRARIES[library]
    write_table(reads, results / name)
    lost = reads.merge(sheet[["sample", "line"]], on="sample")
    lost = lost[lost.status != "ok"]
    known = reads[reads.reads_in.notna()]
    write_section(
        results / section,
        title,
        describe(reads),
        "bargraph",
        {
            row["sample"]: {name: int(row[column]) for column, (name, _) in BARS.items()}
            for row in known.to_dict("records")
        },
        settings={
            "ylab": "reads",
            "categories": {name: {"name": name, "color": colour} for name, colour in BARS.values()},
        },
        statuses=reads.status,
        links=[name],
        dois=["10.1093/bioinformatics/bty560"],
        samples={name: rows_of(reads.set_index("sample")[["reads_in", "q30_rate"]])},
        findings={
            line: "; ".join(f"{row.sample} {row.status} ({row.reason})" for row in of_line.itertuples())
            for line, of_line in lost.groupby("line", sort=False)
        },
    )
    write_versions(results / "versions.tsv", "pandas")


if __name__ == "__main__":
    main()
