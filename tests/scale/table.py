"""Print the table of docs/scaling.md: tasks, processor time and peak memory of each process, by run."""

from pathlib import Path

import click
import pandas as pd

SUMS = {"tasks": "sum", "cpu": "sum", "peak": "max"}


def read_trace(path: Path) -> pd.DataFrame:
    """Sum up a trace: a row a process."""
    trace = pd.read_csv(path, sep="\t", na_values="-")
    trace = trace[trace.status.isin(["COMPLETED", "CACHED"])]
    cpu = trace["%cpu"] / 100 * trace.realtime / 60_000  # of milliseconds
    names = trace.process.str.replace(r".*:", "", regex=True)
    figures = pd.DataFrame({"tasks": 1, "cpu": cpu, "peak": trace.peak_rss / 1e9}).groupby(names)
    return figures.agg(SUMS)


@click.command()
@click.argument("traces", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(traces: tuple[Path, ...]) -> None:
    """Print a row for each process of TRACES (pipeline_info/trace.txt), most processor time first."""
    runs = [read_trace(path) for path in traces]
    table = pd.concat(runs, axis=1, keys=range(len(runs)))
    table = table.loc[table.xs("cpu", axis=1, level=1).max(axis=1).sort_values(ascending=False).index]
    total = pd.concat([run.agg(SUMS) for run in runs], keys=range(len(runs)))
    click.echo("| process |" + " tasks | CPU min | peak GB |" * len(runs))
    click.echo("|---|" + "--:|--:|--:|" * len(runs))
    for name, row in [*table.iterrows(), ("all", total)]:
        cells = []
        for number in range(len(runs)):
            tasks, cpu, peak = row[number]
            cells += ["", "", ""] if pd.isna(tasks) else [f"{tasks:.0f}", f"{cpu:.1f}", f"{peak:.2f}"]
        click.echo("| " + " | ".join([str(name).lower(), *cells]) + " |")


if __name__ == "__main__":
    main()
