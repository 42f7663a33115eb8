"""How noisy is the controller's gradient? One sample against a moving average, or four on the same pictures.

    python bench/gradient_variance.py runs/all

Takes the shared weights and pictures of a finished search and a fresh controller, which does not learn here, and draws
the gradient of its reward again and again: with the paper's single sample and moving average (``--baseline ema
--samples 1``), and with four samples on one batch, each compared with the mean of the others. Both see the same
genotypes; the first of every four, and its pictures, are the same too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hnas.extras import script_needs

script_needs("torch")

import torch
from torch import Generator, Tensor

from hnas.searching.controller import Policy
from hnas.searching.reward import joint_reward
from hnas.searching.runs import RESULT, open_searcher
from hnas.searching.strategies import build_strategy
from hnas.searching.strategies.reinforce import ControllerStrategy, policy_loss
from hnas.space import Genotype
from hnas.training.run_folder import RunFolder

SAMPLES = 4
#: Rewards after which the moving average is taken to have settled (its decay is 0.95).
SETTLING = 40


def gradient(strategy: ControllerStrategy, policy: Policy, advantages: Sequence[float]) -> Tensor:
    """The gradient of the reward's part of the loss, all parameters in one vector."""
    parameters = list(strategy.controller.parameters())
    loss = policy_loss(policy, advantages, 0.0)
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.cat([g.flatten() for g in found if g is not None])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder of a finished search with scorer shared")
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--lam", type=float, default=0.9)
    arguments = parser.parse_args()
    searcher = open_searcher(RunFolder(Path(arguments.run), RESULT))
    settings = replace(searcher.settings, lam=arguments.lam, strategy="controller", standardise=False)
    many = build_strategy(replace(settings, samples=SAMPLES, baseline="leave-one-out"), lambda _: 0.0)
    one = build_strategy(replace(settings, samples=1, baseline="ema"), lambda _: 0.0)
    assert isinstance(many, ControllerStrategy)
    assert isinstance(one, ControllerStrategy)

    def reward(genotype: Genotype, batch: int) -> float:
        psnr = searcher.evaluator(genotype, *searcher.pictures.scoring.batch(batch))
        return joint_reward(psnr, searcher.costs(genotype).relative, arguments.lam).value

    grouped, single, averaged = [], [], []
    for update in range(SETTLING // SAMPLES + arguments.updates):
        policy = many.controller.sample(SAMPLES, Generator().manual_seed(update))
        same = [reward(genotype, SAMPLES * update) for genotype in policy.genotypes]
        apart = same[:1] + [reward(g, SAMPLES * update + i) for i, g in enumerate(policy.genotypes) if i]
        advantages = [one.advantages([value])[0][0] for value in apart]
        if update < SETTLING // SAMPLES:
            continue
        grouped.append(gradient(many, policy, many.advantages(same)[0]))
        alone = [
            gradient(one, one.controller.evaluate([genotype]), [advantage])
            for genotype, advantage in zip(policy.genotypes, advantages, strict=True)
        ]
        single.append(alone[0])
        averaged.append(torch.stack(alone).mean(0))
    variances = [torch.stack(draws).var(0).sum().item() for draws in (single, averaged, grouped)]
    names = (
        "1 sample, moving average (one evaluation)",
        "the mean of 4 such (four evaluations)",
        "4 samples on one batch, leave-one-out (four evaluations)",
    )
    for name, variance in zip(names, variances, strict=True):
        print(f"{name}: variance {variance:.4g}, {variance / variances[-1]:.1f} times the last")


if __name__ == "__main__":
    main()
