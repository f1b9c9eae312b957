"""The gate on patients: scores, follow-up, groups."""

import pytest
from gate import AMPLICONS, Gate

HEADER = "patient,score,recurrence,os_months,os_event,dfs_months,dfs_event,recurrent_score,stage"
ROWS = ["P1,120,1,20,1,8,1,150,IV", "P2,40,0,70,0,70,0,,II", "P3,90,1,30,1,12,1,,IV", "P4,,0,,,,,,II"]
SHEET = "\n".join([HEADER, *ROWS, ""])


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    return Gate(run_script, tmp_path)


def said(gate: Gate, old: str = "", new: str = "", sheet: str = SHEET, **given: object) -> list[str]:
    """What is said of the sheet with something replaced."""
    assert old in sheet
    return gate.say({"patients.csv": sheet.replace(old, new, 1)}, patients="patients.csv", **given)


def plan(gate: Gate) -> dict[str, tuple[str, str]]:
    rows = gate.table("plan.tsv")
    return {row["analysis"]: (row["planned"], row["reason"]) for row in rows}


def test_patients__are_passed_on_with_their_further_columns(gate):
    assert said(gate) == []
    rows = gate.table("patients.tsv")
    assert [row["patient"] for row in rows] == ["P1", "P2", "P3", "P4"]
    assert [row["stage"] for row in rows] == ["IV", "II", "IV", "II"]
    assert rows[3]["score"] == ""
    assert {name: planned for name, (planned, _) in plan(gate).items() if planned == "yes"} == dict.fromkeys(
        ("biomarker_cutoff", "survival", "patient_table"), "yes"
    )
    assert "patients.csv: 1 of 4 patients have no score: they are in no group of it" in gate.notes()


def test_patients__without_a_score_are_grouped_by_other_columns_alone(gate):
    sheet = "patient,os_months,os_event,arm\nP1,5,1,a\nP2,6,0,b\n"
    assert said(gate, sheet=sheet) == []
    assert plan(gate)["biomarker_cutoff"] == ("no", "column score not given")
    needed = "column score or another of --survival_groups not given"
    assert plan(gate)["survival"] == ("no", needed)
    assert plan(gate)["patient_table"][0] == "yes"
    assert said(gate, sheet=sheet, survival_groups="arm") == []
    assert plan(gate)["survival"][0] == "yes"


def test_patients__may_have_percentages_for_a_score(gate):
    sheet = "patient,percent_weak,percent_moderate,percent_strong\nP1,10,20,30.5\nP2,,,\n"
    assert said(gate, sheet=sheet) == []
    assert plan(gate)["biomarker_cutoff"][0] == "yes"
    assert plan(gate)["survival"] == ("no", "column os_months or column dfs_months not given")
    lines = said(gate, "10,20,30.5", "50,20,40", sheet=sheet)
    assert lines == [
        "patients.csv, row 2, percent_weak, percent_moderate, percent_strong: found 110 in all; "
        "expected 100 or less: each cell counts once"
    ]
    lines = said(gate, "10,20,30.5", "10,,30.5", sheet=sheet)
    assert lines == [
        "patients.csv, row 2, percent_moderate: found nothing, with others; expected all three, or none"
    ]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("20,1,8", "20,2,8", "patients.csv, row 2, os_event: found '2'"),
        ("20,1,8", "20,yes,8", "patients.csv, row 2, os_event: found 'yes'"),
        ("120,1,", "120,yes,", "patients.csv, row 2, recurrence: found 'yes'"),
        ("20,1,8", "-20,1,8", "patients.csv, row 2, os_months: found '-20'"),
        ("20,1,8", ",1,8", "patients.csv, row 2, os_months: found nothing, with os_event 1"),
        ("70,0,70,0", "70,0,70,", "patients.csv, row 3, dfs_event: found nothing, with dfs_months 70"),
        ("P2,40", "P1,40", "patients.csv, row 3, patient: found 'P1', as in row 2"),
        ("P2,40", "P2,high", "patients.csv, row 3, score: found 'high'"),
        ("P2,40", ",40", "patients.csv, row 3, patient: found nothing"),
        ("patient,score", "case,score", "patients.csv, row 1, patient: found no such column"),
    ],
)
def test_patients__are_refused_with_the_place_of_what_is_wrong(gate, old, new, found):
    lines = said(gate, old, new)
    assert len(lines) == 1
    assert lines[0].startswith(found)


