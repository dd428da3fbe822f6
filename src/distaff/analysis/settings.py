"""Which runs are seeds of one setting, also in tables without its id, and how settings differ."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import polars as pl

from distaff.analysis.marks import ABOUT, marks
from distaff.errors import DistaffError
from distaff.plugins.registry import METHODS
from distaff.plugins.spec import content_id

SETTING = ("dataset", "setting")  # what the runs of one setting share: they differ by their seed alone
Kind = pl.DataType | type[pl.DataType]
TEXT = pl.Categorical()  # of columns with few texts: a number a row
ASPECTS: dict[str, Kind] = {  # of a configuration, beside its method: columns that tables of earlier versions lack
    "network": TEXT,
    "critic": TEXT,
    "optim": TEXT,
    "batch": pl.Int32,
    "updates": pl.Int32,
    "precision": TEXT,
}
IDS: dict[str, Kind] = {"setting": TEXT, "configuration": TEXT}
MEANING = pl.Enum(ABOUT)
POINT = (
    "method",
    "strength_index",
    "strength",
    "spec",
    "setting",
)  # the columns by which figures group the numbers of a setting


def complete(table: pl.DataFrame) -> pl.DataFrame:
    """The table with every column of settings, and `about` where it has a metric.

    Columns that an earlier version did not write are derived from those that it did: a setting is then a
    data set and a `spec`, with whatever other of its columns the table has; network, critic, optim, batch, updates and
    precision are null; `about` is that of the metric's decorator. Two networks in such a table look like one.
    """
    if "setting" not in table.columns or "configuration" not in table.columns:
        table = _with_ids(table)
    lacking = {name: kind for name, kind in ASPECTS.items() if name not in table.columns}
    table = table.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in lacking.items())
    return with_about(table) if "metric" in table.columns and "about" not in table.columns else table


def with_about(table: pl.DataFrame) -> pl.DataFrame:
    """The table with what each of its metrics is about, as decorators have it; null for one that is not known here."""
    names = table["metric"].unique().to_list()
    about = pl.DataFrame(
        {"metric": names, "about": [marks(name).about for name in names]}, schema_overrides={"about": MEANING}
    )
    return table.join(about.cast({"metric": table.schema["metric"]}), "metric", how="left", maintain_order="left")


def _with_ids(table: pl.DataFrame) -> pl.DataFrame:
    known = [name for name in ("spec", *ASPECTS) if name in table.columns]
    keys = ["dataset", *known]
    settings = table.select(keys).unique(maintain_order=True)
    described = [dict(zip(keys, row, strict=True)) for row in settings.cast(dict.fromkeys(keys, pl.String)).iter_rows()]
    ids = [content_id(one) for one in described]
    without = [content_id({name: value for name, value in one.items() if name != "dataset"}) for one in described]
    named = settings.with_columns(
        pl.Series("setting", ids, dtype=TEXT), pl.Series("configuration", without, dtype=TEXT)
    )
    rest = table.drop("setting", "configuration", strict=False)
    return rest.join(named, keys, how="left", nulls_equal=True, maintain_order="left")


def checked(rows: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """`rows`, a run each (for each value of `by`); raises `DistaffError` where two are of one setting and one seed."""
    same = rows.filter(pl.struct(*SETTING, "seed", *by).is_duplicated())
    if same.height:
        one = same.row(0, named=True)
        keys = (*SETTING, "seed", *by)
        other = same.filter([pl.col(name).eq_missing(one[name]) for name in keys]).row(1, named=True)
        raise DistaffError(
            f"runs {one['id']} and {other['id']} are of one setting and one seed ({one['spec']} on {one['dataset']}, "
            f"seed {one['seed']}): a table must hold one of them only, or a column (setting, network, updates ...) "
            "that tells them apart"
        )
    return rows


def labelled(frame: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `label` and `variant` of each of its settings, as short as the settings of `table` allow.

    `label` names the setting among all of its data set, `variant` among those of one method and strength: the method's
    text, and of network, critic, optim, batch, updates and precision those that vary within a method. `variant` is
    empty where nothing but methods and strengths varies.
    """
    names = labels(table)
    return frame.join(names.cast({"setting": frame.schema["setting"]}), "setting", how="left", maintain_order="left")


def labels(table: pl.DataFrame) -> pl.DataFrame:
    """A row a setting: setting, label and variant, as in `labelled`."""
    columns = ["dataset", "setting", "method", "strength", "spec", *ASPECTS]
    known = complete(table).select(columns).unique("setting", maintain_order=True).cast({"setting": pl.String})
    varying_aspects = [name for name in ASPECTS if _varies(known, name)]
    parameters = {spec: _parameters(spec) for spec in known["spec"].unique().to_list()}
    varying = _varying(known, parameters)
    rows = []
    for row in known.iter_rows(named=True):
        rest = [_aspect(name, row[name]) for name in varying_aspects if row[name] is not None]
        rest_of_spec = _without_strength(parameters[row["spec"]], row["strength"])
        method = row["method"]
        named = [f"{name}={rest_of_spec.get(name) or _default(method, name)}" for name in sorted(varying[method])]
        rows.append((row["setting"], ", ".join([row["spec"], *rest]), ", ".join([*named, *rest])))
    return pl.DataFrame(rows, dict.fromkeys(("setting", "label", "variant"), pl.String), orient="row")


def _varies(known: pl.DataFrame, name: str) -> bool:
    """Whether an aspect differs between settings of one method on one data set."""
    counts = known.drop_nulls(name).group_by("dataset", "method").agg(pl.col(name).n_unique())
    return bool((counts[name] > 1).any())


def _varying(known: pl.DataFrame, parameters: dict[str, dict[str, str]]) -> dict[str, set[str]]:
    """The parameters of each method beside its strength that differ between its settings."""
    varying: dict[str, set[str]] = {method: set() for method in known["method"].unique().to_list()}
    for (_, method), part in known.group_by("dataset", "method"):
        rows = part.select("spec", "strength").iter_rows()
        others = [_without_strength(parameters[spec], strength) for spec, strength in rows]
        names = {name for one in others for name in one}
        varying[str(method)] |= {name for name in names if len({one.get(name) for one in others}) > 1}
    return varying


def _default(method: str, name: str) -> str:
    """The default of a parameter, which the text of a method leaves out; of a method that is not here, the word."""
    plugin = METHODS.known(method)
    values = [one.default for one in plugin.parameters if one.name == name] if plugin else []
    return (f"{values[0]:g}" if isinstance(values[0], float) else str(values[0])) if values else "default"


def _parameters(spec: str) -> dict[str, str]:
    """The parameters in the text of a method, as text; none for a name that is not a call, such as `untrained`."""
    try:
        tree = ast.parse(spec, mode="eval").body
    except SyntaxError:  # a free text in a table from elsewhere
        return {}
    keywords = tree.keywords if isinstance(tree, ast.Call) else []
    return {str(keyword.arg): ast.unparse(keyword.value) for keyword in keywords}


def _without_strength(parameters: dict[str, str], strength: float | None) -> dict[str, str]:
    """The parameters but the strength: the first whose value it is."""
    for name, value in parameters.items():
        if strength is not None and _number(value) == strength:
            return {other: text for other, text in parameters.items() if other != name}
    return parameters


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _aspect(name: str, value: object) -> str:
    """An aspect as part of a label: numbers need their name beside them, texts of plug-ins and optimisers do not."""
    return f"{name}={value}" if name in ("batch", "updates") else str(value)
