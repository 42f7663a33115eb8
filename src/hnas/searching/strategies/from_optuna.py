"""Samplers of Optuna (Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD 2019)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hnas.extras import need
from hnas.searching.reward import Known, Scored, Spread
from hnas.searching.strategies.settings import NoSettings
from hnas.searching.strategies.task import Task
from hnas.searching.within import draw_within
from hnas.space import Genotype, decisions

#: Draws for every genotype that is wanted, before those nearest to the limits are changed to fit: each takes a model.
_DRAWS_EACH = 4


class OptunaStrategy:
    """The tree-structured Parzen estimator (Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011).

    Every decision of the space is a categorical parameter. What was scored is the only state: a study is made of it
    anew for every batch, with a seed of that batch, so that a search goes on to the same bits.

    Raises:
        HnasError: optuna is not installed.
    """

    def __init__(self, own: NoSettings, task: Task) -> None:
        self._optuna: Any = need("optuna")
        self._space, self._usage = task.space, task.usage
        self._known: list[Known] = []

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`hnas.searching.strategies.Strategy`."""
        study = self._study(lam, random.getrandbits(31))

        def sample(many: int) -> list[Genotype]:
            return [self._suggested(study.ask()) for _ in range(many)]

        return draw_within(count, sample, self._usage, space=self._space, random=random, draws_each=_DRAWS_EACH)

    def _study(self, lam: float, seed: int) -> Any:
        """An Optuna study of all that is known, valued for this lambda."""
        optuna = self._optuna
        with warnings.catch_warnings():
            # So that the genotypes of a batch keep away from each other; Optuna calls that experimental.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        told = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of every study otherwise
        try:
            study = optuna.create_study(direction="maximize", sampler=sampler)
        finally:
            optuna.logging.set_verbosity(told)
        study.add_trials([self._trial(known, lam) for known in self._known])
        return study

    def _trial(self, known: Known, lam: float) -> Any:
        space, optuna = self._space, self._optuna
        tokens = space.encode(known.genotype)
        options = {str(place): space.open_options(tokens[:place]) for place in range(len(tokens))}
        several = {name: count for name, count in options.items() if count > 1}
        return optuna.trial.create_trial(
            params={name: tokens[int(name)] for name in several},
            distributions={
                name: optuna.distributions.CategoricalDistribution(range(count)) for name, count in several.items()
            },
            value=known.worth(lam),
        )

    def _suggested(self, trial: Any) -> Genotype:
        space = self._space
        tokens: list[int] = []
        for place in range(decisions(space)):
            options = space.open_options(tokens)
            tokens.append(trial.suggest_categorical(str(place), range(options)) if options > 1 else 0)
        genotype: Genotype = space.decode(tokens)
        return genotype

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Remembers them all."""
        self._known += [Known.of(one) for one in scored]
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """The best that were scored within the limits; where none is, what :meth:`ask` gives."""
        within = [one for one in self._known if self._usage(one.genotype) <= 1.0]
        ranked = sorted(within, key=lambda known: -known.worth(lam))
        best = list(dict.fromkeys(known.genotype for known in ranked))[:count]
        return best or list(dict.fromkeys(self.ask(count, lam=lam, random=random)))

    def state_dict(self) -> dict[str, Any]:
        """All that was scored."""
        return {"known": [known.state() for known in self._known]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self._known = [Known.from_state(known) for known in state["known"]]
