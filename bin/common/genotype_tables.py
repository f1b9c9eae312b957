"""Columns of the tables that locus_genotype reads and writes, and names of variants in them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from common.tables import GENES, read_table

SITE = ["chrom", "pos", "ref", "alt"]
COUNTS = ["depth", "ref_count", "alt_count", "other_count", "alt_forward", "alt_reverse"]
ALLELES = (
    dict.fromkeys(["sample", "gene", "locus", "source", "chrom"], "str")
    | {"pos": "Int64", "ref": "str", "alt": "str"}
    | dict.fromkeys([*COUNTS, "alt_base_quality", "alt_read_position"], "float64")
    | {"status": "str", "reason": "str"}
)
COVERAGE = (
    dict.fromkeys(["sample", "gene", "exon"], "str")
    | dict.fromkeys(["c_start", "c_end", "min_depth", "fragments"], "float64")
    | {"status": "str", "reason": "str"}
)
JUNCTION_READS = ["skipping_reads", "upstream_reads", "downstream_reads"]
JUNCTIONS = (
    dict.fromkeys(["sample", "gene", "transcript", "exon"], "str")
    | dict.fromkeys(JUNCTION_READS, "float64")
    | {"status": "str", "reason": "str"}
)
PHASES = ["ref_ref", "ref_alt", "alt_ref", "alt_alt"]
LINKAGE = dict.fromkeys(["sample", "gene", "variant_1", "variant_2"], "str") | dict.fromkeys(
    PHASES, "float64"
)
NAMES = ["hgvs_c", "hgvs_p", "consequence", "exon", "protein_start", "domain", "hotspot", "hotspot_effect"]
VARIANTS = (
    {"chrom": "str", "pos": "Int64"}
    | dict.fromkeys(["ref", "alt", "gene", "named", "hgvs_p_short", *NAMES], "str")
    | {"protein_start": "Int64"}
)
LOCI = dict.fromkeys(["gene", "hgvs_c", "hgvs_p", "rs_id", "effect"], "str")
SKIPPING = dict.fromkeys(["gene", "exon", "meaning"], "str")

GROUP = ["line", "condition", "role"]
WHERE = ["sample", "line", "condition"]
SHARE = ["depth", "ref_count", "alt_count", "vaf", "vaf_low", "vaf_high", "genotype"]
SAYS = ["status", "reason"]
GENOTYPES = [
    *(*WHERE, "gene", "locus", "hgvs_c", "hgvs_p", "rs_id", *SITE, "depth", "ref_count", "alt_count"),
    *("other_count", "vaf", "vaf_low", "vaf_high", "genotype", "genotype_quality", "effect", *SAYS),
]
DISCOVERY = [
    *(*WHERE, "gene", *SITE, "hgvs_c", "hgvs_p", "consequence", "protein_start", "domain", "hotspot"),
    *("source", *SHARE, "genotype_quality", "effect", *SAYS),
]
COMPARED = ["depth", "alt_count", "vaf", "vaf_low", "vaf_high", "detection_limit", "genotype"]
VARIANT = ["gene", "locus", *SITE, "hgvs_c", "hgvs_p", "consequence", "effect"]
COMPARISON = [
    *("line", *VARIANT, "comparison", "change"),
    *(f"{role}_{column}" for role in ("reference", "target") for column in COMPARED),
    *SAYS,
]
HAPLOTYPES = [
    *("level", *WHERE, "gene", "functional_copies", "loss_alleles", "phase", "cis_fragments"),
    *("trans_fragments", "phase_probability", "min_depth", *SAYS),
]
SKIPPED = [
    *(*WHERE, "gene", "transcript", "exon", *JUNCTION_READS, "fraction", "fraction_low", "fraction_high"),
    *("meaning", *SAYS),
]
IDENTITY = [
    *(*WHERE, "own_line_samples", "own_line_agreeing", "own_line_sharing", "snps", "best_line"),
    *("best_line_sharing", *SAYS),
]
PAIRS = ["sample_1", "line_1", "sample_2", "line_2", "snps", "concordance", "sharing"]
EXPRESSED = [*WHERE, "gene", *SITE, "hgvs_c", "hgvs_p", "consequence", "source", "depth", "alt_count"]
EXPRESSED += ["share", "share_low", "share_high", *SAYS]
TESTS = ["line", "gene", "hgvs_c", "hgvs_p", "consequence", "source", "test", "condition"]
TESTS += ["reference_share", "target_share", "p_value", "p_adjusted", "adjust_method", *SAYS]
LINES = [
    *("line", "condition", "gene", "genotypes", "further_variants", "functional_copies", "loss_alleles"),
    *("skipped_exon", "skipping", "skipping_low", "skipping_high", *SAYS),
]


def read_tpm(folder: Path, genes: Iterable[str], samples: Sequence[str]) -> pd.Series:
    """Read the TPM of genes, added up by name, indexed by sample and gene; empty without a file."""
    wanted = set(genes)
    found = []
    for path in sorted(folder.glob("*.tsv")) if folder.is_dir() else []:
        table = read_table(path, dict.fromkeys(GENES, "str"), further=True)
        known = [sample for sample in samples if sample in table]
        names = table.gene_name.fillna(table.gene_id)
        sums = table.loc[names.isin(wanted), known].astype(float).groupby(names.rename("gene")).sum()
        long = sums.reset_index().melt("gene", var_name="sample", value_name="tpm")
        found.append(long.set_index(["sample", "gene"]).tpm)
    index = pd.MultiIndex.from_tuples([], names=["sample", "gene"])
    return pd.concat(found) if found else pd.Series(index=index, dtype="float64")


def short(row: tuple | pd.Series) -> str:
    """Name a variant in few letters: its protein change, or else its coding change."""
    name = row.hgvs_p if isinstance(row.hgvs_p, str) and row.hgvs_p not in ("p.?", "p.=") else row.hgvs_c
    return name.removeprefix("p.") if isinstance(name, str) else str(row.variant)


def describe(
    alleles: pd.DataFrame,
    variants: pd.DataFrame,
    loci: pd.DataFrame,
    effect_of: Callable[[object, object], str],
) -> pd.DataFrame:
    """Join counted alleles with their names: of named loci as loci.tsv has them, else as annotated."""
    named = variants[variants.named == "yes"].drop_duplicates(["gene", *SITE])
    named = named.assign(hgvs_p=named.hgvs_p_short.fillna(named.hgvs_p))
    # A GTF without names of genes has them as ids: the transcript is the named one all the same.
    named = named.sort_values("gene", key=lambda genes: ~genes.isin(set(alleles.gene)), kind="stable")
    of_gene = alleles.merge(named[["gene", *SITE, *NAMES]], how="left", on=["gene", *SITE])
    of_site = alleles.merge(named[[*SITE, *NAMES]].drop_duplicates(SITE), how="left", on=SITE)
    rows = of_gene.where(of_gene.consequence.notna(), of_site)
    known = loci.set_index(["gene", "hgvs_c"])
    keys = pd.MultiIndex.from_frame(rows[["gene", "locus"]])
    is_locus = rows.locus.notna()
    rows["effect"] = [effect_of(*pair) for pair in zip(rows.consequence, rows.hotspot_effect, strict=True)]
    rows["hgvs_c"] = rows.locus.fillna(rows.hgvs_c)
    for column in ("hgvs_p", "effect", "rs_id"):
        given = known[column].reindex(keys).to_numpy()
        rows[column] = np.where(is_locus & pd.notna(given), given, rows.get(column, np.nan))
    rows["exon"] = rows.exon.str.extract(r"^(\d+)", expand=False)
    sites = [f"{row.chrom}:{row.pos}:{row.ref}>{row.alt}" for row in rows.itertuples()]
    rows["variant"] = rows.locus.where(rows.pos.isna(), sites)
    rows["source"] = rows.source.fillna("")
    return rows


def pooled(table: pd.DataFrame, keys: Sequence[str], sums: Sequence[str]) -> pd.DataFrame:
    """Add up the samples of each line and condition: a row a group and key.

    Its status is ok if that of one sample is; means of the variant's fragments stay means.
    """
    good = table.status == "ok"
    counted = table.assign(
        **{column: table[column].where(good) for column in sums},
        order=np.where(good, 0, 1),
        position=np.arange(len(table)),
    )
    if "alt_base_quality" in table:
        for column in ("alt_base_quality", "alt_read_position"):
            counted[column] = counted[column] * counted.alt_count
    weighted = [column for column in ("alt_base_quality", "alt_read_position") if column in table]
    groups = counted.sort_values("order", kind="stable").groupby(
        [*GROUP, *keys], sort=False, dropna=False, as_index=False
    )
    whole = groups.first()
    totals = groups[[*sums, *weighted]].sum(min_count=1)
    whole[[*sums, *weighted]] = totals[[*sums, *weighted]]
    for column in weighted:
        whole[column] = whole[column] / whole.alt_count.where(whole.alt_count > 0)
    # In the order of the table, whichever sample's values came first.
    whole["order"] = groups.position.min().position
    whole = whole.sort_values("order", kind="stable").reset_index(drop=True)
    whole["reason"] = whole.reason.where(whole.status != "ok")
    return whole.assign(sample=None, unit=whole.line + "\t" + whole.condition)


def expression_of(
    study: pd.DataFrame, coverage: pd.DataFrame, tpm: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tpm and fragments by unit and gene, of samples and of groups; what is not known is missing."""
    fragments = coverage.groupby(["sample", "gene"]).fragments.max()
    table = fragments.to_frame().join(tpm.rename("tpm"), how="outer").reset_index()
    table = table.merge(study, on="sample")
    groups = table.groupby(["line", "condition", "gene"], as_index=False)
    whole = groups.agg(fragments=("fragments", "sum"), tpm=("tpm", "mean"))
    columns = ["unit", "gene", "fragments", "tpm"]
    return (
        table.assign(unit=table["sample"])[columns],
        whole.assign(unit=whole.line + "\t" + whole.condition)[columns],
    )