def test_patients__are_grouped_by_columns_that_are_there(gate):
    lines = said(gate, survival_groups="score_group,Stagee")
    assert len(lines) == 1
    assert lines[0].startswith(
        "--survival_groups: found 'Stagee' (perhaps stage); expected columns of patients.csv"
    )
    assert said(gate, survival_groups="stage") == []
    lines = said(gate, "90,1,30,1,12,1,,IV", "90,1,30,1,12,1,,iv", survival_groups="stage")
    assert lines == ["patients.csv, row 4, stage: found 'iv' beside 'IV'; expected one spelling"]


TUMOURS = "P1.T,P1,primary,A.P_1.fq.gz,A.P_2.fq.gz\nP1.R,P1,recurrent,A.CR_1.fq.gz,A.CR_2.fq.gz\n"


def with_tumours(
    gate: Gate, old: str = "", new: str = "", patients: bool = True, **given: object
) -> list[str]:
    """What is said of a patient's tumours among the amplicons' lines, with something replaced."""
    first, rest = AMPLICONS.split("\n", 1)
    sheet = f"{first}\n{TUMOURS}" + "\n".join(row for row in rest.split("\n") if row.startswith("B"))
    assert old in sheet
    given |= {"amplicons.csv": sheet.replace(old, new) + "\n", "patients.csv": SHEET}
    return gate.amplicons(**given | ({"patients": "patients.csv"} if patients else {}))


def test_tumours__are_lines_called_as_their_patient(gate):
    assert with_tumours(gate) == []
    rows = {
        row["sample"]: (row["line"], row["condition"], row["role"]) for row in gate.table("amplicons.tsv")
    }
    assert rows["P1.T"] == ("P1", "primary", "other")
    assert rows["P1.R"] == ("P1", "recurrent", "other")
    assert plan(gate)["mmc_candidates"] == ("yes", "amplicons given")
    assert plan(gate)["biomarker_cutoff"][0] == "yes"


def test_tumours__may_be_the_conditions_that_are_compared(gate):
    ends = {"reference_condition": "primary", "target_condition": "recurrent"}
    first, _ = AMPLICONS.split("\n", 1)
    given = {"amplicons.csv": f"{first}\n{TUMOURS}", "patients.csv": SHEET, "patients": "patients.csv"}
    assert gate.amplicons(**given, **ends) == []
    assert [row["role"] for row in gate.table("amplicons.tsv")] == ["reference", "target"]


def test_tumours__are_of_patients_that_are_in_the_sheet(gate):
    lines = with_tumours(gate, ",P1,primary", ",P11,primary")
    assert lines == [
        "amplicons.csv, row 2, line: found 'P11' (perhaps P1), with condition primary; expected a patient of "
        "patients.csv: this is a condition of patients' tumours"
    ]
    lines = with_tumours(gate, patients=False)
    assert lines[0].startswith("amplicons.csv, row 2, condition: found 'primary'; expected one of parental")


def test_tumours__are_not_the_cultures_of_a_patient(gate):
    assert with_tumours(gate, ",B,", ",P2,") == []
    note = "P2 is a line as well: scores are evidence on samples whose condition is primary or recurrent"
    assert f"patients.csv: {note}" in gate.notes()


def test_patients__alone_have_no_call_and_the_plan_says_why(gate):
    assert said(gate) == []
    planned, reason = plan(gate)["mmc_candidates"]
    assert planned == "no"
    assert reason == "counts or FASTQ or BAM or amplicons or assays or dose_response not given"
