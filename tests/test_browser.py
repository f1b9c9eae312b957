"""The report as a reader sees it: opened in a browser, at the width of a desk and of a phone, offline."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FAULTY = Path(__file__).parent / "data/faulty_page.html"
PAGE = (Path(__file__).parent / "page.js").read_text()
REPORT = Path("report/multiqc_report.html")
LARGEST = 10_000_000  # bytes
# Wide, high, and whether it is a phone's: Chromium's own window cannot be as narrow.
SCREENS = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
# As root there is no sandbox, in a container little shared memory; and no name of a host is known.
# A scroll bar takes room once the page is long: all plots would be drawn twice.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        *("--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"),
    ),
)


class Opened(NamedTuple):
    """A page in the browser, with what the browser has logged since it was asked for it."""

    driver: webdriver.Chrome
    width: int
    errors: list[str]
    requests: list[str]

    def says(self, function: str) -> list[str] | str:
        """Call a function of page.js."""
        return self.driver.execute_async_script(f"Promise.resolve(page.{function}()).then(arguments[0])")


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(110)
    yield driver
    driver.quit()


def opened(browser: webdriver.Chrome, path: Path, screen: str) -> Opened:
    """Open a file, and wait until all that it draws is drawn."""
    browser.get("about:blank")  # or all plots of the last page fit themselves to the new screen
    for log in ("browser", "performance"):
        browser.get_log(log)
    width, height, mobile = SCREENS[screen]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(path.resolve().as_uri())
    browser.execute_script(PAGE)
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script("return page.isDrawn()"))
    errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return Opened(browser, width, errors, requests)


@pytest.fixture(scope="module", params=SCREENS)
def report(request, demo, browser) -> Opened:
    return opened(browser, demo.folder / "results" / REPORT, request.param)


on_desktop = pytest.mark.parametrize("report", ["desktop"], indirect=True)


def test_report__is_one_file_that_needs_nothing_else(demo, report):
    path = demo.folder / "results" / REPORT
    assert path.stat().st_size < LARGEST
    assert {url.partition(":")[0] for url in report.requests} <= {"file", "data", "blob"}
    assert [url for url in report.requests if url.startswith("file")] == [path.resolve().as_uri()]


def test_report__runs_without_an_error(report):
    assert report.errors == []


def test_report__has_no_empty_section_or_plot(report):
    assert len(report.driver.find_elements(By.CSS_SELECTOR, ".mqc-section")) > 50
    assert report.says("empty") == []


def test_report__is_no_wider_than_the_screen(report):
    assert report.driver.execute_script("return window.innerWidth") == report.width
    assert report.says("overflow") == []


def test_report__has_no_labels_that_lie_on_each_other_or_are_cut(report):
    assert report.says("collisions") == []
    assert report.says("cut") == []


@pytest.mark.parametrize("report", ["phone"], indirect=True)  # where plots are narrowest
def test_report__has_none_in_what_the_buttons_of_its_plots_show(report):
    assert report.says("behindButtons") == []


def test_report__leads_only_to_what_is_there(demo, report):
    folder = (demo.folder / "results" / REPORT).parent
    files = report.says("links")
    assert len(files) > 100
    assert [name for name in files if not (folder / unquote(name)).is_file()] == []
    assert report.says("deadLinks") == []


@on_desktop
def test_report__shows_numbers_under_the_pointer(report):
    plot = report.driver.find_element(By.ID, "target_score-plot")
    report.driver.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", plot)
    bar = plot.find_element(By.CSS_SELECTOR, ".bars .point path")
    ActionChains(report.driver).move_to_element(bar).perform()
    WebDriverWait(report.driver, 10).until(
        lambda _: re.search(r"\d", plot.find_element(By.CSS_SELECTOR, ".hoverlayer").text)
    )


def plain(reasons: str) -> str:
    """Leave out what is in parentheses, as the first screen does."""
    return re.sub(r" \([^()]*\)", "", reasons)


@on_desktop
def test_report__says_on_its_first_screen_which_lines_are_candidates_and_why(demo, report):
    first_screen = report.says("firstScreen")
    candidates = pd.read_csv(demo.folder / "results/mmc_candidates/candidates.tsv", sep="\t", dtype="str")
    names = candidates.line + " " + candidates.condition
    reasons = dict(zip(names, candidates.reasons.map(plain), strict=True))
    chosen = candidates[candidates.call == "candidate"]
    barred = candidates[(candidates.nrf2_active == "yes") & (candidates.call == "not_candidate")]
    assert len(chosen)
    assert len(barred)
    for rows, words in (
        (chosen, "Candidates for mitomycin C are (.+?) NRF2 is active, but"),
        (barred, r"NRF2 is active, but NQO1 does not work, in (.+?\))\."),
    ):
        told = dict(re.findall(r"(\S+ \S+) \(([^()]+)\)", re.search(words, first_screen)[1]))
        assert list(told) == list(names[rows.index])
        assert all(why in reasons[name] for name, said in told.items() for why in re.split("[,;] ", said))
    assert "Research use only" in first_screen


@pytest.fixture
def faulty(browser) -> Opened:
    return opened(browser, FAULTY, "desktop")


def test_page__finds_what_is_wrong_with_a_page(faulty):
    assert faulty.says("collisions") == [
        "one: A heading | other: On the heading",
        "left: left | right: right",
    ]
    assert faulty.says("cut") == ["narrow: long words"]
    assert faulty.says("empty") == ["bare: nothing", "hollow: table rowless", "blank: plot plot"]
    assert faulty.says("overflow") == ["p wide: wide"]
    assert faulty.says("deadLinks") == ["#nowhere: a link"]
    assert "wide" in faulty.says("firstScreen")
    assert "below" not in faulty.says("firstScreen")


def test_opened__keeps_errors_and_requests(faulty):
    assert [word for word in ("said", "thrown") if not any(word in error for error in faulty.errors)] == []
    assert "https://example.org/tracker" in faulty.requests
