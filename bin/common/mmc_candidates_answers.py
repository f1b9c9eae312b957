"""Answer the report's questions on lines from calls and evidence, a sentence each: nothing is computed."""

import pandas as pd

from common.mmc_candidates_evidence import brief
from common.mmc_candidates_tables import EVIDENCE
from common.multiqc import listed

NAMED = 4  # lines and conditions, or variants, that a sentence names
VARIANTS = ("nfe2l2_variant", "keap1_variant", "cul3_variant")


def named(rows: pd.DataFrame) -> list[str]:
    """Name conditions, a line at a time: `HSC-3 resistant`, `HO-1-u-1 parental and resistant`."""
    return [
        f"{line} {' and '.join(own.condition)}"
        for line, own in rows.groupby("line", sort=False, observed=True)
    ]


def limits_of(low: float, high: float) -> str:
    """Write an interval, if there is one: ` (3.1 to 6.2)`."""
    return f" ({brief(low)} to {brief(high)})" if pd.notna(low) and pd.notna(high) else ""


def states(candidates: pd.DataFrame, column: str, words: tuple[str, str, str]) -> str:
    """Say in which conditions a state is yes, in how many it is no, and in which it is not known."""
    yes, no, unknown = (
        candidates[candidates[column].isin(values)]
        for values in (["yes"], ["no", "reduced"], ["insufficient_data"])
    )
    parts = [f"{words[0]} in {listed(named(yes), NAMED)}" if len(yes) else f"{words[0]} in no line"]
    if len(no):
        parts.append(f"{words[1]} in {len(no)} of {len(candidates)} lines and conditions")
    if len(unknown):
        parts.append(f"{words[2]} in {listed(named(unknown), NAMED)}")
    return f"{'; '.join(parts)}."


def measured(judged: pd.DataFrame, evidence: str) -> pd.DataFrame:
    """Choose the rows of a kind of evidence that have a value, one a line and condition."""
    rows = judged[(judged.evidence == evidence) & (judged.status == "ok") & judged.value.notna()]
    return rows.drop_duplicates(["line", "condition"])


def strongest(judged: pd.DataFrame) -> str:
    """Say how high the target genes, or else reporter or protein, are where they speak for activity."""
    for evidence, words, unit in (
        ("nrf2_target_score", "Its target genes lie above the study's low lines by", " log2"),
        ("are_reporter", "The ARE reporter is above the reference group:", "-fold"),
        ("nrf2_protein", "Its protein is above the reference group:", "-fold"),
    ):
        found = measured(judged, evidence)
        found = found[found.verdict == "positive"].sort_values("value", ascending=False, kind="stable")
        if len(found):
            said = [
                f"{row.value:.2g}{unit}{limits_of(row.low, row.high)} in {row.line} {row.condition}"
                for row in found.itertuples()
            ]
            return f"{words} {listed(said, NAMED)}."
    return "No measured level of its target genes, of a reporter or of its protein speaks for activity."


def reasons(candidates: pd.DataFrame, judged: pd.DataFrame) -> str:
    """Say which variants the conditions with active NRF2 carry, and which have none."""
    active = candidates.loc[candidates.nrf2_active == "yes", ["line", "condition"]]
    if active.empty:
        return "NRF2 is active in no line, so that there is nothing to explain."
    counted = judged[judged.evidence.isin(VARIANTS) & (judged.points > 0)].merge(active)
    genes = counted.evidence.map({name: EVIDENCE[name].words for name in VARIANTS})
    counted = counted.assign(name=genes + " " + counted.label)
    carried = [
        f"{name} in {listed(named(own))}"
        for name, own in counted.sort_values("points", ascending=False, kind="stable").groupby(
            "name", sort=False
        )
    ]
    silent = active.merge(counted[["line", "condition"]].drop_duplicates(), how="left", indicator=True)
    silent = silent[silent["_merge"] == "left_only"]
    parts = [f"Variants that may explain it are {listed(carried, NAMED)}"] if carried else []
    if len(silent):
        none = f"no such variant was found in {listed(named(silent), NAMED)}"
        parts.append(none if parts else "No variant that may explain it was found")
    return f"{'; '.join(parts)}."


def brought(candidates: pd.DataFrame) -> str:
    """Say where activity came with resistance, and where it was there before."""
    after = candidates[(candidates.role == "target") & (candidates.nrf2_active == "yes")]
    gained, before = (named(after[after.nrf2_gained == state]) for state in ("yes", "no"))
    parts = [f"came with resistance in {listed(gained, NAMED)}"] if gained else []
    parts += [f"was there before resistance in {listed(before, NAMED)}"] if before else []
    return f"Activity {' and '.join(parts)}." if parts else "In no line did activity come with resistance."


def response(candidates: pd.DataFrame, judged: pd.DataFrame) -> str:
    """Say how the MMC IC50 moved, in the candidates first."""
    shifts = measured(judged, "mmc_shift")[["line", "condition", "value", "low", "high"]]
    shifts = shifts.merge(candidates[["line", "condition", "call"]])
    if shifts.empty:
        return "The response to mitomycin C was not measured against a reference condition."
    parts = []
    for call, words in (("candidate", "candidates"), ("not_candidate", "others")):
        found = shifts[shifts.call == call].sort_values("value", kind="stable")
        said = [
            f"{row.line} {row.condition} {brief(2**row.value)}-fold{limits_of(2**row.low, 2**row.high)}"
            for row in found.itertuples()
        ]
        parts += [f"in {words} {listed(said, NAMED)}"] if said else []
    if not parts:
        return "The response to mitomycin C was measured, but no call could be made of these lines."
    return f"Against the parental line, the IC50 of mitomycin C moved {'; '.join(parts)}."


def answers_of(candidates: pd.DataFrame, judged: pd.DataFrame) -> dict[str, list[str]]:
    """Answer the questions that calls and evidence bear on, two sentences each."""
    if candidates.empty:
        return {}
    active = states(
        candidates, "nrf2_active", ("NRF2 is active", "it is not active", "it is not known whether it is")
    )
    functional = states(
        candidates, "nqo1_functional", ("NQO1 works", "it is lost or reduced", "its state is not known")
    )
    return {
        "active": [active, strongest(judged)],
        "why": [reasons(candidates, judged), brought(candidates)],
        "exploited": [functional, response(candidates, judged)],
    }
