"""Show frequencies of mutated genes, and where their mutations lie, in the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.figures import files_of
from common.multiqc import listed, write_section
from common.mutation_frequency_figure import COLOURS, STEM

ASKED = ("KEAP1", "NFE2L2")  # the genes of the axis that the question is about
TOLD = 6  # genes that a sentence names
DOIS = ["10.1080/01621459.1927.10502953", "10.2307/2342435", "10.1111/j.2517-6161.1995.tb02031.x"]
DOMAIN_DOIS = ["10.1093/biomet/26.4.404", "10.1038/nature12213", "10.1111/j.2517-6161.1968.tb00759.x"]
LABELS = {"all": "all mutations", "single_base": "single-base substitutions"}


def share_text(row: tuple) -> str:
    """Write a frequency: `4.1 % (21 of 507)`."""
    if row.status == "not_profiled":
        return "not profiled"
    return f"{100 * row.frequency:.1f} % ({row.mutated:,} of {row.profiled:,})"


def frequencies_in_words(frequency: pd.DataFrame) -> str:
    """Say how often each target gene is mutated in each cohort."""
    target = frequency[frequency.family == "target_genes"]
    said = [
        f"{gene}: {', '.join(f'{row.cohort} {share_text(row)}' for row in own.itertuples())}"
        for gene, own in target.groupby("gene", sort=False)
    ]
    says = "Patients with a mutation that changes the protein, of those in whom the gene was looked at."
    return f"{says} {'; '.join(said)}."


def difference_text(row: tuple, interval: str) -> str:
    """Say how two cohorts differ in a gene, with the odds ratio and its interval."""
    odds = f"odds ratio {row.odds_ratio:.2g}, {interval} {row.odds_low:.2g} to {row.odds_high:.2g}"
    return f"{row.gene} in {row.cohort_2} against {row.cohort_1} ({odds}, q {row.q_value:.2g})"


def comparisons_in_words(comparison: pd.DataFrame, confidence: float, q_value_max: float) -> str:
    """Say which genes differ between cohorts, and what else differs between their patients."""
    if comparison.empty:
        return ""
    interval, parts = f"{100 * confidence:g} % interval", []
    target = comparison[(comparison.family == "target_genes") & (comparison.status == "ok")]
    apart = target[target.q_value < q_value_max]
    said = listed(difference_text(row, interval) for row in apart.itertuples())
    parts.append(f"Different at q < {q_value_max:g}: {said}." if len(apart) else no_difference(target))
    others = comparison[(comparison.family == "panel_genes") & (comparison.status == "ok")]
    if len(others):
        found = others[others.q_value < q_value_max].sort_values("q_value", kind="stable")
        genes = list(dict.fromkeys(found.gene))
        told = [*genes[:TOLD], *([f"{len(genes) - TOLD:,} more"] if len(genes) > TOLD else [])]
        named = f"{len(genes):,} differ: {listed(told)}" if genes else "none differs"
        parts.append(f"Of {others.gene.nunique():,} further genes of the list {named}.")
    for pair, own in target.groupby(["cohort_1", "cohort_2"], sort=False):
        known = own[own.confounders.fillna("") != ""]
        said = [f"{listed(some.gene)}: {what}" for what, some in known.groupby("confounders", sort=False)]
        if said:
            parts.append(
                f"{pair[0]} and {pair[1]} also differ in how tumours were tested ({'; '.join(said)}). That"
                " alone can make frequencies differ; nothing is adjusted for it."
            )
    return " ".join(parts)


def no_difference(tested: pd.DataFrame) -> str:
    """Say that no target gene differs between cohorts, or could not be compared."""
    if tested.empty:
        return "No target gene could be compared between cohorts."
    least = tested.loc[tested.q_value.idxmin()]
    return f"No target gene differs between cohorts (the least q is {least.q_value:.2g}, of {least.gene})."


def lacking_in_words(frequency: pd.DataFrame) -> str:
    """Say which target genes some patients' panels lack."""
    target = frequency[(frequency.family == "target_genes") & (frequency.not_covered > 0)]
    said = [f"{row.gene} in {row.not_covered:,} of {row.cohort}" for row in target.itertuples()]
    return f"Not looked at, and not counted: {listed(said)}." if said else ""


