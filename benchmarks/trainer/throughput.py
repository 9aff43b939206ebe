"""Training steps against a bare PyTorch loop, and an epoch against the report's own way.

    python -m benchmarks.trainer.throughput [--images 256] [--rounds 3]

The bare loop has its tensors in memory, normalised and channels last, and does nothing but forward,
backward and step, in the same arithmetic; the two take turns batch by batch, so that whatever else
the machine does falls on both. The report's way is an ImageFolder over full-size PNG
files: Resize(256), CenterCrop(224), two loader processes, float32; epochs take turns and the median
counts. Writes `throughput.md` beside this file.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn
from trainer.networks import Shape
from trainer.samples import Samples
from trainer.spec import TrainingSettings
from trainer.training.batches import Normalisation, to_input, training_batches
from trainer.training.fit import Fit, Hooks, start_fit
from trainer.training.models import build_model
from trainer.training.runtime import Runtime, choose_runtime
from trainer.training.torch_compat import torchvision

from benchmarks.machine import measured_on

HERE = Path(__file__).parent
FULL_SIZE = (3328, 2560)
GREY = Normalisation((0.2,) * 3, (0.2,) * 3)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--pngs", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    lines = [
        *_described(given.device),
        "",
        "| step | ours | bare loop | ratio |",
        "|---|---|---|---|",
    ]
    for model, precision in (("resnet18", "float32"), ("resnet18", "auto")):
        lines.append(_step_row(model, precision, given.images, given.rounds, given.device))
    lines += ["", "| epoch | ours | ImageFolder over PNG | times as fast |", "|---|---|---|---|"]
    lines.append(_folder_row(given.pngs, given.rounds, given.device))
    text = "\n".join(lines)
    print(text)
    (HERE / "throughput.md").write_text(text + "\n")


def _step_row(model: str, precision: str, images: int, rounds: int, device: str) -> str:
    """Images per second over the same pixels; the loops take turns batch by batch."""
    settings = _settings(model, precision, 16)
    samples = _samples(images, 256)
    fit = _fit(settings, device)
    bare = _Bare(settings, samples, fit.runtime, device)
    _epoch(fit, samples, bare.turn)
    ours = theirs = 0.0
    for _ in range(rounds):
        bare.spent = 0.0
        whole = _timed(lambda: _epoch(fit, samples, bare.turn))
        ours, theirs = ours + whole - bare.spent, theirs + bare.spent
    done = f"{model} 224, batch 16, {fit.runtime.precision}"
    rates = images * rounds / ours, images * rounds / theirs
    return f"| {done} | {rates[0]:.1f} img/s | {rates[1]:.1f} img/s | {rates[0] / rates[1]:.3f} |"


def _folder_row(images: int, rounds: int, device: str) -> str:
    """Seconds of an epoch from the array, and from full-size PNG files."""
    settings = _settings("resnet18", "auto", 8)
    samples = _samples(images, 256)
    fit = _fit(settings, device)
    with tempfile.TemporaryDirectory() as folder:
        _write_pngs(Path(folder), images)
        theirs = _imagefolder(Path(folder), fit.runtime, device)
        ours_s, theirs_s = _alternate(lambda: _epoch(fit, samples), theirs, rounds)
    done = f"{images} images of {FULL_SIZE[0]}x{FULL_SIZE[1]}, resnet18 224, batch 8"
    return f"| {done} | {ours_s:.2f} s | {theirs_s:.2f} s | {theirs_s / ours_s:.1f} |"


def _settings(model: str, precision: str, batch: int) -> TrainingSettings:
    values = {"model": model, "precision": precision, "batch_size": batch, "weights": "none"}
    fixed = {"input_size": 224, "epochs": 500, "learning_rate": 1e-4, "deterministic": False}
    return TrainingSettings.model_validate(values | fixed)


def _samples(count: int, side: int) -> Samples:
    """Random pixels in a memory-mapped array, all of them for training."""
    file = tempfile.NamedTemporaryFile(suffix=".npy")  # noqa: SIM115 - the map keeps it
    images = np.lib.format.open_memmap(file.name, "w+", np.uint8, (count, side, side))
    images[:] = np.random.default_rng(1).integers(0, 255, images.shape, np.uint8)
    return Samples(
        images=images, rows=np.arange(count), labels=np.arange(count) % 2,
        splits=np.zeros(count, np.int8), patients=np.arange(count), keys=[""] * count,
        classes=("a", "b"),
    )  # fmt: skip


def _fit(settings: TrainingSettings, device: str) -> Fit:
    runtime = choose_runtime(settings, device, len(os.sched_getaffinity(0)))
    runtime.apply(settings)
    return start_fit(lambda: build_model(settings.model, Shape(2)), settings, runtime, GREY)


def _epoch(fit: Fit, samples: Samples, before: Callable[[int, int], None] | None = None) -> None:
    """One pass of ours, without validation."""
    hooks = Hooks() if before is None else Hooks(before_batch=before)
    fit._train_epoch(samples, samples.labels, torch.ones(2).to(fit.runtime.device), hooks)
    _synchronise(torch.device(fit.runtime.device))


class _Bare:
    """A loop over tensors that are ready; ``spent`` is what its steps took."""

    def __init__(
        self, settings: TrainingSettings, samples: Samples, runtime: Runtime, device: str
    ) -> None:
        self.place = torch.device(device)
        self.batches = [
            (to_input(inputs.pictures, GREY, self.place), torch.from_numpy(labels).to(self.place))
            for inputs, labels in training_batches(samples, samples.labels, settings, 0)
        ]
        self.step = _stepper(settings.model, runtime, self.place)
        self.spent = 0.0

    def turn(self, done: int, total: int) -> None:
        """One step, between two of ours."""
        _synchronise(self.place)
        began = time.perf_counter()
        self.step(*self.batches[done % len(self.batches)])
        _synchronise(self.place)
        self.spent += time.perf_counter() - began


def _stepper(
    name: str, runtime: Runtime, place: torch.device
) -> Callable[[torch.Tensor, torch.Tensor], None]:
    model = build_model(name, Shape(2)).to(device=place, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    half = runtime.precision == "bfloat16"

    def step(pictures: torch.Tensor, labels: torch.Tensor) -> None:
        with torch.autocast(place.type, torch.bfloat16, enabled=half):
            logits = model(pictures)
        loss = nn.functional.cross_entropy(logits.float(), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def _imagefolder(folder: Path, runtime: Runtime, device: str) -> Callable[[], None]:
    """The report's own way, in float32."""
    place = torch.device(device)
    change = torchvision.transforms.Compose(
        [
            torchvision.transforms.Resize(256),
            torchvision.transforms.CenterCrop(224),
            torchvision.transforms.ToTensor(),
        ]
    )
    dataset = torchvision.datasets.ImageFolder(str(folder), change)
    loader = torch.utils.data.DataLoader(dataset, batch_size=8, shuffle=True, num_workers=2)
    plain = Runtime(runtime.device, runtime.threads, "float32", runtime.instructions)
    step = _stepper("resnet18", plain, place)

    def run() -> None:
        for pictures, labels in loader:
            step(pictures.to(place), labels.to(place))
        _synchronise(place)

    return run


