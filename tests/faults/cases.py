"""What a case of a fault is: a function of a folder of its own and the study, told by its docstring."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from launch import VERSION, Launch
from study import given, write_study

MOUNTS = "root, and mounts"
CLUSTER = "root, and processes and mounts of its own"
IMAGES = f"{CLUSTER}; podman, and what make images made"


class Study:
    """The study of all cases, and the results of an undisturbed run of it."""

    def __init__(self, base: Path):
        self.base, self.folder = base, base / "study"

    def options(self, *sheets: str) -> list[object]:
        """Return what gives the study, or some sheets of it."""
        if not self.folder.exists():
            write_study(self.folder)
        return given(self.folder, *sheets)

    @cache  # noqa: B019 (one study a process)
    def undisturbed(self, *sheets: str) -> Path:
        """Return the results of a run to which nothing happens."""
        folder = self.base / "-".join(["undisturbed", *sheets])
        Launch(folder, *self.options(*sheets)).succeeded()
        return folder / "results"


class Case(NamedTuple):
    """A fault that is made, and what must come of it."""

    name: str
    told: str  # what is done
    needs: str  # of the machine, or empty
    run: Callable[[Path, Study], None]


CASES: dict[str, Case] = {}


def case(needs: str = "") -> Callable:
    """Make a case of a function; its docstring says what is done."""

    def made(function: Callable[[Path, Study], None]) -> Callable:
        name = function.__name__
        CASES[name] = Case(name, " ".join(function.__doc__.split()), needs, function)
        return function

    return made


def works(*command: str) -> bool:
    """Whether there is such a command, and it succeeds."""
    return bool(shutil.which(command[0])) and not subprocess.run(command, capture_output=True).returncode


def is_met(needs: str) -> bool:
    """Whether the machine lets a case make its fault."""
    probes = {
        MOUNTS: [["unshare", "--mount", "true"]],
        CLUSTER: [["unshare", "--mount", "--pid", "--fork", "true"]],
    }
    probes[IMAGES] = [*probes[CLUSTER], ["podman", "image", "exists", f"localhost/nrf2flow/report:{VERSION}"]]
    return not needs or (os.geteuid() == 0 and all(works(*probe) for probe in probes[needs]))


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount something on a folder for a while."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def failing_once(place: Path, script: str, command: str) -> dict[str, str]:
    """Return an environment where the first call of a script does something else, in the shell."""
    wrapper = place / "broken/python3"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.write_text(
        "#!/bin/bash\n"
        f'case "$1" in */{script}) if mkdir "{place}/broken/once" 2>/dev/null; then {command}; fi ;; esac\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    wrapper.chmod(0o755)
    return {"PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
