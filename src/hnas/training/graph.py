"""A training step as a CUDA graph, where that is faster.

A small network's step is some hundred short kernels, which a GPU is through with before the CPU has launched the next.
A graph launches them all at once. Every step that is measured is a step of the training: nothing is computed twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from hnas.nets.latency import synchronise

#: LR and HR of a batch to its loss; the weights are updated on the way.
Step = Callable[[Tensor, Tensor], Tensor]

#: Steps before any is timed, in which libraries choose their kernels, and timed steps of either way.
WARM_UP, TIMED = 8, 12

_LOG = logging.getLogger(__name__)


def graph_where_faster(step: Step, optimizer: torch.optim.Optimizer, device: torch.device) -> Step:
    """The same step, computed as a CUDA graph from about the twentieth on if that takes less time.

    A step that cannot be captured goes on as it was, and the log says why.

    Args:
        step: forward and backward pass and the update, on batches of one shape, without a look at a value.
        optimizer: one whose rate is one number for all weights, may change between steps and may be a tensor.
        device: a CUDA GPU.
    """
    # A capture wants a stream of its own, on which the same work has been done before.
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return FasterStep(
        _on_stream(step, stream), lambda lr, hr: capture(step, optimizer, stream, lr, hr), settled=step, device=device
    )


class FasterStep:
    """Takes some steps one way, some the other, and stays with the faster.

    Args:
        plain: as it is.
        capture: gives the other way for batches like this one; a RuntimeError says that there is none.
        settled: what is called once ``plain`` is chosen.
        device: is waited for around every timed step.
    """

    def __init__(
        self, plain: Step, capture: Callable[[Tensor, Tensor], Step], *, settled: Step, device: torch.device
    ) -> None:
        self._plain, self._capture, self._settled, self._device = plain, capture, settled, device
        self._graph: Step | None = None
        self._chosen: Step | None = None
        self._plain_seconds: list[float] = []
        self._graph_seconds: list[float] = []

    def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
        """The loss of one step."""
        if self._chosen:
            return self._chosen(lr, hr)
        if len(self._plain_seconds) < WARM_UP + TIMED:
            return self._timed(self._plain, self._plain_seconds, lr, hr)
        if not self._graph:
            try:
                self._graph = self._capture(lr, hr)
            except RuntimeError as error:
                _LOG.info("training steps do not go into a CUDA graph (%s)", str(error).strip().partition("\n")[0])
                self._chosen = self._settled
                return self._chosen(lr, hr)
        loss = self._timed(self._graph, self._graph_seconds, lr, hr)
        if len(self._graph_seconds) == TIMED:
            self._settle(self._graph)
        return loss

    def _timed(self, step: Step, seconds: list[float], lr: Tensor, hr: Tensor) -> Tensor:
        synchronise(self._device)
        began = perf_counter()
        loss = step(lr, hr)
        synchronise(self._device)
        seconds.append(perf_counter() - began)
        return loss

    def _settle(self, graph: Step) -> None:
        plain, captured = median(self._plain_seconds[WARM_UP:]), median(self._graph_seconds)
        self._chosen = graph if captured < plain else self._settled
        self._graph = None
        what = "is" if captured < plain else "would be"
        _LOG.info("a training step %s %.3f ms as a CUDA graph, %.3f ms as it is", what, 1e3 * captured, 1e3 * plain)


def capture(step: Step, optimizer: torch.optim.Optimizer, stream: torch.cuda.Stream, lr: Tensor, hr: Tensor) -> Step:
    """Captures a step, which computes nothing yet.

    Args:
        step: see :func:`graph_where_faster`; it was called before, on this stream.
        optimizer: that of the step.
        stream: to capture on.
        lr: a batch like those to come.
        hr: likewise.

    Raises:
        RuntimeError: something in the step cannot be captured.
    """
    before = torch.cuda.current_stream(lr.device)
    graph, given_lr, given_hr = torch.cuda.CUDAGraph(), lr.clone(), hr.clone()
    (group,) = optimizer.param_groups
    number, rate = group["lr"], torch.full((), group["lr"], dtype=torch.float32, device=lr.device)
    group.update(lr=rate, capturable=True)
    try:
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            result = step(given_lr, given_hr)
    except RuntimeError:
        torch.cuda.set_stream(before)  # a capture that fails at its end leaves its own stream behind
        optimizer.zero_grad()
        raise
    finally:
        group.update(lr=number, capturable=False)

    def replay(lr: Tensor, hr: Tensor) -> Tensor:
        given_lr.copy_(lr)
        given_hr.copy_(hr)
        rate.fill_(group["lr"])
        graph.replay()
        return result.clone()

    return replay


def _on_stream(step: Step, stream: torch.cuda.Stream) -> Step:
    def run(lr: Tensor, hr: Tensor) -> Tensor:
        current = torch.cuda.current_stream(lr.device)
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            loss = step(lr, hr)
        current.wait_stream(stream)
        return loss

    return run
