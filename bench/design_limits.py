"""Do designs keep their limits? Random limits and sizes, each checked by plain onnxruntime (docs/budget.md).

    python bench/design_limits.py --calls 10 --seed 0 --threads 2

Every call is a process of its own, `hnas design --max-latency ... --lr-size ... -o ...`, and what it hands over is
timed after it by bench/plain_onnxruntime.py, which shares nothing with this project. Limits lie between a little above
the time of the fastest network of the family at this size and beyond that of the slowest, evenly over orders of
magnitude. It fails where a network takes more than 1.1 times its limit, or a call more than 60 seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from hnas.bundled import BUNDLED
from hnas.deploy.design.family import read_family
from hnas.machine import default_threads, processor

#: Times its limit that a network may take as the plain script measures it, and seconds that a call may take.
TOLERANCE, SECONDS = 1.1, 60.0
#: Limits lie between so many times the fastest network's time and so many times the slowest one's.
EASIEST = (1.15, 1.3)
#: Sides of pictures, low-resolution pixels.
SIDES = (96, 720)
_PLAIN = Path(__file__).with_name("plain_onnxruntime.py")


@dataclass(frozen=True)
class Call:
    """One design and its check.

    Attributes:
        limit: ms that were asked for.
        size: HEIGHTxWIDTH of the picture.
        network: that was handed over; empty where none was.
        reported: ms that the design measured.
        plain: ms by onnxruntime alone; without a network, those of the fastest one.
        seconds: that the design took.
    """

    limit: float
    size: str
    network: str
    reported: float
    plain: float
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether there is a network, its limit was kept, and it came in time."""
        return bool(self.network) and self.plain <= TOLERANCE * self.limit and self.seconds <= SECONDS

    def row(self) -> str:
        """A line of the table."""
        cells = (f"{self.limit:.1f}", self.size, self.network or "none", f"{self.reported:.1f}", f"{self.plain:.1f}")
        ratio, verdict = f"{self.plain / self.limit:.2f}", "" if self.holds else "MISSED"
        return f"| {' | '.join((*cells, ratio, f'{self.seconds:.0f}', verdict))} |"


def plain_milliseconds(graphs: Sequence[Path], size: str, threads: int, rounds: int) -> list[float]:
    """Of every graph, by a process of plain onnxruntime."""
    command = [sys.executable, str(_PLAIN), *map(str, graphs), "--lr-size", size]
    command += ["--threads", str(threads), "--rounds", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout).values())


def one_call(random: np.random.Generator, options: argparse.Namespace) -> Call:
    """Draws a limit and a size, designs, and checks."""
    height, width = (int(np.exp(random.uniform(*np.log(options.sides)))) for _ in range(2))
    size = f"{height}x{width}"
    family = read_family(options.scale, options.family)
    ends = [family[0].graph, family[-1].graph]
    fastest, slowest = plain_milliseconds(ends, size, options.threads, 5)
    least = EASIEST[0] * fastest
    limit = round(float(np.exp(random.uniform(np.log(least), np.log(max(EASIEST[1] * slowest, least))))), 2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "design"
        command = [sys.executable, "-m", "hnas", "design", "--max-latency", f"{limit}ms", "--lr-size", size]
        command += ["--scale", str(options.scale), "--threads", str(options.threads), "-o", str(folder), "--json"]
        command += ["--family", str(options.family)]
        began = perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = perf_counter() - began
        if done.returncode:
            print(done.stderr.strip().splitlines()[-1], file=sys.stderr, flush=True)
            return Call(limit, size, "", float("nan"), fastest, seconds)
        result = json.loads(done.stdout)
        (plain,) = plain_milliseconds([folder / "model.onnx"], size, options.threads, options.rounds)
    return Call(limit, size, result["chosen"]["name"], result["measured_ms"], plain, seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for every call; 1 where one did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--rounds", type=int, default=25, help="of the check")
    parser.add_argument("--sides", type=int, nargs=2, default=SIDES, help="smallest and largest side of a picture")
    parser.add_argument("--family", type=Path, default=BUNDLED)
    options = parser.parse_args(arguments)
    random = np.random.default_rng(options.seed)
    print(f"{processor()}; {options.threads} threads; limits and times in ms, times of a call in s\n")
    print("| limit | size | network | measured | plain onnxruntime | of the limit | s | |")
    print("|---:|---|---|---:|---:|---:|---:|---|", flush=True)
    calls = []
    for _ in range(options.calls):
        calls.append(one_call(random, options))
        print(calls[-1].row(), flush=True)
    held = sum(call.holds for call in calls)
    print(f"\n{held} of {len(calls)} kept their limit within {TOLERANCE - 1:.0%} in at most {SECONDS:.0f} s")
    return int(held < len(calls))


if __name__ == "__main__":
    sys.exit(main())
