#!/usr/bin/env python3
"""Ask SigProfilerMatrixGenerator how many substitutions and doublets there are in each sample.

Run as `cd tests/oracles && PYTHONPATH=.. python mutation_matrix.py`, in an environment of its own with
SigProfilerMatrixGenerator (pip). It writes mutation_matrix_SBS96.tsv and mutation_matrix_DBS78.tsv: genome
and mutations are those of tests/mutation_study.py. The genome is given to it as it keeps its own: a file a
contig, with a code a base (0 to 3: A, C, G, T outside of genes); its check that a genome is a published one
is turned off. It counts the bases of a doublet as substitutions, too: so doublets are asked for with all
mutations, and substitutions without those that have a neighbour.
"""

import tempfile
from importlib.metadata import version
from pathlib import Path

import mutation_study
import pandas as pd
from SigProfilerMatrixGenerator.scripts.reference_genome_manager import ReferenceGenomeManager
from SigProfilerMatrixGenerator.scripts.SigProfilerMatrixGeneratorFunc import SigProfilerMatrixGeneratorFunc

SEED, NUMBER, SAMPLES = 7, 400, ("s1", "s2", "s3")
BUILD = "GRCh38"
CODES = str.maketrans("ACGT", "\x00\x01\x02\x03")


def without_neighbours(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out what is part of a doublet."""
    single = table[table.ref.str.len() == 1]
    places = set(zip(single["sample"], single.chrom, single.position, strict=True))
    alone = [
        not {(sample, chrom, position - 1), (sample, chrom, position + 1)} & places
        for sample, chrom, position in zip(single["sample"], single.chrom, single.position, strict=True)
    ]
    return single[alone]


def ask(table: pd.DataFrame, volume: Path, folder: Path) -> dict[str, pd.DataFrame]:
    """Run SigProfilerMatrixGenerator on mutations; return its matrices."""
    folder.mkdir()
    rows = table.assign(
        project="study", id=".", build=BUILD, kind="SNP", chrom=table.chrom.str.removeprefix("chr"),
        end=table.position, type="SOMATIC",
    )  # fmt: skip
    order = ["project", "sample", "id", "build", "kind", "chrom", "position", "end", "ref", "alt", "type"]
    rows[order].to_csv(folder / "study.txt", sep="\t", index=False)
    return SigProfilerMatrixGeneratorFunc("study", BUILD, str(folder), volume=str(volume), seqInfo=False)


def main() -> None:
    """Write both matrices."""
    ReferenceGenomeManager.is_genome_installed = lambda *_: True
    contigs = mutation_study.genome(SEED)
    table = mutation_study.mutations(contigs, SEED, NUMBER, SAMPLES)
    note = f"# SigProfilerMatrixGenerator {version('SigProfilerMatrixGenerator')}\n"
    with tempfile.TemporaryDirectory() as name:
        volume = Path(name) / "volume"
        tsb = volume / "tsb" / BUILD
        tsb.mkdir(parents=True)
        for contig, bases in contigs.items():
            (tsb / f"{contig.removeprefix('chr')}.txt").write_text(bases.translate(CODES))
        doublets = ask(table, volume, Path(name) / "all")["DINUC"]
        single = ask(without_neighbours(table), volume, Path(name) / "alone")["96"]
    for matrix, of in ((single, "SBS96"), (doublets, "DBS78")):
        path = Path(f"mutation_matrix_{of}.tsv")
        path.write_text(note + matrix.sort_index().rename_axis("MutationType").to_csv(sep="\t"))


if __name__ == "__main__":
    main()
