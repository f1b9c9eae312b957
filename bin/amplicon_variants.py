#!/usr/bin/env python3
"""Judge in which samples the candidates of all amplicons are variants, and what could have been seen.

Error      The rate of a change varies among sites as a Beta distribution, one for each class: the
           trinucleotide change (96, pyrimidine strand) of a substitution, the length of the homopolymer
           of a deletion or an insertion. Its mean and precision are those of moments (Kleinman 1973) over
           the study's other sites, with one error added at the rate of all, and the precision of all in
           classes below 10 sites. In a sample, the rate at a site is the posterior mean given the samples
           of other lines but those with a VAF of 5 % or more (error_source `samples`); fewer than 3 of
           these say nothing, and the mean of the class holds (`context`). The rate of a site varies
           between samples too: with a precision of the study, by moments over samples without a candidate,
           or with that of the site among other samples but the one that shows most, if it is lower. The
           class never lowers the rate below what other samples show. Substitutions in cis have the class
           of the rarest of them.
Test       The upper tail of the beta-binomial with that mean, and with the variances of rate and samples
           added. Error rates come from samples as in deepSNV (Gerstung 2012) and shearwater (Gerstung
           2014).
Family     q (Benjamini and Hochberg) is over all that was looked at: three substitutions, a deletion and
           an insertion at each site, in each sample with --amplicon-min-depth fragments there. What is no
           candidate enters with p = 1.
Called     q below 0.01, 3 fragments or more, and a VAF of --min-vaf or more; from 10 fragments on it is
           enough that its interval (Wilson 1927) reaches --min-vaf, for a cut at the estimate would lose
           every second variant whose VAF is just that. Fewer are what one early error of PCR leaves.
Flags      strand_bias: Fisher's exact p below 0.001 and a strand odds ratio (as in GATK) above 3, only in
           amplicons where reads of both strands cover the variant. read_end: on average less than 5 bases
           from the end of what was read, and half as far as what else is read there. primer_site: only
           amplicons show it that have a primer there; or of amplicons that cover it, one shows less than
           a fifth of another's share (Fisher's exact p below 0.001), as if a variant under its primers
           kept an allele from being amplified.
Limit      The smallest VAF that would have been called in 95 % of samplings at this depth and error, and
           no less than --min-vaf.
Assumes    Fragments are molecules: without molecular tags copies of one cannot be told from others, so
           that intervals and tests are of the library.

References: Gerstung et al. 2012, Nat Commun 3:811, doi:10.1038/ncomms1814;
Gerstung et al. 2014, Bioinformatics 30:1198, doi:10.1093/bioinformatics/btt750;
Kleinman 1973, J Am Stat Assoc 68:46, doi:10.1080/01621459.1973.10481332;
Benjamini and Hochberg 1995, J R Stat Soc B 57:289, doi:10.1111/j.2517-6161.1995.tb02031.x;
Wilson 1927, J Am Stat Assoc 22:209, doi:10.1080/01621459.1927.10502953
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
import pysam
from common.amplicon_candidates import (
    ALLELES,
    BASES,
    DELETION,
    NUMBERS,
    STRANDS,
    VARIANTS,
    Candidate,
    by_amplicon,
    candidates_of,
    changes_of,
    counts_of,
    described,
    mean_of,
    primers_at,
    read_sites,
)
from common.amplicon_piles import PRIMERS, Stretch, run_at, stretches_of
from common.amplicon_variants_report import write_sections
from common.cli import INPUT, RESULTS, Script
from common.multiqc import write_versions
from common.sample_vcf import FILTERS, records_of, write_calls
from common.tables import LIBRARY, read_table, write_table
from scipy.special import betaincinv, betaln, gammaln, ndtri

COMPLEMENT = str.maketrans("ACGT", "TGCA")
PYRIMIDINES = [f"{ref}>{alt}" for ref in "CT" for alt in BASES if alt != ref]
SUBSTITUTIONS = [f"{left}[{kind}]{right}" for kind, left, right in product(PYRIMIDINES, BASES, BASES)]
LONGEST_RUN = 8  # bases: longer homopolymers are one class with these
INDELS = [f"{kind} in {run}" for kind in ("deletion", "insertion") for run in range(1, LONGEST_RUN + 1)]
CLASSES = {name: number for number, name in enumerate([*SUBSTITUTIONS, *INDELS])}
IS_INDEL = np.arange(len(CLASSES)) >= len(SUBSTITUTIONS)
CARRIER, SAMPLES_MIN, FEW_SITES, PRECISION = 0.05, 3, 10, (20.0, 1e6)
Q_MAX, POWER, NOTABLE, MIN_FRAGMENTS, MANY_FRAGMENTS = 0.01, 0.95, 0.05, 3, 10
STRAND_P, STRAND_ODDS, STRAND_SHARE = 1e-3, 3.0, 0.1
READ_END, AMPLICON_P, AMPLICON_SHARE = 5, 1e-3, 0.2
RATES = ["kind", "change", "sites", "fragments", "errors", "error_rate", "precision", "status", "reason"]


class Settings(NamedTuple):
    """The parameters of the analysis."""

    min_depth: int
    min_vaf: float
    confidence: float

    @property
    def z(self) -> float:
        """Return the normal quantile of the intervals."""
        return float(ndtri((1 + self.confidence) / 2))


# ---- the error model


def upper_tail(k: np.ndarray, n: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return P(K >= k) of the beta-binomial of n trials with parameters a and b (arrays of one shape).

    Terms follow from each other by their ratio; the sum is of the tail that does not hold the mean.
    """
    k, n, a, b = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in (k, n, a, b)))
    shape, (k, n, a, b) = k.shape, (each.ravel() for each in (k, n, a, b))
    up = k > n * a / (a + b)
    at = np.where(up, k, k - 1)
    tail = np.zeros(k.shape)
    some = np.flatnonzero((at >= 0) & (at <= n))
    x, n, a, b, rises = at[some], n[some], a[some], b[some], up[some]
    term = np.exp(-np.log1p(n) - betaln(x + 1, n - x + 1) + betaln(x + a, n - x + b) - betaln(a, b))
    while len(some):
        tail[some] += term
        rise, fall = (n - x) / (x + 1) * (x + a), x / (n - x + 1) * (n - x + b)
        step = np.where(rises, rise / (n - x - 1 + b), fall / (x - 1 + a))
        term, x = term * step, x + np.where(rises, 1, -1)
        going = (term > 1e-15 * tail[some]) & (x >= 0) & (x <= n)
        some, x, n, a, b, rises, term = (each[going] for each in (some, x, n, a, b, rises, term))
    return np.where(up, tail, 1 - tail).clip(0, 1).reshape(shape)


