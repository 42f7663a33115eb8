"""The results page: every exported model's card in tables, and PSNR against multiply-adds beside published networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hnas.deploy.share.compressed_table import compressed_table
from hnas.files import write_atomically
from hnas.nets.peers import PEERS
from hnas.report.figures import Mark, psnr_against_macs
from hnas.report.table_figure import published_mark
from hnas.zoo.comparison import ComparisonRow
from hnas.zoo.table_two import SCALE, in_table_order


def write_results(
    cards: Sequence[Mapping[str, Any]],
    page: str | Path,
    *,
    published: Sequence[ComparisonRow] = (),
    dataset: str = "Set5",
) -> Path:
    """Writes a page of Markdown, and beside it a figure for every scale with figures on one data set.

    Args:
        cards: of exported models (:func:`hnas.deploy.export.card.read_cards`).
        page: the Markdown file.
        published: rows of Table II, which are shown beside the models of its scale.
        dataset: the set of the figure.

    Returns:
        The page.

    Raises:
        HnasError: a file cannot be written.
    """
    page = Path(page)
    lines = ["# Results", "", *_introduction(cards)]
    for scale in sorted({card["scale"] for card in cards}):
        of_scale = sorted((card for card in cards if card["scale"] == scale), key=lambda card: card["macs"])
        lines += ["", f"## ×{scale}", "", *_table(of_scale)]
        if compressed := compressed_table(of_scale):
            lines += ["", *compressed]
        marks = _marks(of_scale, dataset)
        if marks:
            figure = f"{page.stem}-x{scale}.png"
            if scale == SCALE:
                marks += [mark for row in published if (mark := published_mark(row, dataset))]
            psnr_against_macs(marks, page.parent / figure, y_label=f"PSNR on Y, {dataset} ×{scale}, dB")
            lines += ["", f"![PSNR on {dataset} against multiply-adds, ×{scale}]({figure})"]
    lines += ["", "## How they were trained", "", *_provenance(cards)]
    write_atomically(page, "\n".join(lines) + "\n")
    return page


def _introduction(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    height, width = cards[0]["lr_size"]
    devices = ", ".join(sorted({card["latency_device"] for card in cards}))
    return [
        "Measured from the files as they are shipped: PSNR in dB and SSIM on Y, the output rounded to 8 bits, as many",
        "pixels cropped as the scale. A single pass; ×8 is the mean over eight turned and mirrored inputs.",
        "Multiply-adds (all convolutions, transposed ones included) and time are those of a low-resolution picture of",
        f"{width}×{height}; timed on {devices}.",
    ]


def _table(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    sets = in_table_order({name for card in cards for name in card["results"]})
    head = ["model", "multiply-adds", "parameters", "time", *(f"{name} PSNR / SSIM (PSNR ×8)" for name in sets)]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for card in cards:
        cells = [f"{card['macs'] / 1e9:.1f} G", f"{card['params'] / 1e3:.1f} K", f"{card['latency_ms']:.0f} ms"]
        for name in sets:
            result = card["results"].get(name)
            cells.append(f"{result['psnr']:.2f} / {result['ssim']:.4f} ({result['psnr_x8']:.2f})" if result else "")
        lines.append(f"| {card['name']} | {' | '.join(cells)} |")
    return lines


def _marks(cards: Sequence[Mapping[str, Any]], dataset: str) -> list[Mark]:
    return [
        Mark(
            card["name"],
            card["macs"],
            card["results"][dataset]["psnr"],
            "trained" if card["description"].get("architecture") in PEERS else "ours",
        )
        for card in cards
        if dataset in card["results"]
    ]


def _provenance(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["| model | pictures | steps | seed | on | SHA-256 |", "|---|---|---:|---:|---|---|"]
    for card in cards:
        origin = card["provenance"]
        data = ", ".join(f"{item['folder']} ({item['pictures']})" for item in origin.get("data", []))
        device = origin.get("device", "")
        cells = (data, origin.get("steps", ""), origin.get("seed", ""), device, f"`{card.get('sha256', '')[:12]}`")
        lines.append(f"| {card['name']} | {' | '.join(map(str, cells))} |")
    commands = [f"{card['command']}" for card in cards if card.get("command")]
    return [*lines, "", "The commands that train them again:", "", "```sh", *commands, "```"]
