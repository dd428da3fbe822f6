"""The site: `sphinx-build -W docs out/site` makes it, with its lists of plug-ins, its pictures and its theorem."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from made import make_all

import distaff

project, author, version = "distaff", "The distaff authors", distaff.__version__
extensions = ["myst_nb"]
html_theme, html_title = "furo", f"distaff {version}"
html_show_copyright, html_static_path, html_extra_path = False, [], ["_made/extra"]
exclude_patterns = ["_made/extra", "_made/cache"]
nb_ipywidgets_js = {}  # pages open without a network
suppress_warnings = ["mystnb.unknown_mime_type"]
nb_execution_timeout, nb_execution_raise_on_error, nb_execution_mode = 600, True, "cache"
nb_execution_cache_path = str(Path(__file__).parent / "_made" / "cache")


def setup(app):
    """Make what the pages show; with `-D quick=1` the pictures are of a model that has hardly been trained."""
    app.add_config_value("quick", False, "env", (bool, int, str))
    app.connect("config-inited", lambda _, config: make_all(Path(app.srcdir), bool(config.quick)))
