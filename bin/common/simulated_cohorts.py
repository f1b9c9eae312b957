"""The cohorts of the simulated study: mutations of tumours without and with platinum, and the genes tested.

Samples    530 exomes of untreated tumours (six patients have a second portion, in which all is found again),
           and 820 tests of treated ones on five panels. A panel has the first so many genes of one list.
Load       substitutions: Poisson about a log-normal mean (median 60 in all coding genes, SD 0.55) times the
           share of places that the test covers; places are coding bases and splice sites.
Spectrum   each sample's shares of signatures are a Dirichlet variable about the means of common/study_design
           (concentration 12). Of the treated, a beta variable of mean 0.15, times `effects`, is platinum's.
           Each substitution is drawn from a signature of COSMIC v3.3 as it is in exomes of GRCh38, its place
           evenly from those with that trinucleotide: spectra are as in exomes, whatever the mini genome has.
Others     doublets, 1.2 % of substitutions, from signatures of doublets, and 3 % more with platinum; 5 %
           insertions and deletions, of one base (80 %) or three.
Drivers    so many patients have a mutation that changes KEAP1 or NFE2L2; two of each have another one.
           Nothing else in these genes changes a protein. Substitutions are as likely as the cohort's spectrum
           makes them, times factors of parts of the protein. The rate is that of the untreated, for the
           treated times a ratio to the power of `effects`; factors are to its power too: without effects no
           cohort and no part of a protein stands out.
Reads      depth is log-normal (median 90 of exomes, 500 of panels), the share of the alternative allele a
           beta variable of mean 0.3, of liquid tests 0.08.
Flaws      of the exomes: 5 % of rows did not pass the filter (most of them C>A), some of these in drivers;
           0.5 % of rows are there twice. Of the panels: a few rows of genes that a sample's panel lacks.
Files      as common/simulated_cohort_files.py writes them, in two dialects.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.mini_genome import Gene
from common.sequence_files import gzipped
from common.simulated_cohort_files import FOLDER, maf_of, panel_file, panel_path, plain
from common.simulated_mutations import CHANGE, Coding, coding_of, replaced, substitutions
from common.simulated_tumours import (
    Coverage,
    Mutations,
    Source,
    coverage_of,
    draw_background,
    draw_drivers,
    draw_substitutions,
    source_of,
    too_close,
)
from common.study_design import (
    DRIVERS,
    GENOME_BUILD,
    ISOFORM_2,
    NAIVE,
    PANEL_GENES,
    TREATED,
    Cohort,
)

SECOND_SAMPLES = 6  # patients of the exomes
DEPTH, DEPTH_SD, LEAST_ALT = {"exome": 90, "panel": 500}, 0.4, 3
ALLELE_SHARE = {"tissue": (6, 14), "liquid": (2, 23)}  # beta
SHARE_FILTERED, SHARE_OXIDISED, FILTERED_IN_DRIVERS = 0.05, 0.6, 6
FILTERS = ("panel_of_normals", "clustered_events", "StrandBias", "panel_of_normals;clustered_events")
SHARE_TWICE = 0.005
OFF_PANEL, OFF_PANEL_KEAP1 = 12, 3
PROTEIN_CHANGING = {
    *("Missense_Mutation", "Nonsense_Mutation", "Nonstop_Mutation", "Translation_Start_Site", "Splice_Site"),
    *("Frame_Shift_Del", "Frame_Shift_Ins", "In_Frame_Del", "In_Frame_Ins"),
}


class Cohorts(NamedTuple):
    """Sheets by name, further files by path, and what is true."""

    sheets: dict[str, pd.DataFrame]
    files: dict[str, bytes]
    truth: dict[str, pd.DataFrame]


# ---- samples and panels


def draw_samples(random: np.random.Generator, cohort: Cohort) -> pd.DataFrame:
    """List the samples of a cohort: sample, patient, panel (empty for an exome), first.

    `first` is the row of the first sample of its patient.
    """
    panels = [panel.name for panel in cohort.panels for _ in range(panel.samples)] or [""] * cohort.patients
    stem, ending = ("CC-{:04d}", "-T1") if cohort.panels else ("TCGA-SM-{:04d}", "-01A-11D")
    patients = [stem.format(number) for number in range(1, cohort.patients + 1)]
    table = pd.DataFrame({"patient": patients, "panel": random.permutation(panels)})
    table.insert(0, "sample", table.patient + ending)
    table["first"] = table.index
    if cohort.panels:
        return table
    again = table.loc[np.sort(random.choice(cohort.patients, SECOND_SAMPLES, replace=False))]
    again = again.assign(sample=again.patient + ending.replace("A", "B"))
    return pd.concat([table, again], ignore_index=True)


def draw_panels(random: np.random.Generator, genes: Sequence[str]) -> dict[str, list[str]]:
    """Draw the genes of each panel: the first so many of one list, which begins with what is named."""
    named = [gene for gene in PANEL_GENES if gene in genes]
    others = random.permutation(sorted(set(genes) - set(PANEL_GENES))).tolist()
    return {
        panel.name: [gene for gene in named + others if gene not in panel.lacks][: panel.genes]
        for panel in TREATED.panels
    }


# ---- mutations of a cohort


def described(source: Source, mutations: Mutations, origin: str, isoform_2: np.ndarray) -> pd.DataFrame:
    """Describe mutations: owner, origin and CHANGE, and HGVS on the first isoform besides.

    `isoform_2` tells of each sample whether changes of a gene are named on its second isoform.
    """
    coding = source.coding
    gene, _, lacking = ISOFORM_2
    number = [each.design.gene_name for each in coding.genes].index(gene)

    def left_out(owner: np.ndarray, place: np.ndarray) -> np.ndarray:
        on_second = isoform_2[owner] & (coding.gene[place] == number) & (coding.residues(place) > lacking + 1)
        return np.where(on_second, lacking, 0)

    lacks = left_out(mutations.owner, mutations.place)
    table = substitutions(coding, mutations.place, mutations.alt, lacks)
    first = (
        substitutions(coding, mutations.place, mutations.alt, np.zeros_like(lacks)) if lacks.any() else table
    )
    table = table.assign(owner=mutations.owner, isoform_2=lacks > 0)
    table[["own_c", "own_p", "own_first"]] = first[["hgvs_c", "hgvs_p", "first"]]
    rows = []
    for owner, *change in mutations.others:
        lacks = int(left_out(np.array(owner), np.array(change[0])))
        own = dict(zip(CHANGE, replaced(coding, *change), strict=True))
        row = dict(zip(CHANGE, replaced(coding, *change, lacks), strict=True)) if lacks else own
        rows.append(
            row
            | {
                "owner": owner,
                "isoform_2": lacks > 0,
                "own_c": own["hgvs_c"],
                "own_p": own["hgvs_p"],
                "own_first": own["first"],
            }
        )
    parts = [table, pd.DataFrame(rows, columns=table.columns)] if rows else [table]
    return pd.concat(parts, ignore_index=True).assign(origin=origin)


def draw_carriers(
    random: np.random.Generator, cohort: Cohort, name: str, covered: np.ndarray, effects: float
) -> np.ndarray:
    """Draw the samples with a mutated driver: as many as its rate says, of those whose test covers it."""
    naive, treated = DRIVERS[name].rates
    rate = naive * (treated / naive) ** effects if cohort.treated else naive
    return random.choice(covered, round(rate * len(covered)), replace=False)


def draw_filtered(
    random: np.random.Generator, source: Source, owners: np.ndarray, taken: Mutations
) -> tuple[Mutations, np.ndarray]:
    """Draw substitutions that are artefacts, and the filters that they did not pass."""
    size = round(SHARE_FILTERED * len(taken.owner))
    types, coding = source.spectra.types, source.coding
    oxidised = random.random(size) < SHARE_OXIDISED
    to_a = np.flatnonzero([name[2:5] == "C>A" for name in types])
    kinds = np.where(oxidised, random.choice(to_a, size), random.integers(0, len(types), size))
    owner = random.choice(owners, size)
    place, alt = draw_substitutions(random, source, source.exome, owner, kinds)
    for gene in source.drivers:
        of_gene = np.flatnonzero((coding.gene == gene) & (coding.step == 0))
        more = random.choice(of_gene, FILTERED_IN_DRIVERS)
        ref = coding.codes[coding.starts[gene] + coding.base[more]]
        ref = np.where(coding.forward[more], ref, 3 - ref)
        owner = np.append(owner, random.choice(owners, FILTERED_IN_DRIVERS, replace=False))
        place, alt = np.append(place, more), np.append(alt, (ref + 1) % 4)
        oxidised = np.append(oxidised, np.zeros(FILTERED_IN_DRIVERS, dtype=bool))
    both = np.concatenate([taken.owner, owner]), np.concatenate([taken.place, place])
    kept = ~too_close(source, *both)[len(taken.owner) :]
    flags = np.where(oxidised, "oxog", random.choice(FILTERS, len(oxidised)))
    return Mutations(owner[kept], place[kept], alt[kept], []), flags[kept]


def draw_off_panel(
    random: np.random.Generator, source: Source, samples: pd.DataFrame, tests: Mapping[str, Coverage]
) -> Mutations:
    """Draw substitutions in genes that a sample's panel does not have, KEAP1 among them."""
    coding = source.coding
    keap1 = [gene.design.gene_name for gene in coding.genes].index("KEAP1")
    without = samples.index[[keap1 not in tests[name].genes for name in samples.panel]]
    owner = np.append(random.choice(len(samples), OFF_PANEL), random.choice(without, OFF_PANEL_KEAP1))
    place = np.empty(len(owner), dtype=int)
    for number, sample in enumerate(owner):
        outside = np.setdiff1d(np.arange(len(coding.genes)), [*tests[samples.panel[sample]].genes, keap1])
        gene = keap1 if number >= OFF_PANEL else random.choice(outside)
        place[number] = random.choice(np.flatnonzero((coding.gene == gene) & (coding.step == 0)))
    ref = coding.codes[coding.starts[coding.gene[place]] + coding.base[place]]
    ref = np.where(coding.forward[place], ref, 3 - ref)
    return Mutations(owner, place, (ref + random.integers(1, 4, len(owner))) % 4, [])


