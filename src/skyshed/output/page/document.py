"""A report put together: the page, its program and its data in one HTML file.

Nothing of what is measured, of headers or of names of files is ever markup: it is JSON in which
``<`` is spelled as an escape, which the program shows as text. The page's policy
(Content-Security-Policy) lets it run only the scripts and styles whose hashes it names, and
connect to nothing.
"""

import base64
import hashlib
import json
import math
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.flags import USUAL
from skyshed.namespace import to_host
from skyshed.output.atomic import whole_file
from skyshed.output.page.blocks import Blocks
from skyshed.output.page.columns import PageTable, read_table
from skyshed.output.page.contents import Contents, MapLayer
from skyshed.output.page.explained import (
    flag_rows,
    parameter_groups,
    record_rows,
    tile_rows,
    time_rows,
)
from skyshed.output.page.pixels import make_pyramid, tiles_of_sources
from skyshed.output.page.sky import sky_lattice
from skyshed.plotting import robust_noise

__all__ = ["MOST_BYTES", "hash_of", "write_page"]

#: What a page may take, and what of it the table and the labels may.
MOST_BYTES, TABLE_BYTES, LABELS_SHARE = 30_000_000, 9_000_000, 0.2
#: What all but table and pixels takes, at most: program, styles, texts, ellipses' share.
REST = 1_500_000
#: Most boxes along a side of a map.
MAP_SIDE = 512
#: The program, in the order in which it is put together. All files share one scope.
SCRIPTS = (
    "decode.js", "stretch.js", "catalog.js", "tiles.js", "marks.js", "viewer.js", "grid.js",
    "charts.js", "texts.js", "main.js",
)  # fmt: skip


