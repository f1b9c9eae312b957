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
           more bases, are neither: they are rejected. Several alleles at one position count each, if they
           have no neighbour. The MAF does not say whether neighbours lie on one molecule: it is assumed.
Similarity Cosine of pooled spectra. Interval: percentiles of bootstrap samples; tumours are drawn if there
           are TUMOURS with mutations, else (and for the gene) mutations. Noise lowers the cosine of spectra
           that are the same: `cosine_expected` is the median of two draws of as many mutations from the
           cohorts' sum, and 1 - confidence of them lie below `cosine_expected_low`. It takes mutations as
           independent, which those of a tumour are not. Below COUNTS_MIN mutations in either: no cosine.
Opportunities
           How often each trinucleotide, written with a pyrimidine in the middle, occurs in what was profiled:
           the regions of the panel, or the coding exons of its genes, of all genes for an exome; of the panel
           genes only, if there is a list of them.

References: Alexandrov et al. 2013, doi:10.1038/nature12477; Alexandrov et al. 2020,
doi:10.1038/s41586-020-1943-3 (doublets, DBS5); Bergstrom et al. 2019, doi:10.1186/s12864-019-6041-2; Efron
1979, doi:10.1214/aos/1176344552
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, InputError, Script
from common.coding_regions import read_coding
from common.genome_bases import BASES, OUTSIDE, UNKNOWN, Genome, find_genome, plain_contig
from common.multiqc import write_versions
from common.mutation_matrix_figure import write_figure
from common.mutation_matrix_report import write_report
from common.mutation_tables import BESIDE, MISSING, TEXTS, read_genes, read_mutations, read_spectra
from common.signature_tables import CONTEXTS
from common.tables import only_file, read_table, write_table

COHORTS = {"cohort": "str", "genome_build": "str", "maf": "Int64", "sbs96": "Int64"}
PROFILED = dict.fromkeys(["cohort", "sample", "patient", "panel"], "str")
COUNTS = dict.fromkeys(["cohort", "sample", "counts", "status", "reason"], "str")
PANELS = dict.fromkeys(["panel", "gene", "chrom"], "str") | {"start": "Int64", "end": "Int64"}

REF_SHARE, REF_MIN = 0.9, 20
COUNTS_MIN = 20
TUMOURS = 10
BLOCK = 2**22  # bases looked up at once

# COSMIC's 78 types; the other 66 are their reverse complements.
DOUBLETS = [
    f"{ref}>{alt}"
    for ref, alts in {
        "AC": "CA CG CT GA GG GT TA TG TT",
        "AT": "CA CC CG GA GC TA",
        "CC": "AA AG AT GA GG GT TA TG TT",
        "CG": "AT GC GT TA TC TT",
        "CT": "AA AC AG GA GC GG TA TC TG",
        "GC": "AA AG AT CA CG TA",
        "TA": "AT CG CT GC GG GT",
        "TC": "AA AG AT CA CG CT GA GG GT",
        "TG": "AA AC AT CA CC CT GA GC GT",
        "TT": "AA AC AG CA CC CG GA GC GG",
    }.items()
    for alt in alts.split()
]
TRINUCLEOTIDES = [f"{before}{middle}{after}" for middle in "CT" for before in BASES for after in BASES]
FORWARD, REVERSE = dict(zip("ACGT", range(4), strict=True)), dict(zip("TGCA", range(4), strict=True))

# Why a mutation does not count.
REASONS = {
    "not_counted": "of a sample that does not count",
    "indel": "an insertion or deletion",
    "longer_substitution": "three or more bases in a row",
    "not_a_base": "alleles other than A, C, G, T",
    "no_change": "both alleles are the same",
    "shared_base": "a doublet of which one base does not change",
    "unknown_contig": "the genome has no such contig",
    "outside_contig": "beyond the end of the contig",
    "wrong_ref": "",  # with the base
    "duplicate": "the same again in this sample",
    "contig_end": "a base at the end of a contig has one neighbour",
    "unknown_context": "the base or a neighbour is not known (N)",
    "no_context": "without context in the MAF",
}
CODE = {status: code for code, status in enumerate(REASONS, start=1)}  # 0: it counts
REJECTED = ["cohort", "sample", "gene", "chrom", "position", "ref", "alt", "status", "reason"]
SAMPLE = ["cohort", "sample", "source", "snvs", "counted", "doublets", "rejected", "outside_panel_genes"]
SAMPLE += ["status", "reason"]
SIMILARITY = [
    *("cohort_1", "cohort_2", "what", "mutations_1", "mutations_2", "cosine", "cosine_low", "cosine_high"),
    *("resampled", "cosine_expected", "cosine_expected_low", "status", "reason"),
]
OPPORTUNITY = ["cohort", "panel", "trinucleotide", "count", "status", "reason"]


