"""Tasks of a survey on Dask: how long their scheduler and workers are waited for."""

from types import SimpleNamespace

import pytest

from skyshed.mosaic.under_way import ANSWER
from skyshed.surveys import flow


class Pending:
    """A task that never ends."""

    status = "pending"

    def add_done_callback(self, call):
        pass


class Silent:
    """A client whose scheduler runs no task and never answers; it records how long it may take."""

    status = "running"
    scheduler = SimpleNamespace(identity=None)

    def __init__(self):
        self.waited = []

    def nthreads(self):
        return {"worker": 1}

    def submit(self, *arguments, pure):
        return Pending()

    def sync(self, function, callback_timeout):
        self.waited.append(callback_timeout)
        raise TimeoutError

    def cancel(self, futures):
        raise AssertionError("nobody is there to hear of it")

    def wait_for_workers(self, n, timeout):
        self.waited.append(timeout)
        raise TimeoutError

    def close(self):
        self.waited.append("closed")


@pytest.mark.parametrize("answer", [None, 600])
def test_a_scheduler_of_the_survey_itself_may_answer_later(monkeypatch, answer):
    monkeypatch.setattr("skyshed.mosaic.under_way.BEAT", 0.01)
    client = Silent()
    items = iter([1])
    with pytest.raises(OSError, match=f"not answered for {answer or ANSWER} s"):
        list(flow.Flow(client, answer).each(abs, lambda: next(items, None)))
    assert client.waited == [answer or ANSWER]


def test_processes_of_the_survey_that_do_not_begin_are_no_fault_of_a_cluster(monkeypatch):
    client = Silent()
    asked = []
    monkeypatch.setattr(flow, "client_of", lambda *asking: asked.append(asking) or client)
    begun = "no process of the survey has begun within 600 s"
    with pytest.raises(OSError, match=begun), flow.flow_on(None):
        pass
    assert [timeout for _, timeout in asked] == [600]
    assert client.waited == [600, "closed"]


def test_workers_of_a_survey_keep_no_profiles():
    """Which would grow for an hour, by 40 kB for each small image."""
    pytest.importorskip("distributed")
    import dask.config

    before = dask.config.get("distributed.worker.profile.enabled")
    with flow.flow_on(None) as workers:
        found = workers.client.run(lambda dask_worker: "profile" in dask_worker.periodic_callbacks)
        assert list(found.values()) == [False]
    assert dask.config.get("distributed.worker.profile.enabled") == before
