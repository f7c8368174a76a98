"""What the phases leave in the workspace: one dataclass for each kind of file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Self, TypeVar

from skyshed.background.mesh import Mesh
from skyshed.chain.background import Boxes, ExposureMesh

__all__ = [
    "SCHEMA",
    "Collected",
    "Components",
    "Deblended",
    "Detected",
    "Found",
    "FoundSources",
    "Measured",
    "Meshes",
    "Numbered",
    "Record",
    "Runs",
    "Seams",
    "SecondBoxes",
    "SecondMeshes",
    "SourceList",
    "StitchedSources",
    "TileBoxes",
    "kinds_of_records",
]

P = TypeVar("P")


@dataclass(frozen=True, eq=False)
class Record:
    """A file of the workspace: arrays by name, of a tile or of the whole image.

    Attributes
    ----------
    kind : str
        What the files are named after.
    """

    kind: ClassVar[str]

    def to_arrays(self) -> dict[str, Any]:
        """Return everything as arrays; those of a part are called ``field.name``."""
        return _flat({each.name: getattr(self, each.name) for each in fields(self)})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return what `to_arrays` gave; fields that are not there are `None`."""
        nested = _nested(arrays)
        return cls(**{each.name: nested.get(each.name) for each in fields(cls)})


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for name, value in values.items():
        if is_dataclass(value) and not isinstance(value, type):
            value = {each.name: getattr(value, each.name) for each in fields(value)}
        if isinstance(value, Mapping):
            arrays |= _flat(value, f"{prefix}{name}.")
        else:
            arrays[prefix + name] = value
    return arrays


def _nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in arrays.items():
        *path, last = name.split(".")
        inner = nested
        for step in path:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return nested


