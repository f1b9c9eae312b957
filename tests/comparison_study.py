"""A study of lines in two conditions, as tables of called and named variants that agree with each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import variant_comparison as script
from common import variant_comparison_tables as tables
from common.evidence import write_evidence
from common.mmc_candidates_tables import read_evidence
from common.tables import LIBRARY, TARGET_GENES, read_table, write_table
from common.target_sites import find_targets
from common.variant_comparison_evidence import COVERAGE
from scipy import stats

SEED = 5
LIMITS = script.Thresholds(200, 0.95, 0.05)
ROLES = {"parental": "reference", "resistant": "target"}
FIELDS = ["gene", "chrom", "pos", "ref", "alt", "hgvs_c", "hgvs_p", "hgvs_p_short", "consequence", "exon"]
FIELDS += ["protein_start", "domain", "hotspot", "hotspot_effect"]
VARIANTS = {
    row.split()[0]: dict(zip(FIELDS, row.split()[1:], strict=True))
    for row in """
V512I KEAP1 chr19 51 C T c.1534G>A p.(Val512Ile) p.V512I missense&splice_region 5/6 512 Kelch/DGR;Kelch_4 - -
W544* KEAP1  chr19 71  C  T c.1631G>A p.(Trp544Ter) p.W544* stop_gained 5/6 544 Kelch/DGR;Kelch_5 - -
fs KEAP1  chr19 91  GA G c.340del  p.(Asp114GlnfsTer4) p.D114Qfs*4 frameshift 2/6 114 BTB - -
L471 KEAP1 chr19 111 G C c.1413C>G p.(Leu471=) p.L471= synonymous 4/6 471 Kelch_4 L471= common_polymorphism
E82D NFE2L2 chr2  51  T  G c.246A>C  p.(Glu82Asp) p.E82D missense 2/5 82 Neh2;ETGE E82 activating
S167 NFE2L2 chr2  71  A  G c.501T>C  p.(Ser167=) p.S167= synonymous 4/5 167 - - -
inter -      chr16 51  A  G -         -           -       intergenic - - - - -
""".strip().splitlines()
}  # fmt: skip
for about in VARIANTS.values():
    terms = about["consequence"].split("&")
    about["consequence"] = "&".join(term if term == "stop_gained" else f"{term}_variant" for term in terms)
    about["domain"] = about["domain"].replace("_", " ")
    about |= {column: None for column, value in about.items() if value == "-"} | {"pos": int(about["pos"])}
# Coding sequences, and the inserts of amplicons: those of KEAP1 leave out its last 10 bases, CUL3 has none.
GENES = {"KEAP1": ("chr19", 20, 170), "NFE2L2": ("chr2", 20, 110), "CUL3": ("chr16", 20, 110)}
AMPLICONS = {"KEAP1_1": ("chr19", 0, 80), "KEAP1_2": ("chr19", 75, 160), "NFE2L2_1": ("chr2", 10, 120)}
AMPLICONS |= {"promoter": ("chr2", 130, 190)}
SITES = {name: tuple(about[column] for column in tables.SITE) for name, about in VARIANTS.items()}


@dataclass
class Seen:
    """What a sample's fragments show of a variant."""

    share: float
    depth: int = 1600
    status: str = ""
    limit: float | None = None  # detection limit; None: 0.02, or more where the depth is low

    def row(self) -> dict[str, object]:
        alt = round(self.share * self.depth)
        limit = max(0.02, 8 / self.depth) if self.limit is None and self.depth else self.limit
        low_depth, seen = self.depth < LIMITS.depth, self.depth and self.share >= limit
        status = self.status or ("low_depth" if low_depth else "ok" if seen else "not_detected")
        low, high = wilson(alt, self.depth) if self.depth else (None, None)
        vaf = alt / self.depth if self.depth else None
        row = {"depth": self.depth, "ref_count": self.depth - alt, "alt_count": alt, "vaf": vaf}
        row |= {"vaf_low": low, "vaf_high": high, "detection_limit": limit, "status": status}
        return row | {"reason": "" if status == "ok" else f"it is {status}"}


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The interval of scipy."""
    found = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    return found.low, found.high


@dataclass
class Study:
    """Samples with what they show: {variant: Seen or a share}; of other candidates they show nothing."""

    samples: list[tuple[str, str, str, dict]] = field(default_factory=list)
    traces: list[dict] = field(default_factory=list)
    lacking: set[tuple[str, str]] = field(default_factory=set)  # (sample, variant) without a row
    lost: Mapping[tuple[str, str], str] = field(default_factory=dict)  # status by sample and amplicon
    unknown: Sequence[str] = ()  # genes that the annotation lacks

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return amplicons.tsv, both variants.tsv and calls.tsv."""
        study = pd.DataFrame(
            [
                (sample, line, condition, ROLES.get(condition, "other"))
                for sample, line, condition, _ in self.samples
            ],
            columns=list(LIBRARY),
        )
        candidates = dict.fromkeys(name for *_, shows in self.samples for name in shows)
        called = [
            {"sample": sample}
            | dict(zip(tables.SITE, SITES[name], strict=True))
            | self.seen(shows.get(name, 0.0)).row()
            for name in candidates
            for sample, _, _, shows in self.samples
            if (sample, name) not in self.lacking
        ]
        annotated = pd.DataFrame(
            [about | {"named": "yes" if about["gene"] else "no"} for about in VARIANTS.values()]
        )
        annotated = annotated.astype({"protein_start": "Int64"})
        traces = pd.DataFrame(
            [{"trace": str(number)} | self.trace(**given) for number, given in enumerate(self.traces, 1)],
            columns=list(tables.TRACES),
        ).astype({"pos": "Int64"})
        return study, pd.DataFrame(called, columns=list(tables.CALLED)), annotated, traces

    @staticmethod
    def seen(shown: Seen | float) -> Seen:
        return shown if isinstance(shown, Seen) else Seen(shown)

    @staticmethod
    def trace(line: str, condition: str, variant: str, call: str, **further: object) -> dict[str, object]:
        about = VARIANTS[variant]
        row = {column: about[column] for column in ("gene", *tables.SITE, "hgvs_p")}
        return row | {"line": line, "condition": condition, "call": call, "reason": ""} | further

    def compared(self, limits: script.Thresholds = LIMITS) -> pd.DataFrame:
        study, called, annotated, traces = self.tables()
        return script.analyse(study, *script.candidates(study, called, annotated, limits), traces, limits)

    def coverage(self) -> pd.DataFrame:
        """Return coverage.tsv."""
        rows = [
            {"sample": sample, "line": line, "condition": condition, "amplicon": amplicon}
            | dict(zip(("chrom", "insert_start", "insert_end"), place, strict=True))
            | {"min_depth": 0 if (status := self.lost.get((sample, amplicon), "ok")) == "dropout" else 900}
            | {"status": status, "reason": "" if status == "ok" else f"it is {status}"}
            for sample, line, condition, _ in self.samples
            for amplicon, place in AMPLICONS.items()
        ]
        columns = ["sample", *COVERAGE]
        return pd.DataFrame(rows, columns=columns)

    def evidence(self, folder: Path) -> pd.DataFrame:
        """Return the evidence, read as the call reads it."""
        folder.mkdir(exist_ok=True)
        study, called, annotated, _ = self.tables()
        annotation = write_genes(folder, folder / "target_genes.tsv")
        genes = read_table(folder / "target_genes.tsv", TARGET_GENES)
        with pysam.FastaFile(str(write_genome(folder / "genome.fa"))) as genome:
            targets = find_targets(genes[~genes.gene.isin(self.unknown)], annotation, genome)
        targets |= dict.fromkeys(self.unknown, "no_transcript")
        ids = dict(zip(genes.gene, genes.transcript, strict=True))
        found = script.candidates(study, called, annotated, LIMITS)
        table = script.evidence_of(study, *found, self.coverage(), targets, ids)
        write_evidence(table, "variant_comparison", folder)
        return read_evidence(folder)

    def write(self, folder: Path) -> dict[str, Path]:
        """Write all inputs; return the script's options."""
        study, called, annotated, traces = self.tables()
        for name in ("called", "annotated", "sanger", "signatures", "exposures", "results"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_table(study, folder / "amplicons.tsv")
        write_table(called, folder / "called/variants.tsv")
        write_table(annotated, folder / "annotated/variants.tsv")
        if len(traces):
            write_table(traces, folder / "sanger/calls.tsv")
        options = {
            name: folder / name
            for name in ("called", "annotated", "sanger", "signatures", "exposures", "results")
        }
        write_table(self.coverage(), folder / "coverage.tsv")
        options |= {name: folder / f"{name}.tsv" for name in ("amplicons", "coverage", "target_genes")}
        options["annotation"] = write_genes(folder, options["target_genes"])
        return options | {"genome": write_genome(folder / "genome.fa")}


def write_genome(path: Path) -> Path:
    """Write contigs on which the variants have their bases, V512I between A and G."""
    draw = np.random.default_rng(SEED)
    contigs = {contig: draw.choice(list("ACGT"), 200) for contig in ("chr2", "chr16", "chr19")}
    for contig, pos, ref, _ in SITES.values():
        contigs[contig][pos - 1 : pos - 1 + len(ref)] = list(ref)
    contigs["chr19"][[49, 51]] = list("AG")
    path.write_text("".join(f">{name}\n{''.join(bases)}\n" for name, bases in contigs.items()))
    pysam.faidx(str(path))
    return path


def write_genes(folder: Path, targets: Path) -> Path:
    """Write target genes, and a GTF that has them."""
    ids = {gene: f"ENST{number:011d}" for number, gene in enumerate(GENES, 1)}
    table = pd.DataFrame({"gene": list(ids), "transcript": list(ids.values())})
    write_table(table.assign(cds_start=None, cds_end=None), targets)
    lines = [
        f'{chrom}\ttest\t{kind}\t{start + 1}\t{end}\t.\t+\t.\tgene_id "{gene}"; gene_name "{gene}"; '
        f'transcript_id "{ids[gene]}";\n'
        for gene, (chrom, start, end) in GENES.items()
        for kind in ("exon", "CDS")
    ]
    (folder / "genes.gtf").write_text("".join(lines))
    return folder / "genes.gtf"


def pair(reference: Seen | float, target: Seen | float, variant: str = "V512I", **further: object) -> Study:
    """Make a line of one parental and one resistant sample."""
    samples = [
        ("P", "HSC-2", "parental", {variant: reference}),
        ("R", "HSC-2", "resistant", {variant: target}),
    ]
    return Study(samples, **further)


def only(table: pd.DataFrame) -> pd.Series:
    assert len(table) == 1
    return table.iloc[0]


def founding() -> Study:
    """The study's lines: V512I gained in HSC-2, W544* in HSC-3, E82D in both conditions of HO-1-u-1."""
    lines = {
        "HSC-2": ({"L471": 0.5}, {"V512I": 0.49, "L471": 0.51}),
        "HSC-3": ({"L471": 0.997}, {"W544*": 0.47, "L471": 0.998, "fs": 0.03}),
        "HO-1-u-1": ({"E82D": 0.48, "S167": 0.5}, {"E82D": 0.5, "S167": 0.98}),
        "HSC-4": ({"S167": 0.99}, {"S167": 0.99}),
    }
    samples = [
        (f"{line}.{condition[0].upper()}", line, condition, shows)
        for line, both in lines.items()
        for condition, shows in zip(ROLES, both, strict=True)
    ]
    traces = [
        {"line": "HSC-2", "condition": "parental", "variant": "V512I", "call": "absent"},
        {"line": "HSC-2", "condition": "resistant", "variant": "V512I", "call": "het"},
        {"line": "HO-1-u-1", "condition": "resistant", "variant": "E82D", "call": "het"},
    ]
    return Study(samples, traces)
