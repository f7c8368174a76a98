"""Streams that guided fuzzing led to are decoded as a plain decoder does, and never beyond them."""

import numpy as np
import pytest

from tests.corpus import inputs
from tests.kernels import guided_decoders
from tests.kernels.steps import build


@pytest.fixture(scope="module")
def attempt(tmp_path_factory):
    call = build(guided_decoders.SOURCE.name, tmp_path_factory.mktemp("decoders"))

    def attempt(content):
        stream = np.frombuffer(content, np.uint8).copy()
        return call("attempt", stream, len(stream))

    return attempt


def test_the_corpus_is_decoded_as_a_plain_decoder_does(attempt):
    tried = [attempt(content) for content in inputs(guided_decoders.KEPT)]
    assert len(tried) > 100
    assert all(tried)


def test_streams_of_astropy_are_and_no_shorter_ones(attempt):
    for content in guided_decoders.seeds():
        assert all(attempt(content[:length]) for length in range(4, len(content) + 1))
