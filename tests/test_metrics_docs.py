"""Every metric has a page, the page lists its options, and its example runs as it stands."""

import re
from pathlib import Path

import pytest

from distaff.plugins.registry import METRICS

FOLDER = Path(__file__).parent.parent / "docs" / "metrics"
UNLABELLED = re.compile(r"`factors`\s+are\s+not\s+used")
PAGES = [*METRICS.names(), "udr", "README"]


def page(name):
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_the_example_of_the_page_runs_and_prints(name, capsys):
    examples = re.findall(r"```python\n(.*?)```", page(name), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, f"{name}.md", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", METRICS.names())
def test_the_page_tells_every_option_and_the_paper(name):
    text = page(name)
    for parameter in METRICS.plugin(name).parameters:
        if parameter.name != "seed":
            assert f"`{parameter.name}" in text, parameter.name
    assert re.search(r"(19|20)\d\d", text.split("\n")[3])
    assert {"## Options", "## What to know"} <= set(text.split("\n"))


@pytest.mark.parametrize("name", METRICS.names())
def test_the_page_says_whether_values_or_classes_count_and_what_does_not(name):
    text = " ".join(page(name).split())
    declared = METRICS.plugin(name).marks.get("depends_on", ())
    depends = [what for what in declared if what != "values"]  # which are of factors
    free = re.search(r"nor do(?:es)? the ([a-z, ]+) of a code", text)
    assert free
    assert {word for word in ("sign", "scale", "shift") if word in free[1]} == {"sign", "scale", "shift"} - set(depends)
    if depends:
        assert f"The {' and '.join(depends)} of a code do" in text
    if not UNLABELLED.search(METRICS.plugin(name).doc):
        assert re.search(r"- Factors are (classes|numbers).* Constant factors are left out\.", text)
        assert "values" not in declared or "- Factors are numbers" in text


def test_no_page_is_of_a_metric_that_is_not_there():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(PAGES)
    linked = re.findall(r"\]\((\w+)\.md\)", "".join(page(name) for name in PAGES))
    assert set(linked) <= set(PAGES)
    assert set(METRICS.names()) | {"udr"} <= set(re.findall(r"\]\((\w+)\.md\)", page("README")))


@pytest.mark.parametrize("name", ["mig", "mcc", "jemmig", "infomec", "med", "irs", "modularity"])
def test_the_robustness_table_is_what_its_program_computes(name, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER.parent.parent / "benchmarks"))
    import metrics_robustness

    for line in metrics_robustness.line(name):
        assert line in page("README")
