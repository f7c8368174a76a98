"""What the reader of a report should know before trusting it."""

from collections.abc import Mapping

from skyshed.parameters import Parameters

__all__ = ["notes_of"]


def notes_of(
    n_sources: int, used: Parameters, asked: Parameters, record: Mapping[str, str]
) -> list[str]:
    """Return notes on a run, by what it used and recorded.

    Examples
    --------
    >>> from skyshed import Parameters
    >>> from skyshed.output.page.notes import notes_of
    >>> notes = notes_of(0, Parameters(), Parameters(zero_point=25), {})
    >>> notes[0]
    'No source was found: lower nsigma or npixels, or look at the image and its noise.'
    """
    notes = []
    if not n_sources:
        notes.append(
            "No source was found: lower nsigma or npixels, or look at the image and its noise."
        )
    if used.exclude_percentile == 100 and asked.exclude_percentile < 100:
        notes.append(
            "Every box of the background is full of sources, or of masked pixels: those that have "
            "any good pixel were used. The background may be too high, and fluxes too low; try a "
            "larger box_size, or background_passes = 2."
        )
    known = " ".join(record)  # of bands, entries have their names before them
    if asked.zero_point is None and "zero_point" not in known:
        notes.append(
            "There is no zero point: fluxes are in the unit of the image, and there are no "
            "magnitudes. zero_point (--zero-point) gives them."
        )
    if asked.effective_gain is None and "error" not in known and "effective_gain" not in known:
        notes.append(
            "Errors are those of the background alone: without effective_gain, or an image of "
            "errors, the Poisson noise of the sources is not in them."
        )
    return notes
