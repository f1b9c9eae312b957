"""Read gene sets from GMT files, and find their genes in a study."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

# What stays in capitals in a readable name.
ABBREVIATIONS = {"AKT", "DN", "DNA", "JAK", "KRAS", "MTOR", "MYC", "NFKB", "TGF", "TNFA", "UV", "WNT"}


class GeneSet(NamedTuple):
    """A named set of genes. `identifier` is its accession in its source, or its name."""

    name: str
    identifier: str
    genes: tuple[str, ...]


def parse_set(line: str) -> GeneSet:
    """Read a line of a GMT file: name, description and genes between tabs.

    A WikiPathways name, `title%source%WP1%species`, becomes `title (WP1)`; a Reactome
    set's accession is its description. Genes keep their order; a repeated gene counts once.
    """
    name, description, *genes = (field.strip() for field in line.split("\t"))
    identifier = description if description.startswith("R-HSA-") else name
    if len(parts := name.split("%")) == 4:
        name, identifier = f"{parts[0].strip()} ({parts[2]})", parts[2]
    return GeneSet(name, identifier, tuple(dict.fromkeys(filter(None, genes))))


def read_gmt(path: Path) -> list[GeneSet]:
    """Read a GMT file, a line a set."""
    return [parse_set(line) for line in path.read_text(encoding="utf-8-sig").splitlines()]


def read_collections(folder: Path) -> dict[str, list[GeneSet]]:
    """Read each GMT file of a folder: {collection: sets}, the collection named by its file."""
    return {path.stem: read_gmt(path) for path in sorted(folder.glob("*.gmt"))}


def members_of(sets: Sequence[GeneSet], genes: pd.DataFrame) -> list[np.ndarray]:
    """Find each set's genes among the rows of `genes` (gene_id, gene_name): sorted row numbers.

    A member is looked up among gene names, then among gene ids without their version.
    Of several rows with one name the first is taken: sort them so that it is the right one.
    """
    rows = {name.split(".")[0]: row for row, name in reversed(list(enumerate(genes.gene_id)))}
    rows |= {name: row for row, name in reversed(list(enumerate(genes.gene_name)))}
    return [
        np.array(sorted({rows[gene] for gene in each.genes if gene in rows}), dtype=np.intp) for each in sets
    ]


def highlighted(wanted: str, collections: dict[str, list[GeneSet]]) -> list[tuple[str, str]]:
    """Find the sets that `wanted` names (names or identifiers between commas).

    Returns (collection, set name) in the order of `wanted`; what is nowhere is left out.
    """
    names = [name.strip() for name in wanted.split(",")]
    return [
        (collection, each.name)
        for name in names
        for collection, sets in collections.items()
        for each in sets
        if name in (each.name, each.identifier)
    ]


def readable(name: str, width: int, lines: int = 1) -> str:
    """Make a set's name readable: Hallmark's as a phrase, long ones shortened, but for their accession."""
    if re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)+", name):
        first, *words = name.split("_")
        kept = [word if word in ABBREVIATIONS or re.search(r"\d", word) else word.lower() for word in words]
        name = " ".join([first.capitalize(), *kept])
    title, accession = re.fullmatch(r"(.*?)( \([^() ]+\))?", name, re.DOTALL).groups(default="")
    wrapped, words = textwrap.wrap(title + accession, width), title.split()
    while len(wrapped) > lines and words:
        words.pop()
        wrapped = textwrap.wrap(" ".join([*words, "…"]) + accession, width)
    return "\n".join(wrapped)
