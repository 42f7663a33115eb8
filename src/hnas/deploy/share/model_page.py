"""A model's page for the Hub: what it is and what it gives, from its weights file and the card of its measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hnas.deploy.export.card import card_beside
from hnas.deploy.share.compressed_table import compressed_table
from hnas.nets import LR_SIZE, build_model, model_cost
from hnas.space import read_genotype
from hnas.weights import read_weights


def model_page(weights: Path, *, name: str) -> str:
    """Markdown with the header that the Hub reads.

    Figures come from the card beside the weights file (``<name>.json``, written by ``hnas zoo export``); without it
    the page says that nothing was measured.

    Raises:
        HnasError: the weights file, or the JSON file beside it, cannot be read.
    """
    file = read_weights(weights)
    card = card_beside(weights)
    scale = int(file.description["scale"])
    cost = model_cost(build_model(file.description), lr_size=LR_SIZE)
    height, width = LR_SIZE
    licence = str(file.provenance.get("licence") or "")
    licensed = "licence" if file.provenance.get("source") == "published" else "training pictures"
    genotype, taught = file.description.get("genotype"), file.provenance.get("teacher")
    lines = [
        "---",
        "library_name: hnas-sr",
        "pipeline_tag: image-to-image",
        "tags: [super-resolution, neural-architecture-search]",
        *_header_results(name, scale, card),
        "---",
        "",
        f"# {name}",
        "",
        _purpose(scale, str(file.provenance.get("degradation") or "")),
        "",
        f"- {cost.macs / 1e9:.1f} G multiply-adds for an input of 3x{height}x{width}",
        f"- {cost.params / 1e3:.1f} K parameters",
        f"- architecture: {file.description['architecture']}",
        *([f"- {read_genotype(genotype).summary()}"] if genotype else []),
        *([f"- teacher: {taught['model']} ({taught['licence'] or 'no licence stated'})"] if taught else []),
        *([f"- {licensed}: {licence}"] if licence else []),
        "",
        "## How to use it",
        "",
        "```python",
        "import hnas",
        "",
        'large = hnas.load("model.safetensors").upscale(small)  # uint8 arrays, (H, W, 3)',
        "```",
        "",
        "On the command line: `hnas upscale small.png -o large.png -m model.safetensors`.",
        "",
        "## What was measured",
        "",
        *_result_table(card),
        "",
    ]
    return "\n".join(lines)


def _purpose(scale: int, degradation: str) -> str:
    """What the model does, to which pictures."""
    went_through = f"went through {degradation}" if degradation else ""
    if scale == 1:
        return f"Restores photographs at their own size. Made for pictures that {went_through or 'its training had'}."
    further = f"; many of them {went_through}" if degradation else ""
    made_for = f"Made for pictures that were made smaller by bicubic interpolation{further}."
    return f"Enlarges photographs {scale} times. {made_for}"


def _header_results(name: str, scale: int, card: dict[str, Any]) -> list[str]:
    results = card.get("results") or {}
    if not results:
        return []
    lines = ["model-index:", f"- name: {name}", "  results:"]
    for dataset, figures in results.items():
        lines += [
            "  - task: {type: image-super-resolution}",
            f"    dataset: {{name: {dataset}, type: {dataset}}}",
            "    metrics:",
            f"    - {{type: psnr, name: PSNR on Y (x{scale}), value: {figures['psnr']:.2f}}}",
            f"    - {{type: ssim, name: SSIM on Y (x{scale}), value: {figures['ssim']:.4f}}}",
        ]
    return lines


def _result_table(card: dict[str, Any]) -> list[str]:
    results = card.get("results") or {}
    if not results:
        return ["Nothing yet: `hnas evaluate` measures it."]
    lines = [
        "PSNR in dB and SSIM on Y of BT.601, a border of as many pixels as the scale left out; x8 is the mean over the",
        "eight turns and flips.",
        "",
        "| set | PSNR | SSIM | PSNR x8 | SSIM x8 |",
        "|---|---:|---:|---:|---:|",
    ]
    for dataset, figures in results.items():
        cells = [f"{figures['psnr']:.2f}", f"{figures['ssim']:.4f}"]
        cells += [
            f"{figures[key]:{form}}" if figures.get(key) is not None else ""
            for key, form in (("psnr_x8", ".2f"), ("ssim_x8", ".4f"))
        ]
        lines.append(f"| {dataset} | {' | '.join(cells)} |")
    if compressed := compressed_table([card]):
        lines += ["", *compressed]
    if card.get("latency_ms"):
        lines += [
            "",
            f"An input of {'x'.join(map(str, card['lr_size']))} took {card['latency_ms']:.0f} ms "
            f"({card['latency_device']}).",
        ]
    if card.get("command"):
        lines += ["", "Trained with:", "", "```", card["command"], "```"]
    return lines
