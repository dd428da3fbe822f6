"""The two pictures of pages that README and docs show: a report and the explorer, as Chromium draws them.

    python docs/screenshots.py out/laptop [--chromium /usr/bin/chromium]

The store must have its report (`distaff report`). Needs `pip install playwright` and a Chromium.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

PICTURES = Path(__file__).parent / "pictures"
WIDTH, PORT = 1280, 8_649


def report(browser: Browser, store: Path) -> None:
    """The first screen of the report."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 1_400}, color_scheme="light")
    page.goto((store / "report" / "index.html").resolve().as_uri())
    page.wait_for_timeout(2_000)  # charts draw one after the other
    page.screenshot(path=PICTURES / "report.png")
    page.close()


def explorer(browser: Browser, store: Path) -> None:
    """The explorer with a run that was opened."""
    command = [sys.executable, "-c", "from distaff.cli import main; main()"]
    server = subprocess.Popen([*command, "explore", str(store), "--port", str(PORT), "--no-browser"])
    try:
        page = browser.new_page(viewport={"width": WIDTH, "height": 1_000}, color_scheme="light")
        for _ in range(60):
            try:
                page.goto(f"http://127.0.0.1:{PORT}/")
                break
            except PlaywrightError as error:  # not listening yet
                if server.poll() is not None:
                    raise RuntimeError(f"the explorer ended with status {server.returncode}") from error
                page.wait_for_timeout(500)
        page.wait_for_selector("#chart svg, #chart canvas")  # a canvas where there are many runs
        page.click("#rows button >> nth=0")
        page.wait_for_selector("#sliders input")
        page.wait_for_timeout(1_000)
        page.screenshot(path=PICTURES / "explorer.png", full_page=True)
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        report(browser, given.store)
        explorer(browser, given.store)
        browser.close()


if __name__ == "__main__":
    main()
