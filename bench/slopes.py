"""Do the slopes that ``--strategy darts`` learns from say which option is the better one?

    python bench/slopes.py runs/search --genotypes 16

Takes the shared weights and pictures of a finished search. For every decision of random genotypes it compares the
slope, the derivative of PSNR by a factor on what was chosen, with the advantage of that option: the PSNR less its mean
over the other options, everything else as it is. Slopes that steer by quality rank options as their advantages do.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from random import Random
from statistics import fmean

from hnas.extras import script_needs

script_needs("torch")

from hnas.ranking import kendall_tau
from hnas.searching.evaluators import Differentiable
from hnas.searching.runs import RESULT, open_searcher
from hnas.training.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder of a finished search with scorer shared")
    parser.add_argument("--genotypes", type=int, default=16)
    parser.add_argument("--pictures", type=int, default=16, help="patches of the strategy's batch")
    arguments = parser.parse_args()
    searcher = open_searcher(RunFolder(Path(arguments.run), RESULT))
    evaluator, space = searcher.evaluator, searcher.settings.search_space
    assert isinstance(evaluator, Differentiable), "training alone has no slopes"
    lr, hr = (pictures[: arguments.pictures] for pictures in searcher.pictures.scoring.batch(0))
    choices = [(f"{choice.kind} ({head.name})", choice.options) for head in space.heads for choice in head.choices]
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for seed in range(arguments.genotypes):
        genotype = space.sample(Random(seed))
        tokens = space.encode(genotype)
        psnr, slopes = evaluator.with_slopes(genotype, lr, hr)
        for place, (name, _) in enumerate(choices):
            options = space.open_options(tokens[:place])
            others = [option for option in range(options) if option != tokens[place]]
            if others:
                changed = [space.decode((*tokens[:place], option, *tokens[place + 1 :])) for option in others]
                advantage = psnr - fmean(evaluator(one, lr, hr) for one in changed)
                found[name].append((slopes[place], advantage))
    print("| decision | slopes | their mean, absolute | advantages, mean, absolute | tau |")
    print("|---|---|---|---|---|")
    for name, pairs in found.items():
        first, second = zip(*pairs, strict=True)
        sizes = (fmean(map(abs, values)) for values in (first, second))
        cells = [name, str(len(pairs)), *(f"{size:.4f} dB" for size in sizes), f"{kendall_tau(first, second):+.2f}"]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
