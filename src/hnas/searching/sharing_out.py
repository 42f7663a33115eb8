"""How the processes of one search share its work: scores, and the patches of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

T = TypeVar("T")


def shared_out(work: Callable[[T], float], items: Sequence[T], fabric: Fabric) -> list[float]:
    """One number of every item, in order, in every process; each has worked on every so manieth item.

    Args:
        work: what a process does with an item.
        items: any number of them, the same in every process.
        fabric: the processes.
    """
    return [row[0] for row in rows_shared_out(lambda item: (work(item),), items, fabric, width=1)]


def rows_shared_out(
    work: Callable[[T], Sequence[float]], items: Sequence[T], fabric: Fabric, *, width: int
) -> list[list[float]]:
    """The same for several numbers of every item.

    Args:
        work: what a process does with an item.
        items: any number of them, the same in every process.
        fabric: the processes.
        width: how many numbers.
    """
    world, rank = fabric.world_size, fabric.global_rank
    if world == 1:
        return [list(work(item)) for item in items]
    values = torch.zeros(len(items), width, dtype=torch.float64, device=fabric.device)
    for index in range(rank, len(items), world):
        values[index] = torch.tensor(work(items[index]), dtype=torch.float64)
    summed = fabric.all_reduce(values, reduce_op="sum")
    assert isinstance(summed, Tensor)
    rows: list[list[float]] = summed.tolist()
    return rows


def patches_of(rank: int, *, world: int, batch: int, genotypes: int) -> Iterator[tuple[int, slice, float]]:
    """What one of ``world`` processes does of a batch whose patches ``genotypes`` genotypes see in equal shares.

    Each process has its part of the batch, up to one patch as large as those of the others. A genotype whose patches
    all fall to one process is whole there.

    Yields:
        A genotype's number, its patches of the batch that are this process's, and the weight of the mean of their loss
        with which the mean over the processes is that of a single one.
    """
    each = batch // genotypes
    first, last = rank * batch // world, (rank + 1) * batch // world
    for number in range(genotypes):
        begin, end = max(first, number * each), min(last, (number + 1) * each)
        if begin < end:
            yield number, slice(begin, end), world * (end - begin) / each


def average_gradients(parameters: Sequence[nn.Parameter], fabric: Fabric) -> None:
    """Averages gradients over the processes; each has run other genotypes, so each has other gradients missing.

    What no process has used keeps no gradient.
    """
    if fabric.world_size == 1:
        return
    device = fabric.device
    used = torch.tensor([float(parameter.grad is not None) for parameter in parameters], device=device)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), used])
    mean = fabric.all_reduce(flat, reduce_op="mean")
    assert isinstance(mean, Tensor)
    *parts, used = torch.split(mean, [*(parameter.numel() for parameter in parameters), len(parameters)])
    for parameter, part, share in zip(parameters, parts, used.tolist(), strict=True):
        parameter.grad = part.view_as(parameter).clone() if share else None
