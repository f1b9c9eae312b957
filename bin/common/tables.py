"""Read and write tables: tab-separated, one header line, empty means missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.cli import InputError

LIBRARY = {"sample": "str", "line": "str", "condition": "str", "role": "str"}
SAMPLES = LIBRARY | {"replicate": "str"}
TARGET_GENES = {"gene": "str", "transcript": "str", "cds_start": "Int64", "cds_end": "Int64"}
GENES = ["gene_id", "gene_name"]


def read_table(path: Path, columns: Mapping[str, str], further: bool = False) -> pd.DataFrame:
    """Read the named columns of a TSV as the given dtypes; `further` keeps the others, as text.

    Only an empty field is missing: a line called NA or None keeps its name. An absent
    column, or a value of another type, is an InputError.
    """
    try:
        header = pd.read_csv(path, sep="\t", nrows=0).columns
        dtypes = dict.fromkeys(header, "str") | dict(columns)
        table = pd.read_csv(path, sep="\t", dtype=dtypes, keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise InputError(f"{path.name}: {error}") from error
    if absent := [column for column in columns if column not in table]:
        raise InputError(f"{path.name}: no column {', '.join(absent)} (has {', '.join(table)})")
    return table if further else table[list(columns)]


def read_matrix(path: Path, samples: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a matrix of genes and samples (gene_id, gene_name, then one column a sample).

    Returns the genes (gene_id, gene_name; a gene without a name has its id) and their
    values (float64, genes x samples in the order given), both indexed by gene_id.
    """
    columns = dict.fromkeys(GENES, "str") | dict.fromkeys(samples, "float64")
    table = read_table(path, columns)
    table.gene_name = table.gene_name.fillna(table.gene_id)
    table = table.set_index("gene_id", drop=False)
    return table[GENES], table[list(samples)]


def only_file(folder: Path) -> Path | None:
    """Return the file of a folder that may have one; None if it is absent or empty."""
    found = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if len(found) > 1:
        raise InputError(
            f"{folder.name}: {len(found)} files ({', '.join(path.name for path in found)}), not one"
        )
    return found[0] if found else None


def read_only(folder: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read the table of a folder; without one it has no rows."""
    if path := only_file(folder):
        return read_table(path, columns)
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table to 10 significant digits, without its index."""
    table.to_csv(path, sep="\t", index=False, float_format="%.10g", lineterminator="\n")
