"""Measure on this machine what feeding a training costs: images a core reads, and steps fed against steps from memory.

Pictures are drawn. The first table compares one image's way from JPEG file to augmented uint8 pixels, on one core and
in CPU time, so that other processes disturb it little. The second runs the same training step of Inception v3 on
batches that lie in memory and on batches that a worker process makes meanwhile, in turn, on all cores. Nothing else
should run beside it.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as v2

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.data.drawings import KINDS, draw_lesion  # noqa: E402
from derm_model.data.images import decode_file  # noqa: E402
from derm_model.data.manifest import Record  # noqa: E402
from derm_model.net.augmentation import View, inscribed_rectangle, resample  # noqa: E402
from derm_model.net.loader import Batch, TrainingLoader  # noqa: E402
from derm_model.net.network import InceptionV3  # noqa: E402
from derm_model.net.precision import autocast_dtype, find_device  # noqa: E402
from derm_model.net.preprocessing import Preprocessing  # noqa: E402
from derm_model.recipe.config import Stage, TrainConfig  # noqa: E402

HAM_PX, CAMERA_PX = (600, 450), (3000, 2000)  # width, height: HAM10000's images, and a camera's
ANGLES = range(0, 360, 30)  # 600 x 450 px leave crops of 318 to 600 px a side
N_CLASSES = 50
DRAINED = 5  # batches thrown away before a block: one more than a loader is ahead
STEPS = {"cpu": 3, "cuda": 100}  # of a block: some 20 s on two cores
WANTED = 0.95  # of the speed from memory

Pipeline = Callable[[Path, View, int], Tensor]


def write_jpegs(folder: Path, size: tuple[int, int], n: int) -> list[Path]:
    """Drawn lesions as JPEG files; the large ones are enlarged drawings with noise, since drawing takes its time."""
    width, height = size
    rng, paths = np.random.default_rng(0), []
    for i in range(n):
        drawing = draw_lesion(i, 600, KINDS[i % len(KINDS)])[: 600 * height // width]
        picture = Image.fromarray(drawing).resize(size, Image.Resampling.BICUBIC)
        if width > 600:
            noise = rng.normal(0, 3, (height, width, 1)).astype(np.float32)
            picture = Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8))
        paths.append(folder / f"{width}x{height}-{i}.jpg")
        picture.save(paths[-1], quality=92)
    return paths


def by_dermtree(path: Path, view: View, size_px: int) -> Tensor:
    """Decode at a reduced scale where that is enough, and resample once: what `TrainingLoader` does."""
    return torch.from_numpy(resample(decode_file(path, min_side_px=2 * size_px).pixels, size_px, view))


def by_pillow(path: Path, view: View, size_px: int) -> Tensor:
    """Decode in full, rotate, crop, flip, resize."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    rotated = image.rotate(math.degrees(view.angle_rad), resample=Image.Resampling.BILINEAR, expand=True)
    crop_w, crop_h = inscribed_rectangle(image.width, image.height, view.angle_rad)
    left, top = (rotated.width - crop_w) / 2, (rotated.height - crop_h) / 2
    cut = rotated.crop((round(left), round(top), round(left + crop_w), round(top + crop_h)))
    if view.flip:
        cut = cut.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return torch.from_numpy(np.array(cut.resize((size_px, size_px), Image.Resampling.BILINEAR)))


def by_torchvision(path: Path, view: View, size_px: int) -> Tensor:
    """The same with torchvision's decoder and its v2 transforms on uint8."""
    image = torchvision.io.decode_jpeg(torchvision.io.read_file(str(path)), torchvision.io.ImageReadMode.RGB)
    degrees = math.degrees(view.angle_rad)
    rotated = v2.rotate(image, degrees, interpolation=v2.InterpolationMode.BILINEAR, expand=True)
    crop_w, crop_h = inscribed_rectangle(image.shape[2], image.shape[1], view.angle_rad)
    cut = v2.center_crop(rotated, [round(crop_h), round(crop_w)])
    square: Tensor = v2.resize(v2.vertical_flip(cut) if view.flip else cut, [size_px, size_px], antialias=True)
    return square


PIPELINES: dict[str, Pipeline] = {
    "DermTree: reduced decode, one resampling": by_dermtree,
    "Pillow: decode, rotate, crop, flip, resize": by_pillow,
    "torchvision v2: the same": by_torchvision,
}


def images_per_core(paths: list[Path], size_px: int, rounds: int = 3) -> dict[str, float]:
    """Images per CPU second of each pipeline: the best of the rounds, which take turns."""
    best = dict.fromkeys(PIPELINES, 0.0)
    for _ in range(rounds):
        for name, pipeline in PIPELINES.items():
            start = time.process_time()
            for i, degrees in enumerate(ANGLES):
                pipeline(paths[i % len(paths)], View(math.radians(degrees), flip=i % 2 == 1), size_px)
            best[name] = max(best[name], len(ANGLES) / (time.process_time() - start))
    return best