@dataclass(frozen=True, eq=False)
class TileBoxes(Record):
    """The boxes of the background of a tile, by exposure."""

    kind = "background"
    boxes: dict[str, Boxes]
    seconds: float

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return what `to_arrays` gave."""
        nested = _nested(arrays)
        boxes = {
            name: Boxes(**{**each, "n_unmasked": int(each["n_unmasked"])})
            for name, each in nested.get("boxes", {}).items()
        }
        return cls(boxes, nested.get("seconds", 0.0))


@dataclass(frozen=True, eq=False)
class Meshes(Record):
    """The backgrounds of the whole exposures."""

    kind = "mesh"
    exposures: dict[str, ExposureMesh]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return what `to_arrays` gave."""
        return cls(
            {
                name: ExposureMesh(
                    Mesh(**each["mesh"]), float(each["scale"]), bool(each["lenient"]),
                    int(each["n_unmasked"]), float(each["noise_ratio"]), int(each["n_boxes"]),
                    int(each["n_noiseless"]), int(each["n_zero"]), int(each["n_unclipped"]),
                    float(each["left"]), bool(each["few_left"]), float(each["given_noise"]),
                    each["correlation"], each["shared"],
                )
                for name, each in _nested(arrays)["exposures"].items()
            }
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class SecondBoxes(TileBoxes):
    """The boxes of a tile measured without sources, by exposure."""

    kind = "remeasure"


@dataclass(frozen=True, eq=False)
class SecondMeshes(Meshes):
    """The backgrounds of the whole exposures, measured without sources."""

    kind = "mesh2"


@dataclass(frozen=True, eq=False)
class Components:
    """The components of one tile; number k of n has the label k + 1 there.

    Attributes
    ----------
    area : array of int64, shape (n,)
        Pixels of each.
    first : array of int64, shape (n,)
        The flat index, in the whole image, of each one's first pixel in raster order.
    bbox : array of int64, shape (n, 4)
        ``y0, y1, x0, x1`` in the whole image, half open.
    top, bottom, left, right : array of int32
        The labels along the first and last row, the first and last column.
    """

    area: Any
    first: Any
    bbox: Any
    top: Any
    bottom: Any
    left: Any
    right: Any


@dataclass(frozen=True, eq=False)
class Runs:
    """The pixels of the pieces of one tile, as runs along rows.

    Attributes
    ----------
    y, x : array of int32, shape (n,)
        The first pixel of each run, in the whole image.
    length : array of int32, shape (n,)
        Pixels of each.
    piece : array of int32, shape (n,)
        The number of the piece in the tile, from 1.
    """

    y: Any
    x: Any
    length: Any
    piece: Any


@dataclass(frozen=True, eq=False)
class Found(Record):
    """The components of a tile that the first of two passes over the background found.

    Attributes
    ----------
    components : Components
        The components.
    runs, bright : Runs
        Their pixels, and, where these are not the same, those that are left out of the noise, too;
        the number of a piece is that of the component.
    """

    kind = "find"
    components: Components
    runs: Runs
    bright: Runs
    seconds: float

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return what `to_arrays` gave; fields that are not there are `None`."""
        found = super().from_arrays(arrays)
        runs, bright = (_part(Runs, each) for each in (found.runs, found.bright))
        return cls(_part(Components, found.components), runs, bright, found.seconds)


@dataclass(frozen=True, eq=False)
class FoundSources(Record):
    """Which of these components belong to sources.

    Attributes
    ----------
    kept : array of bool
        Of each tile, tile by tile: False for no component, then whether each is large enough.
    start : array of int64
        Where each tile begins; the last is their number.
    """

    kind = "found"
    kept: Any
    start: Any


@dataclass(frozen=True, eq=False)
class Detected(Record):
    """The components of a tile that are large enough, or may be with what lies in other tiles.

    Attributes
    ----------
    components : Components
        m components.
    seam : array of bool, shape (m,)
        Whether a component touches a face between tiles.
    n_children, flags : array of int64, shape (m,)
        What deblending found in those that do not.
    seam_pixel, seam_value : array
        The pixels, as flat indices of the whole image, of those that do, and the values there of
        the image that is deblended.
    runs : Runs
        The pixels of the pieces: of the children of each component, or of one that has none.
    smooth : array, shape (N,) or (0,)
        The convolved values of these pixels, one run after the other, where they are kept for the
        measurement of shapes.
    """

    kind = "detect"
    components: Components
    seam: Any
    n_children: Any
    flags: Any
    seam_pixel: Any
    seam_value: Any
    runs: Runs
    smooth: Any
    seconds: float

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return what `to_arrays` gave; fields that are not there are `None`."""
        found = super().from_arrays(arrays)
        return cls(
            **{
                **vars(found),
                "components": _part(Components, found.components),
                "runs": _part(Runs, found.runs),
            }
        )


def _part(kind: type[P], arrays: Any) -> P:
    """Return a part of a record, of nested arrays; fields that are not there are `None`."""
    parts: Any = arrays or {}
    names = (each.name for each in fields(kind))  # type: ignore[arg-type]
    return kind(**{name: parts.get(name) for name in names})


@dataclass(frozen=True, eq=False)
class StitchedSources(Record):
    """The source of the whole image that each component of a tile belongs to.

    Attributes
    ----------
    n : int
        The number of sources.
    source : array of int32
        Of the components of all tiles, tile by tile: the source, from 1; 0 for what is too small.
    start : array of int64
        Where each tile's components begin; the last is their number.
    """

    kind = "stitch"
    n: int
    source: Any
    start: Any


@dataclass(frozen=True, eq=False)
class Seams(Record):
    """The sources at seams that a tile owns, and the components that they are made of.

    Attributes
    ----------
    source : array of int, shape (n,)
        The sources, from 1.
    bbox : array of int64, shape (n, 4)
        Their boxes in the whole image.
    part_tile, part_component, part_source : array of int, shape (k,)
        Tile (its number), component there, and source, of each component.
    """

    kind = "seams"
    source: Any
    bbox: Any
    part_tile: Any
    part_component: Any
    part_source: Any


@dataclass(frozen=True, eq=False)
class Deblended(Record):
    """The sources at seams that a tile owns, split.

    Attributes
    ----------
    source, n_children, flags : array of int, shape (n,)
        The sources, from 1, and what deblending found.
    start, pixel, child : array of int
        Their pixels as compressed rows, and the child that each pixel belongs to, from 1.
    bbox : array of int64, shape (m, 4)
        The boxes of all children; of sources without, their own.
    """

    kind = "deblend"
    source: Any
    n_children: Any
    flags: Any
    start: Any
    pixel: Any
    child: Any
    bbox: Any
    seconds: float


@dataclass(frozen=True, eq=False)
class Collected(Record):
    """The known labels that have pixels in a tile, and their boxes there."""

    kind = "collect"
    labels: Any
    boxes: Any
    seconds: float


@dataclass(frozen=True, eq=False)
class Numbered(Record):
    """What a tile has to know of the numbers of sources.

    Attributes
    ----------
    labels, flags, before : array of int
        The sources that end in the tile, which it measures: their labels, what deblending noted,
        and their labels before it.
    seam_labels, seam_flags, seam_before, seam_boxes : array of int
        Others that it measures, and their boxes in the whole image.
    pieces : array of int32
        The label of each piece of the tile, by its number there; ``pieces[0]`` is 0.
    painters : array of int
        The tiles (their numbers) that own sources whose children have pixels here.
    seam_base : array of int64
        What to add to the numbers of the children of the sources at seams that the tile owns.
    """

    kind = "number"
    labels: Any
    flags: Any
    before: Any
    seam_labels: Any
    seam_flags: Any
    seam_before: Any
    seam_boxes: Any
    pieces: Any
    painters: Any
    seam_base: Any


@dataclass(frozen=True, eq=False)
class SourceList(Record):
    """All sources of the whole image, and what deblending did.

    Attributes
    ----------
    labels : array of int32, shape (n,)
        Their labels, ascending.
    child, parent, flagged, flags, whole, before : array of int64
        See `skyshed.segmentation.provenance.Provenance`.
    non_positive_min_labels, too_many_markers_labels : array of int64
        The labels, as detected, of those deblended with another mode than asked for.
    """

    kind = "sources"
    labels: Any
    child: Any
    parent: Any
    flagged: Any
    flags: Any
    whole: Any
    before: Any
    non_positive_min_labels: Any
    too_many_markers_labels: Any


@dataclass(frozen=True, eq=False)
class Measured(Record):
    """The sources that a tile measured; their table is beside it.

    Attributes
    ----------
    labels : array of int32, shape (n,)
        The sources.
    ellipses : array, shape (n, 5)
        Their Kron ellipses, ``x, y, a, b, theta`` (degrees), NaN where there is none.
    chunks : array of int64
        The seals of the chunks of the map of labels that the tile wrote.
    stars : array of float64, shape (n, k) or (0, 0)
        Where fluxes are to be corrected, what tells stars: see
        `skyshed.chain.aperture_correction.star_facts`.
    """

    kind = "measure"
    labels: Any
    ellipses: Any
    chunks: Any
    stars: Any
    seconds: float


def kinds_of_records() -> list[type[Record]]:
    """Return all kinds of records."""
    kinds: list[type[Record]] = Record.__subclasses__()
    for kind in kinds:  # grows as it goes
        kinds.extend(kind.__subclasses__())
    return kinds


def _schema() -> str:
    """Return a digest of the fields of all kinds of records."""
    digest = hashlib.sha256(b"sealed; tables with what their columns are")
    for kind in (*kinds_of_records(), Components, Runs, Boxes, ExposureMesh, Mesh):
        names = ",".join(each.name for each in fields(kind))
        digest.update(f"{kind.__name__}({names})\n".encode())
    return digest.hexdigest()[:16]


#: Tells what the files hold: a workspace with other records is refused.
SCHEMA = _schema()
