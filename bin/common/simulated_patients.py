"""The patients of the simulated study: score, recurrence, survival, and the score of tumours that came back.

Score      of 31 patients, whole numbers from 0 to 300, evenly from SCORES. 15 of 18 with recurrence lie above
           the cutoff, and 4 of 13 others; the rest up to it. Drawn until the cutoff is the one of highest
           sensitivity and specificity (Youden).
Survival   months since surgery, of all but one patient, who has a high score and no recurrence. Recurrence
           (log-normal, median 12, SD 0.7, from 1.5 to 55 months) ends disease-free survival. Ten of the high
           and two of the low die after it, evenly until 60 months. All others were followed for 60-110
           months, but for a tenth who were lost after 30-60.
Pairs      seven tumours at recurrence: six have a score higher by 25-110, one lower by 5-20.
Clinical   age, sex, subsite, stage and HPV are as frequent in all groups; a few are missing.

Without effects the scores are dealt out to the patients at random, and those of pairs change by 5-40, as
often up as down.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from common.study_design import (
    CUTOFF,
    DEATHS,
    HIGHEST_SCORE,
    NOT_RECURRENT,
    PAIRS,
    PAIRS_HIGHER,
    RECURRENT,
)

HORIZON = 60  # months
RECURRENCE_MEDIAN, RECURRENCE_SD, RECURRENCE_RANGE = 12, 0.7, (1.5, 55)
FOLLOW_UP, SHARE_LOST, LOST = (60, 110), 0.1, (30, 60)
SCORES = {  # by recurrence and group: the lowest, and below what
    (True, "high"): (CUTOFF + 3, 286),
    (False, "high"): (CUTOFF + 3, 220),
    (True, "low"): (40, CUTOFF),
    (False, "low"): (0, CUTOFF),
}
RISE, FALL, CHANGE = (25, 110), (5, 20), (5, 40)  # of the score, with recurrence; without effects
CLINICAL = {  # value: share
    "sex": {"male": 0.75, "female": 0.25},
    "subsite": {"oral cavity": 0.45, "oropharynx": 0.2, "hypopharynx": 0.2, "larynx": 0.15},
    "stage": {"II": 0.2, "III": 0.3, "IVA": 0.4, "IVB": 0.1},
    "hpv": {"negative": 0.8, "positive": 0.2},
}
AGE, AGE_SD, AGE_RANGE = 64, 9, (35, 88)
MISSING = {"stage": 2, "hpv": 6}  # patients


class Patients(NamedTuple):
    """The sheet of patients, and what is true of each."""

    sheet: pd.DataFrame
    truth: pd.DataFrame


def youden(score: np.ndarray, recurrent: np.ndarray) -> np.ndarray:
    """Return sensitivity + specificity - 1 of scores above each one of them."""
    above = score > score[:, None]
    return above[:, recurrent].mean(axis=1) - above[:, ~recurrent].mean(axis=1)


def draw_scores(random: np.random.Generator, recurrent: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Draw scores whose best cutoff is the planted one: all different, and one patient has it itself."""
    low_and_free = np.flatnonzero(~high & ~recurrent)
    groups = zip(recurrent.tolist(), np.where(high, "high", "low").tolist(), strict=True)
    lowest, below = np.array([SCORES[group] for group in groups]).T
    while True:
        score = random.integers(lowest, below)
        score[low_and_free[0]] = CUTOFF
        index = youden(score, recurrent)
        if len(np.unique(score)) == len(score) and index[score == CUTOFF] > index[score != CUTOFF].max():
            return score


