"""Run the field's programs, and say so when one fails."""

import re
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

# Nextflow tries again, with more memory, what ends as a process does that is killed for its memory.
OUT_OF_MEMORY = 137
SHORT_OF_MEMORY = re.compile(
    "not enough memory|bad_alloc|Cannot allocate memory|is too small for your genome", re.IGNORECASE
)


class ProgramError(RuntimeError):
    """A program ended with an error; the message has its command, exit status and last words."""


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


def program_version(*command: str) -> str:
    """Return the version of a program, by default what `--version` says: its first number with dots."""
    words = list(command) if len(command) > 1 else [*command, "--version"]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    if found := re.search(r"\d+(?:\.\d+)+[a-z]?", done.stdout + done.stderr):
        return found[0]
    raise ProgramError(f"{' '.join(words)}: says no version")
