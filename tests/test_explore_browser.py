"""Report, theory and explorer in a real browser: every figure is drawn, nothing complains, sliders move pictures."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distaff.plugins.registry import FIGURES
from distaff.reports.pages.site import StudyFacts, build
from distaff.testing.simulated_study import simulated, untrained
from small_store import small_store

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def visit(browser: Any, address: str, width: int = 1280, scheme: str = "light") -> tuple[Any, list[str]]:
    """The page at `address`, and what its console complains of from now on."""
    page = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme).new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(address)
    return page, complaints


def wait_for(page: Any, condition: str, argument: object = None) -> None:
    """Wait until a condition holds on the page, whose policy forbids what Playwright would wait with: eval."""
    until = time.monotonic() + 20
    while not page.evaluate(condition, argument):
        assert time.monotonic() < until, condition
        page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table, runs = simulated(2)
    return build(StudyFacts("quick"), table, runs, tmp_path_factory.mktemp("report"), untrained=untrained()).parent


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), pytest.param(400, "dark", marks=pytest.mark.slow)])
def test_every_figure_of_a_report_is_drawn_from_disk(browser: Any, report: Path, width: int, scheme: str) -> None:
    drawn = 0
    for path in sorted(report.glob("*.html")):
        page, complaints = visit(browser, path.as_uri(), width, scheme)
        places = page.locator("[data-chart]:visible")
        for number in range(places.count()):
            places.nth(number).scroll_into_view_if_needed()
            places.nth(number).locator("svg [class*=mark-] path").first.wait_for(state="attached")
        drawn += places.count()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
        assert complaints == [], path.name
        page.close()
    assert drawn >= len(FIGURES.names()) / 2, "the simulated study has scores for most figures"


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = small_store(tmp_path_factory.mktemp("out") / "store")
    run = "import sys; from pathlib import Path; from distaff.commands.explore import explore; "
    command = [sys.executable, "-c", run + "explore(Path(sys.argv[1]), port=0, browser=False)", str(store.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
        process.send_signal(signal.SIGINT)
        process.wait(20)


def open_page(browser: Any, address: str, **how: Any) -> tuple[Any, list[str]]:
    page, complaints = visit(browser, address, **how)
    page.locator("#chart svg .mark-symbol path").first.wait_for()
    return page, complaints


def pixels(page: Any) -> str:
    """What the canvas of the moved image shows."""
    return str(page.locator("#moved").evaluate("canvas => canvas.toDataURL()"))


def test_a_click_on_a_point_opens_its_run(browser: Any, explorer: str) -> None:
    page, complaints = open_page(browser, explorer)
    points = page.locator("#chart svg .mark-symbol path")
    assert points.count() == 3
    for number in range(3):
        box = points.nth(number).bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        label = points.nth(number).get_attribute("aria-label")
        id = next(one for one in page.evaluate("fetch('data.json').then(r => r.json())")["runs"] if one["id"] in label)
        page.get_by_text(f"run {id['id']}").wait_for()
        assert page.locator("#spec").inner_text() == id["spec"]
        page.wait_for_timeout(300)  # the chart gives way to the run
    assert complaints == []


def test_a_slider_changes_the_picture_and_its_code_brings_it_back(browser: Any, explorer: str) -> None:
    page, complaints = open_page(browser, explorer)
    page.locator("#rows button").first.click()
    page.locator("#moved[data-z]").wait_for()
    before = pixels(page)
    changed = 0
    for number in range(page.locator("#sliders input").count()):
        data = page.locator("#moved").get_attribute("data-z")
        page.locator("#sliders input").nth(number).focus()
        page.keyboard.press("End")
        wait_for(page, "z => document.getElementById('moved').dataset.z !== z", data)
        changed += pixels(page) != before
        page.locator("#reset").click()
        page.wait_for_timeout(200)
        assert pixels(page) == before
    assert changed > 0
    assert page.locator("#rebuilt").evaluate("image => image.naturalWidth") == 16
    page.locator("summary").first.click()
    wait_for(page, "document.querySelector('#pictures img')?.naturalWidth > 500")
    assert complaints == []


def test_filters_axes_and_a_brush_narrow_the_list(browser: Any, explorer: str) -> None:
    page, complaints = open_page(browser, explorer)
    count = page.locator("#count")
    assert count.inner_text() == "3 of 3 runs"
    page.get_by_role("checkbox", name="DIP-VAE-I").uncheck()
    wait_for(page, "document.getElementById('count').textContent === '2 of 3 runs'")
    page.get_by_label("Search").fill("beta=0.2")
    wait_for(page, "document.getElementById('count').textContent === '1 of 3 runs'")
    page.get_by_label("Search").fill("")
    page.get_by_role("checkbox", name="DIP-VAE-I").check()
    page.get_by_label("Across").select_option(label="Reconstruction loss")
    page.locator("#chart svg").get_by_text("Reconstruction loss").wait_for()
    wait_for(page, "document.querySelectorAll('#chart svg .mark-symbol path').length === 3")
    boxes = [page.locator("#chart svg .mark-symbol path").nth(n).bounding_box() for n in range(3)]
    left = min(boxes, key=lambda box: box["x"])
    x, y = left["x"] + left["width"] / 2, left["y"] + left["height"] / 2
    ground = page.locator("#chart svg .background").first.bounding_box()
    inwards = 10 if y < ground["y"] + ground["height"] / 2 else -10  # a brush starts inside the frame
    page.mouse.move(x + 10, y + inwards)
    page.mouse.down()
    page.mouse.move(x - 10, y - inwards, steps=5)
    page.mouse.up()
    wait_for(page, "document.getElementById('count').textContent === '1 of 3 runs brushed'")
    assert page.locator("#rows tr").count() == 1
    assert complaints == []


def test_the_explorer_fits_a_telephone_in_the_dark(browser: Any, explorer: str) -> None:
    page, complaints = open_page(browser, explorer, width=400, scheme="dark")
    page.locator("#rows button").first.click()
    page.locator("#moved[data-z]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert complaints == []


def test_as_many_runs_as_the_study_had_are_drawn_and_a_click_still_finds_one(browser: Any, explorer: str) -> None:
    page, complaints = visit(browser, "about:blank")

    def many(route: Any) -> None:
        data = route.fetch().json()
        one = {**data["runs"][0], "m0": 0.0, "m1": 0.0}
        cloud = [{**one, "m0": 1 + i % 112 / 112, "m1": 1 + i // 112 / 112} for i in range(12_599)]
        route.fulfill(json={**data, "runs": [{**one, "seed": 7}, *cloud]})

    page.route("**/data.json", many)
    page.goto(explorer)
    for axis, key in (("x", "m0"), ("y", "m1")):
        page.locator(f"#{axis}").select_option(value=key)
    page.locator("#chart canvas").wait_for()
    wait_for(page, "document.getElementById('count').textContent === '12600 of 12600 runs'")
    page.wait_for_timeout(1000)
    chart = page.locator("#chart canvas").bounding_box()
    for x in range(40, 80):  # the lone run stands in the lower left corner, a little inside the axes
        page.mouse.click(chart["x"] + x, chart["y"] + chart["height"] - 52)
        if page.locator("#about").inner_text().startswith("toy, seed 7"):
            break
    assert page.locator("#about").inner_text().startswith("toy, seed 7")
    assert complaints == []
