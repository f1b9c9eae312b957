"""Words of variants in DNA: shares, why a variant cannot be judged, what became of its copies."""

CHANGES = {
    ("absent", "hom"): "on all copies",
    ("absent", "het"): "on one of two copies",
    ("absent", "subclonal"): "in part of the cells",
    ("het", "hom"): "loss of the other allele",
    ("imbalanced", "hom"): "loss of the other allele",
    ("het", "imbalanced"): "more copies with it or fewer without",
    ("hom", "het"): "a copy without it came up",
    ("subclonal", "het"): "its cells took over",
    ("subclonal", "hom"): "its cells took over and lost the other allele",
    ("het", "subclonal"): "left in part of the cells",
    ("hom", "absent"): "from all copies to none",
    ("het", "absent"): "its allele was lost or its cells",
    ("subclonal", "absent"): "its cells were lost",
}


def percent(share: float) -> str:
    """Write a share in percent: whole ones from 10 on, two digits below, and 100 only for all."""
    value = 100 * share
    if 99.5 <= value < 100:
        return f"{min(value, 99.9):.1f} %"
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.2g} %"


def vaf_change(reference: tuple | None, target: tuple | None) -> str:
    """Write both VAFs with their intervals: `0 % (0-0.24) to 49 % (47-51)`."""
    words = []
    for side in (reference, target):
        if side is None or not side.depth > 0:
            words.append("not known")
            continue
        low, high = (percent(bound).removesuffix(" %") for bound in (side.vaf_low, side.vaf_high))
        words.append(f"{percent(side.vaf)} ({low}-{high})")
    return " to ".join(words)


def why_unknown(pool: tuple, depth_min: int) -> str:
    """Say why neither presence nor absence is known of a pool; empty if one of them is."""
    if pool.state == "flagged":
        flags = pool.flagged_as.replace("_", " ")
        return f"{pool.condition}: {pool.alt_count:.0f} of {pool.depth:.0f} fragments show it ({flags})"
    if pool.state == "no_alignment":
        return f"{pool.condition}: {pool.why}"
    if pool.state == "low_depth":
        each = "" if pool.depth < depth_min else f" (none of {pool.samples} samples with enough)"
        return f"{pool.condition}: {pool.depth:.0f} fragments of {depth_min}{each}"
    if pool.state == "replicates_differ":
        says = f"a sample of low depth shows it in {percent(pool.thin)} or more"
        return f"{pool.condition}: {says} and another not above {percent(pool.detection_limit)}"
    return ""


def zygosity_change(before: str, after: str, comparison: str) -> str | None:
    """Say how the zygosity changed: `het to hom: loss of the other allele`; missing if it is not known."""
    if comparison == "not_assessable":
        return None
    if before == after:
        return "none"
    words = f"{before} to {after}"
    if comparison == "shared":
        return f"{words}: within what two PCRs may differ by"
    return f"{words}: {CHANGES[before, after]}" if (before, after) in CHANGES else words
