"""Read matrices of mutational signatures, and the shares of signatures among mutations."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from common.cli import InputError

# The order of COSMIC's plots; its files have their rows in others.
CONTEXTS = [
    f"{before}[{ref}>{alt}]{after}"
    for ref, alts in {"C": "AGT", "T": "ACG"}.items()
    for alt, before, after in product(alts, "ACGT", "ACGT")
]


def read_texts(path: Path, first: str) -> pd.DataFrame:
    """Read a CSV or TSV by its name, as text; its column `first` is the index, and names each row once."""
    separator = "," if ".csv" in path.suffixes else "\t"
    try:
        table = pd.read_csv(path, sep=separator, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path.name}: {str(error).splitlines()[0]}") from error
    table.columns = table.columns.str.strip()
    if first not in table:
        raise InputError(f"{path.name}, row 1: no column {first} (has {', '.join(table.columns[:5])})")
    table = table.set_index(table[first].str.strip()).drop(columns=first)
    if (twice := table.index.duplicated()).any():
        row = int(twice.argmax())
        raise InputError(f"{path.name}, row {row + 2}, {first}: {table.index[row]} again; expected once")
    return table


def numbers_of(texts: pd.DataFrame, name: str) -> pd.DataFrame:
    """Turn texts into numbers from 0 to 1; anything else is an InputError."""
    numbers = texts.apply(pd.to_numeric, errors="coerce").astype(float)
    wrong = ~((numbers >= 0) & (numbers <= 1))
    if wrong.to_numpy().any():
        row, column = np.argwhere(wrong.to_numpy())[0]
        found = texts.iloc[row, column] or "nothing"
        where = f"{name}, row {row + 2}, {texts.columns[column]}"
        raise InputError(f"{where}: {found} for {texts.index[row]}; expected a number from 0 to 1")
    return numbers


def read_contexts(matrix: Path) -> pd.DataFrame:
    """Read a matrix (Type, then a column a signature) as text; it has all of the 96 contexts."""
    texts = read_texts(matrix, "Type")
    if missing := [context for context in CONTEXTS if context not in texts.index]:
        few = ", ".join(missing[:3])
        raise InputError(f"{matrix.name}, Type: {len(missing)} of the 96 contexts missing ({few} ...)")
    return texts


def profiles_of(texts: pd.DataFrame, names: Sequence[str], file: str) -> pd.DataFrame:
    """Turn columns of a matrix into P(context | signature), contexts x signatures; each adds up to 1."""
    profiles = numbers_of(texts[list(names)], file).loc[CONTEXTS]
    for name, total in profiles.sum().items():
        if abs(total - 1) > 0.01:
            raise InputError(f"{file}, {name}: its 96 contexts add up to {total:.4g}; expected 1")
    return profiles


def read_profiles(matrix: Path, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a matrix (Type, then a column a signature): P(context | signature), contexts x signatures.

    Of the signatures named, or all. What is no such matrix, or has no such signature, is an InputError.
    """
    texts = read_contexts(matrix)
    if unknown := [name for name in names or () if name not in texts]:
        has = ", ".join(texts.columns[:5])
        raise InputError(f"{matrix.name}, row 1: no signature {unknown[0]} (has {has} ...)")
    return profiles_of(texts, texts.columns if names is None else names, matrix.name)


def read_signatures(matrix: Path, exposures: Path) -> pd.DataFrame:
    """Read a matrix (Type, then a column a signature) and shares (signature, share).

    Returns P(context | signature), signatures x contexts, of the signatures with a share, which is the first
    column. What is no such matrix, or has no such signature, is an InputError.
    """
    texts = read_contexts(matrix)
    given = read_texts(exposures, "signature")
    if "share" not in given:
        raise InputError(
            f"{exposures.name}, row 1: no column share (has {', '.join(given.columns) or 'none'})"
        )
    shares = numbers_of(given[["share"]], exposures.name).share
    if unknown := [name for name in shares.index if name not in texts]:
        row = given.index.get_loc(unknown[0]) + 2
        where = f"{exposures.name}, row {row}, signature"
        raise InputError(f"{where}: {unknown[0]}; expected one of those of {matrix.name}")
    if not 0 < shares.sum() <= 1.001:
        raise InputError(
            f"{exposures.name}, share: they add up to {shares.sum():.4g}; expected more than 0, at most 1"
        )
    table = profiles_of(texts, list(shares.index), matrix.name).T.rename_axis("signature")
    table.insert(0, "share", shares)
    return table