def with_reads(random: np.random.Generator, rows: pd.DataFrame, specimen: np.ndarray) -> pd.DataFrame:
    """Draw how many reads have each allele; `specimen` is each row's: exome, tissue or liquid."""
    median = np.where(specimen == "exome", DEPTH["exome"], DEPTH["panel"])
    depth = np.round(median * random.lognormal(0, DEPTH_SD, len(rows))).astype(int)
    liquid = specimen == "liquid"
    shares = (
        np.where(liquid, *pair) for pair in zip(ALLELE_SHARE["liquid"], ALLELE_SHARE["tissue"], strict=True)
    )
    alt = np.maximum(random.binomial(depth, random.beta(*shares)), LEAST_ALT)
    return rows.assign(alt_reads=alt, ref_reads=np.maximum(depth - alt, 0))


def repeated(
    random: np.random.Generator, samples: pd.DataFrame, rows: pd.DataFrame, alone: np.ndarray
) -> pd.DataFrame:
    """Repeat rows of exomes: some as they are or with other reads, and all in a patient's second sample.

    `alone` are the samples that are the only ones of their patients.
    """
    usual = rows[(rows.origin == "background") & rows.owner.isin(alone)]
    chosen = random.choice(usual.index, round(SHARE_TWICE * len(usual)), replace=False)
    twice = usual.loc[np.sort(chosen)].assign(origin="duplicate")
    half = np.arange(len(twice)) % 2 == 0
    parts = [rows, twice[half], with_reads(random, twice[~half], np.full((~half).sum(), "exome"))]
    for number, first in samples["first"][samples["first"] != samples.index].items():
        portion = rows[rows.owner == first].assign(owner=number, origin="second_sample")
        parts.append(with_reads(random, portion, np.full(len(portion), "exome")))
    return pd.concat(parts, ignore_index=True)


