"""What control groups leave is known, wherever the limit stands: trees as systems have them."""

import pytest

from skyshed.mosaic.control_groups import left_by_groups
from skyshed.mosaic.memory import available

V2 = "29 23 0:26 {} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "33 29 0:29 {} /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory"
CPU = "34 29 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
#: Name -> mounts, groups of the process, files, and what the groups leave.
SYSTEMS = {
    "none": ([CPU], "4:cpu,cpuacct:/\n", {}, []),
    "a container, version 2": (
        [V2.format("/")], "0::/\n",
        {"sys/fs/cgroup/memory.max": 4000, "sys/fs/cgroup/memory.current": 1000}, [3000],
    ),
    "a container, version 1": (
        [CPU, V1.format("/docker/ab")], "9:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n",
        {"sys/fs/cgroup/memory/memory.limit_in_bytes": 5000,
         "sys/fs/cgroup/memory/memory.usage_in_bytes": 4500,
         "sys/fs/cgroup/memory/memory.stat": "cache 9\ntotal_inactive_file 300\n"}, [800],
    ),
    "a job of a batch system, limited above and below": (
        [V2.format("/")], "0::/slurm/job_7/step_0\n",
        {"sys/fs/cgroup/slurm/memory.max": 9000, "sys/fs/cgroup/slurm/memory.current": 8500,
         "sys/fs/cgroup/slurm/job_7/memory.max": 4000,
         "sys/fs/cgroup/slurm/job_7/memory.current": 3000,
         "sys/fs/cgroup/slurm/job_7/memory.stat": "anon 2000\ninactive_file 700\n",
         "sys/fs/cgroup/slurm/job_7/step_0/memory.max": "max",
         "sys/fs/cgroup/slurm/job_7/step_0/memory.current": 2000}, [1700, 500],
    ),
    "both versions": (
        [V2.format("/").replace("cgroup rw", "cgroup/unified rw", 1), V1.format("/")],
        "9:memory:/user/7\n0::/user/7\n",
        {"sys/fs/cgroup/memory/user/7/memory.limit_in_bytes": 6000,
         "sys/fs/cgroup/memory/user/7/memory.usage_in_bytes": 1000,
         "sys/fs/cgroup/memory/memory.limit_in_bytes": 9223372036854771712,
         "sys/fs/cgroup/memory/memory.usage_in_bytes": 0}, [5000, 9223372036854771712],
    ),
    "more in use than allowed": (
        [V2.format("/")], "0::/a\n",
        {"sys/fs/cgroup/a/memory.max": 10, "sys/fs/cgroup/a/memory.current": 11}, [0],
    ),
    "slowed down before it is ended": (
        [V2.format("/")], "0::/a/b\n",
        {"sys/fs/cgroup/a/b/memory.max": 9000, "sys/fs/cgroup/a/b/memory.high": 7000,
         "sys/fs/cgroup/a/b/memory.current": 1000,
         "sys/fs/cgroup/a/memory.max": "max", "sys/fs/cgroup/a/memory.high": 8000,
         "sys/fs/cgroup/a/memory.current": 3000}, [6000, 5000],
    ),
    "ended before it is slowed down": (
        [V2.format("/")], "0::/a\n",
        {"sys/fs/cgroup/a/memory.max": 4000, "sys/fs/cgroup/a/memory.high": "max",
         "sys/fs/cgroup/a/memory.current": 1000}, [3000],
    ),
    "names with spaces, tabs and backslashes, which lists of mounts spell otherwise": (
        [V2.format(r"/my\040jobs").replace("/sys/fs/cgroup", r"/sys/fs/c\040g\011r\134040")],
        "0::/my jobs/one two\n",
        {"sys/fs/c g\tr\\040/one two/memory.max": 500,
         "sys/fs/c g\tr\\040/one two/memory.current": 100}, [400],
    ),
    "lines that nobody knows": (["", "x", "1 2 3", " - cgroup2"], "\n:\n0\n", {}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_group_of_the_process_counts(tmp_path, name):
    mounts, groups, files, expected = SYSTEMS[name]
    files = {"proc/self/mountinfo": "\n".join(mounts), "proc/self/cgroup": groups, **files}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"{content}\n" if isinstance(content, int) else content)
    assert left_by_groups(tmp_path) == expected


def test_a_system_without_groups_has_none(tmp_path):
    assert left_by_groups(tmp_path) == []


def test_what_is_available_is_at_most_what_the_groups_of_this_process_leave(monkeypatch):
    monkeypatch.setattr("skyshed.mosaic.memory.left_by_groups", lambda: [2**80, 12345])
    assert available() == 12345
