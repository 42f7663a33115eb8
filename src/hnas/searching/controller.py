"""The hierarchical controller (paper, 3.4): a learned distribution over the genotypes of a search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Generator, Tensor, nn

from hnas.errors import HnasError
from hnas.space import CELL_INPUTS, Cell, CellKind, Edge, Genotype, SearchSpace

#: The three heads, in the order in which they decide.
HEADS = ("normal", "upsampling", "position")

_FIRST_SOURCE = CELL_INPUTS[0]
#: Lambdas, evenly spread over the range in log-odds, between which the condition interpolates.
_ANCHORS = 8
#: Size of the condition's entries. A learning rate moves the part of a logit that hangs on lambda by so much more than
#: the part that is common to all; otherwise what most lambdas like is settled before any of them goes its own way. For
#: the same reason the choices have no bias then.
_CONDITION_SIZE = 15.0


@dataclass(frozen=True)
class Policy:
    """Genotypes with what the controller thinks of them.

    Attributes:
        genotypes: n genotypes.
        log_probs: for every head (``HEADS``) a tensor (n,) of natural log-probabilities.
        entropies: for every head a tensor (n,): the entropies (nats) of the choices met on the way, summed. Its mean
            over samples estimates the entropy of the head's distribution without bias.
    """

    genotypes: tuple[Genotype, ...]
    log_probs: Mapping[str, Tensor]
    entropies: Mapping[str, Tensor]

    @property
    def log_prob(self) -> Tensor:
        """(n,): the log-probability of each whole genotype."""
        return torch.stack([self.log_probs[head] for head in HEADS]).sum(0)

    @property
    def entropy(self) -> Tensor:
        """(n,): the entropies of all heads, summed."""
        return torch.stack([self.entropies[head] for head in HEADS]).sum(0)


class Controller(nn.Module):
    """Three one-layer LSTMs: normal cell, upsampling cell, and position, which sees what the other two ended in.

    Args:
        space: the search space it draws from.
        generator: draws the initial weights, uniform in +-0.1, so that the first policy is nearly uniform.
        hidden: hidden units of each LSTM (100 in the paper).
        lam_range: smallest and largest lambda, the weight of PSNR in the reward, that every LSTM and every choice sees;
            None where the policy does not depend on it.
        hierarchical: False draws the position uniformly: the ablation without a network-level controller.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        generator: Generator,
        hidden: int = 100,
        lam_range: tuple[float, float] | None = None,
        hierarchical: bool = True,
    ) -> None:
        super().__init__()
        self.space = space
        self._lam_range = lam_range
        features = _ANCHORS if lam_range else 0
        self.normal = _CellController(space, "normal", hidden, features)
        self.upsampling = _CellController(space, "upsampling", hidden, features)
        self.position = _PositionController(space.layers, hidden, features) if hierarchical else None
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1, generator=generator)
        self._forget_lambda(features)

    def _forget_lambda(self, features: int) -> None:
        """Nothing hangs on lambda at first: entries of the condition's size would make a random policy for each."""
        for module in self.modules():
            if isinstance(module, nn.LSTMCell):
                nn.init.zeros_(module.weight_ih[:, module.input_size - features :])
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.weight[:, module.in_features - features :])

    def sample(self, count: int, generator: Generator, lam: float | None = None) -> Policy:
        """Draws ``count`` genotypes; :meth:`evaluate` of the same genotypes gives the same numbers."""
        return self._run(count, None, generator, None if lam is None else [lam] * count)

    def evaluate(self, genotypes: Sequence[Genotype], lams: Sequence[float] | None = None) -> Policy:
        """Log-probability and entropies of the given genotypes, each for its own lambda where the policy sees one.

        Raises:
            HnasError: no genotypes, one that is not of the controller's space, or a lambda given where the
                controller takes none (or the other way round).
        """
        if not genotypes or any(genotype not in self.space for genotype in genotypes):
            raise HnasError("the controller evaluates one or more genotypes of its own search space")
        return self._run(len(genotypes), genotypes, None, lams)

    def _run(
        self,
        count: int,
        genotypes: Sequence[Genotype] | None,
        generator: Generator | None,
        lams: Sequence[float] | None,
    ) -> Policy:
        condition = self._condition(count, lams)
        walks: dict[str, _Walk] = {}
        states = []
        for head in (self.normal, self.upsampling):
            given = None if genotypes is None else head.encode(genotypes)
            walks[head.kind], state = head(_Walk(count, given, generator), condition)
            states.append(state)
        position = _Walk(count, None if genotypes is None else _positions(genotypes), generator)
        if self.position is None:
            position.choose(torch.zeros(count, self.space.layers))
        else:
            position.choose(self.position(torch.cat(states, dim=1), condition))
        walks["position"] = position
        return Policy(
            genotypes=tuple(genotypes) if genotypes is not None else self._decode(walks),
            log_probs={head: walks[head].log_prob for head in HEADS},
            entropies={head: walks[head].entropy for head in HEADS},
        )

    def _condition(self, count: int, lams: Sequence[float] | None) -> Tensor:
        if (lams is None) != (self._lam_range is None):
            known = "needs lambda" if lams is None else "was not built to see lambda"
            raise HnasError(f"this controller {known}; give lambda to a conditional controller, and only to one")
        if lams is None or self._lam_range is None:
            return torch.zeros(count, 0)
        low, high = self._lam_range
        if outside := [lam for lam in lams if not low <= lam <= high]:
            raise HnasError(f"lambda is {outside[0]}; allowed are {low} to {high}")
        # The reward weighs its terms lambda : 1 - lambda, so the log-odds are the natural scale.
        first, *odds, last = (log(lam / (1.0 - lam)) for lam in (low, *lams, high))
        # Ends may differ as numbers and be equal in log-odds.
        places = torch.tensor(odds).sub(first).mul((_ANCHORS - 1) / ((last - first) or 1.0))
        return _CONDITION_SIZE * (1.0 - (torch.arange(_ANCHORS) - places[:, None]).abs()).clamp(min=0.0)

    def _decode(self, walks: Mapping[str, _Walk]) -> tuple[Genotype, ...]:
        normal, upsampling = (head.decode(walks[head.kind].tokens) for head in (self.normal, self.upsampling))
        positions = (int(tokens[0]) + 1 for tokens in walks["position"].tokens)
        return tuple(
            Genotype(self.space.layers, position, first, second)
            for position, first, second in zip(positions, normal, upsampling, strict=True)
        )


