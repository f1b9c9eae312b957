#!/usr/bin/env python3
"""Count single-base substitutions by their context (SBS96) and doublets (DBS78), by sample and by cohort.

Counted    Substitutions of the samples that count; of the panel genes only, if there is a list of them. Each
           is written with the pyrimidine of its base pair (C or T) and the bases before and after it.
Context    From the genome, if it has at least REF_SHARE of the cohort's reference bases; else from the MAF's
           own context. A genome that has fewer is of another build: without a context that is an error, if
           there are REF_MIN bases to tell. A single base that differs is rejected. A ready matrix is taken as
           it is: its mutations have no genes, so that it cannot be restricted to some.
Doublets   Two substitutions of a sample at neighbouring positions are one event: they are joined, and counted
           with the doublets that were called as such. Three or more in a row, and substitutions of three or
           more bases, are neither: they are rejected. This is how the published counts of TCGA were made; in
           SigProfilerMatrixGenerator's own SBS96 the bases of doublets count, too. Several alleles at one
           position count each, if they have no neighbour. That neighbours lie on one molecule is assumed.
Similarity Cosine of pooled spectra. Noise lowers it: two draws of 75 mutations from one spectrum have a
           cosine of 0.77. `cosine_corrected` is that of the spectra behind the noise: their squared length is
           the observed one less its variance (Spearman's correction for attenuation), estimated between
           tumours, or as that of Poisson counts. Interval: percentiles of cosines of bootstrap samples,
           corrected for their noise and that of the data. Tumours are drawn if TUMOURS have mutations, else
           (and for the gene) mutations. In simulations 95 % intervals held the true cosine in 95 to 100 %,
           without correction in none to 92 %. Below COUNTS_MIN mutations in either there is no cosine.
Opportunities
           How often each trinucleotide, written with a pyrimidine in the middle, occurs in what was profiled:
           the regions of the panel, or the coding exons of its genes, of all genes for an exome; of the panel
           genes only, if there is a list of them.

References: Alexandrov et al. 2013, doi:10.1038/nature12477; Alexandrov et al. 2020,
doi:10.1038/s41586-020-1943-3 (doublets, DBS5); Bergstrom et al. 2019, doi:10.1186/s12864-019-6041-2;
Spearman 1904, doi:10.2307/1412159; Efron 1979, doi:10.1214/aos/1176344552
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.coding_regions import read_coding, shared, united
from common.cohort_tables import read_aliases, read_genes, renamed
from common.genome_bases import BASES, OUTSIDE, UNKNOWN, Genome, find_genome, plain_contig
from common.multiqc import write_versions
from common.mutation_classes import (
    DOUBLETS,
    TRINUCLEOTIDES,
    doublet_table,
    substitution_table,
    trinucleotide_table,
)
from common.mutation_events import contigs_of, events_of, kinds_of, owners_of
from common.mutation_matrix_figure import write_figure
from common.mutation_matrix_report import write_report
from common.mutation_matrix_tables import (
    OPPORTUNITY,
    SIMILARITY,
    Study,
    matrices_of,
    read_study,
    ready_matrices,
    sample_rows,
    write_matrices,
)
from common.mutation_tables import MISSING
from common.rejected_mutations import CODE, rejected_rows
from common.signature_tables import CONTEXTS
from common.tables import only_file, write_table

REF_SHARE, REF_MIN = 0.9, 20
COUNTS_MIN = 20
TUMOURS = 10
BLOCK = 2**22  # bases looked up at once

ALONE, BEHIND = -1, -2  # in place of a partner


# ---- what counts


def kind_of(ref: str, alt: str) -> str:
    """Tell what a pair of alleles is: single, doublet, or why it does not count."""
    if len(ref) != len(alt) or "-" in (ref, alt) or not ref:
        return "indel"
    if not set(ref + alt) <= set(BASES):
        return "not_a_base"
    if ref == alt:
        return "no_change"
    if len(ref) == 1:
        return "single"
    if len(ref) > 2:
        return "longer_substitution"
    return "doublet" if ref[0] != alt[0] and ref[1] != alt[1] else "shared_base"


class Source(NamedTuple):
    """Where the contexts of a cohort's mutations come from, and how well the genome fits."""

    name: str  # genome, context, ready_matrix or none
    checked: int  # reference bases that could be compared with the genome
    differ: int


