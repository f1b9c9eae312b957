"""Time and memory from amplicon reads to variants; recall and false calls beside ivar and freebayes.

Reads are art_illumina's (MiSeq, 2 x 150) of the products of 28 amplicons of 220 bases over the real windows
of KEAP1 and NFE2L2 (assembled from the reference data beside the project). Seven lines, two samples each;
the last line is clean. (With --profile MSv3, every fifth base of second reads is below Q20, most of them at
the reads' beginning: ivar, which trims there, loses nine of ten reads.) In each other sample, substitutions
and insertions or deletions (1 to 6 bases) are planted at VAFs of 2, 5, 10 and 50 %, 30 bases or more apart.
Primers have the genome's bases.

First, align_amplicons (sample by sample), count_amplicon_alleles and amplicon_variants on all samples.
Then, on the same BAM files, `ivar trim` and `samtools mpileup | ivar variants`, and `freebayes
--pooled-continuous`, which is slow: it gets the samples of the last --freebayes-lines lines, and its time
is that for these. Both report what 1.5 % of the reads show, so that a variant at 2 % is not cut off at its
own share; ours is run at its defaults. Wall-clock and CPU seconds of one run (single-threaded, one tool
after the other), memory of the largest process. A call counts as false in a sample that does not have it.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click
import pysam

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests")]

from amplicon_library import Amplicon, Planted, amplicon, products, write_primers, write_sheet  # noqa: E402
from common.variant_sites import Variant, normal_form, sequence_around  # noqa: E402
from conftest import REFERENCE_DATA  # noqa: E402
from spliced_reads import write_fasta  # noqa: E402

WINDOWS = REFERENCE_DATA / "sequences/KEAP1_NFE2L2_genomic_windows.GRCh38.fa"
AMPLICONS, LENGTH, BESIDE, READ = 28, 220, 600, 150
VAFS = (0.02, 0.05, 0.1, 0.5)
SUBSTITUTIONS, INDELS = 3, 2  # at each VAF, a sample
APART, EDGE = 30, 8  # bases between them, and to an insert's end
LINES, CLEAN = 7, 1
RIVAL_SHARE = 0.015
WRAPPER = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(["bash", "-e", "-o", "pipefail", "-c", sys.argv[1]], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
spent = [time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
print(json.dumps(spent))
"""


def windows() -> dict[str, list[str]]:
    """Read the real windows by contig."""
    found: dict[str, list[str]] = defaultdict(list)
    for record in WINDOWS.read_text().split(">")[1:]:
        name, *lines = record.splitlines()
        found[name.split(":")[0]].append("".join(lines).upper())
    return found


def design(rng: random.Random) -> tuple[dict[str, str], dict[str, Amplicon]]:
    """Put the windows on short contigs with random bases between, and tile them with amplicons."""
    contigs, amplicons = {}, {}
    total = sum(len(bases) for own in windows().values() for bases in own)
    for chrom, own in windows().items():
        contig = "".join(rng.choices("ACGT", k=BESIDE))
        for bases in own:
            number = max(round(AMPLICONS * len(bases) / total), 2)
            step = (len(bases) - LENGTH) / (number - 1)
            for each in range(number):
                start = len(contig) + round(each * step)
                name = f"{chrom}_{len(amplicons) + 1}"
                amplicons[name] = amplicon(name, chrom, start, start + LENGTH, str(each % 2 + 1))
            contig += bases + "".join(rng.choices("ACGT", k=BESIDE))
        contigs[chrom] = contig
    return contigs, amplicons


