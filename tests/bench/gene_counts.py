"""Time and memory of gene_counts beside tximport (R), where that is installed.

30 samples x 200,000 transcripts of 60,000 genes, lengthScaledTPM. Each runs in a process of its own, by
turns: median of 3 whole runs from the start of the process to its end, with the reading of all quant.sf
(tximport's own: readr where that is installed, else read.delim). gene_counts also checks and writes its
tables; tximport saves its matrices as they are. They are compared before they are rounded.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SAMPLES, TRANSCRIPTS, GENES, REPEATS = 30, 200_000, 60_000, 3
BIN = Path(__file__).parents[2] / "bin"
TXIMPORT = """
suppressPackageStartupMessages(library(tximport))
samples <- read.delim("samples.tsv", colClasses = "character")$sample
files <- setNames(file.path("quantified", samples, "quant.sf"), samples)
tx2gene <- read.delim("transcripts.tsv", colClasses = "character")
txi <- tximport(files, "salmon", tx2gene = tx2gene, countsFromAbundance = "lengthScaledTPM")
writeLines(rownames(txi$counts), "genes.txt")
for (table in c("counts", "length", "abundance"))
  writeBin(as.vector(txi[[table]]), paste0(table, ".bin"))
cat("readr" %in% loadedNamespaces())
"""


def simulate() -> None:
    """Write quantified/*/quant.sf, samples.tsv and transcripts.tsv here."""
    rng = np.random.default_rng(1)
    owner = np.sort(rng.integers(0, GENES, TRANSCRIPTS))
    names = [f"ENST{number:011}.{number % 9 + 1}" for number in range(TRANSCRIPTS)]
    genes = pd.DataFrame({"transcript_id": names, "gene_id": [f"ENSG{gene:011}.1" for gene in owner]})
    genes.assign(gene_name="").to_csv("transcripts.tsv", sep="\t", index=False)
    samples = [f"s{number}" for number in range(SAMPLES)]
    sheet = pd.DataFrame({"sample": samples, "line": "a", "condition": "b", "role": "other"})
    sheet.assign(replicate=range(1, SAMPLES + 1)).to_csv("samples.tsv", sep="\t", index=False)

    length = rng.integers(200, 8000, TRANSCRIPTS)
    mean = rng.lognormal(0, 2, TRANSCRIPTS) * (rng.random(TRANSCRIPTS) < 0.6)
    for sample in samples:
        folder = Path("quantified", sample)
        folder.mkdir(parents=True)
        effective = np.maximum(length - rng.uniform(100, 180), 20)
        reads = rng.gamma(2, mean / 2) * (rng.random(TRANSCRIPTS) < 0.8) * effective / 100
        tpm = reads / effective / (reads / effective).sum() * 1e6
        rows = zip(names, length.tolist(), effective.tolist(), tpm.tolist(), reads.tolist(), strict=True)
        with (folder / "quant.sf").open("w") as file:
            file.write("Name\tLength\tEffectiveLength\tTPM\tNumReads\n")
            for name, nt, *values in rows:
                file.write("{}\t{}\t{:.3f}\t{:.6f}\t{:.3f}\n".format(name, nt, *values))


def measure(command: list[str]) -> tuple[float, float, str]:
    """Run a command: seconds, peak megabytes, what it said."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return time.perf_counter() - start, usage.ru_maxrss / 1024, said


def differences() -> str:
    """Compare counts, lengths and abundances, before any is rounded."""
    sys.path.insert(0, str(BIN))
    from common.tables import read_table
    from gene_counts import estimate, match, read_names, read_samples, sum_samples

    columns = dict.fromkeys(["transcript_id", "gene_id", "gene_name"], "str")
    samples = read_table(Path("samples.tsv"), {"sample": "str"})["sample"]
    paths = [Path("quantified", sample, "quant.sf") for sample in samples]
    names = read_names(paths[0])
    matching = match(names, read_table(Path("transcripts.tsv"), columns))
    sums = sum_samples(read_samples(paths, names), matching.gene, len(matching.genes))
    order = matching.genes.gene_id.argsort().to_numpy()
    rival = np.argsort(Path("genes.txt").read_text().split())
    largest = []
    for table, ours in (
        ("counts", estimate(sums, "lengthScaledTPM")),
        ("length", sums.lengths),
        ("abundance", sums.tpm),
    ):
        theirs = np.fromfile(f"{table}.bin").reshape(len(samples), -1).T[rival]
        difference = np.abs(ours[order] - theirs) / np.maximum(np.abs(theirs), 1e-9)
        largest.append(f"{table} {difference.max():.1e}")
    return ", ".join(largest)


def main() -> None:
    """Run both, if both are installed."""
    ours = [sys.executable, BIN / "gene_counts.py", "--samples", "samples.tsv", "--quantified", "quantified"]
    ours += ["--genes", "transcripts.tsv", "--results", "results"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        simulate()
        Path("results").mkdir()
        Path("tximport.R").write_text(TXIMPORT)
        installed = shutil.which("Rscript") and not subprocess.call(
            ["Rscript", "-e", "library(tximport)"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        commands = [ours, ["Rscript", "tximport.R"]] if installed else [ours]
        runs = [[measure([str(word) for word in command]) for command in commands] for _ in range(REPEATS)]
        (seconds, megabytes, _), *rivals = (
            (statistics.median(run[0] for run in each), max(run[1] for run in each), each[0][2])
            for each in zip(*runs, strict=True)
        )
        for slower, larger, readr in rivals:
            reading = "readr" if readr == "TRUE" else "read.delim"
            print(
                f"gene_counts: {slower / seconds:.1f} times as fast as tximport with {reading} "
                f"({seconds:.1f} s and {slower:.1f} s, {megabytes:.0f} MB and {larger:.0f} MB, whole runs); "
                f"largest relative difference: {differences()}"
            )
        if not rivals:
            print(f"gene_counts: {seconds:.1f} s, {megabytes:.0f} MB; tximport is not installed")


if __name__ == "__main__":
    main()
