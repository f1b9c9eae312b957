"""ssGSEA beside gseapy.ssgsea: time and peak memory as ratios, and the largest difference of the scores.

1,600 sets of 15 to 200 genes, 100 samples, 20,000 genes. Both get the expression matrix and the sets in
memory and return a table of scores; each run is a process of its own, and imports are not counted.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

BIN = Path(__file__).parents[2] / "bin"
GENES, SAMPLES, SETS, RUNS = 20_000, 100, 1_600, 5


def study() -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Return log-CPM (genes x samples) with the ties of low counts, and the sets."""
    rng = np.random.default_rng(1)
    means = rng.lognormal(3, 2.5, GENES)
    counts = rng.negative_binomial(4, 4 / (4 + means[:, None]), (GENES, SAMPLES))
    names = np.array([f"G{gene}" for gene in range(GENES)])
    columns = [f"S{sample}" for sample in range(SAMPLES)]
    values = pd.DataFrame(np.log2(counts + 2.0), index=names, columns=columns)
    sizes = rng.integers(15, 200, SETS)
    return values, {
        f"T{n}": list(names[rng.choice(GENES, size, replace=False)]) for n, size in enumerate(sizes)
    }


def ours(values: pd.DataFrame, sets: dict[str, list[str]]) -> pd.DataFrame:
    """Score as bin/sample_enrichment.py does, in gseapy's dialect."""
    genes = pd.DataFrame({"gene_id": values.index, "gene_name": values.index})
    collection = [GeneSet(name, name, tuple(members)) for name, members in sets.items()]
    table = score_collection(collection, genes, values.reset_index(drop=True), "gseapy", 15, 500)
    return table.set_index("gene_set")[values.columns]


def rival(values: pd.DataFrame, sets: dict[str, list[str]]) -> pd.DataFrame:
    """Score with gseapy on all cores."""
    run = gseapy.ssgsea(values, sets, outdir=None, min_size=15, max_size=500, threads=0)
    return run.res2d.set_index(["Term", "Name"])["NES"].astype(float).unstack()  # noqa: PD010


def measure(name: str, scores: Path) -> dict[str, float]:
    """Run one of the two in a process of its own: seconds, and peak memory in GB."""
    done = subprocess.run(
        [sys.executable, __file__, name, scores], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the medians of five runs each, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, f"{name}.pkl") for name in ("ours", "rival")}
        runs = {name: [] for name in paths}
        for _ in range(RUNS):
            for name, path in paths.items():
                runs[name].append(measure(name, path))
        found, expected = (pd.read_pickle(path) for path in paths.values())
    seconds = {name: statistics.median(run["seconds"] for run in each) for name, each in runs.items()}
    memory = {name: statistics.median(run["gb"] for run in each) for name, each in runs.items()}
    difference = np.abs(found - expected.loc[found.index, found.columns]).to_numpy().max()
    print(
        f"sample_enrichment: {seconds['rival'] / seconds['ours']:.1f} times as fast as gseapy.ssgsea "
        f"({seconds['ours']:.2f} s, {seconds['rival']:.2f} s; peak memory {memory['ours']:.2f} GB, "
        f"{memory['rival']:.2f} GB; largest difference of normalised scores {difference:.1e})"
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        sys.path.insert(0, str(BIN))
        if sys.argv[1] == "ours":
            from common.gene_sets import GeneSet
            from sample_enrichment import score_collection
        else:
            import gseapy
        given = study()
        start = time.perf_counter()
        table = {"ours": ours, "rival": rival}[sys.argv[1]](*given)
        seconds = time.perf_counter() - start
        table.to_pickle(sys.argv[2])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(json.dumps({"seconds": seconds, "gb": peak}))
