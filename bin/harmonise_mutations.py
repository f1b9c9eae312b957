#!/usr/bin/env python3
"""Bring the mutations of cohorts into one table: one dialect, one symbol a gene, one sample a patient.

Dialects   MAF of the GDC (MC3 too), of Oncotator and of cBioPortal, and the table of variants that C-CAT's
           portal exports (common.maf_files). Tumor_Seq_Allele1 is taken where Tumor_Seq_Allele2 is the
           reference.
Counts     A row counts if, in this order: its sample was profiled (else not_profiled, or incomplete if it
           names none); it is somatic (not_somatic) and a small variant (not_small_variant, as fusions and
           copy numbers); it has a position and two alleles (incomplete); FILTER is PASS, `.` or empty, or
           names TOLERATED flags only (filtered; without the column all rows pass); no row above has its
           sample, position and alleles (duplicate); its sample stands for the patient
           (other_sample_of_patient); its gene is on the panel, or its position in a region of the panel
           that names no gene (off_panel). The first that fails is the status.
Patients   One sample stands for a patient of a cohort: a primary tumour before others (told by TCGA's
           barcodes only), an exome before a panel, tissue before blood, the panel with more genes, else
           more bases, and then whichever is listed first.
Symbols    Previous symbols are replaced by those of --gene-aliases, in MAFs and in panels.
Classes    Of Variant_Classification, or, where that is missing, of the change of the protein. The type of a
           variant is told by the lengths of its alleles, whatever the MAF says. Adjacent SNVs of a sample
           stay rows of their own.
Numbering  Residues of target genes count on the named transcript. Rows on an isoform of ISOFORMS are
           renumbered (`remapped`), protein and coding sequence; on another transcript they have no position
           (`other_transcript`); without a transcript they are taken as they are (`transcript_unknown`).

References: GDC MAF format v1.0.0; Ellrott et al. 2018, doi:10.1016/j.cels.2018.03.002 (flags of FILTER);
Mayakonda et al. 2018, doi:10.1101/gr.239244.118 (which classes change the protein); Kohno et al. 2022,
doi:10.1158/2159-8290.CD-22-0417 (C-CAT)
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from common import harmonise_mutations_tables as tables
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.cohort_tables import read_aliases, read_profiled
from common.harmonise_mutations_report import write_report
from common.harmonise_mutations_tables import MUTATIONS, STATUSES
from common.maf_files import (
    FIELDS,
    Coded,
    Maf,
    coded,
    first_number,
    number_of,
    plain,
    read_maf,
    short_changes,
    standard_name,
)
from common.multiqc import write_versions
from common.tables import TARGET_GENES, only_file, read_only, read_table, write_table

COHORTS = {"cohort": "str", "genome_build": "str", "maf": "Int64"}
PANELS = dict.fromkeys(["panel", "specimen", "normal", "gene", "chrom"], "str")
PANELS |= dict.fromkeys(["start", "end"], "Int64")

TOLERATED: frozenset[str] = frozenset()  # flags of FILTER with which a row counts all the same
NOT_SOMATIC = ("germline", "wildtype", "loh", "post-transcriptional modification")
SMALL = ("small_scale_variant",)  # of C-CAT's kinds
NOT_SMALL = ("fusion", "structural_variant", "amplification", "homozygous_deletion")  # of classifications
BASES = re.compile("[ACGTNacgtn]+|-")
TCGA = r"^TCGA-\w\w-\w{4}-(\d\d)"
PRIMARY = ("01", "03", "05", "09")  # primary solid or blood cancer

# Classes of MAF's Variant_Classification; all others are `other`, as Splice_Region and what is unknown.
CLASSES = {
    "missense": ("Missense_Mutation",),
    "truncating": ("Nonsense_Mutation",),
    "frameshift": ("Frame_Shift_Del", "Frame_Shift_Ins"),
    "in_frame": ("In_Frame_Del", "In_Frame_Ins"),
    "splice_site": ("Splice_Site",),
    "start_lost": ("Translation_Start_Site", "Start_Codon_SNP", "Start_Codon_Del", "Start_Codon_Ins"),
    "stop_lost": ("Nonstop_Mutation", "Stop_Codon_Del", "Stop_Codon_Ins"),
    "silent": ("Silent",),
    "non_coding": ("3'UTR", "5'UTR", "3'Flank", "5'Flank", "Intron", "IGR", "RNA", "lincRNA"),
}
CLASS_OF = {name: its for its, names in CLASSES.items() for name in names}
CHANGING = ("missense", "truncating", "frameshift", "in_frame", "splice_site", "start_lost", "stop_lost")

# Ids of isoforms, and how their residues count on the named transcript: from each residue on, so many are
# added. Which ids are of one protein say CCDS and UniProt. NFE2L2 isoform 2 (Q16236-2) begins at residue 17;
# isoform 3 (Q16236-3) lacks residues 135 to 141 too, 21 bases of exon 4. NQO1 isoforms b and c (P15559-2, -3)
# lack exon 5 (residues 140 to 173) and exon 4 (102 to 139). Both transcripts of KEAP1 have one protein.
ISOFORMS = {
    "NFE2L2": (
        ("NP_006155 Q16236-1", ((1, 0),)),
        ("ENST00000397063 ENST00000464747 NM_001145412 NM_001313900 NM_001313901", ((1, 16),)),
        ("NP_001138884 NP_001300829 NP_001300830 Q16236-2", ((1, 16),)),
        ("ENST00000446151 NM_001145413 NP_001138885 Q16236-3", ((1, 16), (119, 23))),
    ),
    "KEAP1": (("ENST00000393623 NM_012289 NP_036421 NP_987096 Q14145", ((1, 0),)),),
    "CUL3": (("NP_003581 Q13618-1", ((1, 0),)),),
    "NQO1": (
        ("NP_000894 P15559-1", ((1, 0),)),
        ("ENST00000379047 NM_001025433 NP_001020604 P15559-2", ((1, 0), (140, 34))),
        ("ENST00000379046 NM_001025434 NP_001020605 P15559-3", ((1, 0), (102, 38))),
    ),
}
ACCESSION = re.compile(r"(?<![A-Z])(?:ENST|NM_|NP_)\d+|[OPQ]\d[A-Z0-9]{3}\d(?:-\d+)?")
CHANGE = r"^p\.(?:[A-Z*]*\d|[?=]$)"  # of a protein; C-CAT says `splice site 672+1G>A` in the same column
Shifts = tuple[tuple[int, int], ...]


# ---- samples and panels


class Panels(NamedTuple):
    """What panels cover, by name: genes, and regions without a gene (chrom, start, end)."""

    genes: dict[str, frozenset[str]]
    regions: dict[str, pd.DataFrame]
    described: pd.DataFrame  # panel: specimen, normal, size (genes), bases


def panels_of(table: pd.DataFrame, aliases: Mapping[str, str]) -> Panels:
    """Gather the genes and regions of each panel; a row is a gene or a region."""
    table = table.assign(gene=table.gene.map(lambda gene: aliases.get(gene, gene), na_action="ignore"))
    genes = {panel: frozenset(own.gene.dropna()) for panel, own in table.groupby("panel", sort=False)}
    unnamed = table[table.gene.isna() & table.start.notna()]
    described = table.groupby("panel", sort=False)[["specimen", "normal"]].first()
    described["size"] = [len(genes[panel]) for panel in described.index]
    described["bases"] = (table.end - table.start).groupby(table.panel).sum().astype(float)
    return Panels(genes, dict(list(unnamed.groupby("panel", sort=False))), described)


def choose_samples(profiled: pd.DataFrame, panels: Panels, with_maf: Mapping[str, bool]) -> pd.DataFrame:
    """Say of each profiled sample whether it counts: status, reason, specimen and normal of its panel."""
    samples = profiled.assign(patient=profiled.patient.fillna(profiled["sample"]))
    samples = samples.join(panels.described, on="panel")
    kind = samples.barcode.str.extract(TCGA, expand=False)
    ranked = pd.DataFrame(
        {
            "later": kind.notna() & ~kind.isin(PRIMARY),
            "panel": samples.panel.notna(),
            "liquid": samples.specimen.eq("liquid"),
            "genes": -samples["size"].fillna(0),
            "bases": -samples.bases.fillna(0),
        }
    )
    order = ranked.sort_values(list(ranked), kind="stable").index
    first = samples.loc[order].groupby(["cohort", "patient"], sort=False)["sample"].transform("first")
    first = first.reindex(samples.index)
    conditions = [~samples.cohort.map(with_maf).astype(bool), first != samples["sample"]]
    samples["status"] = np.select(conditions, ["no_maf", "other_sample_of_patient"], "ok")
    reasons = ["the cohort has a ready matrix, no MAF", samples.patient + " is counted by " + first]
    samples["reason"] = np.select(conditions, reasons, "")
    samples["counts"] = np.where(samples.status == "ok", "yes", "no")
    return samples


def within(regions: pd.DataFrame, position: np.ndarray) -> np.ndarray:
    """Tell of positions (from 1) whether one of a chromosome's regions (as in BED) holds them."""
    ordered = regions.sort_values("start")
    starts, ends = ordered.start.to_numpy(int), np.maximum.accumulate(ordered.end.to_numpy(int))
    before = np.searchsorted(starts, position - 1, side="right") - 1
    return (before >= 0) & (position <= ends[before])


