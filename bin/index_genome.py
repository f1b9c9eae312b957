#!/usr/bin/env python3
"""Build the STAR index of a genome, with the splice junctions of its annotation.

Two settings follow from the genome, as STAR's manual has them for small genomes and for many contigs:
genomeSAindexNbases = min(14, log2(length) / 2 - 1) and
genomeChrBinNbits = min(18, log2(max(length / contigs, read length))), both rounded down.
The overhang of the junctions is 99 bases: that of reads of 100, and, by the manual, about as good for other
lengths; so the index does not depend on the study's reads.

Reference: Dobin et al. 2013, Bioinformatics 29:15, doi:10.1093/bioinformatics/bts635
"""

import re
from math import floor, log2
from pathlib import Path

import click
import pandas as pd
from common.cli import INPUT, RESULTS, InputError, Script
from common.multiqc import write_versions
from common.programs import program_version, run

OVERHANG = 99  # bases of an exon on each side of a junction: length of the reads - 1
READ_LENGTH = OVERHANG + 1
USED_MEMORY = 0.9  # share of the given memory that STAR may plan with
TRANSCRIPT = re.compile(r'transcript_id "([^"]+)"')
FASTA_INDEX = ["contig", "length", "offset", "bases", "bytes"]


def prefix_length(length: int) -> int:
    """Choose the length of the words that the suffix array is indexed by, for a genome of this many bases."""
    return max(1, min(14, floor(log2(length) / 2 - 1)))


def bin_bits(length: int, contigs: int) -> int:
    """Choose the bits of a contig's storage bin: many contigs would fill the memory with large ones."""
    return min(18, floor(log2(max(length / contigs, READ_LENGTH))))


def index_command(genome: Path, annotation: Path, index: Path, threads: int, memory: int) -> list[object]:
    """Compose STAR's command for a genome with genome.fa.fai beside it; `memory` in MB."""
    lengths = pd.read_csv(f"{genome}.fai", sep="\t", names=FASTA_INDEX, dtype={"contig": "str"}).length
    length = int(lengths.sum())
    return [
        *("STAR", "--runMode", "genomeGenerate", "--genomeDir", index, "--genomeFastaFiles", genome),
        *("--sjdbGTFfile", annotation, "--sjdbOverhang", OVERHANG),
        *("--genomeSAindexNbases", prefix_length(length)),
        *("--genomeChrBinNbits", bin_bits(length, len(lengths))),
        *("--runThreadN", threads, "--limitGenomeGenerateRAM", floor(memory * 2**20 * USED_MEMORY)),
        *("--outFileNamePrefix", f"{index}/"),
    ]


def has_intron(annotation: Path) -> bool:
    """Tell whether a transcript of a GTF has a second exon: without any junction STAR 2.7.10b crashes."""
    seen = set()
    with annotation.open() as rows:
        for row in rows:
            fields = row.split("\t")
            if len(fields) == 9 and fields[2] == "exon" and (name := TRANSCRIPT.search(fields[8])):
                if name[1] in seen:
                    return True
                seen.add(name[1])
    return False


@click.command(cls=Script)
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, its .fai beside it.")
@click.option("--annotation", type=INPUT, required=True, help="GTF of the genome's transcripts.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU cores to use.")
@click.option(
    "--memory", type=click.IntRange(min=1), default=40960, show_default=True, help="Memory to use (MB)."
)
@RESULTS
def main(genome: Path, annotation: Path, threads: int, memory: int, results: Path) -> None:
    """Build the STAR index of the genome and its annotation: the folder star_index."""
    if not has_intron(annotation):
        found = "no transcript with an intron"
        raise InputError(f"{annotation.name}: found {found}; expected the annotation of a genome, for STAR")
    index = results / "star_index"
    index.mkdir(parents=True, exist_ok=True)
    run(index_command(genome, annotation, index, threads, memory))
    (index / "Log.out").unlink()  # times and paths of this run
    write_versions(results / "versions.tsv", "pandas", STAR=program_version("STAR"))


if __name__ == "__main__":
    main()
