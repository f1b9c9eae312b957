"""Faults of a cluster: tasks run on a Slurm of two nodes, which all are this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cases import CLUSTER, IMAGES, Study, case, failing_once
from launch import Launch, assert_same, wait_for

HERE = Path(__file__).parent
TWO = ("patients", "assays")
SLURM = ("-profile", "slurm", "-c", HERE / "slurm.config")


class Cluster:
    """A Slurm, from its start to its end."""

    def __init__(self, folder: Path):
        self.folder, self.env = folder, {"SLURM_CONF": str(folder / "slurm.conf")}

    def up(self) -> None:
        """Start it, or bring lost nodes back."""
        subprocess.run([HERE / "slurm-up", self.folder], check=True, stdin=subprocess.DEVNULL)

    def jobs(self, state: str = "R") -> dict[str, str]:
        """Return the names of jobs in a state, each with its node."""
        words = ["squeue", "--noheader", "--states", state, "--format", "%j %N"]
        said = subprocess.run(
            words, env=os.environ | self.env, capture_output=True, text=True, check=True
        ).stdout
        return dict(line.split(maxsplit=1) for line in said.splitlines() if len(line.split()) == 2)

    def lose(self, node: str) -> None:
        """End all that runs on a node, without a word."""
        os.kill(int((self.folder / f"{node}.pid").read_text()), 9)

    def cancel(self) -> None:
        """End the jobs that a killed Nextflow left, as a user does."""
        subprocess.run(["scancel", "--user=root"], env=os.environ | self.env, check=True)


@contextmanager
def cluster(place: Path) -> Iterator[Cluster]:
    """Have a Slurm for a while."""
    nodes = Cluster(place.parent / "slurm")
    nodes.up()
    try:
        yield nodes
    finally:
        subprocess.run([HERE / "slurm-down", nodes.folder], check=True)


def attempts(run: Launch, process: str) -> list[tuple[str, str]]:
    """Return status and exit status of a process's tasks, in the order in which they ended."""
    return [(row["status"], row["exit"]) for row in run.tasks() if process in row["name"]]


@case(CLUSTER)
def undisturbed_on_slurm(place: Path, study: Study) -> None:
    """the study on a Slurm of two nodes"""
    undisturbed, options = study.undisturbed(), study.options()
    with cluster(place) as nodes:
        Launch(place, *options, *SLURM, env=nodes.env).succeeded()
    assert_same(place / "results", undisturbed)


@case(CLUSTER)
def lost_node(place: Path, study: Study) -> None:
    """a node is lost while a task runs on it"""
    undisturbed, options = study.undisturbed(*TWO), study.options(*TWO)
    broken = failing_once(place, "biomarker_cutoff.py", "sleep 600")
    with cluster(place) as nodes:
        run = Launch(place, *options, *SLURM, env=nodes.env | broken)
        name = "nf-PATIENTS_BIOMARKER_CUTOFF_(1)"
        wait_for("task on a node", lambda: name in nodes.jobs() and (place / "broken/once").exists())
        nodes.lose(nodes.jobs()[name])
        run.succeeded()
    assert attempts(run, "BIOMARKER_CUTOFF") == [("FAILED", "-"), ("COMPLETED", "0")], run.tasks()
    assert_same(place / "results", undisturbed)


@case(CLUSTER)
def task_out_of_memory(place: Path, study: Study) -> None:
    """a task takes more memory than it asked for, and less than twice as much"""
    undisturbed, options = study.undisturbed(*TWO), study.options(*TWO)
    eat = f"exec {sys.executable} -c 'kept = bytearray(b\"x\") * (3 * 2**30); import time; time.sleep(60)'"
    broken = failing_once(place, "biomarker_cutoff.py", eat)
    with cluster(place) as nodes:
        run = Launch(place, *options, *SLURM, env=nodes.env | broken).succeeded()
    assert attempts(run, "BIOMARKER_CUTOFF") == [("FAILED", "137"), ("COMPLETED", "0")], run.tasks()
    assert_same(place / "results", undisturbed)


@case(CLUSTER)
def task_out_of_time(place: Path, study: Study) -> None:
    """a task takes longer than it asked for"""
    undisturbed, options = study.undisturbed(*TWO), study.options(*TWO)
    broken = failing_once(place, "biomarker_cutoff.py", "sleep 600")
    config = place / "short.config"
    config.parent.mkdir(parents=True, exist_ok=True)
    short = "process { withName: BIOMARKER_CUTOFF { time = { 1.min * task.attempt } } }\n"
    config.write_text((HERE / "slurm.config").read_text() + short)
    with cluster(place) as nodes:
        run = Launch(place, *options, *SLURM[:2], "-c", config, env=nodes.env | broken).succeeded()
    (first, status), *others = attempts(run, "BIOMARKER_CUTOFF")
    assert first == "FAILED", run.tasks()
    assert status in ("140", "143", "-"), f"exit status {status}"
    assert others == [("COMPLETED", "0")], run.tasks()
    assert_same(place / "results", undisturbed)


@case(CLUSTER)
def killed_on_slurm(place: Path, study: Study) -> None:
    """kill -9 of Nextflow while jobs run, scancel of what it left, then -resume"""
    undisturbed, options = study.undisturbed(*TWO), study.options(*TWO)
    with cluster(place) as nodes:
        run = Launch(place, *options, *SLURM, env=nodes.env)
        wait_for("two tasks", lambda: len(run.with_status("COMPLETED")) >= 2 and nodes.jobs())
        done = run.kill().with_status("COMPLETED")
        nodes.cancel()
        again = Launch(place, *options, *SLURM, "-resume", env=nodes.env).succeeded()
    lost = set(done) - set(again.with_status("CACHED"))
    assert not lost, f"ran again, although they were done: {sorted(lost)}"
    assert_same(place / "results", undisturbed)


# salmon draws at random without a seed: what follows its counts is the same study, not the same bytes.
FOLLOWS_SALMON = (
    "quantify_transcripts|gene_counts|normalise_expression|target_score|expression_heatmap|"
    "differential_expression|gene_set_enrichment|sample_enrichment|sample_projection|locus_genotype|mmc_candidates"
)


@case(IMAGES)
def demo_on_slurm(place: Path, study: Study) -> None:
    """the whole demo on a Slurm of two nodes, in images (but for tables that rest on salmon's draws)"""
    Launch(place / "local", "-profile", "test").succeeded()
    with cluster(place) as nodes:
        Launch(place / "slurm", "-profile", "test,slurm,podman", *SLURM[2:], env=nodes.env).succeeded()
    assert_same(place / "slurm/results", place / "local/results", leave_out=f"^({FOLLOWS_SALMON})/")