def findings_of(frequency: pd.DataFrame) -> dict[str, str]:
    """Say by cohort how often KEAP1, NFE2L2 and the others are mutated."""
    target = frequency[frequency.family == "target_genes"]
    return {
        cohort: "; ".join(f"{row.gene} {share_text(row)}" for row in own.itertuples())
        for cohort, own in target.groupby("cohort", sort=False)
    }


def answer(frequency: pd.DataFrame, comparison: pd.DataFrame, q_value_max: float) -> str:
    """Say how often KEAP1 and NFE2L2 are mutated, with intervals, and whether cohorts differ."""
    parts = []
    for gene in ASKED:
        rows = frequency[(frequency.gene == gene) & (frequency.status == "ok")]
        said = [
            f"{100 * row.frequency:.1f} % of {row.cohort} ({row.mutated:,} of {row.profiled:,}, "
            f"{100 * row.ci_low:.1f} to {100 * row.ci_high:.1f} %)"
            for row in rows.itertuples()
        ]
        parts += [f"{gene} is mutated in {listed(said)}"] if said else []
    if not parts:
        return "Whether KEAP1 and NFE2L2 are mutated is not known: no cohort was profiled for them."
    tested = comparison[comparison.gene.isin(ASKED) & (comparison.status == "ok")]
    apart = tested[tested.q_value < q_value_max]
    if len(apart):
        parts.append(
            "cohorts differ in "
            + listed(
                f"{row.gene} (odds ratio of {row.cohort_2} {row.odds_ratio:.2g}, {row.odds_low:.2g} to "
                f"{row.odds_high:.2g}, q {row.q_value:.2g})"
                for row in apart.itertuples()
            )
        )
    elif len(tested):
        parts.append("cohorts do not differ significantly in them")
    return f"{'; '.join(parts)}."


def domains_in_words(domain: pd.DataFrame, between: pd.DataFrame, q_value_max: float) -> str:
    """Say which domains have more or fewer mutations than expected, and where cohorts differ."""
    tested = domain[(domain.status == "ok") & (domain.variants == "all") & (domain.kind != "overall")]
    model = "substitutions" if (tested.model == "substitutions").any() else "length"
    parts = []
    for (gene, cohort), own in tested[tested.model == model].groupby(["gene", "cohort"], sort=False):
        found = own[own.q_value < q_value_max].sort_values("p_value", kind="stable")
        said = [
            f"{row.domain} {row.observed} of {row.total} ({row.expected:.1f} expected, q {row.q_value:.2g})"
            for row in found.head(TOLD).itertuples()
        ]
        parts.append(f"{gene} in {cohort}: {listed(said) if said else 'as expected'}.")
    apart = between[(between.q_value < q_value_max) & (between.variants == "all")]
    for row in apart.itertuples():
        name = "the distribution over all domains" if row.kind == "overall" else row.domain
        shares = f"{row.observed_1} of {row.total_1} and {row.observed_2} of {row.total_2}"
        shares = "" if row.kind == "overall" else f"{shares}, "
        parts.append(
            f"{row.cohort_1} and {row.cohort_2} differ in {name} of {row.gene} ({shares}q {row.q_value:.2g})."
        )
    if tested.empty:
        return "No protein has enough mutations with a residue to test where they lie."
    by = {
        "length": "if every residue were as likely as any other",
        "substitutions": "if substitutions fell as they do in the cohort's spectrum",
    }[model]
    unlike = domain[(domain.model == "substitutions") & (domain.status != "ok") & (domain.kind != "overall")]
    reasons = unlike[unlike.status.isin(["no_genome", "no_matrix", "no_opportunities"])].reason.dropna()
    if model == "length" and len(reasons):
        parts.append(f"What the spectrum would make of it is not known: {reasons.iloc[0]}.")
    return f"Where mutations lie, beside the numbers expected {by}. {' '.join(parts)}"


