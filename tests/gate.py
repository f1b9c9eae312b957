"""Run the gate on a study that is given as text, and read what it says and writes."""

import csv
import json
import re
import shutil
from pathlib import Path

from check_inputs import ASSETS, REFERENCES, SHEETS, main
from conftest import ROOT

SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
DEFAULTS = {
    name: spec.get("default")
    for group in SCHEMA["$defs"].values()
    for name, spec in group["properties"].items()
}
SAMPLES = [
    (f"{line}.{code}{replicate}", line, condition, str(replicate))
    for line in "AB"
    for code, condition in (("P", "parental"), ("CR", "resistant"))
    for replicate in (1, 2)
]
TAB = "\t"
READ = [*SHEETS, "gene_sets", "rules", *ASSETS]
# Sheets whose cells name files, and how those end; and those whose files the gate reads.
READS = r"\.(fastq|fq|fastq\.gz|fq\.gz|bam|cram|ab1|abi)\W*$"
TABLES = r"\.(maf|txt|tsv|csv|bed)(\.gz)?\W*$"
NAMING = {"rnaseq": READS, "amplicons": READS, "sanger": READS, "cohorts": TABLES, "panels": TABLES}
STAGED = ("cohorts", "panels")
LIBRARIES = [
    (f"{line}.{code}", line, condition)
    for line in "AB"
    for code, condition in (("P", "parental"), ("CR", "resistant"))
]
AMPLICONS = "sample,line,condition,fastq_1,fastq_2\n" + "".join(
    f"{','.join(row)},{row[0]}_1.fq.gz,{row[0]}_2.fq.gz\n" for row in LIBRARIES
)
BORDERS = ["chrom", "start", "end", "amplicon", "pool", "left_start", "left_end", "right_start", "right_end"]
PRIMERS = "".join(
    "\t".join(map(str, row)) + "\n"
    for row in (
        BORDERS,
        ["chr19", 100, 300, "KEAP1_1", 1, 100, 120, 280, 300],
        ["chr19", 250, 450, "KEAP1_2", 2, 250, 270, 430, 450],
    )
)
RUN = {
    **{"name": "nrf2flow", "version": "1.0", "nextflow": "25.04.0", "profile": "standard"},
    **dict.fromkeys(("repository", "revision", "commitId")),
}
NAMES = [sample for sample, *_ in SAMPLES]
RNASEQ = "sample,line,condition,replicate\n" + "".join(",".join(row) + "\n" for row in SAMPLES)
COUNTS = "".join(
    "\t".join(map(str, row)) + "\n"
    for row in (
        ["gene_id", "gene_name", *NAMES],
        ["ENSG00000181019.13", "NQO1", *range(8)],
        ["ENSG00000001084.13", "GCLC", *range(10, 18)],
        ["ENSG00000023909.10", "", *range(5, 13)],
    )
)


