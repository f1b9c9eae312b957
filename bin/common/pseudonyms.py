"""Call patients and their tumours by other names, so that nothing that is published tells who they are.

Patients are P001, P002, ... by the rows of the patients sheet; samples of a cohort <cohort>.S0001, ... by the
rows of its list, and patients whom only that list names <cohort>.P0001, ... by their first row. So the sheets
are the key. A name has one pseudonym, whatever sheet it stands in, and no two names have the same: results
differ in names alone. A line that is a patient (or a sample of a cohort) is called likewise, and its samples
<pseudonym>.1, ... in the order of the sheets.

Names that someone chose freely (of contrasts, plates, files) are searched for these ids as well, unless
an id is a number or shorter than LEAST: those would be found where nobody is meant.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

import pandas as pd

from common.sheets import Problems, shown

LEAST = 3  # characters
NAMED = ("patient", "line", "line_1", "line_2", "sample")  # columns that hold names of what is studied
LIBRARIES = ("rnaseq", "amplicons")  # the sheets that name samples
# Columns of names that someone chose; of the rnaseq sheet all further ones, too.
CHOSEN = {
    **{"rnaseq": ("replicate",), "contrasts": ("contrast",), "comparisons": ("comparison",)},
    **{"dose_response": ("experiment", "plate"), "assays": ("replicate",), "qpcr": ("plate", "replicate")},
}


class Pseudonyms:
    """What everyone is called by."""

    def __init__(self, patients: Iterable[str | None], cohorts: Iterable[pd.DataFrame]) -> None:
        """Name patients, and samples and patients of cohorts (cohort, sample, patient), in order."""
        self.names: dict[str, str] = {}
        self.samples: dict[str, str] = {}  # of lines that are patients
        self.take(list(patients), "P", 3)
        for cohort in cohorts:
            for stem, column in (("S", "sample"), ("P", "patient")):
                self.take(list(cohort[column]), f"{next(iter(cohort.cohort), '')}.{stem}", 4)
        told = [name for name in self.names if len(name) >= LEAST and not name.isdecimal()]
        self.told = {name.lower(): self.names[name] for name in told}
        # The longest first, and each where it is not a part of a longer word or number.
        words = (apart(name) for name in sorted(told, key=len, reverse=True))
        self.pattern = re.compile("|".join(words), re.IGNORECASE) if told else None

    def take(self, names: list[str | None], stem: str, digits: int) -> None:
        """Name those that have no name yet, by their place."""
        digits = max(digits, len(str(len(names))))
        for place, name in enumerate(names, start=1):
            if name:
                self.names.setdefault(name, f"{stem}{place:0{digits}}")

    def take_samples(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Name the samples of lines that are patients."""
        libraries = [tables[name][["line", "sample"]] for name in LIBRARIES if name in tables]
        pairs = [pair for table in libraries for pair in table.dropna().itertuples(index=False, name=None)]
        of: dict[str, int] = {}
        for line, sample in pairs:
            if line in self.names and sample not in self.names and sample not in self.samples:
                of[line] = of.get(line, 0) + 1
                self.samples[sample] = f"{self.names[line]}.{of[line]}"

    def within(self, text: str) -> str:
        """Replace the ids in a name that someone chose."""
        if self.pattern is None:
            return text
        return self.pattern.sub(lambda found: self.names.get(found[0], self.told[found[0].lower()]), text)

    def of(self, name: str) -> str:
        """Return what a patient, a line or a sample is called by."""
        return self.names.get(name) or self.samples.get(name) or self.within(name)

    def of_file(self, path: str) -> str:
        """Return what a file or folder is called by: its name without the folders that it is in."""
        return self.within(PurePosixPath(path).name)


def apart(name: str) -> str:
    """Write the pattern of a name that no letter or digit makes longer: PAT1 is in PAT1T, not in PAT12."""
    ends = [r"\d" if end.isdigit() else "[a-z]" for end in (name[0], name[-1])]
    return f"(?<!{ends[0]}){re.escape(name)}(?!{ends[1]})"


def hide(
    names: Mapping[str, str],
    tables: dict[str, pd.DataFrame],
    columns: Mapping[str, Iterable[str]],
    pseudonyms: Pseudonyms,
    problems: Problems,
) -> None:
    """Put pseudonyms into sheets; find names that would then be those of others.

    `names` (as problems call them), `tables` and `columns` (those of their schemas) are by parameter.
    """
    pseudonyms.take_samples(tables)
    called = {new.lower(): name for name, new in (pseudonyms.names | pseudonyms.samples).items()}
    for parameter, table in tables.items():
        further = [column for column in table if column not in columns[parameter]]
        chosen = [*CHOSEN.get(parameter, ()), *(further if parameter == "rnaseq" else [])]
        for column in [column for column in NAMED if column in table]:
            for row, name in table[column].dropna().drop_duplicates().items():
                new = pseudonyms.of(name)
                if (other := called.setdefault(new.lower(), name)).lower() != name.lower():
                    expected = f"another name: with --pseudonymise {shown(other)} is called {new}"
                    problems.add(f"{names[parameter]}, row {row}, {column}", shown(name), expected)
            table[column] = table[column].map(pseudonyms.of, na_action="ignore")
        for column in chosen:
            if column not in NAMED:
                table[column] = table[column].map(pseudonyms.within, na_action="ignore")
    if "contrasts" in tables:
        lines = tables["contrasts"].lines
        tables["contrasts"]["lines"] = lines.map(
            lambda cell: ";".join(pseudonyms.of(line.strip()) for line in cell.split(";")), na_action="ignore"
        )
