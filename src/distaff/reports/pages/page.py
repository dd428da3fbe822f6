"""The page as text: small templates that escape their arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from distaff import atomic
from distaff.untrusted.markup import escape, filled, href, json_in_script, page_policy

HERE = Path(__file__).parent


def key(looks: Mapping[str, tuple[str, str]]) -> str:
    """The key of methods: one for the page, in the colours and shapes of every chart."""
    items = "".join(
        f'<li><svg viewBox="-6 -6 12 12" aria-hidden="true"><path d="{SHAPES[shape]}" fill="{colour}"/></svg>'
        f"{escape(name)}</li>"
        for name, (colour, shape) in looks.items()
    )
    return f'<ul class="key" aria-label="methods">{items}</ul>'


SHAPES = {
    "circle": "M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z",
    "square": "M-4.5-4.5H4.5V4.5H-4.5Z",
    "diamond": "M0-5.5L4.5 0L0 5.5L-4.5 0Z",
    "triangle-up": "M0-5L5 4.5H-5Z",
    "triangle-down": "M0 5L5-4.5H-5Z",
    "triangle-left": "M-5 0L4.5-5V5Z",
    "triangle-right": "M5 0L-4.5-5V5Z",
    "cross": "M-1.8-5H1.8V-1.8H5V1.8H1.8V5H-1.8V1.8H-5V-1.8H-1.8Z",
    "stroke": "M-5-1.2H5V1.2H-5Z",
    "arrow": "M0-5L4 5L0 2.5L-4 5Z",
}


def section(name: str, marks: Mapping[str, Any], body: str, *, dataset: str, guide: str = "") -> str:
    """One figure with its question, its charts, and how to read it."""
    source = f" · {escape(marks['paper'])}" if marks.get("paper") else ""
    return (
        f'<section class="figure" id="{escape(name)}"><header><p class="eyebrow">{escape(dataset)}{source}</p>'
        f"<h2>{escape(marks['question'])}</h2><p class='sub'>{escape(marks['title'])}</p></header>"
        f"{body}{guide}</section>"
    )


def reading_guide(marks: Mapping[str, Any], n: str, links: Iterable[tuple[str, str]]) -> str:
    """How to read a figure, its n, its interval, and its files."""
    files = " ".join(f'<a href="{href(where)}">{escape(text)}</a>' for text, where in links)
    return (
        f'<dl class="facts"><div><dt>How to read it</dt><dd>{escape(marks["reading"])}</dd></div>'
        f"<div><dt>n</dt><dd>{escape(n)}</dd></div><div><dt>Interval</dt><dd>{escape(marks['interval'])}</dd></div>"
        f'<div><dt>Files</dt><dd class="files">{files}</dd></div></dl>'
    )


def chart(place: str, caption: str, *, keyed: bool, height: float = 240, files: Iterable[str] = ()) -> str:
    """The place of one chart, filled by the script; `keyed` where the page's key stands for its legend.

    The place has its `height` before it is filled, so that a link further down the page lands where it should.
    """
    links = " ".join(f'<a href="{href(where)}">{escape(where.rpartition(".")[2].upper())}</a>' for where in files)
    title = f"<figcaption><span>{escape(caption)}</span> <small>{links}</small></figcaption>"
    return (
        f'<figure class="chart">{title}<div class="plot" style="min-height:{height + 60:.0f}px" '
        f'data-chart="{escape(place)}" data-keyed="{int(keyed)}"></div></figure>'
    )


def data(value: Any, name: str = "REPORT") -> str:
    """A script element that holds a value, for the scripts that come after it."""
    return f"<script>const {name} = {json_in_script(value)};</script>"


def write_file(path: Path, content: str | bytes) -> Path:
    """Write a file of a report whole, or not at all.

    It is not forced to the disk: a report has thousands of small files, and is made again where one has changed.
    """
    return atomic.write(path, content.encode("utf-8") if isinstance(content, str) else content, fsync=False)


def document(title: str, body: str, *, scripts: Iterable[str] = (), nav: str = "") -> str:
    """A whole page: `body` is HTML, `scripts` are elements that stand at its end, and no others are run."""
    elements = list(scripts)
    holes = {"title": escape(title), "nav": nav, "body": body, "scripts": "".join(elements)}
    template = (HERE / "page.html").read_text(encoding="utf-8")
    return filled(template, {**holes, "policy": escape(page_policy(elements))})


def navigation(study: str, links: Iterable[tuple[str, str]]) -> str:
    """The line at the top of every page that leads to the others."""
    rest = "".join(f'<a href="{href(where)}">{escape(text)}</a>' for text, where in links)
    return f'<nav class="nav"><div class="wrap"><a class="home" href="index.html">{escape(study)}</a>{rest}</div></nav>'
