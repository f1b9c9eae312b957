#!/usr/bin/env python3
"""Call genotypes from alleles counted in RNA, and say what they mean for each sample, line and gene.

Counts are of fragments. RNA shows the alleles that are expressed: a copy that is silent, or whose transcript
decays, is not seen, so a genotype here is that of the transcripts.

Genotype
  Of the n fragments at a place k show the variant; its share among the transcripts lies
    ref  near 0: Beta(1, 1/e - 1), an error rate that differs between places around its mean e, the mean base
         error of the fragments that show the variant, and ERROR_RATE at least;
    het  anywhere in HET, uniformly: the two alleles of a gene are rarely expressed alike, so a share of one
         half is not expected (Skelly et al. 2011; Castel et al. 2015);
    hom  near 1, as ref near 0;
    between these (few of the cells, or an error of the place), with the prior BETWEEN_PRIOR.
  Ref, het and hom are equally probable beforehand (as Li 2011 has the likelihoods, without a prior of the
  population). A genotype is called if its posterior is CALLED or more, and is `ambiguous` else. Without
  --min-locus-depth fragments there is no call. Its quality is -10 log10(1 - posterior), 99 at most.
  Of a transcript that lacks an exon one knows nothing about that exon: from SKIPPING_MAX of them on, a ref or
  hom in it is ambiguous.

Skipping   s / (s + (u + d) / 2) with s junction reads that skip the exon, and u and d that join its ends to
           its neighbours. Intervals of all shares are Wilson's (1927), at CONFIDENCE.
Comparison Within a line, samples of a condition pooled. Absent is what would have been seen: the detection
           limit is the share at which SEEN fragments or more show a variant in 95 % of samplings, and no less
           than het begins at.
Phase      Fragments show two places. If a fraction CHIMERAS of them joins two molecules, the posterior of cis
           is 1 / (1 + odds^(trans - cis)), odds = (1 - CHIMERAS) / CHIMERAS. A phase is called at PHASED or
           more, if at most MAX_CONTRARY of the fragments contradict it: otherwise the two variants are in
           different cells, or one of them is an error.
Copies     A copy of a gene is broken by a variant whose effect is in LOSS, or that truncates the protein. Two
           copies are intact only if the whole coding sequence is covered and nothing in it is uncertain.
Identity   Genotypes of single-base variants that differ between the study's samples. Two samples share
           1 - |difference of variant copies| / 2, averaged over the variants called in both. A variant that
           the target condition of one line alone has is left out: resistance selects mutations.
Alleles    Likelihood-ratio tests (chi-squared, 1 df) of beta-binomial counts, overdispersion OVERDISPERSION
           between libraries: share 1/2, and equal shares in the two conditions; p adjusted by Holm's method,
           variants found in DNA and those of the RNA alone as two families.

References: Wilson 1927, doi:10.1080/01621459.1927.10502953; Holm 1979, Scand J Stat 6:65;
Li 2011, doi:10.1093/bioinformatics/btr509; Skelly et al. 2011, doi:10.1101/gr.119784.110;
Castel et al. 2015, doi:10.1186/s13059-015-0762-6
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common import genotype_tables as tables
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.genotype_evidence import Found, Rules, evidence_of
from common.genotype_report import Genotypes, write_figures, write_sections
from common.multiqc import write_versions
from common.tables import SAMPLES, read_table, write_table
from scipy.optimize import minimize_scalar
from scipy.special import betainc, betaincinv, betaln, chdtrc, expit, logsumexp, ndtri
from scipy.stats import fisher_exact

CONFIDENCE = 0.95
ERROR_RATE = 0.01
HET = (0.1, 0.9)  # share of the variant among the transcripts of a heterozygote
ERRORS_END = 0.02  # from here to HET a share is between ref and het
BETWEEN_PRIOR = 0.01
CALLED = 0.95
OTHER_MAX = 0.1  # share of further alleles from which a place is not ref
SKIPPING_MAX = 0.2
TPM_MIN = 1.0
SEEN = 3
STRAND_P, STRAND_SHARE = 1e-3, 0.05
READ_END = 5  # bases
CHIMERAS, PHASED, MAX_CONTRARY = 0.05, 0.99, 0.2
SNPS_MIN, SAME_LINE = 4, 0.85
OVERDISPERSION = 0.01

NOT_SEEN = "not seen in the RNA: the line's DNA lacks it, or its transcripts are lost"
CALLS = ("ref", "het", "hom")
PRESENT = ("het", "hom")
COPIES = {"ref": 0.0, "het": 1.0, "hom": 2.0}
LOSS = ("deficient", "reduced", "loss")
UNKNOWN = ("unknown", "uncertain")
TRUNCATING = {
    *("stop_gained", "frameshift_variant", "start_lost", "splice_donor_variant", "splice_acceptor_variant"),
}
CODING = TRUNCATING | {
    *("missense_variant", "synonymous_variant", "stop_lost", "stop_retained_variant", "inframe_insertion"),
    *("inframe_deletion", "protein_altering_variant", "coding_sequence_variant", "start_retained_variant"),
}
SILENT = {"synonymous_variant", "stop_retained_variant", "start_retained_variant"}
SPLICE_SITES = {"splice_donor_variant", "splice_acceptor_variant"}
KEAP1_DOMAINS = {"BTB", "IVR", "Kelch/DGR"}
HALF = 0.5  # of the copies


# ---- shares and genotypes


def wilson(successes: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of a share by Wilson's score interval; without trials they are missing.

    Both are arrays of one shape; successes need not be whole.
    """
    z = ndtri((1 + CONFIDENCE) / 2)
    n = np.where(trials > 0, trials, np.nan)
    share = successes / n
    centre, spread = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    low = np.where(successes == 0, 0.0 * n, (centre - spread) / scale)
    high = np.where(successes == trials, 1 + 0.0 * n, (centre + spread) / scale)
    return low, high


