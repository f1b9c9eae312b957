"""The gate on bench assays: plates, pairs of curves, measurements and PCR wells."""

import pytest
from gate import Gate

HEADER = "experiment,plate,well,line,condition,compound,dose,dose_unit,response,role,modulator,modulator_dose"
HEADER += ",modulator_unit"


def plate(experiment: int = 1, name: str = "p") -> list[str]:
    """Wells of a plate: blank, vehicle, three doses in two conditions, one of them with a modulator too."""
    rows = [
        f"{experiment},{name},A1,,,,,,0.05,blank,,,",
        f"{experiment},{name},A2,A,parental,,,,1.0,vehicle,,,",
    ]
    rows += [f"{experiment},{name},A3,A,resistant,,,,1.1,vehicle,,,"]
    for column, dose in enumerate(("0.5", "5", "50"), start=4):
        rows.append(f"{experiment},{name},A{column},A,parental,cisplatin,{dose},ug/mL,0.6,sample,,,")
        rows.append(f"{experiment},{name},B{column},A,resistant,cisplatin,{dose},ug/mL,0.9,sample,,,")
        rows.append(f"{experiment},{name},C{column},A,parental,cisplatin,{dose},ug/mL,0.8,sample,NAC,5,mM")
    return rows


PLATES = "\n".join([HEADER, *plate(1), *plate(2)]) + "\n"
COMPARISONS = (
    "comparison,line_1,condition_1,compound_1,modulator_1,modulator_dose_1,"
    "line_2,condition_2,compound_2,modulator_2,modulator_dose_2\n"
    "rescue,A,parental,cisplatin,NAC,5.0,A,resistant,cisplatin,,\n"
)
ASSAYS = (
    "assay,line,condition,replicate,value,normaliser,treatment,treatment_dose,treatment_unit,call\n"
    "are_reporter,A,parental,1,10,2,,,,\nare_reporter,A,resistant,1,30,2,,,,\n"
    "cellrox,A,parental,1,5,,cisplatin,3,µM,\nnqo1_protein,A,resistant,1,,,,,,absent\n"
)
QPCR = (
    "plate,well,gene,role,quantity,ct,line,condition,replicate\n"
    "q,a01,NQO1,standard,1,20.5,,,\nq,A2,GAPDH,standard,1,15,,,\n"
    "q,A3,NQO1,sample,,22,A,parental,1\nq,A4,GAPDH,sample,,16,A,parental,1\nq,A5,NQO1,blank,,Undetermined,,,\n"
)
FILES = {"plates.csv": PLATES, "pairs.csv": COMPARISONS, "assays.csv": ASSAYS, "qpcr.csv": QPCR}
GIVEN = {
    "dose_response": "plates.csv",
    "comparisons": "pairs.csv",
    "assays": "assays.csv",
    "qpcr": "qpcr.csv",
}


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    return Gate(run_script, tmp_path)


def said(gate: Gate, parameter: str, old: str, new: str, **given: object) -> list[str]:
    """What is said of a study with something replaced in one sheet, without what is expected."""
    name = GIVEN[parameter]
    assert old in FILES[name]
    lines = gate.say(FILES | {name: FILES[name].replace(old, new, 1)}, **GIVEN | given)
    return [line.split("; expected")[0] for line in lines]


def test_gate__bench_assays_alone_are_planned_and_written(gate):
    assert gate.say(FILES, **GIVEN) == []
    plan = {row["analysis"]: row["planned"] for row in gate.table("plan.tsv")}
    wanted = {"normalise_plates", "dose_response", "dose_comparison", "relative_quantity", "group_comparison"}
    assert {name for name, planned in plan.items() if planned == "yes"} == wanted | {"mmc_candidates"}
    wells = gate.table("dose_response.tsv")
    assert [row["condition_role"] for row in wells[:3]] == ["", "reference", "target"]
    assert len(wells) == 24
    assert gate.table("assays.tsv")[2]["treatment_unit"] == "uM"
    pcr = gate.table("qpcr.tsv")
    assert (pcr[0]["well"], pcr[4]["ct"], pcr[3]["condition_role"]) == ("A1", "", "reference")
    assert gate.table("comparisons.tsv")[0]["modulator_dose_1"] == "5.0"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("0.5,ug/mL,0.6", "-5,ug/mL,0.6", "plates.csv, row 5, dose: found '-5'"),
        ("0.5,ug/mL,0.6", "10uM,ug/mL,0.6", "plates.csv, row 5, dose: found '10uM'"),
        ("0.5,ug/mL,0.6", "0.5,ug/ml,0.6", "plates.csv, row 5, dose_unit: found 'ug/ml'"),
        ("0.5,ug/mL,0.6", "0.5,,0.6", "plates.csv, row 5, dose_unit: found nothing"),
        ("0.5,ug/mL,0.6", "0.5,ug/mL,nan", "plates.csv, row 5, response: found 'nan'"),
        ("5,ug/mL,0.6,sample", "5,uM,0.6,sample", "plates.csv, row 6, dose_unit: found ug/mL for cisplatin"),
        ("1,p,A2", "1,p,A1", "plates.csv, row 3, well: found '1', 'p', 'A1', as in row 2"),
        ("1,p,A2,A,parental,,", "1,p,A2,,parental,,", "plates.csv, row 3, line: found nothing"),
        ("1,p,A1,,", "1,p,A1,A,", "plates.csv, row 2, line: found 'A'"),
        ("NAC,5,mM", "NAC,,mM", "plates.csv, row 7, modulator_dose: found nothing"),
        (
            "A4,A,parental",
            "A4,A,Parental",
            "plates.csv, row 5, condition: found 'Parental' (perhaps parental)",
        ),
        ("0.05,blank", "0.05,empty", "plates.csv, row 2, role: found 'empty'"),
    ],
)
def test_check_plates__each_fault_is_said(gate, old, new, fault):
    assert any(line.startswith(fault) for line in said(gate, "dose_response", old, new))


