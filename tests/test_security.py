"""Nothing that is given is run, or read without end: names, paths, parameters, compressed files."""

import ast
import contextlib
import gzip
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from common.maf_files import read_header
from common.mmc_candidates_rules import check_rules
from common.trace_files import TraceError, read_trace
from conftest import ROOT
from gate import COUNTS, RNASEQ, SCHEMA, Gate
from jsonschema import Draft202012Validator
from report import as_text

MODULES = sorted((ROOT / "modules").glob("*.nf"))
SCRIPTS = sorted((ROOT / "bin").rglob("*.py"))
DESCRIBED = {name: spec for group in SCHEMA["$defs"].values() for name, spec in group["properties"].items()}
# What a name could do to a shell, a path, a command's options, or the eyes of a reader.
HOSTILE = [
    *(
        "$(touch x)",
        "`touch x`",
        "a;b",
        "a|b",
        "a&b",
        "a b",
        "a'b",
        'a"b',
        "a>b",
        "a*b",
        "${HOME}",
        "a\\b",
        "~a",
    ),
    *(
        "../../x",
        "a/b",
        "..",
        "-rf",
        "--help",
        ".hidden",
        "a\nb",
        "a\tb",
        "a\x00b",
        "a\u202eb",
        "a\u200bb",
        "\uff41",
        "é",
    ),
    *("<script>alert(1)</script>", "=cmd()", "@x", "+1", "%s", "a{b}", "#a"),
]
# Free text: shown, and compared with what was checked, but no part of a command or of a file's name.
FREE = {
    *(("contrasts", column) for column in ("reference", "target", "lines", "blocking")),
    *((sheet, "source") for sheet in ("domains", "gene_aliases", "gene_panels", "hotspots", "loci")),
    *((sheet, "source") for sheet in ("skipping", "target_genes")),
    *(("domains", "name"), ("gene_panels", "gene_name"), ("loci", "hgvs_p"), ("skipping", "meaning")),
    ("primers", "chrom"),
}
LISTS = {
    ("gene_aliases", "previous"),
    *((s, "transcript") for s in ("loci", "skipping", "target_genes")),
}  # by ;
PATHS = {"fastq_1", "fastq_2", "bam", "ab1", "maf", "samples", "sbs96", "file"}  # see quotable in main.nf
# By which anything could be run, read or written that the code does not show.
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
FORBIDDEN_MODULES = {
    *(
        "pickle",
        "marshal",
        "shelve",
        "dill",
        "joblib",
        "socket",
        "ssl",
        "http",
        "ftplib",
        "smtplib",
        "requests",
    ),
    *("urllib3", "httpx", "aiohttp", "xml", "lxml", "zipfile", "tarfile", "ctypes", "runpy", "code", "pty"),
}
FORBIDDEN_CALLS = {
    *("system", "popen", "read_pickle", "to_pickle", "urlopen", "urlretrieve", "unsafe_load", "full_load"),
    *("load_all", "eval", "getoutput", "getstatusoutput", "create_subprocess_shell"),
}


@pytest.fixture
def gate(run_script, tmp_path) -> Gate:
    return Gate(run_script, tmp_path)


def dangers(script: str) -> list[str]:
    """Find what no script may use, in a script's text."""
    found = []
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names = [f"{node.module}.{name}" for name in names] if isinstance(node, ast.ImportFrom) else names
            for name in names:
                top = name.split(".")[0]
                if top in FORBIDDEN_MODULES or (top == "urllib" and name != "urllib.parse.quote"):
                    found.append(f"import of {name}")
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            plain = isinstance(node.func, ast.Name)
            if (plain and name in FORBIDDEN_NAMES) or (not plain and name in FORBIDDEN_CALLS):
                found.append(f"call of {name}")
            given = {word.arg: word.value for word in node.keywords}
            if "allow_pickle" in given or ("shell" in given and ast.unparse(given["shell"]) != "False"):
                found.append(f"{name} with shell or allow_pickle")
            if ast.unparse(node.func) == "yaml.load" and ast.unparse(node.args[-1]) != "OnceLoader":
                found.append("yaml.load")  # OnceLoader is a SafeLoader
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_nothing_that_it_was_given_and_opens_no_network(script):
    assert dangers(script.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        *("import pickle", "from urllib.request import urlopen", "import os; os.system('x')", "eval('1')"),
        *("subprocess.run('x', shell=True)", "np.load('x', allow_pickle=True)", "yaml.load(x, yaml.Loader)"),
        *("pd.read_pickle('x')", "frame.eval('a')", "import xml.etree.ElementTree", "exec(text)"),
    ],
)
def test_dangers__are_found(line):
    assert len(dangers(line)) >= 1


def safe_between_quotes(spec: dict) -> bool:
    right = Draft202012Validator(spec).is_valid
    return "pattern" in spec and not any(right(text) for text in ("'", "a'b", "a';touch x;'", "a\nb"))


