#!/usr/bin/env python3
"""Count the patients whose tumours have a mutated gene, and find where in the protein mutations lie.

Frequency  Patients with a mutation that changes the protein (missense, truncating, frameshift, in frame,
           splice site, start or stop lost) among those in whom the gene was looked at: whose sample that
           counts is an exome, or was tested with a panel that has the gene. Interval by Wilson. A gene that
           no sample covers was not_profiled, which is not 0 %. By panel likewise.
Cohorts    Fisher's exact test of each pair, two-sided (tables no more probable than the one seen), with the
           odds ratio of the conditional likelihood and its exact interval: above 1, the gene is mutated more
           often in cohort_2. q by Benjamini and Hochberg over genes and pairs: of target genes, and of genes
           of the panel list that are no target genes. A gene mutated in neither cohort cannot differ, and is
           not tested. What else differs (exomes, liquid specimens, no normal tissue) is named, not adjusted.
Domains    A mutation counts at its residue on the named transcript (of a splice site, else the codon of the
           nearest coding base), each of a patient's mutations once; substitutions side by side are one. The
           share of a gene's mutations in each domain, and outside them, is held to two expectations:
           length         every residue is as likely as any other
           substitutions  every possible single-base substitution of the coding sequence that changes the
                          protein is as likely as its trinucleotide class is in the cohort: the pooled count
                          of the class (plus half a mutation, so that none is impossible) over the profiled
                          bases with that trinucleotide, all panels added up by their samples. Of all
                          variants it takes insertions and deletions to lie where substitutions do.
           Exact binomial test, interval of the share by Clopper and Pearson; over all domains Pearson's
           chi-squared, p by Monte Carlo (a residue in two domains is with the first). q over the domains of
           a gene, cohort, model and choice of variants; motifs, and domains joined (DC), lie within domains
           and are a family of their own; so are overall tests. Between cohorts: Fisher's test of each
           domain, and chi-squared with fixed margins. All variants, and single-base substitutions within
           codons alone: which indels are called depends on the test.
Assumes    One sample a patient; mutations of a patient independent; panels read all of a gene that they name.

References: Wilson 1927, doi:10.1080/01621459.1927.10502953; Clopper and Pearson 1934,
doi:10.1093/biomet/26.4.404; Fisher 1935, doi:10.2307/2342435; Benjamini and Hochberg 1995,
doi:10.1111/j.2517-6161.1995.tb02031.x; Hope 1968, doi:10.1111/j.2517-6161.1968.tb00759.x (Monte Carlo);
Lawrence et al. 2013, doi:10.1038/nature12213 (opportunities and contexts)
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common import cohort_tables
from common import mutation_frequency_tables as tables
from common.annotation import CODE, Transcript, reverse_complement
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.mutation_frequency_figure import write_figure
from common.mutation_frequency_report import write_report
from common.protein_names import residue_of
from common.protein_regions import Region, partition, regions_of
from common.signature_tables import CONTEXTS
from common.tables import TARGET_GENES, read_table, write_table
from scipy.optimize import brentq
from scipy.special import betaincinv, gammaln, ndtri, xlog1py, xlogy

TARGET, PANEL = "target_genes", "panel_genes"
VARIANTS, MODELS = ("all", "single_base"), ("length", "substitutions")
IN_CODONS = ("missense", "truncating", "start_lost")  # classes of single-base substitutions within codons
COMBINED = {"KEAP1": {"DC": ("Kelch/DGR", "CTR")}}  # parts of proteins that papers speak of as one
FAMILIES = {"domain": "domains", "outside": "domains", "overall": "overall"}
FAMILIES |= dict.fromkeys(["motif", "combined"], "motifs and joined domains")
OVERALL = {"domain": "overall", "kind": "overall"}
LEAST = 5  # mutations of a gene in a cohort, below which their places are not tested
LEAST_SPECTRUM = 50  # pooled substitutions, below which a cohort's spectrum is not known
DRAWS = 20_000
TIE = 1 + 1e-7  # tables as probable as the one seen, but for rounding, as in R
Rows, Tables = list[dict[str, object]], tuple[pd.DataFrame, pd.DataFrame]
Lacking = tuple[str, str]  # status and reason of what is not known
STEEP = 60.0  # log odds ratio beyond which nothing is looked for


# ---- shares, tables and their tests


def wilson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Return the limits of a share by Wilson's score interval."""
    z, share = ndtri((1 + confidence) / 2), successes / trials
    centre, scale = share + z**2 / (2 * trials), 1 + z**2 / trials
    spread = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    low = 0.0 if successes == 0 else (centre - spread) / scale
    return low, 1.0 if successes == trials else (centre + spread) / scale


