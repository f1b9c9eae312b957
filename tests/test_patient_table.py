"""Oracle: R's tests of groups (oracles/patient_table.R), on lung and on tables of counts.

Where R's wilcox.test, by default, takes the exact distribution (fewer than 50 values, no ties), so does this.
"""

import json
from itertools import permutations
from math import factorial

import numpy as np
import pandas as pd
import patient_table
import pytest
from common.patient_groups import KNOWN, Grouping
from conftest import ORACLES, REFERENCE_DATA

ALL = "all groups"
VARIABLES = ["age", "wt.loss", "meal.cal", "untied", "ph.karno"]


def oracle(what: str) -> pd.DataFrame:
    return pd.read_csv(ORACLES / f"patient_table_{what}.tsv", sep="\t", comment="#", keep_default_na=False)


def tables() -> dict[str, np.ndarray]:
    """The tables of counts that R tested."""
    return {
        row.case: np.array([[int(count) for count in line.split()] for line in row.rows.split(";")])
        for row in oracle("counts").itertuples()
    }


def lung() -> pd.DataFrame:
    """Lung's patients as text, with a variable without ties."""
    table = pd.read_csv(REFERENCE_DATA / "survival/survival_lung.csv", dtype="str")
    return table.assign(untied=oracle("untied").untied.astype("str"))


def grouping_of(groups: pd.Series, name: str = "group") -> Grouping:
    return Grouping(name, groups.astype(object), sorted(groups.dropna().unique()))


def variable(values: list, name: str = "x") -> patient_table.Variable:
    """A variable of text, missing where None."""
    return patient_table.variable_of(name, pd.Series(values, dtype="object"))


def compared(groups: dict[str, list], name: str = "x", grouping: str = "group") -> dict[str, object]:
    """Compare values by group."""
    values = [value for own in groups.values() for value in own]
    member = [group for group, own in groups.items() for _ in own]
    return patient_table.compare(variable(values, name), grouping_of(pd.Series(member), grouping))


# ---- the oracle


@pytest.mark.parametrize("by", ["sex", "ph.ecog", "few"])
def test_compare__has_the_tests_and_differences_that_r_has(by):
    data = lung()[: 30 if by == "few" else None]
    groups = data["sex" if by == "few" else by]
    grouping = grouping_of(groups.where(groups != "3"))
    wanted = oracle("tests").query("by == @by").set_index("variable")
    for name in [*VARIABLES, "status"]:
        row = wanted.loc[name]
        found = patient_table.compare(patient_table.variable_of(name, data[name]), grouping)
        assert found["p_value"] == pytest.approx(float(row.p_value), rel=1e-6)
        assert found["smd"] == pytest.approx(float(row.smd), rel=1e-6)
        if row.statistic:
            assert found["statistic"] == pytest.approx(float(row.statistic), rel=1e-9)
        if row.df:
            assert found["df"] == int(row.df)
        named = {"wilcoxon_exact": "exact", "wilcoxon_approximate": "continuity", "kruskal_wallis": "Kruskal"}
        named |= {"fisher_exact": "Fisher", "chi_squared": "Pearson"}
        assert named[found["test"]] in row.test


def test_describe__has_the_means_and_quartiles_that_r_has():
    data = lung()
    for row in oracle("lung").itertuples():
        own = data[: 30 if row.by == "few" else None]
        own = own[own["sex" if row.by == "few" else row.by] == str(row.group)]
        if row.variable == "status":
            continue
        made = patient_table.variable_of(row.variable, data[row.variable])
        (found,) = patient_table.describe(made, made.by_patient[own.index], 0.95)
        assert found["known"] == row.known
        for name in ("mean", "sd", "quartile_1", "median", "quartile_3"):
            assert found[name] == pytest.approx(float(getattr(row, name)), rel=1e-9)


@pytest.mark.parametrize("case", sorted(tables().keys() - {"large"}))  # 3 x 3 of 230 patients: by chi-squared
def test_freeman_halton__is_fisher_test_of_r(case):
    wanted = oracle("tests").query("variable == @case").set_index("test")
    table = tables()[case]
    assert patient_table.freeman_halton(table) == pytest.approx(float(wanted.p_value["fisher"]), rel=1e-6)
    assert patient_table.freeman_halton(table.T) == pytest.approx(float(wanted.p_value["fisher"]), rel=1e-6)


