"""The tables of survival."""

from typing import NamedTuple

import pandas as pd

KM = [
    *("endpoint", "grouping", "group", "time_months", "at_risk", "events", "censored"),
    *("survival", "survival_low", "survival_high", "status", "reason"),
]
MEDIANS = [
    *("endpoint", "grouping", "group", "patients", "no_follow_up", "followed", "events"),
    *("median_months", "median_low", "median_high", "follow_up_median_months", "follow_up_max_months"),
    *("status", "reason"),
]
AT_TIMES = [
    *("endpoint", "grouping", "group", "time_months", "at_risk", "events"),
    *("survival", "survival_low", "survival_high", "status", "reason"),
]
TESTS = [
    *("endpoint", "grouping", "test", "group", "reference", "patients", "events", "statistic", "df"),
    *("p_value", "hazard_ratio", "hazard_ratio_low", "hazard_ratio_high", "log_hazard_ratio"),
    *("standard_error", "p_corrected", "data_driven", "circular", "status", "reason"),
]


class Compared(NamedTuple):
    """All tables of the analysis."""

    km: pd.DataFrame
    medians: pd.DataFrame
    times: pd.DataFrame
    tests: pd.DataFrame