def shares_by_domain(domain: pd.DataFrame) -> tuple[list, list]:
    """Return the data and labels of a plot: the share in each domain by cohort, for each gene and choice."""
    known = domain[(domain.model == "length") & domain.share.notna() & (domain.kind != "overall")]
    data, labels = [], []
    for (gene, variants), own in known.groupby(["gene", "variants"], sort=False):
        shares: dict[str, dict[str, float]] = {}
        for row in own.itertuples():
            shares.setdefault(row.domain, {})[row.cohort] = round(100 * row.share, 2)
            shares[row.domain]["expected by length"] = round(100 * row.expected_share, 2)
        data.append(shares)
        labels.append({"name": f"{gene}, {LABELS[variants]}", "ylab": "% of the gene's mutations"})
    return data, labels


def colours_of(cohorts: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the categories of a plot: cohorts in the colours of the figure."""
    colours = [*COLOURS, *["#6B6B6B"] * len(cohorts)]
    return {name: {"name": name, "color": colour} for name, colour in zip(cohorts, colours, strict=False)}


def write_report(
    tables: Mapping[str, pd.DataFrame],
    drawn: pd.DataFrame,
    confidence: float,
    q_value_max: float,
    folder: Path,
) -> None:
    """Write the sections of frequencies, and of domains if a protein has any mutations."""
    frequency, comparison, domain = tables["frequency"], tables["comparison"], tables["domain"]
    cohorts = list(dict.fromkeys(frequency.cohort))
    figure = files_of(STEM) if (drawn.element == "frequency").any() else []
    target = frequency[frequency.family == "target_genes"]
    bars = {
        gene: {row.cohort: round(100 * row.frequency, 3) for row in own.itertuples() if row.status == "ok"}
        for gene, own in target.groupby("gene", sort=False)
    }
    words = [
        frequencies_in_words(frequency), lacking_in_words(frequency),
        comparisons_in_words(comparison, confidence, q_value_max),
    ]  # fmt: skip
    if not cohorts:
        words = ["No sample of a cohort counts: there is nothing to count mutations in."]
    write_section(
        folder / "mutation_frequency_mqc.json",
        "Mutated genes",
        " ".join(filter(None, words)),
        "bargraph",
        {gene: shares for gene, shares in bars.items() if shares},
        settings={
            "categories": colours_of(cohorts), "stacking": "group", "cpswitch": False,
            "ylab": "% of the patients in whom it was looked at", "tt_decimals": 1,
        },
        statuses=frequency.status,
        links=["frequency.tsv", "panels.tsv", "comparison.tsv", "classes.tsv", *figure],
        dois=DOIS,
        findings=findings_of(frequency),
        answers={"cohorts": [answer(frequency, comparison, q_value_max)]},
    )  # fmt: skip
    data, labels = shares_by_domain(domain)
    if not data:
        return
    categories = colours_of(cohorts) | {
        "expected by length": {"name": "expected by length", "color": "#D9D9D9"}
    }
    write_section(
        folder / "mutation_frequency_domains_mqc.json",
        "Mutations by domain",
        domains_in_words(domain, tables["domain_comparison"], q_value_max),
        "bargraph",
        data,
        settings={
            "data_labels": labels, "categories": [categories] * len(data), "stacking": "group",
            "cpswitch": False, "ylab": "% of the gene's mutations", "tt_decimals": 1,
        },
        statuses=domain.status,
        links=["domain.tsv", "domain_comparison.tsv", *figure],
        dois=DOMAIN_DOIS,
    )  # fmt: skip
