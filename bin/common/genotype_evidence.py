"""Put what is known of genotypes, copies, skipping and expression into rows of evidence for the call.

What decides is given as rules; here it is asked of each line and condition.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.evidence import evidence_table
from common.genotype_tables import GROUP, JUNCTION_READS, short

NQO1 = "NQO1"
VARIANTS = {NQO1: "nqo1_allele", "NFE2L2": "nfe2l2_variant", "KEAP1": "keap1_variant", "CUL3": "cul3_variant"}
SKIPPING = {(NQO1, "4"): "nqo1_exon4_skipping", ("NFE2L2", "2"): "nfe2l2_exon2_skipping"}
CALLED = ("ref", "het", "hom")
COPIES = ("two_intact", "one_loss", "two_loss")
LOSSES = ("loss", "truncating", "known_loss")
SHARE = "share"  # the unit
CONDITION = ["line", "condition"]
BOUNDED = "of the transcripts: heterozygous, so {:g} of the copies at most"
Row = dict[str, object]


class Rules(NamedTuple):
    """The functions that decide; locus_genotype.py says what each does."""

    known_effect: Callable[..., str | None]
    differ: Callable[[str, Mapping[str, str], Sequence[str]], str]
    covered_share: Callable[[pd.DataFrame, int], float]
    lie_apart: Callable[[np.ndarray, np.ndarray, np.ndarray], bool]
    share_of_copies: Callable[[float, str], float]
    named_copies: Callable[[str, Sequence[str], Mapping], dict[str, str]]
    doubt: Callable[..., tuple[str, str]]
    shows_level: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    level_of: Callable[[Sequence[str], np.ndarray, np.ndarray], tuple[float, str, str]]


class Found(NamedTuple):
    """What was found, in samples and in conditions (pools), by unit."""

    study: pd.DataFrame
    calls: pd.DataFrame
    pools: pd.DataFrame
    haplotypes: pd.DataFrame
    exons: pd.DataFrame
    skipping: pd.DataFrame
    skipping_pools: pd.DataFrame
    expression: pd.DataFrame
    pairs: Mapping


def start(row: tuple, evidence: str, table: str) -> Row:
    """Begin a row of evidence: whose it is, what kind, from which table, and whether it is known."""
    place = {column: getattr(row, column) for column in (*GROUP, "status", "reason")}
    return place | {"evidence": evidence, "source": table}


def agreed(
    pools: pd.DataFrame,
    replicates: pd.DataFrame,
    keys: Sequence[str],
    column: str,
    known: Sequence[str],
    differ: Callable[[str, Mapping[str, str], Sequence[str]], str],
) -> pd.DataFrame:
    """Give pools whose replicates differ in a column the status of that, with both in the reason."""
    keys = [*CONDITION, *keys]
    alone: dict[tuple, dict[str, str]] = {}
    for *key, sample, what in replicates[[*keys, "sample", column]].itertuples(index=False, name=None):
        alone.setdefault(tuple(key), {})[sample] = what
    says = [
        differ(what, alone.get(tuple(key), {}), known)
        for *key, what in pools[[*keys, column]].itertuples(index=False, name=None)
    ]
    rows = pools.assign(differing=np.array(says, dtype=bool))
    rows.loc[rows.differing, "status"] = "replicates_differ"
    rows.loc[rows.differing, "reason"] = [words for words in says if words]
    return rows


def variants_of(found: Found, rules: Rules) -> pd.DataFrame:
    """Choose the variants that a condition has or may have, and the loci of NQO1; add what the call asks."""
    pools = found.pools[found.pools.gene.isin(VARIANTS)]
    rows = agreed(pools, found.calls, ["gene", "variant"], "genotype", CALLED, rules.differ)
    rows.loc[rows.differing, "genotype"] = "ambiguous"
    about = rows[["gene", "effect", "consequence", "domain", "hotspot_effect"]]
    effects = [rules.known_effect(*given) for given in about.itertuples(index=False, name=None)]
    rows["known_effect"] = np.array(effects, dtype=object)
    present = rows.genotype.isin(["het", "hom"])
    present |= (rows.genotype == "ambiguous") & (rows.differing | (rows.likeliest != "ref"))
    of_nqo1 = rows.locus.notna() & (rows.gene == NQO1)
    rows = rows[of_nqo1 | (rows.known_effect.notna() & present)].copy()
    shares = [rules.share_of_copies(*each) for each in zip(rows.vaf, rows.genotype, strict=True)]
    rows["share"] = np.array(shares, dtype=float)
    capped = (rows.share < rows.vaf) & (rows.status == "ok")
    said = rows.reason.where(rows.reason.astype(bool))
    rows.loc[capped, "reason"] = [
        "; ".join(part for part in (f"{vaf:.2f} {BOUNDED.format(share)}", why) if isinstance(part, str))
        for vaf, share, why in zip(rows.vaf[capped], rows.share[capped], said[capped], strict=True)
    ]
    rows.loc[rows.share < rows.vaf, ["vaf_low", "vaf_high"]] = np.nan  # they are of the transcripts
    return rows.assign(copy=copies_named(rows, found.pairs, rules))


def copies_named(variants: pd.DataFrame, pairs: Mapping, rules: Rules) -> np.ndarray:
    """Name the copy that each heterozygous loss is on, where others of its gene tell."""
    single = variants[variants.known_effect.isin(LOSSES) & (variants.genotype == "het")]
    single = single[single.status == "ok"]
    named = {
        (unit, gene, variant): copy
        for (unit, gene), own in single.groupby(["unit", "gene"], sort=False)
        for variant, copy in rules.named_copies(unit, list(own.variant), pairs).items()
    }
    keys = variants[["unit", "gene", "variant"]].itertuples(index=False, name=None)
    return np.array([named.get(key) for key in keys], dtype=object)


def variant_rows(variants: pd.DataFrame) -> Iterator[Row]:
    """Yield a row a variant, with its copy, and the share of the copies that have it."""
    for row in variants.itertuples():
        table = "genotypes" if isinstance(row.locus, str) else "discovery"
        made = start(row, VARIANTS[row.gene], f"locus_genotype/{table}.tsv")
        name = row.hgvs_c if isinstance(row.hgvs_c, str) else row.variant
        made |= {"item": name, "label": short(row), "effect": row.known_effect, "phase": row.copy}
        made |= {"value": row.share, "low": row.vaf_low, "high": row.vaf_high, "n": row.depth}
        yield made | {"unit": SHARE, "call": None if row.genotype == "no_call" else row.genotype}


def absence_rows(found: Found, variants: pd.DataFrame, rules: Rules, depth_min: int) -> Iterator[Row]:
    """Yield a row a gene of the axis in which nothing is, or in which more may be: it is not all covered."""
    having = set(zip(variants.unit, variants.gene, strict=True))
    for (unit, gene), covered in found.exons.groupby(["unit", "gene"], sort=False):
        if gene == NQO1 or gene not in VARIANTS:
            continue
        status, reason = rules.doubt([], covered, depth_min)
        if status != "ok" or (unit, gene) not in having:
            first = covered.assign(status=status, reason=reason).head(1)
            made = start(next(first.itertuples()), VARIANTS[gene], "locus_genotype/haplotypes.tsv")
            made |= {"n": covered.min_depth.min(skipna=False)}
            yield made | ({"value": 0.0, "unit": SHARE, "call": "absent"} if status == "ok" else {})


def copies_rows(found: Found, variants: pd.DataFrame, rules: Rules, depth_min: int) -> Iterator[Row]:
    """Yield a row a condition: how many copies of NQO1 are intact, and how much of it is covered.

    A loss in which replicates differ leaves it open, unless two copies are lost in any case.
    """
    own = found.haplotypes[found.haplotypes.gene == NQO1]
    alone = own[(own.level == "sample") & (own.status == "ok")]
    pools = own[own.level == "condition"]
    rows = agreed(pools, alone, [], "functional_copies", COPIES, rules.differ)
    rows.loc[rows.functional_copies == "unphased", "status"] = "ok"  # that is what was found
    lost = variants[(variants.gene == NQO1) & (variants.known_effect == "loss") & variants.differing]
    open_in = {(row.line, row.condition): f"{short(row)}: {row.reason}" for row in lost.itertuples()}
    why = [open_in.get(key) for key in zip(rows.line, rows.condition, strict=True)]
    why = pd.Series(why, rows.index, dtype=object)
    doubted = why.notna() & ~rows.differing & (rows.functional_copies != "two_loss")
    rows.loc[doubted, "status"], rows.loc[doubted, "reason"] = "replicates_differ", why[doubted]
    rows.loc[rows.differing | doubted, "functional_copies"] = "not_assessable"
    exons = found.exons[found.exons.gene == NQO1]
    covered = {key: rules.covered_share(its, depth_min) for key, its in exons.groupby(CONDITION)}
    roles = {
        (line, condition): role
        for line, condition, role in found.study[GROUP].itertuples(index=False, name=None)
    }
    rows["role"] = [roles[key] for key in zip(rows.line, rows.condition, strict=True)]
    for row in rows.itertuples():
        made = start(row, "nqo1_coverage", "locus_genotype/haplotypes.tsv")
        made |= {"value": covered[row.line, row.condition], "unit": SHARE, "n": row.min_depth}
        yield made | {"call": row.functional_copies}


def skipping_rows(found: Found, rules: Rules) -> Iterator[Row]:
    """Yield a row an exon: of NFE2L2 n are the reads that skip it, of NQO1 all reads of its junctions."""
    measured = found.skipping[found.skipping.status == "ok"]
    for row in found.skipping_pools.itertuples():
        if (row.gene, row.exon) not in SKIPPING:
            continue
        made = start(row, SKIPPING[row.gene, row.exon], "locus_genotype/skipping.tsv")
        own = measured[(measured.line == row.line) & (measured.condition == row.condition)]
        own = own[(own.gene == row.gene) & (own.exon == row.exon)]
        if rules.lie_apart(*own[["fraction", "fraction_low", "fraction_high"]].to_numpy(float).T):
            words = ", ".join(f"{each.sample} {each.fraction:.2f}" for each in own.itertuples())
            made |= {"status": "replicates_differ", "reason": words}
        reads = [getattr(row, column) for column in JUNCTION_READS]
        made |= {"value": row.fraction, "low": row.fraction_low, "high": row.fraction_high}
        yield made | {"n": sum(reads) if row.gene == NQO1 else reads[0], "unit": SHARE}


def expression_rows(found: Found, rules: Rules) -> Iterator[Row]:
    """Yield a row a condition: the mean TPM of NQO1, of n libraries."""
    of_nqo1 = found.expression.gene == NQO1
    others = found.expression[~of_nqo1].dropna(subset=["fragments", "tpm"])
    sums = others.groupby("unit")[["fragments", "tpm"]].sum()
    own = found.study.merge(found.expression[of_nqo1], on="unit")
    own["per_tpm"] = own.unit.map(sums.fragments / sums.tpm.where(sums.tpm > 0))
    for _, its in own.groupby(CONDITION, sort=False):
        tpm, fragments, per_tpm = its[["tpm", "fragments", "per_tpm"]].to_numpy(float).T
        shown = rules.shows_level(tpm, fragments, per_tpm)
        value, status, reason = rules.level_of(list(its["sample"]), tpm, shown)
        first = next(its.assign(status=status, reason=reason).itertuples())
        made = start(first, "nqo1_expression", "gene_counts/tpm.tsv")
        yield made | {"value": value, "n": shown.sum(), "unit": "TPM"}


def evidence_of(found: Found, rules: Rules, depth_min: int) -> pd.DataFrame:
    """Make the table of evidence, the rows of a line and condition together, in the order of the sheet."""
    variants = variants_of(found, rules)
    rows = [
        *copies_rows(found, variants, rules, depth_min),
        *variant_rows(variants[variants.gene == NQO1]),
        *expression_rows(found, rules),
        *skipping_rows(found, rules),
        *variant_rows(variants[variants.gene != NQO1]),
        *absence_rows(found, variants, rules, depth_min),
    ]
    places = found.study[CONDITION].drop_duplicates().itertuples(index=False, name=None)
    order = {place: number for number, place in enumerate(places)}
    return evidence_table(sorted(rows, key=lambda row: order[row["line"], row["condition"]]))
