"""The hierarchical controller (paper, II-B): a learned distribution over the genotypes of a search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Generator, Tensor, nn

from hnas.errors import HnasError
from hnas.space import Choice, Genotype, Head, Space

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
        log_probs: for every head of the space, in its order, a tensor (n,) of natural log-probabilities.
        entropies: for every head a tensor (n,): the entropies (nats) of the choices met on the way, summed. Its mean
            over samples estimates the entropy of the head's distribution without bias.
    """

    genotypes: tuple[Genotype, ...]
    log_probs: Mapping[str, Tensor]
    entropies: Mapping[str, Tensor]

    @property
    def log_prob(self) -> Tensor:
        """(n,): the log-probability of each whole genotype."""
        return torch.stack(list(self.log_probs.values())).sum(0)

    @property
    def entropy(self) -> Tensor:
        """(n,): the entropies of all heads, summed."""
        return torch.stack(list(self.entropies.values())).sum(0)


class Controller(nn.Module):
    """A one-layer LSTM for every head of the space, each of which may see what those before it ended in.

    For the paper's cells these are the normal cell, the upsampling cell, and the position, which sees the other two.

    Args:
        space: the search space it draws from.
        generator: draws the initial weights, uniform in +-0.1, so that the first policy is nearly uniform.
        hidden: hidden units of each LSTM (100 in the paper).
        lam_range: smallest and largest lambda, the weight of PSNR in the reward, that every LSTM and every choice sees;
            None where the policy does not depend on it.
        hierarchical: False draws what is decided at the network level (the paper's position) uniformly: the ablation
            without a network-level controller.
    """

    def __init__(
        self,
        space: Space,
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
        learned = [head for head in space.heads if hierarchical or head.level != "network"]
        self.heads = nn.ModuleDict()
        for head in learned:
            sees = sum(other.name in head.sees for other in learned)
            seen = any(head.name in other.sees for other in learned)
            self.heads[head.name] = _HeadController(head, hidden, features, sees=sees, seen=seen)
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
        given = None if genotypes is None else torch.tensor([self.space.encode(genotype) for genotype in genotypes])
        walk = _Walk(count, given, generator, self.space)
        states: dict[str, Tensor] = {}
        for head in self.space.heads:
            walk.begin(head.name)
            if head.name in self.heads:
                seen = [states[name] for name in head.sees if name in states]
                states[head.name] = self.heads[head.name](walk, condition, seen)
            else:
                for choice in head.choices:
                    walk.choose(torch.zeros(count, choice.options), choice)
        return Policy(
            genotypes=tuple(genotypes if genotypes is not None else map(self.space.decode, walk.tokens)),
            log_probs=walk.log_probs,
            entropies=walk.entropies,
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


class _Walk:
    """One pass over all choices: draws each, or takes the given one, and adds up log-probability and entropy."""

    def __init__(self, count: int, given: Tensor | None, generator: Generator | None, space: Space) -> None:
        self._count, self._given, self._generator, self._space = count, given, generator, space
        self._chosen: list[Tensor] = []
        self._head = ""
        self.log_probs: dict[str, Tensor] = {}
        self.entropies: dict[str, Tensor] = {}

    @property
    def tokens(self) -> list[list[int]]:
        """The tokens of every row so far."""
        tokens: list[list[int]] = torch.stack(self._chosen, dim=1).tolist()
        return tokens

    def begin(self, head: str) -> None:
        """What follows is decided by this head."""
        self._head = head
        self.log_probs[head] = torch.zeros(self._count)
        self.entropies[head] = torch.zeros(self._count)

    def choose(self, logits: Tensor, choice: Choice) -> Tensor:
        """logits (n, options) -> the token chosen in each row (n,)."""
        closed = self._closed(choice) if choice.varies else None
        if closed is not None:
            logits = logits.masked_fill(closed, -torch.inf)
        log_probs = logits.log_softmax(1)
        if self._given is None:
            token = torch.multinomial(log_probs.detach().exp(), 1, generator=self._generator).squeeze(1)
        else:
            token = self._given[:, len(self._chosen)]
        self._chosen.append(token)
        self.log_probs[self._head] = self.log_probs[self._head] + log_probs.gather(1, token[:, None]).squeeze(1)
        if closed is not None:  # what cannot be chosen adds nothing to the entropy: 0 times a finite number
            log_probs = log_probs.masked_fill(closed, torch.finfo(log_probs.dtype).min)
        self.entropies[self._head] = self.entropies[self._head] - (log_probs.exp() * log_probs).sum(1)
        return token

    def _closed(self, choice: Choice) -> Tensor:
        """(n, options): what is not open after a row's tokens."""
        counts = torch.tensor([self._space.open_options(row) for row in self.tokens])
        return torch.arange(choice.options)[None, :] >= counts[:, None]


class _HeadController(nn.Module):
    """Makes the choices of one head.

    Args:
        head: which ones.
        hidden: hidden units of the LSTM.
        features: entries of the condition.
        sees: how many heads' last states it begins from.
        seen: whether another head begins from its last state.
    """

    def __init__(self, head: Head, hidden: int, features: int, *, sees: int, seen: bool) -> None:
        super().__init__()
        self._choices, self._seen = head.choices, seen
        size = max(sees, 1) * hidden
        if sees:
            # Learned, because a single step from a zero state would leave half of the LSTM's weights without effect.
            self.first_hidden = nn.Parameter(torch.empty(hidden))
            self.first_memory = nn.Parameter(torch.empty(hidden))
        else:
            self.start = nn.Parameter(torch.empty(hidden))
        options = _most_options(head.choices)
        # The last token is fed back only where somebody sees the state that it leads to.
        fed = head.choices if seen else head.choices[:-1]
        self.embeddings = nn.ModuleDict({kind: nn.Embedding(options[kind], size) for kind in _most_options(fed)})
        self.lstm = nn.LSTMCell(size + features, hidden)
        self.logits = nn.ModuleDict({kind: _choice(hidden, features, most) for kind, most in options.items()})

    def forward(self, walk: _Walk, condition: Tensor, seen: Sequence[Tensor]) -> Tensor:
        """Walks over all choices; returns the last hidden state (n, hidden)."""
        count = len(condition)
        if seen:
            token = torch.cat(list(seen), dim=1)
            hidden, memory = self._step(
                token, condition, (self.first_hidden.expand(count, -1), self.first_memory.expand(count, -1))
            )
        else:
            hidden, memory = self._step(self.start.expand(count, -1), condition, None)
        for index, choice in enumerate(self._choices):
            logits = self.logits[choice.kind](torch.cat([hidden, condition], dim=1))
            token = walk.choose(logits[:, : choice.options], choice)
            if self._seen or index + 1 < len(self._choices):
                hidden, memory = self._step(self.embeddings[choice.kind](token), condition, (hidden, memory))
        return hidden

    def _step(self, token: Tensor, condition: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        new: tuple[Tensor, Tensor] = self.lstm(torch.cat([token, condition], dim=1), state)
        return new


def _most_options(choices: Sequence[Choice]) -> dict[str, int]:
    """The largest number of options of every kind of choice."""
    most: dict[str, int] = {}
    for choice in choices:
        most[choice.kind] = max(most.get(choice.kind, 0), choice.options)
    return most


def _choice(hidden: int, features: int, choices: int) -> nn.Linear:
    """Logits of a choice from a hidden state and the condition, if there is one."""
    return nn.Linear(hidden + features, choices, bias=not features)
