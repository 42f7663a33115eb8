"""One search or training over several hosts, as torchrun and srun start it: the first process of all speaks and writes.

Two launchers on the loopback device stand for two hosts, each with a working directory of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import hnas
from hnas.errors import HnasError
from hnas.launched import Launched, is_first_process, launched, left_to_the_first
from hnas.searching.runs import derive
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings

SEARCH = (
    *("search", "--layers=2", "--nodes=1", "--channels=4", "--target-channels=4", "--rounds=1", "--w-steps=1"),
    *("--patch=8", "--controller-steps=1", "--batch=2", "--samples=2", "--hidden=8", "--derive-samples=3"),
    *("--derive-patch=12", "--tau-samples=0", "--accelerator=cpu", "--run-dir=run", "--json"),
)
TRAIN = (
    *("train", "espcn", "--steps=2", "--batch=1", "--patch=8", "--validate-every=0", "--accelerator=cpu"),
    *("--run-dir=run", "--json"),
)
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(**more: str) -> dict[str, str]:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_RUN_ID")
    kept = {name: value for name, value in os.environ.items() if name not in names and not name.startswith("SLURM_")}
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(hnas.__file__).parents[1]), **more}


def _slurm(rank: int, port: int) -> dict[str, str]:
    """What srun tells one of two tasks on two hosts (https://slurm.schedmd.com/srun.html, output environment)."""
    return {
        "SLURM_JOB_ID": "7",
        "SLURM_STEP_ID": "0",
        "SLURM_JOB_NAME": "hnas",
        "SLURM_NTASKS": "2",
        "SLURM_NNODES": "2",
        "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_PROCID": str(rank),
        "SLURM_NODEID": str(rank),
        "SLURM_LOCALID": "0",
        "SLURM_NODELIST": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def _on_two_hosts(
    tmp_path: Path, command: Callable[[int], Sequence[str]], told: Callable[[int], Mapping[str, str]] = lambda rank: {}
) -> list[subprocess.CompletedProcess[str]]:
    started = []
    for rank in range(2):
        host = tmp_path / f"host-{rank}"
        host.mkdir(parents=True, exist_ok=True)
        started.append(
            subprocess.Popen(
                command(rank),
                cwd=host,
                env=_environment(**told(rank)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    said = [process.communicate() for process in started]
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *both)
        for process, both in zip(started, said, strict=True)
    ]


def _by_torchrun(tmp_path: Path, arguments: Sequence[str]) -> list[subprocess.CompletedProcess[str]]:
    place = ("--master-addr=127.0.0.1", f"--master-port={_free_port()}")
    return _on_two_hosts(tmp_path, lambda rank: (*TORCHRUN, *place, f"--node-rank={rank}", "-m", "hnas", *arguments))


def test_torchrun_on_two_hosts_is_one_search(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data = ("--data", str(folders[0]), "--val", str(folders[1]))
    first, second = _by_torchrun(tmp_path, (*SEARCH, *data))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr[-3000:]
    assert json.loads(first.stdout)["candidates"] == 3
    assert second.stdout == ""
    assert "genotype written" in first.stderr
    assert "genotype written" not in second.stderr
    assert "search: " not in second.stderr
    run = tmp_path / "host-0" / "run"
    assert (run / "report.html").exists()
    assert len((run / "candidates.jsonl").read_text().splitlines()) == 2 + 3
    assert not list((tmp_path / "host-1").iterdir())

    first, second = _by_torchrun(tmp_path, (*SEARCH, *data))  # only the first has the folder to refuse
    assert first.returncode != 0
    assert second.returncode != 0
    assert first.stderr.count("hnas: error: run: holds a finished run") == 1
    assert "hnas: error" not in second.stderr


def test_torchrun_and_srun_on_two_hosts_train_as_two_devices_do(folders: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = (*TRAIN, "--data", str(folders[0]))
    by_torchrun = _by_torchrun(tmp_path / "torchrun", arguments)
    port = _free_port()
    hnas = (sys.executable, "-m", "hnas")
    by_srun = _on_two_hosts(tmp_path / "srun", lambda rank: (*hnas, *arguments), lambda rank: _slurm(rank, port))
    two = subprocess.run(
        [*hnas, *arguments, "--devices=2"], cwd=tmp_path, env=_environment(), capture_output=True, text=True
    )
    for first, second in (by_torchrun, by_srun):
        assert (first.returncode, second.returncode) == (0, 0), first.stderr[-3000:] + second.stderr[-3000:]
        assert json.loads(first.stdout)["step"] == 2
        assert second.stdout == ""
    losses = []
    for folder in (tmp_path / "torchrun" / "host-0", tmp_path / "srun" / "host-0", tmp_path):
        assert (folder / "run" / "weights.safetensors").exists(), two.stderr[-3000:]
        lines = (folder / "run" / "log.jsonl").read_text().splitlines()
        losses += [json.loads(lines[-1])["loss"]]
        assert not (folder.parent / "host-1" / "run").exists()
    assert losses == pytest.approx([losses[-1]] * 3, rel=1e-5)


@pytest.fixture
def two_networks() -> Iterator[tuple[str, str]]:
    """Names of two network namespaces, joined by a cable, with the addresses 10.77.0.1 and 10.77.0.2."""

    def ip(words: str) -> bool:
        return subprocess.run(["ip", *words.split()], capture_output=True).returncode == 0

    first, second = (f"hnas{os.getpid()}{end}" for end in "ab")
    try:
        if shutil.which("ip") is None or not (ip(f"netns add {first}") and ip(f"netns add {second}")):
            pytest.skip("no network namespaces can be made here")
        assert ip(f"link add cable netns {first} type veth peer name cable netns {second}")
        for place, name in enumerate((first, second), 1):
            assert ip(f"-n {name} addr add 10.77.0.{place}/24 dev cable")
            assert all(ip(f"-n {name} link set {device} up") for device in ("lo", "cable"))
        yield first, second
    finally:
        for name in (first, second):
            ip(f"netns del {name}")


@pytest.mark.slow
def test_a_search_over_two_hosts_that_only_a_cable_joins(
    folders: tuple[Path, Path], tmp_path: Path, two_networks: tuple[str, str]
) -> None:
    data = ("--data", str(folders[0]), "--val", str(folders[1]))
    place = ("--master-addr=10.77.0.1", "--master-port=29500")
    first, second = _on_two_hosts(
        tmp_path,
        lambda rank: (
            *("ip", "netns", "exec", two_networks[rank], *TORCHRUN, *place, f"--node-rank={rank}"),
            *("-m", "hnas", *SEARCH, *data),
        ),
        lambda rank: {"GLOO_SOCKET_IFNAME": "cable"},
    )
    assert (first.returncode, second.returncode) == (0, 0), first.stderr[-3000:]
    assert json.loads(first.stdout)["candidates"] == 3
    assert second.stdout == ""
    assert not list((tmp_path / "host-1").iterdir())


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes this process one that torchrun says it has started."""

    def pretend(rank: int = 0, hosts: int = 2, processes: int = 4) -> None:
        each = processes // hosts
        says = {"TORCHELASTIC_RUN_ID": "x", "RANK": rank, "WORLD_SIZE": processes, "GROUP_WORLD_SIZE": hosts}
        for name, value in {**says, "LOCAL_RANK": rank % each, "LOCAL_WORLD_SIZE": each}.items():
            monkeypatch.setenv(name, str(value))

    return pretend


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"devices": 1}, "--nnodes 2 --nproc-per-node 1 --rdzv-backend c10d --rdzv-endpoint FIRST_HOST:29500 -m hnas"),
        ({"devices": 8, "num_nodes": 1}, "torchrun --nnodes 1 --nproc-per-node 8 --standalone -m hnas"),
        ({"num_nodes": 3}, "torchrun --nnodes 3 --nproc-per-node 2 "),
    ],
)
def test_other_numbers_than_were_launched_are_refused_with_the_line_to_type(
    torchrun: Callable[..., None], settings: dict[str, int], line: str
) -> None:
    torchrun()
    with pytest.raises(HnasError, match=r"torchrun started 4 process\(es\), 2 on each of 2 host\(s\)") as refused:
        start_fabric(DeviceSettings(accelerator="cpu", **settings))  # type: ignore[arg-type]
    assert line in str(refused.value)


def test_several_hosts_without_a_launcher_are_refused_with_the_line_to_type() -> None:
    with pytest.raises(HnasError, match="type on each of them: torchrun --nnodes 2 --nproc-per-node 3 ") as refused:
        start_fabric(DeviceSettings(accelerator="cpu", num_nodes=2, devices=3))
    assert "\n" not in str(refused.value)
    with pytest.raises(HnasError, match="num_nodes is 0"):
        start_fabric(DeviceSettings(accelerator="cpu", num_nodes=0))


def test_srun_has_to_say_how_many_are_on_each_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _slurm(1, 1).items():
        monkeypatch.setenv(name, value)
    assert launched() == Launched("srun", hosts=2, processes=2, rank=1)
    assert not is_first_process()
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(HnasError, match="type: srun --nodes 2 --ntasks-per-node 1 --kill-on-bad-exit hnas"):
        start_fabric(DeviceSettings(accelerator="cpu"))
    # A batch script of the same job that does not call srun.
    monkeypatch.delenv("SLURM_STEP_ID")
    assert launched() is None
    assert is_first_process()
    assert start_fabric(DeviceSettings(accelerator="cpu")).world_size == 1


def test_hosts_with_different_numbers_of_processes_are_refused(torchrun: Callable[..., None]) -> None:
    torchrun(hosts=2, processes=3)
    with pytest.raises(HnasError, match="same number on each: torchrun --nnodes 2 --nproc-per-node 2 "):
        start_fabric(DeviceSettings(accelerator="cpu"))


def test_what_is_one_process_is_refused_as_several(torchrun: Callable[..., None], tmp_path: Path) -> None:
    torchrun()
    with pytest.raises(HnasError, match="torchrun started 4 processes, and hnas derive is one"):
        derive(tmp_path)


def test_another_process_leaves_a_mistake_to_the_first_or_names_its_host(
    torchrun: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    torchrun(rank=0)
    assert left_to_the_first("no pictures") == "no pictures"
    torchrun(rank=3)
    monkeypatch.setattr("hnas.launched._WAIT", 0.1)
    assert left_to_the_first("no pictures") == f"on host {socket.gethostname()}: no pictures"
    parents = iter([10, 10, 1])
    monkeypatch.setattr("os.getppid", lambda: next(parents))
    assert left_to_the_first("no pictures") is None
