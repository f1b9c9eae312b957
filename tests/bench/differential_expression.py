"""Time, memory and answers of differential_expression beside PyDESeq2's default and R DESeq2, in one run.

20,000 genes x 28 samples (7 lines x 2 conditions x 2), 8 contrasts. Ours and PyDESeq2 shrink the fold
changes too; R runs DESeq() and results() (apeglm is no package of Debian). Each runs in a process of its
own, in turns; of the wall-clock times the median of --rounds is given, of PyDESeq2, which takes minutes
(longest its shrinkage with the 14 groups), of --pydeseq2-rounds.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd

GENES, LINES, REPLICATES = 20_000, 7, 2
R_SCRIPT = """
suppressMessages(library(DESeq2))
arguments <- commandArgs(TRUE)
counts <- as.matrix(read.delim(file.path(arguments[1], "counts.tsv"), row.names = 1)[-1])
samples <- read.delim(file.path(arguments[1], "samples.tsv"), stringsAsFactors = TRUE)
started <- proc.time()[["elapsed"]]
samples$group <- factor(paste(samples$line, samples$condition, sep = "."))
fit <- DESeq(DESeqDataSetFromMatrix(counts, samples, ~ group), quiet = TRUE)
tables <- lapply(levels(samples$line), function(line) {
  results(fit, contrast = c("group", paste0(line, ".resistant"), paste0(line, ".parental")), alpha = 0.05)
})
fit <- DESeq(DESeqDataSetFromMatrix(counts, samples, ~ line + condition), quiet = TRUE)
tables <- c(tables, results(fit, contrast = c("condition", "resistant", "parental"), alpha = 0.05))
seconds <- proc.time()[["elapsed"]] - started
table <- sapply(tables, function(table) table$log2FoldChange)
write.table(table, file.path(arguments[1], "r.tsv"), sep = "\\t", row.names = FALSE)
status <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
peak <- as.numeric(gsub("[^0-9]", "", status))
cat(sprintf('{"seconds": %f, "megabytes": %f}', seconds, peak / 1024))
"""


def simulate(folder: Path) -> None:
    """Write counts, samples and contrasts: negative binomial, dispersion 0.05 + 2 / mean with a spread."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(2 * LINES), REPLICATES)
    mean = np.exp(rng.normal(4.5, 2, GENES))
    dispersion = (0.05 + 2 / mean) * np.exp(rng.normal(0, 0.5, GENES))
    effects = rng.normal(0, 0.3, (2 * LINES, GENES))
    mu = mean * np.exp(effects[groups]) * np.exp(rng.normal(0, 0.2, len(groups)))[:, None]
    counts = rng.poisson(rng.gamma(1 / dispersion, mu * dispersion)).T
    samples = pd.DataFrame(
        {
            "sample": [f"s{number}" for number in range(len(groups))],
            "line": [f"L{group // 2}" for group in groups],
            "condition": np.where(groups % 2, "resistant", "parental"),
            "role": np.where(groups % 2, "target", "reference"),
            "replicate": "1",
        }
    )
    table = pd.DataFrame(counts, columns=samples["sample"])
    table.insert(0, "gene_name", "")
    table.insert(0, "gene_id", [f"g{number}" for number in range(GENES)])
    lines = samples.line.unique()
    rows = [(f"{line}.resistant_vs_parental", "parental", "resistant", line, "") for line in lines]
    rows.append(("all.resistant_vs_parental", "parental", "resistant", ";".join(lines), "line"))
    contrasts = pd.DataFrame(rows, columns=["contrast", "reference", "target", "lines", "blocking"])
    for name, sheet in (("counts", table), ("samples", samples), ("contrasts", contrasts)):
        sheet.to_csv(folder / f"{name}.tsv", sep="\t", index=False)