def source_of(cohort: tuple, events: pd.DataFrame, genome: Genome | None) -> Source:
    """Decide where the contexts of a cohort come from; a genome of another build is an InputError."""
    singles = events[events.single]
    on_contig = (singles.genome_middle < UNKNOWN) | ((singles.genome_middle == OUTSIDE) & singles.known)
    checked, agree = int(on_contig.sum()), int((singles.genome_middle == singles.ref).sum())
    given = int((singles.middle != MISSING).sum())
    few, fits = checked < REF_MIN, agree >= REF_SHARE * checked
    # A genome of a few contigs is no reason to leave out what has a context of its own.
    covers = given <= agree or agree >= REF_SHARE * len(singles)
    differ = checked - agree
    if genome and fits and (not given or (covers and not few)):
        return Source("genome", checked, differ)
    if given:
        return Source("context", checked, differ)
    if genome and few:  # each base is still checked on its own
        return Source("genome", checked, differ)
    if genome and pd.isna(cohort.sbs96):
        found = f"{100 * differ / checked:.0f} % of {checked:,} reference bases are not those of"
        wanted = f"expected the FASTA of {cohort.genome_build}, or a MAF with a context column"
        raise InputError(f"{cohort.cohort}: {found} {genome.path.name}; {wanted}")
    return Source("none", checked, differ)


def reject(events: pd.DataFrame, sources: np.ndarray) -> np.ndarray:
    """Reject events whose reference base is not that of their source, or whose place there is none.

    `sources` is each event's, by its cohort. Both bases of a doublet share what befalls one.
    """
    status = np.zeros(len(events), dtype=np.int8)
    genome, ref = events.genome_middle.to_numpy(), events.ref.to_numpy()
    own = events.middle.to_numpy()
    by_genome, by_context = sources == "genome", sources == "context"
    off = by_genome & (genome == OUTSIDE)
    status[off] = np.where(events.known[off], CODE["outside_contig"], CODE["unknown_contig"])
    status[by_genome & (genome == UNKNOWN)] = CODE["unknown_context"]
    status[by_genome & (genome < UNKNOWN) & (genome != ref)] = CODE["wrong_ref"]
    status[by_context & (own == UNKNOWN)] = CODE["unknown_context"]
    status[by_context & (own < UNKNOWN) & (own != ref)] = CODE["wrong_ref"]
    row = events.row.to_numpy()
    worst = np.zeros(row.max(initial=-1) + 1, dtype=status.dtype)
    np.maximum.at(worst, row, status)
    return worst[row]


def join(events: pd.DataFrame, status: np.ndarray) -> np.ndarray:
    """Join events at neighbouring positions of a sample; return the partner of each first base of a doublet.

    An event that comes again is rejected, and so are three or more in a row: `status` is changed. Partners
    are places in `events`, or ALONE, or BEHIND: the second base of a doublet.
    """
    partner = np.full(len(events), ALONE)
    keys = [events[name].to_numpy() for name in ("owner", "contig", "position", "ref", "alt")]
    good = np.nonzero(status == 0)[0]
    order = good[np.lexsort([key[good] for key in reversed(keys)])]
    ordered = np.array([key[order] for key in keys], dtype=np.int64)
    again = np.r_[False, (ordered[:, 1:] == ordered[:, :-1]).all(axis=0)][: len(order)]
    status[order[again]] = CODE["duplicate"]
    order, ordered = order[~again], ordered[:, ~again]
    owner, contig, position = ordered[:3]
    step = np.diff(position)
    starts = np.nonzero(np.r_[True, (np.diff(owner) != 0) | (np.diff(contig) != 0) | (step > 1)])[0]
    starts = starts[: len(order)]
    sizes = np.diff(np.r_[starts, len(order)])
    spans = position[starts + sizes - 1] - position[starts] if len(starts) else sizes
    two = (sizes == 2) & (spans == 1)
    first, second = order[starts[two]], order[starts[two] + 1]
    partner[first], partner[second] = second, BEHIND
    status[order[np.repeat((spans > 0) & ~two, sizes)]] = CODE["longer_substitution"]
    return partner


