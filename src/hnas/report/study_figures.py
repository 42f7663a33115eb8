"""The pictures of a study: who finds what how soon, the fronts, what was drawn, how sure the controller is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from hnas.report.figures import GRID, INK, MUTED, calm, save_figure
from hnas.searching.strategies.registry import OWN
from hnas.searching.study.hypervolume import WORST, counted
from hnas.space import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


#: Of strategies that other packages bring.
_OTHERS = ("#4d7c0f", "#9333ea", "#b91c1c", "#155e75", "#92400e", "#475569")


def name_of(strategy: str) -> str:
    """A strategy as figures call it."""
    return OWN[strategy].title if strategy in OWN else strategy


def colour_of(strategy: str) -> str:
    """The colour of a strategy, the same in every figure."""
    return OWN[strategy].colour if strategy in OWN else _OTHERS[crc32(strategy.encode()) % len(_OTHERS)]


def draw_study(study: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Draws all that a study has.

    Args:
        study: what ``study.json`` holds.
        folder: where the pictures go.

    Returns:
        File name -> what it shows, in the order of reading.

    Raises:
        HnasError: a file cannot be written.
    """
    strategies = study["strategies"]
    drawn = {"study-rewards.png": (_rewards(study), "Best validated reward against genotypes scored")}
    if all(one.get("fronts") for one in strategies.values()):
        drawn["study-fronts.png"] = (_fronts(study), "Validated fronts of gain and cost, with their hypervolume")
    drawn["study-operations.png"] = (_operations(study), "Operations drawn in the last quarter of the search")
    if any(one["entropy"] for one in strategies.values()):
        drawn["study-entropy.png"] = (_entropies(study), "Entropy of the controllers' heads")
    if study["tau"]:
        drawn["study-ranking.png"] = (_ranking(study), "Scores against longer training alone")
    for name, (figure, _) in drawn.items():
        save_figure(figure, folder / name)
    return {name: caption for name, (_, caption) in drawn.items()}


def _rewards(study: Mapping[str, Any]) -> Figure:
    """Mean over the seeds with its spread; every seed faintly."""
    figure, (axes,) = _panels(1, width=8.0)
    ends = []
    for name, one in study["strategies"].items():
        colour = colour_of(name)
        means, spreads = zip(*one["reward"], strict=True)
        for seed in one["rewards"]:
            axes.plot(study["evaluations"], seed, color=colour, lw=0.8, alpha=0.35)
        low = [mean - spread for mean, spread in one["reward"]]
        high = [mean + spread for mean, spread in one["reward"]]
        axes.fill_between(study["evaluations"], low, high, color=colour, alpha=0.13, lw=0)
        axes.plot(study["evaluations"], means, color=colour, lw=2.2)
        ends.append((means[-1], f"{name_of(name)}  {means[-1]:.4f} ± {spreads[-1]:.4f}", colour))
    axes.set_xlabel("genotypes scored")
    axes.set_ylabel("validated reward of the best so far")
    _label_ends(axes, ends)
    return figure