def safe_unquoted(spec: dict) -> bool:
    numeric = spec["type"] in ("number", "integer", "boolean")
    return numeric or all(re.fullmatch(r"[\w.-]+", value) for value in spec.get("enum", ["no value"]))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_process_lets_into_its_command_what_is_quoted_or_can_do_no_harm(module):
    blocks = re.findall(r'process (\w+) \{(.*?)script:\s+"""(.*?)"""', module.read_text(), re.DOTALL)
    assert blocks
    for process, declared, command in blocks:
        inputs = declared.split("input:")[1].split("output:")[0]
        paths = set(re.findall(r"path\(?\s*(\w+)", inputs))  # Nextflow quotes those
        values = set(re.findall(r"val\(?\s*(\w+)", inputs))
        for quote, inside, after in re.findall(r"('?)\$\{(.*?)\}([^\s'\\]*)", command):
            name = re.match(r"\w+", inside)[0]
            if name in paths or name == "task":
                continue
            assert name in values, f"{process}: {inside}"
            option = re.match(r"(?:options|prices)\.(\w+)", inside)
            name = option[1] if option else name
            if name == "sample":
                assert after in ("", "_1.fastq.gz", "_2.fastq.gz"), f"{process}: {inside}{after}"
            elif name == "library":
                assert "'rnaseq'" in (ROOT / "subworkflows/reads.nf").read_text()
            else:
                spec = DESCRIBED["simulate" if name == "size" else name]
                assert safe_unquoted(spec) or (quote and safe_between_quotes(spec)), f"{process}: {inside}"


def test_a_name_in_a_sheet_is_letters_digits_and_what_no_shell_acts_on():
    """Whatever the column, if it is no free text: samples, lines, conditions, assays, compounds, cohorts."""
    accepted = []
    for path in sorted((ROOT / "assets").glob("*.schema.json")):
        sheet, schema = path.name.removesuffix(".schema.json"), json.loads(path.read_text())
        for column, spec in schema.get("items", {}).get("properties", {}).items():
            right = Draft202012Validator(spec).is_valid
            endings = ("", ".fastq.gz", ".bam", ".ab1", ".maf", ".tsv") if column in PATHS else ("",)
            if column not in PATHS and (sheet, column) not in FREE:
                harmless = {"a;b"} if (sheet, column) in LISTS else set()
                accepted += [
                    (sheet, column, text)
                    for text in HOSTILE
                    for end in endings
                    if right(text + end) and text not in harmless
                ]
    assert accepted == []


@pytest.mark.parametrize("name", [name for name in HOSTILE if not set(name) & set("\n\t\x00")])
def test_main__refuses_a_hostile_name_and_says_which_are_allowed(name, gate):
    cell = '"' + name.replace('"', '""') + '"'
    problems = gate.study(rnaseq=RNASEQ.replace("\nA.P1,", f"\n{cell},"), counts=COUNTS)
    said = next(problem for problem in problems if problem.startswith("rnaseq.csv, row 2, sample: found "))
    assert said.endswith("letters, digits and _ . + - and starting with a letter or digit")


def test_main__takes_a_line_break_in_a_name_for_a_space_and_refuses_that(gate):
    for text in ("A\nP1", "A\rP1", "A\tP1"):
        problems = gate.study(rnaseq=RNASEQ.replace("\nA.P1,", f'\n"{text}",'), counts=COUNTS)
        assert problems[0].startswith(
            "rnaseq.csv, row 2, sample: found 'A P1'; expected the name of a library"
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("reference_group", value) for value in ("x' ; touch y", "$(touch x)", "x\n", "-x", "../x")],
        *[
            ("calibrator", "x';y"),
            ("housekeeping", "GAPDH,'"),
            ("spectrum_gene", "a/b"),
            ("seed", "1;touch x"),
        ],
        *[
            ("highlight_sets", "x' ; touch y '"),
            ("highlight_sets", "x\n"),
            ("common_contrasts", "x\n;touch y"),
        ],
        *[("signature_names", "SBS1,`x`"), ("survival_groups", "a b"), ("gsea_ranking", "stat;x")],
        *[
            ("confidence", "0.9 $(x)"),
            ("confidence", "0.9\n"),
            ("strict", "true;x"),
            ("registry", "x y;touch z"),
        ],
        ("target_condition", "resistant\n"),
    ],
)
def test_main__refuses_a_parameter_that_could_leave_its_quotes(name, value, gate):
    assert any(problem.startswith(f"--{name}: found ") for problem in gate.study(**{name: value}))


@pytest.mark.parametrize("name", ["$(touch x).fq", "a*.fq", "{a}.fq", "[a].fq", "a?.fq", "reads/-rf.fq"])
def test_main__refuses_a_file_whose_name_a_shell_would_act_on(name, gate):
    sheet = RNASEQ.replace("replicate\n", "replicate,fastq_1\n").replace(
        ",parental,1\n", f",parental,1,{name}\n"
    )
    problems = gate.study(rnaseq=sheet, **{name: "reads"}, fasta="g.fa", gtf="g.gtf")
    expected = "whose name or folder has one of $ * ? [ ] { } or a control character, or begins with -"
    assert any(f"row 2, fastq_1: found {name}, {expected}; expected" in problem for problem in problems)
    told = gate.say({}, patients=f"x/{name}.csv" if not name.endswith("-rf.fq") else "-rf.csv")
    assert any(problem.startswith("--patients: found ") and expected in problem for problem in told)


