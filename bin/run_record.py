#!/usr/bin/env python3
"""Record a run: what each process took, and a Workflow Run RO-Crate of all that was published.

Resources are those that Nextflow's trace has of this run. A CPU-hour is a CPU that was asked for during an
hour, used or not, and a GB-hour 2^30 bytes of memory likewise: that is what a cluster or a cloud charges.
Tasks whose results were taken from an earlier run are counted and took nothing. The cost is the sum of both,
each times its price; without any price it is empty.

The trace is read while the run still goes on: its last rows may lack, and always lacks this task's own.

Reference: Leo et al. 2024, PLOS ONE 19:e0309210, doi:10.1371/journal.pone.0309210
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import click
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.run_crate import write_crate
from common.tables import only_file, read_table, write_table

TRACE = {
    **{"process": "str", "name": "str", "status": "str", "attempt": "Int64"},
    **{"realtime": "float64", "cpus": "float64", "memory": "float64", "peak_rss": "float64"},
    **{"rchar": "float64", "wchar": "float64", "complete": "float64"},
}
COLUMNS = [
    *("process", "tasks", "cached", "attempts", "failed", "realtime_hours", "cpu_hours"),
    *(
        "peak_rss_gb",
        "memory_asked_gb",
        "memory_gb_hours",
        "read_gb",
        "written_gb",
        "cost",
        "status",
        "reason",
    ),
]
INPUTS = {"sheet": "str", "path": "str", "sha256": "str", "rows": "str"}
TOOLS = {"tool": "str", "version": "str"}
CACHED, FAILED = "CACHED", ("FAILED", "ABORTED")
HOUR = 3.6e6  # milliseconds
GB = 2.0**30  # bytes
TOTAL = "total"


def read_trace(folder: Path) -> pd.DataFrame | None:
    """Read Nextflow's trace, a row a task, with numbers in bytes and milliseconds; None if there is none yet.

    Numbers that were not measured are missing. A row that is still being written is left out.
    """
    path = only_file(folder)
    if path is None or not path.stat().st_size:
        return None
    table = pd.read_csv(path, sep="\t", dtype="str", keep_default_na=False, na_values=["", "-"])
    table = table.reindex(columns=list(TRACE)).dropna(subset=["process", "name", "status"])
    numbers = {name: kind for name, kind in TRACE.items() if kind != "str"}
    for name, kind in numbers.items():
        table[name] = pd.to_numeric(table[name], errors="coerce").astype(kind)
    table["process"] = table.process.str.split(":").str[-1]
    return table.reset_index(drop=True)


def took(
    process: str, tasks: pd.DataFrame, per_cpu_hour: float | None, per_gb_hour: float | None
) -> dict[str, object]:
    """Sum up what the tasks of a process took in this run; `tasks` are rows of the trace."""
    cached = tasks.status == CACHED
    ran = tasks[~cached]
    hours = ran.realtime / HOUR
    memory = ran.memory / GB
    row = {
        "process": process,
        "tasks": int((cached | (tasks.attempt == 1)).sum()),
        "cached": int(cached.sum()),
        "attempts": len(ran),
        "failed": int(ran.status.isin(FAILED).sum()),
        "realtime_hours": hours.sum(),
        "cpu_hours": (hours * ran.cpus).sum(),
        "peak_rss_gb": ran.peak_rss.max() / GB,
        "memory_asked_gb": memory.max(),
        "memory_gb_hours": (hours * memory).sum(),
        "read_gb": ran.rchar.sum() / GB,
        "written_gb": ran.wchar.sum() / GB,
    }
    if per_cpu_hour is not None or per_gb_hour is not None:
        row["cost"] = row["cpu_hours"] * (per_cpu_hour or 0) + row["memory_gb_hours"] * (per_gb_hour or 0)
    blind = int((ran.realtime.isna() | ran.peak_rss.isna()).sum())
    if ran.empty:
        row |= {"status": "cached", "reason": "all results are of an earlier run"}
    elif blind:
        row["status"] = "not_measured" if blind == len(ran) else "partly_measured"
        row["reason"] = f"{blind} of {len(ran)} attempts without time or memory in the trace"
    else:
        row["status"] = "ok"
    return row


def resources_of(
    trace: pd.DataFrame | None, per_cpu_hour: float | None = None, per_gb_hour: float | None = None
) -> pd.DataFrame:
    """Tell what each process took, by name, and all of them together in the last row."""
    prices = per_cpu_hour, per_gb_hour
    if trace is None:
        reason = "Nextflow's trace was not there when the run was recorded: see trace.txt beside this table"
        rows = [{"process": TOTAL, "status": "no_trace", "reason": reason}]
    else:
        rows = [took(process, tasks, *prices) for process, tasks in trace.groupby("process")]
        rows.append(took(TOTAL, trace, *prices))
    return pd.DataFrame(rows, columns=COLUMNS)


def ended(trace: pd.DataFrame | None, started: datetime) -> datetime:
    """Return when the last task of this run ended; now, if the trace does not say it."""
    if trace is not None:
        completed = trace.complete[(trace.status != CACHED) & (trace.complete > started.timestamp() * 1000)]
        if len(completed):
            return datetime.fromtimestamp(completed.max() / 1000, UTC)
    return datetime.now(UTC)


def price(at: click.Context, option: click.Parameter, text: str) -> float | None:
    """Read a price; an empty text is none."""
    return click.FloatRange(0).convert(text, option, at) if text else None


@click.command(cls=Script)
@click.option(
    "--record",
    type=INPUT,
    required=True,
    help="JSON: run {name, version, nextflow, ...}, started, parameters {}, files [{path, size, sha256}].",
)
@click.option("--inputs", type=INPUT, required=True, help="TSV: sheet, path, sha256, rows.")
@click.option("--tools", type=INPUT, required=True, help="TSV: tool, version.")
@click.option("--trace", type=FOLDER, required=True, help="Folder of Nextflow's raw trace; absent: none yet.")
@click.option(
    "--pipeline",
    type=FOLDER,
    required=True,
    help="Folder of main.nf, nextflow_schema.json, CITATION.cff, columns.tsv and methods.yml.",
)
@click.option("--cost-per-cpu-hour", callback=price, help="Price of a CPU-hour; empty: none.")
@click.option("--cost-per-gb-hour", callback=price, help="Price of a GB-hour of memory; empty: none.")
@RESULTS
def main(
    record: Path,
    inputs: Path,
    tools: Path,
    trace: Path,
    pipeline: Path,
    cost_per_cpu_hour: float | None,
    cost_per_gb_hour: float | None,
    results: Path,
) -> None:
    """Write what the run took, and the RO-Crate that the folder of results is."""
    told = json.loads(record.read_text())
    tasks = read_trace(trace)
    (results / "pipeline_info").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(pipeline / "main.nf", results / "pipeline_info/main.nf")
    table = resources_of(tasks, cost_per_cpu_hour, cost_per_gb_hour)
    write_table(table, results / "pipeline_info/resources.tsv")

    started = datetime.fromisoformat(told["started"]).astimezone(UTC)
    times = started, ended(tasks, started)
    write_crate(told, read_table(inputs, INPUTS), read_table(tools, TOOLS), pipeline, times, results)


if __name__ == "__main__":
    main()
