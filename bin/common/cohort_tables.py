"""Columns of the tables of cohorts that several analyses read, and lists of genes."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from common.tables import only_file, read_only, read_table

# Of mutations.tsv.gz of harmonise_mutations; all of its rows count.
MUTATIONS = dict.fromkeys(["cohort", "sample", "patient", "panel", "gene", "chrom"], "str")
MUTATIONS |= {"position": "Int64"}
MUTATIONS |= dict.fromkeys(["ref", "alt", "variant_type", "class", "protein_changing"], "str")
MUTATIONS |= {"hgvs_c": "str", "hgvs_p": "str", "protein_position": "Int64"}
SAMPLES = dict.fromkeys(["cohort", "sample", "patient", "panel", "specimen", "normal", "counts"], "str")
PROFILED = dict.fromkeys(["cohort", "sample", "patient", "panel"], "str")
PANELS = {"panel": "str", "gene": "str"}
DOMAINS = {"gene": "str", "kind": "str", "name": "str", "start": "int64", "end": "int64", "source": "str"}


def read_profiled(path: Path) -> pd.DataFrame:
    """Read the profiled samples; `barcode` is what the files of their cohort call them."""
    table = read_table(path, PROFILED, further=True)
    return table if "barcode" in table else table.assign(barcode=table["sample"])


def read_mutations(path: Path) -> pd.DataFrame:
    """Read the mutations of all cohorts; an empty panel is an exome."""
    table = read_table(path, MUTATIONS)
    return table.assign(panel=table.panel.fillna(""), gene=table.gene.fillna(""))


def read_counted(path: Path) -> pd.DataFrame:
    """Read the samples that count, one a patient; what is not known of specimen and normal is empty."""
    table = read_table(path, SAMPLES)
    table = table[table.counts == "yes"].reset_index(drop=True)
    return table.fillna({"panel": "", "specimen": "", "normal": ""})


def read_aliases(path: Path) -> dict[str, str]:
    """Return the symbol that each previous one stands for; a name that is some gene's symbol keeps it."""
    table = read_table(path, {"gene_name": "str", "previous": "str"}).dropna()
    symbols = set(table.gene_name)
    pairs = zip(table.gene_name, table.previous.str.split(";"), strict=True)
    return {old: name for name, previous in pairs for old in previous if old not in symbols}


def renamed(genes: Iterable[str], aliases: Mapping[str, str]) -> list[str]:
    """Give genes their present symbols."""
    return [aliases.get(gene, gene) for gene in genes]


def read_covered(folder: Path, aliases: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the genes that each panel covers, by panel; without panels there are none."""
    table = read_only(folder, PANELS)
    covered = {panel: set() for panel in table.panel.dropna()}
    table = table.dropna()
    for panel, gene in zip(table.panel, renamed(table.gene, aliases), strict=True):
        covered[panel].add(gene)
    return covered


def read_genes(folder: Path, aliases: Mapping[str, str]) -> list[str]:
    """Return the genes of a list (the first word of a row, comments after #), each once; none without one."""
    if not (path := only_file(folder)):
        return []
    rows = [re.split(r"[,\s#]", line.strip())[0] for line in path.read_text("utf-8-sig").splitlines()]
    return list(dict.fromkeys(renamed(filter(None, rows), aliases)))


def lengths_of(targets: pd.DataFrame) -> dict[str, int]:
    """Return the residues of the proteins of target genes whose coding sequence the table gives."""
    known = targets.dropna(subset=["cds_start", "cds_end"])
    residues = (known.cds_end - known.cds_start + 1) // 3 - 1
    return dict(zip(known.gene, residues.astype(int), strict=True))


def pairs_of(cohorts: Iterable[str]) -> list[tuple[str, str]]:
    """List each pair of cohorts once, in their order."""
    names = list(cohorts)
    return [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
