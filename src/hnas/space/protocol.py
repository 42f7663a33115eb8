"""What searching asks of a space and of its genotypes, whatever they describe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

Level = Literal["cell", "network"]


class Genotype(Protocol):
    """What a network is: a frozen, hashable, validated value with versioned JSON.

    Attributes:
        kind: the name of the space that it belongs to, a key of :data:`hnas.space.KINDS`.
    """

    kind: ClassVar[str]

    def to_json(self) -> str:
        """The genotype as one JSON object; its field ``format`` says which kind it is."""

    def to_dict(self) -> dict[str, Any]:
        """The genotype as plain values, in the layout of its JSON."""

    def summary(self) -> str:
        """The genotype in one line for a person."""

    def lines(self) -> list[str]:
        """The genotype as text for a person."""

    def chosen(self) -> Mapping[str, Sequence[str]]:
        """What was chosen for every question that the space asks, in its order, such as the operations of a cell."""

    @property
    def idle(self) -> bool:
        """Whether nothing in it but its ends computes anything."""


@dataclass(frozen=True)
class Choice:
    """One decision.

    Attributes:
        kind: choices of a kind offer the same things, so that a controller has one set of weights for them.
        options: how many there are; every choice takes a token from 0 to ``options - 1``.
        varies: whether earlier tokens may leave fewer open, see :meth:`SpaceOf.open_options`.
    """

    kind: str
    options: int
    varies: bool = False


@dataclass(frozen=True)
class Head:
    """Decisions that belong together: one level of the hierarchical controller (paper, II-B).

    Attributes:
        name: in logs and reports.
        level: of a cell's (or chain's) inside, or of the network around it.
        choices: in the order in which they are made.
        sees: heads before it whose last state it begins from.
    """

    name: str
    level: Level
    choices: tuple[Choice, ...]
    sees: tuple[str, ...] = ()


G = TypeVar("G", bound=Genotype)


class SpaceOf(Protocol[G]):
    """Genotypes to choose from. Frozen; all randomness comes in.

    Attributes:
        kind: a key of :data:`hnas.space.KINDS`.
    """

    kind: ClassVar[str]

    @property
    def size(self) -> int:
        """How many genotypes there are."""

    @property
    def heads(self) -> tuple[Head, ...]:
        """All decisions in order; a genotype is one token for each."""

    def __contains__(self, genotype: object) -> bool: ...

    def __iter__(self) -> Iterator[G]:
        """Every genotype, each once: meant for small spaces."""

    def encode(self, genotype: G) -> tuple[int, ...]:
        """The tokens of a genotype of this space, one for every choice of :attr:`heads`."""

    def decode(self, tokens: Sequence[int]) -> G:
        """The genotype that the tokens stand for."""

    def open_options(self, earlier: Sequence[int]) -> int:
        """How many options the next choice has after these tokens: those below that number; 1 is no decision."""

    def sample(self, random: Random) -> G:
        """A genotype, each as likely as every other."""

    def first(self) -> G:
        """The genotype of which every choice is the first option."""

    def neighbours(self, genotype: G) -> Iterator[G]:
        """Every genotype that differs in exactly one choice."""

    def mutate(self, genotype: G, random: Random) -> G:
        """A genotype that differs in exactly one choice.

        Raises:
            HnasError: the genotype is not of this space, or the space holds no other one.
        """

    def fair(self, count: int, random: Random) -> list[G]:
        """Genotypes to train shared weights on, which together show everything as equally often as can be."""


#: A space of any kind of genotype.
Space: TypeAlias = SpaceOf[Any]


def decisions(space: Space) -> int:
    """How many decisions a genotype of a space consists of: the length of what it is encoded as."""
    return sum(len(head.choices) for head in space.heads)