@pytest.mark.parametrize("case", tables())
def test_count_test__takes_the_exact_test_where_expected_counts_are_small(case):
    wanted = oracle("tests").query("variable == @case").set_index("test")
    found = patient_table.count_test(tables()[case])
    expected = {"larger": "chi_squared", "large": "chi_squared"}.get(case, "fisher_freeman_halton")
    expected = "fisher_exact" if case.startswith("two") else expected
    assert found.test == expected
    row = wanted.loc["chi_squared" if expected == "chi_squared" else "fisher"]
    assert found.p_value == pytest.approx(float(row.p_value), rel=1e-6)
    if expected == "chi_squared":
        assert found.statistic == pytest.approx(float(row.statistic), rel=1e-9)
        assert found.df == int(row.df)


def test_freeman_halton__is_the_share_of_all_orders_of_patients():
    # The slow, obvious version: every way to hand the levels of seven patients to them.
    groups, levels = np.array([0, 0, 0, 1, 1, 2, 2]), [0, 0, 1, 1, 1, 2, 2]

    def table_of(order: tuple) -> np.ndarray:
        table = np.zeros((3, 3), int)
        np.add.at(table, (list(order), groups), 1)
        return table

    def chance(table: np.ndarray) -> float:
        return 1 / np.prod([factorial(int(count)) for count in table.ravel()])

    observed = table_of((0, 1, 0, 1, 1, 2, 2))
    all_orders = [chance(table_of(order)) for order in permutations(levels)]
    share = np.mean([each <= chance(observed) * (1 + 1e-9) for each in all_orders])
    assert patient_table.freeman_halton(observed) == pytest.approx(share, rel=1e-9)


def test_simulated_freeman_halton__comes_near_the_exact_p():
    for case in ("stage", "wide", "square", "sparse", "four"):
        table = tables()[case]
        exact = patient_table.freeman_halton(table)
        error = np.sqrt(exact * (1 - exact) / patient_table.SIMULATED)
        assert abs(patient_table.simulated_freeman_halton(table) - exact) < 4 * error + 1e-4


def test_count_test__simulates_where_tables_are_too_many_and_always_finds_the_same():
    table = np.random.default_rng(1).integers(0, 9, (9, 7))
    assert patient_table.freeman_halton(table) is None
    found = patient_table.count_test(table)
    assert found.test == "fisher_freeman_halton_simulated"
    assert 0 < found.p_value < 1
    assert patient_table.count_test(table) == found


# ---- properties


def test_rank_test__rejects_as_often_as_it_says_where_groups_do_not_differ():
    rng = np.random.default_rng(2)
    for sizes in ((8, 9), (10, 9, 11)):
        p = [patient_table.rank_test([rng.normal(size=n) for n in sizes]).p_value for _ in range(400)]
        assert 0.025 <= np.mean(np.array(p) < 0.05) <= 0.075


def test_count_test__rejects_no_more_often_than_it_says_where_groups_do_not_differ():
    rng = np.random.default_rng(3)
    p = []
    for _ in range(150):
        table = np.stack([rng.multinomial(12, [0.5, 0.3, 0.2]), rng.multinomial(15, [0.5, 0.3, 0.2])], axis=1)
        p.append(patient_table.count_test(table[table.any(axis=1)]).p_value)
    assert np.mean(np.array(p) < 0.05) <= 0.08


def test_smd_of_shares__of_two_levels_is_the_difference_over_the_mean_standard_deviation():
    # Austin 2009: (p - q) / sqrt((p (1 - p) + q (1 - q)) / 2)
    p, q = 15 / 19, 3 / 12
    wanted = (p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert patient_table.smd_of_shares(np.array([4, 15]), np.array([9, 3])) == pytest.approx(wanted)


def test_smd_of_shares__does_not_depend_on_the_order_of_levels_and_is_missing_without_a_common_one():
    one, other = np.array([3, 0, 5, 2]), np.array([1, 6, 2, 2])
    order = [2, 0, 3, 1]
    found = patient_table.smd_of_shares(one, other)
    assert patient_table.smd_of_shares(one[order], other[order]) == pytest.approx(found)
    assert patient_table.smd_of_shares(one, one) == 0
    assert np.isnan(patient_table.smd_of_shares(np.array([4, 0]), np.array([0, 5])))


def test_smd_of_means__is_missing_without_variance():
    assert np.isnan(patient_table.smd_of_means(np.array([2.0, 2.0]), np.array([3.0, 3.0])))
    assert np.isnan(patient_table.smd_of_means(np.array([2.0]), np.array([3.0, 4.0])))


def test_benjamini_hochberg__adjusts_the_known_p_values():
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.5])
    np.testing.assert_allclose(patient_table.benjamini_hochberg(p), [0.04, np.nan, 0.16 / 3, 0.16 / 3, 0.5])