def on_panels(genes: Coded, chrom: Coded, position: np.ndarray, panel: Coded, panels: Panels) -> np.ndarray:
    """Tell of each row whether its panel covers it; without a panel (exome) it is covered.

    Chromosomes may have `chr` before their names or not.
    """
    symbols = pd.Index(genes.words)
    covers = np.array(
        [symbols.isin(panels.genes[name]) if name else np.ones(len(symbols), bool) for name in panel.words]
    )
    covered = covers[panel.codes, genes.codes]
    bare = np.array([name.removeprefix("chr") for name in chrom.words], object)
    for number, name in enumerate(panel.words):
        for region_chrom, regions in panels.regions[name].groupby("chrom") if name in panels.regions else ():
            same = np.flatnonzero(bare == region_chrom.removeprefix("chr"))
            rows = np.flatnonzero((panel.codes == number) & ~covered & np.isin(chrom.codes, same))
            covered[rows] = within(regions, position[rows])
    return covered


# ---- which rows count


def call(maf: Maf, samples: pd.DataFrame) -> Maf:
    """Call the samples of a MAF as the list of samples does, where that has pseudonyms."""
    if samples.barcode.equals(samples["sample"]):
        return maf
    called = dict(zip(samples.barcode, samples["sample"], strict=True)) | {"": ""}
    names = coded(maf.fields["sample"])
    unlisted = [name for name in names.words if name not in called]
    called |= {name: f"not_listed.{number}" for number, name in enumerate(unlisted, start=1)}
    return Maf(maf.fields | {"sample": pa.array(names.map(called.get), pa.string())}, maf.columns)