def log_near_zero(k: np.ndarray, n: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return log P(k of n) if the share is an error rate, Beta(1, 1/error - 1)."""
    choose = -np.log1p(n) - betaln(k + 1, n - k + 1)
    return choose + betaln(k + 1, n - k + 1 / error - 1) - betaln(1, 1 / error - 1)


def log_uniform(k: np.ndarray, n: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return log P(k of n) if the share is uniform from low to high."""
    mass = betainc(k + 1, n - k + 1, high) - betainc(k + 1, n - k + 1, low)
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(mass, 0)) - np.log((n + 1) * (high - low))


def posteriors(k: np.ndarray, n: np.ndarray, error: np.ndarray | float = ERROR_RATE) -> np.ndarray:
    """Return the probabilities of ref, het, hom and what is between (last axis), given k of n fragments."""
    k, n, error = np.broadcast_arrays(np.asarray(k, float), np.asarray(n, float), np.asarray(error, float))
    few = log_uniform(k, n, ERRORS_END, HET[0])
    many = log_uniform(n - k, n, ERRORS_END, HET[0])
    likelihoods = [
        log_near_zero(k, n, error),
        log_uniform(k, n, *HET),
        log_near_zero(n - k, n, error),
        np.logaddexp(few, many) - np.log(2),
    ]
    priors = np.log([*[(1 - BETWEEN_PRIOR) / 3] * 3, BETWEEN_PRIOR])
    joint = np.stack(likelihoods, axis=-1) + priors
    return np.exp(joint - logsumexp(joint, axis=-1, keepdims=True))


def with_calls(counts: pd.DataFrame) -> pd.DataFrame:
    """Add the share with its interval, the likeliest genotype, its posterior and quality to counts."""
    depth, alt = counts.depth.fillna(0).to_numpy(), counts.alt_count.fillna(0).to_numpy()
    error = np.maximum(ERROR_RATE, 10 ** (-counts.alt_base_quality.fillna(60).to_numpy() / 10))
    found = posteriors(alt, depth, error)
    probability = found[:, :3].max(axis=1)
    with np.errstate(divide="ignore"):
        quality = np.minimum(-10 * np.log10(1 - np.minimum(probability, 1)), 99.0)
    low, high = wilson(alt, depth)
    with np.errstate(invalid="ignore"):
        share = alt / np.where(depth > 0, depth, np.nan)
    return counts.assign(
        vaf=share, vaf_low=low, vaf_high=high, likeliest=np.array(CALLS)[found[:, :3].argmax(axis=1)],
        probability=probability, genotype_quality=quality,
    )  # fmt: skip


class Thresholds(NamedTuple):
    """What the user sets."""

    locus_depth: int
    junction_reads: int


def judge(row: tuple, depth_min: int) -> tuple[str, str, str]:
    """Return genotype, status and reason of one place in one sample or group, from `with_calls`.

    The row also has tpm and fragments of the gene, and the skipped fraction of its exon; each may be missing.
    """
    if row.status != "ok":
        return "no_call", row.status, row.reason if isinstance(row.reason, str) else ""
    if row.depth < depth_min:
        needs = f"{row.depth:.0f} of {depth_min} fragments"
        if row.tpm < TPM_MIN:
            return "no_call", "not_expressed", f"TPM {row.tpm:.2g}, below {TPM_MIN:g}; {needs}"
        if np.isnan(row.tpm) and not row.fragments > 0:
            return "no_call", "not_expressed", "no fragment on the gene"
        return "no_call", "low_depth", needs
    seen = f"{row.alt_count:.0f} of {row.depth:.0f} fragments show the variant"
    if row.likeliest == "ref" and row.other_count >= OTHER_MAX * row.depth:
        return "ambiguous", "other_alleles", f"{row.other_count:.0f} of {row.depth:.0f} fragments show others"
    if row.likeliest != "het" and row.skipped >= SKIPPING_MAX:
        return (
            "ambiguous",
            "exon_skipping",
            f"exon{row.exon}_skipping: {row.skipped:.2f} of the transcripts lack exon {row.exon}, from "
            f"{SKIPPING_MAX:g} on their allele is not known; {seen}, as {row.likeliest} would have",
        )
    if row.probability < CALLED:
        return "ambiguous", "uncertain", f"{seen}: {row.likeliest} with probability {row.probability:.2f}"
    return row.likeliest, "ok", ""


def judged(rows: pd.DataFrame, depth_min: int) -> pd.DataFrame:
    """Add genotype, status and reason; a quality without a call is missing."""
    rows = with_calls(rows)
    says = [judge(row, depth_min) for row in rows.itertuples()]
    rows["genotype"], rows["status"], rows["reason"] = zip(*says, strict=True) if says else ([], [], [])
    rows.loc[rows.genotype == "no_call", "genotype_quality"] = np.nan
    return rows


