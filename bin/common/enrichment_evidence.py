"""Put scores of the highlighted gene sets into rows of evidence for the call, which shows them as context."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from common.enrichment_report import pick
from common.evidence import evidence_table
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
    roles = {(row.line, row.condition): row.role for row in samples.itertuples()}
    done = set()
    for contrast in contrasts.itertuples():
        place = (contrast.lines, contrast.target)
        if (
            place in done
            or place not in roles
            or roles.get((contrast.lines, contrast.reference)) != "reference"
        ):
            continue
        done.add(place)
        for row in pick(results[contrast.contrast], marked).itertuples():
            made = {"line": place[0], "condition": place[1], "role": roles[place], "evidence": "pathway_set"}
            made |= {"item": row.gene_set, "label": readable(row.gene_set, WIDTH), "value": row.nes}
            made |= {"n": row.size, "unit": "nes", "q_value": row.q_value, "status": row.status}
            source = f"gene_set_enrichment/{contrast.contrast}.{row.collection}.sets.tsv"
            yield made | {"reason": row.reason, "source": source}
