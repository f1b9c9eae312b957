"""docs/licences.md has a row for all that is shipped or laid into an image, and says what its owner says."""

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement

PAGE = (ROOT / "docs/licences.md").read_text()
DEBIAN = Path("/usr/share/doc")
# How metadata and copyright files name a licence, by its SPDX identifier.
NAMES = {
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD",  # that is all they say
    "BSD-2-clause": "BSD-2-Clause",
    "BSD-3": "BSD-3-Clause",
    "BSD-3-clause": "BSD-3-Clause",
    "Expat": "MIT",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0",
    "GPL-2+": "GPL-2.0-or-later",
    "GPL-2.0+": "GPL-2.0-or-later",
    "GPL-3+": "GPL-3.0-or-later",
    "LGPL-2.0+": "LGPL-2.0-or-later",
    "LGPL-2.1+": "LGPL-2.1-or-later",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
SPDX = {*NAMES.values(), "MPL-2.0 AND MIT"}


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading: by their first cell."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line[:1] == "|"
    ]
    found = {row[0]: row[1:] for row in rows[2:]}
    assert len(found) == len(rows) - 2, "a row stands twice"
    return found


def normal(name: str) -> str:
    """A package's name, however it is written."""
    return re.sub(r"[-_.]+", "-", name).lower()


def listed(kind: str) -> set[str]:
    """The packages that the lists of all images name."""
    lines = [
        line for path in (ROOT / "containers").glob(f"*.{kind}") for line in path.read_text().splitlines()
    ]
    return {line.split()[0] for line in lines if line.strip()}


def dependencies(names: set[str]) -> set[str]:
    """What comes with packages, here."""
    known, ahead = set(), [(name, "") for name in names]
    while ahead:
        name, extra = ahead.pop()
        if (normal(name), extra) in known:
            continue
        known.add((normal(name), extra))
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                ahead += [(needed.name, wanted) for wanted in ("", *needed.extras)]
    return {name for name, _ in known} - {normal(name) for name in names}


def licence_of(package: Distribution) -> str:
    """What a package says of itself: an expression, else a name, its licence's first line or classes."""
    said = package.metadata
    if said["License-Expression"]:
        return said["License-Expression"]
    texts = [said["License"] or ""]
    texts += [path.read_text() for path in package.files or [] if re.search(r"info/.*LICEN[CS]E", str(path))]
    for text in texts:
        first = text.strip().split("\n")[0].strip()
        if (name := NAMES.get(first, first)) in SPDX:
            return name
    classes = [each.split(" :: ")[-1] for each in said.get_all("Classifier") or [] if each[:7] == "License"]
    return " OR ".join(sorted(NAMES[each] for each in classes))


def test_every_file_of_assets_has_its_licence_and_no_row_is_without_a_file():
    files = {path.relative_to(ROOT / "assets") for path in (ROOT / "assets").rglob("*") if path.is_file()}
    rows = {pattern.strip("`"): cells[0] for pattern, cells in table("Files in assets").items()}
    matched = {pattern: {path for path in files if path.match(pattern)} for pattern in rows}
    assert [pattern for pattern, paths in matched.items() if not paths] == []
    assert files - set().union(*matched.values()) == set()
    assert all(rows.values())
    sources = re.findall(
        r"^\| (\S+) \| .+? \| ([^|]+) \| [^|]+ \| [^|]* \|$",
        (ROOT / "assets/README.md").read_text(),
        re.MULTILINE,
    )
    assert {name: licence for name, licence in sources if name != "file"}.items() <= rows.items()


def test_all_data_in_images_has_its_licence():
    assert table("Data in images").keys() == listed("data")


@pytest.mark.parametrize(
    ("heading", "kind"), [("Programs from Debian", "apt"), ("Packages from PyPI", "pip")]
)
def test_the_tables_name_what_the_lists_of_images_name(heading, kind):
    assert table(heading).keys() == listed(kind)


@pytest.mark.parametrize("name", sorted(listed("apt")))
def test_a_program_from_debian_has_the_licences_of_its_copyright_file(name):
    blocks = re.split(r"\n(?=Files:)", (DEBIAN / name / "copyright").read_text())[1:]
    said = [
        re.search(r"Files:\s*(\S+).*?^License: *(\S+)", block, re.MULTILINE | re.DOTALL).groups()
        for block in blocks
    ]
    own = {NAMES.get(licence, licence) for files, licence in said if not files.startswith("debian/")}
    main, *parts = [cell.strip() for cell in re.split(r"; parts |, ", table("Programs from Debian")[name][0])]
    assert main == NAMES.get(said[0][1], said[0][1])
    assert set(parts) == own - {main}


@pytest.mark.parametrize("name", sorted(listed("pip") | listed("data")))
def test_a_package_has_the_licence_that_it_says_it_has(name):
    rows = table("Packages from PyPI") | table("Data in images")
    assert rows[name][0] == licence_of(distribution(name))


def test_what_comes_with_the_packages_has_its_licence_too():
    found = {name: licence_of(distribution(name)) for name in dependencies(listed("pip"))}
    assert all(found.values()), "a name of a licence that NAMES lacks"
    rows = {name: cells[0] for name, cells in table("What comes with them").items()}
    assert {f"| {name} | {licence} |" for name, licence in (found.items() - rows.items())} == set(), (
        "rows that lack"
    )
    assert rows.keys() - found.keys() == set(), "rows of nothing"