def flagged(rows: pd.DataFrame) -> pd.DataFrame:
    """Flag variants whose fragments differ from those of the unit's other variants of the gene.

    Only where the variant was called. strand_bias: all but STRAND_SHARE of its fragments are on one strand,
    other variants' are not (Fisher's exact test, p < STRAND_P). read_end_bias: it lies within READ_END
    bases of the reads' ends on average, where alignments across splices fail.
    """
    rows = rows.copy()
    totals = rows.groupby(["unit", "gene"])[["alt_forward", "alt_reverse"]].transform("sum")
    for row in rows[rows.genotype.isin(PRESENT) & (rows.status == "ok")].itertuples():
        own = np.array([row.alt_forward, row.alt_reverse])
        others = totals.loc[row.Index].to_numpy() - own
        if row.alt_read_position < READ_END:
            says = f"on average {row.alt_read_position:.1f} bases from the end of a read"
            rows.loc[row.Index, tables.SAYS] = ["read_end_bias", says]
        elif own.min() <= STRAND_SHARE * own.sum() and fisher_exact([own, others]).pvalue < STRAND_P:
            says = f"{own.max():.0f} of {own.sum():.0f} fragments on one strand, of other variants' "
            says += f"{others[own.argmax()]:.0f} of {others.sum():.0f}"
            rows.loc[row.Index, tables.SAYS] = ["strand_bias", says]
        elif re.search(r"\dA>G$", str(row.hgvs_c)) and row.genotype == "het" and "dna" not in row.source:
            rows.loc[row.Index, "reason"] = "A>G: without DNA, RNA editing cannot be told from a variant"
    return rows


# ---- what is known of a variant, and of a gene in a sample


def is_coding(consequence: object) -> bool:
    """Say whether a consequence (terms between &) is in the coding sequence or at a splice site."""
    terms = str(consequence).split("&")
    return any(term in CODING or term.startswith("splice_") for term in terms)


def effect_of(consequence: object, hotspot_effect: object) -> str:
    """Say what a variant does to the product: deficient if truncating, else by its kind or hotspot."""
    terms = set(str(consequence).split("&"))
    if terms & TRUNCATING:
        return "deficient"
    if terms & SILENT and not terms & (CODING - SILENT):
        return "synonymous"
    return hotspot_effect if isinstance(hotspot_effect, str) else "unknown"


def skipping_of(junctions: pd.DataFrame, reads_min: int) -> pd.DataFrame:
    """Add the skipped fraction with its interval to junction reads."""
    skip, up, down = (junctions[column].fillna(0).to_numpy() for column in tables.JUNCTION_READS)
    trials = skip + (up + down) / 2
    low, high = wilson(skip, trials)
    total = skip + up + down
    good = (junctions.status == "ok").to_numpy()
    thin = good & (total < reads_min)
    with np.errstate(invalid="ignore"):
        fraction = skip / np.where(trials > 0, trials, np.nan)
    says = [f"{reads:.0f} of {reads_min} junction reads" for reads in total]
    return junctions.assign(
        fraction=fraction, fraction_low=low, fraction_high=high,
        status=np.where(thin, "low_depth", junctions.status),
        reason=np.where(thin, says, junctions.reason),
    )  # fmt: skip


def called(
    rows: pd.DataFrame, expression: pd.DataFrame, skipping: pd.DataFrame, thresholds: Thresholds
) -> pd.DataFrame:
    """Call the genotypes of described counts, and flag the further variants."""
    rows = rows.merge(expression, how="left", on=["unit", "gene"])
    measured = skipping[skipping.status == "ok"]
    measured = measured[["unit", "gene", "exon", "fraction"]].rename(columns={"fraction": "skipped"})
    rows = judged(rows.merge(measured, how="left", on=["unit", "gene", "exon"]), thresholds.locus_depth)
    return pd.concat([rows[rows.locus.notna()], flagged(rows[rows.locus.isna()])]).sort_index()


# ---- conditions


def detection_limit(depth: float) -> float:
    """Return the share from which a variant would have been seen among so many fragments."""
    return max(HET[0], float(betaincinv(SEEN, depth - SEEN + 1, 0.95))) if depth >= SEEN else 1.0


def compare(reference: tuple | None, target: tuple | None) -> tuple[str, str, str]:
    """Return comparison, status and reason of a variant in a line's two conditions, from `called`."""
    sides = {"reference": reference, "target": target}
    if absent := [role for role, side in sides.items() if side is None]:
        return "not_assessable", "one_condition", f"the line has no sample of the {absent[0]} condition"
    for role, side in sides.items():
        if side.genotype not in CALLS:
            return "not_assessable", side.status, f"{role} condition: {side.reason}"
    seen = [side.genotype in PRESENT for side in sides.values()]
    if all(seen):
        comparison = "shared"
    elif not any(seen):
        comparison = "absent"
    else:
        with_it, without = (reference, target) if seen[0] else (target, reference)
        limit = detection_limit(without.depth)
        if with_it.vaf < limit:
            says = f"VAF {with_it.vaf:.2f} would not surely be seen in {without.depth:.0f} fragments"
            return "not_assessable", "low_depth", f"{says} (detection limit {limit:.2f})"
        comparison = "lost" if seen[0] else "gained"
    flags = [side for side in sides.values() if side.status != "ok"]
    return comparison, flags[0].status if flags else "ok", flags[0].reason if flags else ""