class Gate:
    """Runs the command on a study in a folder: text or bytes by file name, and parameters.

    Files of reads and references are as large as their text here; a folder is None.
    """

    def __init__(self, run_script, folder: Path):
        self.run_script, self.folder, self.results = run_script, folder, folder / "results"

    def say(self, files: dict[str, str | bytes], **given: object) -> list[str]:
        """Return what is wrong, a problem a line."""
        shutil.rmtree(self.results, ignore_errors=True)
        shutil.rmtree(self.folder / "sheets", ignore_errors=True)
        values = DEFAULTS | {"gene_sets": "none"} | given
        listed = []
        for name in READ:
            for path in (str(values[name]) if values[name] else "").split(","):
                shipped = path == "shipped"
                pattern = {"gene_sets": "gene_sets/*.gmt", "rules": "mmc_rules.yml"}.get(name, f"{name}.tsv")
                found = sorted((ROOT / "assets").glob(pattern))
                for source in found if shipped else [Path(path)] * (path in files):
                    origin = "shipped" if shipped else "simulated" if given.get("simulate") else "given"
                    listed.append(
                        {"parameter": name, "path": path if not shipped else source.name, "origin": origin}
                    )
                    content = source.read_bytes() if shipped else files[path]
                    self.stage(len(listed), source.name, content)
        references = [
            {"parameter": name, "path": values[name], "origin": "given", **self.seen(files, values[name])}
            for name in REFERENCES
            if values[name]
        ]
        paths, tables = [], []
        for name, ending in NAMING.items():
            sheet = files.get(values[name], "")
            text = sheet.decode(errors="replace") if isinstance(sheet, bytes) else sheet
            cells = dict.fromkeys(re.split(r"[,\t\r\n]+", text))
            its = dict.fromkeys(cell.strip(' "') for cell in cells if re.search(ending, cell))
            paths += [{"sheet": name, "cell": cell, **self.seen(files, cell)} for cell in its]
            for cell in [cell for cell in its if name in STAGED and files.get(cell)]:
                tables.append({"sheet": name, "cell": cell})
                self.stage(len(listed) + len(tables), cell, files[cell])
        if given.get("simulate"):
            values |= dict.fromkeys([*SHEETS, *REFERENCES])
        values_file = self.folder / "values.json"
        inputs = {"parameters": values, "run": RUN, "files": listed, "tables": tables}
        values_file.write_text(json.dumps(inputs | {"references": references, "paths": paths}))
        result = self.run_script(
            main, values=values_file, schema=ROOT / "nextflow_schema.json",
            sheets=self.folder / "sheets", results=self.results,
        )  # fmt: skip
        first, *lines = result.output.splitlines() or [""]
        assert result.exit_code == (1 if lines else 0)
        assert self.results.exists() == (not lines), "nothing is written when something is wrong"
        assert first == "" or (
            first.startswith("Error: ") and first.endswith(" to put right before anything runs:")
        )
        return lines

    def stage(self, number: int, name: str, content: str | bytes) -> None:
        """Lay a file where the gate reads it."""
        staged = self.folder / "sheets" / str(number) / Path(name).name
        staged.parent.mkdir(parents=True)
        staged.write_bytes(content if isinstance(content, bytes) else content.encode())

    @staticmethod
    def seen(files: dict[str, str | bytes | None], path: str) -> dict[str, object]:
        """Say what Nextflow sees of a file that is not read here."""
        name = path.removeprefix("./")
        kind = "folder" if name in files and files[name] is None else "file"
        uri = name if "://" in name else f"/study/{name}"
        return {"uri": uri, "exists": name in files, "kind": kind, "size": len(files.get(name) or "")}

    def study(self, rnaseq: str | bytes = RNASEQ, counts: str | bytes = COUNTS, **given: object) -> list[str]:
        """Check a study of rnaseq.csv, counts.tsv and further files (given by name with a dot in it)."""
        files = {name: given.pop(name) for name in list(given) if "." in name}
        return self.say(
            {"rnaseq.csv": rnaseq, "counts.tsv": counts, **files},
            **{"rnaseq": "rnaseq.csv", "counts": "counts.tsv"} | given,
        )

    def contrasts(self, *rows: str, rnaseq: str = RNASEQ, counts: str = COUNTS, **given: object) -> list[str]:
        """Check a study with these rows in its contrasts sheet."""
        sheet = "\n".join(["contrast,reference,target,lines,blocking", *rows, ""])
        return self.study(rnaseq, counts, **{"contrasts.csv": sheet}, contrasts="contrasts.csv", **given)

    def amplicons(self, **given: object) -> list[str]:
        """Check a study of AMPLICONS and PRIMERS, with their reads, a genome, and what is given."""
        files = {
            **{
                "amplicons.csv": AMPLICONS,
                "primers.tsv": PRIMERS,
                "genome.fa": ">a\nA\n",
                "genes.gtf": "a\n",
            },
            **{f"{name}_{mate}.fq.gz": "reads" for name, *_ in LIBRARIES for mate in (1, 2)},
            **{name: given.pop(name) for name in list(given) if "." in name},
        }
        sheets = {"amplicons": "amplicons.csv", "primers": "primers.tsv"}
        return self.say(files, **sheets | {"fasta": "genome.fa", "gtf": "genes.gtf"} | given)

    def table(self, name: str) -> list[dict[str, str]]:
        """Read a table that was written."""
        with (self.results / name).open(newline="") as table:
            return list(csv.DictReader(table, delimiter="\t"))

    def notes(self) -> list[str]:
        return [f"{row['sheet']}: {row['note']}" for row in self.table("notes.tsv")]
