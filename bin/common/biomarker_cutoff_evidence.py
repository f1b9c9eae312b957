"""Put scores of tumours into rows of evidence for the call: as given, they decide nothing here."""

from collections.abc import Iterator

import pandas as pd

from common.evidence import TUMOURS, evidence_table

# By whose cutoff a tumour is high: one that was chosen in these patients is no evidence on them.
EFFECTS = {"given": "cutoff_of_other_patients", "youden": "cutoff_of_these_patients"}
TABLES = dict(zip(TUMOURS, ("groups.tsv", "cutoff.tsv"), strict=True))


def rows_of(groups: pd.DataFrame, condition: str, source: str) -> Iterator[dict[str, object]]:
    """Yield a row a tumour; the role of its condition is that of its other evidence."""
    for row in groups.itertuples():
        made = {"line": row.patient, "condition": condition, "role": "other", "evidence": "ihc_score"}
        made |= {"effect": EFFECTS[source], "value": row.score, "unit": "score", "call": row.score_group}
        made |= {"status": row.status, "reason": row.reason}
        yield made | {"source": f"biomarker_cutoff/{TABLES[condition]}"}


def evidence_of(initial: pd.DataFrame, recurrent: pd.DataFrame, source: str) -> pd.DataFrame:
    """List the tumours that patients came with, and those that came back: tables as groups.tsv.

    `source` says where the cutoff comes from: given, or youden.
    """
    both = zip((initial, recurrent), TUMOURS, strict=True)
    return evidence_table(row for groups, name in both for row in rows_of(groups, name, source))
