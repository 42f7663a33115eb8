"""Work on a Ray cluster, whose hosts have this package and see the same files."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from hnas.errors import HnasError
from hnas.extras import need
from hnas.workers.one_of_several import one_of_several

T = TypeVar("T")

#: How often a piece of work is begun anew that was lost with its process or host.
_RETRIES = 5


class RayWorkers:
    """A piece of work is a Ray task with a core, and a GPU where the cluster has any.

    Args:
        address: "ray", or "ray://HOST:PORT"; see :class:`hnas.workers.engine.Engine`.

    Raises:
        HnasError: Ray is not installed, or no cluster answers.
    """

    here = on_this_host = False

    def __init__(self, address: str) -> None:
        ray = need("ray")
        self._ray = ray
        self._started = not ray.is_initialized()
        if self._started:
            try:
                ray.init(None if address == "ray" else address, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                why = " ".join(str(error).split())[:200]
                raise HnasError(
                    f"no Ray cluster answers at {address} ({why}); start one with ray start --head"
                ) from error
        resources = ray.cluster_resources()
        gpu = int(resources.get("GPU", 0)) > 0
        self._needs = {"num_cpus": 1, "num_gpus": int(gpu)}
        self._task = ray.remote(max_retries=_RETRIES, **self._needs)(_do)

    @property
    def slots(self) -> int:
        """As the cluster is at this moment."""
        return max(1, int(self._ray.cluster_resources().get("GPU" if self._needs["num_gpus"] else "CPU", 1)))

    def submit(self, work: Callable[..., T], /, *values: Any) -> Future[T]:
        """See :class:`hnas.workers.engine.Workers`."""
        future: Future[T] = Future()
        self._task.remote(work, values).future().add_done_callback(lambda done: _hand_on(done, future))
        return future

    def close(self) -> None:
        """Leaves the cluster, which ends what it does for this process."""
        if self._started:
            self._ray.shutdown()


def _do(work: Callable[..., T], values: tuple[Any, ...]) -> tuple[T | None, str | None]:
    """The result, or the line of a mistake, which Ray would wrap in a text of many lines."""
    one_of_several()
    try:
        return work(*values), None
    except HnasError as error:
        return None, str(error)


def _hand_on(done: Future[tuple[Any, str | None]], future: Future[Any]) -> None:
    error = done.exception()
    if error is not None:
        what = " ".join(str(error).split())[:300]
        future.set_exception(HnasError(f"a piece of work failed on Ray ({type(error).__name__}: {what})"))
        return
    result, mistake = done.result()
    if mistake is None:
        future.set_result(result)
    else:
        future.set_exception(HnasError(mistake))
