"""Words of biomarker_cutoff: why there is no ROC, no cutoff or no test, and what stands beside a number."""

import pandas as pd

CHOSEN = "the cutoff was chosen in these patients, by recurrence: p_value is too small"
GIVEN = "the cutoff was given: p_value needs no correction if it comes from other patients"
TRAINED = {
    "recurrence": "circular: the cutoff was chosen by recurrence here, which p_corrected allows for",
    "os": "the cutoff was chosen in these patients, which p_corrected allows for",
    "dfs": "circular: recurrence is an event of disease-free survival, and the cutoff was chosen by it",
}
FOLLOWED = {"recurrence": "recurrence", "os": "time and event", "dfs": "time and event"}
NOT_ESTIMABLE = {
    "log_rank": "the groups are never at risk together at an event",
    "cox": "all events are in one group: the hazard ratio has no bounds, see the log-rank test",
}


def listed_scores(scores: tuple[float, ...]) -> str:
    """Write scores, five at most."""
    return ", ".join(f"{each:g}" for each in scores[:5]) + (" and more" if len(scores) > 5 else "")


def without_score(percentages: dict[str, float]) -> str:
    """Say what a patient without a score lacks."""
    return f"no score, and no {', '.join(name for name, value in percentages.items() if pd.isna(value))}"


def why_no_roc(cutoff: tuple) -> str:
    """Say why recurrent and recurrence-free patients cannot be told apart by the score."""
    return {
        "ok": "",
        "no_scores": "no patient has a score",
        "no_recurrence": f"recurrence is known of none of {cutoff.scored} patients with a score",
        "one_outcome": f"{cutoff.recurrent} of {cutoff.known} patients are recurrent: nothing to tell apart",
        "equal_scores": f"all {cutoff.known} patients whose recurrence is known have the same score",
    }[cutoff.status]


def of_group(row: tuple, cutoff: tuple) -> str:
    """Say why a patient is in no group."""
    return why_no_roc(cutoff) if row.status == "no_cutoff" else row.reason


def of_roc(row: tuple, cutoff: tuple) -> str:
    """Say what is special about a cutoff of the ROC."""
    if row.status == "ok":
        return "as large a Youden index as the chosen cutoff's" if row.cutoff in cutoff.tied else ""
    ends = {"all_high": "below every score: all are high", "all_low": "no score is above it: all are low"}
    return ends.get(row.status) or why_no_roc(cutoff)


def of_measure(row: tuple, cutoff: tuple) -> str:
    """Say what stands beside a measure of the score or the cutoff."""
    if row.status == "one_group":
        return "no patient is high" if row.measure == "ppv" else "no patient is low"
    if row.measure == "auc" and row.status not in ("no_scores", "no_recurrence", "one_outcome"):
        free = cutoff.known - cutoff.recurrent
        return f"{cutoff.recurrent} recurrent and {free} recurrence-free patients" + {
            "reversed": "; below 0.5: here lower scores go with recurrence, and the direction is not turned",
            "few_patients": "; no interval with one of a kind",
            "perfect_separation": "; an interval without width says nothing of its error",
            "equal_scores": "; all scores are equal",
        }.get(row.status, "")
    if row.status != "ok":
        return why_no_roc(cutoff)
    if row.measure == "youden":
        return "sensitivity + specificity - 1"
    if row.measure != "cutoff":
        return ""
    said = [
        "high is a score above it",
        "given" if cutoff.source == "given" else "it has the largest Youden index",
    ]
    if cutoff.tied:
        said.append(f"as large at {listed_scores(cutoff.tied)}: the lowest is taken")
    if cutoff.source == "youden" and row.count < row.of:
        said.append(
            f"{row.of - row.count:.0f} of {row.of:.0f} bootstrap samples had one outcome or one score"
        )
    return "; ".join(said)


def of_test(row: tuple, cutoff: tuple) -> str:
    """Say what stands beside a test of the score, the groups or the pairs."""
    if row.status == "no_pairs":
        return "no patient has scores of both tumours"
    if row.status == "one_group":
        return f"all patients are {'high' if row.n_1 else 'low'}"
    if row.status not in ("ok", "no_difference"):
        return why_no_roc(cutoff)
    said = {
        "score_group_by_recurrence": [CHOSEN] if row.data_driven == "yes" else [],
        "score_by_recurrence": ["recurrent less recurrence-free"],
        "recurrent_by_initial": [
            f"recurrent less initial: {row.higher:.0f} of {row.n_1:.0f} higher, {row.equal:.0f} equal"
        ],
    }[row.comparison]
    if row.least_expected < 5 and row.test != "fisher_exact":
        small = f"an expected count is {row.least_expected:.1f}, below 5"
        said.append(f"{small}: Fisher's test is the one to quote")
    if row.estimated == "odds_ratio_sample" and pd.isna(row.estimate):
        said.append("a cell is empty: no sample odds ratio")
    return "; ".join(said)


def of_correction(row: tuple, cutoff: tuple) -> str:
    """Say what stands beside a test that the choice of the cutoff bears on."""
    return {
        "ok": GIVEN if cutoff.source == "given" else TRAINED[row.endpoint],
        "no_cutoff": why_no_roc(cutoff),
        "no_follow_up": f"{FOLLOWED.get(row.endpoint)} known of no patient with a score",
        "one_outcome": why_no_roc(cutoff),
        "no_events": "no patient has the event within the horizon",
        "one_group": f"all patients are {'high' if row.n_high else 'low'}",
        "not_estimable": NOT_ESTIMABLE.get(row.test, ""),
    }[row.status]
