"""The tables of group_comparison: what it reads and the columns that it writes."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.tables import read_table

KEYS = ["line", "condition", "role", "replicate"]
SHEET = dict.fromkeys(["assay", *KEYS, "treatment", "treatment_unit", "call"], "str")
SHEET |= dict.fromkeys(["value", "normaliser", "treatment_dose"], "float64")
MEASUREMENTS = SHEET | {"flag": "str"}  # what relative_quantity says of a quantity, if it is not ok
QUANTITIES = dict.fromkeys(["gene", *KEYS, "housekeeping", "status"], "str")
QUANTITIES |= {"quantity_to_housekeeping": "float64"}
LEVEL = ["treatment", "treatment_dose", "treatment_unit"]
GROUP = ["assay", "line", "condition", "role", *LEVEL]
GROUP_COLUMNS = [
    *(*GROUP, "n", "measurements", "mean", "sem", "sd", "relative_mean", "relative_sem", "reference_group"),
    *("call", "calls", "call_agreement", "status", "reason"),
]
TEST_COLUMNS = [
    *("assay", "line", "comparison", "group_1", "group_2", "condition_1", "condition_2", *LEVEL),
    *("test", "statistic", "df", "p_value", "p_adjusted", "adjust_method", "family", "stars"),
    *("ratio", "ratio_low", "ratio_high", "ratio_method", "n_1", "n_2", "status", "reason"),
]
REPLICATE_COLUMNS = [*GROUP, "reference_group", "replicate", "value", "relative_value"]


def joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Put tables below each other, whichever of their columns are empty."""
    return pd.DataFrame([row for table in tables for row in table.to_dict("records")], columns=list(columns))


def read_measurements(assays: Path, quantities: Path) -> pd.DataFrame:
    """Read what was measured, and what PCR quantified, as one sheet."""
    tables = []
    if (assays / "assays.tsv").is_file():
        tables.append(read_table(assays / "assays.tsv", SHEET))
    if (quantities / "quantities.tsv").is_file():
        table = read_table(quantities / "quantities.tsv", QUANTITIES)
        housekeeping = {gene for cell in table.housekeeping.dropna() for gene in re.split("[,;] ?", cell)}
        table = table[~table.gene.isin(housekeeping)]
        table = table.assign(assay="qpcr_" + table.gene, value=table.quantity_to_housekeeping)
        tables.append(table.assign(flag=table.status.mask(table.status == "ok")))
    rows = joined(tables, MEASUREMENTS)
    return rows.astype({column: dtype for column, dtype in SHEET.items() if dtype != "str"})
