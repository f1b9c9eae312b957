"""Report sections of biomarker_cutoff: they show tables as given and compute nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from common.biomarker_cutoff_figure import STEM, in_words
from common.figures import files_of
from common.multiqc import listed, rows_of, write_section

YOUDEN = "10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3"
DOIS = ["10.2307/2531595", "10.1109/LSP.2014.2337313", YOUDEN]
OPTIMISM = "10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4"
DOIS_WORTH = ["10.1080/01621459.1927.10502953", OPTIMISM]
DOIS_CORRECTED = ["10.1093/jnci/86.11.829", "10.2202/1544-6115.1585"]
MEASURES = {
    "auc": "AUC",
    "cutoff": "cutoff",
    "youden": "Youden index",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "positive predictive value",
    "npv": "negative predictive value",
}
ENDPOINTS = {"recurrence": "recurrence", "os": "overall survival", "dfs": "disease-free survival"}
PANELS = {
    "roc": "the ROC with the cutoff",
    "recurrence": "the scores by recurrence with medians and the cutoff",
    "pairs": "the initial and recurrent tumours of the same patients",
}
COMPARISONS = {
    "score_group_by_recurrence": "high and low score by recurrence",
    "score_by_recurrence": "score by recurrence",
    "recurrent_by_initial": "recurrent by initial tumour",
}
WORTH_SHOWN = ["value", "ci_low", "ci_high", "interval", "count", "of", "optimism", "corrected"]
TESTS_SHOWN = [
    "statistic",
    "p_value",
    "p_corrected",
    "estimate",
    "ci_low",
    "ci_high",
    "estimated",
    "data_driven",
]
CORRECTED_SHOWN = [
    *("n_high", "n_low", "events", "statistic", "p_value", "p_corrected", "permutations", "data_driven"),
    "circular",
]


def percent(share: float) -> str:
    """Write a share in percent."""
    return f"{100 * share:.0f} %"


def says_auc(auc: pd.Series, confidence: float) -> str:
    """Say how well the score tells recurrent from recurrence-free patients."""
    if pd.isna(auc.value):
        return f"There is no ROC: {auc.reason}."
    interval = ""
    if pd.notna(auc.ci_low):
        interval = f", {100 * confidence:g} % interval {auc.ci_low:.2f} to {auc.ci_high:.2f}"
    said = (
        f"Of a recurrent and a recurrence-free patient, the recurrent one has the higher score in "
        f"{percent(auc.value)} of all pairs (AUC {auc.value:.2f}{interval}; 0.5 is chance)."
    )
    if auc.status == "reversed":
        said += " Below chance: here lower scores go with recurrence; the direction is not turned round."
    return said


def says_cutoff(worth: pd.DataFrame) -> str:
    """Say what the cutoff is, and what it is worth."""
    cutoff, sensitivity, specificity = (worth.loc[name] for name in ("cutoff", "sensitivity", "specificity"))
    if pd.isna(cutoff.value):
        return "" if pd.isna(worth.value["auc"]) else f"There is no cutoff: {cutoff.reason}."
    given = cutoff.cutoff_source == "given"
    said = (
        f"The cutoff {cutoff.value:g} was given."
        if given
        else f"The cutoff that separates best is {cutoff.value:g}."
    )
    shown = []
    for row, words in (
        (sensitivity, "recurrent patients are above it"),
        (specificity, "recurrence-free are not"),
    ):
        if pd.notna(row.value):
            shown.append(f"{row['count']:.0f} of {row.of:.0f} {words} ({row.name} {percent(row.value)})")
    if shown:
        said += f" {' and '.join(shown)}."
    if given:
        return said + " If it comes from other patients, these shares and p-values stand as they are."
    if pd.notna(sensitivity.corrected):
        said += (
            " It was chosen in these very patients, and looks better in them than it is: in others, expect "
            f"rather less than a sensitivity of {percent(sensitivity.corrected)} and a specificity of "
            f"{percent(specificity.corrected)}."
        )
    if pd.notna(cutoff.ci_low):
        said += f" In samples of these patients the best was {cutoff.ci_low:g} to {cutoff.ci_high:g}."
    return said


def says_tests(corrected: pd.DataFrame, endpoints: Sequence[str]) -> str:
    """Say which differences between the groups were found, and what is left after the correction."""
    rows = corrected[corrected.endpoint.isin(endpoints) & (corrected.test != "cox")]
    made = rows[rows.p_value.notna()]
    parts = []
    for row in made.itertuples():
        after = (
            f", corrected for the choice of the cutoff {row.p_corrected:.2g}" if row.p_corrected >= 0 else ""
        )
        test = "" if row.endpoint == "recurrence" else " (log-rank)"
        parts.append(f"{ENDPOINTS[row.endpoint]} {in_words(row.p_value)}{test}{after}")
    said = f"High against low score: {'; '.join(parts)}." if parts else ""
    if ((made.circular == "yes") & (made.endpoint == "dfs")).any():
        said += (
            " Disease-free survival by a cutoff that was chosen by recurrence is circular: it is no second "
            "proof beside recurrence."
        )
    return said


def says_pairs(pairs: pd.Series) -> str:
    """Say whether recurrent tumours score higher than the initial ones of the same patients."""
    if pd.isna(pairs.p_value):
        return ""
    found = f"{pairs.reason.partition(': ')[2]}, {in_words(pairs.p_value)}"
    return f"Recurrent against initial tumour of the same patients: {found}."


def says_scores(groups: pd.DataFrame) -> str:
    """Say how many scores there are, and where they come from."""
    sources = groups.score_source.value_counts()
    said = f"{groups.score.notna().sum()} of {len(groups)} patients have a score"
    if sources.get("h_score", 0):
        said += (
            f", {sources['h_score']} of them an H-score from percentages of weak, moderate and strong cells"
        )
    return said + "."


def worth_text(worth: pd.DataFrame, corrected: pd.DataFrame, limits: str = "") -> str:
    """Say in a few words what the score is worth, `limits` behind the AUC; nothing if that is not known."""
    if pd.isna(worth.value["auc"]) or pd.isna(worth.value["cutoff"]):
        return ""
    shares = [
        f"{worth['count'][name]:.0f} of {worth['of'][name]:.0f}" for name in ("sensitivity", "specificity")
    ]
    said = (
        f"score above {worth.value['cutoff']:g} in {shares[0]} recurrent, not in {shares[1]} others; "
        f"AUC {worth.value['auc']:.2f}{limits}"
    )
    first = corrected.iloc[0]
    if pd.notna(first.p_corrected):
        said += f"; {in_words(first.p_corrected)} after correction for the choice of the cutoff"
    elif pd.notna(first.p_value):
        said += f"; {in_words(first.p_value)}"
    return said


def answer(worth: pd.DataFrame, corrected: pd.DataFrame, confidence: float) -> str:
    """Say what the score is worth, with the interval of the AUC."""
    auc, limits = worth.loc["auc"], ""
    if pd.notna(auc.ci_low):
        limits = f" ({100 * confidence:g} % interval {auc.ci_low:.2f} to {auc.ci_high:.2f})"
    if said := worth_text(worth, corrected, limits):
        return f"In recurrence: {said}."
    return f"What the score is worth is not known: {auc.reason or worth.loc['cutoff'].reason}."


def table_of(
    table: pd.DataFrame, names: Sequence[str], columns: Sequence[str]
) -> dict[str, dict[str, object]]:
    """Make the data of a table in the report."""
    shown = table.assign(name=names).set_index("name")[[*columns, "status", "reason"]]
    return rows_of(shown.replace(["", np.inf], None))


def write_sections(
    tables: Mapping[str, pd.DataFrame],
    drawn: tuple[str, list[str]],
    confidence: float,
    horizon: float,
    folder: Path,
) -> None:
    """Write the sections of the report: ROC, worth of the cutoff, tests, corrected p-values, figure."""
    worth, corrected = tables["cutoff"].set_index("measure"), tables["corrected"]
    association, roc = tables["association"], tables["roc"]
    curve = roc[roc.youden.notna()].sort_values(["specificity", "sensitivity"], ascending=[False, True])
    # MultiQC keeps one point at each x: upright steps lean by a millionth.
    points = [
        [round(1 - row.specificity + 1e-6 * place, 8), round(row.sensitivity, 6)]
        for place, row in enumerate(curve.itertuples())
    ]
    parts = [says_scores(tables["groups"]), says_auc(worth.loc["auc"], confidence), says_cutoff(worth)]
    parts.append(says_tests(corrected, ["recurrence"]))
    write_section(
        folder / "biomarker_cutoff_mqc.json",
        "Score and recurrence",
        " ".join(filter(None, parts)),
        "linegraph",
        {"score": points, "chance": [[0, 0], [1, 1]]} if points else {},
        settings={
            **{"xlab": "1 - specificity", "ylab": "sensitivity", "xmin": 0, "xmax": 1, "ymin": 0, "ymax": 1},
            "colors": {"score": "#333333", "chance": "#BBBBBB"},
        },
        statuses=tables["groups"].status,
        links=["groups.tsv", "roc.tsv"],
        dois=DOIS,
        findings={"patients": said} if (said := worth_text(worth, corrected)) else {},
        answers={"patients": [answer(worth, corrected, confidence)]},
    )
    write_section(
        folder / "biomarker_cutoff_accuracy_mqc.json",
        "What the cutoff is worth",
        "Shares of patients with intervals. Optimism is how much better the cutoff looks in the patients "
        "that it was chosen in than in others; corrected is without it. Predictive values hold where as many "
        "patients recur as here.",
        "table",
        table_of(tables["cutoff"], [MEASURES[name] for name in tables["cutoff"].measure], WORTH_SHOWN),
        settings={"col1_header": "measure"},
        table="cutoff.tsv",
        statuses=tables["cutoff"].status,
        links=["cutoff.tsv"],
        dois=DOIS_WORTH,
    )
    tests = [
        f"{COMPARISONS[row.comparison]}: {row.test.replace('_', ' ')}" for row in association.itertuples()
    ]
    driven = association.data_driven.eq("yes") & association.p_value.notna()
    warning = " Of p-values marked data-driven, believe the corrected one only." if driven.any() else ""
    write_section(
        folder / "biomarker_cutoff_association_mqc.json",
        "Score, recurrence and pairs",
        f"Tests of the score, and of high and low scores, by recurrence, and of pairs of tumours.{warning} "
        + says_pairs(association.iloc[-1]),
        "table",
        table_of(association, tests, TESTS_SHOWN),
        settings={"col1_header": "test"},
        table="association.tsv",
        statuses=association.status,
        links=["association.tsv"],
        dois=["10.2307/3001968", "10.1214/aoms/1177704172"],
    )
    names = [f"{ENDPOINTS[row.endpoint]}: {row.test.replace('_', '-')}" for row in corrected.itertuples()]
    made = corrected.permutations.dropna()
    says = "Nothing was corrected."
    if len(made):
        says = (
            f"The scores were permuted over the patients {int(made.iloc[0]):,} times, and each time a cutoff "
            "was chosen and all tests were made again: p_corrected is the share of permutations that look as "
            "good as the data."
        )
    if (corrected.cutoff_source == "given").any():
        says = "The cutoff was given: nothing was corrected, which is right if it comes from other patients."
    write_section(
        folder / "biomarker_cutoff_corrected_mqc.json",
        "P-values corrected for the choice of the cutoff",
        f"{says} Survival: up to {horizon:g} months. {says_tests(corrected, ['os', 'dfs'])}".strip(),
        "table",
        table_of(corrected, names, CORRECTED_SHOWN),
        settings={"col1_header": "endpoint and test"},
        table="corrected.tsv",
        statuses=corrected.status,
        links=["corrected.tsv"],
        dois=DOIS_CORRECTED,
    )
    picture, panels = drawn
    write_section(
        folder / "biomarker_cutoff_figure_mqc.json",
        "Figure of the score",
        f"Shown are {listed(PANELS[name] for name in panels)}." if panels else "There is nothing to show.",
        "html",
        picture or "<p>There is nothing to draw.</p>",
        links=files_of(STEM) if panels else [],
    )
