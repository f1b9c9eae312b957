"""Write what an analysis knows that bears on the call of mitomycin C candidates, in columns of one form."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from common.tables import write_table

TUMOURS = ("primary", "recurrent")  # conditions of a patient's tumours: of score, of recurrent_score
CHANGE = "change"  # item of expression that is compared with the reference condition
NUMBERS = ["value", "low", "high", "n", "q_value"]
# bin/mmc_candidates.py says what they hold.
COLUMNS = [
    *("line", "condition", "role", "evidence", "item", "label", "effect", "phase"),
    *("value", "low", "high", "n", "unit", "q_value", "call", "status", "reason", "source"),
]


def evidence_table(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Make a table of evidence from rows; what a row does not say is missing."""
    return pd.DataFrame(list(rows)).reindex(columns=COLUMNS).astype(dict.fromkeys(NUMBERS, "float64"))


def write_evidence(table: pd.DataFrame, analysis: str, results: Path) -> None:
    """Write a table of evidence under the name by which the call finds it."""
    write_table(table, results / f"{analysis}_evidence.tsv")
