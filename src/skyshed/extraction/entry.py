"""The whole chain: background, convolution, detection, deblending, measurement."""

import warnings
from typing import Any

from skyshed.arguments import check_choice
from skyshed.chain.columns import check_columns, empty_table, make_table
from skyshed.chain.progress import Progress
from skyshed.chain.steps import CrowdedWarning, find_sources, make_catalog, prepare
from skyshed.exceptions import NoDetectionsWarning
from skyshed.extraction.choice import choose, in_region
from skyshed.extraction.given import read_band, read_detection, read_map
from skyshed.extraction.opening import as_region
from skyshed.extraction.result import Extraction
from skyshed.frame import Frame
from skyshed.images.exposure import Inputs, gather
from skyshed.images.wcs import region_wcs
from skyshed.mosaic.start import Resources, extract_tiles
from skyshed.output.run_record import run_record
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage

__all__ = ["CrowdedWarning", "extract"]

#: What progress shows, at most.
STAGES = ("reading", "background", "convolution", "detection", "deblending", "measurement")


def extract(
    image: Any,
    *,
    segmentation: Any = None,
    detection_image: Any = None,
    detection_cat: Any = None,
    hdu: int | str | None = None,
    weight: Any = None,
    rms: Any = None,
    error: Any = None,
    mask: Any = None,
    wcs: Any = None,
    parameters: Parameters | None = None,
    progress: bool | None = False,
    device: str | None = None,
    memory: int | str | None = None,
    workspace: Any = None,
    scheduler: Any = None,
    region: Any = None,
    **overrides: Any,
) -> Any:
    """Detect, deblend and measure the sources of an image, or measure those already found.

    An image that fits into memory is worked on at once, a larger one tile by tile, with the same
    result bit by bit.

    Parameters
    ----------
    image : array_like, Quantity, masked array, NDData, HDU, HDUList, or path, shape (ny, nx)
        The image; of a FITS file (``image.fits``, ``image.fits[SCI]``) or HDU also its unit and
        WCS. It is not modified. Pixels that are not finite are left out of everything. Also a
        Zarr array (or the path of one), a Dask array, or a list of paths of images that abut.
    segmentation : SegmentationImage, array_like of int, HDU, HDUList, or path, optional
        The label of each pixel, 0 for none: these sources are measured, and none are detected. The
        parameters of detection and deblending have no say then. photutils' class is welcome too.
    detection_image : image, optional
        Another image of the same pixels, in any band or unit: positions, shapes and Kron apertures
        are measured on it, fluxes on ``image`` (forced photometry). Without ``segmentation``,
        sources are detected on it, too. It has a background and noise of its own; of what goes
        with ``image`` (``mask``, ``weight``, ...) nothing is used for it: let it be a masked array,
        or NaN in bad pixels.
    detection_cat : `~skyshed.SourceCatalog`, optional
        The same as a catalog that was measured before, whose segmentation image is the default of
        ``segmentation``. Its ``kron_params``, ``apermask_method`` and WCS are used.
    hdu : int or str, optional
        The HDU of the file ``image``: number, name, or ``NAME,VERSION``; the first image if `None`.
    weight : image, optional
        Inverse variance of the background of each pixel, which sets the detection threshold and
        the errors; pixels without weight are left out. With ``scale_weight`` up to a factor.
    rms : image, optional
        The same as a standard deviation; give one of the two. Without either, the noise is that
        which the background mesh measures.
    error : image, optional
        Total 1-sigma error of each pixel, noise of the sources included, for the errors of the
        catalog. Without it, the noise of the background, with the Poisson noise of the sources
        where there is an ``effective_gain``.
    mask : image of bool or int, optional
        True, or not 0, for pixels to leave out; of an integer quality plane the bits
        ``mask_bits``.
    wcs : object, optional
        A WCS that goes before the image's own. An image that has none takes that of the
        segmentation or of the detection image.
    parameters : `Parameters`, optional
        The parameters of the chain.
    progress : bool or None, optional
        Whether to show the stages on standard error; `None` does so on a terminal.
    device : {None, 'cpu', 'cuda'}, optional
        Where to compute: `None` is where ``image`` is. 'cuda' copies the images to the current GPU
        first, once; the images of the result are CuPy arrays then, as they are for a CuPy
        ``image``.
    memory : int or str, optional
        What the process may take, in bytes or as text (``"600MB"``, ``"2GiB"``), of the host or,
        with ``device='cuda'``, of the GPU; on a cluster, what each worker may take. If `None`, 60 %
        of what is free. An image that needs more is worked on tile by tile; this needs Dask and
        Zarr (``skyshed[mosaic]``).
    workspace : path, optional
        The folder that a run over tiles works in; naming one asks for such a run. A run that was
        interrupted goes on from there. If `None`, a temporary one.
    scheduler : str or `distributed.Client`, optional
        The address of a Dask scheduler (``"tcp://host:8786"``), or a client: the tiles are worked
        on by its workers, which must see the workspace and the image's files. If `None`, by threads
        of this process.
    region : str or sequence of 4 int, optional
        The part of the image to work on, ``"y0:y1,x0:x1"``, as if it had been cut out: half-open
        ranges of pixels. Positions in the result are relative to it, those on the sky are not.
    **overrides
        Single parameters, which go before ``parameters``, under either spelling.

    Returns
    -------
    extraction : `~skyshed.extraction.Extraction` or `~skyshed.mosaic.MosaicExtraction`
        The table, the catalog, the segmentation image and what they were made from; without
        sources, the table has its columns and no rows. After a run over tiles, the table, and
        images that are read from the workspace by windows.

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
        If something that a file says about its image cannot be used.
    CrowdedWarning
        If every box of the background is full of sources; ``exclude_percentile`` then is 100, also
        in the parameters of the result.

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
    if parameters is not None and not isinstance(parameters, Parameters):
        raise TypeError(f"parameters must be skyshed.Parameters, got {type(parameters).__name__}")
    parameters = (parameters or Parameters()).replace(**overrides)
    check_choice(device, "device", (None, "cpu", "cuda"))
    if detection_image is not None and detection_cat is not None:
        raise ValueError(
            "detection_image and detection_cat both say where positions and shapes are measured: "
            "give one of them"
        )
    given = {"image": image, "weight": weight, "rms": rms, "error": error, "mask": mask}
    resources = Resources(memory, workspace, scheduler)
    given, hdu, tiles = choose(
        given, hdu, region, parameters, resources, device, detection_image, segmentation,
        only_whole=detection_cat is not None,
    )  # fmt: skip
    if region is not None and wcs is not None:
        wcs = region_wcs(wcs, *as_region(region))
    if tiles is not None:
        check_columns(parameters.columns, wcs is not None or tiles.has_wcs)
        return extract_tiles(tiles.fields, parameters, resources, wcs, progress, tiles.labels)
    if region is not None:
        segmentation = in_region(segmentation, "segmentation", region)
        detection_image = in_region(detection_image, "detection_image", region)
    with Progress(len(STAGES) + 2 * (detection_image is not None), progress) as begin:
        begin("reading")
        field = gather(
            **given, hdu=hdu, wcs=wcs, mask_bits=parameters.mask_bits,
            scale_weight=parameters.scale_weight,
        ).moved(device)  # fmt: skip
        fields = {}
        if segmentation is not None:
            segmentation, field = read_map(segmentation, field, device)
        if detection_image is not None:
            fields["band"], field = read_band(detection_image, field, device)
        elif detection_cat is not None:
            segmentation, field = read_detection(detection_cat, segmentation, field)
            parameters = parameters.replace(
                kron_params=detection_cat.kron_params,
                apermask_method=detection_cat.apermask_method,
            )
        check_columns(parameters.columns, field.wcs is not None)
        fields["image"] = field
        del field, given  # `prepare` frees the images that it is given, if nobody else holds them
        return _measured(fields, segmentation, detection_cat, parameters, begin)


def _measured(
    fields: dict[str, Inputs],
    segmentation: SegmentationImage | None,
    detection_cat: Any,
    parameters: Parameters,
    begin: Progress,
) -> Extraction:
    """Find the sources, unless ``segmentation`` has them, and measure them."""
    band = None
    if "band" in fields:
        band = prepare(fields.pop("band"), parameters, begin)
        if segmentation is None:
            segmentation = find_sources(band, begin)
        if segmentation.nlabels:
            detection_cat = make_catalog(band, segmentation)
    alone = band is None and detection_cat is None
    found = prepare(fields.pop("image"), parameters, begin, convolve=alone)
    if segmentation is None:
        segmentation = find_sources(found, begin)
    elif not segmentation.nlabels and band is None:
        warnings.warn(
            "segmentation has no labels: there is nothing to measure", NoDetectionsWarning,
            stacklevel=3,
        )  # fmt: skip
    begin("measurement")
    field, catalog = found.field, None
    if segmentation.nlabels:
        catalog = make_catalog(found, segmentation, detection_cat)
        frame = catalog.frame
        data, error = frame.data, frame.error
        detected_on = frame if detection_cat is None else detection_cat.frame
        table = make_table(catalog, found.parameters)
    else:
        data, _ = found.without_background()
        error = found.total_error(data)
        detected_on = Frame(data, segmentation.data, (band or found).convolved)
        table = empty_table(field.wcs, field.unit, found.parameters, data.dtype)
    return Extraction(
        table, catalog, segmentation, data, detected_on, error, field.mask, found.background2d,
        found.parameters, run_record(field.origin), field.unit, field.wcs, detection_cat,
    )  # fmt: skip
