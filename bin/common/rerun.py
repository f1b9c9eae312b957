"""Write what runs the same again: the parameters that were given, and the command."""

import json
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

# Where the results go, and a run that only prints.
OF_ONE_RUN = ("outdir", "help")
SCRIPT = """\
#!/bin/sh
# Runs {name} {version} again with the same parameters, on the files that they name, into a folder of its own.
# To be started where the first run was (a path in params.json that is relative is so to that folder; with
# --pseudonymise, all files are named without their folders: where they lie):
#     sh results/pipeline_info/rerun.sh again
{pipeline}export NXF_VER={nextflow} NXF_SYNTAX_PARSER=v2
nextflow run {run} -params-file "$(dirname "$0")/params.json" --outdir "${{1:-again}}"
"""
LOCAL = "# The pipeline's folder, if it is another one: NRF2FLOW=<folder> sh ...\n"


def given_parameters(parameters: Mapping[str, object], specs: Mapping[str, Mapping]) -> dict[str, object]:
    """Return the parameters that are not the default; a parameter that is null was not given."""
    return {
        name: value
        for name, value in parameters.items()
        if name not in OF_ONE_RUN and value is not None and value != specs[name].get("default")
    }


def command_again(run: Mapping[str, str | None]) -> str:
    """Write the shell script that runs the same again.

    `run` is what Nextflow says of the run: name, version, nextflow, profile, repository, revision, commitId.
    A pipeline that came from no repository is the folder that the script is started in, or $NRF2FLOW.
    """
    words = ['"${NRF2FLOW:-.}"']
    if run["repository"]:
        words = [quote(run["repository"]), "-r", quote(run["commitId"] or run["revision"] or run["version"])]
    if run["profile"] and run["profile"] != "standard":
        words += ["-profile", quote(run["profile"])]
    return SCRIPT.format(
        name=run["name"],
        version=run["version"],
        nextflow=quote(run["nextflow"]),
        run=" ".join(words),
        pipeline="" if run["repository"] else LOCAL,
    )


def write_again(
    parameters: Mapping[str, object], specs: Mapping[str, Mapping], run: Mapping, results: Path
) -> None:
    """Write params.json, for Nextflow's -params-file, and rerun.sh."""
    given = given_parameters(parameters, specs)
    (results / "params.json").write_text(json.dumps(given, indent=2) + "\n")
    (results / "rerun.sh").write_text(command_again(run))
