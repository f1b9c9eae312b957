#!/usr/bin/env python3
"""Build the salmon index of the transcripts, with the genome as decoy.

A read of something that is not annotated (an intron, a pseudogene, DNA) may resemble a transcript. With the
genome's contigs as decoys, a read that fits one of them better than any transcript is given to none.
Transcripts come first and decoys last, as salmon asks for. k is 31: for reads of 75 bases and more, by
its manual; a transcript that is shorter than that cannot be found, and has no reads.

Transcripts of the same sequence are kept apart (--keepDuplicates): by default salmon drops all but one, which
then are absent from the results although they are annotated, and which one stays depends on their order.
Kept, they share their reads evenly, and the sum over a gene, or over two genes that are copies of each
other, is right. They are listed in salmon_index/duplicate_clusters.tsv.

Reference: Srivastava et al. 2020, Genome Biol 21:239, doi:10.1186/s13059-020-02151-8
"""

import shutil
import tempfile
from pathlib import Path

import click
import pandas as pd
from common.cli import INPUT, RESULTS, InputError, Script
from common.multiqc import write_versions
from common.programs import program_version, run

K = 31
FASTA_INDEX = ["contig", "length", "offset", "bases", "bytes"]
TIMES = ("pre_indexing.log", "ref_indexing.log")  # logs of this run, with its times


def transcript_names(transcripts: Path) -> set[str]:
    """Read the names of the transcripts: what stands before the first blank of a header."""
    with transcripts.open() as lines:
        return {line[1:].split(None, 1)[0] for line in lines if line.startswith(">")}


def write_decoys(genome: Path, transcripts: Path, path: Path) -> None:
    """List the genome's contigs (genome.fa.fai beside it); none may have the name of a transcript."""
    contigs = pd.read_csv(f"{genome}.fai", sep="\t", names=FASTA_INDEX, dtype={"contig": "str"}).contig
    names = transcript_names(transcripts)
    if not names:
        raise InputError(f"{transcripts.name}: has no transcripts")
    if shared := sorted(names & set(contigs)):
        raise InputError(
            f"{transcripts.name}: {shared[0]} is the name of a contig of {genome.name} too, "
            "expected transcripts that have names of their own"
        )
    path.write_text("".join(f"{contig}\n" for contig in contigs))


def join_files(parts: list[Path], path: Path) -> None:
    """Write files one below the other."""
    with path.open("wb") as joined:
        for part in parts:
            with part.open("rb") as opened:
                shutil.copyfileobj(opened, joined, 2**24)


@click.command(cls=Script)
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, its .fai beside it.")
@click.option("--transcripts", type=INPUT, required=True, help="FASTA of the transcripts.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU cores to use.")
@RESULTS
def main(genome: Path, transcripts: Path, threads: int, results: Path) -> None:
    """Build the salmon index of the transcripts, the genome as decoy: the folder salmon_index."""
    results.mkdir(parents=True, exist_ok=True)
    index = results / "salmon_index"
    with tempfile.TemporaryDirectory(dir=results) as name:
        decoys, both = Path(name) / "decoys.txt", Path(name) / "gentrome.fa"
        write_decoys(genome, transcripts, decoys)
        join_files([transcripts, genome], both)
        command = ["salmon", "index", "--transcripts", both, "--decoys", decoys, "--index", index]
        command += ["--kmerLen", K, "--keepDuplicates", "--threads", threads, "--tmpdir", Path(name) / "k"]
        run(command)
    for log in TIMES:
        (index / log).unlink(missing_ok=True)
    same = len((index / "duplicate_clusters.tsv").read_text().splitlines()) - 1
    click.echo(f"{same:,} transcripts have the sequence of an earlier one; all are kept")
    write_versions(results / "versions.tsv", "pandas", salmon=program_version("salmon"))


if __name__ == "__main__":
    main()