class Counted(NamedTuple):
    """The mutations of all cohorts: what counts, by sample and class, and what does not."""

    sbs: np.ndarray  # samples x 96
    dbs: np.ndarray  # samples x 78
    gene: np.ndarray  # samples x 96: of the spectrum gene
    tallies: pd.DataFrame  # a row a sample: snvs, doublets, rejected, outside_panel_genes
    rejected: pd.DataFrame
    sources: dict[str, Source]  # by cohort that has a MAF


def count(study: Study, genome: Genome | None, spectrum_gene: str) -> Counted:
    """Count the mutations of a study, by the samples that count (`study.owners`).

    A cohort whose contexts cannot be known has none that count; they are not listed one by one.
    """
    owners, table = study.owners, study.mutations
    table = table.assign(owner=owners_of(table, owners))
    kinds = kinds_of(table, kind_of)
    kinds[table.owner < 0] = "not_counted"
    events = events_of(table, kinds, contigs_of(table, genome), genome)
    row, owner, ref, alt = (events[name].to_numpy() for name in ("row", "owner", "ref", "alt"))
    cohort_of = owners.cohort.to_numpy(dtype=object)
    sources = {
        cohort.cohort: source_of(cohort, events[cohort_of[owner] == cohort.cohort], genome)
        for cohort in study.cohorts[study.cohorts.maf.notna()].itertuples()
    }
    # The last is of samples that do not count: their number is -1.
    origin = np.array([*(sources[name].name if name in sources else "" for name in cohort_of), ""], "U12")
    status = reject(events, origin[owner])
    partner = join(events, status)

    single = (status == 0) & (partner == ALONE)
    beside = beside_of(events, origin[owner])
    status[single] = beside_status(beside[:, single])
    single &= status == 0
    classes = np.full(len(events), -1)
    classes[single] = substitution_table()[beside[0][single], ref[single], beside[1][single], alt[single]]
    first = np.nonzero(partner >= 0)[0]
    second = partner[first]
    pairs = doublet_table()[ref[first], ref[second], alt[first], alt[second]]

    asked = np.ones(len(table), dtype=bool)
    if study.genes is not None:
        asked = np.isin(table.gene.cat.categories, study.genes)[table.gene.cat.codes]
    counts = single & asked[row]
    of_gene = single & (table.gene == spectrum_gene).to_numpy()[row]
    wanted = asked[row[first]] | asked[row[second]]
    state = row_status(kinds, row, status)
    out = asked & (state > 0)
    row_owner, size = table.owner.to_numpy(), len(owners)
    dbs = by_class(owner[first][wanted], pairs[wanted], size, len(DOUBLETS))
    tallies = {
        "snvs": tally(row_owner[asked & (kinds == "single")], size),
        "doublets": dbs.sum(axis=1),
        "rejected": tally(row_owner[out], size),
        "outside_panel_genes": tally(row_owner[~asked], size),
    }
    listed = out & ~((state == CODE["no_context"]) & (origin[row_owner] == "none"))
    return Counted(
        by_class(owner[counts], classes[counts], size, len(CONTEXTS)),
        dbs,
        by_class(owner[of_gene], classes[of_gene], size, len(CONTEXTS)),
        pd.DataFrame(tallies),
        rejected_rows(table, state, listed, events, status, origin),
        sources,
    )


def beside_of(events: pd.DataFrame, sources: np.ndarray) -> np.ndarray:
    """Return the bases before and after each event, by its cohort's source (2 x n)."""
    from_genome = events[["genome_before", "genome_after"]].to_numpy().T
    given = events[["before", "after"]].to_numpy().T
    found = np.where(sources == "genome", from_genome, given)
    return np.where(sources == "none", MISSING, found).astype(np.uint8)


