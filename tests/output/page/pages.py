"""What a report holds, read back from its HTML as a browser would."""

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser

import numpy as np

DTYPES = {"u1": np.uint8, "i4": "<i4", "f4": "<f4", "f8": "<f8"}


class Page(HTMLParser):
    """The elements of a page, its scripts and styles, and its data."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.scripts, self.styles, self.policy = [], [], [], ""
        self._blocks, self._into = {}, None
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)
        self.about = json.loads(self._blocks["about"])

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        kinds = {"style": self.styles, "script": self.scripts}
        if "id" in attributes and tag == "script":
            self._into = (self._blocks, attributes["id"])
        else:
            self._into = (kinds.get(tag), None)

    def handle_data(self, data):
        where, key = self._into or (None, None)
        if key is not None:
            where[key] = where.get(key, "") + data
        elif where is not None:
            where.append(data)

    def handle_endtag(self, tag):
        self._into = None

    def block(self, number, kind):
        """Return an array of the page."""
        content = zlib.decompress(base64.b64decode(self._blocks[f"block-{number}"]))
        dtype = np.dtype(DTYPES[kind])
        planes = np.frombuffer(content, np.uint8).reshape(dtype.itemsize, -1)
        return np.ascontiguousarray(planes.T).view(dtype).ravel()

    def column(self, name):
        """Return a column of the table."""
        about = next(each for each in self.about["table"]["columns"] if each["name"] == name)
        if about["kind"] == "text":
            return self.block(about["block"], "u1").tobytes().decode().split("\n")
        return self.block(about["block"], about["kind"])

    def tile(self, layer, key):
        """Return the pixels of a tile: labels, or values with NaN where masked."""
        number, width, height, *coding = layer["tiles"][key]
        if not coding:
            return self.block(number, "i4").reshape(height, width)
        codes = self.block(number, "u1").reshape(height, width).astype(float)
        scale, low, step = coding
        return np.where(codes == 0, np.nan, scale * np.sinh(low + (codes - 1) * step))


def hash_of(content):
    """Return what a policy calls a script."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def addresses(text):
    """Return the addresses of a text that something could be loaded from."""
    return re.findall(r"(?:src|href)\s*=\s*[\"']?(?!#)([^\"'\s>]+)", text)
