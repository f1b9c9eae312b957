import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner, Result
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
# Real data that may be read but not shipped, beside the project: its README has the provenance.
REFERENCE_DATA = ROOT.parent / "shared" / "data"
ORACLES = ROOT / "tests" / "oracles"
DEMO = {"test_pipeline.py", "test_contract.py", "test_browser.py"}  # what reads the demo run


class Run(NamedTuple):
    """A finished run of the pipeline that lies in `project`, from within `folder`."""

    project: Path
    folder: Path
    exit_code: int
    output: str
    outdir: str = "results"

    def statuses(self) -> dict[str, str]:
        """Return how a process ended: FAILED if a task did, CACHED if all tasks were, else COMPLETED."""
        trace = self.folder / self.outdir / "pipeline_info/trace.txt"
        header, *tasks = [line.split("\t") for line in trace.read_text().splitlines()]
        name, status = header.index("name"), header.index("status")
        ended: dict[str, set[str]] = {}
        for task in tasks:
            ended.setdefault(task[name].split(" (")[0].split(":")[-1], set()).add(task[status])
        order = ("FAILED", "COMPLETED", "CACHED")
        return {process: min(found, key=order.index) for process, found in ended.items()}


class FileByFile(LoadScopeScheduling):
    """Give each file to one worker, so that its fixtures are made once; what reads the demo run, to one."""

    def _split_scope(self, nodeid: str) -> str:
        name = Path(nodeid.partition("::")[0]).name
        return "demo" if name in DEMO else name


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FileByFile:
    """Tell xdist who gets which tests."""
    return FileByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: whole runs of the pipeline."""
    items.sort(key=lambda item: item.path.name not in DEMO)


@pytest.fixture
def run_script() -> Callable[..., Result]:
    """Run a script's command with these options (`gene_sets` is `--gene-sets`); a bug keeps its traceback."""

    def run(command: click.Command, **options: object) -> Result:
        words = [
            str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)
        ]
        return CliRunner().invoke(command, words, catch_exceptions=False)

    return run


def run_pipeline(folder: Path, *options: object, project: Path = ROOT) -> Run:
    """Run the pipeline with these options, from within a folder."""
    command = ["nextflow", "run", project, "-ansi-log", "false", *options]
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    outdir = words[words.index("--outdir") + 1] if "--outdir" in words else "results"
    return Run(project, folder, done.returncode, done.stdout + done.stderr, outdir)


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Run:
    """Run a copy of the pipeline once, as `make demo` does; the tests read what it left."""
    project = tmp_path_factory.mktemp("project") / "nrf2flow"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    run = run_pipeline(tmp_path_factory.mktemp("demo"), "-profile", "test", project=project)
    assert run.exit_code == 0, run.output
    return run
