"""A headless Chromium and the sites that it opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sample_site import make_run

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--hide-scrollbars", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1280,900",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Chromium of the system; the tests are skipped, with the reason, where it or its driver is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip(f"{'chromedriver' if binary else 'chromium'} is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Site of a small run with images and hostile names."""
    # Eight images are enough for a test between four models.
    return make_run(tmp_path_factory.mktemp("run") / "sample", images=8)


@pytest.fixture(scope="session")
def axe() -> str:
    """Source of axe-core, the accessibility checker; from npm, see .ci/run."""
    for folder in (os.environ.get("SISR_AXE"), ROOT / ".cache" / "node_modules" / "axe-core"):
        if folder and (Path(folder) / "axe.min.js").is_file():
            return (Path(folder) / "axe.min.js").read_text(encoding="utf-8")
    pytest.skip("axe-core is not installed (npm install --prefix .cache axe-core)")


@pytest.fixture(scope="session")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Callable[[object, str], Path]:
    """Saves a screenshot under results/screenshots, to be looked at; returns its path."""
    folder = ROOT / "results" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def save(browser: object, name: str) -> Path:
        path = folder / f"{name}.png"
        browser.save_screenshot(str(path))  # type: ignore[attr-defined]
        return path

    return save