def lines_of(
    groups: pd.DataFrame, haplotypes: pd.DataFrame, skipping: pd.DataFrame, genes: Iterable[str]
) -> pd.DataFrame:
    """Put together, by line and condition, what is known of each gene that has named loci."""
    groups = groups[["unit", "gene", "locus", "variant", "hgvs_c", "hgvs_p", "genotype", "effect"]]
    rows = []
    for copies in haplotypes[haplotypes.gene.isin(set(genes))].itertuples():
        own = groups[(groups.unit == f"{copies.line}\t{copies.condition}") & (groups.gene == copies.gene)]
        loci = own[own.locus.notna()]
        further = own[own.locus.isna() & own.genotype.isin(["het", "hom"]) & (own.effect != "synonymous")]
        skipped = skipping[skipping.unit == f"{copies.line}\t{copies.condition}"]
        skipped = skipped[(skipped.gene == copies.gene)]
        row = {
            column: getattr(copies, column) for column in ("line", "condition", "gene", "functional_copies")
        }
        row |= {"loss_alleles": copies.loss_alleles, "status": copies.status, "reason": copies.reason}
        row["genotypes"] = "; ".join(f"{short(locus)} {locus.genotype}" for locus in loci.itertuples())
        row["further_variants"] = "; ".join(f"{short(each)} {each.genotype}" for each in further.itertuples())
        for exon in skipped.head(1).itertuples():
            row |= {"skipped_exon": int(exon.exon), "skipping": exon.fraction}
            row |= {"skipping_low": exon.fraction_low, "skipping_high": exon.fraction_high}
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=LINES)
