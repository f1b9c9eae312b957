"""The cohorts of the simulated study, read from its files as anyone would.

Oracles: annotate_variants names mutations independently; COSMIC's signatures are fitted by non-negative least
squares; the frequencies are those of the founding study.
"""

import gzip
import io
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from annotate_variants import annotate, make_model, place
from coding_genome import Contigs
from common.annotation import read_transcripts
from common.cosmic import packaged
from common.gene_sets import read_collections
from common.mini_genome import gtf_rows
from common.sequence_files import decode, write_gtf
from common.signature_tables import CONTEXTS
from common.simulated_cohorts import PROTEIN_CHANGING, Cohorts, draw_cohorts
from common.simulated_genes import CONTIGS
from common.simulated_mutations import coding_of
from common.study_design import BACKGROUND, DRIVERS, GENE_PANELS, PLATINUM, PREVIOUS_SYMBOLS
from common.vcf import Variant
from conftest import ROOT
from gate import Gate
from scipy import optimize, stats
from simulate_study import draw_genes, draw_reference, stream

COHORTS = ("TCGA", "C-CAT")
GDC = [
    *("Hugo_Symbol", "NCBI_Build", "Chromosome", "Start_Position", "End_Position", "Strand"),
    *("Variant_Classification", "Variant_Type", "Reference_Allele", "Tumor_Seq_Allele1"),
    *("Tumor_Seq_Allele2", "Tumor_Sample_Barcode", "HGVSc", "HGVSp_Short", "Transcript_ID", "t_depth"),
    *("t_ref_count", "t_alt_count", "Protein_position", "CONTEXT", "FILTER"),
]
CBIOPORTAL = [
    *("Hugo_Symbol", "NCBI_Build", "Chromosome", "Start_Position", "End_Position", "Consequence"),
    *("Variant_Classification", "Variant_Type", "Reference_Allele", "Tumor_Seq_Allele1"),
    *("Tumor_Seq_Allele2", "Tumor_Sample_Barcode", "HGVSc", "HGVSp_Short", "Transcript_ID"),
    *("Protein_position", "t_ref_count", "t_alt_count"),
]
PLACE = ["Tumor_Sample_Barcode", "Chromosome", "Start_Position", "Reference_Allele", "Tumor_Seq_Allele2"]


class Study(NamedTuple):
    """What was drawn, and by cohort its MAF and its samples, as text."""

    drawn: Cohorts
    mafs: dict[str, pd.DataFrame]
    samples: dict[str, pd.DataFrame]
    panels: dict[str, set[str]]

    def counting(self, cohort: str) -> pd.DataFrame:
        """Return the rows of a MAF that should count, by current symbols and with patient and panel."""
        maf, samples = self.mafs[cohort], self.samples[cohort]
        passed = maf["FILTER"] == "PASS" if "FILTER" in maf else slice(None)
        maf = maf[passed].drop_duplicates(PLACE)
        one_each = samples.drop_duplicates("patient")
        maf = maf.merge(one_each, left_on="Tumor_Sample_Barcode", right_on="sample")
        current = {previous: symbol for symbol, previous in PREVIOUS_SYMBOLS.items()}
        maf["Hugo_Symbol"] = maf.Hugo_Symbol.replace(current)
        covered = [
            not panel or gene in self.panels[panel]
            for panel, gene in zip(maf.panel, maf.Hugo_Symbol, strict=True)
        ]
        return maf[covered]


def table(content: bytes, **options) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), sep="\t", dtype=str, keep_default_na=False, **options)


@pytest.fixture(scope="module")
def genome():
    return draw_reference(1, draw_genes(1, read_collections(ROOT / "assets/gene_sets")))


