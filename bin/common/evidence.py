"""Write what an analysis knows that bears on the call of mitomycin C candidates, in columns of one form."""

from collections.abc import Iterable, Iterator, Mapping
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


def against_reference(
    groups: pd.DataFrame, contrasts: pd.DataFrame
) -> Iterator[tuple[dict[str, object], tuple]]:
    """Yield each condition that is compared with its line's reference condition, and its first contrast.

    `groups` have line, condition and role, `contrasts` line, target and reference.
    """
    roles = {(row.line, row.condition): row.role for row in groups.itertuples()}
    done = set()
    for row in contrasts.itertuples():
        group = (row.line, row.target)
        if roles.get((row.line, row.reference)) == "reference" and group in roles and group not in done:
            done.add(group)
            yield {"line": row.line, "condition": row.target, "role": roles[group]}, row


def evidence_table(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Make a table of evidence from rows; what a row does not say is missing."""
    return pd.DataFrame(list(rows)).reindex(columns=COLUMNS).astype(dict.fromkeys(NUMBERS, "float64"))


def write_evidence(table: pd.DataFrame, analysis: str, results: Path) -> None:
    """Write a table of evidence under the name by which the call finds it."""
    write_table(table, results / f"{analysis}_evidence.tsv")