# Run a script, then print the most memory that it held, in kB: its own, not what it was forked from.
MEASURED = """
import atexit, pathlib, re, runpy, sys
del sys.argv[0]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
held = lambda: re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
atexit.register(lambda: print(held()))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def gate_in_a_process(folder: Path, counts: Path) -> tuple[str, float]:
    """Run the gate on counts; return what it says and the most memory that it took, in MB."""
    gate = Gate(lambda *_args, **_options: SimpleNamespace(output="", exit_code=0), folder)
    gate.results.mkdir()
    with contextlib.suppress(AssertionError):  # nothing was run: only the files were laid out
        gate.say({"rnaseq.csv": RNASEQ, "counts.tsv.gz": b"x"}, rnaseq="rnaseq.csv", counts="counts.tsv.gz")
    staged = next((folder / "sheets").glob("*/counts.tsv.gz"))
    staged.unlink()
    staged.symlink_to(counts)
    words = {
        "values": folder / "values.json",
        "schema": ROOT / "nextflow_schema.json",
        "sheets": folder / "sheets",
    }
    command = [sys.executable, "-c", MEASURED, ROOT / "bin/check_inputs.py", "--results", folder / "out"]
    command += [word for name, value in words.items() for word in (f"--{name}", value)]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr, int(done.stdout) / 1024


def bomb(path: Path, piece: bytes, pieces: int, begin: bytes = b"") -> Path:
    """Write a gz file of so many equal MiB."""
    squeeze = zlib.compressobj(9, wbits=31)
    with path.open("wb") as file:
        file.write(squeeze.compress(begin))
        for _ in range(pieces):
            file.write(squeeze.compress(piece * (2**20 // len(piece))))
        file.write(squeeze.flush())
    return path


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (b"\0", "more characters than are read (16,777,216 in a line)"),
        (b"\n", "more lines than are read (4,194,304)"),
    ],
)
def test_main__refuses_a_decompression_bomb_in_bounded_memory(piece, said, tmp_path):
    """A gigabyte, from a megabyte: of a line that does not end, or of empty ones."""
    path = bomb(tmp_path / "bomb.tsv.gz", piece, 1024)
    assert path.stat().st_size < 2e6
    output, memory = gate_in_a_process(tmp_path, path)
    assert f"counts.tsv.gz: found {said}" in output
    assert memory < 400


def test_main__refuses_a_line_of_500_megabytes_in_bounded_memory(tmp_path):
    output, memory = gate_in_a_process(tmp_path, bomb(tmp_path / "long.tsv.gz", b"x", 500, b"gene_id\t"))
    assert "counts.tsv.gz: found more characters than are read (16,777,216 in a line)" in output
    assert memory < 400


def test_read_header__reads_no_line_without_end(tmp_path):
    path = bomb(tmp_path / "x.maf.gz", b"\0", 64)
    with pytest.raises(ValueError, match=r"x[.]maf[.]gz: more characters than are read in a line"):
        read_header(path)
    path.write_bytes(gzip.compress(b"#version 2.4\nHugo_Symbol\tChromosome\n"))
    assert read_header(path).columns == ["Hugo_Symbol", "Chromosome"]


def test_read_trace__reads_no_file_that_is_far_larger_than_a_trace(tmp_path):
    path = tmp_path / "x.ab1"
    with path.open("wb") as file:
        file.write(b"ABIF")
        file.truncate(2**30)
    with pytest.raises(TraceError, match=r"x[.]ab1 has 1,073,741,824 bytes, more than a trace has"):
        read_trace(path)


def test_check_rules__takes_no_alias_and_no_tag_and_no_flood(tmp_path):
    schema, path = ROOT / "assets/mmc_rules.schema.json", tmp_path / "rules.yml"
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    path.write_text(laughs)
    assert check_rules(path, schema)[1] == [
        ("line 2", "an alias (*): write out what it stands for", "YAML, each key once")
    ]
    path.write_text("a: !!python/object/apply:os.system ['touch x']\n")
    assert "could not determine a constructor" in check_rules(path, schema)[1][0][1]
    path.write_bytes(b"#" * (2**20 + 1))
    assert check_rules(path, schema)[1][0][1] == "1,048,577 bytes"


def test_as_text__shows_what_users_wrote_as_text():
    """MultiQC takes the names of rows, and the cells of tables, for HTML."""
    data = {"<script>alert(1)</script>": {"stage": "<5 cm", "age": 61}}
    assert as_text(data) == {"&lt;script&gt;alert(1)&lt;/script&gt;": {"stage": "&lt;5 cm", "age": 61}}
