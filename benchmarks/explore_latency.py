"""How long a slider's move takes until the decoder's image stands on the page, in Chromium, for runs of a store.

    python benchmarks/explore_latency.py out/quick [--moves 200]

For one run of each data set: the median and the 95th percentile of the milliseconds from the slider's event to the
drawn canvas, and the share of moves under 100 ms. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

SERVE = "import sys; from pathlib import Path; from distaff.commands.explore import explore; "
SERVE += "explore(Path(sys.argv[1]), port=0, browser=False)"
MOVE = """([number, value]) => new Promise((done) => {
  const slider = document.querySelectorAll("#sliders input")[number], began = performance.now();
  const drawn = () => requestAnimationFrame(() => done(performance.now() - began));
  new MutationObserver((_, seen) => { seen.disconnect(); drawn(); }).observe(
    document.getElementById("moved"), { attributes: true, attributeFilter: ["data-z"] });
  slider.value = value;
  slider.dispatchEvent(new Event("input"));
})"""


def measure(page: Page, moves: int) -> np.ndarray:
    """Milliseconds of each move of the run that is open."""
    draw = np.random.default_rng(0)
    page.locator("#moved[data-z]").wait_for()
    sliders = page.locator("#sliders input").count()
    page.wait_for_timeout(500)
    return np.array([page.evaluate(MOVE, [number % sliders, draw.uniform(-2, 2)]) for number in range(moves)])


def main() -> None:
    """Measure one run of each data set of the store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--moves", type=int, default=200)
    given = parser.parse_args()
    with subprocess.Popen([sys.executable, "-c", SERVE, str(given.store)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            report(server.stdout.readline().split()[0], given.moves)
        finally:
            server.send_signal(signal.SIGINT)


def report(address: str, moves: int) -> None:
    """One line for each data set of the store that is served."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.locator("#chart svg .mark-symbol").first.wait_for()
        for dataset in page.locator("#dataset option").all():
            page.locator("#dataset").select_option(value=dataset.get_attribute("value"))
            page.wait_for_timeout(500)
            page.locator("#rows button").first.click()
            ms = measure(page, moves)
            figures = f"median {np.median(ms):.1f} ms, 95 % {np.quantile(ms, 0.95):.1f} ms"
            print(f"{dataset.get_attribute('value')}: {figures}, {np.mean(ms < 100):.1%} of {len(ms)} under 100 ms")
        browser.close()


if __name__ == "__main__":
    main()