def studied(genome, effects: float, seed: int = 1) -> Study:
    drawn = draw_cohorts(partial(stream, seed), genome.contigs, genome.genes, effects)
    panels = {}
    for row in drawn.sheets["panels"].itertuples():
        lines = drawn.files[row.file].decode().splitlines()
        panels[row.panel] = {line.split("\t")[-1] for line in lines if not line.startswith("#")}
    return Study(
        drawn,
        {
            name: table(gzip.decompress(drawn.files[f"cohort_files/{name}.maf.gz"]), comment="#")
            for name in COHORTS
        },
        {name: table(drawn.files[f"cohort_files/{name}.samples.tsv"]) for name in COHORTS},
        panels,
    )


@pytest.fixture(scope="module")
def study(genome):
    return studied(genome, 1.0)


@pytest.fixture(scope="module")
def control(genome):
    return studied(genome, 0.0)


@pytest.fixture(scope="module")
def contigs(genome):
    return Contigs(**{name: decode(codes) for name, codes in genome.contigs.items()})


@pytest.fixture(scope="module")
def models(genome, contigs, tmp_path_factory):
    """Models of the transcripts with all exons, by gene, made when they are asked for."""
    folder = tmp_path_factory.mktemp("gtf")
    write_gtf(gtf_rows(genome.genes, CONTIGS), folder / "genes.gtf.gz")
    (folder / "genes.gtf").write_bytes(gzip.decompress((folder / "genes.gtf.gz").read_bytes()))
    first = {}
    for transcript in read_transcripts(folder / "genes.gtf"):
        first.setdefault(transcript.gene_name, transcript)

    class Models(dict):
        def __missing__(self, gene: str):
            self[gene] = make_model(first[gene], contigs)
            return self[gene]

    return Models()


def allele_of(row: NamedTuple) -> Variant:
    """Return a row's change; bases that are not there are empty."""
    contig, start = f"chr{row.Chromosome.removeprefix('chr')}", int(row.Start_Position) - 1
    ref, alt = (allele.replace("-", "") for allele in (row.Reference_Allele, row.Tumor_Seq_Allele2))
    return Variant(contig, start if ref else start + 1, ref, alt)


def spectrum(study: Study, cohort: str, contigs: Contigs) -> np.ndarray:
    """Count substitutions of a cohort by their context, in the order of CONTEXTS."""
    rows = study.counting(cohort)
    counts = dict.fromkeys(CONTEXTS, 0)
    for row in rows[rows.Variant_Type == "SNP"].itertuples():
        variant = allele_of(row)
        around = contigs.fetch(variant.contig, variant.position - 1, variant.position + 2)
        alt = variant.alt
        if variant.ref in "AG":
            around, alt = (text.translate(str.maketrans("ACGT", "TGCA"))[::-1] for text in (around, alt))
        counts[f"{around[0]}[{around[1]}>{alt}]{around[2]}"] += 1
    return np.array(list(counts.values()))


def fitted(counts: np.ndarray) -> pd.Series:
    """Fit the planted signatures to counts."""
    matrix = pd.read_csv(packaged("GRCh38", exome=True), sep="\t", index_col="Type")
    chosen = matrix.loc[CONTEXTS, [*BACKGROUND, *PLATINUM]]
    weights, _ = optimize.nnls(chosen.to_numpy(), counts / counts.sum())
    return pd.Series(weights / weights.sum(), index=chosen.columns)


# ---- files


def test_draw_cohorts__passes_the_gate(study, run_script, tmp_path):
    files = {f"{name}.csv": sheet.to_csv(index=False) for name, sheet in study.drawn.sheets.items()}
    gate = Gate(run_script, tmp_path)
    given = {name: f"{name}.csv" for name in study.drawn.sheets} | {"panel_genes": "panel_genes.txt"}
    assert gate.say(files | study.drawn.files, **given) == []
    assert len(gate.table("profiled.tsv")) == sum(map(len, study.samples.values()))
    assert {row["panel"] for row in gate.table("panels.tsv")} == {panel.name for panel in GENE_PANELS}


