"""Results to programs that run: DS9, TOPCAT, Aladin and others at a hub of SAMP.

Simple Application Messaging Protocol 1.3 (IVOA); the hub is the one that a program such as TOPCAT
has started. astropy speaks with it.
"""

import importlib
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

from skyshed.messages import one_line
from skyshed.optional import need

__all__ = ["CATALOGS", "check_hub", "send"]

#: Formats of catalogs that there are messages for, and these.
CATALOGS = {"fits": "table.load.fits", "votable": "table.load.votable"}
IMAGE = "image.load.fits"
#: Seconds to wait for a program's answer to a message; it may go on with the file alone.
ANSWER = 5
#: What the client is called at the hub.
ABOUT = {
    "samp.name": "skyshed",
    "samp.description.text": "Detects, deblends and measures sources in astronomical images",
}


def check_hub(format: str) -> None:
    """See that results can be sent, before they are made.

    Parameters
    ----------
    format : str
        Of the catalog.

    Raises
    ------
    ValueError
        If SAMP has no message for catalogs of this format.
    OSError
        If there is no hub.
    """
    if format not in CATALOGS:
        raise ValueError(
            f"--samp sends catalogs of the formats {' and '.join(CATALOGS)}, got {format!r}: "
            "choose --format votable"
        )
    _client().disconnect()


def send(catalog: Path, images: Sequence[str | os.PathLike[str]]) -> dict[str, list[str]]:
    """Send a catalog and images to all programs at the hub that take them.

    Parameters
    ----------
    catalog : Path
        A catalog in FITS or VOTable.
    images : sequence of path
        FITS files.

    Returns
    -------
    told : dict of str to list of str
        The names of the programs that each file was sent to, by the path of the file.

    Raises
    ------
    OSError
        If there is no hub any more.
    """
    client = _client()
    try:
        names = {each: _name(client, each) for each in client.get_registered_clients()}
        told: dict[str, list[str]] = {}
        messages = [(catalog, CATALOGS[catalog.suffix.lstrip(".")])]
        messages += [(Path(image), IMAGE) for image in images]
        for path, kind in messages:
            path = path.resolve()
            url = path.as_uri()
            parameters = {"url": url, "name": path.name}
            if kind != IMAGE:  # by which programs say which rows are chosen
                parameters["table-id"] = url
            message = {"samp.mtype": kind, "samp.params": parameters}
            reached = client.get_subscribed_clients(kind)
            for each in reached:
                # A notice that nobody answers may still be at the hub when this client leaves, and
                # astropy's hub drops what is from clients that have left.
                with suppress(Fault):  # no answer in time
                    client.call_and_wait(each, message, str(ANSWER))
            told[str(path)] = [names.get(each, each) for each in reached]
        return told
    finally:
        client.disconnect()


def _client() -> Any:
    """Return a client that is connected to the hub."""
    samp = _library()
    client = samp.SAMPIntegratedClient(metadata=ABOUT)
    try:
        client.connect()
    except (samp.SAMPHubError, samp.SAMPProxyError, OSError) as error:
        raise OSError(
            f"--samp: no hub of SAMP is running ({one_line(error)}): start TOPCAT, Aladin or "
            "another program that has one, then DS9 and what else is to be sent to"
        ) from error
    return client


def _library() -> Any:
    """Return astropy's module, or PyVO's, to which it moves, as astropy 8.0 and later warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("astropy.samp")
        except ImportError:
            return need("pyvo.samp", "--samp")


def _name(client: Any, identifier: str) -> str:
    """Return what a program calls itself."""
    return str(client.get_metadata(identifier).get("samp.name", identifier))
