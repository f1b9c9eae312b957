"""Put the expression of NRF2 and of what holds it down into rows of evidence: context of the call."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from common.evidence import CHANGE

REGULATORS = {"NFE2L2": "nfe2l2_expression", "KEAP1": "keap1_expression", "CUL3": "cul3_expression"}
Row = dict[str, object]


def level_rows(groups: pd.DataFrame, means: pd.DataFrame, missing: pd.DataFrame) -> Iterator[Row]:
    """Yield a row a line and condition and gene: its mean log2 CPM (`means`, gene x group), or why none."""
    lacking = missing.set_index("gene_name")
    for place, group in enumerate(groups.itertuples()):
        for gene, evidence in REGULATORS.items():
            row = {"line": group.line, "condition": group.condition, "role": group.role, "evidence": evidence}
            row |= {"n": group.samples, "unit": "log2 CPM", "source": "normalise_expression/log_cpm.tsv"}
            if gene in means.index:
                yield row | {"value": means.loc[gene, place], "status": "ok"}
            else:
                yield row | {"status": lacking.status[gene], "reason": lacking.reason[gene]}


def change_rows(
    compared: Iterator[tuple[Row, tuple]],
    tables: Mapping[str, pd.DataFrame],
    found: Mapping[str, str],
    usable: Callable[[str], bool],
) -> Iterator[Row]:
    """Yield a row a gene (`found`: its gene_id) of each change against the reference condition.

    `compared` has whose it is and the contrast; a q-value of tests that do not count is left out.
    """
    for place, contrast in compared:
        table = tables[contrast.contrast].set_index("gene_id")
        for gene, evidence in REGULATORS.items():
            if gene not in found or found[gene] not in table.index:
                continue
            its = table.loc[found[gene]]
            status = "ok" if usable(its.status) else its.status
            row = {"evidence": evidence, "item": CHANGE, "value": its.log2_fold_change, "unit": "log2"}
            row |= {"q_value": its.q_value if contrast.accepted == "yes" else np.nan, "status": status}
            yield place | row | {"source": f"differential_expression/{contrast.contrast}.genes.tsv"}
