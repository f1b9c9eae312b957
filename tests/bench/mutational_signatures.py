"""464 tumours of TCGA and sixteen signatures beside SigProfilerAssignment and deconstructSigs.

Ours    464,000 fits by non-negative least squares: shares of 464 tumours with intervals of 1,000 bootstraps,
        drawn and summarised; one fit of each; and our deconstructSigs of the first 60. One thread.
scipy   one fit of each by scipy.optimize.nnls, times 1,000, which is said.
Rivals  SigProfilerAssignment's cosmic_fit (one fit of each, no bootstrap, no plots), if the Python that
        SIGPROFILER_PYTHON names has it; whichSignatures of deconstructSigs on 60 tumours, if DECONSTRUCTSIGS
        names the folder of its source (github raerose01/deconstructSigs) and there is R.
Each runs in a process of its own, median of 3 (SigProfilerAssignment: once); reading and imports are not
counted. The rivals' cosines are of their own exposures, with the same signatures.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared/data"
COUNTS = SHARED / "tcga_hnsc/TCGA_MC3_HeadSCC_SBS96_counts_464.csv.gz"
PEERS, BOOTSTRAPS = 60, 1000
RUNS = 3
R_CODE = """
arguments <- commandArgs(TRUE)
for (file in c("golden_section_search.R", "internal.scripts.R", "normalize.data.R", "whichSignatures.R")) {
  source(file.path(arguments[1], "R", file))
}
counts <- as.data.frame(t(read.delim(arguments[2], row.names = 1, check.names = FALSE)))
signatures <- as.data.frame(t(read.delim(arguments[3], row.names = 1, check.names = FALSE)))
start <- proc.time()[["elapsed"]]
weights <- do.call(rbind, lapply(rownames(counts), function(sample) {
  whichSignatures(counts, sample, signatures, contexts.needed = TRUE)$weights
}))
cat(proc.time()[["elapsed"]] - start, "\\n")
write.table(weights, arguments[4], sep = "\\t", quote = FALSE)
"""


def measured(name: str, folder: Path, counts: pd.DataFrame, profiles: pd.DataFrame) -> dict[str, object]:
    """Run one of ours, or a rival in Python: seconds, and what it found."""
    samples, matrix = counts.T.to_numpy(float), profiles.to_numpy()
    if name == "sigprofiler":
        from SigProfilerAssignment import Analyzer

        given = {"samples": str(folder / "counts.tsv"), "signature_database": str(folder / "profiles.tsv")}
        start = time.perf_counter()
        Analyzer.cosmic_fit(
            output=str(folder / "sigprofiler"), input_type="matrix", make_plots=False, exome=True,
            genome_build="GRCh37", cosmic_version=3.3, export_probabilities=False, cpu=1, **given,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        (path,) = (folder / "sigprofiler").rglob("Assignment_Solution_Activities.txt")
        found = pd.read_csv(path, sep="\t", index_col=0)[list(profiles)].to_numpy(float)
        return {"seconds": seconds, "found": found.tolist()}
    if name == "deconstructsigs":
        counts.iloc[:, :PEERS].to_csv(folder / "sixty.tsv", sep="\t")
        (folder / "peer.R").write_text(R_CODE)
        paths = [str(folder / table) for table in ("sixty.tsv", "profiles.tsv", "weights.tsv")]
        words = ["Rscript", str(folder / "peer.R"), os.environ["DECONSTRUCTSIGS"], *paths]
        seconds = float(run(words).split()[-1])
        return {"seconds": seconds, "found": pd.read_csv(paths[-1], sep="\t").to_numpy(float).tolist()}
    if name == "scipy":
        from scipy.optimize import nnls

        start = time.perf_counter()
        found = np.array([nnls(matrix, each)[0] for each in samples])
        return {"seconds": time.perf_counter() - start, "found": found.tolist()}
    sys.path.insert(0, str(ROOT / "bin"))
    import mutational_signatures as ours
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        start = time.perf_counter()
        if name == "bootstraps":
            settings = ours.Settings([], BOOTSTRAPS, 1, 1, 0.95)
            cohort = ours.Cohort("tcga", list(counts), samples, profiles, True, "")
            found = ours.sample_intervals(cohort, range(len(samples)), settings)[0]
        else:
            fit = ours.fitted if name == "one" else ours.deconstructed
            found = fit(matrix, samples if name == "one" else samples[:PEERS])
        return {"seconds": time.perf_counter() - start, "found": found.tolist()}


def run(words: list[str]) -> str:
    """Run a process; return its output."""
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout


def measure(name: str, folder: Path) -> dict[str, object]:
    """Run one in processes of its own: median seconds and GB, and what it found."""
    runs = []
    for number in range(1 if name == "sigprofiler" else RUNS):
        own = folder / f"{name}{number}"
        shutil.copytree(folder / "inputs", own)
        python = os.environ["SIGPROFILER_PYTHON"] if name == "sigprofiler" else sys.executable
        runs.append(json.loads(run([python, __file__, name, str(own)]).splitlines()[-1]))
    medians = {key: statistics.median(each[key] for each in runs) for key in ("seconds", "gb")}
    return medians | {"found": np.array(runs[-1]["found"])}


def cosines(exposures: np.ndarray, counts: pd.DataFrame, profiles: pd.DataFrame) -> float:
    """Return the median cosine similarity of tumours and their reconstructions."""
    made, seen = exposures @ profiles.to_numpy().T, counts.T.to_numpy(float)
    sizes = np.linalg.norm(made, axis=1) * np.linalg.norm(seen, axis=1)
    return float(np.median((made * seen).sum(axis=1) / sizes))


def main() -> None:
    """Print times, memory, and how far the results are apart."""
    sys.path.insert(0, str(ROOT / "bin"))
    from common.cosmic import packaged
    from common.signature_tables import CONTEXTS, read_profiles
    from mutational_signatures import SIXTEEN

    counts = pd.read_csv(COUNTS, index_col=0).loc[sorted(CONTEXTS)].rename_axis("MutationType")
    profiles = read_profiles(packaged("GRCh37", exome=True), SIXTEEN.split(",")).loc[counts.index]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inputs").mkdir()
        counts.to_csv(folder / "inputs/counts.tsv", sep="\t")
        profiles.to_csv(folder / "inputs/profiles.tsv", sep="\t")
        names = ["bootstraps", "one", "deconstructed", "scipy"]
        names += ["sigprofiler"] if "SIGPROFILER_PYTHON" in os.environ else []
        names += ["deconstructsigs"] if "DECONSTRUCTSIGS" in os.environ and shutil.which("Rscript") else []
        runs = {each: measure(each, folder) for each in names}
    seconds, memory = ({each: found[key] for each, found in runs.items()} for key in ("seconds", "gb"))
    one, scipy = runs["one"]["found"], runs["scipy"]["found"]
    far = np.abs(one - scipy).max() / scipy.sum(axis=1).min()
    again = BOOTSTRAPS * seconds["scipy"]
    print(
        f"mutational_signatures: {BOOTSTRAPS * counts.shape[1]:,} fits, drawn and summarised, in "
        f"{seconds['bootstraps']:.1f} s on one core ({again / seconds['bootstraps']:.1f} times as fast as "
        f"scipy's nnls, {again:.0f} s scaled from one fit of each; peak memory {memory['bootstraps']:.2f}, "
        f"{memory['scipy']:.2f} GB); largest difference of shares {far:.0e}"
    )
    if "sigprofiler" in runs:
        theirs = seconds["sigprofiler"]
        found = [cosines(each, counts, profiles) for each in (one, runs["sigprofiler"]["found"])]
        print(
            f"mutational_signatures: one fit of {counts.shape[1]} tumours {theirs / seconds['one']:,.0f} "
            f"times as fast as SigProfilerAssignment ({seconds['one']:.3f} s, {theirs:.1f} s; {BOOTSTRAPS:,} "
            f"bootstraps of ours take {seconds['bootstraps'] / theirs:.2f} of its time without; peak memory "
            f"{memory['one']:.2f} GB, {memory['sigprofiler']:.2f} GB); median cosine similarity of "
            f"reconstructions {found[0]:.4f}, {found[1]:.4f}"
        )
    if "deconstructsigs" in runs:
        far = np.abs(runs["deconstructed"]["found"] - runs["deconstructsigs"]["found"]).max()
        print(
            f"mutational_signatures: deconstructSigs of {PEERS} tumours "
            f"{seconds['deconstructsigs'] / seconds['deconstructed']:,.0f} times as fast as in R "
            f"({seconds['deconstructed']:.3f} s, {seconds['deconstructsigs']:.1f} s; peak memory "
            f"{memory['deconstructed']:.2f} GB, {memory['deconstructsigs']:.2f} GB); largest difference of "
            f"weights {far:.0e}"
        )
    for rival, variable in (("sigprofiler", "SIGPROFILER_PYTHON"), ("deconstructsigs", "DECONSTRUCTSIGS")):
        if rival not in runs:
            print(f"mutational_signatures: without {rival} ({variable} is not set)")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        place = Path(sys.argv[2])
        tables = [
            pd.read_csv(place / f"{name}.tsv", sep="\t", index_col=0) for name in ("counts", "profiles")
        ]
        outcome = measured(sys.argv[1], place, *tables)
        who = resource.RUSAGE_CHILDREN if sys.argv[1] == "deconstructsigs" else resource.RUSAGE_SELF
        outcome["gb"] = resource.getrusage(who).ru_maxrss / 2**20
        print()
        print(json.dumps(outcome))
