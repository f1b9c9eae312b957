"""A small study: seconds a task, an analysis of each kind that needs no reads."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from launch import ROOT

LINE = "HSC-2"
QUICK = {"score_permutations": 100, "bootstraps": 100, "gene_sets": "none"}
SHEETS = {
    **{"patients": "patients.csv", "assays": "assays.csv", "dose_response": "dose_response.csv"},
    **{"rnaseq": "rnaseq.csv", "counts": "counts.tsv"},
}


def keep(source: Path, target: Path, wanted: Callable[[list[str]], bool]) -> None:
    """Copy a sheet's header, and the rows that are wanted."""
    with source.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    with target.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *filter(wanted, rows)])


def write_study(folder: Path) -> None:
    """Write the sheets: those of the simulated study, of one line what takes time, and counts for reads."""
    whole = folder.parent / "simulated"
    script, sets = ROOT / "bin/simulate_study.py", ROOT / "assets/gene_sets"
    options = ["--size", "small", "--gene-sets", sets, "--results", whole]
    subprocess.run([sys.executable, script, *options], check=True, stdin=subprocess.DEVNULL)
    folder.mkdir()
    keep(whole / "patients.csv", folder / "patients.csv", lambda row: True)
    keep(whole / "dose_response.csv", folder / "dose_response.csv", lambda row: row[3] == LINE)
    keep(whole / "assays.csv", folder / "assays.csv", lambda row: row[0] == "are_reporter" and row[1] == LINE)
    columns = []
    with (whole / "rnaseq.csv").open(newline="") as file:
        samples = [row[:4] for row in csv.reader(file) if row[1] in ("line", LINE)]
    with (folder / "rnaseq.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(samples)
    with (folder / "counts.tsv").open("w") as counts:
        for row in (whole / "truth/counts.tsv").read_text().splitlines():
            fields = row.split("\t")
            columns = columns or [n for n, name in enumerate(fields) if n < 2 or name.startswith(f"{LINE}.")]
            counts.write("\t".join(fields[n] for n in columns) + "\n")


def given(folder: Path | str, *sheets: str) -> list[object]:
    """Return the options that give some of the sheets, or all, as they lie in a folder."""
    options = {name: f"{folder}/{SHEETS[name]}" for name in sheets or SHEETS}
    if "rnaseq" not in options:
        options |= {"gene_sets": "none"}
    return [word for name, value in (options | QUICK).items() for word in (f"--{name}", value)]