def clopper_pearson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Return the exact limits of a share."""
    tail, missed = (1 - confidence) / 2, trials - successes
    low = betaincinv(successes, missed + 1, tail) if successes else 0.0
    return float(low), float(betaincinv(successes + 1, missed, 1 - tail)) if missed else 1.0


def log_choose(n: float, k: np.ndarray) -> np.ndarray:
    """Return the logarithm of binomial coefficients."""
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def extreme(log_chances: np.ndarray, place: int) -> float:
    """Return the chance of all outcomes that are no more probable than the one seen."""
    chances = np.exp(log_chances - log_chances.max())
    return float(min(chances[chances <= chances[place] * TIE].sum() / chances.sum(), 1.0))


def binomial_test(successes: int, trials: int, share: float) -> float:
    """Return p of the exact two-sided test that the share is this."""
    k = np.arange(trials + 1)
    with np.errstate(divide="ignore"):
        return extreme(log_choose(trials, k) + xlogy(k, share) + xlog1py(trials - k, -share), successes)


class Fisher(NamedTuple):
    """What Fisher's exact test says of two shares; an odds ratio that no data bound is infinite."""

    odds_ratio: float
    odds_low: float
    odds_high: float
    p_value: float


def fisher(first: tuple[int, int], second: tuple[int, int], confidence: float) -> Fisher:
    """Compare two shares (successes, trials); the odds are those of the second over those of the first.

    Given all successes, those of the second are hypergeometric, not central if the odds ratio is not 1.
    """
    (a, m), (x, n) = first, second
    successes = a + x
    support = np.arange(max(0, successes - m), min(successes, n) + 1)
    weights = log_choose(n, support) + log_choose(m, successes - support)
    place, ends = x - support[0], (x == support[0], x == support[-1])
    if all(ends):
        return Fisher(np.nan, np.nan, np.nan, 1.0)

    def chances(log_odds: float) -> np.ndarray:
        tilted = weights + support * log_odds
        found = np.exp(tilted - tilted.max())
        return found / found.sum()

    tail = (1 - confidence) / 2
    odds, low, high = 0.0 if ends[0] else np.inf, 0.0, np.inf
    if not any(ends):
        odds = np.exp(brentq(lambda t: chances(t) @ support - x, -STEEP, STEEP, xtol=1e-12))
    if not ends[0]:
        low = np.exp(brentq(lambda t: chances(t)[place:].sum() - tail, -STEEP, STEEP, xtol=1e-12))
    if not ends[1]:
        high = np.exp(brentq(lambda t: chances(t)[: place + 1].sum() - tail, -STEEP, STEEP, xtol=1e-12))
    return Fisher(float(odds), float(low), float(high), extreme(weights, place))


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Turn p-values into q-values."""
    order = np.argsort(-p_values, kind="stable")
    ranks = np.arange(len(p_values), 0, -1)
    found = np.empty(len(p_values))
    found[order] = np.minimum(np.minimum.accumulate(p_values[order] * len(p_values) / ranks), 1)
    return found


def with_q_values(table: pd.DataFrame) -> pd.DataFrame:
    """Add q-values over the tests of each family; rows without p have none, and no family."""
    tested = table.p_value.notna()
    table = table.assign(family=table.family.where(tested), q_value=np.nan)
    for _, p_values in table[tested].groupby("family", sort=False).p_value:
        table.loc[p_values.index, "q_value"] = benjamini_hochberg(p_values.to_numpy(float))
    return table


def chi_squared(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return Pearson's statistic over the last axis; categories that nothing is expected in are left out."""
    held = expected > 0
    return ((counts - expected)[..., held] ** 2 / expected[held]).sum(axis=-1)


