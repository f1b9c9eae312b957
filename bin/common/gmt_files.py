"""Read the gene sets that users wrote, and find what is wrong with them."""

from collections.abc import Sequence
from pathlib import Path

from common.count_matrix import Matrix, kind_of_ids
from common.gene_sets import GeneSet, parse_set
from common.sheets import Problems, UnreadableError, check_once, lines_of, meant, shown

FEW_GENES = 0.1  # a smaller share of a collection's genes in the matrix is worth a note


def read_gene_sets(path: Path, called: str, problems: Problems) -> tuple[list[GeneSet], str]:
    """Read and check a GMT file, `called` so in problems.

    Returns its sets, and its text without padding and blank lines.
    """
    sets, lines, first = [], [], {}
    try:
        for row, line in enumerate(lines_of(path), start=1):
            name, *rest = [" ".join(field.split()) for field in line.split("\t")]
            if not name and not any(rest):
                continue
            if not name:
                problems.add(f"{called}, row {row}, name", "nothing", "the name of a gene set")
            if not any(rest[1:]):
                found, expected = f"{shown(name)} without genes", "name, description and genes between tabs"
                problems.add(f"{called}, row {row}, genes", found, expected)
                continue
            lines.append("\t".join([name, rest[0], *filter(None, rest[1:])]) + "\n")
            sets.append(parse_set(lines[-1]))
            check_once(f"{called}, row {row}, name", sets[-1].name, row, first, problems)
        if not sets:
            problems.add(called, "no gene set", "a GMT file: a line a gene set")
    except UnreadableError as error:
        problems.add(called, str(error), "a GMT file: UTF-8 text, a line a gene set")
    return sets, "".join(lines)


def check_overlap(
    called: str, given: bool, sets: Sequence[GeneSet], matrix: Matrix, counts: str, problems: Problems
) -> None:
    """Find a collection of which the matrix, called `counts`, has no gene, or few.

    None is a problem if the user has given the collection, and else worth a note.
    """
    members, genes = dict.fromkeys(gene for each in sets for gene in each.genes), matrix.genes()
    shared = sum(gene in genes for gene in members)
    if not members or shared >= len(members) * FEW_GENES:
        return
    kinds = kind_of_ids(list(members)), kind_of_ids(matrix.names())
    hint = ""
    if all(kinds) and kinds[0] != kinds[1]:
        hint = f": {kinds[0]} here, {kinds[1]} there"
    elif len({gene.upper() for gene in genes} & {gene.upper() for gene in members}) > 2 * shared:
        hint = ": but for upper and lower case they would agree; is one of another species?"
    if shared or not given:
        problems.note(called, f"{shared:,} of its {len(members):,} genes are in {counts}{hint}")
    else:
        found = f"{len(members):,} genes, none of them in {counts}{hint}"
        expected = f"genes as {counts} has them in gene_name or gene_id"
        problems.add(f"{called}, all rows, genes", found, expected)


def note_highlighted(wanted: str, sets: Sequence[GeneSet], problems: Problems) -> None:
    """Note the sets that --highlight_sets names and that no collection has."""
    known = {name: None for each in sets for name in (each.name, each.identifier)}
    for name in filter(None, map(str.strip, wanted.split(","))):
        if name not in known:
            problems.note("highlight_sets", f"no gene set called {name}{meant(name, known)}")
