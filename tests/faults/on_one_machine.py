"""Faults of the machine, of tools, of inputs and of users, where tasks run on this machine."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from cases import MOUNTS, Study, case, failing_once, mounted
from launch import Launch, assert_same, tables_in, wait_for

FEW = ("assays",)  # the sheets of cases that need no more
TWO = ("patients", *FEW)
RESUME = "-resume"


def killed_when(
    place: Path, study: Study, sheets: tuple[str, ...], happens: Callable[[Launch], bool]
) -> None:
    """Kill Nextflow when something happens, go on, and hold the results to those of an undisturbed run."""
    undisturbed, options = study.undisturbed(*sheets), study.options(*sheets)
    run = Launch(place, *options)
    wait_for("point to kill at", lambda: happens(run))
    done = run.kill().with_status("COMPLETED")
    again = Launch(place, *options, RESUME).succeeded()
    assert_same(place / "results", undisturbed)
    lost = set(done) - set(again.with_status("CACHED"))
    assert not lost, f"ran again, although they were done: {sorted(lost)}"


@case()
def killed_at_the_gate(place: Path, study: Study) -> None:
    """kill -9 of Nextflow while inputs are checked, then -resume"""
    killed_when(place, study, FEW, lambda run: run.submitted("CHECK_INPUTS"))


@case()
def killed_in_the_middle(place: Path, study: Study) -> None:
    """kill -9 of Nextflow when six tasks are done, then -resume"""
    killed_when(place, study, (), lambda run: len(run.with_status("COMPLETED")) >= 6)


@case()
def killed_while_publishing(place: Path, study: Study) -> None:
    """kill -9 of Nextflow when the report begins to appear in the results, then -resume"""
    report = place / "results/report"
    killed_when(place, study, FEW, lambda run: report.exists() and any(report.iterdir()))


@case()
def half_published(place: Path, study: Study) -> None:
    """of a finished run a table cut in half, one emptied and one deleted, as by a kill; then -resume"""
    undisturbed, options = study.undisturbed(*FEW), study.options(*FEW)
    Launch(place, *options).succeeded()
    tables = [place / "results" / name for name in sorted(tables_in(place / "results"))]
    half, none, gone = tables[-3:]
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    none.write_bytes(b"")
    gone.unlink()
    again = Launch(place, *options, RESUME).succeeded()
    assert_same(place / "results", undisturbed)
    assert not again.with_status("COMPLETED"), "a task ran again"


def holds_room(disk: Path) -> bool:
    """Whether a script runs that has taken room on a disk, in which to say that there is no more."""
    files = []
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            files.append(os.readlink(opened))
    return any(name.startswith(f"{disk}/") and "/.room." in name for name in files)


@case(MOUNTS)
def full_work_folder(place: Path, study: Study) -> None:
    """the disk of the work folder fills up; -resume when there is room again"""
    undisturbed, options = study.undisturbed(*FEW), study.options(*FEW)
    with mounted(place / "disk", "-t", "tmpfs", "-o", "size=16m", "none") as disk:
        ballast = disk / "ballast"
        run = Launch(place, *options, "-work-dir", disk / "work")
        wait_for("script at work", lambda: run.submitted("GROUP_COMPARISON") and holds_room(disk))
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(2**16))
            except OSError:
                pass
        run.failed("No space left on device", "free some, and go on with -resume")
        ballast.unlink()
        again = Launch(place, *options, "-work-dir", disk / "work", RESUME).succeeded()
        assert "CHECK_INPUTS" in again.with_status("CACHED")
        assert_same(place / "results", undisturbed)


@case(MOUNTS)
def full_results_folder(place: Path, study: Study) -> None:
    """the disk of the results fills up; -resume when there is room again"""
    undisturbed, options = study.undisturbed(*FEW), study.options(*FEW)
    with mounted(place / "results", "-t", "tmpfs", "-o", "size=1m", "none") as results:
        ballast = results / "ballast"
        ballast.write_bytes(bytes(900 * 2**10))
        Launch(place, *options).failed("Failed to publish file", "Check '.nextflow.log' file for details")
        assert "No space left on device" in (place / ".nextflow.log").read_text()
        ballast.unlink()
    with mounted(place / "results", "-t", "tmpfs", "-o", "size=64m", "none") as results:
        again = Launch(place, *options, RESUME).succeeded()
        assert "CHECK_INPUTS" in again.with_status("CACHED")
        assert_same(results, undisturbed)


@case(MOUNTS)
def read_only_results(place: Path, study: Study) -> None:
    """the folder of the results is mounted read-only; then another is given"""
    (place / "results").mkdir(parents=True)
    options = study.options(*FEW)
    with mounted(place / "results", "--bind", "-o", "ro", str(place / "results")):
        run = Launch(place, *options).failed(
            "--outdir: found", "/results", "Read-only file system", "expected a folder"
        )
    assert not run.submitted("CHECK_INPUTS"), "tasks ran for nothing"
    Launch(place, *options, "--outdir", "elsewhere").succeeded()
    assert_same(place / "elsewhere", study.undisturbed(*FEW))


@case()
def changed_input(place: Path, study: Study) -> None:
    """a value of the patients changes, not size nor time of the file; then -resume; then it changes back"""
    undisturbed, given, sheets = study.undisturbed(*TWO), study.options(*TWO), place / "sheets"
    shutil.copytree(study.folder, sheets)
    options = [str(word).replace(str(study.folder), str(sheets)) for word in given]
    Launch(place, *options).succeeded()
    before, patients = tables_in(place / "results"), sheets / "patients.csv"
    text, then = patients.read_text(), patients.stat()
    patients.write_text(text.replace("\nP01,176,", "\nP01,175,"))
    os.utime(patients, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert text != patients.read_text()
    assert then.st_size == patients.stat().st_size
    (sheets / "assays.csv").touch()  # newer, and the same
    again = Launch(place, *options, RESUME).succeeded()
    concerned = [
        *("BIOMARKER_CUTOFF", "CHECK_INPUTS", "MMC_CANDIDATES", "PATIENT_TABLE", "REPORT", "SURVIVAL"),
    ]
    assert again.with_status("COMPLETED") == concerned, f"ran again: {again.with_status('COMPLETED')}"
    after = tables_in(place / "results")
    differing = {name.split("/")[0] for name in after if after[name] != before[name]}
    assert {"biomarker_cutoff", "check_inputs"} <= differing <= {name.lower() for name in concerned}
    patients.write_text(text)
    back = Launch(place, *options, RESUME).succeeded()
    assert not back.with_status("COMPLETED"), f"ran again: {back.with_status('COMPLETED')}"
    assert_same(place / "results", undisturbed, leave_out="check_inputs/inputs.tsv")


@case()
def crash_that_is_retried(place: Path, study: Study) -> None:
    """a tool is killed (exit status 137) in its first attempt"""
    options = study.options(*FEW)
    env = failing_once(place, "group_comparison.py", "echo 'half a table' > groups.tsv; kill -9 $$")
    run = Launch(place, *options, env=env).succeeded()
    assert run.with_status("FAILED") == ["GROUP_COMPARISON"]
    assert [row["exit"] for row in run.tasks() if row["status"] == "FAILED"] == ["137"]
    assert_same(place / "results", study.undisturbed(*FEW))


@case()
def crash_that_stops(place: Path, study: Study) -> None:
    """a tool fails (exit status 1) in its first attempt, then -resume"""
    options = study.options(*FEW)
    env = failing_once(
        place, "group_comparison.py", "echo 'half a table' > groups.tsv; echo 'no such luck' >&2; exit 1"
    )
    run = Launch(place, *options, env=env).failed(
        "no such luck", "GROUP_COMPARISON", "Command exit status: 1"
    )
    assert run.with_status("FAILED") == ["GROUP_COMPARISON"]
    assert not (place / "results/group_comparison/groups.tsv").exists(), (
        "a table of a failed task was published"
    )
    done = run.with_status("COMPLETED")
    again = Launch(place, *options, RESUME, env=env).succeeded()
    assert set(done) <= set(again.with_status("CACHED"))
    assert_same(place / "results", study.undisturbed(*FEW))


@case()
def awkward_folders(place: Path, study: Study) -> None:
    """folders of launch, inputs, outdir and work with spaces, quotes, & ; ( ) < > ! : ` and any letters"""
    options, home = study.options(*TWO), place / 'it\'s "my" läunch; & (földer)'
    inputs = home / "sheets <of> `all` kinds! Zellen: 細胞"
    home.mkdir(parents=True)
    shutil.copytree(study.folder, inputs)
    patients = inputs / "patients; touch 'x' & \"y\".csv"
    (inputs / "patients.csv").rename(patients)
    options = [str(word).replace(str(study.folder), inputs.name) for word in options]
    options[options.index("--patients") + 1] = str(patients)
    there = ["--outdir", "out's [1] {2} $x é", "-work-dir", "wörk \"dir\" & 'more'"]
    Launch(home, *options, *there).succeeded()
    assert_same(home / there[1], study.undisturbed(*TWO), leave_out="check_inputs/(inputs|notes).tsv")
    stray = [path for name in "xy" for path in place.rglob(name)]
    assert not stray, f"a name was run as a command: {stray}"


@case()
def folders_that_no_shell_takes(place: Path, study: Study) -> None:
    """work folder and inputs with $ * { in their path: refused, and nothing is run of them"""
    options = study.options(*TWO)
    Launch(place, *options, "-work-dir", "work $(touch x)").failed("work $(touch x)", "-work-dir")
    inputs = place / "in $(touch x)"
    shutil.copytree(study.folder, inputs)
    options = [str(word).replace(str(study.folder), inputs.name) for word in options]
    said = "whose name or folder has one of $ * ?"
    Launch(place, *options).failed(
        f"--patients: found in $(touch x)/patients.csv, {said}", "--assays: found in"
    )
    assert not list(place.rglob("x")), "a name was run as a command"
    assert not tables_in(place / "results"), "a table was published"


@case()
def two_runs_at_once(place: Path, study: Study) -> None:
    """in the folder of a run that goes on, -resume and another run, and from elsewhere one with its outdir"""
    undisturbed, options, other = study.undisturbed(*FEW), study.options(*FEW), study.options("patients")
    first = Launch(place, *options)
    wait_for("analysis", lambda: first.submitted("GROUP_COMPARISON"))
    first.signal(signal.SIGSTOP)  # that it goes on for long enough
    try:
        Launch(place, *options, RESUME, name="again").failed("Unable to acquire lock on session")
        here = Launch(place, *other, name="other")
        there = Launch(place / "elsewhere", *other, "--outdir", "../results")
        for second in (here, there):
            second.failed("--outdir: found", "another run is writing to", "wait for that run")
            assert not second.submitted("CHECK_INPUTS"), "tasks of the other run were started"
    finally:
        first.signal(signal.SIGCONT)
    first.succeeded()
    assert_same(place / "results", undisturbed)
    Launch(place, *other, "--outdir", "others", name="other").succeeded()
    assert_same(place / "results", undisturbed)