def beside_status(beside: np.ndarray) -> np.ndarray:
    """Return why substitutions do not count for their neighbours (2 x n); 0 if they do."""
    unknown = np.where((beside == OUTSIDE).any(axis=0), CODE["contig_end"], CODE["unknown_context"])
    worst = beside.max(axis=0, initial=0)
    return np.where(worst == MISSING, CODE["no_context"], np.where(worst >= UNKNOWN, unknown, 0))


def row_status(kinds: np.ndarray, row: np.ndarray, status: np.ndarray) -> np.ndarray:
    """Return why each row does not count; 0 if one of its bases does."""
    state = np.zeros(len(kinds), dtype=np.int8)
    for kind, code in CODE.items():
        state[kinds == kind] = code
    lowest = np.full(len(kinds), 127, dtype=np.int8)
    np.minimum.at(lowest, row, status)
    return np.where(lowest < 127, lowest, state)


def tally(owner: np.ndarray, size: int) -> np.ndarray:
    """Count rows by sample."""
    return np.bincount(owner[owner >= 0], minlength=size)


def by_class(owner: np.ndarray, classes: np.ndarray, size: int, number: int) -> np.ndarray:
    """Count classes by sample (samples x classes)."""
    return np.bincount(owner * number + classes, minlength=size * number).reshape(size, number)


# ---- similarity


class Spectrum(NamedTuple):
    """What is compared: the mutations of a cohort by context."""

    counts: np.ndarray  # samples x 96
    tumours: bool  # whether tumours are drawn, if they are enough

    @property
    def pooled(self) -> np.ndarray:
        """Return the sums over samples."""
        return self.counts.sum(axis=0).astype(float)

    @property
    def drawn(self) -> str:
        """Tell what bootstrap samples are drawn from."""
        enough = int((self.counts.sum(axis=1) > 0).sum()) >= TUMOURS
        return "tumours" if self.tumours and enough else "mutations"

    def noise(self) -> float:
        """Return the noise of the pooled spectrum."""
        if self.drawn == "mutations":
            return float(noise_of_counts(self.pooled))
        return float(noise_between(self.counts.astype(float), np.ones((1, len(self.counts))))[0])


def noise_of_counts(pooled: np.ndarray) -> np.ndarray:
    """Return the variance of Poisson counts (... x 96) across the direction of their spectrum."""
    return pooled.sum(axis=-1) - (pooled**3).sum(axis=-1) / (pooled**2).sum(axis=-1)