def test_check_plates__a_plate_without_vehicle_beside_others_is_said(gate):
    without = [row for row in plate(2) if "vehicle" not in row]
    lines = gate.say(FILES | {"plates.csv": "\n".join([HEADER, *plate(1), *without]) + "\n"}, **GIVEN)
    assert [line.split(";")[0] for line in lines] == [
        "plates.csv, row 14, role: found none on plate p of experiment 2, and some on other plates"
    ]


def test_check_plates__responses_that_are_normalised_already_are_noted(gate):
    rows = [row for row in [*plate(1), *plate(2)] if "sample" in row]
    assert gate.say(FILES | {"plates.csv": "\n".join([HEADER, *rows]) + "\n"}, **GIVEN) == []
    assert any("taken as normalised already" in note for note in gate.notes())


def test_check_plates__plates_without_blanks_and_lines_without_parental_are_noted(gate):
    rows = [row for row in plate(1) if "blank" not in row and "parental" not in row]
    files = {"plates.csv": "\n".join([HEADER, *rows]) + "\n"}
    assert gate.say(files, dose_response="plates.csv") == []
    assert gate.notes() == [
        "plates.csv: no blank wells on plate p of experiment 1: nothing is subtracted there",
        "plates.csv: line A has nothing parental: nothing is compared with it",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("A,parental,cisplatin", "B,parental,cisplatin", "pairs.csv, row 2, line_1: found 'B'"),
        ("NAC,5.0", "NAC,6", "pairs.csv, row 2, line_1: found no such curve (A parental cisplatin NAC 6)"),
        (
            "NAC,5.0,A,resistant,cisplatin",
            ",,A,parental,cisplatin",
            "pairs.csv, row 2, line_2: found the same",
        ),
    ],
)
def test_check_comparisons__curves_that_are_not_there_are_said(gate, old, new, fault):
    assert any(line.startswith(fault) for line in said(gate, "comparisons", old, new))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("30,2", "30,0", "assays.csv, row 3, normaliser: found 0"),
        ("1,,,,,,absent", "1,,,,,,", "assays.csv, row 5, value: found nothing, and no call"),
        ("cisplatin,3,µM", "cisplatin,3,", "assays.csv, row 4, treatment_unit: found nothing"),
        ("cisplatin,3,µM", ",3,µM", "assays.csv, row 4, treatment: found nothing, with a dose"),
        (
            "are_reporter,A,resistant,1,30",
            "are_reporter,A,parental,1,10",
            "assays.csv, row 3, assay, line, condition",
        ),
    ],
)
def test_check_assays__each_fault_is_said(gate, old, new, fault):
    assert any(line.startswith(fault) for line in said(gate, "assays", old, new))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("standard,1,20.5", "standard,,20.5", "qpcr.csv, row 2, quantity: found nothing"),
        ("sample,,22,A", "sample,,22,", "qpcr.csv, row 4, line: found nothing"),
        ("q,A2", "q,A1", "qpcr.csv, row 3, well: found 'q', 'A1', as in row 2"),
        ("sample,,22", "sample,,high", "qpcr.csv, row 4, ct: found 'high'"),
    ],
)
def test_check_qpcr__each_fault_is_said(gate, old, new, fault):
    assert any(line.startswith(fault) for line in said(gate, "qpcr", old, new))


def test_check_assays__several_measurements_of_a_replicate_are_noted(gate):
    row = "are_reporter,A,parental,1,10,2,,,,\n"
    again = FILES["assays.csv"] + row.replace(",10,", ",11,")
    assert gate.say(FILES | {"assays.csv": again}, **GIVEN) == []
    assert any("1 further rows of a replicate, row 6 the first" in note for note in gate.notes())
    (said,) = gate.say(FILES | {"assays.csv": FILES["assays.csv"] + row}, **GIVEN)
    assert said.startswith("assays.csv, row 6, assay, line, condition, replicate, value, normaliser: found")


def test_check_qpcr__housekeeping_calibrator_and_reference_group_are_held_to_the_sheets(gate):
    given = {"housekeeping": "ACTB", "calibrator": "B.parental", "reference_group": "A.untreated"}
    lines = gate.say(FILES, **GIVEN, **given)
    assert [line.split(";")[0] for line in lines] == [
        "--housekeeping: found 'ACTB'",
        "--reference_group: found 'A.untreated'",
        "--calibrator: found 'B.parental' (perhaps A.parental)",
    ]
