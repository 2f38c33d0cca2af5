"""Measure what maps cost: the paper's map and SmoothGrad-16 against bare passes, and Captum called naively beside them.

All compute in full precision on the same image. Rounds are interleaved, so that a busy moment meets all alike; the
medians are printed with their ratio to the bare passes, and exit status 1 says that a ratio is above its bar.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from captum.attr import NoiseTunnel, Saliency
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.card import default_bundle  # noqa: E402
from derm_model.net.bundle import load_bundle  # noqa: E402
from derm_model.net.engine import Engine  # noqa: E402
from derm_model.net.saliency import Target, explain  # noqa: E402
from derm_model.net.saliency.explainer import MAX_BATCH, Explainer, steps  # noqa: E402
from derm_model.net.saliency.method import Settings  # noqa: E402
from derm_model.net.saliency.methods import METHODS  # noqa: E402
from derm_model.progress import quiet  # noqa: E402
from derm_model.taxonomy import read_taxonomy  # noqa: E402

SAMPLES = 16
MAP_BAR, SMOOTHGRAD_BAR = 1.15, 1.1  # times the bare passes


class Bench:
    """What is measured, on one image."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine(load_bundle(folder, read_taxonomy()), precision="fp32")
        self.explainer = Explainer(self.engine)
        size = self.engine.bundle.preprocessing.size_px
        pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
        self.unit = self.explainer.unit(pixels).contiguous(memory_format=torch.channels_last)
        noise = torch.randn(SAMPLES, 3, size, size, generator=torch.Generator().manual_seed(0))
        self.noisy = (self.unit + Settings().noise * noise).contiguous(memory_format=torch.channels_last)
        self.target, _ = self.explainer.settle(self.unit, Target.predicted())

    def forward(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features of (n, 3, h, w) in [0, 1]."""
        features = self.engine.network.features(self.engine.bundle.preprocessing.standardise(unit))
        return self.engine.network.head(features), features

    def model(self, unit: Tensor) -> Tensor:
        """Logits: what somebody would hand to Captum."""
        return self.forward(unit)[0]

    def bare(self, units: Tensor) -> None:
        """One forward and one backward pass to the pixels, and nothing else."""
        leaf = units.detach().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(self.model(leaf), torch.zeros(len(units), dtype=torch.long))
        torch.autograd.grad(loss, leaf)

    def bare_batches(self) -> None:
        """Sixteen of them, in the batches of the lab."""
        for part in steps(self.noisy, MAX_BATCH):
            self.bare(part)

    def paper(self) -> None:
        """Answer and map as the engine gives them."""
        explain(self.forward, self.unit, self.target, self.engine.bundle.temperature)

    def method(self, name: str) -> None:
        """A method of the lab."""
        METHODS[name].run(self.explainer, self.unit, self.target, Settings(samples=SAMPLES), quiet)

    def naive_map(self) -> None:
        """The answer, then Captum's Saliency of its logit: a second forward pass."""
        with torch.no_grad():
            top = int(self.model(self.unit).argmax())
        Saliency(self.model).attribute(self.unit.clone().requires_grad_(True), target=top)

    def naive_smoothgrad(self) -> None:
        """Captum's noise tunnel as it comes: all copies at once."""
        tunnel = NoiseTunnel(Saliency(self.model))
        tunnel.attribute(self.unit, target=self.target.positive[0], nt_samples=SAMPLES, stdevs=Settings().noise)


def seconds(do: Callable[[], None]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def compare(rows: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Print medians and ratios to the first row, after one round that is not counted; ratios by name."""
    spent = [{name: seconds(do) for name, do in rows.items()} for _ in range(rounds + 1)][1:]
    medians = {name: median(turn[name] for turn in spent) for name in rows}
    bare = next(iter(rows))
    for name, took in medians.items():
        print(f"{name:58} {1000 * took:8.0f} ms   {took / medians[bare]:5.2f} x", flush=True)
    return {name: took / medians[bare] for name, took in medians.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    parser.add_argument("--rounds", type=int, default=9, help="of the single map; a third as many of SmoothGrad")
    args = parser.parse_args()
    bench = Bench(args.bundle or default_bundle())

    single = compare(
        {
            "bare forward and backward": lambda: bench.bare(bench.unit),
            "the paper's map, with the answer": bench.paper,
            "the paper's map, as a method of the lab": lambda: bench.method("gradient"),
            "Captum naively: answer, then Saliency of the logit": bench.naive_map,
        },
        args.rounds,
    )
    smooth = compare(
        {
            f"{SAMPLES} bare forward and backward, {MAX_BATCH} at a time": bench.bare_batches,
            f"SmoothGrad-{SAMPLES}": lambda: bench.method("smoothgrad"),
            "Captum naively: NoiseTunnel, all copies at once": bench.naive_smoothgrad,
        },
        max(3, args.rounds // 3),
    )
    if single["the paper's map, with the answer"] > MAP_BAR or smooth[f"SmoothGrad-{SAMPLES}"] > SMOOTHGRAD_BAR:
        print(f"Above the bar: {MAP_BAR} x for the paper's map, {SMOOTHGRAD_BAR} x for SmoothGrad.")
        sys.exit(1)


if __name__ == "__main__":
    main()