def test_wilson__is_the_published_interval():
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    published = [
        *((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)),
        *((0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)),
    ]
    for count, total, low, high in published:
        assert patient_table.wilson(count, total, 0.95) == pytest.approx((low, high), abs=5e-5)


# ---- variables


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (["1", "2.5", "-3", "4e1", "5", "6"], None),
        (["1", "2", "3", "4", "5", None], ["1", "2", "3", "4", "5"]),
        (["1", "2", "3", "4", "5", "6", "nan"], ["1", "2", "3", "4", "5", "6", "nan"]),
        (["1", "2", "3", "4", "5", "1_0"], ["1", "1_0", "2", "3", "4", "5"]),
        (["T10", "T2", "T1", "T2"], ["T1", "T2", "T10"]),
        (["yes", "no", "Unknown"], ["no", "Unknown", "yes"]),
        ([None, None], []),
    ],
)
def test_variable_of__is_numeric_only_if_all_are_numbers_and_more_than_five_differ(values, levels):
    assert variable(values).levels == levels


def test_variables_of__lists_score_clinical_columns_and_outcomes():
    sheet = pd.DataFrame({column: pd.Series([None, None], dtype="object") for column in KNOWN})
    sheet["recurrence"] = pd.array([1, 0], dtype="Int64")
    sheet = sheet.assign(score=[10.0, 90.0], sex=["male", "female"], site=["tongue", None])
    made = patient_table.variables_of(sheet, None)
    assert [(each.name, each.levels) for each in made] == [
        ("score", None), ("sex", ["female", "male"]), ("site", ["tongue"]), ("recurrence", ["no", "yes"]),
    ]  # fmt: skip


# ---- what cannot be tested keeps its row


@pytest.mark.parametrize(
    ("groups", "status", "reason"),
    [
        ({"a": [None, None], "b": [None]}, "no_values", "no patient with a group has a value"),
        ({"a": ["x", "y"], "b": [None]}, "one_group", "all 2 values are in a"),
        ({"a": ["x", "x"], "b": ["x"]}, "no_variance", "every value is x"),
        (
            {"a": list("abcdef"), "b": list("ghijklm")},
            "too_many_levels",
            "13 different values, more than 10: counted only",
        ),
        ({"a": ["x", "y"], "b": ["x", "x"], "c": [None]}, "ok", "no value in c"),
    ],
)
def test_compare__says_why_there_is_no_test(groups, status, reason):
    found = compared(groups)
    assert (found["status"], found["reason"]) == (status, reason)
    assert ("p_value" in found) == (status == "ok")


def test_too_many__names_the_texts_among_numbers():
    ages = [str(age) for age in range(50, 62)]
    found = compared({"a": [*ages, "unknown"], "b": ages})
    assert found["reason"].endswith("all are numbers but unknown (leave the cell empty if not known)")
    assert "and 1 more" in patient_table.too_many([*ages, "a", "b", "c", "d"])


def test_compare__of_numbers_that_are_all_equal_has_no_test():
    numeric = patient_table.Variable("score", pd.Series([5.0] * 6), None)
    found = patient_table.compare(numeric, grouping_of(pd.Series(["a"] * 3 + ["b"] * 3)))
    assert found["status"] == "no_variance"


def test_compare__does_not_test_the_score_by_the_groups_made_of_it():
    numeric = patient_table.Variable("score", pd.Series([1.0, 2, 3, 7, 8, 9]), None)
    member = pd.Series(["low"] * 3 + ["high"] * 3)
    found = patient_table.compare(numeric, grouping_of(member, "score_group"))
    assert found["status"] == "defines_groups"
    assert "p_value" not in found
    assert found["smd"] == pytest.approx(6)
    assert patient_table.compare(numeric, grouping_of(member))["status"] == "ok"


