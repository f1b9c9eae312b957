"""What variant_comparison tells the call: variants of the axis, and genes in which there are none."""

import pandas as pd
import pytest
import variant_comparison as script
from common import evidence, mmc_candidates_tables
from comparison_study import Seen, Study, founding, only, pair
from conftest import ROOT
from effect_cases import CLASSES


def of(table: pd.DataFrame, line: str, condition: str, kind: str) -> pd.DataFrame:
    return table[(table.line == line) & (table.condition == condition) & (table.evidence == kind)]


@pytest.mark.parametrize(("gene", "consequence", "domain", "hotspot", "effect"), CLASSES)
def test_known_effect__is_that_of_the_tables_of_hotspots_and_domains(
    gene, consequence, domain, hotspot, effect
):
    assert script.known_effect(gene, consequence, domain, hotspot) == effect


def test_columns__are_those_that_the_call_reads():
    assert evidence.COLUMNS == mmc_candidates_tables.COLUMNS


def test_evidence__the_founding_studys_variants_come_back(tmp_path):
    table = founding().evidence(tmp_path)
    keys = ["line", "condition", "evidence", "label", "effect", "call"]
    found = table.loc[table.item.notna(), keys].itertuples(index=False, name=None)
    keap1, both = "keap1_variant", "common_polymorphism"
    assert sorted(found) == sorted(
        [
            ("HSC-2", "parental", keap1, "L471=", both, "het"),
            ("HSC-2", "resistant", keap1, "V512I", "missense_in_domain", "het"),
            ("HSC-2", "resistant", keap1, "L471=", both, "het"),
            ("HSC-3", "parental", keap1, "L471=", both, "hom"),
            ("HSC-3", "resistant", keap1, "W544*", "truncating", "het"),
            ("HSC-3", "resistant", keap1, "L471=", both, "hom"),
            ("HSC-3", "resistant", keap1, "D114Qfs*4", "truncating", "subclonal"),
            ("HO-1-u-1", "parental", "nfe2l2_variant", "E82D", "hotspot", "het"),
            ("HO-1-u-1", "resistant", "nfe2l2_variant", "E82D", "hotspot", "het"),
        ]
    )
    assert (table.status == "ok").all()
    gained = only(table[table.label == "V512I"])
    assert (gained["item"], gained.role, gained.n) == ("c.1534G>A", "target", 1600)
    assert gained.value == pytest.approx(0.49)
    assert gained.low < gained.value < gained.high
    absent = table[table.call == "absent"]
    assert set(zip(absent.line, absent.condition, absent.evidence, strict=True)) == {
        *((line, each, "nfe2l2_variant") for line in ("HSC-2", "HSC-3", "HSC-4") for each in ("parental",)),
        *((line, "resistant", "nfe2l2_variant") for line in ("HSC-2", "HSC-3", "HSC-4")),
        *((line, each, keap1) for line in ("HO-1-u-1", "HSC-4") for each in ("parental", "resistant")),
    }
    assert absent["item"].isna().all()
    assert (absent.value == 0).all()


def test_evidence__silent_changes_and_other_genes_are_none(tmp_path):
    table = pair(0.5, 0.5, "S167").evidence(tmp_path / "silent")
    assert (of(table, "HSC-2", "resistant", "nfe2l2_variant").call == "absent").all()
    table = pair(0.5, 0.5, "inter").evidence(tmp_path / "other")
    assert set(table.call) == {"absent"}


def test_evidence__a_gene_without_amplicons_has_no_row_and_one_read_in_part_says_so(tmp_path):
    table = pair(0.0, 0.5, "E82D").evidence(tmp_path)
    assert "cul3_variant" not in set(table.evidence)
    row = only(of(table, "HSC-2", "parental", "keap1_variant"))
    assert (row.call, row.reason) == ("absent", "amplicons hold 93 % of the coding sequence")
    assert pd.isna(only(of(table, "HSC-2", "parental", "nfe2l2_variant")).reason)


@pytest.mark.parametrize("status", ["low", "dropout", "no_reads"])
def test_evidence__a_dropout_leaves_it_open_whether_there_is_a_variant(tmp_path, status):
    study = pair(
        0.5, 0.5, lost={("P", "KEAP1_2"): status, ("R", "KEAP1_2"): status, ("P", "promoter"): status}
    )
    table = study.evidence(tmp_path)
    rows = of(table, "HSC-2", "resistant", "keap1_variant")
    assert rows[["label", "call", "status"]].fillna("").to_numpy().tolist() == [
        ["V512I", "het", "ok"],
        ["", "", "incomplete_coverage"],
    ]
    assert rows.reason.iloc[1] == f"1 of 2 amplicons not read (KEAP1_2 {status}: it is {status})"
    # The promoter's amplicon has no coding base.
    assert only(of(table, "HSC-2", "parental", "nfe2l2_variant")).call == "absent"


