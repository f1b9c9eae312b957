"""The tables of mmc_candidates: the evidence that it reads, its words, and the columns that it writes."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from common.cli import InputError
from common.evidence import COLUMNS, NUMBERS
from common.sheets import meant, shown
from common.tables import read_table

VARIANT_EFFECTS = (
    *("hotspot", "truncating", "known_loss", "missense_in_domain", "wild_type_like", "common_polymorphism"),
    "other",
)
GENOTYPES = ("het", "hom", "hemizygous", "imbalanced", "subclonal", "ref", "absent", "ambiguous")


class Kind(NamedTuple):
    """A kind of evidence: its name in words and in figures, effects and calls that it may have.

    `about` is nrf2, nqo1, check (compared with the call) or context (shown).
    """

    about: str
    words: str
    heading: str
    effects: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


EVIDENCE = {
    "nrf2_target_score": Kind("nrf2", "NRF2 target genes", "target genes"),
    "nrf2_target_change": Kind("nrf2", "change of the NRF2 target genes", "target genes, change"),
    "are_reporter": Kind("nrf2", "ARE reporter", "ARE reporter"),
    "nrf2_protein": Kind(
        "nrf2", "NRF2 protein", "NRF2 protein", (), ("present", "reduced", "absent", "discordant")
    ),
    "ihc_score": Kind(
        *("nrf2", "NRF2 staining score", "NRF2 IHC"),
        *(("cutoff_of_other_patients", "cutoff_of_these_patients"), ("high", "low")),
    ),
    "nfe2l2_variant": Kind("nrf2", "NFE2L2", "NFE2L2", VARIANT_EFFECTS, GENOTYPES),
    "nfe2l2_exon2_skipping": Kind("nrf2", "NFE2L2 exon-2 skipping", "NFE2L2 exon 2"),
    "keap1_variant": Kind("nrf2", "KEAP1", "KEAP1", VARIANT_EFFECTS, GENOTYPES),
    "cul3_variant": Kind("nrf2", "CUL3", "CUL3", VARIANT_EFFECTS, GENOTYPES),
    "nqo1_activity": Kind("nqo1", "NQO1 activity", "activity"),
    "nqo1_protein": Kind(
        "nqo1", "NQO1 protein", "protein", (), ("present", "reduced", "absent", "discordant")
    ),
    "nqo1_allele": Kind("nqo1", "NQO1", "alleles", ("loss", "wild_type_like", "other"), GENOTYPES),
    "nqo1_coverage": Kind(
        *("nqo1", "NQO1 alleles", "copies"),
        *((), ("two_intact", "one_loss", "two_loss", "unphased", "not_assessable")),
    ),
    "nqo1_expression": Kind("nqo1", "NQO1 mRNA", "mRNA"),
    "nqo1_exon4_skipping": Kind("nqo1", "NQO1 exon-4 skipping", "exon 4"),
    "mmc_shift": Kind("check", "MMC IC50 shift", "MMC shift"),
    "cisplatin_shift": Kind("check", "cisplatin IC50 shift", "cisplatin shift"),
    "pathway_set": Kind("context", "gene set", "pathways"),
    "nfe2l2_expression": Kind("context", "NFE2L2 mRNA", "NFE2L2 mRNA"),
    "keap1_expression": Kind("context", "KEAP1 mRNA", "KEAP1 mRNA"),
    "cul3_expression": Kind("context", "CUL3 mRNA", "CUL3 mRNA"),
    "keap1_protein": Kind(
        "context", "KEAP1 protein", "KEAP1 protein", (), ("present", "reduced", "absent", "discordant")
    ),
    "cul3_protein": Kind(
        "context", "CUL3 protein", "CUL3 protein", (), ("present", "reduced", "absent", "discordant")
    ),
}
ROLES = ("reference", "target", "other")
CALLS = {"candidate": "candidate", "not_candidate": "not a candidate", "insufficient_data": "not decided"}
SCORE = "ihc_score"  # of tumours, most of which have no other evidence
ALONE = "nothing else is known of this tumour"  # why a score has no weight
OPTIONAL = ("label", "phase")
READ = dict.fromkeys(COLUMNS, "str") | dict.fromkeys(NUMBERS, "float64")
WEIGHED = ["about", "rule", "verdict", "counted", "points", "why", "finding"]  # of evidence.tsv, besides
CANDIDATES = [
    *("line", "condition", "role", "nrf2_active", "nrf2_points", "nrf2_gained", "nqo1_functional"),
    *("nqo1_rule", "call", "reasons", "flags", "stability", "mmc_agreement", "status", "reason"),
]
LEFT_OUT = [
    *("line", "condition", "role", "left_out", "kind", "item", "source", "nrf2_points", "nrf2_active"),
    *("nqo1_functional", "nqo1_rule", "call", "call_with_all", "decisive", "status", "reason"),
]


def check_words(table: pd.DataFrame, name: str) -> None:
    """Find a word that is not of the vocabulary: it would be evidence that is silently lost."""
    for row, each in enumerate(table.itertuples(), start=2):
        for column in ("line", "condition"):
            if pd.isna(getattr(each, column)):
                raise InputError(f"{name}, row {row}, {column}: found nothing; expected a name")
        kind = EVIDENCE.get(each.evidence, Kind("", "", ""))
        known = {"evidence": EVIDENCE, "role": ROLES, "effect": kind.effects, "call": kind.calls}
        for column, words in known.items():
            value = getattr(each, column)
            needed = column in ("evidence", "role")
            if value in words or (pd.isna(value) and not needed):
                continue
            found = shown("" if pd.isna(value) else value)
            expected = ", ".join(words) or "nothing"
            if column in ("effect", "call"):
                expected += f" (of {each.evidence})"
            near = meant(str(value), words)
            raise InputError(f"{name}, row {row}, {column}: found {found}{near}; expected {expected}")


def read_evidence(folder: Path) -> pd.DataFrame:
    """Read the *_evidence.tsv of a folder, lines in the order of their first row, parental lines first.

    Tumours of which only the score is known come last.
    """
    tables = []
    for path in sorted(folder.glob("*_evidence.tsv")):
        required = {column: kind for column, kind in READ.items() if column not in OPTIONAL}
        table = read_table(path, required, further=True).reindex(columns=COLUMNS)
        check_words(table, path.name)
        tables.append(table)
    rows = [row for table in tables for row in table.to_dict("records")]
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(NUMBERS, "float64"))
    # Scores of tumours know no roles: they take that of what else is known in their condition.
    keys = ["line", "condition"]
    others = {(row.line, row.condition): row.role for row in table[table.evidence != SCORE].itertuples()}
    scored = table.evidence == SCORE
    table.loc[scored, "role"] = [
        others.get((row.line, row.condition), row.role) for row in table[scored].itertuples()
    ]
    roles = table.groupby(keys, sort=False).role.unique()
    for (line, condition), its in roles.items():
        if len(its) > 1:
            raise InputError(
                f"evidence of {line}, {condition}: found the roles {' and '.join(its)}; expected one"
            )
    named = dict.fromkeys([*table.line[table.evidence != SCORE], *table.line])
    lines = {line: place for place, line in enumerate(named)}
    order = pd.DataFrame({"line": table.line.map(lines), "role": table.role.map(ROLES.index)})
    first = table.groupby(["line", "condition"], sort=False).ngroup()
    kinds = {name: place for place, name in enumerate(EVIDENCE)}
    order = order.assign(condition=first, kind=table.evidence.map(kinds))
    return table.loc[order.sort_values(list(order), kind="stable").index].reset_index(drop=True)