def test_draw_cohorts__files_are_small_and_in_two_dialects(study):
    assert sum(map(len, study.drawn.files.values())) < 3e6
    assert list(study.mafs["TCGA"]) == GDC
    assert list(study.mafs["C-CAT"]) == CBIOPORTAL
    assert gzip.decompress(study.drawn.files["cohort_files/TCGA.maf.gz"]).startswith(b"#version gdc")
    assert study.mafs["TCGA"].Chromosome.isin(CONTIGS).all()
    assert ("chr" + study.mafs["C-CAT"].Chromosome).isin(CONTIGS).all()
    assert set(PREVIOUS_SYMBOLS.values()) <= set(study.mafs["TCGA"].Hugo_Symbol)
    assert not set(PREVIOUS_SYMBOLS) & set(study.mafs["TCGA"].Hugo_Symbol)
    assert set(PREVIOUS_SYMBOLS) <= set(study.mafs["C-CAT"].Hugo_Symbol)


def test_draw_cohorts__previous_symbols_are_those_that_the_shipped_table_knows():
    aliases = pd.read_csv(ROOT / "assets/gene_aliases.tsv", sep="\t").set_index("gene_name").previous
    for symbol, previous in PREVIOUS_SYMBOLS.items():
        assert previous in aliases[symbol].split(";")


def test_draw_samples__are_as_many_as_in_the_founding_study(study):
    tcga, treated = (study.samples[name] for name in COHORTS)
    assert (tcga.patient.nunique(), len(tcga)) == (530, 536)
    assert (treated.patient.nunique(), len(treated)) == (820, 820)
    assert (tcga.panel == "").all()
    assert treated.panel.value_counts().to_dict() == {panel.name: panel.samples for panel in GENE_PANELS}
    for name in COHORTS:
        assert study.samples[name]["sample"].is_unique
        assert set(study.mafs[name].Tumor_Sample_Barcode) <= set(study.samples[name]["sample"])
    silent = set(treated["sample"]) - set(study.mafs["C-CAT"].Tumor_Sample_Barcode)
    assert 0 < len(silent) < 150  # profiled, and without a mutation


def test_draw_panels__have_their_size_and_one_lacks_keap1(study, genome):
    sheet = study.drawn.sheets["panels"].set_index("panel")
    for panel in GENE_PANELS:
        genes = study.panels[panel.name]
        assert len(genes) == panel.genes
        assert ("KEAP1" in genes) == ("KEAP1" not in panel.lacks)
        assert "NFE2L2" in genes
        assert (sheet.specimen[panel.name], sheet.normal[panel.name]) == (panel.specimen, panel.normal)
    assert sum(panel.samples for panel in GENE_PANELS if "KEAP1" in panel.lacks) in range(60, 191)
    listed = study.drawn.files["panel_genes.txt"].decode().splitlines()
    assert set(listed[1:]) == study.panels["tissue_large"]
    assert listed[0].startswith("#")


def test_regions_of__cover_the_coding_bases_of_the_panels_genes(study, genome):
    coding = coding_of(genome.contigs, genome.genes)
    names = [gene.design.gene_name for gene in coding.genes]
    for panel in [panel for panel in GENE_PANELS if panel.regions]:
        regions = [
            line.split("\t")
            for line in study.drawn.files[f"cohort_files/{panel.name}.bed"].decode().splitlines()
        ]
        covered = {
            (contig, position)
            for contig, start, end, _ in regions
            for position in range(int(start), int(end))
        }
        for gene in study.panels[panel.name]:
            own = coding.gene == names.index(gene)
            contig = coding.genes[names.index(gene)].design.contig
            assert {(contig, position) for position in coding.position[own].tolist()} <= covered


# ---- what a row says


