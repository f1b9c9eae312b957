"""Put scores of the highlighted gene sets into rows of evidence for the call, which shows them as context."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from common.enrichment_report import pick
from common.evidence import against_reference, evidence_table
from common.gene_sets import readable

WIDTH = 40  # letters of a set's short name


def evidence_of(
    samples: pd.DataFrame,
    contrasts: pd.DataFrame,
    results: Mapping[str, pd.DataFrame],
    marked: Sequence[tuple[str, str]],
) -> pd.DataFrame:
    """List the highlighted sets (collection, name) of each line's target against its reference condition.

    `results` are the sets of each contrast. A line's first such contrast counts.
    """
    return evidence_table(rows_of(samples, contrasts, results, marked))


def rows_of(
    samples: pd.DataFrame,
    contrasts: pd.DataFrame,
    results: Mapping[str, pd.DataFrame],
    marked: Sequence[tuple[str, str]],
) -> Iterator[dict[str, object]]:
    """Yield a row a set and line."""
    of_lines = contrasts.rename(columns={"lines": "line"})
    for place, contrast in against_reference(samples, of_lines):
        for row in pick(results[contrast.contrast], marked).itertuples():
            made = {"evidence": "pathway_set", "item": row.gene_set, "label": readable(row.gene_set, WIDTH)}
            made |= {"value": row.nes, "n": row.size, "unit": "nes", "q_value": row.q_value}
            made |= {"status": row.status, "reason": row.reason}
            source = f"gene_set_enrichment/{contrast.contrast}.{row.collection}.sets.tsv"
            yield place | made | {"source": source}
