import gzip
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from common.cli import InputError
from common.maf_files import find_columns, first_number, read_maf, short_changes, standard_name
from common.protein_names import short_name
from common.tables import read_table
from conftest import REFERENCE_DATA, ROOT
from harmonise_mutations import CLASS_OF, infer_classifications, main, passes, renumber, shifts_of, within

MC3 = REFERENCE_DATA / "tcga_hnsc/MC3_HNSC.maf.tsv.gz"
MC3_GENES = REFERENCE_DATA / "tcga_hnsc/MC3_HNSC_KEAP1_NFE2L2_CUL3_NQO1.tsv"
F1CDX = REFERENCE_DATA / "f1cdx/FoundationOneCDx_324_genes_OncoKB.txt"

SHORT = {
    "Hugo_Symbol": "gene",
    "Chromosome": "chrom",
    "Start_Position": "position",
    "Reference_Allele": "ref",
    "Tumor_Seq_Allele1": "ref",
    "Tumor_Seq_Allele2": "alt",
    "Variant_Classification": "classification",
    "Tumor_Sample_Barcode": "sample",
    "HGVSp_Short": "hgvs_p",
    "FILTER": "filter",
}
ROW = {"gene": "KEAP1", "chrom": "19", "position": "10599000", "ref": "C", "alt": "T", "sample": "s1"}
ROW |= {"classification": "Missense_Mutation", "hgvs_p": "p.V512I", "filter": "PASS"}


def maf_of(*rows: dict, **columns: str) -> str:
    """A MAF; `columns` renames MAF columns, or leaves them out (empty)."""
    own = {columns.get(name, name): key for name, key in SHORT.items() if columns.get(name, name)}
    extra = list(dict.fromkeys(key for row in rows for key in row if key not in ROW))
    lines = ["\t".join([*own, *extra])]
    for row in rows:
        whole = ROW | row
        lines.append("\t".join([*(whole[key] for key in own.values()), *(row.get(key, "") for key in extra)]))
    return "\n".join(lines) + "\n"


def samples_of(*names: str, panel: str = "") -> list[dict]:
    return [{"sample": name, "patient": name, "panel": panel} for name in names]


class Study:
    """Inputs in a folder, and what the command makes of them."""

    def __init__(self, folder, run_script):
        self.folder, self.run_script, self.number = folder, run_script, 0
        self.cohorts, self.profiled, self.panels = [], [], []

    def cohort(self, name="A", maf=None, samples=(), encoding="utf-8", file="a.maf", build="GRCh37"):
        number = ""
        if maf is not None:
            self.number += 1
            number = self.number
            path = self.folder / f"mafs/{number}/{file}"
            path.parent.mkdir(parents=True)
            path.write_bytes(maf if isinstance(maf, bytes) else maf.encode(encoding))
        self.cohorts.append({"cohort": name, "genome_build": build, "maf": number, "sbs96": ""})
        self.profiled += [{"cohort": name} | sample for sample in samples or samples_of("s1")]
        return self

    def panel(self, name, *genes, specimen="tissue", normal="matched", regions=()):
        place = {"panel": name, "specimen": specimen, "normal": normal}
        self.panels += [place | {"gene": gene, "chrom": "", "start": "", "end": ""} for gene in genes]
        self.panels += [
            place | dict(zip(("chrom", "start", "end", "gene"), region, strict=True)) for region in regions
        ]
        return self

    def run(self, aliases="EMSY\tC11orf30\nMRE11\tMRE11A;MRE11B\n"):
        def write(name, rows, columns):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            pd.DataFrame(rows, columns=columns).to_csv(path, sep="\t", index=False)
            return path

        (self.folder / "aliases.tsv").write_text("gene_name\tprevious\n" + aliases)
        if self.panels:
            write(
                "panels/panels.tsv",
                self.panels,
                ["panel", "specimen", "normal", "gene", "chrom", "start", "end"],
            )
        results = self.folder / "results"
        results.mkdir(exist_ok=True)
        done = self.run_script(
            main,
            cohorts=write("cohorts.tsv", self.cohorts, ["cohort", "genome_build", "maf", "sbs96"]),
            profiled=write("profiled.tsv", self.profiled, ["cohort", "sample", "patient", "panel"]),
            panels=self.folder / "panels",
            gene_aliases=self.folder / "aliases.tsv",
            target_genes=ROOT / "assets/target_genes.tsv",
            mafs=self.folder / "mafs",
            results=results,
        )
        assert done.exit_code == 0, done.output
        return self

    def table(self, name):
        return pd.read_csv(self.folder / "results" / name, sep="\t", dtype="str", keep_default_na=False)

    @property
    def mutations(self):
        return self.table("mutations.tsv.gz")

    @property
    def dropped(self):
        rows = self.table("dropped.tsv")
        return {(row.status, row.reason): int(row.rows) for row in rows.itertuples()}

    @property
    def statuses(self):
        rows = self.table("dropped.tsv")
        return rows.rows.astype(int).groupby(rows.status).sum().to_dict()

    def section(self):
        return json.loads((self.folder / "results/harmonise_mutations_mqc.json").read_text())