def _label_ends(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Names curves at their right end, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    least = (high - low) * 0.06
    places: list[float] = []
    for value, _, _ in sorted(ends):
        places.append(max(value, places[-1] + least) if places else value)
    above = max(0.0, max(places) - high)  # many that end high would stand above the axes
    for place, (_, text, colour) in zip(places, sorted(ends), strict=True):
        height = (place - above - low) / (high - low)
        axes.text(1.02, height, text, transform=axes.transAxes, color=colour, va="center", fontsize=9)


def _fronts(study: Mapping[str, Any]) -> Figure:
    """One panel for each strategy, so that fronts do not hide each other; a line for every seed."""
    strategies = study["strategies"]
    figure, panels = _panels(len(strategies), width=2.6 * len(strategies) + 1.0, height=3.4)
    for axes, (name, one) in zip(panels, strategies.items(), strict=True):
        for front in one["fronts"]:
            within = counted(front)
            line = [*within, *((gain, WORST[1]) for gain, _ in within[-1:])]
            gains, costs = [gain for gain, _ in line], [cost for _, cost in line]
            axes.step(costs, gains, where="post", color=colour_of(name), lw=1.4, alpha=0.8)
            axes.plot(costs[: len(within)], gains[: len(within)], "o", color=colour_of(name), ms=4)
        axes.set_xlim(0, WORST[1])
        mean, spread = one["hypervolume"]
        axes.set_title(f"{name_of(name)}\nhypervolume {mean:.4f} ± {spread:.4f}", fontsize=9, color=INK, loc="left")
        axes.set_xlabel("cost (1 = mean of the space)")
    panels[0].set_ylabel("gain over bicubic, dB")
    return figure


def _operations(study: Mapping[str, Any]) -> Figure:
    """Shares within each kind of cell (or chain), a bar for every strategy."""
    strategies = study["strategies"]
    operations = KINDS[study["settings"]["space"]].operations
    height = 1.2 + 0.62 * max(map(len, operations.values()))
    figure, panels = _panels(len(operations), width=4.5 * len(operations), height=height, share_y=False)
    thickness = 0.8 / len(strategies)
    for axes, (where, names) in zip(panels, operations.items(), strict=True):
        shown = [name for name in names if any(name in one["operations"] for one in strategies.values())]
        for index, (strategy, one) in enumerate(strategies.items()):
            places = [row + (index - (len(strategies) - 1) / 2) * thickness for row in range(len(shown))]
            shares = [100 * one["operations"].get(name, 0.0) for name in shown]
            axes.barh(places, shares, height=thickness * 0.9, color=colour_of(strategy), label=name_of(strategy))
        if shown:
            axes.axvline(100 / len(shown), color=MUTED, lw=0.8, ls=":")
        axes.set_yticks(range(len(shown)), [names[name].style.label for name in shown])
        axes.invert_yaxis()
        axes.set_xlabel("% of choices (dotted: uniform)")
        axes.set_title(where, fontsize=10, color=INK, loc="left")
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2 * len(panels),
        frameon=False,
        fontsize=9,
    )
    return figure


def _entropies(study: Mapping[str, Any]) -> Figure:
    """How the entropy of every head falls; by head, for each controller."""
    found = {name: one["entropy"] for name, one in study["strategies"].items() if one["entropy"]}
    heads = list(dict.fromkeys(head for entropies in found.values() for head in entropies))
    figure, panels = _panels(len(heads), width=2.8 * len(heads) + 0.8, height=3.0, share_y=False)
    for axes, head in zip(panels, heads, strict=True):
        for name, entropies in found.items():
            if head in entropies:
                axes.plot(study["evaluations"], entropies[head], color=colour_of(name), lw=2, label=name_of(name))
        axes.set_title(f"{head} head", fontsize=10, color=INK, loc="left")
        axes.set_xlabel("genotypes scored")
    panels[0].set_ylabel("entropy, nats")
    _legend_below(figure, panels[0])
    return figure


def _ranking(study: Mapping[str, Any]) -> Figure:
    """Scores against training alone, a panel for every set of shared weights, or one for short training."""
    settings = study["settings"]
    shared = settings["scorer"] == "shared"
    scored = "with shared weights" if shared else f"after {settings['short_steps']} steps"
    figure, panels = _panels(len(study["tau"]), width=2.7 * len(study["tau"]) + 0.9, height=3.2)
    for seed, (axes, scores, tau) in enumerate(zip(panels, study["scored_psnr"], study["tau"], strict=True)):
        axes.plot(scores, study["alone"], "o", color=OWN["evolution"].colour, ms=6, mec="white")
        title = f"seed {seed}: tau {tau:.2f}" if shared else f"tau {tau:.2f}"
        axes.set_title(title, fontsize=10, color=INK, loc="left")
        axes.set_xlabel(f"PSNR {scored}, dB")
        axes.locator_params(axis="x", nbins=4)
    panels[0].set_ylabel(f"PSNR after {settings['alone_steps']} steps alone, dB")
    return figure


def _legend_below(figure: Figure, axes: Axes) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)


def _panels(count: int, *, width: float, height: float = 4.0, share_y: bool = True) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    panels = list(figure.subplots(1, count, sharey=share_y, squeeze=False)[0])
    for axes in panels:
        calm(axes)
        axes.grid(True, color=GRID, lw=0.8)
        axes.set_axisbelow(True)
    return figure, panels