class Moments(NamedTuple):
    """Sums over sites, from which mean and precision of their rates follow."""

    sites: np.ndarray
    errors: np.ndarray
    trials: np.ndarray
    squares: np.ndarray  # of errors, by trials
    square_trials: np.ndarray

    def minus(self, other: "Moments") -> "Moments":
        """Leave sites out."""
        return Moments(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


def terms_of(errors: np.ndarray, trials: np.ndarray) -> Moments:
    """Return what each site adds to the sums; without trials, nothing."""
    k, n = errors.astype(float), trials.astype(float)
    return Moments((n > 0).astype(float), k, n, k**2 / np.where(n > 0, n, 1), n**2)


def moments_of(errors: np.ndarray, trials: np.ndarray, groups: np.ndarray, number: int) -> Moments:
    """Sum over the sites of each group; those without trials do not count."""
    some = (trials > 0) & (groups >= 0)
    terms = terms_of(errors[some], trials[some])
    return Moments(*(np.bincount(groups[some], each, number) for each in terms))


def by_kind(classes: Moments, indel: np.ndarray) -> Moments:
    """Sum over the classes: of insertions and deletions, or else (`indel` false) of substitutions."""
    sums = ([each[~IS_INDEL].sum(), each[IS_INDEL].sum()] for each in classes)
    return Moments(*(np.array(both)[indel.astype(int)] for both in sums))


def beta_of(moments: Moments, all_of: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Estimate mean and precision (a + b) of a class of sites; `all_of` are the sites of every class."""
    overall = (all_of.errors + 0.5) / (all_of.trials + 1)
    mean = (moments.errors + 1) / (moments.trials + 1 / overall)
    few = moments.sites < FEW_SITES
    chosen = Moments(*(np.where(few, theirs, mine) for mine, theirs in zip(moments, all_of, strict=True)))
    return mean, precision_of(chosen)


def precision_of(moments: Moments) -> np.ndarray:
    """Return the precision of rates among sites by moments (Kleinman 1973): the highest if none differ."""
    sites, errors, trials, squares, square_trials = moments
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = errors / trials
        expected = (sites - 1) * mean * (1 - mean)
        spread_ = squares - mean * errors - expected
        share = spread_ / (mean * (1 - mean) * (trials - square_trials / trials - (sites - 1)))
        return np.where(share > 0, (1 / share - 1).clip(*PRECISION), PRECISION[1])


class Profile(NamedTuple):
    """The study's errors: counts a sample, site and change, and what is known of their rates."""

    trials: np.ndarray  # samples x sites
    errors: np.ndarray  # samples x sites x changes, as in CHANGES; 0 where a sample may carry a variant
    clean_trials: np.ndarray  # the fragments that these are of; 0 there, too
    group: np.ndarray  # sites x changes: the class, -1 where there is none
    classes: Moments
    sample_precision: float


def profile_of(trials: np.ndarray, errors: np.ndarray, group: np.ndarray, min_vaf: float) -> Profile:
    """Sum the errors of the study, without the samples that may carry a variant at a site.

    How samples differ is learnt from those that show no candidate there.
    """
    clean = (trials > 0)[:, :, None] & (errors < CARRIER * trials[:, :, None]) & (group >= 0)
    kept, n = np.where(clean, errors, 0), np.where(clean, trials[:, :, None], 0)
    classes = moments_of(kept.sum(axis=0).ravel(), n.sum(axis=0).ravel(), group.ravel(), len(CLASSES))
    some = kept < np.maximum(MIN_FRAGMENTS, min_vaf / 2 * n)
    precision = between_samples(*(np.where(some, each, 0)[:, :, :DELETION] for each in (kept, n)))
    return Profile(trials, kept, n, group, classes, precision)


def between_samples(errors: np.ndarray, trials: np.ndarray) -> float:
    """Return the precision of rates among samples at a site (samples x ...), by moments over all sites."""
    k, n = errors.sum(axis=0, dtype=float), trials.sum(axis=0, dtype=float)
    repeated = (trials > 0).sum(axis=0) > 1
    if not repeated.any():
        return PRECISION[1]
    k, n, errors, trials = k[repeated], n[repeated], errors[:, repeated], trials[:, repeated].astype(float)
    samples = (trials > 0).sum(axis=0)
    squares = (errors**2 / np.where(trials > 0, trials, 1)).sum(axis=0)
    unit = k / n * (1 - k / n)
    apart = (squares - k**2 / n - (samples - 1) * unit).sum()
    room = (unit * (n - (trials**2).sum(axis=0) / n - samples + 1)).sum()
    return float(np.clip(room / apart - 1, *PRECISION)) if apart > 0 else PRECISION[1]


def prior_of(profile: Profile, sites: np.ndarray, changes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and precision of the class of each (site, change), from the study's other sites."""
    group = profile.group[sites, changes]
    k, n = (each[:, sites, changes].sum(axis=0) for each in (profile.errors, profile.clean_trials))
    of_class = Moments(*(np.where(group >= 0, each[group], 0) for each in profile.classes))
    own = terms_of(k, n)
    return beta_of(of_class.minus(own), by_kind(profile.classes, changes >= DELETION).minus(own))


def around(errors: np.ndarray, trials: np.ndarray, lines: np.ndarray) -> Moments:
    """Sum over the samples (first axis) of other lines, for each sample; some trials make it count."""
    sums = []
    for values in terms_of(errors, trials):
        total = values.sum(axis=0)
        own = {line: values[lines == line].sum(axis=0) for line in dict.fromkeys(lines)}
        sums.append(np.stack([total - own[line] for line in lines]))
    return Moments(*sums)


def posterior(
    mean: np.ndarray, precision: np.ndarray, nearby: Moments, between: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rate and precision at a site given other samples there, and whether these were enough.

    `between` is the precision of rates between samples. The class never lowers what the samples show.
    """
    enough = nearby.sites >= SAMPLES_MIN
    k, n = np.where(enough, nearby.errors, 0), np.where(enough, nearby.trials, 0)
    rate = np.maximum((mean * precision + k) / (precision + n), k / np.where(n > 0, n, 1))
    return rate, 1 / (1 / (precision + n) + 1 / between), enough


def between_others(errors: np.ndarray, trials: np.ndarray, lines: np.ndarray, usual: float) -> np.ndarray:
    """Return the precision of rates at a site between the samples of other lines: the usual one, or a lower.

    The sample that shows most is left out: it may carry the variant, others only if the site is noisy.
    """
    found = np.full(len(lines), usual)
    for line in dict.fromkeys(lines):
        some = np.flatnonzero((lines != line) & (trials > 0))
        some = some[np.argsort(errors[some] / trials[some], kind="stable")][:-1]
        if len(some) >= SAMPLES_MIN and errors[some].any():
            moments = Moments(*(each.sum() for each in terms_of(errors[some], trials[some])))
            found[lines == line] = min(usual, float(precision_of(moments)))
    return found


def class_of(context: str, alt: str) -> int:
    """Return the class of a substitution in its three bases; -1 if one of them is not known."""
    if context[1:2] in ("A", "G"):
        context, alt = context.translate(COMPLEMENT)[::-1], alt.translate(COMPLEMENT)
    return CLASSES.get(f"{context[:1]}[{context[1:2]}>{alt}]{context[2:]}", -1)


def groups_of(stretches: Iterable[Stretch]) -> np.ndarray:
    """Return the classes of the changes at each site of the study."""
    rows = []
    for stretch in stretches:
        for place in stretch.places:
            context = stretch.sequence.cut(place - 1, place + 2)
            run = min(run_at(place, stretch.sequence), LONGEST_RUN)
            substitutions = [class_of(context, alt) for alt in BASES]
            rows.append([*substitutions, CLASSES[f"deletion in {run}"], CLASSES[f"insertion in {run}"]])
    return np.array(rows)


# ---- the judgement


def wilson(k: np.ndarray, n: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of a share by Wilson's score interval; without trials they are missing."""
    n = np.where(n > 0, n, np.nan)
    share = k / n
    centre, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = np.where(k == 0, 0 * n, (centre - half) / (1 + z**2 / n))
    return low, np.where(k == n, 1 + 0 * n, (centre + half) / (1 + z**2 / n))


def benjamini_hochberg(p: np.ndarray, tests: int) -> np.ndarray:
    """Return q-values of some of so many tests; of the others, p is 1."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * tests / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return q


def needed(n: np.ndarray, a: np.ndarray, b: np.ndarray, p_cut: float, settings: Settings) -> np.ndarray:
    """Return the smallest number of fragments that would be called; n + 1 if not even all would."""
    low, high = np.zeros(len(n)), n + 1.0
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = upper_tail(middle, n, a, b) <= p_cut
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    vaf = settings.min_vaf
    # Wilson's interval reaches a share where the share's own score interval reaches the estimate.
    reaches = np.ceil(n * vaf - settings.z * np.sqrt(n * vaf * (1 - vaf)) - 1e-9)
    reported = np.minimum(np.ceil(n * vaf - 1e-9), np.maximum(reaches, MANY_FRAGMENTS))
    return np.maximum(np.maximum(high, reported), MIN_FRAGMENTS)


def detection_limits(
    n: np.ndarray, rate: np.ndarray, precision: np.ndarray, p_cut: float, settings: Settings
) -> np.ndarray:
    """Return the smallest VAF that is called with POWER; missing where not even all fragments would do."""
    k = needed(n, rate * precision, (1 - rate) * precision, p_cut, settings)
    can = k <= n
    k, n = np.where(can, k, 1.0), np.where(can, n, 1.0)
    return np.where(can, np.maximum(betaincinv(k, n - k + 1, POWER), settings.min_vaf), np.nan)


def fisher(table: np.ndarray) -> float:
    """Return Fisher's exact p, two-sided, of a table of 2 x 2 counts: of all tables that are no likelier."""
    (row, _), (column, _), total = table.sum(axis=1), table.sum(axis=0), table.sum()
    x = np.arange(max(row + column - total, 0), min(row, column) + 1)
    cells = np.stack([x, row - x, column - x, total - row - column + x])
    margins = gammaln(np.concatenate([table.sum(axis=0), table.sum(axis=1)]) + 1).sum() - gammaln(total + 1)
    chances = np.exp(margins - gammaln(cells + 1).sum(axis=0))
    return float(min(chances[chances <= chances[x == table[0, 0]] * (1 + 1e-7)].sum(), 1))


def strand_odds(table: np.ndarray) -> float:
    """Return the strand odds ratio of GATK, of [[alt forward, alt reverse], [ref forward, ref reverse]]."""
    alt, ref = table.astype(float) + 1
    ratio = ref[0] * alt[1] / (alt[0] * ref[1])
    return float(np.log(ratio + 1 / ratio) + np.log(ref.min() / ref.max()) - np.log(alt.min() / alt.max()))


def strands_of(own: Iterable[tuple]) -> np.ndarray:
    """Sum the reads by allele (alt, rest) and strand over amplicons in which both strands show the place."""
    total = np.zeros((2, 2), dtype=np.int64)
    for row in own:
        sides = row.alt_forward + row.rest_forward, row.alt_reverse + row.rest_reverse
        if min(sides) >= max(STRAND_SHARE * max(sides), 1):
            total += [[row.alt_forward, row.alt_reverse], [row.rest_forward, row.rest_reverse]]
    return total


def primer_problem(own: Sequence[tuple], under: Sequence[str], min_depth: int) -> str:
    """Say why amplicons do not support a variant that some show; nothing if they do."""
    if under and {row.amplicon for row in own if row.alt_count} <= set(under):
        return f"at a primer of {', '.join(under)}, and no other amplicon shows it"
    deep = sorted((row for row in own if row.depth >= min_depth), key=lambda row: row.alt_count / row.depth)
    if len(deep) < 2:
        return ""
    least, most = deep[0], deep[-1]
    if least.alt_count / least.depth >= AMPLICON_SHARE * most.alt_count / most.depth:
        return ""
    if fisher(np.array([[row.alt_count, row.depth - row.alt_count] for row in (least, most)])) >= AMPLICON_P:
        return ""
    says = f"{most.alt_count} of {most.depth} fragments of {most.amplicon} show it, "
    return f"{says}{least.alt_count} of {least.depth} of {least.amplicon}"


def judge(row: Mapping, own: Sequence[tuple], under: Sequence[str], settings: Settings) -> tuple[str, str]:
    """Return status and reason of a candidate in a sample; `own` are its rows by amplicon."""
    alt, depth = row["alt_count"], row["depth"]
    if depth < settings.min_depth:
        return "low_depth", f"{depth} of {settings.min_depth} fragments"
    says = f"{alt} of {depth} fragments, {row['error_rate'] * depth:.2g} expected from errors"
    if row["q_value"] >= Q_MAX or alt < MIN_FRAGMENTS:
        if row["p_value"] >= NOTABLE:
            return "not_detected", says
        return "below_detection", f"{says}: q {row['q_value']:.2g}"
    if row["vaf_high"] < settings.min_vaf:
        return "below_detection", f"VAF {row['vaf']:.3g}, {row['vaf_high']:.3g} at most"
    if row["vaf"] < settings.min_vaf and alt < MANY_FRAGMENTS:
        needs = f"{MANY_FRAGMENTS} needed below {settings.min_vaf:g}"
        return "below_detection", f"VAF {row['vaf']:.3g}, in {alt} fragments: {needs}"
    if problem := primer_problem(own, under, settings.min_depth):
        return "primer_site", problem
    at, rest = row["alt_read_position"], row["rest_read_position"]
    if at < READ_END and rest >= 2 * at:
        return "read_end", f"{at:.1f} bases from the end of reads, other fragments {rest:.1f}"
    odds = strand_odds(row["strands"])
    if row["strand_bias_p"] < STRAND_P and odds > STRAND_ODDS:
        forward, reverse = row["strands"][0]
        return "strand_bias", f"{forward} forward and {reverse} reverse reads, strand odds ratio {odds:.1f}"
    return "ok", ""


def totals(own: Sequence[tuple]) -> dict[str, object]:
    """Put the counts of a candidate in the amplicons of a sample together."""
    strands = strands_of(own)
    counts = {name: sum(getattr(row, name) for row in own) for name in (*NUMBERS, *STRANDS[:2])}
    return counts | {
        "amplicon_counts": ";".join(
            f"{row.amplicon}:{row.alt_count}/{row.depth}" for row in own if row.depth
        ),
        "strands": strands,
        "strand_bias_p": fisher(strands) if counts["alt_count"] and strands.sum(axis=0).all() else np.nan,
        "alt_base_quality": mean_of((row.alt_base_quality, row.alt_count) for row in own),
        "alt_read_position": mean_of((row.alt_read_position, row.alt_count) for row in own),
        "rest_read_position": mean_of((row.rest_read_position, row.depth - row.alt_count) for row in own),
    }


def rates_of(
    depths: np.ndarray, alts: np.ndarray, lines: np.ndarray, candidate: Candidate, profile: Profile
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rate and precision of a candidate's errors in each sample, and whether samples gave them."""
    mean, precision = prior_of(profile, *changes_of(candidate))
    rarest = mean.argmin()
    clean = alts < CARRIER * depths
    k, n = np.where(clean, alts, 0), np.where(clean, depths, 0)
    between = between_others(k, n, lines, profile.sample_precision)
    return posterior(mean[rarest], precision[rarest], around(k, n, lines), between)


class Test(NamedTuple):
    """What decides: the number of tests, and the p-value below which a variant is called."""

    tests: int
    p_cut: float


def judged(
    samples: pd.DataFrame,
    alleles: pd.DataFrame,
    candidates: Sequence[Candidate],
    profile: Profile,
    settings: Settings,
) -> tuple[pd.DataFrame, Test]:
    """Test and judge each candidate in each sample: a row each, samples in their order."""
    lines, rows = samples.line.to_numpy(), [[] for _ in range(len(samples))]
    for candidate, found in zip(candidates, counts_of(alleles, candidates, samples), strict=True):
        says, under = described(candidate), primers_at(candidate)
        depths = np.array([sum(row.depth for row in own) for own in found], dtype=float)
        alts = np.array([sum(row.alt_count for row in own) for own in found], dtype=float)
        errors = rates_of(depths, alts, lines, candidate, profile)
        for number, (sample, own, *error) in enumerate(
            zip(samples.itertuples(), found, *errors, strict=True)
        ):
            row = {"sample": sample.sample, "line": sample.line, "condition": sample.condition} | says
            row |= {"status": "no_alignment", "reason": own[0].reason}
            if own[0].status == "ok":
                row |= totals(own) | dict(zip(("error_rate", "precision", "known"), error, strict=True))
                row |= {"own": own, "under": under, "status": "ok"}
            rows[number].append(row)
    flat = [row for own in rows for row in own]
    test = with_tests([row for row in flat if row["status"] == "ok"], profile, settings)
    table = pd.DataFrame(flat, columns=VARIANTS)
    whole = ["pos", "homopolymer", *NUMBERS, "alt_forward", "alt_reverse"]
    return table.astype(dict.fromkeys(whole, "Int64")), test


def with_tests(rows: list[dict], profile: Profile, settings: Settings) -> Test:
    """Add p and q, intervals, detection limit, status and reason to the rows of samples with an alignment."""
    n, k, rate, precision = (
        np.array([row[name] for row in rows], float)
        for name in ("depth", "alt_count", "error_rate", "precision")
    )
    p = upper_tail(k, n, rate * precision, (1 - rate) * precision)
    deep = n >= settings.min_depth
    looked_at = int((profile.trials >= settings.min_depth).sum()) * (3 + 2)
    tests = max(looked_at, int(deep.sum()), 1)
    q = np.full(len(rows), np.nan)
    q[deep] = benjamini_hochberg(p[deep], tests)
    test = Test(tests, Q_MAX * max(int((q < Q_MAX).sum()), 1) / tests)
    low, high = wilson(k, n, settings.z)
    limits = detection_limits(n, rate, precision, test.p_cut, settings)
    for number, row in enumerate(rows):
        row |= {
            "vaf": k[number] / n[number] if n[number] else np.nan,
            "vaf_low": low[number], "vaf_high": high[number],
            "error_source": "samples" if row["known"] else "context",
            "p_value": p[number], "q_value": q[number], "detection_limit": limits[number],
        }  # fmt: skip
        row["status"], row["reason"] = judge(row, row["own"], row["under"], settings)
    return test


# ---- what else could have been seen


def limits_of(lines: np.ndarray, profile: Profile, test: Test, settings: Settings) -> np.ndarray:
    """Return the detection limit of a base (samples x sites) whose error is the likeliest of its site.

    Missing below the depth at which samples are judged. Depths, rates and precisions are rounded to the
    worse side (by 2, 6 and 26 % at most): many sites are then alike.
    """
    sites, changes = np.indices(profile.group[:, :DELETION].shape)
    mean, precision = (
        each.reshape(sites.shape) for each in prior_of(profile, sites.ravel(), changes.ravel())
    )
    nearby = around(*(each[:, :, :DELETION] for each in (profile.errors, profile.clean_trials)), lines)
    rate, precision, _ = posterior(mean, precision, nearby, profile.sample_precision)
    rate = np.where(profile.group[:, :DELETION] >= 0, rate, 0)
    worst = rate.argmax(axis=2)[:, :, None]
    rate, precision = (np.take_along_axis(each, worst, 2)[:, :, 0] for each in (rate, precision))
    deep = (profile.trials >= settings.min_depth) & (profile.trials > 0) & (rate > 0)
    steps = np.array([np.log(1.02), np.log(10) / 40, np.log(10) / 10])
    logs = np.log([profile.trials[deep].astype(float), rate[deep], precision[deep]]) / steps[:, None]
    alike, which = np.unique(
        [np.floor(logs[0]), np.ceil(logs[1]), np.floor(logs[2])], axis=1, return_inverse=True
    )
    n, e, m = np.exp(alike * steps[:, None])
    limits = np.full(profile.trials.shape, np.nan)
    limits[deep] = detection_limits(np.ceil(n), np.minimum(e, 0.5), m, test.p_cut, settings)[which.ravel()]
    return limits


def error_rates(profile: Profile) -> pd.DataFrame:
    """Describe the study's errors by class."""
    mean, precision = beta_of(profile.classes, by_kind(profile.classes, IS_INDEL))
    table = pd.DataFrame({"change": list(CLASSES), "error_rate": mean, "precision": precision})
    for name in ("sites", "trials", "errors"):
        table[name] = getattr(profile.classes, name).astype(int)
    table.loc[table.sites == 0, ["error_rate", "precision"]] = np.nan
    table["kind"] = np.where(IS_INDEL, table.change.str.split().str[0], table.change.str[2:5])
    table["status"] = np.select([table.sites == 0, table.sites < FEW_SITES], ["not_seen", "few_sites"], "ok")
    few = table.sites.astype(str) + " sites: precision of all"
    table["reason"] = np.where(table.status == "few_sites", few, "")
    return table.rename(columns={"trials": "fragments"})[RATES]


@click.command(cls=Script)
@click.option("--amplicons", type=INPUT, required=True, help="TSV: sample, line, condition, role.")
@click.option("--alleles", type=INPUT, required=True, help="TSV of count_amplicon_alleles: candidates.")
@click.option("--sites", type=INPUT, required=True, help="TSV of count_amplicon_alleles: errors.")
@click.option("--primers", type=INPUT, required=True, help="TSV: chrom, start, end, amplicon, left_start ...")
@click.option("--genome", type=INPUT, required=True, help="FASTA of the alignments, with its index .fai.")
@click.option(
    "--amplicon-min-depth",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Fragments at a site from which a sample is judged there.",
)
@click.option(
    "--min-vaf",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.02,
    show_default=True,
    help="VAF (share of fragments) that the interval of a variant reaches.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Confidence of intervals.",
)
@RESULTS
def main(
    amplicons: Path,
    alleles: Path,
    sites: Path,
    primers: Path,
    genome: Path,
    amplicon_min_depth: int,
    min_vaf: float,
    confidence: float,
    results: Path,
) -> None:
    """Judge which candidates are variants in which samples."""
    settings = Settings(amplicon_min_depth, min_vaf, confidence)
    samples = read_table(amplicons, LIBRARY)
    counted = read_table(alleles, ALLELES)
    results.mkdir(parents=True, exist_ok=True)
    with pysam.FastaFile(str(genome)) as fasta:
        stretches = stretches_of(read_table(primers, PRIMERS), fasta)
        contigs = list(zip(fasta.references, fasta.lengths, strict=True))
    number = sum(len(stretch.places) for stretch in stretches)
    trials, errors, aligned = read_sites(sites, list(samples["sample"]), number)
    profile = profile_of(trials, errors, groups_of(stretches), min_vaf)
    candidates = candidates_of(counted, stretches)
    variants, test = judged(samples, counted, candidates, profile, settings)
    found = limits_of(samples.line.to_numpy(), profile, test, settings)
    limits = by_amplicon(samples, stretches, trials, found, aligned, amplicon_min_depth)
    rates = error_rates(profile)

    write_table(variants, results / "variants.tsv")
    write_table(limits, results / "detection_limits.tsv")
    write_table(rates, results / "error_rates.tsv")
    write_calls(results / "variants.vcf.gz", contigs, FILTERS, list(samples["sample"]), records_of(variants))
    write_sections(variants, limits, rates, test.tests, settings.min_vaf, results)
    write_versions(results / "versions.tsv", "numpy", "pandas", "pysam", "scipy")


if __name__ == "__main__":
    main()