def draw_cohort(
    random: np.random.Generator,
    source: Source,
    cohort: Cohort,
    tests: Mapping[str, Coverage],
    effects: float,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Draw a cohort: its samples, its mutations (a row each row of the MAF), and what signatures gave.

    The origin of a mutation is background, driver, filtered, off_panel, duplicate or second_sample.
    """
    samples = draw_samples(random, cohort)
    one_each = samples[samples["first"] == samples.index]
    panels = {panel.name: panel for panel in cohort.panels}
    isoform_2 = np.array([name in panels and panels[name].isoform_2 for name in samples.panel])
    background, origins = draw_background(random, source, one_each, tests, cohort.treated, effects)
    parts = [described(source, background, "background", isoform_2)]
    substituted = origins.signature.value_counts().reindex(source.spectra.names, fill_value=0)
    spectrum = substituted.to_numpy() / substituted.sum() @ source.spectra.chances
    for gene in source.drivers:
        name = source.coding.genes[gene].design.gene_name
        covered = one_each.index[[gene in tests[panel].genes for panel in one_each.panel]].to_numpy()
        carriers = draw_carriers(random, cohort, name, covered, effects)
        drawn = draw_drivers(random, source, gene, spectrum, effects, carriers, background)
        parts.append(described(source, drawn, "driver", isoform_2))
    alone = samples.index[~samples.patient.duplicated(keep=False)].to_numpy()
    if cohort.panels:
        drawn = draw_off_panel(random, source, samples, tests)
        parts.append(described(source, drawn, "off_panel", isoform_2))
    else:
        drawn, filters = draw_filtered(random, source, alone, background)
        parts.append(described(source, drawn, "filtered", isoform_2).assign(filter=filters))
    rows = pd.concat(parts, ignore_index=True)
    specimen = np.array([panels[name].specimen if name in panels else "exome" for name in samples.panel])
    rows = with_reads(random, rows, specimen[rows.owner])
    if not cohort.panels:
        rows = repeated(random, samples, rows, alone)
    contigs = list(source.coding.contigs)
    names = [gene.design.contig for gene in source.coding.genes]
    rows["chrom"] = np.array(names)[rows.gene.astype(int)]
    order = np.lexsort((rows.start, rows.chrom.map(contigs.index), rows.owner))
    return samples, rows.iloc[order].reset_index(drop=True), origins


# ---- truth


def true_counts(
    coding: Coding,
    cohort: Cohort,
    samples: pd.DataFrame,
    rows: pd.DataFrame,
    tests: Mapping[str, Coverage],
    genes: Sequence[str],
) -> pd.DataFrame:
    """Count the patients with a mutation that changes the protein, and those whose test covers the gene."""
    names = np.array([gene.design.gene_name for gene in coding.genes])
    counted = rows[rows.origin.isin(["background", "driver"]) & rows.classification.isin(PROTEIN_CHANGING)]
    mutated = counted.groupby(names[counted.gene.astype(int)]).owner.nunique()
    of_patients = samples[~samples.patient.duplicated()].panel.value_counts()
    profiled = sum(
        pd.Series(np.isin(genes, names[test.genes]) * of_patients.get(panel, 0), index=genes)
        for panel, test in tests.items()
    )
    return pd.DataFrame(
        {
            **{"cohort": cohort.name, "gene": genes},
            **{"mutated": mutated.reindex(genes, fill_value=0).to_numpy(), "profiled": profiled.to_numpy()},
        }
    )


def true_drivers(coding: Coding, cohort: Cohort, samples: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """List the mutations of drivers, named on the first isoform, and the isoform that the MAF has."""
    rows = rows[rows.origin == "driver"]
    of_row = samples.loc[rows.owner].reset_index(drop=True)
    table = rows[["chrom", "start", "ref", "alt", "classification", "own_c", "own_p", "own_first"]]
    table = table.rename(
        columns={"start": "position", "own_c": "hgvs_c", "own_p": "hgvs_p", "own_first": "residue"}
    )
    table = table.reset_index(drop=True)
    table.insert(0, "gene", [coding.genes[int(gene)].design.gene_name for gene in rows.gene])
    about = of_row[["sample", "patient", "panel"]].assign(cohort=cohort.name)[
        ["cohort", "sample", "patient", "panel"]
    ]
    return pd.concat([about, table], axis=1).assign(isoform=np.where(rows.isoform_2.astype(bool), 2, 1))


def true_signatures(
    source: Source, cohort: Cohort, origins: pd.DataFrame, counted: np.ndarray
) -> pd.DataFrame:
    """Give the share of each signature among all substitutions, or doublets, and those of counted genes."""
    names = [*source.spectra.names, *source.doublets.names]
    table = pd.DataFrame({"cohort": cohort.name, "signature": names})
    kinds = table.signature.str[:3]
    for prefix, which in (("", slice(None)), ("panel_", counted[origins.gene])):
        found = origins[which].signature.value_counts().reindex(names, fill_value=0).reset_index(drop=True)
        table[f"{prefix}mutations"] = found
        table[f"{prefix}share"] = found / found.groupby(kinds).transform("sum")
    return table


def true_drops(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Count the rows of a MAF that should not count, by reason."""
    reasons = {
        **{"filtered": "filtered", "duplicate": "duplicate"},
        **{"second_sample": "other_sample_of_patient", "off_panel": "off_panel"},
    }
    counts = rows.origin.value_counts()
    found = [(cohort.name, status, counts[origin]) for origin, status in reasons.items() if origin in counts]
    return pd.DataFrame(found, columns=["cohort", "status", "rows"])


def draw_cohorts(
    stream: Callable[..., np.random.Generator],
    contigs: Mapping[str, np.ndarray],
    genes: Sequence[Gene],
    effects: float,
) -> Cohorts:
    """Draw both cohorts; `stream` gives random numbers by part and key."""
    coding = coding_of(contigs, genes)
    source = source_of(coding)
    names = [gene.design.gene_name for gene in coding.genes]
    by_name = dict(zip(names, coding.genes, strict=True))
    of_panels = draw_panels(stream("cohorts"), names)
    counted = sorted(of_panels[TREATED.panels[0].name])
    by_panel = {
        panel: coverage_of(coding, source.contexts, source.pairs, np.isin(names, genes))
        for panel, genes in of_panels.items()
    }
    text = "\n".join(["# genes that are counted: those of the largest panel", *counted]) + "\n"
    files = {"panel_genes.txt": text.encode()}
    files |= dict(panel_file(panel, of_panels[panel.name], by_name) for panel in TREATED.panels)
    sheet, truth = [], {"cohorts": [], "mutations": [], "signatures": [], "dropped": []}
    for number, cohort in enumerate((NAIVE, TREATED)):
        tests = by_panel if cohort.panels else {"": source.exome}
        samples, rows, origins = draw_cohort(stream("cohorts", number), source, cohort, tests, effects)
        maf, profiled = f"{FOLDER}/{cohort.name}.maf.gz", f"{FOLDER}/{cohort.name}.samples.tsv"
        files[maf] = gzipped(maf_of(coding, cohort, samples, rows))
        files[profiled] = plain(samples[["sample", "patient", "panel"]].sort_values("sample"))
        sheet.append((cohort.name, maf, profiled, GENOME_BUILD, ""))
        truth["cohorts"].append(true_counts(coding, cohort, samples, rows, tests, counted))
        truth["mutations"].append(true_drivers(coding, cohort, samples, rows))
        truth["signatures"].append(true_signatures(source, cohort, origins, np.isin(names, counted)))
        truth["dropped"].append(true_drops(cohort, rows))
    panels = [(panel.name, panel_path(panel), panel.specimen, panel.normal) for panel in TREATED.panels]
    return Cohorts(
        {
            "cohorts": pd.DataFrame(sheet, columns=["cohort", "maf", "samples", "genome_build", "sbs96"]),
            "panels": pd.DataFrame(panels, columns=["panel", "file", "specimen", "normal"]),
        },
        files,
        {name: pd.concat(tables, ignore_index=True) for name, tables in truth.items()},
    )
