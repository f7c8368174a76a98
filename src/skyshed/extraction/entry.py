"""From whatever is given as an image to its sources: `extract`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Unpack

from skyshed.arguments import check_flag, is_path
from skyshed.chain.association import Association
from skyshed.chain.at_once import run_at_once
from skyshed.chain.columns import check_columns
from skyshed.chain.derived import derived_columns
from skyshed.chain.progress import Progress
from skyshed.chain.request import DETECTION, IMAGE, Request
from skyshed.chain.whole import n_stages
from skyshed.extraction.device import AUTO, check_device, gpus_of, on_first, with_device
from skyshed.extraction.from_header import changed_in, settled
from skyshed.extraction.from_product import with_those_of_the_file
from skyshed.extraction.given import check_detection, open_detection, open_labels
from skyshed.extraction.plan import Plan, Resources, make_plan
from skyshed.extraction.result import Extraction
from skyshed.images.doubted import warn_of_image
from skyshed.images.exposure import open_exposure
from skyshed.namespace import on_device_of, on_its_device
from skyshed.parameters import Parameters
from skyshed.parameters.overrides import Overrides

__all__ = ["extract", "open_request", "run_request", "run_together"]


@on_its_device
def extract(
    image: Any,
    *,
    segmentation: Any = None,
    detection_image: Any = None,
    detection_weight: Any = None,
    detection_rms: Any = None,
    detection_variance: Any = None,
    detection_background: Any = None,
    detection_mask: Any = None,
    detection_cat: Any = None,
    hdu: int | str | tuple[str, int] | None = None,
    weight: Any = None,
    rms: Any = None,
    variance: Any = None,
    background: Any = None,
    error: Any = None,
    mask: Any = None,
    quality: Any = None,
    wcs: Any = None,
    parameters: Parameters | None = None,
    progress: bool | None = False,
    device: str | None = None,
    memory: int | str | None = None,
    workspace: Any = None,
    scheduler: Any = None,
    restart: bool = False,
    region: Any = None,
    profile: str | None = None,
    association: Association | None = None,
    **overrides: Unpack[Overrides],
) -> Extraction:
    """Detect, deblend and measure the sources of an image, or measure those already found.

    An image that fits into memory is worked on at once, a larger one tile by tile, with the same
    result bit by bit.

    Parameters
    ----------
    image : image, shape (ny, nx)
        Anything that `skyshed.images.open_image` opens: an array (NumPy, CuPy, Dask, Zarr, a
        memory map), a Quantity, a masked array, NDData, an HDU or HDUList, the path of a FITS file
        (``image.fits``, ``image.fits[SCI]``, ``cube.fits[DATA][1]`` for a plane), ASDF file
        (``image.asdf[data]``) or Zarr array, or a list of paths of images that abut. Of a file also
        its unit and WCS are taken. It is not modified. Pixels that are not finite are left out of
        everything. All images below may be given as any of these.
    segmentation : SegmentationImage, or image of int, optional
        The label of each pixel, 0 for none: these sources are measured, and none are detected. The
        parameters of detection and deblending have no effect then. photutils' class is taken, too.
        With ``renumber``, labels may be of any size.
    detection_image : image, optional
        Another image of the same pixels, in any band or unit: positions, shapes and Kron apertures
        are measured on it, fluxes on ``image`` (forced photometry). Without ``segmentation``,
        sources are detected on it, too. It has a background and noise of its own; of what goes
        with ``image`` (``mask``, ``weight``, ...) nothing is used for it.
    detection_weight, detection_rms, detection_variance, detection_mask : image, optional
        What goes with ``detection_image``, as ``weight``, ``rms``, ``variance`` and ``mask`` go
        with ``image``; ``mask_bits`` and ``scale_weight`` are for both.
    detection_background : image, `~skyshed.Background2D`, float or "none", optional
        The background of ``detection_image``, as ``background`` is that of ``image``.
    detection_cat : `~skyshed.SourceCatalog`, optional
        The same as a catalog that was measured before, whose segmentation image is the default of
        ``segmentation``. Its ``kron_params``, ``apermask_method`` and WCS are used.
    hdu : int, str or (str, int), optional
        The HDU of the file ``image``: number, name, ``NAME,VERSION`` or ``(NAME, VERSION)``, with
        the plane of a cube behind it, ``"DATA[1]"``; the first image if `None`, with a warning if
        there are others. Of an ASDF file, the place of the array in its tree.
    weight : image, optional
        Inverse variance of the background of each pixel, which sets the detection threshold and
        the errors; pixels without weight (0, negative, NaN) are left out. With ``scale_weight`` up
        to a factor.
    rms : image, optional
        The same as a standard deviation; 1e15 and more is no weight. Without ``weight``, ``rms``
        and ``variance``, of which one may be given, the noise is that which the background mesh
        measures.
    variance : image, optional
        The same as a variance; 1e30 and more is no weight.
    background : image, `~skyshed.Background2D`, float or "none", optional
        The background of each pixel, or of all, which is subtracted in place of the one that the
        mesh measures; ``"none"`` for an image whose background is subtracted already. Numbers are
        in the unit of ``image``; text that is one, too. The noise is measured where the background
        is subtracted, unless one of the three above gives it.
    error : image, optional
        Total 1-sigma error of each pixel, noise of the sources included, for the errors of the
        catalog. Without it, the noise of the background, with the Poisson noise of the sources
        where there is an ``effective_gain``.
    mask : image of bool or int, optional
        True, or not 0, for pixels to leave out; of an integer quality plane the bits
        ``mask_bits``, which may be names that its header has.
    quality : image of int, optional
        A plane of bits, of which no pixel is left out: the table has those that any pixel of a
        source has, ``quality_or``, and those that all have, ``quality_and``.
    wcs : WCS, `~astropy.io.fits.Header` or path, optional
        A celestial WCS that goes before the image's own; of one with more axes, the celestial part.
        A file holds headers as text (``.head`` of SCAMP: one, or one for each image of the file
        ``image``), or is FITS (``.wcs`` of Astrometry.net, another image).
        An image that has none takes that of the segmentation or of the detection image.
    parameters : `Parameters`, optional
        The parameters of the chain.
    progress : bool or None, optional
        Whether to show the stages; `None` does so on a terminal and in a notebook.
    device : {None, 'cpu', 'cuda', 'cuda:0,2', 'cuda:all', 'auto'}, optional
        Where to compute: `None` is where ``image`` is. 'cuda' copies the images to the current GPU
        first, once; the images of the result are CuPy arrays then, as they are for a CuPy
        ``image``. 'auto' is 'cuda' where there is a GPU and the image is so large that it pays,
        else 'cpu'; the record says which, and why. Of several GPUs, named by their numbers, each
        works on tiles of an image that has several for each of them; a smaller one is worked on at
        once by the first.
    memory : int or str, optional
        What the process may take, in bytes or as text (``"600MB"``, ``"2GiB"``), of the host or,
        with ``device='cuda'``, of the GPU; on a cluster, what each worker may take. Arrays that the
        caller holds do not count. If `None`, 60 % of what is free. An image that needs more is
        worked on tile by tile; this needs Dask and Zarr (``skyshed[mosaic]``).
    workspace : path, optional
        The folder that a run over tiles works in; naming one asks for such a run. A run that was
        interrupted goes on from there. If `None`, a temporary one.
    scheduler : str or `distributed.Client`, optional
        The address of a Dask scheduler (``"tcp://host:8786"``), or a client: the tiles are worked
        on by its workers, which must see the workspace and the image's files. If `None`, by threads
        of this process.
    restart : bool, optional
        Whether to begin anew in a ``workspace`` that holds a run, whatever run that is.
    region : str or sequence of 4 int, optional
        The part of the image to work on, ``"y0:y1,x0:x1"``, as if it had been cut out: half-open
        ranges of pixels. Positions in the result are relative to it, those on the sky are not.
    profile : str, optional
        Which product of an observatory ``image`` is, such as ``"jwst-i2d"``: see "Your files" in
        the documentation. `None` finds out by its headers; ``"plain"`` reads it as any other file.
        Of a product, the planes of the same file that say errors, weights and bad pixels are
        taken, as its observatory documents them; what is given here goes before them.
    association : Association, optional
        A list of positions (`skyshed.sextractor.read_association` reads one): the table has what
        it says of each source, and the sources that have an entry nearby, or those that have none.
    **overrides
        Single parameters, which go before ``parameters``, under either spelling.

    Returns
    -------
    extraction : `~skyshed.extraction.Extraction`
        The table, the catalog, the segmentation image and what they were made from; the same
        either way. Without sources, the table has its columns and no rows.

    Raises
    ------
    ValueError
        If an argument is not allowed, shapes or units differ, or a segmentation or detection
        image lies elsewhere on the sky by its WCS.
    TypeError
        If a parameter does not exist, an image holds no numbers or a segmentation no integers, or
        some images are NumPy arrays and others CuPy arrays.
    ImportError
        If ``device`` is 'cuda', and CuPy is not installed or sees no GPU.
    OSError
        If a file cannot be read.
    TileError
        If a tile of a large image cannot be finished; the message says which, and why.

    Warns
    -----
    NoDetectionsWarning
        If there is no source.
    ImageWarning
        If something that a file says about its image cannot be used, the noise that is given is
        more than three times that measured or less than a third of it, no noise is measured, or the
        background that is given leaves more than the noise.
    CrowdedWarning
        If every box of the background is full of sources; ``exclude_percentile`` then is 100, also
        in the parameters of the result. With ``background_passes=2`` also if fewer than half of
        the boxes have pixels enough without the sources.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import extract
    >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
    >>> image[30:34, 60:64] += 50
    >>> row, = extract(image, nsigma=5).table
    >>> print(f"{row['xcentroid']:.1f} {row['ycentroid']:.1f}")
    61.5 31.5

    The same source in another band, in the aperture of the first:

    >>> found = extract(image, nsigma=5)
    >>> other = extract(image / 2, detection_cat=found.catalog)
    >>> print(f"{other.table['kron_flux'][0] / found.table['kron_flux'][0]:.2f}")
    0.50
    """
    if workspace is not None and not is_path(workspace):
        raise TypeError(f"workspace must be the path of a folder or None, got {workspace!r}")
    check_device(device, scheduler)
    if progress is not None:
        progress = check_flag(progress, "progress")
    request = open_request(
        image, segmentation=segmentation, detection_image=detection_image,
        detection_weight=detection_weight, detection_rms=detection_rms,
        detection_variance=detection_variance, detection_background=detection_background,
        detection_mask=detection_mask,
        detection_cat=detection_cat, hdu=hdu, weight=weight, rms=rms,
        variance=variance, background=background, error=error, mask=mask, quality=quality, wcs=wcs,
        parameters=parameters, device=device, region=region, profile=profile,
        association=association, **overrides,
    )  # fmt: skip
    del image, weight, rms, variance, background, error, mask, quality
    del segmentation, detection_image
    del detection_weight, detection_rms, detection_variance, detection_background, detection_mask
    resources = Resources(memory, workspace, scheduler, restart, gpus=gpus_of(device))
    with on_first(resources.gpus):
        return run_request(request, make_plan(request, resources), resources, progress)


def open_request(
    image: Any,
    *,
    segmentation: Any = None,
    detection_image: Any = None,
    detection_weight: Any = None,
    detection_rms: Any = None,
    detection_variance: Any = None,
    detection_background: Any = None,
    detection_mask: Any = None,
    detection_cat: Any = None,
    parameters: Parameters | None = None,
    device: str | None = None,
    region: Any = None,
    hdu: int | str | tuple[str, int] | None = None,
    weight: Any = None,
    rms: Any = None,
    variance: Any = None,
    background: Any = None,
    error: Any = None,
    mask: Any = None,
    quality: Any = None,
    wcs: Any = None,
    profile: str | None = None,
    association: Association | None = None,
    name: str = IMAGE,
    one_of_several: bool = False,
    **overrides: Unpack[Overrides],
) -> Request:
    """Open everything that takes part in an extraction; nothing but headers is read.

    The arguments and errors are those of `extract`; ``name`` is what messages call the image. What
    columns need is not asked of one of several bands: another may have it.
    """
    if parameters is not None and not isinstance(parameters, Parameters):
        raise TypeError(f"parameters must be skyshed.Parameters, got {type(parameters).__name__}")
    parameters = (parameters or Parameters()).replace(**overrides)
    device = check_device(device, None)
    if detection_image is not None and detection_cat is not None:
        raise ValueError(
            "detection_image and detection_cat both say where positions and shapes are measured: "
            "give one of them"
        )
    exposure = open_exposure(
        image, name=name, hdu=hdu, weight=weight, rms=rms, variance=variance,
        background=background, error=error, mask=mask, quality=quality, wcs=wcs, region=region,
        mask_bits=parameters.mask_bits,
        scale_weight=parameters.scale_weight, weight_threshold=parameters.weight_threshold,
        device=None if device == AUTO else device, profile=profile,
        calibrate=parameters.calibrate and parameters.zero_point is None,
    )  # fmt: skip
    asked_for = parameters
    parameters, exposure, noted = settled(parameters, exposure)
    parameters, exposure = with_those_of_the_file(parameters, exposure)
    asked = changed_in(asked_for, parameters)
    exposures = {IMAGE: exposure}
    of_detection = {
        "weight": detection_weight, "rms": detection_rms, "variance": detection_variance,
        "mask": detection_mask, "background": detection_background,
    }  # fmt: skip
    if detection_image is not None:
        exposures[DETECTION] = open_detection(
            detection_image, exposure, region, asked_for.mask_bits, **of_detection
        )
    else:
        _refuse_without_detection(of_detection)
    known = None
    if segmentation is not None:
        known = open_labels(segmentation, exposure, region, parameters.renumber)
    if detection_cat is not None:
        parameters, known = check_detection(detection_cat, exposure, known, parameters, region)
    request = Request(exposures, parameters, known, detection_cat, noted, asked)
    if association is not None:
        if not isinstance(association, Association):
            raise TypeError(
                "association must be a skyshed.sextractor.Association or None, got "
                f"{type(association).__name__}"
            )
        request = replace(request, association=association.in_pixels(request.wcs))
    if not one_of_several:
        has_wcs, calibrated = request.wcs is not None, request.calibration is not None
        possible = derived_columns(parameters, has_wcs, calibrated)
        check_columns(parameters.columns, has_wcs, request.has_quality, possible)
    request = request.with_threads(parameters.n_threads)
    return with_device(request) if device == AUTO else request


def _warn_of_damage(request: Request) -> None:
    """Warn of data and headers that are not those which their checksums were written for."""
    bases = [base for source in request.sources().values() for base in source.bases]
    for checked, base in {base.checked: base for base in bases}.items():
        for doubt in base.doubts():
            warn_of_image(f"{checked}: {doubt}")


def _refuse_without_detection(companions: Mapping[str, Any]) -> None:
    """Refuse what goes with a detection image that is not there."""
    given = [f"detection_{name}" for name, value in companions.items() if value is not None]
    if given:
        raise ValueError(
            f"{' and '.join(given)} {'goes' if len(given) == 1 else 'go'} with a detection_image, "
            "and none is given: give one, or leave it out"
        )


def run_request(
    request: Request, plan: Plan, resources: Resources, progress: bool | None = False
) -> Extraction:
    """Do what a plan says; see `extract`."""
    _warn_of_damage(request)
    result = _kind_of_result(request)
    if plan.tiling is not None:
        from skyshed.mosaic.start import run_by_tiles

        run = run_by_tiles(
            request, plan.tiling, plan.margin, plan.n_workers, workspace=resources.folder,
            scheduler=resources.scheduler, restart=resources.restart, progress=progress,
            gpus=resources.gpus,
        )  # fmt: skip
        return result(run)
    array = getattr(request.exposure.image, "array", None)
    with Progress(n_stages(request), progress) as begin, on_device_of(array):
        return result(run_at_once(request, begin))


def run_together(
    requests: Sequence[Request],
    progress: bool | None,
    about: Callable[[int | None], AbstractContextManager[Any]],
) -> list[Extraction | Exception]:
    """Do at once what is asked of equal images; see `skyshed.chain.stack.run_stack`.

    Returns
    -------
    results : list of Extraction or Exception
        What `run_request` returns or raises for each.
    """
    from skyshed.chain.stack import run_stack  # here: one image needs nothing of it

    for k, request in enumerate(requests):
        with about(k):
            _warn_of_damage(request)
    array = getattr(requests[0].exposure.image, "array", None)
    with Progress(n_stages(requests[0]), progress) as begin, on_device_of(array):
        runs = run_stack(requests, begin, about)
    return [run if isinstance(run, Exception) else Extraction(run) for run in runs]


def _kind_of_result(request: Request) -> type[Extraction]:
    """Return what a run gives: that of bands is imported for them alone."""
    if request.combination is None:
        return Extraction
    from skyshed.extraction.bands_result import BandsExtraction

    return BandsExtraction
