"""All 11,670 CCLE curves beside scipy.optimize.curve_fit: time, peak memory, and whose optimum is better.

Ours    four-parameter fits alone; and the whole: fits, the rule's three-parameter fits, profile intervals and
        statuses, as fit_dose_curves and dose_response make them.
Rival   curve_fit per curve, the same model within the same bounds, on every 40th curve (times 40, which is
        said), from one start: lowest response, range, slope 1, median dose. And bindcurve's IC50 model on
        every 800th curve, if it is installed (without bounds: its optimum may lie elsewhere).
Each runs in a process of its own, median of 3; reading and imports are not counted.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data/dose_response/CCLE2012_dose_response_11670_curves.csv.gz"
RUNS, EVERY, EVERY_BINDCURVE = 3, 40, 800


def curves() -> tuple[np.ndarray, np.ndarray]:
    """Return doses and viabilities (curves x 8, NaN where there is none)."""
    table = pd.read_csv(DATA)
    dose, value = (table.filter(regex=f"^{name}").to_numpy(float) for name in ("dose", "via"))
    missing = ~(np.isfinite(dose) & np.isfinite(value))
    dose[missing], value[missing] = np.nan, np.nan
    return dose, value


def rival(dose: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Fit each curve by curve_fit; return squares, NaN where it fails."""

    def response(x: np.ndarray, bottom: float, amplitude: float, ln_slope: float, place: float) -> np.ndarray:
        return bottom + amplitude * expit(-np.log(10) * np.exp(ln_slope) * (x - place))

    squares = np.full(len(dose), np.nan)
    for row, (doses, y) in enumerate(zip(np.log10(dose), value, strict=True)):
        x, y = doses[np.isfinite(doses)], y[np.isfinite(y)]
        low, high = [-np.inf, 0, *np.log([0.1]), x.min() - 2], [np.inf, np.inf, *np.log([10]), x.max() + 2]
        start = [y.min(), max(np.ptp(y), 1), 0, np.median(x)]
        try:
            p, _ = curve_fit(response, x, y, start, bounds=(low, high), max_nfev=2000)
        except RuntimeError:
            continue
        squares[row] = ((y - response(x, *p)) ** 2).sum()
    return squares


def bindcurve_rival(dose: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Fit each curve by bindcurve; return squares, NaN where it fails."""
    known = np.isfinite(value)
    names = np.char.zfill(np.nonzero(known)[0].astype(str), 6)
    table = {"compound_id": names, "concentration": dose[known], "response": value[known]}
    data = bindcurve.DoseResponseData(pd.DataFrame(table))
    fits = bindcurve.fit(data, "ic50", errors="collect").experiments().set_index("compound_id")
    return fits.rss.where(fits.success).to_numpy(float)


def gathered(dose: np.ndarray, value: np.ndarray) -> tuple[object, np.ndarray]:
    """Make a batch of all curves; return it with the mask of values."""
    known = np.isfinite(value)
    return gather(np.nonzero(known)[0], dose[known], value[known], len(value)), known


def ours(dose: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Fit four parameters to all curves."""
    points, _ = gathered(dose, value)
    return fit(model_of("4pl"), points).squares + points.within


def whole(dose: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Fit, find intervals and judge all curves; the statuses as they are counted."""
    points, known = gathered(dose, value)
    table = chosen(points, np.ones(len(value), dtype=bool), "4pl", 0.95)
    numbers = pd.DataFrame({"curve": np.nonzero(known)[0], "dose": dose[known], "value": value[known]})
    status, _ = judge(table, diagnose(numbers, len(value)), 0.95)
    return status.to_numpy(str)


def measure(name: str, path: Path) -> dict[str, float]:
    """Run one in a process of its own: seconds, and peak memory in GB."""
    words = [sys.executable, __file__, name, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print times, memory, and the share of curves whose optimum is as good as the rival's, or better."""
    with tempfile.TemporaryDirectory() as folder:
        names = ["ours", "whole", "rival", *(["bindcurve"] if find_spec("bindcurve") else [])]
        paths = {name: Path(folder, f"{name}.npy") for name in names}
        runs = {name: [measure(name, path) for _ in range(RUNS)] for name, path in paths.items()}
        results = {name: np.load(path) for name, path in paths.items()}
    seconds = {name: statistics.median(run["seconds"] for run in each) for name, each in runs.items()}
    memory = {name: statistics.median(run["gb"] for run in each) for name, each in runs.items()}
    found, expected = results["ours"][::EVERY], results["rival"]
    known = np.isfinite(expected)
    good = found[known] <= expected[known] * (1 + 1e-6)
    worst = (found[known] / expected[known] - 1).max()
    counts = pd.Series(results["whole"]).value_counts()
    print(
        f"fit_dose_curves: {EVERY * seconds['rival'] / seconds['ours']:.0f} times as fast as curve_fit "
        f"({seconds['ours']:.2f} s for {len(results['ours']):,} curves; {seconds['rival']:.2f} s for every "
        f"{EVERY}th, that is {EVERY * seconds['rival']:.0f} s scaled; peak memory {memory['ours']:.2f} GB, "
        f"{memory['rival']:.2f} GB); optimum the same or better for {100 * good.mean():.2f} % of "
        f"{known.sum():,} (squares at most {worst:.1e} above; curve_fit failed on {(~known).sum()}); with "
        f"intervals and statuses {seconds['whole']:.1f} s: "
        + ", ".join(f"{status} {count:,}" for status, count in counts.items())
    )
    if "bindcurve" in results:
        scaled, expected = EVERY_BINDCURVE * seconds["bindcurve"], results["bindcurve"]
        known, found = np.isfinite(expected), results["ours"][::EVERY_BINDCURVE]
        good = found[known] <= expected[known] * (1 + 1e-6)
        print(
            f"fit_dose_curves: {scaled / seconds['ours']:.0f} times as fast as bindcurve ({scaled:.0f} s "
            f"scaled from every {EVERY_BINDCURVE}th; peak memory {memory['bindcurve']:.2f} GB); "
            f"optimum the same or better for {100 * good.mean():.1f} % of {known.sum():,}"
        )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        sys.path.insert(0, str(ROOT / "bin"))
        if sys.argv[1] == "rival":
            from scipy.optimize import curve_fit
            from scipy.special import expit
        elif sys.argv[1] == "bindcurve":
            import bindcurve

            warnings.simplefilter("ignore")
        else:
            from dose_response import diagnose, judge
            from fit_dose_curves import chosen, fit, gather, model_of
        given = curves()
        if sys.argv[1] in ("rival", "bindcurve"):
            step = EVERY if sys.argv[1] == "rival" else EVERY_BINDCURVE
            given = tuple(each[::step] for each in given)
        start = time.perf_counter()
        run = {"ours": ours, "whole": whole, "rival": rival, "bindcurve": bindcurve_rival}[sys.argv[1]]
        result = run(*given)
        seconds = time.perf_counter() - start
        np.save(sys.argv[2], result)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(json.dumps({"seconds": seconds, "gb": peak}))