def test_evidence__one_replicate_that_reads_an_amplicon_is_enough(tmp_path):
    samples = [(name, "HSC-2", "parental", {"E82D": 0.5}) for name in ("P1", "P2")]
    for lost, call in (
        ({("P1", "KEAP1_1"): "low"}, "absent"),
        ({("P1", "KEAP1_1"): "low", ("P2", "KEAP1_1"): "low"}, ""),
    ):
        table = Study(samples, lost=lost).evidence(tmp_path / str(len(lost)))
        row = only(of(table, "HSC-2", "parental", "keap1_variant").fillna(""))
        assert (row.call, row.status == "ok") == (call, call == "absent")


def test_evidence__replicates_that_contradict_each_other_are_none(tmp_path):
    samples = [("P1", "HSC-2", "parental", {"V512I": 0.5}), ("P2", "HSC-2", "parental", {"V512I": 0.0})]
    row = only(of(Study(samples).evidence(tmp_path), "HSC-2", "parental", "keap1_variant"))
    assert (row["item"], row.status, row.reason) == ("c.1534G>A", "replicates_differ", "not seen in P2")
    assert pd.isna(row.call)


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (Seen(0.3, status="strand_bias"), "flagged"),
        (Seen(0.3, status="primer_site"), "flagged"),
        (Seen(0.5, depth=40), "low_depth"),
    ],
)
def test_evidence__what_fragments_show_and_cannot_be_judged_says_why(tmp_path, seen, status):
    samples = [("P", "HSC-2", "parental", {"V512I": seen}), ("R", "HSC-3", "parental", {"V512I": 0.5})]
    row = only(of(Study(samples).evidence(tmp_path), "HSC-2", "parental", "keap1_variant"))
    assert (row["item"], row.status) == ("c.1534G>A", status)
    assert row.reason.startswith("parental: ")
    assert pd.isna(row.call)


def test_evidence__what_was_not_read_is_said_where_the_line_has_the_variant_else(tmp_path):
    thin = Seen(0.0, depth=40)
    row = only(of(pair(thin, 0.5).evidence(tmp_path / "same"), "HSC-2", "parental", "keap1_variant"))
    assert (row["item"], row.status) == ("c.1534G>A", "low_depth")
    samples = [("P", "HSC-2", "parental", {"V512I": thin}), ("R", "HSC-3", "parental", {"V512I": 0.5})]
    table = Study(samples, lost={("P", "KEAP1_1"): "low"}).evidence(tmp_path / "other")
    row = only(of(table, "HSC-2", "parental", "keap1_variant"))
    assert (pd.isna(row["item"]), row.status) == (True, "incomplete_coverage")


def test_evidence__a_missing_transcript_has_its_status_in_every_condition(tmp_path):
    table = pair(0.0, 0.5, "E82D", unknown=["KEAP1"]).evidence(tmp_path)
    rows = table[table.evidence == "keap1_variant"]
    assert rows.status.tolist() == ["no_transcript"] * 2
    assert rows.reason.str.startswith("the annotation has none of ENST").all()


def test_main__writes_the_evidence_that_the_call_reads(tmp_path, run_script):
    options = founding().write(tmp_path)
    assert run_script(script.main, **options).exit_code == 0
    found = mmc_candidates_tables.read_evidence(options["results"])
    pd.testing.assert_frame_equal(found, founding().evidence(tmp_path / "again"))


def test_main__a_study_without_samples_has_a_table_without_rows(tmp_path, run_script):
    options = Study().write(tmp_path)
    assert run_script(script.main, **options).exit_code == 0
    table = mmc_candidates_tables.read_evidence(options["results"])
    assert table.empty
    assert list(table) == evidence.COLUMNS


def test_columns__are_explained():
    dictionary = pd.read_csv(ROOT / "assets/columns.tsv", sep="\t")
    for analysis in ("variant_comparison", "locus_genotype"):
        table = f"{analysis}/{analysis}_evidence.tsv"
        assert dictionary.column[dictionary.table == table].tolist() == evidence.COLUMNS
