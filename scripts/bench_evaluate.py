"""Measure on this machine what an evaluation costs beside the bare network: the whole command against the forward pass.

Pictures are drawn: some dozens of different ones as JPEG files of 600 x 450 px under many names, in two data sets, of
patients with two images each, labelled with the bundle's classes. The bare pass is the same network in the same
precision on as many images in the same batches, ready in memory. The whole is `python -m derm_model evaluate`:
manifest, bundle, reading, network, every figure with its bootstrap, files and report. Both run in one process, and in
each round the bare pass is done half before and half after the command, which cancels drift. CPU seconds count all
threads and the processes that read: on a busy machine their ratio says more than that of the clock. Before the rounds a
small evaluation asks about pictures that show no lesion, which is done once per bundle, not per evaluation.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.__main__ import main as derm_model  # noqa: E402
from derm_model.card import BundleCard, default_bundle, read_card  # noqa: E402
from derm_model.data.drawings import KINDS, draw_lesion  # noqa: E402
from derm_model.data.manifest import Record  # noqa: E402
from derm_model.net.bundle import ModelBundle, load_bundle  # noqa: E402
from derm_model.net.loader import whole_images  # noqa: E402
from derm_model.net.precision import find_device  # noqa: E402
from derm_model.taxonomy import read_taxonomy  # noqa: E402

WIDTH_PX, HEIGHT_PX = 600, 450  # HAM10000's images
N_DRAWINGS = 36
N_STORED = 8  # batches in memory, used in turn
N_FIRST = 32  # images of the evaluation before the rounds
ONCE = "pictures that show no lesion"
# what is timed of the command: words, module, function
PARTS = (
    ("reading and network", "derm_model.net.answering", "answer"),
    (ONCE, "derm_model.commands.evaluate", "ask_foreign"),
    ("figures", "derm_model.assessment.assess", "assess"),
    ("JSON and CSV", "derm_model.assessment.exports", "write_results"),
    ("report", "derm_model.evaluation_report", "write_report"),
)
COLUMNS = ("image_id", "file", "source", "modality", "node", "patient_id", "age", "sex", "confirmed_by")


def write_images(folder: Path, n: int) -> list[Path]:
    """Write n files, of which every N_DRAWINGS-th is the same drawing; links where the disk has them."""
    files: list[Path] = []
    for i in range(n):
        files.append(folder / f"{i:05d}.jpg")
        if i < N_DRAWINGS:
            drawing = draw_lesion(i, WIDTH_PX, KINDS[i % len(KINDS)])[:HEIGHT_PX]
            Image.fromarray(drawing).save(files[-1], quality=92)
        else:
            os.link(files[i % N_DRAWINGS], files[-1])
    return files


def write_manifest(path: Path, files: Sequence[Path], card: BundleCard) -> Path:
    """A row per file: some class, two images a patient, and what makes subgroups; the file's name makes the ids.

    No two manifests have an id in common, so that no answers are taken for kept ones.
    """
    rng = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        for i, file in enumerate(files):
            node = card.classes[int(rng.integers(len(card.classes)))].node
            source, modality = (("drawn", "dermoscopic"), ("drawn elsewhere", "clinical"))[i // 2 % 2]
            age, sex = int(rng.integers(18, 90)), ("female", "male")[i // 2 % 3 > 0]
            image_id = f"{path.stem}-{file.stem}"
            writer.writerow((image_id, file, source, modality, node, f"p{i // 2}", age, sex, "histopathology"))
    return path


class Spent(NamedTuple):
    """Seconds by the clock, and of all CPUs, those of ended child processes included."""

    clock: float
    cpu: float

    @staticmethod
    def now() -> Spent:
        """Since some moment."""
        times = os.times()
        return Spent(time.perf_counter(), times.user + times.system + times.children_user + times.children_system)

    def since(self, start: Spent) -> Spent:
        """The difference."""
        return Spent(self.clock - start.clock, self.cpu - start.cpu)


class Bare:
    """The network of a bundle on images that lie in memory."""

    def __init__(self, bundle: ModelBundle, files: Sequence[Path], device: str) -> None:
        self.network, self.device = bundle.network.to(device), device
        self.batch_size: int = inspect.signature(whole_images).parameters["batch_size"].default
        records = [Record(file.stem, file, "n", None, "drawn") for file in files[: N_STORED * self.batch_size]]
        read = whole_images(records, bundle.preprocessing, workers=0)
        ready = (bundle.preprocessing.normalise(pixels.to(device)) for pixels, _ in islice(read, N_STORED))
        self.stored: list[Tensor] = [x.to(memory_format=torch.channels_last) for x in ready]

    @torch.inference_mode()
    def spent(self, n: int) -> Spent:
        """Time of n images."""
        start = Spent.now()
        for step, done in enumerate(range(0, n, self.batch_size)):
            x = self.stored[step % len(self.stored)][: n - done]
            self.network.head(self.network.features(x)).double().cpu()  # waits for the device, as the command does
        return Spent.now().since(start)


@contextmanager
def stopwatches() -> Iterator[dict[str, float]]:
    """Seconds of each part while the command runs."""
    found = dict.fromkeys((name for name, _, _ in PARTS), 0.0)

    def watched(name: str, do: Callable[..., object]) -> Callable[..., object]:
        def timed(*args: object, **options: object) -> object:
            start = time.perf_counter()
            try:
                return do(*args, **options)
            finally:
                found[name] += time.perf_counter() - start

        return timed

    with ExitStack() as patches:
        for name, module, function in PARTS:
            do = getattr(import_module(module), function)
            patches.enter_context(patch(f"{module}.{function}", watched(name, do)))
        yield found


def evaluate(arguments: Sequence[str]) -> tuple[Spent, dict[str, float]]:
    """Time of the whole command, and seconds of its parts; what it prints is kept for a failure."""
    said = io.StringIO()
    start = Spent.now()
    with stopwatches() as parts, redirect_stdout(said), redirect_stderr(said):
        code = derm_model(["evaluate", *arguments])
    spent = Spent.now().since(start)
    if code:
        sys.exit(said.getvalue())
    return spent, parts | {"manifest, bundle, answers kept": spent.clock - sum(parts.values())}


def measure(folder: Path, bundle: Path, device: str, args: argparse.Namespace) -> None:
    """Rounds of both, one line each, then the parts."""
    (folder / "images").mkdir()
    files, card = write_images(folder / "images", max(args.images, N_DRAWINGS))[: args.images], read_card(bundle)
    bare, n = Bare(load_bundle(bundle, read_taxonomy()), files, device), args.images
    options = ["--bundle", str(bundle), "--out", str(folder / "out"), "--device", device]
    options += ["--workers", str(args.workers), "--manifest"]
    print(
        f"{n:,} images of {WIDTH_PX} x {HEIGHT_PX} px, {bundle.name} on {device}, batches of {bare.batch_size}, "
        f"{torch.get_num_threads()} threads, workers: {args.workers}",
        flush=True,
    )
    _, first = evaluate([*options, str(write_manifest(folder / "first.csv", files[:N_FIRST], card))])
    bare.spent(2 * bare.batch_size)  # the first steps allocate and choose kernels
    rounds: list[tuple[Spent, Spent, dict[str, float]]] = []
    for i in range(args.rounds):
        manifest = write_manifest(folder / f"{i}.csv", files, card)
        before = bare.spent(n // 2)
        whole, parts = evaluate([*options, str(manifest)])
        after = bare.spent(n - n // 2)
        rounds.append((Spent(before.clock + after.clock, before.cpu + after.cpu), whole, parts))
        print_ratio(n, *rounds[-1][:2])
    own, whole = (Spent(*(median(kind) for kind in zip(*(r[i] for r in rounds), strict=True))) for i in (0, 1))
    print_ratio(n, own, whole, end="  all rounds, median\n")
    seconds = {"bare forward pass": own.clock}
    seconds |= {name: median(parts[name] for _, _, parts in rounds) for name in rounds[0][2] if name != ONCE}
    seconds[f"once per bundle: {ONCE}"] = first[ONCE]
    for name, value in seconds.items():
        print(f"  {name:46} {value:8.1f} s")


def print_ratio(n: int, bare: Spent, whole: Spent, *, end: str = "\n") -> None:
    """One line of the table."""
    speeds = f"forward pass {n / bare.clock:8.2f}   evaluate {n / whole.clock:8.2f} images/s"
    ratios = f"evaluate / forward pass: time {whole.clock / bare.clock:.3f}, CPU {whole.cpu / bare.cpu:.3f}"
    print(f"{speeds}   {ratios}", end=end, flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="processes that read images")
    parser.add_argument("--threads", type=int, help="threads of the network (default: torch's)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    bundle, device = (args.bundle or default_bundle()).resolve(), find_device(args.device)
    print(f"{os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f} (0 is best), torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, {"DERM_HOME": str(Path(folder, "home"))}):
        measure(Path(folder), bundle, device, args)


if __name__ == "__main__":
    main()