# ---- classes of substitutions


def substitution_table() -> np.ndarray:
    """Return the number in CONTEXTS of a base before, ref, base after and alt (codes); -1 if ref is alt."""
    table = np.full((4, 4, 4, 4), -1)
    for number, context in enumerate(CONTEXTS):
        before, ref, alt, after = context[0], context[2], context[4], context[6]
        table[FORWARD[before], FORWARD[ref], FORWARD[after], FORWARD[alt]] = number
        table[REVERSE[after], REVERSE[ref], REVERSE[before], REVERSE[alt]] = number
    return table


def doublet_table() -> np.ndarray:
    """Return the number in DOUBLETS of two ref and two alt bases (codes); -1 if a base stays."""
    table = np.full((4, 4, 4, 4), -1)
    for number, (first, second, _, third, fourth) in enumerate(DOUBLETS):
        table[FORWARD[first], FORWARD[second], FORWARD[third], FORWARD[fourth]] = number
        table[REVERSE[second], REVERSE[first], REVERSE[fourth], REVERSE[third]] = number
    return table


def trinucleotide_table() -> np.ndarray:
    """Return the number in TRINUCLEOTIDES of three bases (codes)."""
    table = np.full((4, 4, 4), -1)
    for number, (before, middle, after) in enumerate(TRINUCLEOTIDES):
        table[FORWARD[before], FORWARD[middle], FORWARD[after]] = number
        table[REVERSE[after], REVERSE[middle], REVERSE[before]] = number
    return table


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