def noise_between(counts: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the variance of pooled spectra across their direction, estimated between tumours.

    `counts` are samples x 96, `times` (spectra x samples) how often each tumour is in a pooled spectrum. What
    lies along the direction is the spread of tumours' numbers of mutations, which does not change the cosine.
    """
    pooled, number = times @ counts, len(counts)
    length = np.maximum((pooled**2).sum(axis=1, keepdims=True), 1e-9)  # of none drawn it is 0
    along = (pooled @ counts.T) ** 2 / length
    return number / (number - 1) * (times * ((counts**2).sum(axis=1) - along)).sum(axis=1)


def resampled(spectrum: Spectrum, bootstraps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw pooled spectra (bootstraps x 96); return them with the noise of each."""
    if spectrum.drawn == "mutations":
        total = spectrum.pooled.sum()
        drawn = rng.multinomial(int(total), spectrum.pooled / total, bootstraps).astype(float)
        return drawn, noise_of_counts(drawn)
    counts, parts = spectrum.counts.astype(float), []
    number = len(counts)
    for start in range(0, bootstraps, 256):
        size = min(256, bootstraps - start)
        times = rng.multinomial(number, np.full(number, 1 / number), size).astype(float)
        parts.append((times @ counts, noise_between(counts, times)))
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def cosine(
    one: np.ndarray, other: np.ndarray, noise: np.ndarray | float = 0.0, other_noise: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return cosines along the last axis, of the spectra behind the noise; 1 if there is little but noise."""
    lengths = [
        np.maximum((each * each).sum(axis=-1) - own, 1e-9)
        for each, own in ((one, noise), (other, other_noise))
    ]
    return np.minimum((one * other).sum(axis=-1) / np.sqrt(lengths[0] * lengths[1]), 1.0)


def similarity(
    spectra: Mapping[str, Mapping[str, Spectrum]],
    cohorts: Sequence[str],
    regions: Mapping[str, str],
    bootstraps: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Compare the pooled spectra of all pairs of cohorts, of each kind (`pooled`, the gene).

    `regions` says of each cohort what its mutations were counted in: a pair that differs has a status.
    """
    tails = (1 - confidence) / 2
    rows = []
    for kind, (what, known) in enumerate(spectra.items()):
        enough = {name: each for name, each in known.items() if each.pooled.sum() >= COUNTS_MIN}
        drawn = {
            name: resampled(enough[name], bootstraps, np.random.default_rng([seed, kind, number]))
            for number, name in enumerate(cohorts)
            if name in enough
        }
        for pair in combinations(cohorts, 2):
            row = {"cohort_1": pair[0], "cohort_2": pair[1], "what": what, "status": "ok", "reason": ""}
            numbers = {
                f"mutations_{n}": int(known[name].pooled.sum())
                for n, name in enumerate(pair, 1)
                if name in known
            }
            if absent := [name for name in pair if name not in known]:
                row |= {"status": "no_spectrum", "reason": f"contexts not known: {', '.join(absent)}"}
            elif few := [name for name in pair if name not in enough]:
                reason = f"fewer than {COUNTS_MIN} substitutions: {', '.join(few)}"
                row |= {"status": "too_few", "reason": reason}
            else:
                one, other = (enough[name] for name in pair)
                (some, noise), (others, other_noise) = (drawn[name] for name in pair)
                # Bootstrap samples have the noise of the data, and as much again.
                again = cosine(some, others, 2 * noise, 2 * other_noise)
                low, high = np.quantile(again, [tails, 1 - tails])
                row |= {
                    "cosine": cosine(one.pooled, other.pooled),
                    "cosine_corrected": cosine(one.pooled, other.pooled, one.noise(), other.noise()),
                    "cosine_low": low,
                    "cosine_high": high,
                    "resampled": one.drawn if one.drawn == other.drawn else "both",
                }
                if what == "pooled" and regions[pair[0]] != regions[pair[1]]:
                    words = "; ".join(f"{name}: {regions[name]}" for name in pair)
                    row |= {"status": "other_regions", "reason": words}
            rows.append(row | numbers)
    return pd.DataFrame(rows, columns=SIMILARITY)


# ---- opportunities


def trinucleotides(regions: pd.DataFrame, genome: Genome) -> np.ndarray:
    """Count the trinucleotides (32) around each base of united regions; those with N are left out."""
    counts, table = np.zeros(64, dtype=np.int64), trinucleotide_table().ravel()
    for contig, own in regions.groupby("contig", sort=False):
        starts, ends = own.start.to_numpy(), own.end.to_numpy()
        after = np.cumsum(ends - starts)
        shift = starts - np.r_[0, after[:-1]]
        for begin in range(0, int(after[-1]), BLOCK):
            bases = np.arange(begin, min(begin + BLOCK, int(after[-1])))
            positions = bases + shift[np.searchsorted(after, bases, side="right")]
            codes = [genome.codes(contig, positions + step) for step in (-1, 0, 1)]
            known = np.maximum.reduce(codes) < UNKNOWN
            before, middle, behind = (code[known].astype(np.int64) for code in codes)
            counts += np.bincount(16 * before + 4 * middle + behind, minlength=64)
    return np.bincount(table, weights=counts, minlength=32).astype(np.int64)


def profiled_regions(
    panel: str, panels: pd.DataFrame, coding: pd.DataFrame | None, genes: Sequence[str] | None
) -> tuple[pd.DataFrame | None, str, str]:
    """Return the united regions that a panel ("": exome) profiles, their status and what they are."""
    own = panels[panels["panel"] == panel]
    if panel and own.empty:
        return None, "no_regions", f"panel {panel} is not described"
    regions = own[own.start.notna()].astype({"start": "int64", "end": "int64"})
    if len(regions):
        regions = regions.assign(contig=regions.chrom.map(plain_contig))
        if genes is None:
            return united(regions), "ok", "regions of the panel"
        named = regions.gene.notna()
        kept = united(regions[regions.gene.isin(genes)])
        if named.all():
            return kept, "ok", "regions of the panel that are of the panel genes"
        if coding is None:
            return None, "no_annotation", "regions without a gene cannot be restricted without --annotation"
        exons = united(coding[coding.gene.isin(genes)])
        parts = shared(united(regions[~named]), exons)
        words = "regions of the panel that are of the panel genes, by name or within their coding exons"
        return united(pd.concat([kept, parts])), "ok", words
    if coding is None:
        return None, "no_annotation", "which bases are coding is not known without --annotation"
    if not panel and genes is None:
        return united(coding), "ok", f"coding exons of {coding.gene.nunique():,} genes"
    wanted = list(dict.fromkeys(own.gene.dropna())) if panel else list(genes)
    wanted = [gene for gene in wanted if genes is None or gene in set(genes)]
    exons = coding[coding.gene.isin(wanted)]
    lost = [gene for gene in wanted if gene not in set(exons.gene)]
    words = f"coding exons of {exons.gene.nunique():,} genes"
    if lost:
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        words += f"; not in the annotation: {', '.join(lost[:5])}{more}"
    return (united(exons), "ok", words) if len(exons) else (None, "no_genes", words)


def opportunities(
    study: Study, coding: pd.DataFrame | None, genome: Genome | None, sources: Mapping[str, Source]
) -> pd.DataFrame:
    """Count the trinucleotides of what was profiled: 32 rows a cohort and panel, or one that says why not."""
    found: dict[str, tuple[np.ndarray | None, str, str]] = {}
    by_regions = set(study.panels["panel"][study.panels.start.notna()])
    rows = []
    for cohort in study.cohorts.itertuples():
        source = sources[cohort.cohort]
        for panel in dict.fromkeys(study.samples["panel"][study.samples.cohort == cohort.cohort]):
            counts = None
            if source.name == "ready_matrix":
                status, reason = "ready_matrix", "a ready matrix does not say which bases were profiled"
            elif genome is None:
                status, reason = "no_genome", "needs --fasta"
            elif panel in by_regions and source.differ > (1 - REF_SHARE) * source.checked:
                status = "other_build"
                reason = f"regions of {cohort.genome_build}; {genome.path.name} is of another build"
            else:
                if panel not in found:
                    found[panel] = counted_regions(panel, study, coding, genome)
                counts, status, reason = found[panel]
            key = {"cohort": cohort.cohort, "panel": panel, "status": status, "reason": reason}
            numbers = {None: pd.NA} if counts is None else dict(zip(TRINUCLEOTIDES, counts, strict=True))
            rows += [key | {"trinucleotide": name, "count": number} for name, number in numbers.items()]
    return pd.DataFrame(rows, columns=OPPORTUNITY).astype({"count": "Int64"})


def counted_regions(
    panel: str, study: Study, coding: pd.DataFrame | None, genome: Genome
) -> tuple[np.ndarray | None, str, str]:
    """Return the trinucleotides that a panel profiles, or None; status and reason."""
    regions, status, reason = profiled_regions(panel, study.panels, coding, study.genes)
    if regions is None:
        return None, status, reason
    counts = trinucleotides(regions, genome)
    if not counts.sum():
        return None, "not_in_genome", f"{genome.path.name} has none of it: {reason}"
    return counts, status, reason


# ---- the command


@click.command(cls=Script)
@click.option("--cohorts", type=INPUT, required=True, help="TSV: cohort, genome_build, maf, sbs96.")
@click.option("--profiled", type=INPUT, required=True, help="TSV: cohort, sample, patient, panel.")
@click.option(
    "--mutations", type=FOLDER, required=True,
    help="Folder with mutations.tsv.gz and samples.tsv of harmonise_mutations, or none.",
)  # fmt: skip
@click.option("--panels", type=FOLDER, required=True, help="Folder with panels.tsv, or none.")
@click.option("--panel-genes", type=FOLDER, required=True, help="Folder with a list of genes, or none.")
@click.option(
    "--matrices", type=FOLDER, required=True, help="Folder of numbered folders with a ready matrix each."
)
@click.option("--gene-aliases", type=INPUT, required=True, help="TSV: gene_name, previous (symbols).")
@click.option("--genome", type=FOLDER, required=True, help="Folder with a FASTA and its index, or none.")
@click.option("--annotation", type=FOLDER, required=True, help="Folder with a GTF, or none.")
@click.option("--spectrum-gene", default="KEAP1", show_default=True, help="Gene with a spectrum of its own.")
@click.option(
    "--bootstraps", type=click.IntRange(100, 100_000), default=1000, show_default=True,
    help="Bootstrap samples for intervals of similarities.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of random numbers.")
@click.option(
    "--confidence", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Coverage of intervals.",
)  # fmt: skip
@RESULTS
def main(
    cohorts: Path,
    profiled: Path,
    mutations: Path,
    panels: Path,
    panel_genes: Path,
    matrices: Path,
    gene_aliases: Path,
    genome: Path,
    annotation: Path,
    spectrum_gene: str,
    bootstraps: int,
    seed: int,
    confidence: float,
    results: Path,
) -> None:
    """Count substitutions by context, and doublets, by sample and cohort."""
    aliases = read_aliases(gene_aliases)
    study = read_study(
        cohorts, profiled, mutations, panels, matrices, read_genes(panel_genes, aliases) or None
    )
    bases, gtf = find_genome(genome), only_file(annotation)
    counted = count(study, bases, spectrum_gene)
    sources = counted.sources | dict.fromkeys(study.ready, Source("ready_matrix", 0, 0))

    known = [name for name, source in counted.sources.items() if source.name != "none"]
    own = matrices_of(study, counted.sbs, CONTEXTS, known) | ready_matrices(study)
    spectra = {name: own[name] for name in study.cohorts.cohort if name in own}
    doublets = matrices_of(study, counted.dbs, DOUBLETS, study.with_maf())
    of_gene = matrices_of(study, counted.gene, CONTEXTS, known) if spectrum_gene else {}
    folder = results / "matrices"
    folder.mkdir(parents=True, exist_ok=True)
    write_matrices(spectra, CONTEXTS, "SBS96", folder, "pooled")
    if doublets:
        write_matrices(doublets, DOUBLETS, "DBS78", folder, "pooled")
    if of_gene:
        write_matrices(of_gene, CONTEXTS, "SBS96", folder, spectrum_gene)

    compared = {"pooled": {name: Spectrum(matrix.to_numpy().T, True) for name, matrix in spectra.items()}}
    if of_gene:
        compared[spectrum_gene] = {name: Spectrum(each.to_numpy().T, False) for name, each in of_gene.items()}
    similar = similarity(compared, list(study.cohorts.cohort), study.regions(), bootstraps, confidence, seed)
    coding = read_coding(gtf) if gtf and bases else None
    if coding is not None:
        coding = coding.assign(gene=renamed(coding.gene, aliases))
    tested = study.panels.assign(gene=renamed(study.panels.gene, aliases))
    chances = opportunities(study._replace(panels=tested), coding, bases, sources)
    by_sample = sample_rows(
        study, counted.tallies, spectra, {name: source.name for name, source in sources.items()}
    )
    for name, table in (
        ("samples", by_sample),
        ("rejected", counted.rejected),
        ("similarity", similar),
        ("opportunities", chances),
    ):
        write_table(table, results / f"{name}.tsv")
    drawn = write_figure(compared, similar, confidence, results)
    write_report(
        by_sample, counted.rejected, sources, doublets, similar, chances, drawn, study.regions(), results
    )
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "pyarrow")


if __name__ == "__main__":
    main()