@pytest.mark.parametrize("cohort", COHORTS)
def test_maf_of__reference_bases_and_contexts_are_those_of_the_genome(cohort, study, contigs):
    maf = study.mafs[cohort]
    for row in maf.itertuples():
        variant = allele_of(row)
        end = variant.position + len(variant.ref)
        assert contigs.fetch(variant.contig, variant.position, end) == variant.ref
        assert variant.alt != variant.ref
        assert int(row.End_Position) == (end if variant.ref else int(row.Start_Position) + 1)
        before = contigs.fetch(variant.contig, variant.position - 1, variant.position)
        if not variant.ref or not variant.alt:  # as far left as it goes
            assert (variant.ref or variant.alt)[-1] != before
        if cohort == "TCGA":
            start = int(row.Start_Position) - 1
            assert contigs.fetch(variant.contig, start - 5, start + 6) == row.CONTEXT
    kinds = {"SNP": (1, 1), "DNP": (2, 2)}
    lengths = maf.assign(
        lengths=list(zip(maf.Reference_Allele.str.len(), maf.Tumor_Seq_Allele2.str.len(), strict=True))
    )
    for kind, expected in kinds.items():
        assert set(lengths.lengths[maf.Variant_Type == kind]) == {expected}
    assert (maf.Reference_Allele == "-").equals(maf.Variant_Type == "INS")
    assert (maf.Tumor_Seq_Allele2 == "-").equals(maf.Variant_Type == "DEL")


CLASSES = {  # terms of annotate_variants, the more severe first
    **{"splice_acceptor_variant": "Splice_Site", "splice_donor_variant": "Splice_Site"},
    **{"start_lost": "Translation_Start_Site", "frameshift_variant": "Frame_Shift"},
    **{"stop_gained": "Nonsense_Mutation", "stop_lost": "Nonstop_Mutation"},
    **{"inframe_insertion": "In_Frame", "inframe_deletion": "In_Frame"},
    **{"protein_altering_variant": "In_Frame", "missense_variant": "Missense_Mutation"},
    **{"synonymous_variant": "Silent", "stop_retained_variant": "Silent"},
}


@pytest.mark.parametrize("cohort", COHORTS)
def test_maf_of__names_and_classes_are_those_that_annotate_variants_gives(cohort, study, contigs, models):
    maf = study.mafs[cohort]
    maf = maf[~maf.Transcript_ID.str.startswith("NM_")]
    current = {previous: symbol for symbol, previous in PREVIOUS_SYMBOLS.items()}
    others = maf[maf.Variant_Type != "SNP"]
    rare = maf[~maf.Variant_Classification.isin(["Missense_Mutation", "Silent"])]
    rows = pd.concat([others[:500], rare[:500], maf[maf.Variant_Type == "SNP"][:600]]).drop_duplicates()
    seen = set()
    for row in rows.itertuples():
        model = models[current.get(row.Hugo_Symbol, row.Hugo_Symbol)]
        found = annotate(model, place(allele_of(row), model.transcript.strand, contigs), contigs)
        assert found["hgvs_c"] == row.HGVSc.split(":")[-1]
        terms = found["consequence"].split("&")
        kind = next(name for term, name in CLASSES.items() if term in terms)
        seen.add(row.Variant_Classification)
        if kind == "Splice_Site":
            assert row.Variant_Classification == kind
            assert row.HGVSp_Short.endswith("_splice")
            assert row.Protein_position == ""
            continue
        assert row.Variant_Classification.startswith(kind)
        if kind != "Translation_Start_Site":
            assert found["hgvs_p_short"] == row.HGVSp_Short
            assert str(found["protein_start"]) == row.Protein_position.split("/")[0].split("-")[0]
    assert seen == PROTEIN_CHANGING | {"Silent"}


def test_described__nfe2l2_of_one_panel_is_named_on_the_isoform_that_lacks_16_residues(
    study, contigs, models
):
    maf = study.mafs["C-CAT"]
    rows = maf[maf.Transcript_ID.str.startswith("NM_")]
    assert set(rows.Transcript_ID) == {"NM_001145412.3"}
    assert len(rows) >= 5
    panels = study.samples["C-CAT"].set_index("sample").panel
    assert set(panels[rows.Tumor_Sample_Barcode]) == {"tissue_small"}
    model = models["NFE2L2"]
    for row in rows[rows.Variant_Classification != "Splice_Site"].itertuples():
        found = annotate(model, place(allele_of(row), "-", contigs), contigs)
        assert found["protein_start"] == int(row.Protein_position.split("-")[0]) + 16
    truth = study.drawn.truth["mutations"]
    assert (truth.isoform == 2).sum() <= len(rows)
    assert (truth.panel[truth.isoform == 2] == "tissue_small").all()