def test_test_all__keeps_tests_that_the_cutoff_flatters_out_of_the_family():
    rng = np.random.default_rng(4)
    groups = pd.Series(["high"] * 10 + ["low"] * 10)
    made = [variable(list(rng.choice(["no", "yes"], 20)), name) for name in ("sex", "recurrence", "os_event")]
    chosen = patient_table.chosen_by(
        pd.DataFrame(
            {
                "endpoint": ["recurrence", "os"],
                "test": ["chi_squared", "log_rank"],
                "p_corrected": [0.02, np.nan],
                "cutoff_source": "youden",
                "circular": ["yes", "no"],
            }
        )
    )
    tests = patient_table.test_all(made, grouping_of(groups, "score_group"), chosen).set_index("variable")
    assert tests.status.to_dict() == {"sex": "ok", "recurrence": "circular", "os_event": "data_driven"}
    assert tests.p_value.notna().all()
    assert tests.q_value.notna().to_dict() == {"sex": True, "recurrence": False, "os_event": False}
    assert "corrected p of the chi-squared test 0.02" in tests.reason["recurrence"]
    assert tests.family["sex"] == "score_group, 1 tests"
    other = patient_table.test_all(made, grouping_of(groups, "arm"), chosen)
    assert (other.status == "ok").all()


def test_chosen_by__says_nothing_of_a_cutoff_that_was_given():
    given = {"endpoint": ["os"], "test": ["log_rank"], "p_corrected": [np.nan], "cutoff_source": ["given"]}
    assert patient_table.chosen_by(pd.DataFrame(given | {"circular": ["no"]})) == {}


def test_describe__counts_missing_values_and_one_value_has_no_sd():
    made = variable(["1", "2", "3", "4", "5", "6", None])
    (row,) = patient_table.describe(made, made.by_patient[[0, 6]], 0.95)
    assert (row["patients"], row["known"], row["missing"], row["status"]) == (2, 1, 1, "one_value")
    (row,) = patient_table.describe(made, made.by_patient[[6]], 0.95)
    assert (row["status"], row["reason"]) == ("no_values", "none of 1 patients has a value")


# ---- the command


