"""The folder of a run's results: what files are called there, and what they must not replace."""

import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from skyshed.arguments import check_choice
from skyshed.output.formats import FORMATS, files_of
from skyshed.output.segmentation_map import MAP_FORMATS

__all__ = [
    "COMBINATION",
    "FORMATS",
    "MAP",
    "MAPS",
    "PAGE",
    "RESULTS",
    "SETTINGS",
    "check_apart",
    "check_maps",
    "check_writable",
    "is_any_of",
    "map_name",
]

#: The parameters of a run: every run leaves this file, so that its folder is known by it.
SETTINGS = "parameters.toml"
#: The image that several bands are combined into.
COMBINATION = "combination.fits"
#: The report.
PAGE = "report.html"
#: Images that are written where they are asked for: what they are called -> which of
#: `skyshed.chain.run.IMAGES` they are.
MAPS = {
    "background": "background", "background_rms": "background_rms", "subtracted": "data",
    "convolved": "convolved_data", "threshold": "threshold", "error": "error",
}  # fmt: skip
#: What the names of their files begin with.
MAP = "map_"
#: What else they are called: by SourceExtractor, and by people.
OTHERWISE = {"noise": "background_rms", "rms": "background_rms", "filtered": "convolved"}
#: Everything that a run may leave in its folder, in the order in which it is listed. The folder
#: holds one run, so that what another left there goes.
RESULTS = (
    *(name for format in FORMATS for name in files_of("catalog", format)),
    "segmentation.fits", "segmentation.fits.fz", "segmentation.zarr", COMBINATION, SETTINGS,
    *(f"{MAP}{name}.fits" for name in MAPS), "tiles.ecsv", "kron.reg", "preview.png", PAGE,
)  # fmt: skip


def map_name(format: str, compress: bool) -> str:
    """Return what the file, or folder, of a segmentation image is called."""
    return "segmentation.zarr" if format == "zarr" else f"segmentation.fits{'.fz' * compress}"


def check_maps(names: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the names of images to be written, each once, as they are called here.

    Parameters
    ----------
    names : str, iterable of str or None
        As they were asked for.

    Raises
    ------
    ValueError
        If there is no such image.

    Examples
    --------
    >>> from skyshed.output.results import check_maps
    >>> check_maps("background,noise")
    ('background', 'background_rms')
    """
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",") if name.strip()]
    found: dict[str, None] = {}
    for name in names or ():
        known = OTHERWISE.get(name, name)
        if known not in MAPS:
            raise ValueError(
                f"maps must be of {', '.join(MAPS)} (or {', '.join(OTHERWISE)}), got {name!r}"
            )
        found[known] = None
    return tuple(found)


def check_writable(
    folder: str | os.PathLike[str], format: str = "fits", map_format: str = "fits"
) -> Path:
    """Make a folder if need be and see that files can be written there, in those formats.

    Raises
    ------
    OSError
        If the folder cannot be made or written to.
    ValueError
        If the format is unknown.
    ImportError
        If the format needs a package that is not installed.
    """
    check_choice(format, "format", tuple(FORMATS))
    check_choice(map_format, "map_format", MAP_FORMATS)
    kinds = [(format, FORMATS[format].needs, FORMATS[format].extra)]
    if map_format == "zarr":
        kinds.append((map_format, "zarr", "mosaic"))
    for kind, needed, extra in kinds:
        if needed and find_spec(needed) is None:
            raise ImportError(
                f"format {kind!r} needs {needed}, which is not installed: "
                f"pip install 'skyshed[{extra}]'"
            )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".skyshed-{os.getpid()}"
        try:
            trial.touch()
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"{folder}: files cannot be written there ({reason})") from error
    return folder


def check_apart(
    folder: Path,
    inputs: Mapping[str, str],
    format: str,
    compress: bool,
    map_format: str,
    combination: bool = False,
    maps: Iterable[str] = (),
) -> None:
    """Refuse a folder where results would take the place of what no run wrote, or of an input.

    Parameters
    ----------
    folder : Path
        Where the results go.
    inputs : mapping of str to str
        The files that the run reads, and the arguments that they were given as.
    format, compress, map_format
        What is written; see `skyshed.extraction.Extraction.write`.
    combination : bool, optional
        Whether a combination of bands is, too.
    maps : iterable of str, optional
        Images that are, as `check_maps` has returned them.

    Raises
    ------
    ValueError
        The message names the file.
    """
    ours = {*files_of("catalog", format), map_name(map_format, compress)}
    if combination:
        ours.add(COMBINATION)
    ours |= {f"{MAP}{name}.fits" for name in maps}
    of_a_format = ("catalog.", "segmentation.", COMBINATION, MAP)
    written = [name for name in RESULTS if name in ours or not name.startswith(of_a_format)]
    for name in written:
        for file, argument in inputs.items():
            if is_any_of(os.path.join(folder, name), [file]):
                raise ValueError(
                    f"{folder / name} is given as {argument}, and a result would take its place: "
                    "choose another folder"
                )
    found = [name for name in RESULTS if os.path.lexists(os.path.join(folder, name))]
    foreign = [name for name in found if not is_any_of(os.path.join(folder, name), inputs)]
    if foreign and SETTINGS not in found:
        raise ValueError(
            f"{folder} has {foreign[0]} and no {SETTINGS}, so that it is not the folder of a run, "
            f"which would replace {', '.join(foreign)}: choose another folder"
        )


def is_any_of(path: str, files: Iterable[str]) -> bool:
    """Whether a path leads to one of some files or folders."""
    return os.path.exists(path) and any(
        os.path.exists(file) and os.path.samefile(path, file) for file in files
    )
