#!/usr/bin/env python3
"""Compare the variants of each line's conditions with those of its reference condition: gained, kept, lost.

Pools      Samples of one line and condition are replicates: their fragment counts are added. A variant is
           present in a condition if it is `ok` in one of its samples, and absent if samples with depth looked
           for it in vain; a condition whose samples contradict each other has the status replicates_differ.
           The detection limit of a pool is its samples' smallest: a variant of that VAF would have been `ok`
           in that sample, whatever the others show. Intervals of VAFs are Wilson's (1927), upper bounds those
           of Clopper and Pearson (1934, one-sided), of the fragments counted.
Comparison gained: present in the condition, absent from the reference. `new` if the reference would have
           shown a tenth of the VAF; else the reason says above which VAF it was not detected. lost: mirrored.
           What the other condition could not have shown (low depth, a detection limit above the VAF, an upper
           bound that reaches the VAF's interval), or shows with a flag (strand bias and the like), is
           not_assessable: never gained or lost.
           expanded, contracted: present in both, VAFs apart by VAF_STEP or more, and q below --q-value-max.
Test       Score test of two proportions (chi-squared, no continuity correction), interval of the difference
           by Newcombe (1998, method 10), q by Benjamini and Hochberg (1995) over all variants of the study
           that are present in both conditions. Fragments of an amplicon are copies of few template molecules,
           some copied early and often: counts vary beyond the binomial (Kebschull and Zador 2015). Two
           fragments of a sample are taken to come from one template with probability 1 / TEMPLATES, so that n
           fragments tell as much as n / (1 + (n - 1) / TEMPLATES) independent ones; test and its interval use
           these. Replicates have templates of their own. Depth alone makes no difference significant. Where
           nothing is seen this hardly matters: of TEMPLATES molecules one has a variant of 2 % with a
           probability of 98 %, and detection limits are rarely below.
Zygosity   Relative to two copies, from the VAF's interval: where there are three or four copies, one of them
           (0.33, 0.25) looks subclonal. `imbalanced` lies between het and hom: two of three copies, two kinds
           of cells, or an allele that amplifies better.
Context    Bases beside a single-base substitution, on the strand of the pyrimidine. Given the shares of
           signatures among the study's mutations, the posterior of a signature is share x P(context |
           signature), over its sum. It tells what could have made such a change, not what made it.
Sanger     Traces confirm a variant if all that can be read agree with what sequencing says of their
           conditions, one of them being a condition that has the variant. Below SANGER_MIN a trace does not
           show a variant: its absence there is no contradiction.
Evidence   For the call (mmc_candidates), by line and condition: the variants of KEAP1, NFE2L2 and CUL3 that a
           pool has, and `absent` if it has none and all amplicons with coding bases of the gene were
           read, each in one sample at least. Replicates that contradict each other are no evidence.

References: Wilson 1927, doi:10.1080/01621459.1927.10502953; Clopper and Pearson 1934,
doi:10.1093/biomet/26.4.404; Newcombe 1998, Statistics in Medicine 17:873; Benjamini and Hochberg 1995,
doi:10.1111/j.2517-6161.1995.tb02031.x; Kebschull and Zador 2015, doi:10.1093/nar/gkv717 (PCR); Alexandrov et
al. 2020, doi:10.1038/s41586-020-1943-3 (signatures)
"""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common import variant_comparison_tables as tables
from common.annotation import Transcript, reverse_complement
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.evidence import write_evidence
from common.multiqc import write_versions
from common.signature_tables import read_signatures
from common.tables import LIBRARY, TARGET_GENES, only_file, read_only, read_table, write_table
from common.target_sites import find_targets
from common.variant_comparison_evidence import COVERAGE, absence_rows, in_order, variant_rows
from common.variant_comparison_report import write_figure, write_report
from common.variant_comparison_tables import GROUP, OF_SIDE, SITE, TESTED, of_side
from common.variant_comparison_words import percent, vaf_change, why_unknown, zygosity_change
from scipy.special import betaincinv, ndtr, ndtri