def comparison_of(groups: pd.DataFrame, lines: Iterable[str]) -> pd.DataFrame:
    """Compare each variant between the reference and the target condition of each line."""
    rows = []
    of_role = {
        (row.line, row.role, row.gene, row.variant): row for row in groups.itertuples() if row.role != "other"
    }
    variants = groups.drop_duplicates(["gene", "variant"])
    for line in lines:
        for variant in variants.itertuples():
            sides = {
                role: of_role.get((line, role, variant.gene, variant.variant))
                for role in ("reference", "target")
            }
            if not any(sides.values()):
                continue
            comparison, status, reason = compare(**sides)
            row = {"line": line} | {column: getattr(variant, column) for column in tables.VARIANT}
            for role, side in sides.items():
                values = {} if side is None else {c: getattr(side, c, None) for c in tables.COMPARED}
                if side is not None:
                    values["detection_limit"] = detection_limit(side.depth) if side.depth > 0 else np.nan
                row |= {f"{role}_{column}": value for column, value in values.items()}
            row["change"] = zygosity(row) if comparison == "shared" else comparison
            rows.append(row | {"comparison": comparison, "status": status, "reason": reason})
    return pd.DataFrame(rows).reindex(columns=tables.COMPARISON)


def zygosity(row: Mapping[str, object]) -> str:
    """Say how the genotype of a shared variant changes: `het`, or `het to hom`."""
    before, after = row["reference_genotype"], row["target_genotype"]
    return before if before == after else f"{before} to {after}"


# ---- copies of a gene


def phase_of(cis: float, trans: float) -> tuple[str, float, str]:
    """Return the phase of two variants, the probability of cis, and the reason if they are unphased."""
    odds = np.log((1 - CHIMERAS) / CHIMERAS)
    in_cis = float(expit((cis - trans) * odds))
    total = cis + trans
    if total == 0:
        return "unphased", in_cis, "no fragment shows both"
    if max(in_cis, 1 - in_cis) < PHASED:
        return "unphased", in_cis, f"{cis:.0f} fragments say cis, {trans:.0f} trans"
    if min(cis, trans) > MAX_CONTRARY * total:
        return (
            "unphased",
            in_cis,
            f"{cis:.0f} fragments say cis, {trans:.0f} trans: not two alleles of one cell",
        )
    return ("in_cis" if cis > trans else "in_trans"), in_cis, ""


def linked(linkage: pd.DataFrame) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Index the fragments that say cis and trans by unit and the two variants, in either order."""
    found = {}
    for row in linkage.itertuples():
        counts = (row.ref_ref + row.alt_alt, row.ref_alt + row.alt_ref)
        found[row.unit, row.variant_1, row.variant_2] = counts
        found[row.unit, row.variant_2, row.variant_1] = counts
    return found


def copies_of(
    calls: Sequence[tuple], covered: pd.DataFrame, pairs: Mapping, unit: str, depth_min: int
) -> dict[str, object]:
    """Say how many copies of a gene a sample or group has that no known variant has broken.

    `calls` are the rows of the gene's loci and further variants in it, `covered` its exons.
    """
    loss = [row for row in calls if row.effect in LOSS]
    certain = [row for row in loss if row.genotype in PRESENT and row.status == "ok"]
    words = [f"{tables.short(row)} {row.genotype}" for row in certain]
    least = covered.min_depth.min() if covered.min_depth.notna().all() else np.nan
    made = {"loss_alleles": "; ".join(words) or None, "min_depth": least, "status": "ok", "reason": ""}
    if any(row.genotype == "hom" for row in certain):
        return made | {"functional_copies": "two_loss"}
    phases = []
    for one, two in combinations((row.variant for row in certain), 2):
        cis, trans = pairs.get((unit, one, two), (0.0, 0.0))
        phases.append((*phase_of(cis, trans), cis, trans))
    # One pair on different copies decides; otherwise one that is unphased leaves it open.
    order = {"in_trans": 0, "unphased": 1, "in_cis": 2}
    if phases:
        phase, in_cis, why, cis, trans = min(phases, key=lambda each: order[each[0]])
        made |= {"phase": phase, "phase_probability": max(in_cis, 1 - in_cis)}
        made |= {"cis_fragments": cis, "trans_fragments": trans}
        if phase == "in_trans":
            return made | {"functional_copies": "two_loss"}
        if phase == "unphased":
            return made | {"functional_copies": "unphased", "status": "unphased", "reason": why}
    status, reason = doubt(calls, covered, depth_min)
    kept = "one_loss" if certain else "two_intact" if status == "ok" else "not_assessable"
    return made | {"functional_copies": kept, "status": status, "reason": reason}


def doubt(calls: Sequence[tuple], covered: pd.DataFrame, depth_min: int) -> tuple[str, str]:
    """Return status and reason of what may break a copy that seems intact: ok if nothing may."""
    for status, reason in zip(covered.status, covered.reason, strict=True):
        if status != "ok":
            return status, reason
    for row in calls:
        flagged_or_unsure = row.status != "ok" and row.genotype != "ref"
        if row.effect in LOSS and flagged_or_unsure and (row.locus_known or row.genotype != "no_call"):
            return row.status, f"{tables.short(row)} is {row.genotype.replace('_', ' ')}: {row.reason}"
    thin = covered[~(covered.min_depth >= depth_min)]
    if len(thin):
        deep = f"{thin.min_depth.min():.0f} of {depth_min} fragments at the thinnest place"
        return "incomplete_coverage", f"exon {', '.join(thin.exon)}: {deep}"
    unknown = [tables.short(row) for row in calls if row.effect in UNKNOWN and row.genotype in PRESENT]
    if unknown:
        return "unknown_effect", f"the effect of {', '.join(unknown)} is not known"
    return "ok", ""


def haplotypes_of(
    calls: pd.DataFrame, coverage: pd.DataFrame, pairs: Mapping, depth_min: int
) -> pd.DataFrame:
    """Say how many copies of each covered gene are intact, in each sample or group (`unit`)."""
    needed = ["unit", "gene", "variant", "hgvs_c", "hgvs_p", "effect", "genotype", "status", "reason"]
    of_gene: dict[tuple[str, str], list[tuple]] = {}
    for row in calls[needed].assign(locus_known=calls.locus.notna()).itertuples():
        of_gene.setdefault((row.unit, row.gene), []).append(row)
    rows = []
    for (unit, gene), covered in coverage.groupby(["unit", "gene"], sort=False):
        first = covered.iloc[0]
        where = {column: first[column] for column in tables.WHERE} | {"gene": gene}
        where["level"] = "sample" if isinstance(first["sample"], str) else "condition"
        rows.append(where | copies_of(of_gene.get((unit, gene), []), covered, pairs, unit, depth_min))
    return pd.DataFrame(rows).reindex(columns=tables.HAPLOTYPES)


# ---- which line a sample is


def informative(calls: pd.DataFrame) -> pd.DataFrame:
    """Return the copies (0, 1, 2) of single-base variants that differ between samples: samples x variants."""
    calls = calls[calls.pos.notna()]
    single = calls[(calls.ref.str.len() == 1) & (calls.alt.str.len() == 1)]
    single = single.assign(copies=single.genotype.map(COPIES))
    table = single.pivot_table(index="sample", columns="variant", values="copies", sort=False, dropna=False)
    sides = single[single.copies > 0][["variant", "line", "role"]].drop_duplicates()
    gained = [
        variant for variant, has in sides.groupby("variant") if len(has) == 1 and has.role.iloc[0] == "target"
    ]
    table = table.drop(columns=gained)
    return table.loc[:, table.min() < table.max()]


def pairs_of(study: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Compare the genotypes of each two samples."""
    values = copies.reindex(study["sample"]).to_numpy(float)
    rows = []
    for one, two in combinations(range(len(study)), 2):
        difference = np.abs(values[one] - values[two])
        both = int(np.isfinite(difference).sum())
        sharing = 1 - np.nansum(difference) / 2 / both if both else np.nan
        concordance = np.count_nonzero(difference == 0) / both if both else np.nan
        names = study.iloc[[one, two]]
        rows.append([*names["sample"], *names["line"], both, concordance, sharing])
    order = ["sample_1", "sample_2", "line_1", "line_2", "snps", "concordance", "sharing"]
    return pd.DataFrame(rows, columns=order)[tables.PAIRS]


