"""Runs of the pipeline that faults hit: started, watched, killed, resumed, and their results compared."""

import csv
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLES = (".tsv", ".csv", ".txt", ".gz", ".yml")
ANALYSES = {module.stem for module in (ROOT / "modules").glob("*.nf")} - {"report"}
VERSION = re.search(r"^ *version *= '(.*)'", (ROOT / "nextflow.config").read_text(), re.MULTILINE)[1]
PATIENCE = 1800  # seconds that anything may take


def wait_for(what: str, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} within {seconds:.0f} s"
        time.sleep(0.1)


class Launch:
    """A run of the pipeline from within a folder. What it says is in `said`, also while it goes on."""

    def __init__(self, folder: Path, *options: object, name: str = "run", env: dict[str, str] | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.log, self.trace = folder / f"{name}.said.txt", folder / f"{name}.trace.txt"
        self.trace.unlink(missing_ok=True)
        command = ["nextflow", "run", ROOT, "-with-trace", self.trace, *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], cwd=folder, env=os.environ | (env or {}),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        """What Nextflow printed so far, without the breaks of its lines."""
        return " ".join(self.log.read_text(errors="replace").split())

    def ended(self) -> "Launch":
        """Wait for the end."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            raise AssertionError(f"no end within {PATIENCE} s: {self.said[-1500:]}") from None
        return self

    def succeeded(self) -> "Launch":
        """Wait for a good end."""
        assert self.ended().process.returncode == 0, f"the run failed: {self.said[-1500:]}"
        return self

    def failed(self, *words: str) -> "Launch":
        """Wait for a bad end, and hold what was said to words that a user needs."""
        assert self.ended().process.returncode != 0, "the run succeeded"
        for word in words:
            assert word in self.said, f"{word!r} was not said: {self.said[-1500:]}"
        return self

    def signal(self, number: int) -> None:
        """Send a signal to Nextflow, and to nothing else: its tasks go on."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
                if session == self.process.pid and (folder / "comm").read_text() == "java\n":
                    os.kill(int(folder.name), number)
            except (FileNotFoundError, ProcessLookupError):
                continue

    def kill(self) -> "Launch":
        """End Nextflow without a word."""
        self.signal(signal.SIGKILL)
        return self.ended()

    def submitted(self, process: str) -> bool:
        """Say whether a task of a process was started."""
        return re.search(rf"Submitted process > (\w+:)*{process}\b", self.said) is not None

    def tasks(self) -> list[dict[str, str]]:
        """Return the rows of the trace so far."""
        if not self.trace.exists():
            return []
        with self.trace.open(newline="") as rows:
            return [row for row in csv.DictReader(rows, delimiter="\t") if row["exit"] is not None]

    def with_status(self, status: str) -> list[str]:
        """Return the processes whose tasks ended so, sorted; one name for each task.

        But for the record of the run, which every run makes anew.
        """
        names = [re.sub(r".*:| \(.*", "", row["name"]) for row in self.tasks() if row["status"] == status]
        return sorted(name for name in names if name != "RUN_RECORD")


def tables_in(results: Path) -> dict[str, bytes]:
    """Read all tables of the analyses."""
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.relative_to(results).parts[0] in ANALYSES and path.suffix in TABLES and path.is_file()
    }


def assert_same(results: Path, undisturbed: Path, leave_out: str = "^$") -> int:
    """Hold the tables of results to those of an undisturbed run, byte for byte; return how many they are."""
    found, wanted = (
        {name: table for name, table in tables_in(folder).items() if not re.search(leave_out, name)}
        for folder in (results, undisturbed)
    )
    assert wanted, f"no table in {undisturbed}"
    assert found.keys() == wanted.keys(), f"other tables: {sorted(found.keys() ^ wanted.keys())}"
    differing = [name for name, table in wanted.items() if found[name] != table]
    assert not differing, f"tables differ: {differing}"
    assert (results / "report/multiqc_report.html").read_text().rstrip().endswith("</html>"), "no report"
    return len(wanted)
