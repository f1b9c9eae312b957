"""Check that the sheets of bench assays go together: plates, pairs of curves, measurements, PCR wells."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from common.sheets import Problems, check_conditions, check_once, listed, meant, shown

CURVE = ("line", "condition", "compound", "modulator", "modulator_dose")
OF_CELLS = ("line", "condition")  # what wells with cells have
MICRO = str.maketrans("µμ", "uu")  # two signs that look alike


def check_filled(
    name: str, rows: pd.DataFrame, columns: tuple[str, ...], what: str, problems: Problems
) -> None:
    """Find the rows that leave one of the columns empty; `what` says what they are."""
    for column in columns:
        for row in rows.index[rows[column].eq("")]:
            problems.add(f"{name}, row {row}, {column}", "nothing", f"a value in {what}")


def check_empty(
    name: str, rows: pd.DataFrame, columns: tuple[str, ...], what: str, problems: Problems
) -> None:
    """Find the rows that fill one of the columns."""
    for column in columns:
        filled = rows[column].fillna("").ne("")
        for row, cell in rows[column][filled].items():
            problems.add(f"{name}, row {row}, {column}", shown(cell), f"nothing in {what}")


def check_dose(name: str, table: pd.DataFrame, dose: str, unit: str, problems: Problems) -> None:
    """Find doses without a unit, and units without a dose."""
    given = table[[dose, unit]].dropna()
    for row in given.index[given[dose].ne("") & given[unit].eq("")]:
        problems.add(f"{name}, row {row}, {unit}", f"nothing, with {dose} {given[dose][row]}", "a unit")
    for row in given.index[given[dose].eq("") & given[unit].ne("")]:
        problems.add(f"{name}, row {row}, {dose}", f"nothing, with {unit} {given[unit][row]}", "a dose")


def check_units(name: str, table: pd.DataFrame, of: str, unit: str, problems: Problems) -> None:
    """Find a compound (or an assay's treatment) whose doses come in two units."""
    rows = table[[of, unit]].dropna()
    for what, units in rows[rows[of].ne("") & rows[unit].ne("")].groupby(of, sort=False)[unit]:
        first = units.iloc[0]
        other = units[units.str.translate(MICRO) != first.translate(MICRO)]
        if len(other):
            found = f"{other.iloc[0]} for {what}, which has {first} in row {units.index[0]}"
            problems.add(f"{name}, row {other.index[0]}, {unit}", found, "one unit for each compound")


def plain_well(well: str) -> str:
    """Write a well in one form: a01 is A1."""
    return f"{well[0].upper()}{int(well[1:])}"


def check_wells(name: str, places: pd.DataFrame, problems: Problems) -> None:
    """Find wells that are there twice; `places` are columns that name a plate, then the well."""
    first: dict[tuple[str, ...], int] = {}
    known = places.dropna()
    for row, *plate, well in known[known.well.ne("")].itertuples(name=None):
        check_once(f"{name}, row {row}, well", (*plate, plain_well(well)), row, first, problems)


def check_plates(name: str, wells: pd.DataFrame, problems: Problems) -> None:
    """Check the wells of plates: each once, vehicles where others have some, doses with their units."""
    known = wells[wells.role.notna()]
    samples, blanks = known[known.role.eq("sample")], known[known.role.eq("blank")]
    check_filled(name, samples, (*OF_CELLS, "compound", "dose", "dose_unit"), "a sample well", problems)
    check_filled(name, known[known.role.eq("vehicle")], OF_CELLS, "a vehicle well", problems)
    check_empty(name, blanks, (*OF_CELLS, "compound", "dose", "modulator"), "a blank well", problems)
    vehicles = known[known.role.eq("vehicle")]
    for row, dose in vehicles.dose.dropna().items():
        if dose and float(dose):
            problems.add(f"{name}, row {row}, dose", dose, "0, or nothing, in a vehicle well")
    check_dose(name, known[known.role.eq("sample")], "modulator_dose", "modulator_unit", problems)
    for row in samples.index[samples.modulator.fillna("").ne("") & samples.modulator_dose.eq("")]:
        found = f"nothing, with modulator {samples.modulator[row]}"
        problems.add(f"{name}, row {row}, modulator_dose", found, "its dose")
    for row, dose in samples.modulator_dose.dropna().items():
        if dose and not float(dose):
            problems.add(f"{name}, row {row}, modulator_dose", dose, "more than 0, or no modulator")
    check_units(name, known, "compound", "dose_unit", problems)
    check_units(name, known, "modulator", "modulator_unit", problems)

    check_wells(name, wells[["experiment", "plate", "well"]], problems)
    check_vehicles(name, known, problems)


def check_vehicles(name: str, wells: pd.DataFrame, problems: Problems) -> None:
    """Note sheets without vehicle or blank wells; find plates without vehicle where others have some."""
    roles = {key: set(rows.role) for key, rows in wells.groupby(["experiment", "plate"], sort=False)}
    if not any("vehicle" in has for has in roles.values()):
        problems.note(name, "no vehicle wells: responses are taken as normalised already, in whatever unit")
        return
    for (experiment, plate), has in roles.items():
        if "vehicle" not in has and "sample" in has:
            where = wells.index[wells.experiment.eq(experiment) & wells.plate.eq(plate)][0]
            found = f"none on plate {plate} of experiment {experiment}, and some on other plates"
            problems.add(f"{name}, row {where}, role", found, "vehicle wells on each plate, or on none")
    lacking = [
        f"{plate} of experiment {experiment}"
        for (experiment, plate), has in roles.items()
        if "blank" not in has
    ]
    if lacking:
        problems.note(name, f"no blank wells on plate {listed(lacking)}: nothing is subtracted there")


def check_comparisons(
    name: str, comparisons: pd.DataFrame, wells: pd.DataFrame | None, sheet: str, problems: Problems
) -> None:
    """Find curves that the plates do not have; `sheet` is what problems call the plates."""
    if wells is None:
        return
    samples = wells[wells.role.eq("sample")]
    known = {curve_of(row) for row in samples[list(CURVE)].fillna("").itertuples(index=False, name=None)}
    for end in ("1", "2"):
        columns = [f"{column}_{end}" for column in CURVE]
        for row, *cells in comparisons[columns].dropna().itertuples(name=None):
            for column, of, cell in zip(columns[:3], CURVE, cells, strict=False):
                values = [value for value in samples[of].dropna().unique() if value]
                if cell not in values:
                    expected = f"a {of} of {sheet}: {listed(values)}"
                    problems.add(
                        f"{name}, row {row}, {column}", f"{shown(cell)}{meant(cell, values)}", expected
                    )
                    break
            else:
                if curve_of(cells) not in known:
                    said = " ".join(filter(None, cells))
                    problems.add(
                        f"{name}, row {row}, {columns[0]}", f"no such curve ({said})", f"one of {sheet}"
                    )
    pairs = comparisons[[f"{column}_{end}" for end in "12" for column in CURVE]].dropna()
    for row, *cells in pairs.itertuples(name=None):
        if curve_of(cells[: len(CURVE)]) == curve_of(cells[len(CURVE) :]):
            problems.add(f"{name}, row {row}, line_2", "the same curve as the first", "another curve")


def curve_of(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Identify a curve, its modulator's dose by value."""
    *names, dose = cells
    return (*names, str(float(dose)) if dose else "")


def check_assays(name: str, assays: pd.DataFrame, problems: Problems) -> None:
    """Find rows without value and call, normalisers that are not above 0, and doses that go with nothing."""
    for row in assays.index[assays.value.eq("") & assays.call.eq("")]:
        problems.add(f"{name}, row {row}, value", "nothing, and no call", "a number, or a call")
    for row, cell in assays.normaliser.dropna().items():
        if cell and float(cell) <= 0:
            problems.add(f"{name}, row {row}, normaliser", cell, "a number above 0")
    for assay, rows in assays.groupby("assay", sort=False):
        lacking = rows.normaliser.eq("") & rows.value.ne("")
        if lacking.any() and not lacking[rows.value.ne("")].all():
            first = rows.index[lacking][0]
            problems.note(name, f"row {first} of {assay} has no normaliser, and others have: it is left out")
    repeated = assays.duplicated(["assay", "line", "condition", "replicate", "treatment", "treatment_dose"])
    if repeated.any():
        found = f"{repeated.sum()} further rows of a replicate, row {assays.index[repeated][0]} the first"
        problems.note(name, f"{found}: technical measurements, which are averaged")
    check_dose(name, assays, "treatment_dose", "treatment_unit", problems)
    for row in assays.index[assays.treatment.eq("") & assays.treatment_dose.fillna("").ne("")]:
        problems.add(f"{name}, row {row}, treatment", "nothing, with a dose", "the treatment's name")
    check_units(name, assays, "treatment", "treatment_unit", problems)


def check_qpcr(name: str, wells: pd.DataFrame, right: Mapping, problems: Problems) -> None:
    """Check the wells of PCR plates, and that the housekeeping genes are among the genes."""
    known = wells[wells.role.notna()]
    check_filled(name, known[known.role.eq("standard")], ("quantity",), "a standard", problems)
    samples = known[known.role.eq("sample")]
    check_filled(name, samples, (*OF_CELLS, "replicate"), "a sample well", problems)
    check_empty(name, samples, ("quantity",), "a sample well: it is what is looked for", problems)
    for row, cell in known.quantity[known.role.eq("standard")].dropna().items():
        if cell and not float(cell):
            problems.add(f"{name}, row {row}, quantity", cell, "a number above 0")
    check_wells(name, wells[["plate", "well"]], problems)
    genes = list(wells.gene.dropna().unique())
    for gene in str(right.get("housekeeping", "")).split(",") if len(samples) else ():
        if gene and gene not in genes:
            expected = f"genes of {name}: {listed(genes)}"
            problems.add("--housekeeping", f"{shown(gene)}{meant(gene, genes)}", expected)


def check_group(option: str, group: str, groups: Iterable[str], sheet: str, problems: Problems) -> None:
    """Check a group that a parameter names as line.condition."""
    known = list(groups)
    if group and group not in known:
        expected = f"a group of {sheet}, as line.condition: {listed(known)}"
        problems.add(f"--{option}", f"{shown(group)}{meant(group, known)}", expected)


def groups_of(table: pd.DataFrame) -> list[str]:
    """Name the groups of a sheet: line.condition."""
    rows = table[["line", "condition"]].dropna().drop_duplicates()
    return [f"{line}.{condition}" for line, condition in rows.itertuples(index=False) if line and condition]


def in_one_form(tables: Mapping[str, pd.DataFrame]) -> None:
    """Write wells as A1, units with u for micro, and threshold cycles that were not reached as nothing."""
    for name in ("dose_response", "assays", "qpcr"):
        table = tables.get(name, pd.DataFrame())
        for column in table:
            if column == "well":
                wells = table[column].fillna("")
                table[column] = wells.map(lambda well: well and plain_well(well))
            elif column.endswith("_unit"):
                table[column] = table[column].str.translate(MICRO)
            elif column == "ct":
                table[column] = table[column].where(table[column].str.match(r"[0-9.]", na=False), "")


def note_one_sided(name: str, rows: pd.DataFrame, reference: str, problems: Problems) -> None:
    """Note the lines that have no cells of the reference condition: nothing of theirs can be compared."""
    for line, its in rows[rows.line.ne("")].groupby("line", sort=False):
        if reference not in set(its.condition.dropna()):
            problems.note(name, f"line {line} has nothing {reference}: nothing is compared with it")


def check_bench(
    names: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    right: Mapping,
    conditions: Sequence[str],
    problems: Problems,
) -> None:
    """Check the sheets of plates, pairs of curves, measurements and PCR wells, as far as they are given.

    `names` (as problems call them) and `tables` are by parameter; `conditions` are those that cells may have.
    """
    plates, assays, qpcr = (tables.get(name) for name in ("dose_response", "assays", "qpcr"))
    if plates is not None:
        check_plates(names["dose_response"], plates, problems)
    if "comparisons" in tables:
        sheet = names.get("dose_response", "")
        check_comparisons(names["comparisons"], tables["comparisons"], plates, sheet, problems)
    if assays is not None:
        check_assays(names["assays"], assays, problems)
    if qpcr is not None:
        check_qpcr(names["qpcr"], qpcr, right, problems)
    for name in ("dose_response", "assays", "qpcr"):
        if name in tables:
            cells = tables[name][tables[name].condition.ne("")]
            check_conditions(names[name], cells, conditions, problems)
            note_one_sided(names[name], cells, right["reference_condition"], problems)
    measured = [name for name in ("assays", "qpcr") if name in tables]
    for option, sheets in (("reference_group", measured), ("calibrator", [*{"qpcr"} & {*measured}])):
        if sheets and right.get(option):
            groups = [group for name in sheets for group in groups_of(tables[name])]
            check_group(option, right[option], groups, " or ".join(names[name] for name in sheets), problems)
