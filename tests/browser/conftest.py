"""A real browser that opens pages from files; without one, these tests are skipped and say so."""

import json
import os
import runpy
import shutil
from pathlib import Path
from urllib.parse import urlencode

import pytest

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--window-size=1280,900",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium():
    """A Chromium under remote control."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is absent; install the extra dev")
    binary = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("no Chromium with its driver here; on Debian: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(60)
    yield browser
    browser.quit()


class Reader:
    """Somebody who looks at one page."""

    def __init__(self, browser, path):
        self.browser = browser
        self.path = path

    def open(self, width=1280, height=900, **state):
        """Open the page afresh, at an address that holds this state, and wait until it is there."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.get("about:blank")
        for kind in ("browser", "performance"):
            self.browser.get_log(kind)
        self.browser.get(f"{self.path.as_uri()}#{urlencode(state)}")
        self.wait("document.documentElement.hasAttribute('data-ready')")
        return self

    def wait(self, condition):
        """Wait until a condition holds on the page."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.browser, 30, 0.02).until(lambda b: b.execute_script(f"return {condition}"))

    def ask(self, script, *arguments):
        """Return what a script on the page returns."""
        return self.browser.execute_script(script, *arguments)

    def texts(self, selector):
        """Return the texts of all visible elements."""
        return self.ask(
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
            ".map(e => e.innerText.replaceAll('\\u00a0', ' ').trim())",
            selector,
        )

    def one(self, selector):
        """Return the one element that is meant."""
        [found] = self.browser.find_elements("css selector", selector)
        return found

    def press(self, *keys):
        """Press keys, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def complaints(self):
        """Return what the console said."""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def requests(self):
        """Return every address that was asked for since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"].partition("#")[0] for each in sent]


@pytest.fixture(scope="session")
def synthetic_board():
    """``synthetic_board(folder, models, tasks, names)``."""
    return runpy.run_path(str(HERE.parent / "fixtures" / "synthetic_boards.py"))["synthetic_board"]


@pytest.fixture(scope="session")
def opened(chromium, tmp_path_factory):
    """Make the page of a board: ``opened(board) -> Reader``."""
    from harness_leaderboard.render_page import render_page

    def open_page(board):
        path = tmp_path_factory.mktemp("page") / "index.html"
        path.write_text(render_page(board))
        return Reader(chromium, path)

    return open_page


@pytest.fixture(scope="session")
def made(opened, synthetic_board, tmp_path_factory):
    """Make the page of a synthetic board: ``made(models, tasks, names) -> (Reader, board)``."""

    def make(models, tasks, names=None):
        board = synthetic_board(tmp_path_factory.mktemp("store"), models, tasks, names)
        return opened(board), board

    return make


@pytest.fixture(scope="session")
def small(made):
    """Seven models on three tasks."""
    return made(7, 3)


@pytest.fixture
def page(small):
    """The page of seven models on three tasks."""
    return small[0]


@pytest.fixture(scope="session")
def axe():
    """The program that looks for barriers."""
    return (HERE / "axe.min.js").read_text()
