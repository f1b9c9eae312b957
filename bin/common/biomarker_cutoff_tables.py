"""The tables of biomarker_cutoff: what it reads and the columns that it writes."""

PERCENTAGES = ["percent_weak", "percent_moderate", "percent_strong"]
NUMBERS = ["score", *PERCENTAGES, "recurrence", "os_months", "os_event", "dfs_months", "dfs_event"]
PATIENTS = {"patient": "str"} | dict.fromkeys([*NUMBERS, "recurrent_score"], "float64")

GROUPS = ["patient", "score", "score_source", "score_group", "status", "reason"]
COUNTS = ["true_positives", "false_positives", "true_negatives", "false_negatives"]
ROC = ["cutoff", *COUNTS, "sensitivity", "specificity", "youden", "chosen", "status", "reason"]
CUTOFF = [
    *("measure", "value", "ci_low", "ci_high", "interval", "count", "of", "optimism", "corrected", "cutoff"),
    *("cutoff_source", "status", "reason"),
]
FOURFOLD = ["high_recurrent", "high_recurrence_free", "low_recurrent", "low_recurrence_free"]
ASSOCIATION = [
    *("comparison", "test", "n_1", "n_2", *FOURFOLD, "statistic", "df", "p_value", "p_corrected"),
    *("estimate", "ci_low", "ci_high", "estimated", "data_driven", "status", "reason"),
]
CORRECTED = [
    *("endpoint", "test", "n_high", "n_low", "events", "statistic", "p_value", "p_corrected", "at_least"),
    *("permutations", "cutoff", "cutoff_source", "data_driven", "circular", "status", "reason"),
]