def test_with_reads__liquid_tests_have_a_smaller_share_of_the_allele(study):
    for name in COHORTS:
        maf = study.mafs[name].merge(
            study.samples[name], left_on="Tumor_Sample_Barcode", right_on="sample", validate="many_to_one"
        )
        alt = maf.t_alt_count.astype(int)
        share = alt / (alt + maf.t_ref_count.astype(int))
        assert (alt >= 3).all()
        assert share.between(0, 1).all()
        liquid = maf.panel.str.startswith("liquid")
        assert 0.27 < share[~liquid].mean() < 0.33
        if liquid.any():
            assert 0.06 < share[liquid].mean() < 0.11


def test_maf_of__most_rows_pass_and_the_others_are_mostly_oxidised(study):
    maf = study.mafs["TCGA"]
    filtered = maf[maf.FILTER != "PASS"]
    assert 0.04 < len(filtered) / len(maf) < 0.06
    oxidised = filtered[filtered.FILTER == "oxog"]
    assert 0.5 < len(oxidised) / len(filtered) < 0.65
    assert set(oxidised.Reference_Allele + oxidised.Tumor_Seq_Allele2) == {"CA", "GT"}
    drivers = filtered[filtered.Variant_Classification.isin(PROTEIN_CHANGING)]
    assert set(DRIVERS) <= set(drivers.Hugo_Symbol)


def test_draw_substitutions__of_a_sample_are_apart_so_that_none_are_doublets(study):
    for name in COHORTS:
        rows = study.counting(name)
        rows = rows[rows.Variant_Type == "SNP"].astype({"Start_Position": int})
        rows = rows.sort_values(["sample", "Chromosome", "Start_Position"])
        apart = rows.groupby(["sample", "Chromosome"]).Start_Position.diff().dropna()
        assert apart.min() > 2


# ---- what is planted


@pytest.mark.parametrize("effects", [0, 1])
def test_true_counts__are_the_patients_of_the_files(effects, study, control):
    one = study if effects else control
    truth = one.drawn.truth["cohorts"].set_index(["cohort", "gene"])
    assert set(truth.loc["TCGA"].index) == one.panels["tissue_large"]
    for name in COHORTS:
        rows = one.counting(name)
        rows = rows[rows.Variant_Classification.isin(PROTEIN_CHANGING)]
        mutated = rows.groupby("Hugo_Symbol").patient.nunique()
        panels = one.samples[name].drop_duplicates("patient").panel
        for gene, expected in truth.loc[name].iterrows():
            assert mutated.get(gene, 0) == expected.mutated
            covering = [not panel or gene in one.panels[panel] for panel in panels]
            assert sum(covering) == expected.profiled


def test_true_counts__keap1_and_nfe2l2_are_mutated_as_often_as_is_published(study):
    truth = study.drawn.truth["cohorts"].set_index(["cohort", "gene"])
    counts = truth[["mutated", "profiled"]]
    assert counts.loc[("TCGA", "KEAP1")].tolist() == [20, 530]
    assert counts.loc[("TCGA", "NFE2L2")].tolist() == [30, 530]
    assert counts.loc[("C-CAT", "KEAP1")].tolist() == [28, 700]
    assert counts.loc[("C-CAT", "NFE2L2")].tolist() == [90, 820]


def test_true_counts__without_effects_the_cohorts_have_the_same_frequencies(control):
    truth = control.drawn.truth["cohorts"].set_index(["gene", "cohort"])
    share = truth.mutated / truth.profiled
    for gene in DRIVERS:
        assert share[gene, "C-CAT"] == pytest.approx(share[gene, "TCGA"], abs=0.001)
    p = []
    for _, rows in truth.groupby("gene"):
        p.append(stats.fisher_exact([rows.mutated, rows.profiled - rows.mutated]).pvalue)
    assert (np.array(p) < 0.05).mean() < 0.1
    assert min(p) * len(p) > 0.05


