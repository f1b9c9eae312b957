"""A million mutations counted by context: time, peak memory and differences beside two others.

The genome is random, 330 million bases in five contigs, the first as long as the human chromosome 1; a
million substitutions lie anywhere in it, in 1,000 samples.
Ours    mutation_matrix, from reading the table to matrices of substitutions and doublets.
Loop    the obvious: a row at a time, its three bases from pysam's FASTA, a count in a dictionary. It knows no
        neighbours, so what it counts is compared where ours has no doublet.
Rival   SigProfilerMatrixGenerator, if it is installed, on a twentieth of the mutations only (its time is not
        scaled); its genome is given to it ready, as tests/oracles/mutation_matrix.py has it.
Each runs in a process of its own, median of 3 (the rival: once); imports are not counted.
"""

import gzip
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests")]

LENGTHS = {
    "chr1": 248_000_000,
    "chr2": 22_000_000,
    "chr3": 20_000_000,
    "chr4": 20_000_000,
    "chrX": 20_000_000,
}
ROWS, SAMPLES, RUNS, EVERY, WIDTH = 1_000_000, 1000, 3, 20, 60
LETTERS = np.frombuffer(b"ACGT", np.uint8)


def simulate(folder: Path) -> None:
    """Write the genome, as FASTA and as the rival keeps it, and the mutations."""
    rng = np.random.default_rng(1)
    (folder / "genome").mkdir()
    (folder / "volume/tsb/GRCh38").mkdir(parents=True)
    parts, index, total = [], [], sum(LENGTHS.values())
    with (folder / "genome/genome.fa").open("wb") as fasta:
        for contig, length in LENGTHS.items():
            codes = rng.integers(0, 4, length, dtype=np.uint8)
            (folder / f"volume/tsb/GRCh38/{contig[3:]}.txt").write_bytes(codes.tobytes())
            fasta.write(f">{contig}\n".encode())
            index.append(f"{contig}\t{length}\t{fasta.tell()}\t{WIDTH}\t{WIDTH + 1}\n")
            whole = length // WIDTH * WIDTH
            lines = np.full((whole // WIDTH, WIDTH + 1), ord("\n"), dtype=np.uint8)
            lines[:, :WIDTH] = LETTERS[codes[:whole]].reshape(-1, WIDTH)
            fasta.write(lines.tobytes() + LETTERS[codes[whole:]].tobytes() + b"\n" * (whole < length))
            number = ROWS * length // total
            places = rng.integers(10, length - 10, number)
            ref = codes[places]
            alt = (ref + rng.integers(1, 4, number)) % 4
            alleles = {
                name: LETTERS[each].view("S1").astype(str) for name, each in (("ref", ref), ("alt", alt))
            }
            parts.append(pd.DataFrame({"chrom": contig, "position": places + 1} | alleles))
    (folder / "genome/genome.fa.fai").write_text("".join(index))
    table = pd.concat(parts, ignore_index=True)
    table["sample"] = "s" + pd.Series(rng.integers(0, SAMPLES, len(table)).astype(str))
    table = table.assign(
        cohort="A", patient=table["sample"], panel="", gene="G", context="", variant_type="SNV"
    )
    (folder / "mutations").mkdir()
    with gzip.open(folder / "mutations/mutations.tsv.gz", "wt", compresslevel=1) as file:
        table.to_csv(file, sep="\t", index=False)
    samples = pd.DataFrame({"cohort": "A", "sample": sorted(set(table["sample"]))}).assign(
        patient="", panel=""
    )
    samples.to_csv(folder / "profiled.tsv", sep="\t", index=False)
    (folder / "cohorts.tsv").write_text("cohort\tgenome_build\tmaf\tsbs96\nA\tGRCh38\t1\t\n")


def ours(folder: Path) -> dict[str, int]:
    """Count as mutation_matrix does; by class and in all."""
    nothing = folder / "none"
    study = read_study(
        folder / "cohorts.tsv", folder / "profiled.tsv", folder / "mutations", nothing, nothing, None
    )
    counted = count(study, find_genome(folder / "genome"), "KEAP1")
    found = dict(zip(CONTEXTS, counted.sbs.sum(axis=0).tolist(), strict=True))
    return found | {"doublets": int(counted.dbs.sum())}


def loop(folder: Path) -> dict[str, int]:
    """Count row by row."""
    found = Counter()
    with (
        pysam.FastaFile(str(folder / "genome/genome.fa")) as genome,
        gzip.open(folder / "mutations/mutations.tsv.gz", "rt") as rows,
    ):
        for row in csv.DictReader(rows, delimiter="\t"):
            at = int(row["position"])
            three = genome.fetch(row["chrom"], at - 2, at + 1)
            if three[1] == row["ref"]:
                found[row["sample"], name_of(three[0], row["ref"], row["alt"], three[2])] += 1
    total = Counter()
    for (_, name), number in found.items():
        total[name] += number
    return dict(total)


def rival(folder: Path) -> dict[str, int]:
    """Have SigProfilerMatrixGenerator count every 20th mutation."""
    ReferenceGenomeManager.is_genome_installed = lambda *_: True
    table = pd.read_csv(folder / "mutations/mutations.tsv.gz", sep="\t", dtype=str)[::EVERY]
    rows = table.assign(
        project="study", id=".", build="GRCh38", kind="SNP", chrom=table.chrom.str.removeprefix("chr"),
        end=table.position, type="SOMATIC",
    )  # fmt: skip
    order = ["project", "sample", "id", "build", "kind", "chrom", "position", "end", "ref", "alt", "type"]
    (folder / "rival").mkdir()
    rows[order].to_csv(folder / "rival/study.txt", sep="\t", index=False)
    found = SigProfilerMatrixGeneratorFunc(
        "study", "GRCh38", str(folder / "rival"), volume=str(folder / "volume"), seqInfo=False
    )
    return found["96"].sum(axis=1).astype(int).to_dict()


def measure(name: str, folder: Path) -> dict[str, object]:
    """Run one in a process of its own: seconds, peak memory in GB, and what it counts."""
    words = [sys.executable, __file__, name, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print times, memory and differences."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Not in this process: what it starts would have its peak memory.
        subprocess.run([sys.executable, __file__, "simulate", str(folder)], check=True)
        runs = {each: [measure(each, folder) for _ in range(RUNS)] for each in ("ours", "loop")}
        if find_spec("SigProfilerMatrixGenerator"):
            runs["rival"] = [measure("rival", folder)]
    seconds = {each: statistics.median(run["seconds"] for run in own) for each, own in runs.items()}
    memory = {each: statistics.median(run["gb"] for run in own) for each, own in runs.items()}
    counts = {each: own[0]["counts"] for each, own in runs.items()}
    doublets = counts["ours"].pop("doublets")
    more = sum(counts["loop"].values()) - sum(counts["ours"].values())
    apart = sum(abs(counts["loop"][name] - number) for name, number in counts["ours"].items())
    print(
        f"mutation_matrix: {ROWS:,} mutations in {seconds['ours']:.1f} s and {memory['ours']:.2f} GB; a loop "
        f"over rows takes {seconds['loop'] / seconds['ours']:.1f} times as long ({seconds['loop']:.1f} s, "
        f"{memory['loop']:.2f} GB); it counts {more} more, of {doublets} doublets and of duplicates, and "
        f"{apart - more} otherwise"
    )
    if "rival" in runs:
        ratio = seconds["rival"] / seconds["ours"]
        print(
            f"mutation_matrix: SigProfilerMatrixGenerator takes {ratio:.1f} times as long for every "
            f"{EVERY}th of them ({seconds['rival']:.1f} s, {memory['rival']:.2f} GB)"
        )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "simulate":
        simulate(Path(sys.argv[2]))
    else:
        if sys.argv[1] == "ours":
            from common.genome_bases import find_genome
            from common.mutation_matrix_tables import read_study
            from common.signature_tables import CONTEXTS
            from mutation_matrix import count
        elif sys.argv[1] == "loop":
            import csv

            import pysam
            from mutation_study import name_of
        else:
            from SigProfilerMatrixGenerator.scripts.reference_genome_manager import ReferenceGenomeManager
            from SigProfilerMatrixGenerator.scripts.SigProfilerMatrixGeneratorFunc import (
                SigProfilerMatrixGeneratorFunc,
            )
        start = time.perf_counter()
        run = {"ours": ours, "loop": loop, "rival": rival}[sys.argv[1]]
        found = run(Path(sys.argv[2]))
        took = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print("\n" + json.dumps({"seconds": took, "gb": peak, "counts": found}))