def plant(contigs: Mapping[str, str], amplicons: Iterable[Amplicon], rng: random.Random) -> list[Planted]:
    """Draw the variants of a sample."""
    places = sorted(
        {
            (each.chrom, place)
            for each in amplicons
            for place in range(each.left_end + EDGE, each.right_start - EDGE)
        }
    )
    rng.shuffle(places)
    kinds = [(vaf, kind) for vaf in VAFS for kind in ["SNV"] * SUBSTITUTIONS + ["indel"] * INDELS]
    planted: list[Planted] = []
    for chrom, place in places:
        if len(planted) == len(kinds):
            break
        if any(each.chrom == chrom and abs(each.start - place) < APART for each in planted):
            continue
        vaf, kind = kinds[len(planted)]
        bases = contigs[chrom]
        if kind == "SNV":
            alt = rng.choice([base for base in "ACGT" if base != bases[place]])
            planted.append(Planted(chrom, place, bases[place], alt, vaf))
        elif len(planted) % 2:
            planted.append(Planted(chrom, place, bases[place : place + rng.randint(1, 6)], "", vaf))
        else:
            planted.append(Planted(chrom, place, "", "".join(rng.choices("ACGT", k=rng.randint(1, 6))), vaf))
    return planted


def sequence(folder: Path, sample: str, fragments: Iterable[str], profile: str, seed: int) -> None:
    """Read each fragment once with art_illumina."""
    fasta = folder / f"{sample}.fa"
    fasta.write_text("".join(f">{sample}.{number}\n{bases}\n" for number, bases in enumerate(fragments)))
    command = ["art_illumina", "-ss", profile, "-amp", "-p", "-na", "-q", "-l", READ, "-c", 1, "-rs", seed]
    command += ["-i", fasta, "-o", folder / f"{sample}_"]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    for mate in (1, 2):
        subprocess.run(["gzip", "-1", folder / f"{sample}_{mate}.fq"], check=True)
        (folder / f"{sample}_{mate}.fq.gz").rename(folder / f"{sample}_{mate}.fastq.gz")
    fasta.unlink()


def simulate(folder: Path, depth: int, profile: str) -> tuple[list[str], dict[str, list[Planted]]]:
    """Write genome, sheets and reads; returns the samples, and what is planted in each."""
    rng = random.Random(1)
    contigs, amplicons = design(rng)
    write_fasta(contigs, folder / "genome.fa")
    write_primers(folder, list(amplicons.values()))
    lines = [f"L{number + 1}" for number in range(LINES)]
    samples = [(f"{line}{short}", line, name) for line in lines
               for short, name in (("P", "parental"), ("CR", "resistant"))]  # fmt: skip
    write_sheet(folder, samples)
    bed = []
    for each in amplicons.values():
        bed.append(f"{each.chrom}\t{each.left_start}\t{each.left_end}\t{each.amplicon}_LEFT\t60\t+\n")
        bed.append(f"{each.chrom}\t{each.right_start}\t{each.right_end}\t{each.amplicon}_RIGHT\t60\t-\n")
    (folder / "primers.bed").write_text("".join(bed))
    planted = {}
    for number, (sample, line, _) in enumerate(samples):
        clean = line in lines[LINES - CLEAN :]
        planted[sample] = [] if clean else plant(contigs, amplicons.values(), rng)
        fragments = [
            bases
            for each in amplicons.values()
            for bases in products(each, depth, planted[sample], contigs, rng)
        ]
        sequence(folder, sample, fragments, profile, number + 1)
    return [sample for sample, *_ in samples], planted


def spent(command: str, folder: Path) -> tuple[float, float, float]:
    """Run a shell command; return seconds, CPU seconds and peak megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", WRAPPER, command], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def added(runs: Iterable[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Add up seconds; memory is the largest."""
    seconds, cpu, memory = zip(*runs, strict=True)
    return sum(seconds), sum(cpu), max(memory)


