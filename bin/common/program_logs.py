"""Lay out what fastp, salmon and STAR wrote of each sample, so that MultiQC's own modules show it.

MultiQC names a sample by what it finds in a log or by the folder it lies in: both are set to the sample's
name. What is not shown (commands and times of the run, counts of k-mers) is left out: MultiQC keeps all that
it reads.
"""

import json
import shutil
from pathlib import Path

FASTP = ".fastp.json"
STAR = ".Log.final.out"
CURVES = {"quality_curves": ("mean",), "content_curves": ("GC", "N")}
PAIRED = ("I", "O", "M")  # first letter of salmon's type of a paired library: inward, outward, matching


def lay_out_logs(logs: Path, folder: Path) -> list[str]:
    """Put the logs that there are into a folder; returns the modules of MultiQC that they are for."""
    found = []
    for module, lay_out in {"fastp": lay_out_fastp, "salmon": lay_out_salmon, "star": lay_out_star}.items():
        (folder / module).mkdir(parents=True)
        if lay_out(logs, folder / module):
            found.append(module)
    return found


def lay_out_fastp(logs: Path, folder: Path) -> int:
    """Write the numbers that are shown, under the name of the sample; returns how many."""
    paths = sorted(logs.glob(f"*{FASTP}"))
    for path in paths:
        sample = path.name.removesuffix(FASTP)
        log = json.loads(path.read_text()) | {"command": f"fastp --report_title {sample}"}
        for part in log.values():
            if isinstance(part, dict) and part.keys() >= CURVES.keys():
                part.pop("kmer_count", None)
                for curves, names in CURVES.items():
                    part[curves] = {name: part[curves][name] for name in names if name in part[curves]}
        # MultiQC knows the file by text in its first lines.
        (folder / path.name).write_text(json.dumps(log, indent=1))
    return len(paths)


def lay_out_salmon(logs: Path, folder: Path) -> int:
    """Copy the fragments' lengths, where mates were mapped: else they are assumed; returns how many."""
    samples = 0
    for path in sorted(logs.glob("*/aux_info/meta_info.json")):
        sample = path.parent.parent
        meta = json.loads(path.read_text())
        lengths = sample / "libParams" / "flenDist.txt"
        if meta["num_mapped"] and lengths.is_file() and meta["library_types"][0].startswith(PAIRED):
            (folder / sample.name / "libParams").mkdir(parents=True)
            shutil.copyfile(lengths, folder / sample.name / "libParams" / lengths.name)
            samples += 1
    return samples


def lay_out_star(logs: Path, folder: Path) -> int:
    """Copy the summaries into a folder for each sample; returns how many."""
    paths = sorted(logs.glob(f"*{STAR}"))
    for path in paths:
        (folder / path.name.removesuffix(STAR)).mkdir()
        shutil.copyfile(path, folder / path.name.removesuffix(STAR) / "Log.final.out")
    return len(paths)
