"""What is in each image that `make images` built, asked under the conditions of a task."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTAINERS = ROOT / "containers"
ANALYSES = sorted(path.stem for path in CONTAINERS.glob("*.pip"))
VERSION = re.search(r"version += '(.+)'", (ROOT / "nextflow.config").read_text())[1]
# What the base brings, in the versions that it has.
BASE = {"pip", "setuptools", "wheel"}
BUILDERS = ["gcc", "cc", "c++", "make", "git"]
# As the profiles run tasks: no network, nothing to write to but the task's folder, any user.
CONDITIONS = ["--network=none", "--read-only", "--tmpfs=/tmp", "--env=HOME=/tmp", "--user=12345:12345"]


def entries(name: str) -> list[list[str]]:
    """Return the words of each line of a list; none if there is no such list."""
    path = CONTAINERS / name
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="session")
def ask(request):
    """Run a command in the image of an analysis, with the scripts mounted as Nextflow mounts them."""
    engine, registry = request.config.getoption("--engine"), request.config.getoption("--registry")

    def run(analysis: str, *command: str, text: str = "") -> subprocess.CompletedProcess:
        mounts = ["--volume", f"{ROOT / 'bin'}:/scripts:ro"]
        image = f"{registry}/{analysis}:{VERSION}"
        words = [engine, "run", "--rm", "--interactive", *CONDITIONS, *mounts, image, *command]
        return subprocess.run(words, input=text, capture_output=True, text=True)

    return run


@pytest.fixture(scope="session", params=ANALYSES)
def image(request, ask):
    """Ask the image of an analysis for all that it holds: (analysis, what it says)."""
    listed = [command for kind in ("base", request.param) for _package, command in entries(f"{kind}.apt")]
    wanted = ["bash", *listed, *BUILDERS, f"{request.param}.py"]
    asked = ask(request.param, "python", "-", *wanted, text=(Path(__file__).parent / "inside.py").read_text())
    assert asked.returncode == 0, asked.stderr
    return request.param, json.loads(asked.stdout)


def test_an_image_has_the_versions_that_are_pinned_and_all_that_is_listed(image):
    analysis, held = image
    lines = (CONTAINERS / "constraints.txt").read_text().splitlines()
    pinned = dict(line.lower().split("==") for line in lines if "==" in line)
    packages = {name: version for name, version in held["packages"].items() if name not in BASE}
    assert held["python"] == [3, 11]
    assert {name: pinned.get(name) for name in packages} == packages
    listed = [package.lower() for kind in ("pip", "data") for (package,) in entries(f"{analysis}.{kind}")]
    assert set(listed) <= packages.keys()
    assert packages.keys().isdisjoint(package for (package,) in entries(f"{analysis}.unused"))


def test_an_image_has_the_commands_that_are_listed_and_no_compiler_and_no_script(image):
    analysis, held = image
    listed = [command for kind in ("base", analysis) for _package, command in entries(f"{kind}.apt")]
    assert held["commands"] == ["bash", *listed]


def test_a_task_has_no_network_no_rights_and_writes_nothing_of_the_image(image):
    _analysis, held = image
    assert held["user"] == 12345
    assert held["writable"] == ["/tmp"]
    assert held["interfaces"] == ["lo"]


@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_script_starts_in_its_image(ask, analysis):
    asked = ask(analysis, "python", "-W", "error", f"/scripts/{analysis}.py", "--help")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("Usage:")
