"""What a job will take, before it is submitted."""

from collections.abc import Sequence

from trainer.architectures import find_architecture
from trainer.schemas import Estimate
from trainer.spec import JobSpec

# Mammograms are about 1.3 times as high as wide; a `.npy` holds one byte a pixel.
ASPECT = 1.3
ADAM_STATES = 3
START_S = 10.0
FETCH_IMAGES_PER_S = 15.0
TRAINED_SHARE = 0.7
EVALUATION_SPEEDUP = 4.0
BYTES_PER_PARAMETER = 4
REFERENCE_SIDE = 224
ROW_BYTES = 100


def estimate_together(estimates: Sequence[Estimate]) -> Estimate:
    """What children take that share what they fetch, one after the other."""
    known = all(one.basis == "history" for one in estimates)
    return Estimate(
        bytes=max((one.bytes for one in estimates), default=0),
        disk=sum(one.disk for one in estimates),
        minutes=round(sum(one.minutes for one in estimates), 2),
        basis="history" if known else "reference",
    )


def estimate_job(spec: JobSpec, seconds_per_image: float | None = None) -> Estimate:
    """Bytes to fetch and keep and minutes, where nothing is cached yet.

    ``seconds_per_image`` of an epoch is what jobs like it took here; else two cores are assumed.
    """
    settings, images = spec.settings, spec.source.images
    if spec.scores is not None:
        return Estimate(bytes=0, disk=images * ROW_BYTES, minutes=round(START_S / 60, 2))
    side = settings.stored_size
    fetched = round(images * side * side * ASPECT) if spec.source.kind == "cohort" else 0
    architecture = find_architecture(settings.model)
    kept = architecture.parameters * BYTES_PER_PARAMETER * (ADAM_STATES + 1)
    rate = architecture.rate * (REFERENCE_SIDE / settings.input_size) ** 2
    epoch_s = (
        images * TRAINED_SHARE / rate + images * (1 - TRAINED_SHARE) / rate / EVALUATION_SPEEDUP
    )
    if seconds_per_image is not None:
        epoch_s = images * seconds_per_image
    epochs = settings.epochs
    if spec.prediction is not None:
        epoch_s, epochs, kept = images / rate / EVALUATION_SPEEDUP, 1, 0
    fetch_s = images / FETCH_IMAGES_PER_S if fetched else 0.0
    minutes = (START_S + fetch_s + epochs * epoch_s) / 60
    return Estimate(
        bytes=fetched,
        disk=images * side * side + kept,
        minutes=round(minutes, 2),
        basis="reference" if seconds_per_image is None else "history",
    )
