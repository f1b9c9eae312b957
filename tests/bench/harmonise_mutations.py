"""Time and memory of harmonise_mutations beside a plain script of pandas.

A MAF of a million rows and 60 columns: 5,000 exomes, 20,000 genes, a third of the rows with flags, some rows
twice. Each runs in a process of its own, by turns: median of 3 whole runs from the start of the process to
its end, with reading and the gzipped table. The plain script reads the same columns, takes the rows that
pass, once each, and adds the VAF and the residue: no symbols, patients, panels, classes, isoforms or counts
of what was dropped. Both must have the same rows.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import Process
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, SAMPLES, GENES, REPEATS = 1_000_000, 5_000, 20_000, 3
ROOT = Path(__file__).parents[2]
MUTATIONS = "results/mutations.tsv.gz"
PLAIN = """
import pandas as pd
place = ["Tumor_Sample_Barcode", "Chromosome", "Start_Position", "Reference_Allele", "Tumor_Seq_Allele2"]
columns = ["Hugo_Symbol", "FILTER", "Variant_Classification", "Transcript_ID", "HGVSc", "HGVSp_Short"]
columns += [*place, "CONTEXT", "t_ref_count", "t_alt_count"]
maf = pd.read_csv("mafs/1/cohort.maf", sep="\\t", usecols=columns, dtype={"Chromosome": "str"})
maf = maf[maf.FILTER == "PASS"].drop_duplicates(place)
maf["vaf"] = maf.t_alt_count / (maf.t_alt_count + maf.t_ref_count)
maf["protein_position"] = maf.HGVSp_Short.str.extract(r"(\\d+)")[0]
compression = {"method": "gzip", "compresslevel": 1, "mtime": 0}
maf.to_csv("plain.tsv.gz", sep="\\t", index=False, compression=compression)
"""


def simulate() -> None:
    """Write a MAF, its cohort and its samples here."""
    rng = np.random.default_rng(1)
    bases, residues = np.array(list("ACGT")), np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    genes = np.array([*(f"GENE{number}" for number in range(GENES - 2)), "NFE2L2", "C11orf30"])
    samples = np.array([f"TCGA-AA-{number:04}-01A-11D-A391-08" for number in range(SAMPLES)])
    ref = rng.integers(0, 4, ROWS)
    contexts = rng.integers(0, 4, (ROWS, 11))
    contexts[:, 5] = ref
    residue = rng.integers(1, 2000, ROWS)
    first, last = residues[rng.integers(0, 20, (2, ROWS))]
    maf = pd.DataFrame(
        {
            "Hugo_Symbol": genes[rng.integers(0, GENES, ROWS)],
            "NCBI_Build": "GRCh38",
            "Chromosome": pd.Series(rng.integers(1, 23, ROWS)).map(lambda number: f"chr{number}"),
            "Start_Position": rng.integers(1, 100_000_000, ROWS),
            "Variant_Classification": rng.choice(
                ["Missense_Mutation", "Silent", "Intron", "Splice_Site"], ROWS
            ),
            "Reference_Allele": bases[ref],
            "Tumor_Seq_Allele2": bases[(ref + rng.integers(1, 4, ROWS)) % 4],
            "Tumor_Sample_Barcode": samples[rng.integers(0, SAMPLES, ROWS)],
            "HGVSc": [f"c.{3 * number}A>G" for number in residue],
            "HGVSp_Short": [f"p.{a}{number}{b}" for a, number, b in zip(first, residue, last, strict=True)],
            "Transcript_ID": [f"ENST{number:011}" for number in rng.integers(0, 60_000, ROWS)],
            "t_ref_count": rng.integers(20, 80, ROWS),
            "t_alt_count": rng.integers(4, 60, ROWS),
            "CONTEXT": bases[contexts].view("U11").ravel(),
            "FILTER": rng.choice(["PASS", "PASS", "PASS", "PASS", "panel_of_normals", "oxog;wga"], ROWS),
        }
    )
    fillers = {f"further_{number}": "novel_0.999" for number in range(45)}
    maf = maf.assign(**fillers)
    Path("mafs/1").mkdir(parents=True)
    twice = maf.iloc[: ROWS // 100]
    pd.concat([maf.iloc[: -len(twice)], twice]).to_csv("mafs/1/cohort.maf", sep="\t", index=False)
    profiled = pd.DataFrame({"cohort": "A", "sample": samples, "patient": samples, "panel": ""})
    profiled.to_csv("profiled.tsv", sep="\t", index=False)
    Path("cohorts.tsv").write_text("cohort\tgenome_build\tmaf\tsbs96\nA\tGRCh38\t1\t\n")


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command: seconds, peak megabytes."""
    start = time.perf_counter()
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    """Run both, and compare their tables."""
    ours = [
        *(sys.executable, ROOT / "bin/harmonise_mutations.py", "--cohorts", "cohorts.tsv"),
        *("--profiled", "profiled.tsv", "--panels", "panels", "--mafs", "mafs", "--results", "results"),
        *("--gene-aliases", ROOT / "assets/gene_aliases.tsv"),
        *("--target-genes", ROOT / "assets/target_genes.tsv"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        # In a process of its own: what this one holds when it starts another counts as the other's peak.
        process = Process(target=simulate)
        process.start()
        process.join()
        Path("results").mkdir()
        Path("plain.py").write_text(PLAIN)
        commands = [ours, [sys.executable, "plain.py"]]
        runs = [[measure([str(word) for word in command]) for command in commands] for _ in range(REPEATS)]
        (seconds, megabytes), (slower, larger) = (
            (statistics.median(run[0] for run in each), max(run[1] for run in each))
            for each in zip(*runs, strict=True)
        )
        found, plain = (pd.read_csv(path, sep="\t", usecols=["vaf"]) for path in (MUTATIONS, "plain.tsv.gz"))
        assert len(found) == len(plain)
        print(
            f"harmonise_mutations: {ROWS:,} rows in {seconds:.1f} s and {megabytes:,.0f} MB, "
            f"{slower / seconds:.1f} times as fast as a plain script of pandas "
            f"({slower:.1f} s and {larger:,.0f} MB), whole runs; {len(found):,} rows of both count, "
            f"largest difference of VAFs {np.abs(found.vaf - plain.vaf).max():.1e}"
        )


if __name__ == "__main__":
    main()
