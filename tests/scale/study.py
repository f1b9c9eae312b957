"""Write a study of many lines, as docs/scaling.md measures it: the seven of the simulated study, repeated.

Counts instead of reads, of as many genes as a human study has; plates, assays and PCR of each line. A line
that is there again has names of its own, and counts drawn anew (Poisson) around those of the first.
"""

import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
OF_A_LINE = {"sample", "line", "plate"}  # columns whose names are those of one line's data
GENES, SEED = 20_000, 1


def name_again(name: str, times: int) -> str:
    """Name what is there for the n-th time: HSC-2.P1 becomes HSC-2-03.P1."""
    stem, dot, rest = name.partition(".")
    return f"{stem}-{times:02d}{dot}{rest}" if times > 1 and name else name


def repeat(sheet: pd.DataFrame, lines: int) -> pd.DataFrame:
    """Repeat the rows of the seven lines until there are as many lines as wanted."""
    seven = list(dict.fromkeys(sheet.line[sheet.line != ""]))
    copies = []
    for before in range(0, lines, len(seven)):
        copy = sheet[sheet.line.isin(["", *seven[: lines - before]])]  # wells of standards are of no line
        names = copy[[column for column in sheet if column in OF_A_LINE]]
        copies.append(copy.assign(**names.map(name_again, times=before // len(seven) + 1)))
    return pd.concat(copies)


def draw_counts(seen: pd.DataFrame, samples: int) -> pd.DataFrame:
    """Repeat the columns of counts, each time drawn anew; then add genes in which nothing is planted."""
    rng = np.random.default_rng(SEED)
    again = [rng.poisson(seen) for _ in range(samples // seen.shape[1])]
    means = rng.lognormal(3.5, 2, (GENES - len(seen), 1))
    others = rng.negative_binomial(10, 10 / (10 + means), (len(means), samples))
    return pd.DataFrame(np.vstack([np.hstack([seen, *again])[:, :samples], others]))


@click.command()
@click.argument("lines", type=click.IntRange(7, 693))
@click.argument("folder", type=click.Path(path_type=Path))
def main(lines: int, folder: Path) -> None:
    """Write rnaseq.csv, counts.tsv, dose_response.csv, assays.csv and qpcr.csv of LINES lines to FOLDER."""
    whole = folder / "simulated"
    script, sets = ROOT / "bin/simulate_study.py", ROOT / "assets/gene_sets"
    options = ["--size", "medium", "--seed", str(SEED), "--gene-sets", sets, "--results", whole]
    subprocess.run([sys.executable, script, *options], check=True, stdin=subprocess.DEVNULL)
    sheets = {}
    for name in ("rnaseq", "dose_response", "assays", "qpcr"):
        sheet = pd.read_csv(whole / f"{name}.csv", dtype=str, keep_default_na=False)
        sheets[name] = repeat(sheet.filter(regex="^(?!fastq_|strandedness)"), lines)
        sheets[name].to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

    seen = pd.read_csv(whole / "truth/counts.tsv", sep="\t", index_col=["gene_id", "gene_name"])
    counts = draw_counts(seen, len(sheets["rnaseq"])).set_axis(sheets["rnaseq"]["sample"], axis=1)
    further = [(f"SIMG{10**10 + number}.1", f"OTHER{number}") for number in range(GENES - len(seen))]
    counts.index = pd.MultiIndex.from_tuples([*seen.index, *further], names=seen.index.names)
    counts.to_csv(folder / "counts.tsv", sep="\t", lineterminator="\n")


if __name__ == "__main__":
    main()
