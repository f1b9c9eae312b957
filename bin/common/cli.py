"""How every script takes paths and how it fails."""

from pathlib import Path

import click

INPUT = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
RESULTS = click.option(
    "--results", type=FOLDER, default=".", show_default=True, help="Folder to write the results to."
)


class InputError(ValueError):
    """The user's data cannot be analysed; the message names file, row and column."""


class Script(click.Command):
    """A command that ends an InputError in one line on stderr and exit status 1.

    Any other exception is a bug and keeps its traceback.
    """

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; turn an InputError into click's own kind of error."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise click.ClickException(str(error)) from error
