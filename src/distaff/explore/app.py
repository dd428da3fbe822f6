"""The explorer as a Starlette application: it serves GET requests, reads one store, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from distaff.errors import DistaffError
from distaff.explore import sliders
from distaff.explore.guard import guard
from distaff.explore.index import StoreIndex, index_store, inside
from distaff.pictures.draw import FACTORS, IMAGES, MOVING, draw_pictures
from distaff.pictures.model import Encoded, encode_sample
from distaff.reports.charts import theme
from distaff.untrusted.markup import json_in_script

PAGES = {
    "": ("page.html", "text/html"),
    "page.js": ("page.js", "text/javascript"),
    "page.css": ("page.css", "text/css"),
}
PICTURES = {
    IMAGES: "Reconstructions, samples and traversals",
    FACTORS: "Which latent carries which factor",
    MOVING: "All latents moving",
}
OPEN_MODELS = 16  # that stay in memory


def app(folder: Path, drawn: Path, hosts: Sequence[str] = ()) -> Starlette:
    """The explorer of the store `folder`, served under local names and `hosts` only; it draws into the folder `drawn`.

    Raises `DistaffError` if there is no run in the store.
    """
    index = index_store(folder)

    @functools.lru_cache(maxsize=OPEN_MODELS)
    def model(id: str) -> Encoded:
        return encode_sample(index.store.model(id), sliders.ROWS)

    def of_run(request: Request) -> str:
        id = str(request.path_params["id"])
        if id not in index.runs:
            raise HTTPException(404, f"there is no run {id!r} in this store")
        return id

    def start(request: Request) -> Response:
        return _json(sliders.start(model(of_run(request)), _number(request)))

    def real(request: Request) -> Response:
        return _png(sliders.real(model(of_run(request)), _number(request)))

    def decode(request: Request) -> Response:
        return _png(sliders.moved(model(of_run(request)), request.query_params.get("z", "")))

    def picture(request: Request) -> Response:
        id, name = of_run(request), request.path_params["name"]
        if name not in PICTURES:
            raise HTTPException(404, f"there is no picture {name!r}")
        path = index.store.run_folder(id) / name
        if not (path.is_file() and inside(path, folder)):
            path = drawn / id / name
            if not path.exists():
                draw_pictures(index.store.model(id), path.parent)
        return FileResponse(path)

    routes = [
        *(Route(f"/{path}", functools.partial(_page, *page)) for path, page in PAGES.items()),
        Route("/vega.js", lambda _: Response(_vega(), media_type="text/javascript")),
        Route("/data.json", lambda _: _json(_data(index))),
        Route("/runs/{id}/start.json", start),
        Route("/runs/{id}/real.png", real),
        Route("/runs/{id}/decode.png", decode),
        Route("/runs/{id}/{name}", picture),
    ]
    guards = [Middleware(guard, hosts=hosts), Middleware(GZipMiddleware)]
    return Starlette(routes=routes, middleware=guards, exception_handlers={DistaffError: _refused, OSError: _refused})


def _page(file: str, kind: str, _: Request) -> Response:
    return Response(files("distaff.explore").joinpath(file).read_text("utf-8"), media_type=kind)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json_in_script(value), status, media_type="application/json")


def _png(content: bytes) -> Response:
    return Response(content, media_type="image/png")


def _refused(_: Request, error: Exception) -> Response:
    return _json({"error": str(error)}, 422)


def _number(request: Request) -> int:
    text = request.query_params.get("image", "0")
    if not text.isdecimal() or len(text) > 9:
        raise DistaffError(f"image={text!r}: an image is named by its number")
    return int(text)


@functools.cache
def _vega() -> str:
    try:
        import vl_convert
    except ImportError as error:
        raise DistaffError("the explorer needs the extra of reports: pip install 'distaff[report]'") from error
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle


def _data(index: StoreIndex) -> dict[str, Any]:
    """All that the page needs to draw: runs, the numbers for its axes, and how methods look."""
    return {
        "store": index.store.folder.name,
        "runs": index.rows,
        "measures": index.measures,
        "looks": theme.looks(run.method.name for run in index.runs.values()),
        "themes": {"light": theme.config(), "dark": theme.config(dark=True)},
        "leftOut": index.left_out,
        "pictures": PICTURES,
    }
