"""``skyshed extract --each``: many images in one process, a folder for each or one table."""

import argparse
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from skyshed.cli.each_inputs import companions_of, images_of
from skyshed.cli.errors import complain, in_one_line
from skyshed.cli.garbage import collect_from_now_on
from skyshed.cli.writing import WORKSPACE, write_found
from skyshed.log import LOGGER
from skyshed.parameters import Parameters
from skyshed.parameters.companions import COMPANIONS

__all__ = ["SOME_FAILED", "run_each"]

#: The exit status if some of the images failed.
SOME_FAILED = 3
#: The file that says what became of each image.
REPORT = "report.ecsv"


def run_each(arguments: argparse.Namespace, parameters: Parameters) -> int:
    """Extract every image and write what is found, or say what that will take.

    Whatever is wrong with the request itself is refused before the first image is opened.
    """
    from skyshed.extraction.folders import folder_names
    from skyshed.extraction.hdus import choose_hdus
    from skyshed.output.atomic import traceless
    from skyshed.output.results import check_writable

    _check_options(arguments, parameters)
    given = images_of(arguments.image)
    chosen = choose_hdus(given, [arguments.hdu] * len(given), given)
    images = [each.name for each in chosen]
    folders = folder_names(images)
    turns = _turns(arguments, parameters, chosen, folders)
    if arguments.plan:
        return _plan(turns)
    out = Path(arguments.out)
    _check_folders(arguments, out, images, folders)
    collect_from_now_on()
    with traceless(out):
        check_writable(out, arguments.format, arguments.map_format)
        return _Batch(arguments, parameters, images, folders).run(turns)


class _Batch:
    """The results of all images, and the report about them."""

    def __init__(
        self, arguments: argparse.Namespace, parameters: Parameters,
        images: Sequence[str], folders: Sequence[str],
    ) -> None:  # fmt: skip
        from skyshed.output.one_table import OneTable
        from skyshed.output.report import Report

        self._arguments, self._parameters = arguments, parameters
        self._images, self._folders = images, folders
        self._out = Path(arguments.out)
        self._report = Report(self._out / REPORT)
        self._together = (
            OneTable(self._out, images, arguments.format) if arguments.one_table else None
        )
        self._failed = 0

    def run(self, turns: Sequence[Any]) -> int:
        """Write what comes of each image as it comes, and return the exit status."""
        from skyshed.extraction.batch import finish_turns

        folders = iter(self._folders)
        progress = False if self._arguments.quiet else None
        finished = finish_turns(turns, lambda outcome: self._take(outcome, next(folders)), progress)
        try:
            with self._report, closing(finished):  # type: ignore[type-var]
                for name, folder, n, error in finished:
                    self._tell(name, folder, n, error)
        finally:  # also when interrupted: what is finished is kept
            paths = self._finish()
        n = len(self._images)
        self._say(f"{n - self._failed} of {n} images done, {self._failed} failed:")
        for path in (*paths, self._out / REPORT):
            self._say(f"  {path}")
        return SOME_FAILED if self._failed else 0

    def _take(self, outcome: Any, folder: str) -> tuple[str, str, int, Exception | None]:
        """Write what became of an image; return its name and folder, its sources and its error."""
        from skyshed.output.report import NO_HDU

        begun, error = perf_counter(), outcome.error
        if error is None:
            try:
                self._keep(outcome, folder)
            except Exception as failure:  # the others may well be written
                error = failure
        _remove_workspace(self._arguments, self._out, folder)
        text = "" if error is None else in_one_line(error)
        self._report.add(
            image=outcome.name, hdu=NO_HDU if outcome.hdu is None else outcome.hdu,
            hdu_name=outcome.hdu_name, profile=outcome.profile,
            status="done" if error is None else "failed",
            n_sources=0 if error is not None else outcome.n_sources,
            seconds=outcome.seconds + perf_counter() - begun,
            folder="" if error is not None else "." if self._together else folder, error=text,
        )  # fmt: skip
        return outcome.name, folder, outcome.n_sources, error

    def _tell(self, name: str, folder: str, n: int, error: Exception | None) -> None:
        """Say what became of an image."""
        from skyshed.extraction.outcome import with_name

        if error is None:
            where = "" if self._together else f" in {self._out / folder}"
            self._say(f"{name}: {n} source{'' if n == 1 else 's'}{where}")
            return
        self._failed += 1
        complain(with_name(name, in_one_line(error)))
        if self._arguments.debug:
            traceback.print_exception(error, file=sys.stderr)

    def _keep(self, outcome: Any, folder: str) -> None:
        """Write the results of an image, or add its rows to those of the others."""
        if self._together is not None:
            table, hdu = outcome.extraction.table, outcome.hdu
            self._together.add(table, outcome.name, hdu, outcome.hdu_name)
        else:
            from skyshed.extraction.summary import summary

            found, begun = outcome.extraction, perf_counter()
            write_found(self._arguments, found, self._out / folder)
            seconds = outcome.seconds + perf_counter() - begun
            for line in summary(found, seconds, found.flag_counts):
                LOGGER.debug("%s: %s", outcome.name, line)

    def _finish(self) -> list[Path]:
        """Write the table of all images, if there is to be one."""
        if self._together is None:
            return []
        from skyshed.output.run_record import run_record

        n = len(self._images)
        record = run_record({"input": f"{n} image{'' if n == 1 else 's'}, see {REPORT}"})
        return self._together.finish(self._parameters, record)

    def _say(self, text: str) -> None:
        if not self._arguments.quiet:
            print(text)


