"""How every script takes paths and how it fails."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import click

INPUT = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
RESULTS = click.option(
    "--results", type=FOLDER, default=".", show_default=True, help="Folder to write the results to."
)


FULL = (errno.ENOSPC, errno.EDQUOT)
ROOM = 2**16  # bytes


class InputError(ValueError):
    """The user's data cannot be analysed; the message names file, row and column."""


@contextlib.contextmanager
def room_to_speak() -> Iterator[None]:
    """Hold a little of the disk, in a file without a name, and give it back when this ends.

    What a task says lies on the disk of its work folder: on a full one its last words would be lost.
    """
    with contextlib.ExitStack() as held:
        try:
            name = f".room.{os.getpid()}"
            file = held.enter_context(open(name, "xb", buffering=0))
            os.unlink(name)
            file.write(bytes(ROOM))
        except OSError:
            held.close()
        yield


class Script(click.Command):
    """A command that ends an InputError or a full disk in one line on stderr and exit status 1.

    Any other exception is a bug and keeps its traceback.
    """

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; turn what is no bug into click's own kind of error."""
        try:
            with room_to_speak():
                return super().invoke(ctx)
        except InputError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno not in FULL:
                raise
            told = f"{error.strerror} in {Path.cwd()}: free some, and go on with -resume"
            raise click.ClickException(told) from error