def _write_pngs(folder: Path, count: int) -> None:
    """Smooth grey pictures with a black margin, as large as mammograms and as compressible."""
    from PIL import Image

    generator = np.random.default_rng(2)
    for n in range(count):
        where = folder / "ab"[n % 2]
        where.mkdir(exist_ok=True)
        coarse = generator.integers(0, 255, (104, 80)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize(FULL_SIZE[::-1], Image.Resampling.BICUBIC)
        grey = np.asarray(picture) // 2 + generator.integers(0, 8, FULL_SIZE, np.uint8)
        grey[:, FULL_SIZE[1] // 2 :] = 0
        Image.fromarray(grey).save(where / f"{n}.png", compress_level=1)


def _alternate(
    ours: Callable[[], None], theirs: Callable[[], None], rounds: int
) -> tuple[float, float]:
    """Median seconds of each, run in turn after one round to warm up."""
    times = list(zip(*_rounds(ours, theirs, rounds + 1), strict=True))
    return median(times[0][1:]), median(times[1][1:])


def _rounds(
    ours: Callable[[], None], theirs: Callable[[], None], rounds: int
) -> Iterator[tuple[float, float]]:
    for _ in range(rounds):
        yield _timed(ours), _timed(theirs)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _synchronise(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize()


def _described(device: str) -> Iterator[str]:
    yield "# Training throughput"
    yield ""
    yield f"{measured_on()}, {device}, torch {torch.__version__}"


if __name__ == "__main__":
    main()
