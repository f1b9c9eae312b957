"""Make faults of all kinds happen to the pipeline, and say of each in a line whether nothing was lost."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click
import on_a_cluster  # noqa: F401 (likewise)
import on_one_machine  # noqa: F401 (its cases)
from cases import CASES, CLUSTER, Case, Study, is_met


def outcome(case: Case, study: Study) -> str:
    """Run a case; return ok, or what went wrong."""
    if not is_met(case.needs):
        return f"not run: needs {case.needs}"
    try:
        case.run(study.base / case.name, study)
    except AssertionError as error:
        return f"FAILED ({error})"
    return "ok"


@click.command()
@click.argument("names", nargs=-1, metavar="[CASE]...")
@click.option("--list", "listing", is_flag=True, help="Only say what cases there are.")
def main(names: tuple[str, ...], listing: bool) -> None:
    """Run the cases named, or all; exit status 1 if one fails or cannot be run."""
    if unknown := [name for name in names if name not in CASES]:
        raise click.UsageError(f"no case {', '.join(unknown)}; --list names them")
    cases = sorted((CASES[name] for name in names or CASES), key=lambda case: case.needs.startswith(CLUSTER))
    if listing:
        click.echo("\n".join(f"{case.name}: {case.told}" for case in cases))
        return
    base = Path(tempfile.mkdtemp(prefix="faults."))
    study, outcomes = Study(base), []
    for case in cases:
        begun = time.monotonic()
        outcomes.append(outcome(case, study))
        click.echo(f"{case.name}: {case.told}: {outcomes[-1]}, {time.monotonic() - begun:.0f} s")
        if outcomes[-1] == "ok":
            shutil.rmtree(base / case.name, ignore_errors=True)
    if set(outcomes) == {"ok"}:
        shutil.rmtree(base)
        return
    click.echo(f"left to look at: {base}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
