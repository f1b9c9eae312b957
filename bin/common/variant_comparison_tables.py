"""Columns of the tables that variant_comparison reads and writes."""

SITE = ["chrom", "pos", "ref", "alt"]
CALLED = (
    {"sample": "str", "chrom": "str", "pos": "int64", "ref": "str", "alt": "str"}
    | dict.fromkeys(["depth", "alt_count", "vaf_low", "detection_limit"], "float64")
    | {"status": "str", "reason": "str"}
)
NAMES = ["gene", "hgvs_c", "hgvs_p", "hgvs_p_short", "consequence", "exon", "protein_start", "domain"]
NAMES += ["hotspot", "hotspot_effect"]
ANNOTATED = (
    {"chrom": "str", "pos": "int64", "ref": "str", "alt": "str", "named": "str"}
    | dict.fromkeys(NAMES, "str")
    | {"protein_start": "Int64"}
)
TRACES = dict.fromkeys(
    ["trace", "line", "condition", "gene", "expected", "chrom", "ref", "alt", "hgvs_p", "call", "status"],
    "str",
) | {"pos": "Int64", "reason": "str"}

GROUP = ["line", "condition", "role"]
# What a row says of each of its two sides: `vaf_low` becomes vaf_reference_low and vaf_target_low.
OF_SIDE = ["samples", "depth", "alt_count", "vaf", "vaf_low", "vaf_high", "vaf_upper", "detection_limit"]
TESTED = ["vaf_difference", "vaf_difference_low", "vaf_difference_high", "p_value", "q_value"]
SIGNATURES = [*SITE, "gene", "hgvs_p", "context", "signature", "share", "probability", "posterior"]
SIGNATURES += ["status", "reason"]


def of_side(column: str, role: str) -> str:
    """Name the column of a side: vaf_reference_low is `vaf_low` of the reference."""
    name, _, bound = column.partition("_") if column.startswith("vaf_") else (column, "", "")
    return f"{name}_{role}_{bound}" if bound else f"{name}_{role}"


COMPARISON = [
    *("line", "condition", "gene", *SITE, "hgvs_c", "hgvs_p", "hgvs_p_short", "consequence", "exon"),
    *("protein_start", "domain", "hotspot", "hotspot_effect", "nrf2_effect", "common_polymorphism"),
    *("comparison", *(of_side(column, role) for role in ("reference", "target") for column in OF_SIDE)),
    *("vaf_change", *TESTED, "zygosity_reference", "zygosity_target", "zygosity_change", "context"),
    *("most_probable_signature", "signature_posterior", "sanger", "sanger_calls", "status", "reason"),
]