def print_images_per_core(folder: Path, size_px: int) -> None:
    """Table of the pipelines against both sizes of picture."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    columns = {
        f"{size[0]} x {size[1]}": images_per_core(write_jpegs(folder, size, n), size_px)
        for size, n in ((HAM_PX, 8), (CAMERA_PX, 2))
    }
    torch.set_num_threads(n_threads)
    print(f"{f'images per second and core, to {size_px} px':46}" + "".join(f"{name:>14}" for name in columns))
    for name in PIPELINES:
        print(f"{name:46}" + "".join(f"{column[name]:14.1f}" for column in columns.values()), flush=True)


class Trainee:
    """Inception v3 with all that one training step needs."""

    def __init__(self, size_px: int, device: torch.device) -> None:
        self.device, self.dtype = device, autocast_dtype(device)
        self.network = InceptionV3(N_CLASSES).to(device).to(memory_format=torch.channels_last).train()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-4, momentum=0.9)
        self.scaler = torch.amp.GradScaler(enabled=self.dtype is torch.float16)
        self.preprocessing = Preprocessing(size_px=size_px, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))

    def step(self, batch: Batch) -> None:
        """Forward, cross entropy, backward, optimiser."""
        pixels = batch.pixels.to(self.device, non_blocking=True)
        labels = batch.labels.to(self.device, non_blocking=True)
        x = self.preprocessing.normalise(pixels).to(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype) if self.dtype else nullcontext():
            loss = F.cross_entropy(self.network(x), labels)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(loss))
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def seconds(self, batches: Iterator[Batch], n: int) -> float:
        """Time of n steps, waiting for batches included."""
        self._wait()
        start = time.perf_counter()
        for _ in range(n):
            self.step(next(batches))
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def compare_fed_with_memory(folder: Path, args: argparse.Namespace, device: torch.device) -> None:
    """Blocks of steps from memory and fed by a worker process, in turn, which cancels drift."""
    config = TrainConfig(stages=(Stage(args.size, 1),), batch_size=args.batch_size, workers=args.workers)
    paths = write_jpegs(folder, HAM_PX, 32)
    steps = args.steps or STEPS[device.type]
    n_batches = 2 + args.rounds * (DRAINED + 1 + steps)
    records = [Record(str(i), paths[i % len(paths)], "n", None, "drawn") for i in range(n_batches * args.batch_size)]
    labels = np.arange(len(records), dtype=np.int64) % N_CLASSES
    trainee = Trainee(args.size, device)
    print(
        f"\nInception v3, batch of {args.batch_size} at {args.size} px, {device}, "
        f"{str(trainee.dtype or torch.float32).removeprefix('torch.')}, {torch.get_num_threads()} threads, "
        f"{args.workers} worker; images/s",
        flush=True,
    )
    with TrainingLoader(records, labels, config, pin=device.type == "cuda") as loader:
        fed = (part for (part,) in loader.epoch(0))
        stored = [next(fed), next(fed)]
        from_memory = (stored[i % 2] for i in range(sys.maxsize))
        trainee.seconds(from_memory, 2)  # the first steps allocate and choose kernels
        speeds: list[tuple[float, float]] = []
        for _ in range(args.rounds):
            from_memory_s = trainee.seconds(from_memory, steps)
            # What was made while the other block ran may not count for this one. One step then lets a loader that is
            # faster than the training get ahead again, so that it makes as many batches in the block as are used up.
            for _ in range(DRAINED):
                next(fed)
            trainee.seconds(fed, 1)
            fed_s = trainee.seconds(fed, steps)
            speeds.append((steps * args.batch_size / from_memory_s, steps * args.batch_size / fed_s))
            print_speeds(*speeds[-1])
    mean_of_rounds = (args.rounds / sum(1 / speed for speed in column) for column in zip(*speeds, strict=True))
    print_speeds(*mean_of_rounds, end=f"  all rounds; wanted: {WANTED}\n")


def print_speeds(from_memory: float, fed: float, *, end: str = "\n") -> None:
    """One line of the second table."""
    print(f"from memory {from_memory:8.2f}   fed {fed:8.2f}   ratio {fed / from_memory:.3f}", end=end, flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=299, metavar="PX", help="side of the training crop")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, help="steps of a block (default: 3 on a CPU, 100 on a GPU)")
    parser.add_argument("--rounds", type=int, default=3, help="blocks of each kind")
    parser.add_argument("--workers", type=int, default=1, help="processes that read images")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    args = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f} (0 is best), torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        print_images_per_core(Path(folder), args.size)
        compare_fed_with_memory(Path(folder), args, torch.device(find_device(args.device)))


if __name__ == "__main__":
    main()
