"""Columns of the tables that mutation_frequency writes, and its readers of spectra and of the genome."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pysam

from common.annotation import Transcript
from common.cli import InputError
from common.signature_tables import CONTEXTS
from common.tables import only_file, read_only, read_table
from common.target_sites import find_targets, reason_for

SHARE = ["mutated", "profiled", "frequency", "ci_low", "ci_high"]
ODDS = ["odds_ratio", "odds_low", "odds_high", "p_value", "family", "q_value"]
END = ["status", "reason"]
FREQUENCY = ["gene", "cohort", *SHARE, "not_covered", "family", *END]
PANELS = ["gene", "cohort", "panel", "specimen", "normal", *SHARE, "family", *END]
COMPARISON = [
    *("gene", "cohort_1", "cohort_2", "mutated_1", "profiled_1", "frequency_1"),
    *("mutated_2", "profiled_2", "frequency_2", *ODDS, "confounders", *END),
]
CLASSES = ["gene", "cohort", "class", "protein_changing", "patients", "profiled", "mutations", "variants"]
CLASSES += ["family", *END]
DOMAIN = [
    *("gene", "cohort", "domain", "kind", "start", "end", "residues", "model", "variants", "observed"),
    *("total", "share", "share_low", "share_high", "expected", "expected_share", "ratio", "test"),
    *("statistic", "p_value", "family", "q_value", *END),
]
BETWEEN = [
    *("gene", "cohort_1", "cohort_2", "domain", "kind", "start", "end", "variants", "observed_1"),
    *("total_1", "observed_2", "total_2", "test", "statistic", *ODDS, *END),
]
WHOLE = ["mutated", "profiled", "not_covered", "mutated_1", "profiled_1", "mutated_2", "profiled_2"]
WHOLE += ["patients", "mutations", "start", "end", "residues", "observed", "total"]
WHOLE += ["observed_1", "total_1", "observed_2", "total_2"]
WORDS = {"gene", "cohort", "cohort_1", "cohort_2", "panel", "specimen", "normal", "family", "class"}
WORDS |= {"protein_changing", "domain", "kind", "model", "test", "confounders", *END}
OPPORTUNITIES = dict.fromkeys(["cohort", "panel", "trinucleotide", "reason"], "str") | {"count": "float64"}


class Study(NamedTuple):
    """What is counted: mutations and samples that count, genes that panels cover, genes by family."""

    mutations: pd.DataFrame
    samples: pd.DataFrame
    covered: Mapping[str, set[str]]
    genes: Mapping[str, str]
    cohorts: tuple[str, ...]

    def panels_with(self, gene: str) -> tuple[str, ...]:
        """Return the panels that have a gene, and what stands for exomes."""
        return ("", *(panel for panel, genes in self.covered.items() if gene in genes))


def framed(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Make a table of rows, with these columns and their types."""
    table = pd.DataFrame(list(rows)).reindex(columns=columns)
    whole = [*WHOLE, *(["variants"] if "class" in columns else [])]
    words = WORDS | (set() if "class" in columns else {"variants"})
    kinds = {name: "Int64" if name in whole else "object" if name in words else "float64" for name in columns}
    return table.astype(kinds)


def reason_of(patients: int, profiled: int) -> str:
    """Say of how many patients a gene is not known."""
    if not patients:
        return "no sample of the cohort counts"
    if not profiled:
        return f"no panel of the {patients} patients has the gene"
    lacking = patients - profiled
    return f"{lacking} of {patients} patients were tested with panels without the gene" if lacking else ""


def confounders_of(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Name what differs between the tests of two groups of samples, with the shares of both.

    What is not known of an exome is not named.
    """
    traits = {
        "exomes": lambda own: own.panel == "",
        "liquid specimens": lambda own: own.specimen == "liquid",
        "panels without normal tissue": lambda own: own.normal == "none",
        "panels of which the specimen is not known": lambda own: (own.panel != "") & (own.specimen == ""),
        "panels of which the normal is not known": lambda own: (own.panel != "") & (own.normal == ""),
    }
    said = []
    for name, has in traits.items():
        shares = [f"{100 * has(own).mean():.0f} %" for own in (first, second)]
        if shares[0] != shares[1]:
            said.append(f"{name} {shares[0]} and {shares[1]}")
    return "; ".join(said)


class Spectra:
    """Counts of SBS96 by cohort, and of the trinucleotides of profiled bases by cohort and panel."""

    def __init__(self, matrices: Path, opportunities: Path) -> None:
        """Read both from folders that may be absent or empty."""
        pooled = matrices / "pooled.SBS96.tsv"
        table = pd.DataFrame({"MutationType": CONTEXTS})
        if pooled.is_file():
            table = read_table(pooled, {"MutationType": "str"}, further=True)
        if missing := sorted(set(CONTEXTS) - set(table.MutationType)):
            raise InputError(f"{pooled.name}, MutationType: {len(missing)} of 96 missing ({missing[0]} ...)")
        self.counts = table.set_index("MutationType").loc[CONTEXTS].astype(float)
        found = read_only(opportunities, OPPORTUNITIES)
        found["panel"] = found.panel.fillna("")  # an exome
        known = found["count"].notna()
        self.trinucleotides = {
            key: own.set_index("trinucleotide")["count"]
            for key, own in found[known].groupby(["cohort", "panel"])
        }
        self.why_unknown = found[~known].groupby(["cohort", "panel"]).reason.first().to_dict()

    def lacking(self, cohort: str, panels: Iterable[str]) -> list[str]:
        """Name the panels of a cohort whose trinucleotides are not known, and say why."""
        keys = [(cohort, panel) for panel in panels if (cohort, panel) not in self.trinucleotides]
        said = {key: self.why_unknown.get(key) for key in keys}
        return [f"{panel or 'exomes'}{f' ({why})' if why else ''}" for (_, panel), why in said.items()]


def genome_of(folder: Path) -> Path | None:
    """Return the FASTA of a folder that may have one, with its index beside it."""
    indexes = sorted(folder.glob("*.fai")) if folder.is_dir() else []
    return indexes[0].with_suffix("") if indexes else None


def read_transcripts_of(
    targets: pd.DataFrame, genome: Path | None, annotation: Path
) -> dict[str, Transcript | tuple[str, str]]:
    """Return the named transcript of each target gene; or status and reason, if it is not known."""
    gtf = only_file(annotation)
    lacking = [name for name, path in (("--fasta", genome), ("--gtf", gtf)) if path is None]
    if lacking:
        return dict.fromkeys(targets.gene, ("no_genome", f"needs {' and '.join(lacking)}"))
    with pysam.FastaFile(str(genome)) as sequences:
        found = find_targets(targets, gtf, sequences)
    ids = dict(zip(targets.gene, targets.transcript, strict=True))
    return {
        gene: (each, reason_for(each, ids[gene])) if isinstance(each, str) else each
        for gene, each in found.items()
    }