def kinds_of(table: pd.DataFrame) -> np.ndarray:
    """Return the kind of each row's alleles, as text."""
    refs, alts = table.ref.cat.categories, table.alt.cat.categories
    pairs = table.ref.cat.codes.to_numpy(np.int64) * len(alts) + table.alt.cat.codes.to_numpy(np.int64)
    found, which = np.unique(pairs, return_inverse=True)
    kinds = [kind_of(refs[pair // len(alts)].upper(), alts[pair % len(alts)].upper()) for pair in found]
    return np.array(kinds, dtype="U20")[which] if kinds else np.empty(0, dtype="U20")


# ---- from mutations to events


def events_of(table: pd.DataFrame, kinds: np.ndarray, contigs: np.ndarray) -> pd.DataFrame:
    """Make an event of each base that changes; doublets have two.

    row (of the table), owner (number of the sample), contig (code), position, ref, alt (codes), and the bases
    beside it that the MAF gives.
    """
    parts = []
    for kind, place in (("single", 0), ("doublet", 0), ("doublet", 1)):
        rows = np.nonzero(kinds == kind)[0]
        some = table.iloc[rows]
        alleles = {}
        for name in ("ref", "alt"):
            texts = some[name].cat.categories
            codes = np.array(
                [FORWARD.get(text[place : place + 1].upper(), MISSING) for text in texts], np.uint8
            )
            alleles[name] = codes[some[name].cat.codes] if len(texts) else np.empty(0, np.uint8)
        beside = {name: some[name] if kind == "single" else np.uint8(MISSING) for name in BESIDE}
        part = {"row": rows, "owner": some.owner, "contig": contigs[rows], "position": some.position + place}
        parts.append(pd.DataFrame(part | alleles | beside | {"single": kind == "single"}))
    return pd.concat(parts, ignore_index=True)


def with_bases(events: pd.DataFrame, contigs: Sequence[str], genome: Genome | None) -> pd.DataFrame:
    """Add what the genome has before, at and after each event (codes)."""
    found = np.full((3, len(events)), OUTSIDE, dtype=np.uint8)
    if genome:
        contig, position = events.contig.to_numpy(), events.position.to_numpy()
        order = np.lexsort((position, contig))
        bounds = np.searchsorted(contig[order], np.arange(len(contigs) + 1))
        for number, name in enumerate(contigs):
            rows = order[bounds[number] : bounds[number + 1]]
            found[:, rows] = genome.codes(name, position[rows] - 1 + np.array([[-1], [0], [1]]))
    return events.assign(**{f"genome_{name}": codes for name, codes in zip(BESIDE, found, strict=True)})


class Source(NamedTuple):
    """Where the contexts of a cohort's mutations come from, and how well the genome fits."""

    name: str  # genome, context, ready_matrix or none
    checked: int  # reference bases that could be compared with the genome
    differ: int


def source_of(cohort: pd.Series, events: pd.DataFrame, genome: Genome | None) -> Source:
    """Decide where the contexts of a cohort come from; a genome of another build is an InputError."""
    singles = events[events.single]
    on_contig = (singles.genome_middle < UNKNOWN) | (
        (singles.genome_middle == OUTSIDE) & singles.on_known_contig
    )
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
        raise InputError(
            f"{cohort.cohort}: {100 * differ / checked:.0f} % of {checked:,} reference bases are not those "
            f"of {genome.path.name}; expected the FASTA of {cohort.genome_build}, or a MAF with a context column"
        )
    return Source("none", checked, differ)


def reject(events: pd.DataFrame, status: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Reject events whose reference base is not that of their source, or whose place there is none.

    `status` is each event's so far, `sources` its cohort's. Both bases of a doublet share what befalls one.
    """
    genome, ref = events.genome_middle.to_numpy(), events.ref.to_numpy()
    own = events.middle.to_numpy()
    by_genome, by_context = sources == "genome", sources == "context"
    off = by_genome & (genome == OUTSIDE)
    status[off] = np.where(events.on_known_contig[off], CODE["outside_contig"], CODE["unknown_contig"])
    status[by_genome & (genome == UNKNOWN)] = CODE["unknown_context"]
    status[by_genome & (genome < UNKNOWN) & (genome != ref)] = CODE["wrong_ref"]
    status[by_context & (own < UNKNOWN) & (own != ref)] = CODE["wrong_ref"]
    row = events.row.to_numpy()
    worst = np.zeros(row.max(initial=-1) + 1, dtype=status.dtype)
    np.maximum.at(worst, row, status)
    return worst[row]


def join(events: pd.DataFrame, status: np.ndarray) -> np.ndarray:
    """Join events at neighbouring positions of a sample; return the partner of each first base of a doublet.

    An event that comes again is rejected, and so are three or more in a row: `status` is changed. Partners
    are places in `events`; -1: single; -2: second base of a doublet.
    """
    partner = np.full(len(events), -1)
    keys = [events[name].to_numpy() for name in ("owner", "contig", "position", "ref", "alt")]
    good = np.nonzero(status == 0)[0]
    order = good[np.lexsort([key[good] for key in reversed(keys)])]
    ordered = np.array([key[order] for key in keys], dtype=np.int64)
    again = np.r_[False, (ordered[:, 1:] == ordered[:, :-1]).all(axis=0)]
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
    partner[first], partner[second] = second, -2
    status[order[np.repeat((spans > 0) & ~two, sizes)]] = CODE["longer_substitution"]
    return partner


class Counted(NamedTuple):
    """The mutations of all cohorts: what counts, by sample and class, and what does not."""

    sbs: np.ndarray  # samples x 96
    dbs: np.ndarray  # samples x 78
    gene: np.ndarray  # samples x 96: of the spectrum gene
    tallies: pd.DataFrame  # a row a sample: snvs, rejected, outside_panel_genes
    rejected: pd.DataFrame
    sources: dict[str, Source]  # by cohort


def count(
    table: pd.DataFrame,
    owners: pd.DataFrame,
    cohorts: pd.DataFrame,
    genome: Genome | None,
    genes: Sequence[str] | None,
    spectrum_gene: str,
) -> Counted:
    """Count the mutations of `read_mutations`.

    `owners` has a row for each sample that counts (cohort, sample). `genes` are those that are asked for;
    None: all. A cohort whose contexts cannot be known has none that count; its rows are not listed one by one.
    """
    table = table.assign(owner=owners_of(table, owners))
    kinds = kinds_of(table)
    kinds[table.owner < 0] = "not_counted"
    names = [plain_contig(name) for name in table.chrom.cat.categories]
    contigs = sorted(set(names))
    contig = np.array([contigs.index(name) for name in names] or [0])[table.chrom.cat.codes]
    events = with_bases(events_of(table, kinds, contig), contigs, genome)
    known = np.array([bool(genome) and name in genome.contigs for name in contigs] or [False])
    events["on_known_contig"] = known[events.contig]
    of_owner = owners.cohort.to_numpy(dtype=object)
    of_event = of_owner[events.owner]
    sources = {
        cohort.cohort: source_of(cohort, events[of_event == cohort.cohort], genome)
        for cohort in cohorts.itertuples()
        if not pd.isna(cohort.maf)
    }
    by_owner = np.array([sources[name].name if name in sources else "none" for name in of_owner], dtype="U12")
    status = reject(events, np.zeros(len(events), dtype=np.int8), by_owner[events.owner])
    partner = join(events, status)

    asked = np.ones(len(table), dtype=bool)
    if genes is not None:
        asked = np.isin(table.gene.cat.categories, list(genes))[table.gene.cat.codes]
    row, owner = events.row.to_numpy(), events.owner.to_numpy()
    single = (status == 0) & (partner == -1)
    beside = beside_of(events, by_owner[owner])
    status[single] = beside_status(beside[:, single], by_owner[owner][single])
    counts = single & (status == 0)
    ref, alt = events.ref.to_numpy(), events.alt.to_numpy()
    place = np.where(counts, beside[0], 0), np.where(counts, ref, 0), np.where(counts, beside[1], 0), alt
    classes = np.where(counts, substitution_table()[place], -1)
    gene = (table.gene == spectrum_gene).to_numpy()[row]

    first = np.nonzero(partner >= 0)[0]
    second = partner[first]
    pairs = doublet_table()[ref[first], ref[second], alt[first], alt[second]]
    wanted = asked[row[first]] | asked[row[second]]

    state = row_status(kinds, row, status)
    listed = asked & (state > 0)
    size = len(owners)
    tallies = pd.DataFrame(
        {
            "snvs": tally(table.owner, asked & (kinds == "single"), size),
            "rejected": tally(table.owner, listed, size),
            "outside_panel_genes": tally(table.owner, ~asked, size),
        }
    )
    named = listed & ~((state == CODE["no_context"]) & (by_source(table.owner, by_owner) == "none"))
    return Counted(
        by_class(owner[counts & asked[row]], classes[counts & asked[row]], size, len(CONTEXTS)),
        by_class(owner[first][wanted], pairs[wanted], size, len(DOUBLETS)),
        by_class(owner[counts & gene], classes[counts & gene], size, len(CONTEXTS)),
        tallies,
        rejected_rows(table, state, named, events, status, by_owner),
        sources,
    )


def owners_of(table: pd.DataFrame, owners: pd.DataFrame) -> np.ndarray:
    """Return the number in `owners` of each row's sample; -1 if it is not there."""
    samples = table["sample"].cat.categories
    pairs = table.cohort.cat.codes.to_numpy(np.int64) * len(samples) + table["sample"].cat.codes
    found, which = np.unique(pairs, return_inverse=True)
    names = [
        (table.cohort.cat.categories[pair // len(samples)], samples[pair % len(samples)]) for pair in found
    ]
    known = {key: number for number, key in enumerate(zip(owners.cohort, owners["sample"], strict=True))}
    return np.array([known.get(name, -1) for name in names] or [-1])[which]


def by_source(owner: pd.Series, by_owner: np.ndarray) -> np.ndarray:
    """Return the source of each row's contexts; of a sample that does not count, none that matters."""
    return np.append(by_owner, "")[owner.to_numpy()]


def beside_of(events: pd.DataFrame, sources: np.ndarray) -> np.ndarray:
    """Return the bases before and after each event, by its cohort's source (2 x n)."""
    from_genome = events[["genome_before", "genome_after"]].to_numpy().T
    given = events[["before", "after"]].to_numpy().T
    found = np.where(sources == "genome", from_genome, given)
    return np.where(sources == "none", MISSING, found).astype(np.uint8)


def beside_status(beside: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return why single substitutions do not count for their neighbours; 0 if they do."""
    worst = beside.max(axis=0, initial=0)
    unknown = np.where((beside == OUTSIDE).any(axis=0), CODE["contig_end"], CODE["unknown_context"])
    return np.where(worst == MISSING, CODE["no_context"], np.where(worst >= UNKNOWN, unknown, 0))


def row_status(kinds: np.ndarray, row: np.ndarray, status: np.ndarray) -> np.ndarray:
    """Return why each row does not count; 0 if one of its bases does."""
    state = np.zeros(len(kinds), dtype=np.int8)
    for kind, code in CODE.items():
        state[kinds == kind] = code
    lowest = np.full(len(kinds), 127, dtype=np.int8)
    np.minimum.at(lowest, row, status)
    return np.where(lowest < 127, lowest, state)


def tally(owner: pd.Series, chosen: np.ndarray, size: int) -> np.ndarray:
    """Count the chosen rows of each sample."""
    own = owner.to_numpy()[chosen]
    return np.bincount(own[own >= 0], minlength=size)


def by_class(owner: np.ndarray, classes: np.ndarray, size: int, number: int) -> np.ndarray:
    """Count classes by sample (samples x classes)."""
    return np.bincount(owner * number + classes, minlength=size * number).reshape(size, number)


def rejected_rows(
    table: pd.DataFrame,
    state: np.ndarray,
    named: np.ndarray,
    events: pd.DataFrame,
    status: np.ndarray,
    by_owner: np.ndarray,
) -> pd.DataFrame:
    """List the rows that do not count, with status and reason."""
    found = np.full(len(table), MISSING, dtype=np.uint8)
    wrong = status == CODE["wrong_ref"]
    owner = events.owner.to_numpy()[wrong]
    bases = np.where(by_owner[owner] == "genome", events.genome_middle[wrong], events.middle[wrong])
    other = bases != events.ref[wrong].to_numpy()  # of a doublet, the base that differs
    found[events.row[wrong][other]] = bases[other]
    rows = np.nonzero(named)[0]
    statuses, words = np.array(["", *REASONS]), np.array(["", *REASONS.values()], dtype=object)
    reason = words[state[rows]]
    differ = np.nonzero(state[rows] == CODE["wrong_ref"])[0]
    of = np.where(by_source(table.owner.iloc[rows[differ]], by_owner) == "genome", "genome", "context")
    letters = np.array(list(f"{BASES}N"), dtype=object)[np.minimum(found[rows[differ]], UNKNOWN)]
    reason[differ] = [f"the {source} has {base} there" for source, base in zip(of, letters, strict=True)]
    listed = table.iloc[rows][[*TEXTS[:4], "position", *TEXTS[4:]]]
    return listed.assign(status=statuses[state[rows]], reason=reason)[REJECTED].reset_index(drop=True)


# ---- similarity


class Spectrum(NamedTuple):
    """What is compared: the mutations of a cohort by context."""

    counts: np.ndarray  # samples x 96
    by_tumour: bool  # whether tumours are drawn

    @property
    def pooled(self) -> np.ndarray:
        """Return the sums over samples."""
        return self.counts.sum(axis=0)


def drawn_spectra(spectrum: Spectrum, bootstraps: int, rng: np.random.Generator) -> np.ndarray:
    """Draw pooled spectra (bootstraps x 96), from tumours or from mutations."""
    if not spectrum.by_tumour:
        total = int(spectrum.pooled.sum())
        return rng.multinomial(total, spectrum.pooled / total, bootstraps).astype(float)
    number, counts = len(spectrum.counts), spectrum.counts.astype(float)
    even = np.full(number, 1 / number)
    blocks = [min(256, bootstraps - start) for start in range(0, bootstraps, 256)]
    return np.concatenate([rng.multinomial(number, even, block).astype(float) @ counts for block in blocks])


def cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the cosine of vectors along the last axis; missing if one is zero."""
    size = np.sqrt((one * one).sum(axis=-1) * (other * other).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.minimum((one * other).sum(axis=-1) / size, 1.0)


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
        drawn = {
            name: drawn_spectra(known[name], bootstraps, np.random.default_rng([seed, kind, number]))
            for number, name in enumerate(cohorts)
            if name in known and known[name].pooled.sum() >= COUNTS_MIN
        }
        for first, second in combinations(range(len(cohorts)), 2):
            pair = cohorts[first], cohorts[second]
            row = {"cohort_1": pair[0], "cohort_2": pair[1], "what": what}
            sums = [known[name].pooled if name in known else None for name in pair]
            row |= {f"mutations_{n}": int(sum_.sum()) for n, sum_ in enumerate(sums, 1) if sum_ is not None}
            if absent := [name for name, sum_ in zip(pair, sums, strict=True) if sum_ is None]:
                row |= {"status": "no_spectrum", "reason": f"contexts not known: {', '.join(absent)}"}
            elif few := [name for name in pair if name not in drawn]:
                words = f"fewer than {COUNTS_MIN} substitutions: {', '.join(few)}"
                row |= {"status": "too_few", "reason": words}
            else:
                one, other = sums
                rng = np.random.default_rng([seed, kind, len(cohorts), first, second])
                common = (one + other) / (one.sum() + other.sum())
                even = cosine(*(rng.multinomial(int(each.sum()), common, bootstraps) for each in sums))
                limits = np.quantile(cosine(drawn[pair[0]], drawn[pair[1]]), [tails, 1 - tails])
                tumours = {known[name].by_tumour for name in pair}
                row |= {
                    "cosine": cosine(one, other),
                    "cosine_low": limits[0],
                    "cosine_high": limits[1],
                    "resampled": "both"
                    if len(tumours) > 1
                    else "tumours"
                    if True in tumours
                    else "mutations",
                    "cosine_expected": np.median(even),
                    "cosine_expected_low": np.quantile(even, 1 - confidence),
                    "status": "ok",
                    "reason": "",
                }
                if what == "pooled" and regions[pair[0]] != regions[pair[1]]:
                    words = "; ".join(f"{name}: {regions[name]}" for name in pair)
                    row |= {"status": "other_regions", "reason": words}
            rows.append(row)
    return pd.DataFrame(rows, columns=SIMILARITY)


# ---- opportunities


def united(regions: pd.DataFrame) -> pd.DataFrame:
    """Unite regions that overlap or touch (contig, start, end)."""
    regions = regions.sort_values(["contig", "start", "end"], ignore_index=True)
    furthest = regions.groupby("contig", sort=False).end.cummax()
    begins = (regions.contig != regions.contig.shift()) | (regions.start > furthest.shift())
    return regions.groupby(begins.cumsum()).agg(
        contig=("contig", "first"), start=("start", "min"), end=("end", "max")
    )


def shared(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return what two sets of united regions share."""
    parts = []
    for contig, left in one.groupby("contig", sort=False):
        right = other[other.contig == contig]
        low = np.searchsorted(right.end.to_numpy(), left.start.to_numpy(), side="right")
        high = np.searchsorted(right.start.to_numpy(), left.end.to_numpy(), side="left")
        hits = np.maximum(high - low, 0)
        ours = left.iloc[np.repeat(np.arange(len(left)), hits)]
        theirs = right.iloc[np.repeat(low - np.r_[0, np.cumsum(hits)[:-1]], hits) + np.arange(hits.sum())]
        start = np.maximum(ours.start.to_numpy(), theirs.start.to_numpy())
        end = np.minimum(ours.end.to_numpy(), theirs.end.to_numpy())
        parts.append(pd.DataFrame({"contig": contig, "start": start, "end": end}))
    return pd.concat(parts, ignore_index=True) if parts else one[:0]


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
    if own.start.notna().any():
        regions = own.assign(
            contig=own.chrom.map(plain_contig), start=own.start.astype("int64"), end=own.end.astype("int64")
        )
        if genes is None:
            return united(regions[["contig", "start", "end"]]), "ok", "regions of the panel"
        named = regions.gene.notna()
        kept = united(regions[regions.gene.isin(genes)][["contig", "start", "end"]])
        if named.all():
            return kept, "ok", "regions of the panel that are of the panel genes"
        if coding is None:
            return None, "no_annotation", "regions without a gene cannot be restricted without --annotation"
        exons = united(coding[coding.gene.isin(genes)])
        parts = shared(united(regions[~named][["contig", "start", "end"]]), exons)
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
    return united(exons), "ok" if len(exons) else "no_genes", words


def opportunities(
    cohorts: pd.DataFrame,
    profiled: pd.DataFrame,
    panels: pd.DataFrame,
    coding: pd.DataFrame | None,
    genes: Sequence[str] | None,
    genome: Genome | None,
    sources: Mapping[str, Source],
) -> pd.DataFrame:
    """Count the trinucleotides of what was profiled: 32 rows a cohort and panel, or one that says why not."""
    found: dict[str, tuple[np.ndarray | None, str, str]] = {}
    by_regions = set(panels["panel"][panels.start.notna()])
    rows = []
    for cohort in cohorts.itertuples():
        source = sources.get(cohort.cohort)
        for panel in dict.fromkeys(profiled["panel"][profiled.cohort == cohort.cohort].fillna("")):
            counts, status, reason = None, "", ""
            if source is None or source.name == "ready_matrix":
                status, reason = "ready_matrix", "a ready matrix does not say which bases were profiled"
            elif genome is None:
                status, reason = "no_genome", "needs --fasta"
            elif panel in by_regions and source.checked and source.differ > (1 - REF_SHARE) * source.checked:
                status = "other_build"
                reason = f"regions of {cohort.genome_build}, and {genome.path.name} is of another build"
            else:
                if panel not in found:
                    regions, status, reason = profiled_regions(panel, panels, coding, genes)
                    found[panel] = (
                        None if status != "ok" else trinucleotides(regions, genome),
                        status,
                        reason,
                    )
                counts, status, reason = found[panel]
                if counts is not None and not counts.sum():
                    counts, status = None, "not_in_genome"
                    reason = f"{genome.path.name} has none of the contigs: {reason}"
            key = {"cohort": cohort.cohort, "panel": panel, "status": status, "reason": reason}
            if counts is None:
                rows.append(key)
            else:
                rows += [
                    key | {"trinucleotide": name, "count": number}
                    for name, number in zip(TRINUCLEOTIDES, counts, strict=True)
                ]
    return pd.DataFrame(rows, columns=OPPORTUNITY).astype({"count": "Int64"})


# ---- the study


def samples_of(profiled: pd.DataFrame, harmonised: pd.DataFrame) -> pd.DataFrame:
    """List the profiled samples, and whether they count: as harmonise_mutations says, or all."""
    keys = ["cohort", "sample"]
    found = profiled.merge(harmonised.drop_duplicates(keys), how="left", on=keys)
    found["counts"] = found.counts.fillna("yes") == "yes"
    return found.assign(status=found.status.fillna(""), reason=found.reason.fillna(""))


def read_ready(cohorts: pd.DataFrame, folder: Path) -> dict[str, pd.DataFrame]:
    """Read the ready matrices, by cohort; those of cohort n are in the folder of its number."""
    found = {}
    for cohort in cohorts[cohorts.sbs96.notna()].itertuples():
        path = only_file(folder / str(cohort.sbs96))
        if path is None:
            raise InputError(f"{cohort.cohort}: no ready matrix in {folder.name}/{cohort.sbs96}")
        found[cohort.cohort] = read_spectra(path)
    return found


def sample_rows(
    samples: pd.DataFrame,
    counted: Counted,
    spectra: Mapping[str, pd.DataFrame],
    ready: Mapping[str, pd.DataFrame],
    restricted: bool,
) -> pd.DataFrame:
    """Make the rows of samples.tsv: what counts of each profiled sample, and why not; see SAMPLE.

    `spectra` has contexts x samples by cohort; `ready` are those that were given so.
    """
    numbers = counted.tallies.assign(doublets=counted.dbs.sum(axis=1))
    owners = samples[samples.counts].reset_index(drop=True)
    table = samples.merge(
        pd.concat([owners[["cohort", "sample"]], numbers], axis=1), "left", ["cohort", "sample"]
    )
    table["source"] = [counted.sources[name].name if name in counted.sources else "" for name in table.cohort]
    table.loc[table.cohort.isin(ready), "source"] = "ready_matrix"
    sums = pd.concat(
        [spectra[name].sum() for name in spectra] or [pd.Series(dtype="int64")], keys=list(spectra)
    )
    keys = list(zip(table.cohort, table["sample"], strict=True))
    table["counted"] = [sums.get(key, np.nan) for key in keys]
    given = table.source == "ready_matrix"
    table["snvs"] = table.snvs.mask(given, table.counted)
    table.loc[given, ["rejected", "outside_panel_genes"]] = np.nan
    table.loc[~table.cohort.isin(counted.sources), "doublets"] = np.nan
    rows = []
    for row in table[["source", "counts", "snvs", "counted", "rejected", "status", "reason"]].itertuples(
        index=False
    ):
        rows.append(verdict(row, restricted))
    table[["status", "reason"]] = rows or np.empty((0, 2))
    further = [
        {"cohort": name, "sample": sample, "source": "ready_matrix", "status": "not_profiled"}
        | {"reason": "a column of the ready matrix, and not among the profiled samples"}
        for name, matrix in ready.items()
        for sample in matrix
        if (name, sample) not in set(keys)
    ]
    numbers = ["snvs", "counted", "doublets", "rejected", "outside_panel_genes"]
    table = pd.concat([table, pd.DataFrame(further, columns=SAMPLE)]) if further else table
    return table[SAMPLE].astype(dict.fromkeys(numbers, "Int64"))


def verdict(row: tuple, restricted: bool) -> tuple[str, str]:
    """Return status and reason of a sample."""
    if not row.counts:
        return row.status, row.reason
    if row.source == "ready_matrix":
        if np.isnan(row.counted):
            return "not_in_matrix", "the ready matrix has no such column"
        if restricted:
            return "not_restricted", "a ready matrix: it cannot be restricted to the panel genes"
    elif row.source == "none" and row.snvs:
        return "no_context", "needs --fasta, or a MAF with a context column"
    if not row.snvs:
        return "no_mutations", f"{row.rejected:.0f} rejected" if row.rejected > 0 else ""
    if not row.counted:
        return "none_counted", f"{row.rejected:.0f} rejected, the others in doublets"
    return "ok", ""


def frame_of(counts: np.ndarray, samples: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
    """Turn counts (samples x classes) into a matrix of classes x samples."""
    return pd.DataFrame(counts.T, pd.Index(classes, name="MutationType"), list(samples))


def write_matrix(matrix: pd.DataFrame, path: Path) -> None:
    """Write a matrix: MutationType, then a column a sample or cohort."""
    write_table(matrix.rename_axis("MutationType").reset_index(), path)


def regions_of(
    cohorts: pd.DataFrame,
    profiled: pd.DataFrame,
    genes: Sequence[str] | None,
    ready: Mapping[str, pd.DataFrame],
) -> dict[str, str]:
    """Say what the mutations of each cohort were counted in."""
    found = {}
    for cohort in cohorts.cohort:
        panels = sorted(set(profiled["panel"][profiled.cohort == cohort].fillna("exome")))
        words = f"panel genes ({len(genes)})" if genes is not None else ", ".join(panels)
        found[cohort] = "a ready matrix, of what was profiled there" if cohort in ready else words
    return found


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
    genome: Path,
    annotation: Path,
    spectrum_gene: str,
    bootstraps: int,
    seed: int,
    confidence: float,
    results: Path,
) -> None:
    """Count substitutions by context, and doublets, by sample and cohort."""
    study = read_table(cohorts, COHORTS)
    who = read_table(profiled, PROFILED)
    listed = mutations / "samples.tsv"
    harmonised = (
        read_table(listed, COUNTS) if listed.is_file() else pd.DataFrame(columns=list(COUNTS), dtype="str")
    )
    described = only_file(panels)
    tested = read_table(described, PANELS) if described else pd.DataFrame(columns=list(PANELS))
    gene_list = only_file(panel_genes)
    genes = read_genes(gene_list) if gene_list else None
    bases = find_genome(genome)
    gtf = only_file(annotation)
    ready = read_ready(study, matrices)
    samples = samples_of(who, harmonised)
    owners = samples[samples.counts].reset_index(drop=True)

    called = mutations / "mutations.tsv.gz"
    with_maf = called.is_file()
    counted = count(
        read_mutations(called) if with_maf else no_mutations(),
        owners,
        study if with_maf else study.assign(maf=pd.NA),
        bases,
        genes,
        spectrum_gene,
    )

    spectra, doublets, of_gene = {}, {}, {}
    (results / "matrices").mkdir(parents=True, exist_ok=True)
    for cohort in study.cohort:
        own = np.nonzero((owners.cohort == cohort).to_numpy())[0]
        names = owners["sample"].iloc[own]
        source = counted.sources.get(cohort)
        if cohort in ready:
            spectra[cohort] = ready[cohort][[name for name in names if name in ready[cohort]]]
        elif source and source.name != "none":
            spectra[cohort] = frame_of(counted.sbs[own], names, CONTEXTS)
        if source:
            doublets[cohort] = frame_of(counted.dbs[own], names, DOUBLETS)
        if source and source.name != "none" and spectrum_gene:
            of_gene[cohort] = frame_of(counted.gene[own], names, CONTEXTS)
        if cohort in spectra:
            write_matrix(spectra[cohort], results / f"matrices/{cohort}.SBS96.tsv")
        if cohort in doublets:
            write_matrix(doublets[cohort], results / f"matrices/{cohort}.DBS78.tsv")
    for name, by_cohort, classes in (
        ("pooled.SBS96", spectra, CONTEXTS),
        (f"{spectrum_gene}.SBS96", of_gene, CONTEXTS),
        ("pooled.DBS78", doublets, DOUBLETS),
    ):
        sums = {cohort: matrix.sum(axis=1) for cohort, matrix in by_cohort.items()}
        if sums or name == "pooled.SBS96":
            write_matrix(pd.DataFrame(sums, index=classes), results / f"matrices/{name}.tsv")

    compared = {
        "pooled": {
            name: Spectrum(matrix.to_numpy().T, int((matrix.sum() > 0).sum()) >= TUMOURS)
            for name, matrix in spectra.items()
        }
    }
    if of_gene:
        compared[spectrum_gene] = {
            name: Spectrum(matrix.to_numpy().T, False) for name, matrix in of_gene.items()
        }
    regions = regions_of(study, who, genes, ready)
    similar = similarity(compared, list(study.cohort), regions, bootstraps, confidence, seed)
    by_sample = sample_rows(samples, counted, spectra, ready, genes is not None)
    sources = counted.sources | {name: Source("ready_matrix", 0, 0) for name in ready}
    chances = opportunities(
        study, who, tested, read_coding(gtf) if gtf and bases else None, genes, bases, sources
    )
    write_table(by_sample, results / "samples.tsv")
    write_table(counted.rejected, results / "rejected.tsv")
    write_table(similar, results / "similarity.tsv")
    write_table(chances, results / "opportunities.tsv")
    drawn = write_figure(compared, similar, confidence, results)
    write_report(by_sample, counted.rejected, sources, doublets, similar, chances, drawn, regions, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "pyarrow")


def no_mutations() -> pd.DataFrame:
    """Return the table of `read_mutations` without rows."""
    empty = pd.Series(dtype="str").astype("category")
    table = pd.DataFrame(dict.fromkeys(TEXTS, empty) | {"position": pd.Series(dtype="int64")})
    return table.assign(**dict.fromkeys(BESIDE, pd.Series(dtype="uint8")))


if __name__ == "__main__":
    main()