def run_ours(folder: Path) -> tuple[float, pd.DataFrame]:
    """Analyse the study with the script's functions; figures and report are not counted."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "bin"))
    started = time.perf_counter()
    import differential_expression as script
    from common.tables import SAMPLES, read_matrix, read_table

    samples = read_table(folder / "samples.tsv", SAMPLES)
    genes, counts = read_matrix(folder / "counts.tsv", samples["sample"])
    contrasts = read_table(folder / "contrasts.tsv", script.CONTRASTS).fillna({"blocking": ""})
    with script.threadpool_limits(1):
        tables, _ = script.analyse(counts.astype(np.int64), genes, samples, contrasts, 0.05)
    seconds = time.perf_counter() - started
    return seconds, pd.DataFrame({name: table.log2_fold_change for name, table in tables.items()})


def run_pydeseq2(folder: Path, cores: int | None) -> tuple[float, pd.DataFrame]:
    """Analyse the study as PyDESeq2's manual does, with its default inference on so many cores."""
    started = time.perf_counter()
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    samples = pd.read_csv(folder / "samples.tsv", sep="\t", index_col="sample")
    counts = pd.read_csv(folder / "counts.tsv", sep="\t", index_col="gene_id")[samples.index].T
    samples["group"] = samples.line + samples.condition
    inference = DefaultInference(n_cpus=cores)
    found = {}

    def fit(design: str) -> DeseqDataSet:
        dataset = DeseqDataSet(
            counts=counts, metadata=samples, design=design, inference=inference, quiet=True
        )
        dataset.deseq2()
        return dataset

    def test(dataset: DeseqDataSet, contrast: list[str], name: str) -> None:
        results = DeseqStats(dataset, contrast, inference=inference, quiet=True)
        results.summary()
        found[name] = results.results_df.log2FoldChange.copy()
        if (coefficient := f"{contrast[0]}[T.{contrast[1]}]") in results.LFC:
            results.lfc_shrink(coefficient)

    # A contrast is shrunk as a coefficient, so that the design needs it as one: the first line's group is the
    # reference level, and the other lines shrink their target group's coefficient (as much work).
    dataset = fit("~group")
    for line in samples.line.unique():
        test(dataset, ["group", f"{line}resistant", f"{line}parental"], f"{line}.resistant_vs_parental")
    test(fit("~line + condition"), ["condition", "resistant", "parental"], "all.resistant_vs_parental")
    return time.perf_counter() - started, pd.DataFrame(found)


def measure(program: str, folder: Path) -> dict[str, float]:
    """Run one program in a process of its own; its seconds and peak megabytes."""
    if program == "r":
        (folder / "bench.R").write_text(R_SCRIPT)
        command = ["Rscript", folder / "bench.R", folder]
    else:
        command = [sys.executable, "-W", "ignore", __file__, "--run", program, "--folder", folder]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Runs of each program.")
@click.option("--pydeseq2-rounds", default=1, show_default=True, help="Runs of PyDESeq2.")
@click.option("--run", "program", hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(rounds: int, pydeseq2_rounds: int, program: str | None, folder: Path | None) -> None:
    """Print medians, ratios, memory and the largest differences of log2 fold changes."""
    if program is not None:
        cores = {"pydeseq2": None, "pydeseq2_2": 2}
        seconds, table = run_ours(folder) if program == "ours" else run_pydeseq2(folder, cores[program])
        table.to_csv(folder / f"{program}.tsv", sep="\t", index=False)
        parts = [
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        print(json.dumps({"seconds": seconds, "megabytes": max(parts) / 1024}))
        return
    programs = {"ours": rounds, "pydeseq2": pydeseq2_rounds}
    if os.cpu_count() != 2:
        programs["pydeseq2_2"] = pydeseq2_rounds
    if shutil.which("Rscript"):
        programs["r"] = rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder)
        runs: dict[str, list[dict[str, float]]] = {each: [] for each in programs}
        for turn in range(max(programs.values())):
            for each in [each for each, most in programs.items() if turn < most]:
                runs[each].append(measure(each, folder))
        tables = {each: pd.read_csv(folder / f"{each}.tsv", sep="\t") for each in programs}
    base = tables["ours"].to_numpy()
    medians = {each: np.median([run["seconds"] for run in runs[each]]) for each in programs}
    print(
        f"differential_expression: {GENES:,} genes x {2 * LINES * REPLICATES} samples, {LINES + 1} contrasts"
    )
    for each in programs:
        peak = max(run["megabytes"] for run in runs[each])
        difference = np.abs(tables[each].to_numpy() - base)
        known = difference[~np.isnan(difference)]
        ratio, share = medians[each] / medians["ours"], np.quantile(known, 0.99)
        print(
            f"  {each:12s} {medians[each]:7.1f} s, {ratio:5.1f} x ours; {peak:5.0f} MB; log2 fold changes "
            f"differ by up to {known.max():.2g}, 99 % by less than {share:.2g}"
        )


if __name__ == "__main__":
    main()