@pytest.mark.parametrize("effects", [0, 1])
def test_true_drivers__are_all_mutations_that_change_keap1_and_nfe2l2(effects, study, control):
    one = study if effects else control
    truth = one.drawn.truth["mutations"]
    for name in COHORTS:
        rows = one.counting(name)
        rows = rows[rows.Variant_Classification.isin(PROTEIN_CHANGING) & rows.Hugo_Symbol.isin(DRIVERS)]
        own = truth[truth.cohort == name]
        places = rows["sample"] + ":" + rows.Start_Position + rows.Reference_Allele + rows.Tumor_Seq_Allele2
        assert sorted(places) == sorted(own["sample"] + ":" + own.position.astype(str) + own.ref + own.alt)
        for gene in DRIVERS:
            of_gene = own[own.gene == gene]
            assert len(of_gene) == of_gene.patient.nunique() + 2


def shares_of(study: Study, gene: str, *stretches: tuple[int, int]) -> tuple[int, int]:
    """Count a driver's mutations in both cohorts within stretches of its protein, and all."""
    residues = study.drawn.truth["mutations"].query("gene == @gene").residue.astype(int)
    inside = sum(residues.between(*stretch) for stretch in stretches)
    return int(inside.sum()), len(residues)


@pytest.mark.parametrize(
    ("gene", "stretches", "length"),
    [("KEAP1", [(61, 178), (327, 624)], 624), ("NFE2L2", [(29, 31), (79, 82)], 605)],
)
def test_draw_drivers__gather_where_they_are_planted_and_not_without_effects(
    gene, stretches, length, study, control
):
    usual = sum(last - first + 1 for first, last in stretches) / length
    assert stats.binomtest(*shares_of(study, gene, *stretches), usual, "greater").pvalue < 1e-3
    assert stats.binomtest(*shares_of(control, gene, *stretches), usual, "greater").pvalue > 0.01


def test_draw_drivers__btb_stands_out_in_each_cohort(study):
    truth = study.drawn.truth["mutations"].query("gene == 'KEAP1'")
    for _, rows in truth.groupby("cohort"):
        inside = int(rows.residue.astype(int).between(61, 178).sum())
        assert stats.binomtest(inside, len(rows), 118 / 624, "greater").pvalue < 0.05


def test_draw_background__signatures_are_found_again_and_platinum_in_the_treated_alone(study, contigs):
    truth = study.drawn.truth["signatures"].set_index(["cohort", "signature"])
    for name in COHORTS:
        counts = spectrum(study, name, contigs)
        found, planted = fitted(counts), truth.loc[name].share[[*BACKGROUND, *PLATINUM]]
        assert planted.sum() == pytest.approx(1)
        # Six standard errors, about, of the flattest signature.
        np.testing.assert_allclose(found, planted, atol=6 / np.sqrt(counts.sum()))
        platinum = planted[list(PLATINUM)].sum()
        assert platinum == (pytest.approx(0.15, abs=0.02) if name == "C-CAT" else 0)
        assert abs(found[list(PLATINUM)].sum() - platinum) < 0.02
        usual = pd.Series(BACKGROUND) * (1 - platinum)
        assert (abs(planted[list(BACKGROUND)] - usual) < 0.02).all()


def test_draw_background__without_effects_no_cohort_has_platinum(control, contigs):
    truth = control.drawn.truth["signatures"]
    assert (truth.mutations[truth.signature.isin([*PLATINUM, "DBS5"])] == 0).all()
    for name in COHORTS:
        assert fitted(spectrum(control, name, contigs))[list(PLATINUM)].sum() < 0.02


