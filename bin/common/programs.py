"""Run the field's programs, and say so when one fails."""

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn, Self

from common.cli import InputError

# Nextflow tries again, with more memory, what ends as a process does that is killed for its memory.
OUT_OF_MEMORY = 137
SHORT_OF_MEMORY = re.compile(
    "not enough memory|bad_alloc|Cannot allocate memory|is too small for your genome", re.IGNORECASE
)


class ProgramError(RuntimeError):
    """A program ended with an error; the message has its command, exit status and last words."""


def check_fits(index: Path, files: Iterable[Path], program: str, memory: int) -> None:
    """Refuse an index if these files of it, which a program holds, are larger than the memory (MB)."""
    held = sum(path.stat().st_size for path in files) / 2**20
    if held > memory:
        raise InputError(
            f"{index.name}: {program} holds all of its {held / 1024:.1f} GB, and may use "
            f"{memory / 1024:.1f} GB here: run it where there is more memory "
            "(process.resourceLimits says how much there is)"
        )


def run(command: Sequence[object]) -> str:
    """Run a program, and return what it wrote to stdout; stderr is shown if it fails.

    Where it lacks memory, or is ended by a signal, so is the script that runs it.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    if done.returncode:
        fail(words, done.returncode, done.stdout + done.stderr)
    return done.stdout


def fail(words: Sequence[str], status: int, output: str) -> NoReturn:
    """End as a program did that ended with this exit status; its last words are shown."""
    said = "\n".join(output.strip().splitlines()[-20:])
    error = f"{' '.join(words)}: exit status {status}\n{said}"
    if status < 0 or SHORT_OF_MEMORY.search(said):
        print(error, file=sys.stderr)
        sys.exit(128 - status if status < 0 else OUT_OF_MEMORY)
    raise ProgramError(error)


class Pipeline:
    """Programs that run side by side, joined by pipes; when the block ends, so have they.

    If one of them fails, so does the block, as `run` does, whatever else went wrong: it follows from that.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.started: list[tuple[list[str], subprocess.Popen, IO]] = []
        self.files = ExitStack()  # what the programs say on stderr

    def start(self, command: Sequence[object], stdin: IO | int = subprocess.DEVNULL) -> subprocess.Popen:
        """Start a program that reads nothing, another's stdout, or PIPE; its stdout is a pipe of bytes."""
        words = [str(word) for word in command]
        said = self.files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
        program = subprocess.Popen(words, stdin=stdin, stdout=subprocess.PIPE, stderr=said)
        if not isinstance(stdin, int):
            stdin.close()  # so that the other one hears when this one ends
        self.started.append((words, program, said))
        return program

    def failed(self) -> tuple[list[str], int, IO] | None:
        """Find a program that ended badly, and not for want of a reader."""
        for words, program, said in self.started:
            if program.poll() not in (None, 0, -signal.SIGPIPE):
                return words, program.returncode, said
        return None

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the programs, or end them after an error; then say which failed."""
        if error is None:
            for _, program, _ in self.started:
                if program.stdin:
                    program.stdin.close()
                program.wait()
        else:
            patience = time.monotonic() + 1  # a broken pipe is seen before the end of who broke it
            while not self.failed() and time.monotonic() < patience:
                time.sleep(0.01)
        failed = self.failed()
        for _, program, _ in self.started:
            program.kill()
            program.wait()
            program.stdout.close()
            with suppress(BrokenPipeError):
                (program.stdin or program.stdout).close()
        with self.files:
            if failed:
                words, status, said = failed
                said.seek(0)
                fail(words, status, said.read().decode(errors="replace"))


def program_version(*command: str) -> str:
    """Return the version of a program: the first number with dots that it says.

    Of a single word, `--version` is asked, or else what it says without arguments is read.
    """
    asked = [[*command, "--version"], [*command]] if len(command) == 1 else [[*command]]
    for words in asked:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace")
        if found := re.search(r"\d+(?:\.\d+)+[a-z]?", done.stdout + done.stderr):
            return found[0]
    raise ProgramError(f"{' '.join(command)}: says no version")