# Assumed: 10 ng of DNA are 3,000 copies of the genome, of which a tenth is copied from the first cycles on,
# not all of them alike. A heterozygote's VAF then has a standard deviation of 0.035, however deep it is read.
TEMPLATES = 200
VAF_STEP = 0.15  # less may be an allele that amplifies better in one PCR
TENTH = 0.1
POWER = 0.95  # of amplicon_variants' detection limits
# Half of two copies, where one allele may amplify nearly twice as well as the other.
HET = (0.35, 0.65)
HOM = 0.85  # all copies, up to 15 % of cells or reads of others
SANGER_MIN = 0.2  # the lesser peak of a trace is lost in the noise below 15 to 20 %

FLAGS = ("strand_bias", "read_end", "primer_site")
JUDGED = ("ok", "not_detected", "below_detection")
UNREAD = ("unreadable", "too_noisy", "no_alignment")  # of traces

TRUNCATING = {"transcript_ablation", "stop_gained", "frameshift_variant", "start_lost"}
TRUNCATING |= {"splice_donor_variant", "splice_acceptor_variant"}
CHANGING = {
    "missense_variant": "missense",
    "inframe_deletion": "in-frame deletion",
    "inframe_insertion": "in-frame insertion",
    "protein_altering_variant": "in-frame change",
}
KEAP1_DOMAINS = ("BTB", "IVR", "Kelch/DGR")
MOTIFS = ("DLG", "ETGE")
KNOWN = {
    "activating": "known to activate NRF2",
    "loss": "known loss of function",
    "reduced": "known to hold back NRF2 less",
    "wild_type_like": "as the wild type where tested",
}
SPLICE_SITES = {"splice_donor_variant", "splice_acceptor_variant"}
BESIDE_EXON_2 = re.compile(r"c\.(46-|312\+)[12]\D")  # of NFE2L2: its splice sites
EFFECT_UNKNOWN = "effect not known"
NO_EFFECT = "none"


# ---- shares and their comparison