def test_draw_background__counts_by_signature_add_up_to_the_rows_of_the_files(study):
    truth = study.drawn.truth["signatures"]
    drivers = study.drawn.truth["mutations"]
    for name in COHORTS:
        rows = study.counting(name)
        own = truth[truth.cohort == name]
        planted = (drivers.cohort.eq(name) & drivers.ref.isin([*"ACGT"]) & drivers.alt.isin([*"ACGT"])).sum()
        by_kind = own.groupby(own.signature.str[:3]).mutations.sum()
        assert by_kind["SBS"] + planted == (rows.Variant_Type == "SNP").sum()
        assert by_kind["DBS"] == (rows.Variant_Type == "DNP").sum()
        by_kind = own.groupby(own.signature.str[:3]).panel_mutations.sum()
        rows = rows[rows.Hugo_Symbol.isin(study.panels["tissue_large"])]
        assert by_kind["SBS"] + planted == (rows.Variant_Type == "SNP").sum()
        assert by_kind["DBS"] == (rows.Variant_Type == "DNP").sum()
        for shares in (own.share, own.panel_share):
            np.testing.assert_allclose(shares.groupby(own.signature.str[:3]).sum(), 1)


def test_draw_doublets__ct_to_aa_is_frequent_in_the_treated(study, control):
    def share(one: Study, name: str) -> float:
        rows = one.counting(name)
        rows = rows[rows.Variant_Type == "DNP"]
        return (rows.Reference_Allele + ">" + rows.Tumor_Seq_Allele2).isin(["CT>AA", "AG>TT"]).mean()

    assert share(study, "C-CAT") > 0.2
    assert max(share(study, "TCGA"), share(control, "TCGA"), share(control, "C-CAT")) < 0.05


def test_draw_background__loads_are_log_normal_and_follow_the_size_of_the_panel(control):
    rows = control.counting("TCGA")
    counts = rows[rows.Variant_Type == "SNP"].groupby("sample").size()
    assert 55 < counts.median() < 66
    assert 0.5 < np.log(counts).std() < 0.62
    treated = control.counting("C-CAT")
    per_gene = treated[treated.Variant_Type == "SNP"].groupby("panel").size() / pd.Series(
        {panel.name: panel.samples * panel.genes for panel in GENE_PANELS}
    )
    assert per_gene.max() / per_gene.min() < 1.6


def test_true_drops__are_the_rows_that_do_not_count(study):
    truth = study.drawn.truth["dropped"]
    for name in COHORTS:
        maf, counted = study.mafs[name], study.counting(name)
        rows = truth[truth.cohort == name].set_index("status").rows
        assert len(maf) - len(counted) == rows.sum()
        if name == "TCGA":
            assert rows["filtered"] == (maf.FILTER != "PASS").sum()
            assert rows["duplicate"] == maf.duplicated(PLACE).sum()
            samples = study.samples[name]
            again = samples["sample"][samples.patient.duplicated()]
            assert rows["other_sample_of_patient"] == maf.Tumor_Sample_Barcode.isin(again).sum()
        else:
            assert list(rows.index) == ["off_panel"]


def test_draw_samples__both_samples_of_a_patient_have_the_same_mutations(study):
    maf, samples = study.mafs["TCGA"], study.samples["TCGA"]
    several = samples[samples.patient.duplicated(keep=False)].groupby("patient")["sample"].apply(list)
    assert len(several) == 6
    for first, second in several:
        mutations = [
            maf[maf.Tumor_Sample_Barcode == name][PLACE[1:]].reset_index(drop=True)
            for name in (first, second)
        ]
        pd.testing.assert_frame_equal(*mutations)


def test_draw_cohorts__the_same_seed_gives_the_same_and_another_seed_other_files(genome, monkeypatch):
    monkeypatch.setattr("common.simulated_tumours.LOAD", 4)
    first, again, other = (studied(genome, 1.0, seed).drawn for seed in (1, 1, 2))
    assert again.files == first.files
    assert other.files.keys() == first.files.keys()
    for name, truth in first.truth.items():
        pd.testing.assert_frame_equal(truth, again.truth[name])
    for name in COHORTS:
        assert other.files[f"cohort_files/{name}.maf.gz"] != first.files[f"cohort_files/{name}.maf.gz"]
