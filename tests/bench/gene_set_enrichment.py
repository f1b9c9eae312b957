"""Pre-ranked enrichment beside gseapy.prerank: time, peak memory, and how far the results differ.

20,000 genes, 746 and 1,600 sets with the sizes of WikiPathways and Reactome, 1,000 permutations. Both get
rankings and sets in memory and return a table; each run is a process of its own, and imports are not
counted. Ours analyses 8 contrasts; gseapy, whose time is the same for each and minutes, one.
`gene_set_enrichment.py 1` makes one run of each instead of five.
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
GENES, CONTRASTS, PERMUTATIONS, RUNS = 20_000, 8, 1_000, 5
SETS = {746: (25, 1.0), 1_600: (42, 0.9)}  # number of sets: median size, and spread of its logarithm
SMALLEST, LARGEST = 15, 500


def study(sets: int) -> tuple[list[pd.DataFrame], dict[str, list[str]]]:
    """Return tables as differential_expression writes them, and the sets, of which a tenth are shifted."""
    rng = np.random.default_rng(1)
    names = np.array([f"G{gene:05}" for gene in range(GENES)])
    median, spread = SETS[sets]
    sizes = np.clip(rng.lognormal(np.log(median), spread, sets), 3, 600).astype(int)
    members = [rng.choice(GENES, size, replace=False) for size in sizes]
    tables = []
    for _ in range(CONTRASTS):
        stat = rng.standard_t(5, GENES)
        for each in members[::10]:
            stat[each] += rng.normal(0, 0.7)
        columns = {"gene_id": names, "gene_name": names, "base_mean": 100.0, "stat": stat}
        tables.append(pd.DataFrame(columns | {"log2_fold_change_shrunk": stat, "status": "ok"}))
    return tables, {f"S{number}": list(names[each]) for number, each in enumerate(members)}


def ours(tables: list[pd.DataFrame], sets: dict[str, list[str]]) -> list[pd.DataFrame]:
    """Test as bin/gene_set_enrichment.py does."""
    collections = {"sets": [GeneSet(name, name, tuple(genes)) for name, genes in sets.items()]}
    found = []
    for table in tables:
        ranking = rank_contrast(table, "stat")
        listed = list_sets(collections, ranking.genes, SMALLEST, LARGEST)
        found.append(enrich(listed, ranking, None, None, PERMUTATIONS, 1))
    return [each[each.status == "ok"].set_index("gene_set") for each in found]


def rival(tables: list[pd.DataFrame], sets: dict[str, list[str]]) -> list[pd.DataFrame]:
    """Test the first contrast with gseapy, on two threads."""
    options = {"min_size": SMALLEST, "max_size": LARGEST, "permutation_num": PERMUTATIONS, "seed": 1}
    run = gseapy.prerank(tables[0][["gene_name", "stat"]], sets, threads=2, outdir=None, **options)
    names = {"ES": "es", "NES": "nes", "FDR q-val": "q_value"}
    return [run.res2d.set_index("Term").rename(columns=names)[list(names.values())].astype(float)]


def measure(name: str, sets: int, folder: Path) -> dict[str, float]:
    """Run one of them in a process of its own: seconds a contrast, and peak memory in GB."""
    command = [sys.executable, __file__, name, str(sets), folder / f"{name}.pkl"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(runs: int) -> None:
    """Print the medians of so many runs each, in turn."""
    for sets in SETS:
        with tempfile.TemporaryDirectory() as folder:
            measured = {name: [] for name in ("ours", "rival")}
            for _ in range(runs):
                for name, each in measured.items():
                    each.append(measure(name, sets, Path(folder)))
            found, expected = (pd.read_pickle(Path(folder, f"{name}.pkl"))[0] for name in ("ours", "rival"))
        seconds = {name: statistics.median(run["seconds"] for run in each) for name, each in measured.items()}
        memory = {name: statistics.median(run["gb"] for run in each) for name, each in measured.items()}
        difference = (found[expected.columns] - expected.loc[found.index]).abs().max()
        print(
            f"gene_set_enrichment, {sets:,} sets ({len(found):,} tested): "
            f"{seconds['rival'] / seconds['ours']:.0f} times as fast as gseapy.prerank with 2 threads "
            f"({seconds['ours']:.2f} s, {seconds['rival']:.1f} s a contrast; peak memory "
            f"{memory['ours']:.2f} GB, {memory['rival']:.2f} GB; largest difference of es "
            f"{difference.es:.0e}; of nes, from other random sets, {difference.nes:.2f})"
        )


if __name__ == "__main__":
    if len(sys.argv) < 3:
        main(int(sys.argv[1]) if len(sys.argv) == 2 else RUNS)
    else:
        sys.path.insert(0, str(BIN))
        if sys.argv[1] == "ours":
            from common.gene_sets import GeneSet
            from gene_set_enrichment import enrich, list_sets, rank_contrast
        else:
            import gseapy
        given = study(int(sys.argv[2]))
        start = time.perf_counter()
        tables = ours(*given) if sys.argv[1] == "ours" else rival(*given)
        taken = (time.perf_counter() - start) / len(tables)
        pd.to_pickle(tables, sys.argv[3])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(json.dumps({"seconds": taken, "gb": peak}))