def wilson(successes: np.ndarray, trials: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of a share by Wilson's score interval; without trials they are missing.

    Both are arrays of one shape; they need not be whole.
    """
    z = ndtri((1 + confidence) / 2)
    n = np.where(trials > 0, trials, np.nan)
    share = successes / n
    centre, spread = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    low = np.where(successes == 0, 0.0 * n, (centre - spread) / scale)
    high = np.where(successes == trials, 1 + 0.0 * n, (centre + spread) / scale)
    return low, high


def upper_bound(successes: np.ndarray, trials: np.ndarray, confidence: float) -> np.ndarray:
    """Return the one-sided upper bound of a share by Clopper and Pearson; without trials it is missing."""
    n = np.where(trials > 0, trials, np.nan)
    missed = np.maximum(n - successes, 1)
    return np.where(successes == trials, 1 + 0.0 * n, betaincinv(successes + 1, missed, confidence))


def score_test(share: Sequence[np.ndarray], trials: Sequence[np.ndarray]) -> np.ndarray:
    """Return p of the score test that two proportions are equal, each share among so many trials."""
    (p, q), (m, n) = share, trials
    together = (p * m + q * n) / (m + n)
    spread = np.sqrt(together * (1 - together) * (1 / m + 1 / n))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(p == q, 0.0, np.abs(p - q) / spread)
    return 2 * ndtr(-z)


def newcombe(
    share: Sequence[np.ndarray], trials: Sequence[np.ndarray], confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of the second share minus the first, by Newcombe's method 10."""
    (p, q), (m, n) = share, trials
    (low_p, high_p), (low_q, high_q) = wilson(p * m, m, confidence), wilson(q * n, n, confidence)
    difference = q - p
    low = difference - np.hypot(q - low_q, high_p - p)
    return low, difference + np.hypot(high_q - q, p - low_p)


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Turn p-values into q-values."""
    order = np.argsort(-p_values, kind="stable")
    ranks = np.arange(len(p_values), 0, -1)
    found = np.empty(len(p_values))
    found[order] = np.minimum(np.minimum.accumulate(p_values[order] * len(p_values) / ranks), 1)
    return found


# ---- a variant in a condition


class Thresholds(NamedTuple):
    """What the user sets."""

    depth: int  # fragments
    confidence: float
    q_value_max: float


def pooled(study: pd.DataFrame, called: pd.DataFrame, limits: Thresholds) -> pd.DataFrame:
    """Add up the samples of each line and condition: a row a condition and candidate.

    `state` is present, absent, or why neither is known: flagged, low_depth, no_alignment, replicates_differ;
    `reason` says so in words. `effective` is the number of independent fragments that tell as much.
    `suspected`: some fragments show the variant, too few to call it. `differing` names samples of the
    condition that would have shown what its others have.
    """
    every = study[["sample", *GROUP]].merge(called[SITE].drop_duplicates(), how="cross")
    rows = every.merge(called, how="left", on=["sample", *SITE])
    rows["status"] = rows.status.fillna("no_alignment")
    counted = (rows.depth > 0) & (rows.status != "no_alignment")
    depth, alt = rows.depth.where(counted, 0.0), rows.alt_count.where(counted, 0.0)
    ok = rows.status == "ok"
    parts = rows.assign(
        samples=counted.astype(int), depth=depth, alt_count=alt,
        information=depth * (1 + (depth - 1) / TEMPLATES),
        detection_limit=rows.detection_limit.where(rows.status.isin(JUDGED)),
        ok=ok, judged=rows.status.isin(JUDGED), suspected=rows.status == "below_detection",
        surely=rows.vaf_low.where(ok), thin=rows.vaf_low.where(rows.status == "low_depth"),
        why=rows.reason.fillna("not counted").where(rows.status == "no_alignment"),
    )  # fmt: skip
    keys = [*GROUP, *SITE]
    groups = parts.groupby(keys, sort=False)
    pools = groups.agg(
        samples=("samples", "sum"), depth=("depth", "sum"), alt_count=("alt_count", "sum"),
        information=("information", "sum"), detection_limit=("detection_limit", "min"),
        ok=("ok", "any"), judged=("judged", "any"), suspected=("suspected", "any"),
        surely=("surely", "max"), thin=("thin", "max"), why=("why", "first"),
    ).reset_index()  # fmt: skip

    def gathered(some: pd.DataFrame, column: str) -> np.ndarray:
        """List the different values of some rows by pool, in words."""
        words = some.groupby(keys, sort=False)[column].agg(lambda values: ", ".join(dict.fromkeys(values)))
        return words.reindex(pd.MultiIndex.from_frame(pools[keys])).fillna("").to_numpy()

    pools["flagged_as"] = gathered(parts[parts.status.isin(FLAGS)], "status")
    vain = parts.status.isin(["not_detected", "below_detection"])
    vain &= parts.detection_limit <= groups.surely.transform("max")
    pools["differing"] = gathered(parts[vain], "sample")
    return with_states(pools, limits)


def with_states(pools: pd.DataFrame, limits: Thresholds) -> pd.DataFrame:
    """Add shares, state, zygosity and reason to what was added up of each pool."""
    n, k = pools.depth.to_numpy(), pools.alt_count.to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        pools["vaf"], pools["effective"] = k / np.where(n > 0, n, np.nan), n**2 / pools.information
    pools["vaf_low"], pools["vaf_high"] = wilson(k, n, limits.confidence)
    states = {
        "present": pools.ok,
        "flagged": pools.flagged_as != "",
        "no_alignment": (n == 0) & pools.why.notna(),
        "low_depth": ~pools.judged | (n < limits.depth),
        "replicates_differ": pools.thin > pools.detection_limit,
    }
    pools["state"] = np.select(list(states.values()), list(states), "absent")
    absent = pools.state == "absent"
    pools["vaf_upper"] = np.where(absent, upper_bound(k, n, limits.confidence), np.nan)
    pools["zygosity"] = [
        zygosity(row.vaf, row.vaf_low, row.vaf_high) if row.state == "present" else
        "absent" if row.state == "absent" else "not_assessable"
        for row in pools.itertuples()
    ]  # fmt: skip
    pools["reason"] = [why_unknown(row, limits.depth) for row in pools.itertuples()]
    return pools


def zygosity(vaf: float, low: float, high: float) -> str:
    """Name the share of copies of a variant that is present, relative to two copies in all cells."""
    if high >= HOM and vaf > HET[1]:
        return "hom"
    if low <= HET[1] and high >= HET[0]:
        return "het"
    return "imbalanced" if vaf > HET[1] else "subclonal"


# ---- two conditions


def compare(reference: tuple | None, target: tuple | None, limits: Thresholds) -> tuple[str, str, str]:
    """Return comparison, status and reason of a variant that one of two conditions has, from `pooled`.

    A side is None if the line has no such condition. Of a variant that both have the comparison is shared.
    """
    if reference is None or target is None:
        missing = "reference" if reference is None else "target"
        side = target or reference
        found = f"{percent(side.vaf)} in {side.condition}"
        return "not_assessable", f"no_{missing}", f"the line has no {missing} condition; {found}"
    in_reference, in_target = reference.state == "present", target.state == "present"
    has, lacks = (target, reference) if in_target else (reference, target)
    differing = [
        f"{side.condition}: not seen in {side.differing}" for side in (reference, target) if side.differing
    ]
    status = "replicates_differ" if differing else "ok"
    if in_reference and in_target:
        return "shared", status, "; ".join(differing)
    if lacks.state != "absent":
        return "not_assessable", lacks.state, lacks.reason
    bound, limit = lacks.vaf_upper, lacks.detection_limit
    seen = f"{lacks.alt_count:.0f} of {lacks.depth:.0f} fragments: {percent(bound)} at most"
    if not limit <= has.vaf or bound >= has.vaf_low:
        least = f"; it would show {percent(limit)}" if limit == limit else ""
        why = f"{lacks.condition} cannot exclude {percent(has.vaf)} ({seen}{least})"
        return "not_assessable", "detection_limit", why
    tenth = TENTH * has.vaf
    if limit <= tenth and bound <= tenth and not lacks.suspected:
        sure = f"{percent(tenth)} (a tenth of the VAF) with {percent(POWER)} power"
        reason = f"{'new' if in_target else 'gone'}: {lacks.condition} would have shown {sure} ({seen})"
    else:
        reason = f"not detected above {percent(max(limit, bound))} in {lacks.condition} ({seen})"
        if lacks.suspected:
            reason += ": these may be errors or few cells"
    return "gained" if in_target else "lost", status, "; ".join([reason, *differing])


def with_tests(rows: pd.DataFrame, limits: Thresholds) -> pd.DataFrame:
    """Test the VAFs of variants that both conditions have; name those that expanded or contracted.

    Rows have, beside their columns, the effective numbers of fragments of both sides.
    """
    rows = rows.copy()
    both = rows.index[rows.comparison == "shared"]
    rows["vaf_difference"] = rows.vaf_target - rows.vaf_reference
    if not len(both):
        return rows
    shares = [rows.loc[both, f"vaf_{role}"].to_numpy(float) for role in ("reference", "target")]
    trials = [rows.loc[both, f"effective_{role}"].to_numpy(float) for role in ("reference", "target")]
    low, high = newcombe(shares, trials, limits.confidence)
    p_value = score_test(shares, trials)
    q_value = benjamini_hochberg(p_value)
    rows.loc[both, TESTED[1:]] = np.column_stack([low, high, p_value, q_value])
    tested = rows.loc[both, ["vaf_reference", "vaf_target", "q_value", "reason"]]
    says = [apart(*row, limits.q_value_max) for row in tested.itertuples(index=False)]
    rows.loc[both, ["comparison", "reason"]] = np.array(says, dtype=object)
    return rows


def apart(
    reference: float, target: float, q_value: float, reason: str, q_value_max: float
) -> tuple[str, str]:
    """Return comparison and reason of a variant that both conditions have, from its VAFs and their q."""
    says = f"VAF {percent(reference)} to {percent(target)} (q {q_value:.2g})"
    comparison = "shared"
    if abs(target - reference) >= VAF_STEP and q_value < q_value_max:
        comparison = "expanded" if target > reference else "contracted"
    elif abs(target - reference) >= VAF_STEP:
        says += ": may be chance"
    elif q_value < q_value_max:
        says += f": two PCRs may differ by less than {percent(VAF_STEP)}"
    else:
        says = ""
    return comparison, "; ".join(filter(None, [says, reason]))


# ---- what a variant is


def nrf2_effect(
    gene: object, consequence: object, domain: object, hgvs_c: object, hotspot_effect: object
) -> str | None:
    """Say in words what a variant may do to the KEAP1-NRF2 axis; missing for other genes."""
    if gene not in ("KEAP1", "NFE2L2", "CUL3") or not isinstance(consequence, str):
        return None
    terms, parts = set(consequence.split("&")), str(domain).split(";")
    kinds = [words for term, words in CHANGING.items() if term in terms]
    known = KNOWN.get(hotspot_effect, EFFECT_UNKNOWN)
    if gene == "NFE2L2":
        if BESIDE_EXON_2.match(f"{hgvs_c} "):
            return "splice site of NFE2L2 exon 2: skipping of exon 2 activates NRF2"
        if terms & TRUNCATING:
            return "truncates NFE2L2: not activating"
        motifs = [motif for motif in MOTIFS if motif in parts]
        if kinds and (motifs or hotspot_effect == "activating"):
            where = f"the {' and '.join(motifs)} motif" if motifs else "or beside the DLG or ETGE motif"
            return f"{kinds[0]} in {where} of NFE2L2; {known}"
    elif terms & TRUNCATING:
        return f"truncates {gene}"
    if hotspot_effect == "common_polymorphism" and terms & {"5_prime_UTR_variant", "upstream_gene_variant"}:
        return "common polymorphism of the promoter"
    if not kinds:
        return NO_EFFECT if not terms & {"stop_lost", "coding_sequence_variant"} else EFFECT_UNKNOWN
    domains = [name for name in KEAP1_DOMAINS if name in parts] if gene == "KEAP1" else []
    repeats = [name for name in parts if name.startswith("Kelch ")]
    where = " and ".join(repeats or domains)
    says = f"{kinds[0]} in {where} of {gene}" if where else f"{kinds[0]} in {gene}"
    splicing = "; beside a splice site" if "splice_region_variant" in terms else ""
    return f"{says}; {known}{splicing}"


def described(variants: pd.DataFrame, annotated: pd.DataFrame) -> pd.DataFrame:
    """Name variants by the named transcripts of target genes, and say what they may do; others stay empty."""
    named = annotated[annotated.named == "yes"].drop_duplicates(SITE)
    table = variants[SITE].merge(named[[*SITE, *tables.NAMES]], how="left", on=SITE)
    given = ["gene", "consequence", "domain", "hgvs_c", "hotspot_effect"]
    table["nrf2_effect"] = [nrf2_effect(*row) for row in table[given].itertuples(index=False, name=None)]
    known = table.hotspot_effect == "common_polymorphism"
    return table.assign(common_polymorphism=np.where(known, "yes", "no"))


def context_of(genome: pysam.FastaFile, chrom: str, pos: int, ref: str, alt: str) -> str | None:
    """Write a substitution between its neighbours on the strand of the pyrimidine: `A[C>T]G`.

    Missing for what is no single-base substitution, and where the genome has no such bases.
    """
    if len(ref) != 1 or len(alt) != 1 or chrom not in genome.references or pos < 2:
        return None
    bases = genome.fetch(chrom, pos - 2, pos + 1).upper()
    if len(bases) != 3 or bases[1] != ref or not set(bases + alt) <= set("ACGT"):
        return None
    if ref in "AG":
        bases, alt = reverse_complement(bases), reverse_complement(alt)
    return f"{bases[0]}[{bases[1]}>{alt}]{bases[2]}"


# ---- signatures


def posteriors(variants: pd.DataFrame, signatures: pd.DataFrame | None) -> pd.DataFrame:
    """Give each variant that has a context the posterior of each signature: a row a variant and signature."""
    rows = variants[variants.context.notna()]
    if signatures is None or rows.empty:
        return pd.DataFrame(columns=tables.SIGNATURES)
    made = []
    for row in rows.itertuples():
        probability = signatures[row.context].to_numpy()
        joint = signatures.share.to_numpy() * probability
        possible = joint.sum() > 0
        about = {column: getattr(row, column) for column in [*SITE, "gene", "hgvs_p", "context"]}
        table = pd.DataFrame({"signature": signatures.index, "share": signatures.share.to_numpy()})
        table["probability"], table["posterior"] = probability, joint / joint.sum() if possible else np.nan
        why = None if possible else "none of the signatures makes this change"
        status = "ok" if possible else "not_assessable"
        made.append(table.assign(**about, status=status, reason=why))
    return pd.concat(made, ignore_index=True)[tables.SIGNATURES]


def most_probable(table: pd.DataFrame) -> pd.DataFrame:
    """Return each variant's most probable signature with its posterior, indexed by its place and alleles."""
    best = table[table.posterior.notna()].sort_values("posterior", ascending=False, kind="stable")
    columns = {"signature": "most_probable_signature", "posterior": "signature_posterior"}
    return best.drop_duplicates(SITE).set_index(SITE)[list(columns)].rename(columns=columns)


# ---- Sanger


def residues(name: object) -> str:
    """Write a protein change without prefix and parentheses, so that two spellings of it are equal."""
    return re.sub(r"^p\.|[()]", "", name) if isinstance(name, str) else ""


def traces_of(row: Mapping, traces: pd.DataFrame) -> pd.DataFrame:
    """Choose, of a line's traces, those of a variant: of its place, or else of its change of the protein.

    A trace of its gene that could not be read shows none of the gene's variants.
    """
    here = (traces.chrom == row["chrom"]) & (traces.pos == row["pos"]).fillna(False)
    here &= (traces.ref == row["ref"]) & (traces.alt == row["alt"])
    names = {residues(row[column]) for column in ("hgvs_p", "hgvs_p_short")} - {""}
    wanted = traces.hgvs_p.where(traces.hgvs_p.notna(), traces.expected).map(residues)
    blind = (wanted == "") & traces.status.isin(UNREAD)
    nowhere = traces.chrom.isna() & (traces.gene == row["gene"])
    return traces[here | (nowhere & (wanted.isin(names) | blind))]


def trace_verdict(traces: pd.DataFrame, side: tuple) -> tuple[str, str]:
    """Hold the traces of a condition to what sequencing says of it; return a verdict and words."""
    calls = [call for call in traces.call if call in ("het", "hom", "absent")]
    if not calls:
        why = "; ".join(dict.fromkeys(traces.reason.dropna()))
        return "not_assessable", f"not assessable{f' ({why})' if why else ''}"
    words = " and ".join(dict.fromkeys(calls))
    seen = {call != "absent" for call in calls}
    if side.state not in ("present", "absent"):
        return "not_assessable", f"{words} (sequencing can neither confirm nor contradict it)"
    if seen == {side.state == "present"}:
        return "agrees", words
    if side.state == "present" and side.vaf < SANGER_MIN:
        faint = f"{words} (a trace does not show {percent(side.vaf)}: about {percent(SANGER_MIN)} are needed)"
        return "not_assessable", faint
    return "contradicts", f"{words} (sequencing: {percent(side.vaf)})"


def sanger_of(row: Mapping, sides: Sequence[tuple | None], traces: pd.DataFrame) -> tuple[str, str | None]:
    """Return what a line's traces say of a variant in the conditions compared, as one word and in words."""
    own = traces_of(row, traces) if len(traces) else traces
    if own.empty:
        return "not_done", None
    verdicts, words = [], []
    for side in sides:
        shown = own[own.condition == side.condition] if side else own[:0]
        if len(shown):
            verdict, says = trace_verdict(shown, side)
            verdicts.append((verdict, side.state))
            words.append(f"{side.condition} {says}")
    if not verdicts:
        return "not_done", None
    if any(verdict == "contradicts" for verdict, _ in verdicts):
        found = "not_confirmed"
    else:
        found = "confirmed" if ("agrees", "present") in verdicts else "not_assessable"
    return found, f"{'; '.join(words)}: {found.replace('_', ' ')}"


# ---- evidence for the call


def known_effect(gene: str, consequence: object, domain: object, hotspot_effect: object) -> str | None:
    """Class what a variant does to a gene of the axis, as the call has it; None if it changes no protein.

    What a splice site of NFE2L2 does is left to the measured skipping: without exon 2 the protein is active.
    """
    terms = set(str(consequence).split("&"))
    if hotspot_effect in ("common_polymorphism", "wild_type_like"):
        return hotspot_effect
    if not terms & ({*CHANGING, "stop_lost", "coding_sequence_variant"} | TRUNCATING):
        return None
    if terms & (TRUNCATING - SPLICE_SITES if gene == "NFE2L2" else TRUNCATING):
        return "truncating"
    if gene == "NFE2L2" and hotspot_effect == "activating":
        return "hotspot"
    if gene != "NFE2L2" and hotspot_effect in ("loss", "reduced"):
        return "known_loss"
    domains = set(KEAP1_DOMAINS) & set(str(domain).split(";")) if gene == "KEAP1" else ()
    return "missense_in_domain" if domains and "missense_variant" in terms else "other"


def finding(pool: tuple, elsewhere: bool) -> tuple[str | None, str, str] | None:
    """Return call, status and reason of a variant in a condition; None if there is nothing to say.

    What may be there is said if fragments show it, or the line has it `elsewhere`: in another condition.
    """
    if pool.state == "present" and not pool.differing:
        return pool.zygosity, "ok", ""
    if pool.state == "present":
        return None, "replicates_differ", f"not seen in {pool.differing}"
    if pool.state == "absent" or not (elsewhere or pool.alt_count > 0):
        return None
    return None, pool.state, pool.reason


def absence(amplicons: pd.DataFrame, share: float) -> tuple[str, str]:
    """Return status and reason of a gene without variants, whose amplicons hold that share of its bases.

    `amplicons` has a row a sample of the condition and amplicon: status, reason. One sample is enough.
    """
    read = set(amplicons.amplicon[amplicons.status == "ok"])
    lost = amplicons[~amplicons.amplicon.isin(read)].drop_duplicates("amplicon")
    if len(lost):
        first = f"{lost.amplicon.iloc[0]} {lost.status.iloc[0]}: {lost.reason.iloc[0]}"
        return "incomplete_coverage", f"{len(lost)} of {len(lost) + len(read)} amplicons not read ({first})"
    return "ok", "" if share == 1 else f"amplicons hold {percent(share)} of the coding sequence"


# ---- the study


def pairs_of(study: pd.DataFrame) -> list[tuple[str, str | None, str | None]]:
    """List what is compared: line, its reference condition, and each other condition; None if it has none."""
    pairs = []
    for line, own in study.groupby("line", sort=False):
        references = list(dict.fromkeys(own.condition[own.role == "reference"]))
        others = list(dict.fromkeys(own.condition[own.role != "reference"]))
        pairs += [(line, one, other) for one, other in product(references or [None], others or [None])]
    return pairs


def candidates(
    study: pd.DataFrame, called: pd.DataFrame, annotated: pd.DataFrame, limits: Thresholds
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the variants that a sample has, in each pool, and their names."""
    found = called[called["sample"].isin(study["sample"]) & (called.status == "ok")]
    sites = found[SITE].drop_duplicates().sort_values(SITE)
    names = described(sites, annotated).astype(object)
    return pooled(study, called.merge(sites, on=SITE), limits), names.where(names.notna(), None)


def analyse(
    study: pd.DataFrame, pools: pd.DataFrame, names: pd.DataFrame, traces: pd.DataFrame, limits: Thresholds
) -> pd.DataFrame:
    """Compare the conditions of each line: the rows of comparison.tsv, without contexts and signatures.

    Beside them, by side, effective numbers of fragments and the states of the pools.
    """
    of_condition = {
        (row.line, row.condition, row.chrom, row.pos, row.ref, row.alt): row for row in pools.itertuples()
    }
    of_line = dict(tuple(traces.groupby("line")))
    rows = []
    for line, reference, target in pairs_of(study):
        for about in names.to_dict("records"):
            place = tuple(about[column] for column in SITE)
            sides = [of_condition.get((line, condition, *place)) for condition in (reference, target)]
            if not any(side and side.state == "present" for side in sides):
                continue
            comparison, status, reason = compare(*sides, limits)
            row = {"line": line, "condition": target or reference} | about
            row |= {"comparison": comparison, "status": status, "reason": reason}
            for role, side in zip(("reference", "target"), sides, strict=True):
                if side:
                    columns = [*OF_SIDE, "zygosity", "effective", "state"]
                    row |= {of_side(column, role): getattr(side, column) for column in columns}
            row["vaf_change"] = vaf_change(*sides)
            row["sanger"], row["sanger_calls"] = sanger_of(row, sides, of_line.get(line, traces[:0]))
            rows.append(row)
    further = [f"{column}_{role}" for column in ("effective", "state") for role in ("reference", "target")]
    table = pd.DataFrame(rows).reindex(columns=[*tables.COMPARISON, *further])
    numbers = [of_side(column, role) for column in OF_SIDE for role in ("reference", "target")]
    table = with_tests(table.astype(dict.fromkeys([*numbers, *TESTED], "float64")), limits)
    columns = ["zygosity_reference", "zygosity_target", "comparison"]
    table["zygosity_change"] = [zygosity_change(*each) for each in table[columns].itertuples(index=False)]
    return table


def evidence_of(
    study: pd.DataFrame,
    pools: pd.DataFrame,
    names: pd.DataFrame,
    coverage: pd.DataFrame,
    targets: Mapping[str, Transcript | str],
    ids: Mapping[str, str],
) -> pd.DataFrame:
    """Say what the call is to know: variants of the axis in each condition, and genes in which none is.

    `targets` and `ids` are the transcripts of genes, and how they are called.
    """
    rows = list(variant_rows(pools, names, known_effect, finding))
    rows += absence_rows(rows, study, coverage, targets, ids, absence)
    return in_order(rows, study)


@click.command(cls=Script)
@click.option("--amplicons", type=INPUT, required=True, help="TSV: sample, line, condition, role.")
@click.option("--called", type=FOLDER, required=True, help="Folder with variants.tsv of amplicon_variants.")
@click.option(
    "--annotated", type=FOLDER, required=True, help="Folder with that of annotate_variants, or none."
)
@click.option("--sanger", type=FOLDER, required=True, help="Folder with calls.tsv of sanger_confirmation.")
@click.option("--coverage", type=INPUT, required=True, help="TSV of align_amplicons: amplicons by sample.")
@click.option("--annotation", type=INPUT, required=True, help="GTF with the transcripts of target genes.")
@click.option("--target-genes", type=INPUT, required=True, help="TSV: gene, transcript, cds_start, cds_end.")
@click.option("--genome", type=INPUT, required=True, help="FASTA of the genome, with its index beside it.")
@click.option(
    "--signatures", type=FOLDER, required=True,
    help="Folder with a matrix of signatures (Type, then a column a signature), or none.",
)  # fmt: skip
@click.option(
    "--exposures", type=FOLDER, required=True,
    help="Folder with a CSV or TSV of the shares of signatures (signature, share), or none.",
)  # fmt: skip
@click.option(
    "--amplicon-min-depth", type=click.IntRange(1), default=200, show_default=True,
    help="Fragments from which a variant is looked for.",
)  # fmt: skip
@click.option(
    "--confidence", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Coverage of intervals and bounds.",
)  # fmt: skip
@click.option(
    "--q-value-max", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True,
    help="False discovery rate below which variants expanded or contracted.",
)  # fmt: skip
@RESULTS
def main(
    amplicons: Path,
    called: Path,
    annotated: Path,
    sanger: Path,
    coverage: Path,
    annotation: Path,
    target_genes: Path,
    genome: Path,
    signatures: Path,
    exposures: Path,
    amplicon_min_depth: int,
    confidence: float,
    q_value_max: float,
    results: Path,
) -> None:
    """Compare the variants of each line's conditions: what was gained, kept and lost."""
    limits = Thresholds(amplicon_min_depth, confidence, q_value_max)
    study = read_table(amplicons, LIBRARY)
    counted = read_only(called, tables.CALLED)
    named = read_only(annotated, tables.ANNOTATED)
    traced = read_only(sanger, tables.TRACES)
    matrix, shares = only_file(signatures), only_file(exposures)
    known = read_signatures(matrix, shares) if matrix and shares else None
    pools, names = candidates(study, counted, named, limits)
    table = analyse(study, pools, names, traced, limits)
    genes = read_table(target_genes, TARGET_GENES)
    with pysam.FastaFile(str(genome)) as bases:
        targets = find_targets(genes, annotation, bases)
        table["context"] = [context_of(bases, *site) for site in table[SITE].itertuples(index=False)]
    read = read_table(coverage, COVERAGE)
    ids = dict(zip(genes.gene, genes.transcript, strict=True))
    write_evidence(evidence_of(study, pools, names, read, targets, ids), "variant_comparison", results)
    probable = posteriors(table.drop_duplicates(SITE), known)
    best = most_probable(probable).reindex(pd.MultiIndex.from_frame(table[SITE]))
    table = table.assign(**{name: values.to_numpy() for name, values in best.items()})
    write_table(table[tables.COMPARISON], results / "comparison.tsv")
    write_table(probable, results / "signatures.tsv")
    drawn = write_figure(table, study, confidence, results)
    write_report(table, study, counted, drawn, known is not None, results)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas", "pysam", "scipy")


if __name__ == "__main__":
    main()