def passes(flags: str) -> bool:
    """Tell whether a row with this FILTER counts."""
    return all(flag.strip() in {"", ".", "PASS", *TOLERATED} for flag in re.split("[,;|]", flags))


class Verdicts:
    """What becomes of rows: the number of each in STATUSES, and what is said of it (a key of `said`)."""

    def __init__(self, rows: int) -> None:
        """Begin with all rows counting."""
        self.status, self.detail, self.said = np.zeros(rows, np.int8), np.zeros(rows, np.int32), {"": 0}

    def drop(self, status: str, rows: np.ndarray, column: Coded, says: Callable[[str], str]) -> None:
        """Give rows (a mask) a status if they still count, and say something of a column's value."""
        rows = rows & (self.status == 0)
        self.status[rows] = STATUSES.index(status)
        codes = column.codes[rows]
        numbers = np.zeros(len(column.words), np.int32)
        for code in np.unique(codes):
            numbers[code] = self.said.setdefault(says(column.words[code]), len(self.said))
        self.detail[rows] = numbers[codes]


def judge(maf: Maf, samples: pd.DataFrame, panels: Panels, aliases: Mapping[str, str]) -> Verdicts:
    """Say of each row whether it counts; `samples` are those of the cohort, by name."""
    fields = maf.fields
    names, chrom, ref, alt = (coded(fields[field]) for field in ("sample", "chrom", "ref", "alt"))
    position = number_of(fields["position"], pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    verdicts = Verdicts(len(maf))

    def drop_where(status: str, field: str, which: Callable[[str], bool], says: Callable[[str], str]) -> None:
        """Drop rows by a column that the file may lack."""
        if field in fields:
            column = coded(fields[field])
            verdicts.drop(status, column.map(which, bool), column, says)

    verdicts.drop("incomplete", names.map(lambda name: not name, bool), names, lambda _: "no sample")
    unlisted = names.map(lambda name: name not in samples.index, bool)
    verdicts.drop("not_profiled", unlisted, names, lambda _: "")
    drop_where("not_somatic", "origin", lambda value: value.lower() in NOT_SOMATIC, str)
    drop_where("not_small_variant", "kind", lambda value: value not in SMALL, str)
    drop_where("not_small_variant", "classification", lambda value: plain(value) in NOT_SMALL, str)
    lacks = position < 1
    for column in (chrom, ref, alt):
        lacks |= column.map(lambda value: not value, bool)
    verdicts.drop("incomplete", lacks, names, lambda _: "no chromosome, position or allele")
    same = np.asarray(pc.equal(pc.utf8_upper(fields["ref"]), pc.utf8_upper(fields["alt"])))
    verdicts.drop("incomplete", same, names, lambda _: "no allele but the reference")
    for allele in (ref, alt):
        spelt = allele.map(lambda value: bool(BASES.fullmatch(value)), bool)
        verdicts.drop("not_small_variant", ~spelt, allele, lambda _: "an allele is no bases")
    drop_where("filtered", "filter", lambda flags: not passes(flags), lambda flags: f"FILTER {flags}")

    place = pd.DataFrame({"s": names.codes, "c": chrom.codes, "p": position, "r": ref.codes, "a": alt.codes})
    standing = np.flatnonzero(verdicts.status == 0)
    duplicate = np.zeros(len(maf), bool)
    duplicate[standing] = place.iloc[standing].duplicated().to_numpy()
    verdicts.drop(
        "duplicate", duplicate, names, lambda _: "a row above has this sample, position and alleles"
    )
    counting = frozenset(samples.index[samples.counts == "yes"])
    others = names.map(lambda name: name not in counting, bool)
    verdicts.drop("other_sample_of_patient", others, names, lambda _: "samples.tsv says which one counts")
    on = samples.panel.fillna("").to_dict()
    panel = names.recoded(lambda name: on.get(name, ""))
    genes = coded(fields["gene"]).recoded(lambda gene: aliases.get(gene, gene))
    covered = on_panels(genes, chrom, position, panel, panels) if len(maf) else duplicate
    verdicts.drop("off_panel", ~covered, panel, lambda name: f"not on the panel {name}")
    return verdicts


# ---- what counts, in one language


def variant_types(ref: pa.Array, alt: pa.Array) -> np.ndarray:
    """Name each row's type by the lengths of its alleles; `-` has none."""
    length = [
        np.where(np.asarray(pc.equal(allele, "-")), 0, np.asarray(pc.utf8_length(allele)))
        for allele in (ref, alt)
    ]
    kinds = [length[0] < length[1], length[0] > length[1], length[0] == 1, length[0] == 2]
    return np.select(kinds, ["insertion", "deletion", "SNV", "DNV"], "MNV").astype(object)


def infer_classifications(changes: pa.Array, types: np.ndarray) -> np.ndarray:
    """Infer Variant_Classification from changes of proteins in short names, and the types of the variants."""
    inserted = types == "insertion"
    rules = {
        "splice": "Splice_Site",
        "promoter|upstream": "5'Flank",
        "fs": np.where(inserted, "Frame_Shift_Ins", "Frame_Shift_Del"),
        r"ext|^p\.\*\d": "Nonstop_Mutation",
        r"\*": "Nonsense_Mutation",
        r"^p\.M1(?:[A-Z?]|$)": "Translation_Start_Site",
        "=$": "Silent",
        "del|ins|dup|>": np.where(inserted, "In_Frame_Ins", "In_Frame_Del"),
        r"^p\.[A-Z]\d+[A-Z]$": "Missense_Mutation",
    }
    found = [np.asarray(pc.match_substring_regex(changes, rule)) for rule in rules]
    residues = pc.utf8_slice_codeunits(changes, 2, 3), pc.utf8_slice_codeunits(changes, -1)
    unchanged = found[-1] & np.asarray(pc.equal(*residues))
    return np.select([unchanged, *found], ["Silent", *rules.values()], "").astype(object)


def contexts(column: pa.Array, types: np.ndarray) -> pa.Array:
    """Keep the bases around SNVs, of odd number."""
    bases = pc.utf8_upper(column)
    usable = pc.match_substring_regex(bases, "^[ACGTN](?:[ACGTN][ACGTN])+$")
    return pc.if_else(pc.and_(usable, pa.array(types == "SNV")), bases, "")


def fractions(fields: Mapping[str, pa.Array]) -> np.ndarray:
    """Return the share of reads with the allele: of both counts, of count and depth, or as it is given.

    C-CAT gives `0.21 (105/502)`, others percentages.
    """
    text = fields | {"vaf": pc.replace_substring_regex(fields["vaf"], r"%?\s*(?:\(.*\))?$", "")}
    count = {
        field: number_of(text[field], pa.float64()).to_numpy(zero_copy_only=False)
        for field in ("t_ref", "t_alt", "t_depth", "vaf")
    }
    given = np.where(count["vaf"] > 1, count["vaf"] / 100, count["vaf"])  # above 1 it is in percent
    depth = count["t_ref"] + count["t_alt"]
    depth = np.where(np.isnan(depth), count["t_depth"], depth)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(depth > 0, count["t_alt"] / depth, np.nan)
    share = np.where(np.isnan(share), given, share)
    return np.where((share >= 0) & (share <= 1), np.round(share, 10), np.nan)


# ---- residues of target genes


def transcript_in(transcript: str, *changes: str) -> str:
    """Return a row's transcript without its version: of its own column, else as before a change's colon."""
    for text in (transcript, *(change.rpartition(":")[0] for change in changes)):
        if found := ACCESSION.search(text):
            return found[0]
    return transcript.split(".")[0]


def shifts_of(gene: str, transcript: str, named: Sequence[str]) -> Shifts | None:
    """Return how residues of a transcript count on the named one; None if that is not known."""
    if transcript in named:
        return ((1, 0),)
    return next((shifts for ids, shifts in ISOFORMS.get(gene, ()) if transcript in ids.split()), None)


def renumber(change: str, shifts: Shifts, bases: int) -> str:
    """Renumber a change of a protein (bases 1) or of its coding sequence (bases 3).

    Numbers after + and - lie in introns, those after * beyond the stop; after fs and ext they count from it.
    """

    def moved(found: re.Match) -> str:
        number = int(found[0])
        added = [extra for first, extra in shifts if number > (first - 1) * bases][-1]
        return str(number + bases * added)

    start, *rest = re.split("(?=fs|ext)", change, maxsplit=1)
    pattern = r"(?<=[A-Z*_])\d+" if bases == 1 else r"(?<=[._])\d+"
    return re.sub(pattern, moved, start) + "".join(rest)


def number_targets(rows: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """Count residues of target genes on their named transcripts.

    `rows` has gene, transcript, given_c and given_p (with accessions, if they have some), hgvs_c, hgvs_p and
    protein_position. Returns the last three, renumbered, and numbering.
    """
    named = {row.gene: re.sub(r"\.\d+", "", row.transcript).split(";") for row in targets.itertuples()}
    texts = rows[["transcript", "given_c", "given_p"]].itertuples(index=False, name=None)
    ids = pd.Series([transcript_in(*row) for row in texts], rows.index, dtype="str")
    changed = rows[["hgvs_c", "hgvs_p", "protein_position"]].assign(numbering="transcript_unknown")
    for (gene, transcript), where in rows[ids != ""].groupby([rows.gene, ids]).groups.items():
        shifts = shifts_of(gene, transcript, named[gene])
        if shifts is None:
            changed.loc[where, "protein_position"] = pd.NA
            changed.loc[where, "numbering"] = "other_transcript"
        elif shifts == ((1, 0),):
            changed.loc[where, "numbering"] = "named"
        else:
            for column, bases in (("hgvs_c", 3), ("hgvs_p", 1)):
                changed.loc[where, column] = [
                    renumber(name, shifts, bases) for name in rows.loc[where, column]
                ]
            first, extra = np.array(shifts).T
            place = rows.protein_position[where]
            step = np.searchsorted(first, place.fillna(1).to_numpy(int), side="right") - 1
            changed.loc[where, "protein_position"] = place + extra[step]
            changed.loc[where, "numbering"] = "remapped"
    return changed


def harmonise(
    maf: Maf, rows: np.ndarray, samples: pd.DataFrame, aliases: Mapping[str, str], targets: pd.DataFrame
) -> pa.Table:
    """Return rows (their numbers) in the columns of MUTATIONS; `samples` are those of the cohort, by name."""
    empty = pa.repeat("", len(rows))
    of = {field: maf.fields[field].take(rows) if field in maf.fields else empty for field in FIELDS}
    ref, alt = pc.utf8_upper(of["ref"]), pc.utf8_upper(of["alt"])
    types, changes = variant_types(ref, alt), short_changes(of["hgvs_p"])
    names, classes = coded(of["sample"]), coded(of["classification"])
    classification = classes.map(standard_name)
    unclassified = np.flatnonzero(classification == "")
    classification[unclassified] = infer_classifications(changes.take(unclassified), types[unclassified])
    words = coded(pa.array(classification, pa.string()))
    changes = pc.if_else(pc.match_substring_regex(changes, CHANGE), changes, "")
    genes = coded(of["gene"]).recoded(lambda gene: aliases.get(gene, gene))
    gene = genes.map(str)

    table = {
        "hgvs_c": pc.replace_substring_regex(of["hgvs_c"], "^.*:", ""),
        "hgvs_p": changes,
        "protein_position": pc.coalesce(first_number(changes), first_number(of["protein_position"])),
        "numbering": empty,
    }
    target = genes.map(frozenset(targets.gene).__contains__, bool)
    if len(where := np.flatnonzero(target)):
        given = {"transcript": of["transcript"], "given_c": of["hgvs_c"], "given_p": of["hgvs_p"]}
        own = {name: column.take(where).to_pylist() for name, column in (given | table).items()}
        own = pd.DataFrame(own | {"gene": gene[where]}).astype({"protein_position": "Int64"})
        for name, column in number_targets(own, targets).items():
            moved = pa.array(column, table[name].type, from_pandas=True)
            table[name] = pc.replace_with_mask(table[name], target, moved)
    for column in ("cohort", "patient", "panel"):
        said = samples[column].fillna("").to_dict()
        table[column] = names.map(said.get)
    table |= {name: of[name] for name in ("sample", "chrom", "transcript")}
    table |= {
        "gene": gene,
        "position": number_of(of["position"], pa.int64()),
        "ref": ref,
        "alt": alt,
        "variant_type": types,
        "classification": classification,
        "class": words.map(lambda value: CLASS_OF.get(value, "other")),
        "protein_changing": words.map(lambda value: "yes" if CLASS_OF.get(value) in CHANGING else "no"),
        "context": contexts(of["context"], types),
        "vaf": pa.array(fractions(of), from_pandas=True),
    }
    return pa.table({name: pa.array(table[name], kind) for name, kind in MUTATIONS.items()})


@click.command(cls=Script)
@click.option("--cohorts", type=INPUT, required=True, help="TSV: cohort, genome_build, maf (a number).")
@click.option(
    "--profiled",
    type=INPUT,
    required=True,
    help="TSV: cohort, sample, patient, panel (or exome); barcode if MAFs call samples otherwise.",
)
@click.option("--panels", "sheet", type=FOLDER, required=True, help="Folder of panels.tsv, or none.")
@click.option("--gene-aliases", type=INPUT, required=True, help="TSV: gene_name, previous.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript.")
@click.option("--mafs", type=FOLDER, required=True, help="Folder that has a folder a MAF, by its number.")
@RESULTS
def main(
    cohorts: Path,
    profiled: Path,
    sheet: Path,
    gene_aliases: Path,
    target_genes: Path,
    mafs: Path,
    results: Path,
) -> None:
    """Bring the mutations of cohorts into one table."""
    aliases = read_aliases(gene_aliases)
    targets = read_table(target_genes, TARGET_GENES)
    panels = panels_of(read_only(sheet, PANELS), aliases)
    given = read_table(cohorts, COHORTS)
    with_maf = dict(zip(given.cohort, given.maf.notna(), strict=True))
    samples = choose_samples(read_profiled(profiled), panels, with_maf)

    found = []
    for row in given.itertuples():
        own = samples[samples.cohort == row.cohort].set_index("sample", drop=False)
        if pd.isna(row.maf):
            found.append(tables.Cohort(row.cohort, row.genome_build, own, None, None, None))
            continue
        maf = call(read_maf(only_file(mafs / str(row.maf))), own)
        verdicts = judge(maf, own, panels, aliases)
        kept = harmonise(maf, np.flatnonzero(verdicts.status == 0), own, aliases, targets)
        counted = Maf({field: maf.fields[field] for field in ("sample", "gene")}, maf.columns)
        found.append(tables.Cohort(row.cohort, row.genome_build, own, counted, verdicts, kept))
    described, by_sample = tables.describe(found), tables.count_by_sample(samples, found)
    dropped, symbols = tables.count_dropped(found), tables.count_symbols(found, aliases)
    tables.write_mutations(
        [cohort.kept for cohort in found if cohort.maf is not None], results / "mutations.tsv.gz"
    )
    write_table(by_sample, results / "samples.tsv")
    write_table(dropped, results / "dropped.tsv")
    write_table(symbols, results / "symbols.tsv")
    write_table(described, results / "mafs.tsv")
    write_report(results, described, by_sample, dropped, symbols)
    write_versions(results / "versions.tsv", "numpy", "pandas", "pyarrow")


if __name__ == "__main__":
    main()