def identity_of(study: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Say whether each sample is of its line: half of the line's other samples must agree with it."""
    swapped = {"sample_1": "sample_2", "sample_2": "sample_1", "line_1": "line_2", "line_2": "line_1"}
    both = pd.concat([pairs, pairs.rename(columns=swapped)])
    rows = []
    for row in study.itertuples():
        known = both[(both.sample_1 == row.sample) & (both.snps >= SNPS_MIN)]
        own, others = known[known.line_2 == row.line], known[known.line_2 != row.line]
        agreeing = int((own.sharing >= SAME_LINE).sum())
        # Of lines that agree equally, the sample's own comes first.
        of_lines = pd.concat([own, others]).groupby("line_2", sort=False).sharing.mean()
        best = of_lines.idxmax() if len(of_lines) else None
        made = {
            "sample": row.sample,
            "line": row.line,
            "condition": row.condition,
            "status": "ok",
            "reason": "",
        }
        made |= {"own_line_samples": len(own), "own_line_agreeing": agreeing, "best_line": best}
        made |= {"own_line_sharing": own.sharing.mean(), "best_line_sharing": of_lines.max()}
        made |= {"snps": own.snps.max() if len(own) else 0}
        alike = list(dict.fromkeys(others[others.sharing >= SAME_LINE].line_2))
        partners = int((study.line == row.line).sum()) - 1
        if not len(own):
            why = (
                f"fewer than {SNPS_MIN} variants called in both"
                if partners
                else "no other sample of the line"
            )
            made |= {"status": "not_assessable", "reason": why}
        elif 2 * agreeing < len(own):
            says = f"shares {made['own_line_sharing']:.2f} of its alleles with its own line"
            made |= {"status": "unrelated", "reason": f"{says}, and {SAME_LINE:g} with no other line"}
            if alike:
                like = others.loc[others.sharing.idxmax()]
                says += f", {like.sharing:.2f} with {like.sample_2} of {like.line_2} ({like.snps} variants)"
                made |= {"status": "swapped", "reason": says}
        elif alike:
            made["reason"] = (
                f"agrees with {', '.join(alike)} too: {made['snps']} variants do not tell them apart"
            )
        rows.append(made)
    return pd.DataFrame(rows, columns=tables.IDENTITY)


# ---- shares of alleles


def log_beta_binomial(share: float, alt: np.ndarray, depth: np.ndarray) -> float:
    """Return the log likelihood of a share, but for a constant, given counts of libraries."""
    precision = 1 / OVERDISPERSION - 1
    a, b = share * precision, (1 - share) * precision
    return float(np.sum(betaln(alt + a, depth - alt + b) - betaln(a, b)))


def best_share(alt: np.ndarray, depth: np.ndarray) -> tuple[float, float]:
    """Return the likeliest share and its log likelihood."""
    found = minimize_scalar(
        lambda share: -log_beta_binomial(share, alt, depth), bounds=(1e-6, 1 - 1e-6), method="bounded",
        options={"xatol": 1e-8},
    )  # fmt: skip
    return float(found.x), -float(found.fun)


def p_balance(alt: np.ndarray, depth: np.ndarray) -> float:
    """Test whether both alleles are expressed alike: a share of 1/2."""
    return float(chdtrc(1, max(0.0, 2 * (best_share(alt, depth)[1] - log_beta_binomial(0.5, alt, depth)))))


def p_conditions(reference: tuple[np.ndarray, np.ndarray], target: tuple[np.ndarray, np.ndarray]) -> float:
    """Test whether the share is the same in both conditions, each (alt, depth) of its libraries."""
    together = best_share(*(np.concatenate(both) for both in zip(reference, target, strict=True)))[1]
    return float(chdtrc(1, max(0.0, 2 * (best_share(*reference)[1] + best_share(*target)[1] - together))))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values for their number by Holm's method."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(adjusted, 1)
    return found


def expressed_alleles(calls: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """List, by sample, the shares of variants found in DNA, and of those heterozygous in both conditions."""
    het = groups[(groups.genotype == "het") & (groups.role != "other") & groups.locus.isna()]
    sides = het.groupby(["line", "gene", "variant"]).role.nunique()
    both = set(sides[sides == 2].index)
    keys = zip(calls.line, calls.gene, calls.variant, strict=True)
    chosen = calls.source.str.contains("dna") | np.array([key in both for key in keys], dtype=bool)
    table = calls[chosen & calls.pos.notna()].copy()
    alleles = (table.ref_count + table.alt_count).to_numpy()
    low, high = wilson(table.alt_count.to_numpy(), alleles)
    with np.errstate(invalid="ignore"):
        share = table.alt_count / np.where(alleles > 0, alleles, np.nan)
    return table.assign(depth=alleles, share=share, share_low=low, share_high=high)


def balance_tests(expressed: pd.DataFrame, groups: pd.DataFrame, depth_min: int) -> pd.DataFrame:
    """Test the shares of each line's variants: against 1/2 in each condition, and between conditions."""
    genotypes = groups.set_index(["line", "role", "gene", "variant"]).genotype
    rows = []
    for (line, gene, variant), own in expressed[expressed.role != "other"].groupby(
        ["line", "gene", "variant"], sort=False
    ):
        shown = own[own.depth > 0]
        sides = {
            role: (side.alt_count.to_numpy(), side.depth.to_numpy()) for role, side in shown.groupby("role")
        }
        names = {column: own[column].iloc[0] for column in ("hgvs_c", "hgvs_p", "consequence", "source")}
        shares = {f"{role}_share": best_share(*counts)[0] for role, counts in sides.items()}
        seen = {
            role for role in sides if genotypes.get((line, role, gene, variant)) in (*PRESENT, "ambiguous")
        }
        tested = [("balance", [role]) for role in ("reference", "target") if (own.role == role).any()]
        if len(tested) == 2:
            tested.append(("conditions", ["reference", "target"]))
        for test, needed in tested:
            row = {"line": line, "gene": gene} | names | {"test": test, "status": "ok", "reason": ""}
            row |= {f"{role}_share": shares.get(f"{role}_share", np.nan) for role in needed}
            if test == "balance":
                row["condition"] = own.condition[own.role == needed[0]].iloc[0]
            depth = min(sides[role][1].sum() if role in sides else 0 for role in needed)
            if depth < depth_min:
                row |= {"status": "low_depth", "reason": f"{depth:.0f} of {depth_min} fragments"}
            elif not seen.issuperset(needed):
                row |= {"status": "not_seen", "reason": NOT_SEEN}
            else:
                counts = [sides[role] for role in needed]
                row["p_value"] = p_balance(*counts[0]) if test == "balance" else p_conditions(*counts)
            rows.append(row)
    tests = pd.DataFrame(rows).reindex(columns=tables.TESTS)
    known = tests.p_value.notna()
    # Variants found in DNA are one family, those of the RNA alone another.
    from_dna = tests.source.astype(str).str.contains("dna")
    for family in (known & from_dna, known & ~from_dna):
        tests.loc[family, "p_adjusted"] = holm(tests.p_value[family].astype(float))
    tests["adjust_method"] = np.where(known, "holm", None)
    return tests


# ---- evidence for the call


def known_effect(
    gene: str, effect: str, consequence: object, domain: object, hotspot_effect: object
) -> str | None:
    """Class what a variant does, as the call has it; None if it changes no protein.

    What a splice site of NFE2L2 does is left to the measured skipping: without exon 2 the protein is active.
    """
    if gene == "NQO1":
        spared = {"synonymous": None, "wild_type_like": effect}
        return "loss" if effect in LOSS else spared.get(effect, "other")
    if hotspot_effect in ("common_polymorphism", "wild_type_like"):
        return hotspot_effect
    terms = set(str(consequence).split("&"))
    if not terms & (CODING - SILENT):
        return None
    if terms & (TRUNCATING - SPLICE_SITES if gene == "NFE2L2" else TRUNCATING):
        return "truncating"
    if gene == "NFE2L2" and hotspot_effect == "activating":
        return "hotspot"
    if gene != "NFE2L2" and hotspot_effect in LOSS:
        return "known_loss"
    domains = KEAP1_DOMAINS & set(str(domain).split(";")) if gene == "KEAP1" else ()
    return "missense_in_domain" if domains and "missense_variant" in terms else "other"


def differ(pool: str, replicates: Mapping[str, str], known: Sequence[str]) -> str:
    """Say how replicates differ in what is known of each alone and of all; empty if they agree."""
    said = {name: what for name, what in replicates.items() if what in known}
    if len({*said.values()} | ({pool} & set(known))) < 2:
        return ""
    words = [f"{name} {what}" for name, what in said.items()] + [f"together {pool}"]
    return ", ".join(words).replace("_", " ")


def lie_apart(fraction: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Say whether replicates' shares of skipping differ: their intervals lie apart, and they by enough."""
    return bool(len(fraction) > 1 and low.max() > high.min() and np.ptp(fraction) >= SKIPPING_MAX)


def covered_share(exons: pd.DataFrame, depth_min: int) -> float:
    """Return the share of a gene's coding bases that are in exons covered throughout; missing without any."""
    bases = exons.c_end - exons.c_start + 1
    good = bases[(exons.status == "ok") & (exons.min_depth >= depth_min)]
    return good.sum() / bases.sum() if bases.sum() > 0 else np.nan


def share_of_copies(share: float, genotype: str) -> float:
    """Bound the share of copies that have a variant by its share among transcripts."""
    return min(share, HALF) if genotype == "het" else share


def named_copies(unit: str, variants: Sequence[str], pairs: Mapping) -> dict[str, str]:
    """Name the copy that variants are on, as far as fragments join them to one of these: others have none."""
    found: list[dict[str, str]] = [{}]
    names = {"in_cis": "copy_1", "in_trans": "copy_2"}
    for anchor in variants:
        others = [other for other in variants if other != anchor]
        phases = {other: phase_of(*pairs.get((unit, anchor, other), (0.0, 0.0)))[0] for other in others}
        joined = {other: names[phase] for other, phase in phases.items() if phase in names}
        if joined:
            found.append({anchor: "copy_1"} | joined)
    return max(found, key=lambda copies: (len({*copies.values()}), len(copies)))


def shows_level(tpm: np.ndarray, fragments: np.ndarray, per_tpm: np.ndarray) -> np.ndarray:
    """Say which replicates measure a gene's TPM: they show it, or would at the level of those that do.

    `per_tpm` are the fragments per TPM of other genes in each; without them it is missing.
    """
    given = ~np.isnan(tpm)
    seen = given & (fragments >= SEEN)
    level = max(TPM_MIN, float(tpm[seen].mean())) if seen.any() else TPM_MIN
    return seen | (given & (per_tpm * level >= SEEN))


def level_of(names: Sequence[str], tpm: np.ndarray, shown: np.ndarray) -> tuple[float, str, str]:
    """Return the TPM of replicates, status and reason, from those that measure it."""
    words = f"TPM {', '.join(f'{value:.2g} in {name}' for name, value in zip(names, tpm, strict=True))}"
    if np.isnan(tpm).all():
        return np.nan, "not_measured", "no TPM"
    if not shown.any():
        return np.nan, "inadequate_library", f"no fragments show it, nor would they TPM {TPM_MIN:g}: {words}"
    mean = float(tpm[shown].mean())
    if len({*(tpm[shown] >= TPM_MIN)}) > 1:
        return mean, "replicates_differ", words
    return mean, "ok", "" if shown.all() else f"{words}: not all libraries would show it"


RULES = Rules(
    known_effect,
    differ,
    covered_share,
    lie_apart,
    share_of_copies,
    named_copies,
    doubt,
    shows_level,
    level_of,
)


# ---- lines


class Tables(NamedTuple):
    """What is read: the samples, the tables of count_alleles, and TPM by sample and gene."""

    study: pd.DataFrame
    alleles: pd.DataFrame  # described
    coverage: pd.DataFrame
    junctions: pd.DataFrame
    linkage: pd.DataFrame
    tpm: pd.Series


def analyse(
    given: Tables, skipping: pd.DataFrame, loci: pd.DataFrame, thresholds: Thresholds
) -> dict[str, pd.DataFrame]:
    """Make all tables, by name; `groups` and `calls` have every variant in every group and sample."""
    study = given.study.assign(unit=given.study["sample"])
    coverage, junctions, linkage = (
        study.merge(table, on="sample") for table in (given.coverage, given.junctions, given.linkage)
    )
    junctions = junctions.merge(skipping[["gene", "exon", "meaning"]], how="left", on=["gene", "exon"])
    alleles = study.merge(given.alleles, on="sample")
    of_samples, of_groups = tables.expression_of(given.study, given.coverage, given.tpm)

    skipped = skipping_of(junctions, thresholds.junction_reads)
    calls = called(alleles, of_samples, skipped, thresholds)

    names = [*tables.VARIANT, "variant", "source", "rs_id", "exon", "protein_start", "domain", "hotspot"]
    skipped_groups = skipping_of(
        tables.pooled(junctions, ["gene", "transcript", "exon"], tables.JUNCTION_READS),
        thresholds.junction_reads,
    )
    together = tables.pooled(alleles, ["gene", "variant"], tables.COUNTS)
    groups = called(together, of_groups, skipped_groups, thresholds)
    exons = tables.pooled(coverage, ["gene", "exon"], ["min_depth", "fragments"])

    sums = linkage.groupby(["line", "condition", "gene", "variant_1", "variant_2"], as_index=False)[
        tables.PHASES
    ].sum()
    pairs = linked(linkage) | linked(sums.assign(unit=sums.line + "\t" + sums.condition))
    coding = pd.Series([is_coding(each) for each in calls.consequence], calls.index, dtype=bool)
    coding_groups = pd.Series([is_coding(each) for each in groups.consequence], groups.index, dtype=bool)
    calls_shown, groups_shown = (
        calls[calls.locus.notna() | coding],
        groups[groups.locus.notna() | coding_groups],
    )

    haplotypes = pd.concat(
        [
            haplotypes_of(calls_shown, coverage, pairs, thresholds.locus_depth),
            haplotypes_of(groups_shown, exons, pairs, thresholds.locus_depth),
        ],
        ignore_index=True,
    )
    genotyped = calls_shown, groups_shown, haplotypes, exons
    units = Found(study, *genotyped, skipped, skipped_groups, of_samples, pairs)
    sharing = pairs_of(given.study, informative(calls))
    expressed = expressed_alleles(calls, groups)
    in_order = haplotypes[haplotypes.level == "condition"]
    return {
        "genotypes": calls[calls.locus.notna()][tables.GENOTYPES],
        "discovery": calls_shown[calls_shown.locus.isna()][tables.DISCOVERY],
        "comparison": comparison_of(groups_shown, study.line.unique()),
        "haplotypes": haplotypes,
        "skipping": skipped[tables.SKIPPED],
        "identity": identity_of(given.study, sharing),
        "identity_pairs": sharing,
        "allele_expression": expressed[tables.EXPRESSED],
        "allele_expression_tests": balance_tests(expressed, groups, thresholds.locus_depth),
        "lines": tables.lines_of(groups_shown, in_order, skipped_groups, dict.fromkeys(loci.gene)),
        "locus_genotype_evidence": evidence_of(units, RULES, thresholds.locus_depth),
        "calls": calls_shown,
        "groups": groups_shown[[*tables.GROUP, "unit", *names, *tables.SHARE, *tables.SAYS]],
    }


@click.command(cls=Script)
@click.option("--samples", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate.")
@click.option(
    "--alleles", type=INPUT, required=True, help="TSV of count_alleles: fragments by sample, variant."
)
@click.option("--coverage", type=INPUT, required=True, help="TSV of count_alleles: depth by sample and exon.")
@click.option("--junctions", type=INPUT, required=True, help="TSV of count_alleles: junction reads.")
@click.option(
    "--linkage", type=INPUT, required=True, help="TSV of count_alleles: fragments over two variants."
)
@click.option("--variants", type=INPUT, required=True, help="TSV of annotate_variants.")
@click.option(
    "--loci", type=INPUT, required=True, help="TSV: gene, transcript, hgvs_c, hgvs_p, rs_id, effect."
)
@click.option("--skipping", type=INPUT, required=True, help="TSV: gene, transcript, exon, meaning.")
@click.option(
    "--tpm", type=FOLDER, required=True, help="Folder with a TSV of TPM by gene and sample, or none."
)
@click.option(
    "--min-locus-depth", type=click.IntRange(1), default=20, show_default=True,
    help="Fragments from which a genotype is called.",
)  # fmt: skip
@click.option(
    "--rna-min-vaf", type=click.FloatRange(0, 0.5, min_open=True), default=0.1, show_default=True,
    help="Variant allele fraction from which a variant that no sheet names was counted.",
)  # fmt: skip
@click.option(
    "--min-junction-reads", type=click.IntRange(1), default=10, show_default=True,
    help="Junction reads from which exon skipping is measured.",
)  # fmt: skip
@RESULTS
def main(
    samples: Path,
    alleles: Path,
    coverage: Path,
    junctions: Path,
    linkage: Path,
    variants: Path,
    loci: Path,
    skipping: Path,
    tpm: Path,
    min_locus_depth: int,
    rna_min_vaf: float,
    min_junction_reads: int,
    results: Path,
) -> None:
    """Call genotypes, and say what they mean for each sample, line and gene."""
    study = read_table(samples, SAMPLES)
    named = read_table(loci, tables.LOCI)
    counted = read_table(alleles, tables.ALLELES)
    covered = read_table(coverage, tables.COVERAGE)
    genes = dict.fromkeys([*covered.gene, *counted.gene])
    given = Tables(
        study,
        tables.describe(counted, read_table(variants, tables.VARIANTS), named, effect_of),
        covered,
        read_table(junctions, tables.JUNCTIONS),
        read_table(linkage, tables.LINKAGE),
        tables.read_tpm(tpm, genes, list(study["sample"])),
    )
    thresholds = Thresholds(min_locus_depth, min_junction_reads)
    made = analyse(given, read_table(skipping, tables.SKIPPING), named, thresholds)
    drawn = Genotypes(**{name: made[name] for name in Genotypes._fields if name in made}, study=study)
    for name, table in made.items():
        if name not in ("calls", "groups"):
            write_table(table, results / f"{name}.tsv")
    write_figures(drawn, SKIPPING_MAX, results)
    write_sections(drawn, min_locus_depth, rna_min_vaf, SKIPPING_MAX, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "scipy")


if __name__ == "__main__":
    main()
