"""How every script fails: in a line where the user can do something, else with its traceback."""

import errno
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from common.cli import ROOM, InputError, Script, room_to_speak


def run(error: Exception):
    @click.command(cls=Script)
    def main() -> None:
        raise error

    return CliRunner().invoke(main, [], catch_exceptions=False)


def test_script__ends_a_bad_input_in_one_line():
    result = run(InputError("x.tsv, row 2: found a; expected b"))
    assert (result.exit_code, result.output) == (1, "Error: x.tsv, row 2: found a; expected b\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_script__says_what_to_do_when_the_disk_is_full(number):
    result = run(OSError(number, os.strerror(number)))
    where = f"{os.strerror(number)} in {Path.cwd()}"
    assert (result.exit_code, result.output) == (1, f"Error: {where}: free some, and go on with -resume\n")


def test_script__keeps_the_traceback_of_anything_else():
    with pytest.raises(FileNotFoundError):
        run(FileNotFoundError(errno.ENOENT, "no such file"))


def test_room_to_speak__is_held_without_a_name_and_given_back(tmp_path, monkeypatch):
    def held() -> list[int]:
        opened = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
        return [path.stat().st_size for path in opened if path.is_symlink() and ".room." in os.readlink(path)]

    monkeypatch.chdir(tmp_path)
    with room_to_speak():
        assert held() == [ROOM]
        assert list(tmp_path.iterdir()) == []
    assert held() == []


def test_room_to_speak__is_no_condition(tmp_path, monkeypatch):
    """Where nothing can be written, a script that writes nothing runs."""

    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("builtins.open", refuse)
    with room_to_speak():
        pass