def ours(folder: Path, samples: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Run our scripts."""
    script = f"{sys.executable} {ROOT}/bin"
    genome = "--primers primers.tsv --genome genome.fa"
    align = [spent(f"{script}/align_amplicons.py windows {genome}", folder)]
    align += [
        spent(
            f"{script}/align_amplicons.py sample --sample {sample} --reads-1 {sample}_1.fastq.gz "
            f"--reads-2 {sample}_2.fastq.gz --windows windows --genome genome.fa --results alignments",
            folder,
        )
        for sample in samples
    ]
    sheet = "--amplicons amplicons.tsv"
    counted = f"{script}/count_amplicon_alleles.py {sheet} --alignments alignments {genome} --results counts"
    judged = f"{script}/amplicon_variants.py {sheet} --alleles counts/alleles.tsv --sites counts/sites.tsv"
    return {
        "align_amplicons": added(align),
        "count_amplicon_alleles": spent(counted, folder),
        "amplicon_variants": spent(f"{judged} {genome} --results variants", folder),
    }


def ivar(folder: Path, samples: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Run ivar on each sample; it writes to the folder ivar."""
    (folder / "ivar").mkdir()
    trim = "ivar trim -e -b primers.bed -i alignments/{0}.bam -p ivar/{0} && "
    trim += "samtools sort -o ivar/{0}.s.bam ivar/{0}.bam"
    call = "samtools mpileup -aa -A -d 0 -B -Q 0 --reference genome.fa ivar/{0}.s.bam | "
    call += f"ivar variants -p ivar/{{0}} -q 20 -t {RIVAL_SHARE} -r genome.fa"
    return {
        "ivar trim": added(spent(trim.format(sample), folder) for sample in samples),
        "ivar variants": added(spent(call.format(sample), folder) for sample in samples),
    }


def freebayes(folder: Path, samples: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Run freebayes on some samples together; it writes freebayes.vcf."""
    named = []
    for sample in samples:  # it tells samples apart by read groups
        named.append(f"named.{sample}.bam")
        group = ["-w", "-r", f"ID:{sample}", "-r", f"SM:{sample}", "-o", named[-1]]
        header = ["samtools", "addreplacerg", *group, f"alignments/{sample}.bam"]
        for command in (header, ["samtools", "index", named[-1]]):
            subprocess.run(command, check=True, cwd=folder)
    options = f"--pooled-continuous -F {RIVAL_SHARE} -C 3 -m 20 -q 20"
    command = f"freebayes -f genome.fa {options} {' '.join(named)} > freebayes.vcf"
    return {"freebayes": spent(command, folder)}


class Calls:
    """What a tool found: variants in normal form, by sample."""

    def __init__(self, folder: Path) -> None:
        """Read the genome."""
        with pysam.FastaFile(str(folder / "genome.fa")) as fasta:
            self.sequences = {name: sequence_around(fasta, name, 0, 10**6) for name in fasta.references}
        self.of: dict[str, set[Variant]] = defaultdict(set)

    def add(self, sample: str, chrom: str, start: int, ref: str, alt: str) -> None:
        """Add a variant; substitutions of several bases at once each on its own."""
        variant = self.normal(chrom, start, ref, alt)
        if len(variant.ref) == len(variant.alt):
            for at, (old, new) in enumerate(zip(variant.ref, variant.alt, strict=True)):
                if old != new:
                    self.of[sample].add(Variant(chrom, variant.start + at, old, new))
        else:
            self.of[sample].add(variant)

    def normal(self, chrom: str, start: int, ref: str, alt: str) -> Variant:
        """Bring a variant into normal form."""
        return normal_form(start, ref, alt, self.sequences[chrom])


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Read the rows of a TSV by column."""
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    return (dict(zip(header, row, strict=True)) for row in rows)


def read_ours(folder: Path) -> Calls:
    """Read variants.tsv."""
    calls = Calls(folder)
    for each in rows_of(folder / "variants/variants.tsv"):
        if each["status"] == "ok":
            calls.add(each["sample"], each["chrom"], int(each["pos"]) - 1, each["ref"], each["alt"])
    return calls


def read_ivar(folder: Path, samples: Iterable[str]) -> Calls:
    """Read what passes ivar's test."""
    calls = Calls(folder)
    for sample in samples:
        for each in rows_of(folder / f"ivar/{sample}.tsv"):
            if each["PASS"] != "TRUE":
                continue
            place, ref, alt = int(each["POS"]) - 1, each["REF"], each["ALT"]
            if alt[0] in "+-":
                ref, alt = ("", alt[1:]) if alt[0] == "+" else (alt[1:], "")
                place += 1
            calls.add(sample, each["REGION"], place, ref, alt)
    return calls


def read_freebayes(folder: Path) -> Calls:
    """Read alleles of freebayes that have the share in a sample, of any QUAL: it is near 0 for rare ones."""
    calls = Calls(folder)
    with pysam.VariantFile(str(folder / "freebayes.vcf")) as records:
        for record in records:
            for sample, values in record.samples.items():
                counts = values["AO"] if isinstance(values["AO"], tuple) else (values["AO"],)
                for alt, count in zip(record.alts, counts, strict=True):
                    if count and count >= RIVAL_SHARE * values["DP"] and count >= 3:
                        calls.add(sample, record.chrom, record.start, record.ref, alt)
    return calls


def told(name: str, calls: Calls, planted: Mapping[str, list[Planted]], samples: Iterable[str]) -> str:
    """Say recall by VAF and kind, and false calls."""
    found, all_of, false, clean = defaultdict(int), defaultdict(int), 0, 0
    for sample in samples:
        truth = {}
        for each in planted[sample]:
            kind = "SNV" if len(each.ref) == len(each.alt) else "indel"
            truth[calls.normal(each.chrom, each.start, each.ref, each.alt)] = kind, each.share
        for variant, key in truth.items():
            all_of[key] += 1
            found[key] += variant in calls.of[sample]
        wrong = len(calls.of[sample] - truth.keys())
        false += wrong
        clean += 0 if truth else wrong
    parts = [
        f"{kind} " + ", ".join(f"{100 * vaf:g} % {found[kind, vaf]}/{all_of[kind, vaf]}" for vaf in VAFS)
        for kind in ("SNV", "indel")
    ]
    return f"  {name:18s} found: {'; '.join(parts)}; false {false}, of these in clean samples {clean}"


@click.command()
@click.option("--depth", default=2000, show_default=True, help="Fragments of an amplicon.")
@click.option("--freebayes-lines", default=2, show_default=True, help="Lines that freebayes gets; 0: none.")
@click.option("--profile", default="MSv1", show_default=True, help="Of art_illumina; MSv3 is MiSeq v3.")
def main(depth: int, freebayes_lines: int, profile: str) -> None:
    """Print seconds, memory, recall and false calls."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples, planted = simulate(folder, depth, profile)
        fewer = samples[len(samples) - 2 * freebayes_lines :]
        took = ours(folder, samples)
        took |= ivar(folder, samples)
        found = {"ours": (read_ours(folder), samples), "ivar": (read_ivar(folder, samples), samples)}
        if freebayes_lines:
            took |= freebayes(folder, fewer)
            found["freebayes"] = read_freebayes(folder), fewer
            found["ours, as freebayes"] = found["ours"][0], fewer
        study = f"{len(samples)} samples x {AMPLICONS} amplicons"
        print(f"amplicon_variants: {study} x {depth:,} pairs of 2 x {READ}")
        whole = added(
            [took[each] for each in ("align_amplicons", "count_amplicon_alleles", "amplicon_variants")]
        )
        calling = added([took[each] for each in ("count_amplicon_alleles", "amplicon_variants")])
        for step, (seconds, cpu, memory) in took.items():
            print(f"  {step:22s} {seconds:7.1f} s, CPU {cpu:7.1f} s, {memory:6.0f} MB")
        print(f"  from FASTQ to variants {whole[0]:7.1f} s, CPU {whole[1]:7.1f} s, {whole[2]:6.0f} MB")
        theirs = added([took["ivar trim"], took["ivar variants"]])
        print(f"  ivar takes {theirs[0] / calling[0]:.1f} times as long as counting and judging do")
        if freebayes_lines:
            share = len(fewer) / len(samples)
            ratio = took["freebayes"][0] / (share * calling[0])
            print(
                f"  freebayes takes {took['freebayes'][0]:.0f} s for {len(fewer)} of the samples, "
                f"{ratio:.0f} times as long as ours by sample"
            )
        for tool, (calls, own) in found.items():
            print(told(tool, calls, planted, own))


if __name__ == "__main__":
    main()