def monte_carlo(seen: float, drawn: np.ndarray) -> dict[str, object]:
    """Return the columns of a test, given statistics drawn under the null hypothesis."""
    p_value = float((1 + (drawn >= seen / TIE).sum()) / (1 + len(drawn)))
    return {"test": "chi_squared_monte_carlo", "statistic": float(seen), "p_value": p_value}


def fit_test(counts: np.ndarray, shares: np.ndarray, seed: int) -> dict[str, object]:
    """Test whether counts have these shares: chi-squared, and p by draws from the multinomial."""
    random, expected = np.random.default_rng(seed), shares * counts.sum()
    seen = chi_squared(counts, expected)
    drawn = random.multinomial(counts.sum(), shares / shares.sum(), DRAWS)
    return monte_carlo(seen, chi_squared(drawn, expected))


def homogeneity_test(first: np.ndarray, second: np.ndarray, seed: int) -> dict[str, object]:
    """Test whether two rows of counts have the same shares: chi-squared, p by draws with fixed margins."""
    random, columns = np.random.default_rng(seed), first + second
    expected = columns * second.sum() / columns.sum()

    def statistic(of_second: np.ndarray) -> np.ndarray:
        return chi_squared(of_second, expected) + chi_squared(columns - of_second, columns - expected)

    drawn = random.multivariate_hypergeometric(columns, second.sum(), DRAWS, method="marginals")
    seen = statistic(second)
    return monte_carlo(seen, statistic(drawn))


# ---- frequencies


def looked_at(
    mutations: pd.DataFrame, samples: pd.DataFrame, covered: Mapping[str, set[str]], genes: Iterable[str]
) -> pd.DataFrame:
    """Leave the mutations of these genes, of samples that count, on exomes and panels that have the gene."""
    own = mutations[mutations.gene.isin(list(genes))].merge(samples[["cohort", "sample", "panel"]])
    pairs = zip(own.panel, own.gene, strict=True)
    return own[np.array([not panel or gene in covered.get(panel, ()) for panel, gene in pairs], dtype=bool)]


def share_row(mutated: int, profiled: int, confidence: float) -> dict[str, object]:
    """Return the columns of a frequency."""
    if not profiled:
        return {"mutated": None, "profiled": 0, "status": "not_profiled"}
    low, high = wilson(mutated, profiled, confidence)
    row = {"mutated": mutated, "profiled": profiled, "frequency": mutated / profiled}
    return row | {"ci_low": low, "ci_high": high, "status": "ok"}


def count_patients(study: tables.Study, confidence: float) -> Tables:
    """Return frequency.tsv (a row a gene and cohort) and panels.tsv (a row a gene, cohort and panel)."""
    changing = study.mutations[study.mutations.protein_changing == "yes"]
    found = changing.drop_duplicates(["gene", "cohort", "patient"])
    mutated = found.groupby(["gene", "cohort", "panel"]).size().to_dict()
    kinds = ["cohort", "panel", "specimen", "normal"]
    tested = study.samples.groupby(kinds, sort=False).size().reset_index(name="patients")
    tests = {cohort: [*own.itertuples(index=False)] for cohort, own in tested.groupby("cohort")}
    frequency, by_panel = [], []
    for (gene, family), cohort in product(study.genes.items(), study.cohorts):
        about, totals, everyone = {"gene": gene, "family": family, "cohort": cohort}, [0, 0], 0
        for test in tests[cohort]:
            covers = test.panel in study.panels_with(gene)
            counts = mutated.get((gene, cohort, test.panel), 0), test.patients * covers
            row = {"panel": test.panel or "exome", "specimen": test.specimen, "normal": test.normal}
            row["reason"] = "" if covers else "the panel lacks the gene"
            by_panel.append(about | row | share_row(*counts, confidence))
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
            everyone += test.patients
        row = {"not_covered": everyone - totals[1], "reason": tables.reason_of(everyone, totals[1])}
        frequency.append(about | row | share_row(*totals, confidence))
    return tables.framed(frequency, tables.FREQUENCY), tables.framed(by_panel, tables.PANELS)