class _Walk:
    """One pass over a head's tokens: draws each, or takes the given one, and adds up log-probability and entropy."""

    def __init__(self, count: int, given: Tensor | None, generator: Generator | None) -> None:
        self._given, self._generator = given, generator
        self._chosen: list[Tensor] = []
        self.log_prob = torch.zeros(count)
        self.entropy = torch.zeros(count)

    @property
    def tokens(self) -> list[list[int]]:
        tokens: list[list[int]] = torch.stack(self._chosen, dim=1).tolist()
        return tokens

    def choose(self, logits: Tensor) -> Tensor:
        """logits (n, choices) -> the token chosen in each row (n,)."""
        log_probs = logits.log_softmax(1)
        if self._given is None:
            token = torch.multinomial(log_probs.detach().exp(), 1, generator=self._generator).squeeze(1)
        else:
            token = self._given[:, len(self._chosen)]
        self._chosen.append(token)
        self.log_prob = self.log_prob + log_probs.gather(1, token[:, None]).squeeze(1)
        self.entropy = self.entropy - (log_probs.exp() * log_probs).sum(1)
        return token


class _CellController(nn.Module):
    """Draws one cell: for every node its two sources, then its two operations."""

    def __init__(self, space: SearchSpace, kind: CellKind, hidden: int, features: int) -> None:
        super().__init__()
        self.kind: CellKind = kind
        self._space, self._operations = space, space.operations(kind)
        sources = len(space.sources(space.nodes - 1))
        self.start = nn.Parameter(torch.empty(hidden))
        self.source_embedding = nn.Embedding(sources, hidden)
        self.operation_embedding = nn.Embedding(len(self._operations), hidden)
        self.lstm = nn.LSTMCell(hidden + features, hidden)
        self.source = _choice(hidden, features, sources)
        self.operation = _choice(hidden, features, len(self._operations))

    def forward(self, walk: _Walk, condition: Tensor) -> tuple[_Walk, Tensor]:
        """Walks over all tokens; the second value is the last hidden state (n, hidden)."""

        def seen(hidden: Tensor) -> Tensor:
            return torch.cat([hidden, condition], dim=1)

        token = self.start.expand(len(condition), -1)
        hidden, memory = self._step(token, condition, None)
        for node in range(self._space.nodes):
            choices = len(self._space.sources(node))
            for _ in range(2):
                token = self.source_embedding(walk.choose(self.source(seen(hidden))[:, :choices]))
                hidden, memory = self._step(token, condition, (hidden, memory))
            for _ in range(2):
                token = self.operation_embedding(walk.choose(self.operation(seen(hidden))))
                # The last token is fed as well, so that the last state knows the whole cell.
                hidden, memory = self._step(token, condition, (hidden, memory))
        return walk, hidden

    def _step(self, token: Tensor, condition: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        new: tuple[Tensor, Tensor] = self.lstm(torch.cat([token, condition], dim=1), state)
        return new

    def encode(self, genotypes: Sequence[Genotype]) -> Tensor:
        """The tokens (n, 4 per node) of each genotype's cell of this kind."""
        rows = []
        for genotype in genotypes:
            cell = genotype.normal if self.kind == "normal" else genotype.upsampling
            row: list[int] = []
            for node in cell.nodes:
                row += [edge.source - _FIRST_SOURCE for edge in node]
                row += [self._operations.index(edge.operation) for edge in node]
            rows.append(row)
        return torch.tensor(rows)

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[Cell]:
        """The cells that the tokens stand for."""
        cells = []
        for row in tokens:
            nodes = []
            for start in range(0, len(row), 4):
                sources, operations = row[start : start + 2], row[start + 2 : start + 4]
                first, second = (
                    Edge(self._operations[operation], source + _FIRST_SOURCE)
                    for operation, source in zip(operations, sources, strict=True)
                )
                nodes.append((first, second))
            cells.append(Cell(self.kind, tuple(nodes)))
        return cells


class _PositionController(nn.Module):
    """Logits (n, layers) of the position, from the last hidden states of both cells, joined."""

    def __init__(self, layers: int, hidden: int, features: int) -> None:
        super().__init__()
        # Learned, because a single step from a zero state would leave half of the LSTM's weights without effect.
        self.first_hidden = nn.Parameter(torch.empty(hidden))
        self.first_memory = nn.Parameter(torch.empty(hidden))
        self.lstm = nn.LSTMCell(2 * hidden + features, hidden)
        self.head = _choice(hidden, features, layers)

    def forward(self, states: Tensor, condition: Tensor) -> Tensor:
        first = self.first_hidden.expand(len(states), -1), self.first_memory.expand(len(states), -1)
        hidden, _ = self.lstm(torch.cat([states, condition], dim=1), first)
        logits: Tensor = self.head(torch.cat([hidden, condition], dim=1))
        return logits


def _choice(hidden: int, features: int, choices: int) -> nn.Linear:
    """Logits of a choice from a hidden state and the condition, if there is one."""
    return nn.Linear(hidden + features, choices, bias=not features)


def _positions(genotypes: Sequence[Genotype]) -> Tensor:
    return torch.tensor([[genotype.position - 1] for genotype in genotypes])