def _check_options(arguments: argparse.Namespace, parameters: Parameters) -> None:
    """Refuse options of what one table of all images does not have."""
    from skyshed.output.results import check_maps

    check_maps(arguments.maps)
    if arguments.samp:
        raise ValueError("--samp sends the results of one image: leave --each or --samp out")
    if not arguments.one_table:
        return
    for option, given in (
        ("--regions", arguments.regions),
        ("--report", arguments.report),
        ("--compress", arguments.compress),
        ("--maps", arguments.maps is not None),
        ("--map-format", arguments.map_format != "fits"),
    ):
        if given:
            raise ValueError(
                f"{option} is about the folder of an image, and --one-table writes none: leave one "
                "of them out"
            )


def _turns(
    arguments: argparse.Namespace, parameters: Parameters, chosen: Sequence[Any],
    folders: Sequence[str],
) -> list[Any]:  # fmt: skip
    """Give every image its turn."""
    from skyshed.extraction.device import gpus_of
    from skyshed.extraction.plan import Resources
    from skyshed.extraction.turns import check_settings, make_turns

    images, places = [each.name for each in chosen], [each.place for each in chosen]
    options = {"region": arguments.region, "profile": arguments.profile}
    for name in COMPANIONS:
        given = getattr(arguments, name)
        if given is not None:
            options[name] = companions_of(given, f"--{name.replace('_', '-')}", images, places)
    check_settings(parameters, {}, arguments.device, arguments.memory, arguments.scheduler)
    gpus = gpus_of(arguments.device)
    resources = [
        Resources(
            arguments.memory,
            None if arguments.workspace is None else os.path.join(arguments.workspace, folder),
            arguments.scheduler, arguments.restart,
            None if arguments.out is None else _workspace(arguments, Path(arguments.out), folder),
            gpus=gpus,
        )
        for folder in folders
    ]  # fmt: skip
    return make_turns(
        chosen, None, resources, options, parameters=parameters, device=arguments.device
    )


def _workspace(arguments: argparse.Namespace, out: Path, folder: str) -> Path:
    """Return where an image's run over tiles works until its results are written."""
    return out / WORKSPACE / folder if arguments.one_table else out / folder / WORKSPACE


def _remove_workspace(arguments: argparse.Namespace, out: Path, folder: str) -> None:
    """Remove that of an image that is finished, and the folders around it that it was alone in."""
    workspace = _workspace(arguments, out, folder)
    if arguments.workspace is None and workspace.exists():
        shutil.rmtree(workspace)
        with suppress(OSError):  # others are in it
            workspace.parent.rmdir()


def _check_folders(
    arguments: argparse.Namespace, out: Path, images: Sequence[str], folders: Sequence[str]
) -> None:
    """Refuse results in the place of files, above all of images that are to be read."""
    from skyshed.extraction.folders import file_stem
    from skyshed.output.results import RESULTS

    inputs = {os.path.realpath(file_stem(image)[0]) for image in images}
    for image, folder in zip(images, folders, strict=True):
        if arguments.one_table:
            written = [out / f"catalog.{arguments.format}", out / "parameters.toml", out / REPORT]
        elif (out / folder).exists() and not (out / folder).is_dir():
            raise ValueError(
                f"{out / folder} is a file, and the results of {image} go into a folder of this "
                "name: choose another --out"
            )
        else:
            written = [out / REPORT, *(out / folder / name for name in sorted(RESULTS))]
        for path in written:
            if os.path.realpath(path) in inputs:
                raise ValueError(
                    f"{path} is one of the images, and a result would take its place: choose "
                    "another --out"
                )


def _plan(turns: Sequence[Any]) -> int:
    """Print what each image will take."""
    from skyshed.extraction.outcome import with_name
    from skyshed.extraction.plan import make_forecast, make_plan

    failed = 0
    for turn in turns:
        try:
            request = turn.open()
            text = str(make_forecast(request, make_plan(request, turn.resources)))
        except Exception as error:
            failed += 1
            complain(with_name(turn.name, in_one_line(error)))
            continue
        print(f"{turn.name}\n{text}\n")
    return SOME_FAILED if failed else 0
