"""Time and memory of normalise_expression beside edgeR (R) and rnanorm (PyPI), where these are installed.

20,000 genes x 28 samples (7 lines x 2 conditions x 2 replicates): filter, TMM factors, log-CPM. rnanorm has
TMM alone, so it is given the expressed genes and compared by factors. Each runs in a process of its own:
median of 5, reading of the counts left out; peak memory of the whole process.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

GENES, LINES, REPLICATES, REPEATS = 20_000, 7, 2, 5
BIN = Path(__file__).parents[2] / "bin"
EDGER = """
suppressPackageStartupMessages(library(edgeR))
counts <- as.matrix(read.delim("counts.tsv", row.names = 1))
group <- scan("groups.txt", "", quiet = TRUE)
seconds <- numeric(%d)
for (run in seq_along(seconds)) seconds[run] <- system.time({
  y <- DGEList(counts, group = group)
  y <- calcNormFactors(y[filterByExpr(y), , keep.lib.sizes = FALSE])
  log_cpm <- cpm(y, log = TRUE, prior.count = 2)
})[["elapsed"]]
write(format(y$samples$norm.factors, digits = 15), "edger_factors.txt")
write.table(format(log_cpm, digits = 15), "edger.tsv", sep = "\\t", quote = FALSE)
memory <- as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE)))
write(sprintf("{\\"seconds\\": %%f, \\"megabytes\\": %%f}", median(seconds), memory / 1024), stdout())
"""


def simulate() -> None:
    """Write counts.tsv, groups.txt and samples.tsv here."""
    rng = np.random.default_rng(1)
    groups = np.repeat([f"{line}{role}" for line in range(LINES) for role in "PR"], REPLICATES)
    mean = rng.lognormal(3.5, 2, (GENES, 1)) * rng.uniform(0.5, 2, len(groups))
    counts = pd.DataFrame(rng.negative_binomial(5, 5 / (5 + mean)))
    counts.index = [f"g{row}" for row in counts.index]
    counts.add_prefix("s").to_csv("counts.tsv", sep="\t")
    Path("groups.txt").write_text("\n".join(groups) + "\n")


def timed(work) -> tuple[float, object]:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def measure(name: str) -> None:
    """Run one competitor in this process: print its time and memory, write its results."""
    from resource import RUSAGE_SELF, getrusage

    counts = pd.read_csv("counts.tsv", sep="\t", index_col=0).astype(float)
    if name == "ours":
        sys.path.insert(0, str(BIN))
        from normalise_expression import normalise

        samples = pd.DataFrame({"sample": counts.columns, "line": Path("groups.txt").read_text().split()})
        seconds, (log_cpm, factors, *_) = timed(lambda: normalise(samples.assign(condition=""), counts))
        log_cpm.to_csv("ours.tsv", sep="\t")
        factors.norm_factor.to_csv("ours_factors.txt", header=False, index=False)
    else:
        from rnanorm import TMM

        expressed = counts.loc[pd.read_csv("ours.tsv", sep="\t", index_col=0).index].T
        seconds, factors = timed(lambda: TMM().fit(expressed).get_norm_factors(expressed))
        np.savetxt("rnanorm_factors.txt", factors, "%.15g")
    print(json.dumps({"seconds": seconds, "megabytes": getrusage(RUSAGE_SELF).ru_maxrss / 1024}))


def compare(name: str, command: list[str], ours: dict[str, float]) -> None:
    """Run a rival and print it beside ours."""
    rival = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    factors = np.loadtxt("ours_factors.txt") / np.loadtxt(f"{name}_factors.txt") - 1
    differences = f"factors {np.abs(factors).max():.1e} (relative)"
    if Path(f"{name}.tsv").exists():
        ours_log_cpm, log_cpm = (pd.read_csv(f"{each}.tsv", sep="\t", index_col=0) for each in ("ours", name))
        assert list(ours_log_cpm.index) == list(log_cpm.index), "other genes are expressed"
        differences += f", log-CPM {np.abs(ours_log_cpm.to_numpy() - log_cpm.to_numpy()).max():.1e}"
    print(
        f"normalise_expression: {rival['seconds'] / ours['seconds']:.1f} times as fast as {name} "
        f"({ours['seconds']:.3f} s and {rival['seconds']:.3f} s, {ours['megabytes']:.0f} MB and "
        f"{rival['megabytes']:.0f} MB); largest difference: {differences}"
    )


def main() -> None:
    """Run all that are installed."""
    script = [sys.executable, str(Path(__file__).resolve())]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        simulate()
        ours = subprocess.run([*script, "ours"], check=True, capture_output=True, text=True).stdout
        rivals = {}
        if shutil.which("Rscript"):
            Path("edger.R").write_text(EDGER % REPEATS)
            rivals["edger"] = ["Rscript", "edger.R"]
        if find_spec("rnanorm"):
            rivals["rnanorm"] = [*script, "rnanorm"]
        for name, command in rivals.items():
            compare(name, command, json.loads(ours))
        if not rivals:
            print(f"normalise_expression: {ours.strip()}; neither edgeR nor rnanorm is installed")


if __name__ == "__main__":
    measure(sys.argv[1]) if sys.argv[1:] else main()
