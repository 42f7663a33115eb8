"""Scores from a table: what is slow to score is scored once, by whichever search meets it first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from hnas.files import make_folder, write_atomically
from hnas.space import Genotype
from hnas.values import read_json


class Table(Protocol):
    """PSNR in dB of genotypes, each on several pictures; a dict is one."""

    def __contains__(self, genotype: Genotype, /) -> bool: ...

    def __getitem__(self, genotype: Genotype, /) -> Sequence[float]: ...

    def __setitem__(self, genotype: Genotype, scores: Sequence[float], /) -> None: ...


class TabulatedEvaluator:
    """Scores that hang on genotype and pictures alone, each made once.

    Args:
        score: a genotype to its PSNR in dB on each of the pictures.
        pictures: all that will be asked for (LR and HR); a new genotype is scored on all of them at once.
        table: what is known; new scores go there.
    """

    #: There are no shared weights.
    weights = None

    def __init__(
        self,
        score: Callable[[Genotype], Sequence[float]],
        pictures: Sequence[tuple[Tensor, Tensor]],
        table: Table,
    ) -> None:
        self._score, self._pictures, self._table = score, tuple(pictures), table

    def __call__(self, genotype: Genotype, lr: Tensor, hr: Tensor) -> float:
        """See :class:`~hnas.searching.evaluators.protocol.Evaluator`.

        Raises:
            ValueError: pictures that are none of those stated.
        """
        places = [index for index, (known, _) in enumerate(self._pictures) if _same(known, lr)]
        if not places:
            raise ValueError("a table has scores on the pictures that it was made for; these are others")
        if genotype not in self._table:
            self._table[genotype] = self._score(genotype)
        return float(self._table[genotype][places[0]])


def _same(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and torch.equal(first, second)


class ScoreFolder:
    """A table on disk, a file for every genotype, which processes and runs may share.

    Args:
        path: of the folder; made when it is first written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __contains__(self, genotype: Genotype, /) -> bool:
        return self._file(genotype).exists()

    def __getitem__(self, genotype: Genotype, /) -> Sequence[float]:
        scores: list[float] = read_json(self._file(genotype))["psnr"]
        return scores

    def __setitem__(self, genotype: Genotype, scores: Sequence[float], /) -> None:
        row = {"genotype": genotype.to_dict(), "psnr": list(scores)}
        make_folder(self.path)
        write_atomically(self._file(genotype), json.dumps(row) + "\n")

    def _file(self, genotype: Genotype) -> Path:
        return self.path / f"{sha256(genotype.to_json().encode()).hexdigest()[:24]}.json"