def draw_survival(random: np.random.Generator, recurrent: np.ndarray, high: np.ndarray) -> pd.DataFrame:
    """Draw months and events: overall and disease-free. Deaths are among those with recurrence."""
    size = len(recurrent)
    back = np.clip(RECURRENCE_MEDIAN * np.exp(RECURRENCE_SD * random.normal(size=size)), *RECURRENCE_RANGE)
    dead = np.zeros(size, dtype=bool)
    for group, deaths in zip((high, ~high), DEATHS, strict=True):
        dead[random.choice(np.flatnonzero(group & recurrent), deaths, replace=False)] = True
    death = random.uniform(back + 1, HORIZON)
    lost = random.random(size) < SHARE_LOST
    seen = np.where(lost, random.uniform(*LOST, size), random.uniform(*FOLLOW_UP, size))
    seen = np.maximum(seen, np.where(recurrent, back + 1, 0))
    table = pd.DataFrame({"os_months": np.where(dead, death, seen), "os_event": dead.astype(int)})
    table["dfs_months"] = np.where(recurrent, back, seen)
    table["dfs_event"] = recurrent.astype(int)
    return table.round({"os_months": 1, "dfs_months": 1})


def draw_pairs(
    random: np.random.Generator, score: np.ndarray, recurrent: np.ndarray, effects: float
) -> pd.Series:
    """Draw the score at recurrence of some patients; missing in the others."""
    room = HIGHEST_SCORE - score
    room_needed = RISE[0] if effects else CHANGE[1]
    able = np.flatnonzero(recurrent & (score > CHANGE[1]) & (room > room_needed))
    chosen = np.sort(random.choice(able, PAIRS, replace=False))
    rise = random.uniform(RISE[0], np.minimum(RISE[1], room[chosen]))
    fall = random.uniform(*FALL, PAIRS)
    higher = random.permutation(PAIRS) < PAIRS_HIGHER
    change = np.where(higher, rise, -fall)
    if not effects:
        change = random.choice([-1, 1], PAIRS) * random.uniform(*CHANGE, PAIRS)
    again = pd.Series(pd.NA, index=range(len(score)), dtype="Int64")
    again[chosen] = score[chosen] + np.round(change).astype(int)
    return again


def draw_clinical(random: np.random.Generator, size: int) -> pd.DataFrame:
    """Draw what else is known of the patients, independent of all that is planted."""
    age = np.clip(np.round(random.normal(AGE, AGE_SD, size)), *AGE_RANGE).astype(int)
    table = pd.DataFrame({"age": age.astype(str)}, dtype=object)
    for name, shares in CLINICAL.items():
        table[name] = random.choice(list(shares), size, p=list(shares.values())).astype(object)
    for name, missing in MISSING.items():
        table.loc[random.choice(size, missing, replace=False), name] = ""
    return table


def draw_patients(random: np.random.Generator, effects: float) -> Patients:
    """Draw all patients, in random order."""
    recurrent = np.repeat([True, True, False, False], [*RECURRENT, *NOT_RECURRENT])
    high = np.repeat([True, False, True, False], [*RECURRENT, *NOT_RECURRENT])
    order = random.permutation(len(high))
    recurrent, high = recurrent[order], high[order]
    score = draw_scores(random, recurrent, high)
    survival = draw_survival(random, recurrent, high)
    unknown = random.choice(np.flatnonzero(high & ~recurrent))
    followed = np.arange(len(high)) != unknown
    if not effects:
        score = random.permutation(score)
        high = score > CUTOFF
    again = draw_pairs(random, score, recurrent, effects)
    names = [f"P{number:02d}" for number in range(1, len(high) + 1)]
    survival = survival.astype({"os_event": "Int64", "dfs_event": "Int64"})
    survival.loc[~followed] = pd.NA
    sheet = pd.DataFrame({"patient": names, "score": score, "recurrence": recurrent.astype(int)})
    sheet = pd.concat([sheet, survival, again.rename("recurrent_score")], axis=1)
    truth = pd.DataFrame(
        {
            **{"patient": names, "score_group": np.where(high, "high", "low"), "cutoff": CUTOFF},
            "recurrence": np.where(recurrent, "yes", "no"),
            "followed": np.where(followed, "yes", "no"),
            "death": survival.os_event.map({1: "yes", 0: "no"}).fillna(""),
            "recurrent_score_change": (again - score),
        }
    )
    return Patients(pd.concat([sheet, draw_clinical(random, len(high))], axis=1), truth)