def write_page(contents: Contents, path: str | os.PathLike[str]) -> None:
    """Write a report as one HTML file, of at most `MOST_BYTES`, which takes its name when complete.

    Parameters
    ----------
    contents : Contents
        What it shows. Images are read once, window by window.
    path : path
        The file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    blocks = Blocks()
    about = _about(contents, blocks)
    with whole_file(Path(path)) as part, open(part, "w", encoding="utf-8", newline="\n") as file:
        _write(file, about, blocks)


def _about(contents: Contents, blocks: Blocks) -> dict[str, Any]:
    """Return everything that a page knows, with the numbers of the blocks of arrays."""
    table = read_table(contents, blocks, TABLE_BYTES)
    apertures = _apertures(contents, table)
    about = {
        "title": contents.title,
        "shape": [int(length) for length in contents.shape],
        "n_sources": int(contents.n_sources),
        "table": {"n": table.n, "columns": table.columns, "left_out": table.left_out},
        "ellipses": None if apertures is None else blocks.add(apertures),
        "ellipses_are": contents.ellipses_are,
        "maps": [each for layer in contents.maps if (each := _map(layer, blocks)) is not None],
        "sky": sky_lattice(contents.wcs, contents.shape, blocks),
        "flags": flag_rows(),
        "usual_flags": USUAL,
        "parameters": parameter_groups(contents.parameters),
        "record": record_rows(contents.record),
        "times": time_rows(contents),
        "tiles": tile_rows(contents),
        "notes": list(contents.notes),
    }
    room = MOST_BYTES - REST - blocks.n_bytes
    wanted = _wanted(table, contents)
    about["labels"] = None
    if contents.read_labels is not None:
        share = LABELS_SHARE if contents.images else 1.0
        labels = make_pyramid(
            contents.read_labels, contents.shape, blocks, share * room,
            wanted=wanted, step=contents.step,
        )  # fmt: skip
        about["labels"] = vars(labels)
    images: list[dict[str, Any]] = []
    about["images"] = images
    for done, image in enumerate(contents.images):
        left = len(contents.images) - done
        room = MOST_BYTES - REST - blocks.n_bytes
        noise = image.noise if math.isfinite(image.noise) and image.noise > 0 else 0.0
        noise = noise or _scatter(image.read, contents.shape)
        pyramid = make_pyramid(
            image.read, contents.shape, blocks, room / left, noise=noise, wanted=wanted,
            share=1 / len(contents.images),
        )  # fmt: skip
        images.append({"name": image.name, "unit": image.unit, "noise": noise, **vars(pyramid)})
    _keep_within(about, blocks)
    return about


def _apertures(contents: Contents, table: PageTable) -> Any:
    """Return the apertures of the rows of a page, x, y, a, b, theta in float32."""
    if contents.ellipses is None or not table.n:
        return None
    found = np.full((table.n, 5), np.nan, np.float32)
    labels = table.values.get("label")
    parts = [tuple(map(to_host, part)) for part in contents.ellipses()]
    if labels is None or not parts:
        return None
    label, ellipse = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(label, kind="stable")
    at = np.minimum(np.searchsorted(label[order], labels), len(label) - 1)
    known = label[order][at] == labels
    found[known] = ellipse[order][at][known]
    return found.T  # a column after the other


def _wanted(table: PageTable, contents: Contents) -> list[tuple[int, int]]:
    """Return the tiles to be shown in full, the most populated first."""
    x, y = (table.values.get(f"{axis}centroid") for axis in "xy")
    known = x is not None and y is not None and 0 not in contents.shape
    return tiles_of_sources(x, y, contents.shape) if known else []


def _map(layer: MapLayer, blocks: Blocks) -> dict[str, Any] | None:
    """Return a map in few boxes, its first row first."""
    values = np.asarray(to_host(layer.values), np.float32)
    step = -(-max(values.shape) // MAP_SIDE)
    values = values[::step, ::step]
    good = values[np.isfinite(values)]
    if not good.size:
        return None
    return {
        "name": layer.name, "unit": layer.unit, "shape": list(values.shape),
        "box": [int(each) * step for each in layer.box], "block": blocks.add(values),
        "low": float(good.min()), "high": float(good.max()),
    }  # fmt: skip


def _scatter(read: Any, shape: tuple[int, int]) -> float:
    """Return the scatter of the pixels in the middle of an image, robustly; 1 if there is none."""
    (y0, y1), (x0, x1) = (
        (max(length // 2 - 256, 0), min(length // 2 + 256, length)) for length in shape
    )
    pixels = to_host(read(y0, y1, x0, x1))
    noise = robust_noise(pixels)
    return noise if math.isfinite(noise) and noise > 0 else 1.0


def _keep_within(about: dict[str, Any], blocks: Blocks) -> None:
    """Leave out tiles, the finest first, while the page is too large."""
    layers = [*about["images"], *([about["labels"]] if about["labels"] else [])]
    fine = [
        (key, layer["tiles"]) for layer in layers for key in layer["tiles"]
        if int(key.split("/")[0]) < layer["coarsest"]
    ]  # fmt: skip
    fine.sort(key=lambda each: int(each[0].split("/")[0]))
    for key, tiles in fine:
        if blocks.n_bytes <= MOST_BYTES - REST:
            return
        blocks.drop(tiles.pop(key)[0])


def _write(file: Any, about: dict[str, Any], blocks: Blocks) -> None:
    """Write the page around what it knows."""
    assets = files("skyshed.output.page") / "assets"

    def text(name: str) -> str:
        return (assets / name).read_text(encoding="utf-8")

    styles = [text("leaflet.css"), text("page.css")]
    own = "\n".join(text(name) for name in SCRIPTS)
    scripts = [text("leaflet.js"), f'(() => {{\n"use strict";\n{own}\n}})();']
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(hash_of, scripts))}",
            f"style-src {' '.join(map(hash_of, styles))}",
            "img-src data:", "base-uri 'none'", "form-action 'none'",
        )
    )  # fmt: skip
    head = "".join(f"<style>{style}</style>\n" for style in styles)
    before, after = text("page.html").replace("<!-- policy -->", policy).split("<!-- data -->")
    file.write(before.replace("<!-- styles -->", head))
    file.write(f'<script type="application/json" id="about">{_as_json(about)}</script>\n')
    for number, content in enumerate(blocks.texts):
        if content:
            file.write(f'<script type="text/plain" id="block-{number}">{content}</script>\n')
    file.write("".join(f"<script>{script}</script>\n" for script in scripts))
    file.write(after)


def hash_of(content: str) -> str:
    """Return what a policy calls a script or a style."""
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _as_json(about: dict[str, Any]) -> str:
    """Return JSON that can end no script, begin no comment, and holds ASCII only."""
    text = json.dumps(about, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