def compare_cohorts(study: tables.Study, frequency: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return comparison.tsv: Fisher's test of each gene between each pair of cohorts."""
    known = {(row.gene, row.cohort): row for row in frequency.itertuples()}

    @cache
    def confounders(panels: tuple[str, ...], pair: tuple[str, str]) -> str:
        own = study.samples[study.samples.panel.isin(panels)]
        return tables.confounders_of(*(own[own.cohort == cohort] for cohort in pair))

    rows = []
    for gene, family in study.genes.items():
        for pair in cohort_tables.pairs_of(study.cohorts):
            sides = [known[gene, cohort] for cohort in pair]
            row = {"gene": gene, "family": family, "status": "ok", "reason": ""}
            for number, side in enumerate(sides, 1):
                row |= {f"cohort_{number}": side.cohort, f"mutated_{number}": side.mutated}
                row |= {f"profiled_{number}": side.profiled, f"frequency_{number}": side.frequency}
            if lacking := [side.cohort for side in sides if side.status == "not_profiled"]:
                row |= {"status": "not_profiled", "reason": f"not profiled in {' and '.join(lacking)}"}
            elif not sides[0].mutated + sides[1].mutated:
                row |= {"status": "not_mutated", "reason": "mutated in neither cohort"}
            else:
                counts = [(int(side.mutated), int(side.profiled)) for side in sides]
                row |= fisher(*counts, confidence)._asdict()
                row["confounders"] = confounders(study.panels_with(gene), pair)
            rows.append(row)
    return with_q_values(tables.framed(rows, tables.COMPARISON))


def count_classes(study: tables.Study, frequency: pd.DataFrame) -> pd.DataFrame:
    """Return classes.tsv: patients and mutations of each class; a gene without any has a row that says so."""
    place = ["chrom", "position", "ref", "alt"]
    found = dict(tuple(study.mutations.groupby(["gene", "cohort"])))
    rows = []
    for row in frequency.itertuples():
        about = {"gene": row.gene, "family": row.family, "cohort": row.cohort, "profiled": row.profiled}
        own = found.get((row.gene, row.cohort))
        if own is None:
            said = ("none", "no mutation of any class") if row.status == "ok" else (row.status, row.reason)
            rows.append(about | dict(zip(("status", "reason"), said, strict=True)))
            continue
        for name, some in sorted(own.groupby("class"), key=lambda each: (-len(each[1]), each[0])):
            row = {"class": name, "protein_changing": some.protein_changing.iloc[0], "status": "ok"}
            row |= {"patients": some.patient.nunique(), "mutations": len(some)}
            rows.append(about | row | {"variants": len(some[place].drop_duplicates()), "reason": ""})
    return tables.framed(rows, tables.CLASSES)


# ---- places in the protein


class Changes(NamedTuple):
    """The possible single-base substitutions that change a protein: residue from 0, and place in CONTEXTS."""

    residues: np.ndarray
    contexts: np.ndarray
    length: int


def possible_changes(transcript: Transcript, genome: pysam.FastaFile) -> Changes:
    """List the substitutions of a coding sequence, but for its stop codon, that change the protein.

    Contexts are of the genome, across splice sites. Codons with unknown bases have none.
    """
    first, end = transcript.cds
    minus = transcript.strand == "-"
    around = []
    for offset in range(first, end - 3):
        place = transcript.to_genome(offset)
        bases = genome.fetch(transcript.contig, max(place - 1, 0), place + 2).upper()
        around.append(reverse_complement(bases) if minus else bases)
    places = {name: number for number, name in enumerate(CONTEXTS)}
    found = []
    for offset, bases in enumerate(around):
        start = offset - offset % 3
        codon = "".join(each[1:2] for each in around[start : start + 3])
        for alt in set("ACGT") - {bases[1:2]}:
            changed = codon[: offset - start] + alt + codon[offset - start + 1 :]
            name = f"{bases[:1]}[{bases[1:2]}>{alt}]{bases[2:]}"
            if bases[1:2] in ("A", "G"):
                before, ref, after = reverse_complement(bases)
                name = f"{before}[{ref}>{reverse_complement(alt)}]{after}"
            if CODE.get(codon) and CODE.get(codon) != CODE.get(changed) and name in places:
                found.append((offset // 3, places[name]))
    residues, contexts = np.array(sorted(found), dtype=int).reshape(-1, 2).T
    return Changes(residues, contexts, len(around) // 3)


def rates_of(spectra: tables.Spectra, cohort: str, samples: pd.DataFrame) -> np.ndarray | Lacking:
    """Return the rate of each class of CONTEXTS in a cohort, for each profiled base; or status and reason."""
    if cohort not in spectra.counts:
        return "no_matrix", "the cohort has no matrix of substitutions"
    counts = spectra.counts[cohort].to_numpy()
    if counts.sum() < LEAST_SPECTRUM:
        return "too_few_mutations", f"{counts.sum():.0f} substitutions, {LEAST_SPECTRUM} are needed"
    tests = samples.panel[samples.cohort == cohort].value_counts(sort=False)
    if lacking := spectra.lacking(cohort, tests.index):
        return "no_opportunities", f"profiled bases are not known of {', '.join(lacking)}"
    total = sum(tests[panel] * spectra.trinucleotides[cohort, panel] for panel in tests.index)
    bases = total.reindex([f"{name[0]}{name[2]}{name[6]}" for name in CONTEXTS], fill_value=0.0)
    if lacking := sorted(set(bases.index[bases == 0])):
        return "no_opportunities", f"no profiled base is the middle of {', '.join(lacking[:4])}"
    return (counts + 0.5) / bases.to_numpy(float)


def residue_shares(
    model: str, residues: int, changes: Changes | Lacking, rates: np.ndarray | Lacking
) -> np.ndarray | Lacking:
    """Return the expected share of each residue in a protein's mutations; or status and reason."""
    if model == "length":
        return np.full(residues, 1 / residues)
    if not isinstance(changes, Changes):
        return changes
    if changes.length != residues:
        return "length_differs", f"{changes.length} codons in the annotation, {residues} residues are listed"
    if not isinstance(rates, np.ndarray):
        return rates
    weights = np.bincount(changes.residues, rates[changes.contexts], minlength=residues)
    return weights / weights.sum()


class Placed(NamedTuple):
    """The mutations of a gene in a cohort by residue, and how many have none."""

    counts: np.ndarray
    elsewhere: int

    @property
    def total(self) -> int:
        """Return the mutations that have a residue."""
        return int(self.counts.sum())

    @property
    def few(self) -> Lacking:
        """Return the status and reason of too few mutations, or of enough."""
        said = f"without a residue of the protein: {self.elsewhere}" if self.elsewhere else ""
        if self.total < LEAST:
            return "too_few_mutations", "; ".join(filter(None, [f"mutations: {self.total}", said]))
        return "ok", said


def joined(mutations: pd.DataFrame) -> pd.DataFrame:
    """Make one doublet of two substitutions at neighbouring positions of a sample: they are one event."""
    rows = mutations.sort_values(["cohort", "sample", "chrom", "position"], kind="stable")
    sites, single = rows[["cohort", "sample", "chrom"]], rows.variant_type == "SNV"
    behind = (sites == sites.shift()).all(axis=1) & (rows.position.diff() == 1).fillna(False)
    behind &= single & single.shift(fill_value=False)
    rows["variant_type"] = rows.variant_type.mask(behind.shift(-1, fill_value=False), "DNV")
    return rows[~behind]


def place(mutations: pd.DataFrame, residues: int, single_base: bool) -> Placed:
    """Count mutations that change the protein by their residue."""
    own = mutations[mutations.protein_changing == "yes"]
    if single_base:
        own = own[(own.variant_type == "SNV") & own["class"].isin(IN_CODONS)]
    found = [residue_of(*each) for each in zip(own.protein_position, own.hgvs_c.fillna(""), strict=True)]
    places = np.array([each - 1 for each in found if each and 1 <= each <= residues], dtype=int)
    return Placed(np.bincount(places, minlength=residues), len(own) - len(places))


def fit_rows(
    regions: Sequence[Region],
    placed: Placed,
    shares: np.ndarray | Lacking,
    confidence: float,
    seed: int,
) -> Rows:
    """Hold the mutations of a protein to the shares expected of its residues: a row a region, and overall."""
    known = isinstance(shares, np.ndarray)
    status, reason = placed.few if known else shares
    about = {"total": placed.total, "status": status, "reason": reason}
    rows = []
    for each in regions:
        seen = int(placed.counts[each.held].sum())
        row = {**each.about, **about, "observed": seen}
        if placed.total:
            low, high = clopper_pearson(seen, placed.total, confidence)
            row |= {"share": seen / placed.total, "share_low": low, "share_high": high}
        if known:
            share = min(float(shares[each.held].sum()), 1.0)
            row |= {"expected_share": share, "expected": share * placed.total}
            row["ratio"] = seen / row["expected"] if row["expected"] else None
        if status == "ok":
            row |= {"test": "binomial", "p_value": binomial_test(seen, placed.total, share)}
        rows.append(row)
    whole = {**OVERALL, **about, "residues": len(placed.counts), "observed": placed.total}
    own = partition(regions)
    if status == "ok" and len(own) > 1:
        whole |= fit_test(own @ placed.counts, own @ shares, seed)
    return [*rows, whole]


def between_rows(regions: Sequence[Region], pair: Sequence[Placed], confidence: float, seed: int) -> Rows:
    """Compare where two cohorts' mutations of a protein lie: a row a region, and overall."""
    totals = [placed.total for placed in pair]
    enough = min(totals) >= LEAST
    about = {"total_1": totals[0], "total_2": totals[1], "status": "ok" if enough else "too_few_mutations"}
    about["reason"] = "" if enough else f"mutations: {totals[0]} and {totals[1]}"
    rows = []
    for each in regions:
        seen = [int(placed.counts[each.held].sum()) for placed in pair]
        row = {**each.about, **about, "observed_1": seen[0], "observed_2": seen[1]}
        if enough:
            counts = list(zip(seen, totals, strict=True))
            row |= {"test": "fisher", **fisher(*counts, confidence)._asdict()}
        rows.append(row)
    whole = {**OVERALL, **about, "observed_1": totals[0], "observed_2": totals[1]}
    own = partition(regions)
    if enough and len(own) > 1:
        whole |= homogeneity_test(*(own @ placed.counts for placed in pair), seed)
    return [*rows, whole]


class Proteins(NamedTuple):
    """What is known of the proteins of target genes, and of the cohorts' spectra."""

    domains: pd.DataFrame
    lengths: Mapping[str, int]
    changes: Mapping[str, Changes | Lacking]
    rates: Mapping[str, np.ndarray | Lacking]


def with_families(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Make a table of tests of domains, with the families that they are adjusted in, and q-values."""
    table = tables.framed(rows, columns)
    overall = table.kind == "overall"
    of_choice = [name for name in ("model", "variants") if name in columns]
    of_protein = [name for name in ("gene", "cohort", "cohort_1", "cohort_2") if name in columns]
    for where, names in ((overall, of_choice), (~overall, [*of_protein, *of_choice])):
        words = table.loc[where, names].fillna("").agg(", ".join, axis=1) if where.any() else ""
        table.loc[where, "family"] = table.kind[where].map(FAMILIES) + ": " + words
    return with_q_values(table)


def locate(study: tables.Study, proteins: Proteins, confidence: float, seed: int) -> Tables:
    """Return domain.tsv and domain_comparison.tsv of the target genes."""
    within, between = [], []
    for gene in [gene for gene, family in study.genes.items() if family == TARGET]:
        residues = proteins.lengths.get(gene)
        features = proteins.domains[proteins.domains.gene == gene]
        regions = regions_of(features, residues, COMBINED.get(gene, {})) if residues else []
        if not regions:
            what = "domains" if residues else "length"
            row = {"gene": gene, "status": f"no_{what}", "reason": f"the tables have no {what} of {gene}"}
            within += [{**row, "cohort": cohort} for cohort in study.cohorts]
            continue
        profiled = set(study.samples.cohort[study.samples.panel.isin(study.panels_with(gene))])
        own = joined(study.mutations[study.mutations.gene == gene])
        for variants in VARIANTS:
            found = {
                cohort: place(own[own.cohort == cohort], residues, variants == "single_base")
                for cohort in study.cohorts
            }
            for cohort, model in product(study.cohorts, MODELS):
                shares = residue_shares(model, residues, proteins.changes[gene], proteins.rates[cohort])
                if cohort not in profiled:
                    shares = ("not_profiled", "no sample was tested for the gene")
                about = {"gene": gene, "cohort": cohort, "model": model, "variants": variants}
                within += [about | row for row in fit_rows(regions, found[cohort], shares, confidence, seed)]
            for pair in cohort_tables.pairs_of(study.cohorts):
                about = {"gene": gene, "cohort_1": pair[0], "cohort_2": pair[1], "variants": variants}
                sides = [found[cohort] for cohort in pair]
                between += [about | row for row in between_rows(regions, sides, confidence, seed)]
    return with_families(within, tables.DOMAIN), with_families(between, tables.BETWEEN)


@click.command(cls=Script)
@click.option("--mutations", type=INPUT, required=True, help="mutations.tsv.gz of harmonise_mutations.")
@click.option("--samples", type=INPUT, required=True, help="samples.tsv of harmonise_mutations.")
@click.option("--panels", type=FOLDER, required=True, help="Folder with TSV: panel, gene; or none.")
@click.option("--panel-genes", type=FOLDER, required=True, help="Folder with further genes, or none.")
@click.option("--gene-aliases", type=INPUT, required=True, help="TSV: gene_name, previous.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@click.option("--domains", type=INPUT, required=True, help="TSV: gene, kind, name, start, end (residues).")
@click.option("--matrices", type=FOLDER, required=True, help="Folder with pooled.SBS96.tsv, or none.")
@click.option("--opportunities", type=FOLDER, required=True, help="Folder with opportunities.tsv, or none.")
@click.option("--genome", type=FOLDER, required=True, help="Folder with FASTA and its index, or none.")
@click.option("--annotation", type=FOLDER, required=True, help="Folder with a GTF, or none.")
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Coverage of intervals.",
)  # fmt: skip
@click.option(
    "--q-value-max", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True,
    help="False discovery rate below which a difference is called one.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of Monte Carlo tests.")
@RESULTS
def main(
    mutations: Path,
    samples: Path,
    panels: Path,
    panel_genes: Path,
    gene_aliases: Path,
    target_genes: Path,
    domains: Path,
    matrices: Path,
    opportunities: Path,
    genome: Path,
    annotation: Path,
    confidence: float,
    q_value_max: float,
    seed: int,
    results: Path,
) -> None:
    """Count patients with a mutated gene, and find where in the protein mutations lie."""
    aliases, targets = cohort_tables.read_aliases(gene_aliases), read_table(target_genes, TARGET_GENES)
    genes = dict.fromkeys([*targets.gene, *cohort_tables.read_genes(panel_genes, aliases)], PANEL)
    genes |= dict.fromkeys(targets.gene, TARGET)
    counted = cohort_tables.read_counted(samples)
    covered = cohort_tables.read_covered(panels, aliases)
    called = looked_at(cohort_tables.read_mutations(mutations), counted, covered, genes)
    study = tables.Study(called, counted, covered, genes, tuple(dict.fromkeys(counted.cohort)))
    frequency, by_panel = count_patients(study, confidence)
    comparison = compare_cohorts(study, frequency, confidence)
    classes = count_classes(study, frequency)

    sequence, spectra = tables.genome_of(genome), tables.Spectra(matrices, opportunities)
    transcripts = tables.read_transcripts_of(targets, sequence, annotation)
    with pysam.FastaFile(str(sequence)) if sequence else nullcontext() as bases:
        changes = {
            gene: possible_changes(each, bases) if isinstance(each, Transcript) else each
            for gene, each in transcripts.items()
        }
    lengths = {gene: each.length for gene, each in changes.items() if isinstance(each, Changes)}
    lengths |= cohort_tables.lengths_of(targets)
    rates = {cohort: rates_of(spectra, cohort, counted) for cohort in study.cohorts}
    proteins = Proteins(
        read_table(domains, cohort_tables.DOMAINS),
        lengths | cohort_tables.lengths_of(targets),
        changes,
        rates,
    )
    within, between = locate(study, proteins, confidence, seed)

    written = {
        "frequency": frequency, "panels": by_panel, "comparison": comparison, "classes": classes,
        "domain": within, "domain_comparison": between,
    }  # fmt: skip
    for name, table in written.items():
        write_table(table, results / f"{name}.tsv")
    drawn = write_figure(written, confidence, q_value_max, results)
    write_report(written, drawn, confidence, q_value_max, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "pysam", "scipy")


if __name__ == "__main__":
    main()
