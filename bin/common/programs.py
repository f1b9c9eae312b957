"""Run the field's programs, and say so when one fails."""

import re
import subprocess
from collections.abc import Sequence


class ProgramError(RuntimeError):
    """A program ended with an error; the message has its command, exit status and last words."""


def run(command: Sequence[object]) -> str:
    """Run a program, and return what it wrote to stdout; stderr is shown if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise ProgramError(f"{' '.join(words)}: exit status {done.returncode}\n{said}")
    return done.stdout


def program_version(*command: str) -> str:
    """Return the version of a program, by default what `--version` says: its first number with dots."""
    words = list(command) if len(command) > 1 else [*command, "--version"]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    if found := re.search(r"\d+(?:\.\d+)+[a-z]?", done.stdout + done.stderr):
        return found[0]
    raise ProgramError(f"{' '.join(words)}: says no version")