def write_study(folder, patients: int = 24, scored: bool = True, **columns: list) -> dict[str, object]:
    """Write patients.tsv and the scores' folder; return the options."""
    rng = np.random.default_rng(5)
    high = np.arange(patients) % 2 == 0
    sheet = pd.DataFrame(
        {
            "patient": [f"P{number}" for number in range(patients)],
            "score": np.where(high, 90, 20) + rng.integers(0, 20, patients),
            "recurrence": np.where(rng.random(patients) < 0.2, ~high, high).astype(int),
            "os_months": rng.integers(1, 60, patients),
            "os_event": rng.integers(0, 2, patients),
            "age": np.where(high, 70, 50) + rng.integers(0, 15, patients),
            "sex": [["male", "female"][number // 2 % 2] for number in range(patients)],
            "smoking": rng.choice(["never", "former", "current", ""], patients),
        }
        | columns
    )
    sheet.to_csv(folder / "patients.tsv", sep="\t", index=False)
    if scored:
        (folder / "scores").mkdir()
        group = np.where(high, "high", "low").astype(object)
        group[:2] = ""
        scores = {
            "patient": sheet.patient,
            "score": sheet.score,
            "score_group": group,
            "status": "ok",
            "reason": "",
        }
        pd.DataFrame(scores).to_csv(folder / "scores/groups.tsv", sep="\t", index=False)
    return {"patients": folder / "patients.tsv", "scores": folder / "scores", "results": folder}


def section(folder, name: str = "patient_table") -> dict:
    return json.loads((folder / f"{name}_mqc.json").read_text())


def test_main__finds_the_characteristic_that_differs_and_counts_who_is_left_out(tmp_path, run_script):
    options = write_study(tmp_path) | {"survival_groups": "score_group,sex"}
    assert run_script(patient_table.main, **options).exit_code == 0
    tests = pd.read_csv(tmp_path / "tests.tsv", sep="\t").set_index(["grouping", "variable"])
    of_score = tests.loc["score_group"]
    assert of_score.q_value["age"] < 0.001
    assert of_score.q_value["sex"] > 0.05
    assert "sex" not in tests.loc["sex"].index
    characteristics = pd.read_csv(tmp_path / "characteristics.tsv", sep="\t")
    ages = characteristics.query("grouping == 'score_group' and variable == 'age'").set_index("group")
    assert ages.patients.to_dict() == {"low": 11, "high": 11, ALL: 22}
    assert ages["median"]["high"] > 69 > 66 > ages["median"]["low"]
    levels = characteristics.query("grouping == 'score_group' and variable == 'smoking' and group == 'high'")
    assert levels["count"].sum() == levels.known.iloc[0]
    assert levels.known.iloc[0] + levels.missing.iloc[0] == 11
    told = section(tmp_path)
    assert "22 patients by score_group: low (11) and high (11). 2 more have no group." in told["description"]
    assert "age (p " in told["description"]
    assert "<th>high<br>n = 11</th>" in told["data"]
    assert section(tmp_path, "patient_table_2")["section_name"].endswith("by sex")


def test_main__tabulates_all_patients_where_there_are_no_groups(tmp_path, run_script):
    options = write_study(tmp_path, scored=False)
    assert run_script(patient_table.main, **options).exit_code == 0
    assert pd.read_csv(tmp_path / "tests.tsv", sep="\t").status.tolist() == ["no_groups"]
    characteristics = pd.read_csv(tmp_path / "characteristics.tsv", sep="\t")
    assert set(characteristics.group) == {ALL}
    assert set(characteristics.patients) == {24}
    assert "All 24 patients, not grouped." in section(tmp_path)["description"]


def test_main__marks_outcomes_by_a_cutoff_that_they_chose(tmp_path, run_script):
    options = write_study(tmp_path)
    corrected = {"endpoint": ["recurrence"], "test": ["chi_squared"], "statistic": [9.0], "p_value": [0.003]}
    corrected |= {
        "p_corrected": [0.02],
        "permutations": [1000],
        "cutoff_source": ["youden"],
        "circular": ["yes"],
    }
    pd.DataFrame(corrected).to_csv(tmp_path / "scores/corrected.tsv", sep="\t", index=False)
    assert run_script(patient_table.main, **options).exit_code == 0
    tests = pd.read_csv(tmp_path / "tests.tsv", sep="\t").set_index("variable")
    assert tests.status[["recurrence", "os_event", "score"]].tolist() == ["circular", "ok", "defines_groups"]
    assert "p is too small for recurrence" in section(tmp_path)["description"]


def test_main__has_rows_for_one_patient_and_for_texts_of_any_kind(tmp_path, run_script):
    notes = {"note": ["<b>free & text</b>"], "empty": [""]}
    options = write_study(tmp_path, patients=1, scored=False, **notes) | {"survival_groups": "sex"}
    assert run_script(patient_table.main, **options).exit_code == 0
    tests = pd.read_csv(tmp_path / "tests.tsv", sep="\t").set_index("variable")
    assert set(tests.status) == {"one_group", "no_values"}
    assert tests.status["empty"] == "no_values"
    html = section(tmp_path)["data"]
    assert "&lt;b&gt;free &amp; text&lt;/b&gt;" in html
    assert "<b>" not in html


def test_main__does_not_tabulate_by_a_quantity(tmp_path, run_script):
    options = write_study(tmp_path, scored=False) | {"survival_groups": "age,sex"}
    assert run_script(patient_table.main, **options).exit_code == 0
    tests = pd.read_csv(tmp_path / "tests.tsv", sep="\t").set_index("grouping")
    assert tests.status["age"] == "too_many_groups"
    assert "at most 7 groups" in section(tmp_path)["description"]
    assert set(pd.read_csv(tmp_path / "characteristics.tsv", sep="\t").grouping) == {"sex"}


def test_main__explains_every_column_and_writes_the_same_bytes(tmp_path, run_script):
    options = write_study(tmp_path)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        assert run_script(patient_table.main, **options | {"results": tmp_path / folder}).exit_code == 0
    rows = [line.split("\t") for line in (ORACLES.parents[1] / "assets/columns.tsv").read_text().splitlines()]
    explained = {(row[0], row[1]) for row in rows}
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["characteristics.tsv", "patient_table_mqc.json", "tests.tsv", "versions.tsv"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    for name in ("characteristics.tsv", "tests.tsv"):
        for column in (tmp_path / "one" / name).read_text().splitlines()[0].split("\t"):
            assert (f"patient_table/{name}", column) in explained
