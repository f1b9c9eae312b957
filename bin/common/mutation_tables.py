"""Read tables of mutations, ready matrices of mutations, and lists of genes."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from common.cli import InputError
from common.genome_bases import CODES
from common.signature_tables import CONTEXTS, read_texts

TEXTS = ("cohort", "sample", "gene", "chrom", "ref", "alt")
NAMES = ("MutationType", "Type")  # of the column of a ready matrix that has the contexts
MISSING = 255  # code of a base of which nothing is given
BESIDE = ["before", "middle", "after"]


def read_mutations(path: Path) -> pd.DataFrame:
    """Read mutations.tsv.gz of harmonise_mutations.

    cohort, sample, gene, chrom, ref, alt (categories), position, and of the column context the bases before,
    at and after the position, as codes of `genome_bases` (MISSING: the cell is empty or no context).
    """
    text = pa.dictionary(pa.int32(), pa.string())
    types = dict.fromkeys(TEXTS, text) | {"position": pa.int64(), "context": pa.string()}
    table = csv.read_csv(
        path,
        read_options=csv.ReadOptions(use_threads=False),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=csv.ConvertOptions(include_columns=list(types), column_types=types),
    ).unify_dictionaries()
    frame = table.drop_columns("context").to_pandas()
    return frame.assign(**dict(zip(BESIDE, middle_codes(table["context"]), strict=True)))


def middle_codes(contexts: pa.ChunkedArray) -> np.ndarray:
    """Return the codes of the three bases in the middle of each context (3 x n)."""
    lengths = pc.utf8_length(contexts).to_numpy(zero_copy_only=False)
    found = np.full((3, len(lengths)), MISSING, dtype=np.uint8)
    for length in np.unique(lengths[lengths >= 3]):
        if length % 2:
            rows = np.nonzero(lengths == length)[0]
            of_length = contexts.take(pa.array(rows))
            three = pc.utf8_slice_codeunits(of_length, int(length) // 2 - 1, int(length) // 2 + 2)
            three = three.combine_chunks().dictionary_encode()
            letters = [
                [ord(base) if base.isascii() else 0 for base in word.as_py()] for word in three.dictionary
            ]
            codes = CODES[np.array(letters, dtype=np.uint8)].reshape(-1, 3)
            found[:, rows] = codes[three.indices.to_numpy()].T
    return found


def read_spectra(path: Path) -> pd.DataFrame:
    """Read a ready matrix of counts (CSV or TSV by its name, gz or not): contexts x samples, as CONTEXTS.

    Its first column is MutationType or Type, with A[C>A]A and so on in any order. What is none is an
    InputError.
    """
    separator = "," if ".csv" in path.suffixes else "\t"
    options = {"sep": separator, "dtype": "str", "keep_default_na": False, "encoding": "utf-8-sig"}
    try:
        header = pd.read_csv(path, header=None, nrows=1, **options)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path.name}: {str(error).splitlines()[0]}") from error
    first, *names = header.iloc[0].str.strip()
    if first not in NAMES:
        raise InputError(f"{path.name}, row 1: {first or 'nothing'}; expected {' or '.join(NAMES)}")
    if not names:
        raise InputError(f"{path.name}, row 1: no column of a sample")
    if twice := next((name for name in names if names.count(name) > 1 or not name), None):
        raise InputError(f"{path.name}, row 1: {twice or 'a column without name'}; expected each sample once")
    texts = read_texts(path, first)
    if missing := [context for context in CONTEXTS if context not in texts.index]:
        raise InputError(
            f"{path.name}, {first}: {len(missing)} of the 96 contexts missing ({', '.join(missing[:3])} ...)"
        )
    if further := [context for context in texts.index if context not in CONTEXTS]:
        raise InputError(f"{path.name}, {first}: {further[0]!r}; expected the 96 contexts alone")
    numbers = texts.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        where = f"{path.name}, row {row + 2}, {texts.columns[column]}"
        has = f"{texts.iloc[row, column].strip() or 'nothing'} for {texts.index[row]}"
        raise InputError(f"{where}: {has}; expected a number of mutations, 0 or a whole number above")
    return pd.DataFrame(numbers, texts.index, texts.columns).loc[CONTEXTS].astype("int64")


def read_genes(path: Path) -> list[str]:
    """Read a list of genes: the first word of each row; what follows a # is a comment."""
    rows = [line.partition("#")[0] for line in path.read_text(encoding="utf-8-sig").splitlines()]
    return list(dict.fromkeys(re.split(r"[,\s]", row.strip())[0] for row in rows if row.strip()))