@pytest.fixture
def study(tmp_path, run_script):
    return Study(tmp_path, run_script)


def mutations_of(study, *rows, **columns):
    return study.cohort(maf=maf_of(*rows, **columns)).run().mutations


# ---- dialects


def test_read_maf__finds_columns_whatever_their_case_and_punctuation(tmp_path):
    path = tmp_path / "a.maf"
    path.write_text(maf_of({}, Start_Position="Start_position", Chromosome="chromosome", FILTER="Filter"))
    maf = read_maf(path)
    assert maf.fields["position"].to_pylist() == ["10599000"]
    assert maf.columns["position"] == "Start_position"
    assert find_columns(["Sample ID", "Start Pos", "Protein Change", "Allele Freq (T)"]) == {
        **{"sample": 0, "position": 1, "hgvs_p": 2, "vaf": 3}
    }


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("begin", ["", "#version 2.4\n", "#version gdc-1.0.0\n#annotation x\n"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_read_maf__takes_comments_line_ends_and_gzip_as_they_come(tmp_path, compressed, begin, ends):
    content = (begin + maf_of({}, {"sample": "s2"})).replace("\n", ends).encode()
    path = tmp_path / "called.txt"
    path.write_bytes(gzip.compress(content) if compressed else content)
    assert read_maf(path).fields["sample"].to_pylist() == ["s1", "s2"]


def test_read_maf__reads_gzip_of_several_blocks(tmp_path):
    lines = maf_of({}, {"sample": "s2"}, {"sample": "s3"}).splitlines(keepends=True)
    path = tmp_path / "a.maf.bgz"
    path.write_bytes(b"".join(gzip.compress(line.encode()) for line in lines))
    assert read_maf(path).fields["sample"].to_pylist() == ["s1", "s2", "s3"]


@pytest.mark.parametrize("lacking", ["Hugo_Symbol", "Start_Position", "Tumor_Sample_Barcode"])
def test_read_maf__a_column_that_lacks_is_named(tmp_path, lacking):
    path = tmp_path / "a.maf"
    path.write_text(maf_of({}, **{lacking: ""}))
    with pytest.raises(InputError, match=rf"a.maf: no column {lacking} \(has .*Reference_Allele"):
        read_maf(path)


def test_read_maf__needs_the_class_of_a_mutation_or_its_change(tmp_path):
    path = tmp_path / "a.maf"
    path.write_text(maf_of({}, Variant_Classification="", HGVSp_Short=""))
    with pytest.raises(InputError, match="no column Variant_Classification or HGVSp_Short"):
        read_maf(path)


def test_read_maf__a_row_of_another_length_is_an_error(tmp_path):
    path = tmp_path / "a.maf"
    path.write_text(maf_of({}) + "KEAP1\t19\n")
    with pytest.raises(InputError, match=r"a\.maf: .*Expected 10 columns, got 2"):
        read_maf(path)


def test_read_maf__a_file_without_a_line_is_an_error(tmp_path):
    (tmp_path / "a.maf").write_text("#version 2.4\n")
    with pytest.raises(InputError, match=r"a\.maf: no header"):
        read_maf(tmp_path / "a.maf")


C_CAT = "C-CAT調査結果.変異情報."
C_CAT_COLUMNS = {
    "C-CAT調査結果.基本項目.ハッシュID": "sample",
    C_CAT + "変異種類": "kind",
    C_CAT + "変異由来": "origin",
    C_CAT + "マーカー": "gene",
    C_CAT + "変異内容": "hgvs_p",
    C_CAT + "変異アレル頻度": "vaf",
    C_CAT + "クロモソーム番号": "chrom",
    C_CAT + "物理位置": "position",
    C_CAT + "リファレンス塩基": "ref",
    C_CAT + "塩基変化": "alt",
    C_CAT + "転写産物ID": "transcript",
    "C-CAT調査結果.サマリ.DNA体細胞変異(塩基置換,挿入,欠失)数": "many",
    "C-CAT調査結果.エビデンス.薬剤": "drug",
}


def c_cat(*rows: dict) -> str:
    """A table of variants as C-CAT's portal exports it."""
    usual = ROW | {"kind": "small_scale_variant", "origin": "Somatic", "vaf": "0.31 (31/100)"}
    usual |= {"hgvs_p": "V512I", "transcript": "", "many": "3", "drug": ""}
    lines = [",".join(f'"{name}"' for name in C_CAT_COLUMNS)]
    lines += [",".join(f'"{(usual | row)[key]}"' for key in C_CAT_COLUMNS.values()) for row in rows]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_main__reads_what_c_cat_exports(study, encoding):
    rows = [
        {},
        {"drug": "one,\ntwo"},  # a row a drug: the same mutation
        {"gene": "NFE2L2", "position": "5", "hgvs_p": "E63Q", "vaf": "45", "transcript": "NM_001145412.3"},
        {"gene": "TP53", "position": "7", "hgvs_p": "Q61*"},
        {"gene": "TP53", "position": "8", "hgvs_p": "splice site 672+1G>A"},
        {"gene": "TP53", "position": "9", "hgvs_p": "P58fs*65", "ref": "GC", "alt": "G"},
        {"gene": "TERT", "position": "11", "hgvs_p": "promoter -124C>T"},
        {"gene": "BRCA2", "position": "12", "origin": "Germline", "hgvs_p": "S1882*"},
        {"gene": "CCND1", "kind": "copy_number_alteration", "hgvs_p": "amplification", "position": "NA"},
        {"gene": "TMB", "kind": "other_biomarker", "hgvs_p": "NA", "position": "NA", "ref": "NA"},
    ]
    study.cohort(maf=c_cat(*rows), encoding=encoding, file="a.csv").run()
    found = study.mutations
    assert list(found.gene) == ["KEAP1", "NFE2L2", "TP53", "TP53", "TP53", "TERT"]
    classes = ["missense", "missense", "truncating", "splice_site", "frameshift", "non_coding"]
    assert list(found["class"]) == classes
    assert list(found.hgvs_p) == ["p.V512I", "p.E79Q", "p.Q61*", "", "p.P58fs*65", ""]
    assert list(found.protein_position) == ["512", "79", "61", "", "58", ""]
    assert list(found.vaf) == ["0.31", "0.45", "0.31", "0.31", "0.31", "0.31"]
    assert study.statuses == {"duplicate": 1, "not_somatic": 1, "not_small_variant": 2}
    assert "no Variant_Classification: inferred" in study.table("mafs.tsv").reason[0]


def test_main__takes_the_other_allele_where_the_second_is_the_reference(study):
    maf = "Hugo_Symbol\tChromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele1\tTumor_Seq_Allele2\t"
    maf += "Variant_Classification\tTumor_Sample_Barcode\nKEAP1\t19\t5\tC\tT\tC\tSilent\ts1\n"
    maf += "KEAP1\t19\t6\tC\tC\tC\tSilent\ts1\nKEAP1\t19\t7\tc\tA\tt\tSilent\ts1\n"
    found = study.cohort(maf=maf).run().mutations
    assert list(found.alt) == ["T", "T"]
    assert list(found.ref) == ["C", "C"]
    assert study.dropped == {("incomplete", "no allele but the reference"): 1}


# ---- which rows count


@pytest.mark.parametrize("flags", ["PASS", ".", "", "PASS;PASS"])
def test_passes__pass_dot_and_nothing_count(flags):
    assert passes(flags)


@pytest.mark.parametrize("flags", ["oxog", "wga", "common_in_exac", "PASS,oxog", "nonpreferredpair,oxog"])
def test_passes__any_flag_beside_does_not(flags):
    assert not passes(flags)


def test_main__counts_what_is_filtered_by_flag(study):
    flags = ["PASS", "oxog", ".", "oxog", "wga", "", "NA"]
    rows = [{"filter": flag, "position": str(place + 1)} for place, flag in enumerate(flags)]
    assert list(mutations_of(study, *rows).position) == ["1", "3", "6", "7"]
    assert study.dropped == {("filtered", "FILTER oxog"): 2, ("filtered", "FILTER wga"): 1}
    assert list(study.table("dropped.tsv").rows) == ["2", "1"]


def test_main__without_the_column_all_rows_pass_and_it_says_so(study):
    assert len(mutations_of(study, {}, {"position": "2"}, FILTER="")) == 2
    assert study.table("mafs.tsv").reason[0] == "no column FILTER: all rows pass"
    assert "no column FILTER: all rows pass" in study.section()["description"]


def test_main__a_row_counts_once_and_a_filtered_one_does_not_stand_before_it(study):
    rows = [
        {"filter": "oxog", "hgvs_p": "p.A1A"},
        {"hgvs_p": "p.A2A"},
        {"hgvs_p": "p.A3A"},
        {"alt": "G"},
        {"sample": "s2"},
    ]
    found = study.cohort(maf=maf_of(*rows), samples=samples_of("s1", "s2")).run().mutations
    assert list(found.hgvs_p) == ["p.A2A", "p.V512I", "p.V512I"]
    assert study.statuses == {"filtered": 1, "duplicate": 1}


def verdict(row: dict, seen: set) -> str:
    """What becomes of a row, one rule after the other: s0, s2 and s4 count, and s4 has a panel of TP53."""
    place = tuple(row[key] for key in ("sample", "position", "ref", "alt"))
    if row["sample"] == "s5":
        return "not_profiled"
    if row["Mutation_Status"] == "Germline":
        return "not_somatic"
    if row["classification"] == "Fusion":
        return "not_small_variant"
    if row["position"] in ("0", "x") or row["alt"] in ("", row["ref"]):
        return "incomplete"
    if row["alt"] == "<DEL>":
        return "not_small_variant"
    if row["filter"] != "PASS":
        return "filtered"
    if place in seen:
        return "duplicate"
    seen.add(place)
    if row["sample"] not in ("s0", "s2", "s4"):
        return "other_sample_of_patient"
    return "off_panel" if row["sample"] == "s4" and row["gene"] != "TP53" else "ok"


def test_main__every_row_counts_or_not_by_the_rules_one_after_the_other(study):
    rng = np.random.default_rng(1)
    rows = [
        ROW
        | {
            "sample": f"s{rng.integers(6)}",
            "position": str(rng.choice([*range(9), "x"])),
            "alt": str(rng.choice(["A", "C", "T", "-", "<DEL>", ""])),
            "filter": str(rng.choice(["PASS", "PASS", "oxog"])),
            "gene": str(rng.choice(["KEAP1", "TP53", "", "C11orf30"])),
            "classification": str(rng.choice(["Silent", "Fusion", "strange"])),
            "Mutation_Status": str(rng.choice(["Somatic", "Germline", ""])),
        }
        for _ in range(1500)
    ]
    samples = [
        {"sample": f"s{number}", "patient": f"p{number // 2}", "panel": "small" if number == 4 else ""}
        for number in range(5)
    ]
    study.panel("small", "TP53").cohort(maf=maf_of(*rows), samples=samples).run()
    seen = set()
    wanted = pd.Series([verdict(row, seen) for row in rows])
    counts = wanted.value_counts().to_dict()
    assert study.statuses == {status: count for status, count in counts.items() if status != "ok"}
    assert len(counts) == 9
    expected = [(row["sample"], row["position"], row["alt"]) for row in np.array(rows)[wanted == "ok"]]
    found = study.mutations[["sample", "position", "alt"]]
    assert list(found.itertuples(index=False, name=None)) == expected
    described = study.table("mafs.tsv").iloc[0]
    assert (described.rows, described.counted) == ("1500", str(counts["ok"]))
    per_sample = study.table("samples.tsv").mutations.astype(int)
    assert per_sample.sum() == counts["ok"]


def test_passes__tolerated_flags_do_not_matter(monkeypatch):
    monkeypatch.setattr("harmonise_mutations.TOLERATED", frozenset({"wga", "common_in_exac"}))
    assert passes("wga")
    assert passes("wga,common_in_exac")
    assert not passes("wga,oxog")


def test_main__samples_that_were_not_profiled_are_named(study):
    rows = [{"sample": f"t{number}"} for number in range(7)]
    assert len(mutations_of(study, {}, *rows)) == 1
    reason = "not in the list of samples: t0, t1, t2, t3, t4, …"
    assert study.dropped == {("not_profiled", reason): 7}


# ---- samples and panels


@pytest.mark.parametrize(
    ("samples", "counts"),
    [
        ([("a", ""), ("b", "")], "a"),
        ([("a", "large"), ("b", "")], "b"),
        ([("a", "small"), ("b", "large")], "b"),
        ([("a", "blood"), ("b", "small")], "b"),
        ([("a", "large"), ("b", "large")], "a"),
        ([("TCGA-BA-4074-06A", ""), ("TCGA-BA-4074-01A", "")], "TCGA-BA-4074-01A"),
    ],
    ids=["list", "exome", "larger", "tissue", "tie", "primary"],
)
def test_main__one_sample_stands_for_a_patient(study, samples, counts):
    genes = ("KEAP1", "TP53", "EGFR")
    study.panel("small", *genes[:1]).panel("large", *genes[:2]).panel("blood", *genes, specimen="liquid")
    profiled = [{"sample": name, "patient": "p", "panel": panel} for name, panel in samples]
    rows = [{"sample": name} for name, _ in samples]
    study.cohort(maf=maf_of(*rows), samples=profiled).run()
    assert list(study.mutations["sample"]) == [counts]
    found = study.table("samples.tsv").set_index("sample")
    assert list(found.index) == [name for name, _ in samples]
    other = next(name for name, _ in samples if name != counts)
    assert (found.counts[counts], found.status[counts]) == ("yes", "ok")
    assert (found.counts[other], found.status[other]) == ("no", "other_sample_of_patient")
    assert found.reason[other] == f"p is counted by {counts}"
    assert found.mutations[other] == "0"


def test_main__a_patient_of_two_cohorts_counts_in_both(study):
    maf = maf_of({})
    study.cohort("A", maf).cohort("B", maf).run()
    assert list(study.mutations.cohort) == ["A", "B"]
    assert set(study.table("samples.tsv").status) == {"ok"}


def test_main__rows_off_the_panel_do_not_count_and_previous_symbols_are_on_it(study):
    study.panel("f", "KEAP1", "C11orf30", "MRE11")
    genes = ["KEAP1", "EMSY", "C11orf30", "MRE11A", "MRE11B", "TP53", ""]
    rows = [{"gene": gene, "position": str(place + 1)} for place, gene in enumerate(genes)]
    found = study.cohort(maf=maf_of(*rows), samples=samples_of("s1", panel="f")).run().mutations
    assert list(found.gene) == ["KEAP1", "EMSY", "EMSY", "MRE11", "MRE11"]
    assert study.dropped == {("off_panel", "not on the panel f"): 2}
    replaced = study.table("symbols.tsv")
    assert replaced.to_numpy().tolist() == [
        ["A", "C11orf30", "EMSY", "1"],
        ["A", "MRE11A", "MRE11", "1"],
        ["A", "MRE11B", "MRE11", "1"],
    ]


def test_main__regions_that_name_no_gene_cover_their_positions(study):
    study.panel("r", regions=[("chr19", "10", "20", ""), ("19", "30", "40", ""), ("2", "50", "60", "TP53")])
    places = ["10", "11", "20", "21", "31", "55"]
    rows = [{"position": place} for place in places] + [{"gene": "TP53", "position": "99"}]
    found = study.cohort(maf=maf_of(*rows), samples=samples_of("s1", panel="r")).run().mutations
    assert list(found.position) == ["11", "20", "31", "99"]


def test_within__is_what_looking_at_every_region_says():
    rng = np.random.default_rng(3)
    starts = rng.integers(0, 300, 25)
    regions = pd.DataFrame({"start": starts, "end": starts + rng.integers(1, 40, 25)})
    positions = np.arange(1, 400)
    slow = [any(start < place <= end for start, end in regions.to_numpy()) for place in positions]
    np.testing.assert_array_equal(within(regions, positions), slow)


def test_main__samples_have_the_specimen_and_normal_of_their_panel(study):
    study.panel("g", "KEAP1", specimen="liquid", normal="none")
    samples = [*samples_of("s1", panel="g"), *samples_of("s2")]
    study.cohort(maf=maf_of({}, {"position": "5", "classification": "Silent"}), samples=samples).run()
    found = study.table("samples.tsv")
    assert found[["specimen", "normal"]].to_numpy().tolist() == [["liquid", "none"], ["", ""]]
    assert found[["mutations", "protein_changing"]].to_numpy().tolist() == [["2", "1"], ["0", "0"]]


# ---- one language


@pytest.mark.parametrize(
    ("given", "classification", "its", "changes"),
    [
        ("Missense_Mutation", "Missense_Mutation", "missense", "yes"),
        ("missense_variant", "Missense_Mutation", "missense", "yes"),
        ("Nonsense_Mutation", "Nonsense_Mutation", "truncating", "yes"),
        ("Frame_Shift_Del", "Frame_Shift_Del", "frameshift", "yes"),
        ("In_Frame_Ins", "In_Frame_Ins", "in_frame", "yes"),
        ("Splice_Site", "Splice_Site", "splice_site", "yes"),
        ("Splice_Region", "Splice_Region", "other", "no"),
        ("Translation_Start_Site", "Translation_Start_Site", "start_lost", "yes"),
        ("Nonstop_Mutation", "Nonstop_Mutation", "stop_lost", "yes"),
        ("Silent", "Silent", "silent", "no"),
        ("5'Flank", "5'Flank", "non_coding", "no"),
        ("3'UTR", "3'UTR", "non_coding", "no"),
        ("Novel_Word", "Novel_Word", "other", "no"),
    ],
)
def test_main__classes_are_those_of_the_vocabulary(study, given, classification, its, changes):
    found = mutations_of(study, {"classification": given}).iloc[0]
    assert (found.classification, found["class"], found.protein_changing) == (classification, its, changes)
    assert study.table("mafs.tsv").unknown_classification[0] == str(int(given == "Novel_Word"))


@pytest.mark.parametrize(
    ("ref", "alt", "kind"),
    [
        ("C", "T", "SNV"), ("CC", "TT", "DNV"), ("CCA", "TTG", "MNV"), ("-", "A", "insertion"),
        ("A", "-", "deletion"), ("A", "AT", "insertion"), ("AT", "A", "deletion"), ("ATG", "CC", "deletion"),
    ],
)  # fmt: skip
def test_main__the_alleles_tell_the_type(study, ref, alt, kind):
    assert mutations_of(study, {"ref": ref, "alt": alt}).variant_type[0] == kind


NAMES = [
    *("p.E79Q", "E79Q", "p.Glu79Gln", "p.(Glu79Gln)", "NP_006155.2:p.Glu79Gln", "p.W544*", "p.Trp544Ter"),
    *("W544X", "p.Met503IlefsTer9", "p.M503Ifs*9", "p.E79_T80del", "p.Glu79_Thr80delinsLys", "p.M1?"),
    *("p.L471=", "p.*606Wext*?", "p.G31dup", "ENSP00000380252:p.Asp29His"),
]


def test_short_changes__is_what_is_said_of_one_name_at_a_time():
    found = short_changes(pa.array(NAMES)).to_pylist()
    assert found == ["p." + short_name(name.split(":")[-1]) for name in NAMES]


def test_short_changes__keeps_what_is_empty_and_reads_escaped_signs():
    assert short_changes(pa.array(["", "p.Leu471%3D"])).to_pylist() == ["", "p.L471="]


def test_first_number__is_the_first_residue_of_a_change_or_position():
    names = ["p.E79Q", "p.E79_T80del", "p.X125_splice", "p.*606W", "79/605", "79-80/605", "", "p.?", "-"]
    assert first_number(pa.array(names)).to_pylist() == [79, 79, 125, 606, 79, 79, None, None, None]


def test_infer_classifications__agrees_with_what_mc3_says():
    columns = ["Variant_Classification", "HGVSp_Short", "Reference_Allele", "Tumor_Seq_Allele2"]
    table = pd.read_csv(MC3, sep="\t", usecols=columns, dtype="str", keep_default_na=False, nrows=40_000)
    table = table[table.HGVSp_Short.str.contains(r"^p\.[A-Z]\d")]
    sizes = [table[column].str.replace("-", "").str.len() for column in columns[2:]]
    types = np.where(sizes[1] > sizes[0], "insertion", "deletion")
    found = infer_classifications(pa.array(table.HGVSp_Short), types)
    said = [CLASS_OF.get(standard_name(name)) for name in found]
    wanted = [CLASS_OF.get(name) for name in table.Variant_Classification]
    agreed = np.mean([one == other for one, other in zip(said, wanted, strict=True)])
    # A variant at an exon's end changes a residue too, and a gap may begin or end in a stop.
    assert agreed > 0.995
    assert len(table) > 20_000


@pytest.mark.parametrize(
    ("counts", "vaf"),
    [
        ({"t_ref_count": "30", "t_alt_count": "10"}, 0.25),
        ({"t_alt_count": "10", "t_depth": "50"}, 0.2),
        ({"t_ref_count": "", "t_alt_count": "10", "t_depth": "50"}, 0.2),
        ({"t_ref_count": "0", "t_alt_count": "0"}, None),
        ({"t_ref_count": "30"}, None),
        ({"i_tumor_f": "0.125"}, 0.125),
        ({"VAF": "12.5%"}, 0.125),
        ({}, None),
    ],
)
def test_main__the_vaf_is_that_of_the_reads_or_as_given(study, counts, vaf):
    found = mutations_of(study, counts).vaf[0]
    assert (float(found) if found else None) == vaf


def test_main__contexts_of_snvs_are_passed_on(study):
    given = [
        ("C", "T", "ttCaa"),
        ("C", "T", "TTCA"),
        ("CC", "TT", "TTCCA"),
        ("C", "T", ""),
        ("C", "T", "TTRAA"),
    ]
    rows = [
        {"ref": ref, "alt": alt, "position": str(place + 1), "CONTEXT": context}
        for place, (ref, alt, context) in enumerate(given)
    ]
    assert list(mutations_of(study, *rows).context) == ["TTCAA", "", "", "", ""]


# ---- residues of target genes

E79 = {"gene": "NFE2L2", "chrom": "2", "ref": "C", "alt": "G", "hgvs_p": "p.E79Q", "HGVSc": "c.235G>C"}
E63 = E79 | {"hgvs_p": "p.E63Q", "HGVSc": "c.187G>C"}


@pytest.mark.parametrize(
    ("row", "numbering", "position", "change", "coding"),
    [
        (E79 | {"Transcript_ID": "ENST00000397062.8"}, "named", "79", "p.E79Q", "c.235G>C"),
        (E79 | {"Transcript_ID": "NM_006164"}, "named", "79", "p.E79Q", "c.235G>C"),
        (E63 | {"Transcript_ID": "ENST00000397063"}, "remapped", "79", "p.E79Q", "c.235G>C"),
        (E63 | {"Transcript_ID": "NM_001145412.3"}, "remapped", "79", "p.E79Q", "c.235G>C"),
        (E63 | {"hgvs_p": "NP_001138884.1:p.Glu63Gln"}, "remapped", "79", "p.E79Q", "c.235G>C"),
        (E63 | {"HGVSc": "ENST00000464747.5:c.187G>C"}, "remapped", "79", "p.E79Q", "c.235G>C"),
        (E63 | {"Transcript_ID": "ENST00000446151"}, "remapped", "79", "p.E79Q", "c.235G>C"),
        (E63 | {"Transcript_ID": "ENST00000421929"}, "other_transcript", "", "p.E63Q", "c.187G>C"),
        (E79, "transcript_unknown", "79", "p.E79Q", "c.235G>C"),
        (E79 | {"gene": "TP53", "Transcript_ID": "ENST00000397063"}, "", "79", "p.E79Q", "c.235G>C"),
    ],
)
def test_main__residues_of_target_genes_count_on_the_named_transcript(
    study, row, numbering, position, change, coding
):
    found = mutations_of(study, row).iloc[0]
    assert (found.numbering, found.protein_position) == (numbering, position)
    assert (found.hgvs_p, found.hgvs_c) == (change, coding)
    assert study.table("mafs.tsv").transcript_unknown[0] == str(int(numbering == "transcript_unknown"))


ISOFORM_2, ISOFORM_3, NQO1_B = ((1, 16),), ((1, 16), (119, 23)), ((1, 0), (140, 34))


@pytest.mark.parametrize(
    ("change", "shifts", "bases", "wanted"),
    [
        ("p.E63_T64del", ISOFORM_2, 1, "p.E79_T80del"),
        ("p.M487Ifs*9", ISOFORM_2, 1, "p.M503Ifs*9"),
        ("p.*590Wext*12", ISOFORM_2, 1, "p.*606Wext*12"),
        ("p.Q8_D11delinsH", ISOFORM_2, 1, "p.Q24_D27delinsH"),
        ("p.X104_splice", ISOFORM_2, 1, "p.X120_splice"),
        ("c.187_188delinsAA", ISOFORM_2, 3, "c.235_236delinsAA"),
        ("c.264+1G>A", ISOFORM_2, 3, "c.312+1G>A"),
        ("c.265-2A>G", ISOFORM_2, 3, "c.313-2A>G"),
        ("p.A118T", ISOFORM_3, 1, "p.A134T"),
        ("p.A119T", ISOFORM_3, 1, "p.A142T"),
        ("c.354G>A", ISOFORM_3, 3, "c.402G>A"),
        ("c.355G>A", ISOFORM_3, 3, "c.424G>A"),
        ("p.P153S", NQO1_B, 1, "p.P187S"),
        ("p.R139W", NQO1_B, 1, "p.R139W"),
        ("", ISOFORM_2, 1, ""),
        ("p.?", ISOFORM_2, 1, "p.?"),
    ],
)
def test_renumber__moves_what_counts_on_the_isoform(change, shifts, bases, wanted):
    assert renumber(change, shifts, bases) == wanted


def test_shifts_of__isoforms_end_where_the_named_protein_ends():
    """Lengths of proteins: UniProt Q16236-2 (589), Q16236-3 (582), P15559-2 (240), P15559-3 (236)."""
    targets = read_table(
        ROOT / "assets/target_genes.tsv", {"gene": "str", "cds_start": "Int64", "cds_end": "Int64"}
    )
    residues = ((targets.cds_end - targets.cds_start + 1) // 3 - 1).set_axis(targets.gene)
    lengths = {"Q16236-2": 589, "Q16236-3": 582}
    for isoform, length in lengths.items():
        assert renumber(f"p.K{length}N", shifts_of("NFE2L2", isoform, []), 1) == f"p.K{residues['NFE2L2']}N"
    for isoform, length in {"P15559-2": 240, "P15559-3": 236}.items():
        assert renumber(f"p.K{length}N", shifts_of("NQO1", isoform, []), 1) == f"p.K{residues['NQO1']}N"


# ---- degenerate cohorts


def test_main__a_maf_without_rows_has_its_samples(study):
    assert mutations_of(study).empty
    described = study.table("mafs.tsv").iloc[0]
    assert (described.status, described.reason) == ("empty_maf", "the MAF has no rows")
    assert list(study.table("samples.tsv").mutations) == ["0"]
    assert study.dropped == {}
    assert "A: 0 of 0 rows of the MAF count" in study.section()["description"]


def test_main__a_maf_of_which_no_row_counts_says_so(study):
    assert mutations_of(study, {"filter": "oxog"}).empty
    assert list(study.table("mafs.tsv").status) == ["no_mutation"]


def test_main__of_a_ready_matrix_no_mutation_is_known(study):
    study.cohort("A", maf_of({})).cohort("B", samples=samples_of("x", "y")).run()
    found = study.table("samples.tsv")
    assert list(found.status) == ["ok", "no_maf", "no_maf"]
    assert list(found.counts) == ["yes", "no", "no"]
    assert list(found.mutations) == ["1", "", ""]
    assert list(study.table("mafs.tsv").status) == ["ok", "no_maf"]
    assert "B is a ready matrix and has no MAF." in study.section()["description"]


def test_main__the_same_input_gives_the_same_bytes(study):
    study.cohort(maf=maf_of({}, {"position": "3", "gene": "C11orf30"})).run()
    names = sorted(path.name for path in (study.folder / "results").iterdir())
    first = {name: (study.folder / "results" / name).read_bytes() for name in names}
    study.run()
    assert first == {name: (study.folder / "results" / name).read_bytes() for name in names}


def test_main__the_report_draws_the_rows_and_samples_of_its_tables(study):
    study.panel("f", "KEAP1")
    samples = [*samples_of("s1", "s2"), *samples_of("s3", panel="f")]
    rows = [{}, {"sample": "s3", "gene": "TP53"}, {"sample": "s3", "position": "5"}, {"filter": "oxog"}]
    section = study.cohort("A", maf_of(*rows), samples).cohort("B").run().section()
    by_row, by_sample = section["data"]
    assert by_row == {"A": {"ok": 2, "filtered": 1, "off_panel": 1}}
    assert {name: {kind: n for kind, n in found.items() if n} for name, found in by_sample.items()} == {
        "A, exome": {"mutated": 1, "unmutated": 1}, "A, f": {"mutated": 1}, "B, exome": {"no_maf": 1},
    }  # fmt: skip
    for found, categories in zip(section["data"], section["pconfig"]["categories"], strict=True):
        assert {kind for row in found.values() for kind in row if row[kind]} == categories.keys()
    assert (
        "A: 2 of 4 rows of the MAF count (left out: filtered 1, off panel 1), in 2 of 3 samples"
        in section["description"]
    )
    assert section["nrf2flow"]["findings"] == {"A": "2 of 4 mutations count, 3 patients; ok 3"}
    assert section["nrf2flow"]["statuses"] == "ok 3, no_maf 1"


# ---- real data


@pytest.fixture(scope="module")
def mc3(tmp_path_factory):
    """MC3's calls of TCGA-HNSC, every sample of the file profiled."""
    from click.testing import CliRunner

    folder = tmp_path_factory.mktemp("mc3")
    (folder / "mafs/1").mkdir(parents=True)
    (folder / "mafs/1" / MC3.name).symlink_to(MC3)
    table = pd.read_csv(MC3, sep="\t", dtype="str", keep_default_na=False)
    samples = table.Tumor_Sample_Barcode.unique()
    profiled = pd.DataFrame({"cohort": "TCGA", "sample": samples, "patient": [name[:12] for name in samples]})
    profiled.assign(panel="").to_csv(folder / "profiled.tsv", sep="\t", index=False)
    (folder / "cohorts.tsv").write_text("cohort\tgenome_build\tmaf\tsbs96\nTCGA\tGRCh37\t1\t\n")
    (folder / "results").mkdir()
    words = [
        *("--cohorts", folder / "cohorts.tsv", "--profiled", folder / "profiled.tsv"),
        *("--panels", folder / "panels", "--gene-aliases", ROOT / "assets/gene_aliases.tsv"),
        *("--target-genes", ROOT / "assets/target_genes.tsv", "--mafs", folder / "mafs"),
        *("--results", folder / "results"),
    ]
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return table, {
        name: pd.read_csv(folder / f"results/{name}", sep="\t", dtype="str", keep_default_na=False)
        for name in ("mutations.tsv.gz", "samples.tsv", "dropped.tsv", "symbols.tsv")
    }


def test_main__of_mc3_the_rows_that_pass_count(mc3):
    given, found = mc3
    dropped = found["dropped.tsv"]
    flags = given.FILTER.value_counts()
    lost = dict(zip(dropped.reason.str.removeprefix("FILTER "), dropped.rows.astype(int), strict=True))
    assert set(dropped.status) == {"filtered"}
    assert lost == flags.drop("PASS").to_dict()
    assert len(found["mutations.tsv.gz"]) == flags["PASS"] == 106_882
    # As the file has them: 70,744 of 75,012 non-silent rows.
    silent = given.Variant_Classification.map(CLASS_OF.get).isin(["silent", "non_coding"])
    assert ((~silent).sum(), (~silent & (given.FILTER == "PASS")).sum()) == (75_012, 70_744)


def test_main__of_mc3_primary_tumours_stand_for_their_patients(mc3):
    samples = mc3[1]["samples.tsv"]
    assert len(samples) == 509
    counting = samples[samples.counts == "yes"]
    assert len(counting) == samples.patient.nunique() == counting.patient.nunique()
    others = samples[samples.status == "other_sample_of_patient"]
    assert set(others["sample"].str[13:15]) == {"06"}


def test_main__of_mc3_keap1_and_nfe2l2_are_mutated_as_often_as_published(mc3):
    """The study counts 20 (4 %) and 30 (6 %) tumours; MC3's PASS calls are these."""
    found = mc3[1]["mutations.tsv.gz"]
    changing = found[found.protein_changing == "yes"]
    mutated = {gene: changing.patient[changing.gene == gene].nunique() for gene in ("KEAP1", "NFE2L2")}
    assert abs(mutated["KEAP1"] - 20) <= 3
    assert abs(mutated["NFE2L2"] - 30) <= 3
    given = pd.read_csv(MC3_GENES, sep="\t", dtype="str", keep_default_na=False)
    given = given[(given.FILTER == "PASS") & given["Variant_Classification"].map(CLASS_OF.get).ne("silent")]
    for gene, count in mutated.items():
        own = given[given.Hugo_Symbol == gene]
        assert count == own.Tumor_Sample_Barcode.str[:12].nunique()


def test_main__of_mc3_residues_are_those_of_its_own_names(mc3):
    found = mc3[1]["mutations.tsv.gz"]
    hot = found[(found.gene == "NFE2L2") & found.protein_position.isin(["29", "31", "34", "79", "80", "82"])]
    assert len(hot) >= 10
    assert (hot.hgvs_p.str.extract(r"p\.[A-Z](\d+)")[0] == hot.protein_position).all()
    assert set(found.numbering) == {"", "transcript_unknown"}


def test_gene_aliases__bring_the_symbols_of_mc3_to_those_of_a_panel(mc3):
    given, found = mc3[0], mc3[1]["symbols.tsv"]
    lacking = set(F1CDX.read_text().split()) - set(given.Hugo_Symbol)
    # No call of the others is in MC3's file, by any name.
    others = {"H3-3A", "PTPN11", "CBFB", "CCND3", "CD79B", "CDKN1A", "BCL2L2", "ZNF703", "TERC"}
    assert lacking - set(found.gene_name) == others
    assert set(found.gene_name) <= set(mc3[1]["mutations.tsv.gz"].gene)


def test_gene_aliases__no_symbol_has_two_genes_and_none_is_a_gene_of_the_panel():
    table = read_table(ROOT / "assets/gene_aliases.tsv", {"gene_name": "str", "previous": "str"})
    previous = [old for row in table.previous for old in row.split(";")]
    assert len(set(previous)) == len(previous)
    assert table.gene_name.is_unique
    assert not set(previous) & (set(F1CDX.read_text().split()) | set(table.gene_name))
