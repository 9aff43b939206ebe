"""From a request to a complete spec, or to a problem that names the field at fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from chassis.problems import FieldError, Problem, invalid, not_found, unavailable
from pydantic import ValidationError

from trainer.architectures import find_architecture, weights_refusal
from trainer.arrays import ArrayError, list_arrays, read_array
from trainer.catalog import CatalogClient, Cohort, UpstreamError
from trainer.composition import Composition
from trainer.experiments import find_experiment
from trainer.experiments.declared import Declared
from trainer.patches import LABELLINGS, Chosen, list_patches, read_patches
from trainer.samples import SPLITS, Samples, without_pixels
from trainer.schemas import NewJob
from trainer.settings import TrainerSettings
from trainer.spec import ArraySource, CohortSource, JobSpec, PatchSource, Source, TrainingSettings
from trainer.zoo import nearest, zoo

CHECKED_MEMBERS = 5000
INFLATED = (
    "Published protocol: the validation split is trained on and the test split chooses the epoch. "
    "The figures are inflated."
)


@dataclass(frozen=True)
class Prepared:
    """A request that can be queued."""

    spec: JobSpec
    restricted: bool
    warnings: list[str]
    name: str = ""
    """What tells a child from its siblings."""


@dataclass(frozen=True)
class Found:
    """Samples that are there."""

    source: Source
    restricted: bool
    warnings: list[str]
    dealt: Samples | None = None
    """Who is in them, without pixels; None where they are too many to look at each."""
    patients: Mapping[str, int] = field(default_factory=dict)
    """How many of each class, where that is known at once."""


def resolve_settings(declared: Declared, request: NewJob) -> TrainingSettings:
    """Profile and overrides together; a 422 that names each wrong override."""
    profile = request.profile or declared.default_profile
    if profile not in declared.profiles:
        raise invalid("profile", f"unknown profile {profile!r}", list(declared.profiles))
    values = declared.profiles[profile].model_dump() | request.overrides
    try:
        settings = TrainingSettings.model_validate(values)
    except ValidationError as error:
        errors = [_override_error(item) for item in error.errors()]
        detail = "; ".join(f"{e.field}: {e.message}" for e in errors)
        raise Problem(422, "Invalid override", detail=detail, errors=errors) from error
    if settings.model not in declared.models and settings.model not in zoo():
        message = f"neither {declared.name} nor torchvision nor timm has a model {settings.model!r}"
        raise invalid("overrides.model", message, nearest(settings.model, declared.models))
    return settings


def _override_error(item: Any) -> FieldError:
    name = ".".join(map(str, item["loc"]))
    member = TrainingSettings.model_fields.get(name)
    accepted = list(get_args(member.annotation)) if member else list(TrainingSettings.model_fields)
    simple = [value for value in accepted if isinstance(value, str)]
    return FieldError(field=f"overrides.{name}", message=item["msg"], accepted=simple or None)


def check_weights(settings: TrainingSettings, service: TrainerSettings) -> None:
    """Refuse pretrained weights that are not to be had, and pictures the network cannot take."""
    kind = settings.weights
    refusal = None if kind == "none" else weights_refusal(service, settings.model, kind)
    if refusal:
        raise invalid("overrides.weights", refusal, ["none"])
    small = find_architecture(settings.model).size_refusal(settings.input_size)
    if small:
        raise invalid("overrides.input_size", f"{settings.model} {small}")
    if settings.augmented_copies and settings.augment not in ("affine", "right-angles"):
        message = "fixed variations are by `affine` or `right-angles`"
        raise invalid("overrides.augmented_copies", message, ["0"])


def check_cohort(
    cohort: Cohort, declared: Declared, splits: Sequence[str] = SPLITS
) -> tuple[str, ...]:
    """The classes in the experiment's order; a problem where one is missing, unknown or empty in
    one of ``splits``."""
    found = {c.name: c for c in cohort.classes}
    wanted = declared.classes or tuple(found)
    missing = [name for name in wanted if name not in found]
    if missing:
        message = f"the cohort has no class {', '.join(missing)}; it has {', '.join(found)}"
        raise invalid("cohort_id", message, [f"a cohort with classes {', '.join(wanted)}"])
    if set(found) != set(wanted):
        message = (
            f"the cohort has classes {', '.join(found)}; {declared.name} knows {', '.join(wanted)}"
        )
        raise invalid("cohort_id", message)
    for name in wanted:
        _check_class(found[name].splits, name, splits)
    return wanted


def _check_class(images: dict[str, int], name: str, splits: Sequence[str]) -> None:
    empty = [split for split in splits if not images.get(split)]
    if empty:
        message = f"class {name} has no image in {', '.join(empty)}"
        raise invalid("cohort_id", message, ["a cohort with every class in every split"])


@dataclass
class Sources:
    """Where samples come from, asked for once however many children a job has."""

    catalog: CatalogClient
    service: TrainerSettings
    _found: dict[tuple[Any, ...], tuple[Found, int]] = field(default_factory=dict)

    async def find(self, request: NewJob, declared: Declared) -> tuple[Found, int]:
        """What a request names, and the side of its images in pixels (0: any)."""
        key = declared.name, request.cohort_id, request.array, request.protocol
        if key not in self._found:
            self._found[key] = await self._look(request, declared)
        return self._found[key]

    async def _look(self, request: NewJob, declared: Declared) -> tuple[Found, int]:
        if declared.dataset_kind != "cohort":
            return _local_source(request, declared, self.service)
        try:
            return await _cohort_source(request, declared, self.catalog), 0
        except UpstreamError as error:
            raise upstream_problem(error, request.cohort_id) from error


async def prepare(
    request: NewJob, sources: Sources, composition: Composition | None = None
) -> Prepared:
    """Check everything that can be known before queueing.

    A parent, which has a ``composition``, trains nothing: what its children need is checked with
    them. Raises Problem: 404 for an unknown experiment, cohort or array, 409 for patients in two
    splits, 422 for the rest, 403 where the catalog refuses, 503 where it is away.
    """
    declared = find_experiment(request.experiment)
    settings = resolve_settings(declared, request)
    if composition is None:
        check_weights(settings, sources.service)
    found, side = await sources.find(request, declared)
    if composition is None and 0 < side < settings.input_size:
        message = f"the images have {side} pixels a side, fewer than {settings.input_size}"
        raise invalid("overrides.input_size", message, [f"at most {side}"])
    _check_class_weights(settings, found.source.classes)
    warnings = list(found.warnings)
    if settings.permute_labels is not None:
        warnings.append("Control: labels are permuted; the metrics are no result.")
    spec = JobSpec(
        experiment=declared.name,
        experiment_version=declared.version,
        protocol=request.protocol,
        profile=request.profile or declared.default_profile,
        settings=settings,
        source=found.source,
        composition=composition,
    )
    return Prepared(spec, found.restricted, warnings)


def _check_class_weights(settings: TrainingSettings, classes: Sequence[str]) -> None:
    values = settings.class_weight_values
    if values is not None and len(values) != len(classes):
        message = f"{len(values)} weights for {len(classes)} classes: {', '.join(classes)}"
        raise invalid("overrides.class_weight_values", message)


def list_local(declared: Declared, service: TrainerSettings) -> list[str] | None:
    """What lies in TRAINER_ARRAYS for an experiment; None where it trains on cohorts."""
    if declared.dataset_kind == "cohort":
        return None
    listed = list_patches if declared.dataset_kind == "patches" else list_arrays
    return listed(service.arrays)


def _local_source(
    request: NewJob, declared: Declared, service: TrainerSettings
) -> tuple[Found, int]:
    """An array or patches that the lab keeps for the workers, and the side of its images."""
    names, root = list_local(declared, service) or [], service.arrays
    if request.protocol == "published":
        message = f"{request.experiment} trains on an array, whose test split is given"
        raise invalid("protocol", message, ["patient"])
    if request.cohort_id is not None:
        raise invalid("cohort_id", f"{request.experiment} trains on an array, not on a cohort")
    if request.array is None:
        raise invalid("array", "missing: the name of an array dataset", names)
    if root is None or request.array not in names:
        raise not_found("array dataset", request.array)
    try:
        if declared.dataset_kind == "patches":
            return _patch_source(root, request.array, declared)
        return _array_source(root, request.array)
    except ArrayError as error:
        raise invalid("array", str(error)) from error


def _array_source(root: Path, name: str) -> tuple[Found, int]:
    images, samples = read_array(root, name)
    _check_overlap(samples.patients, samples.splits, "array")
    source = ArraySource(name=name, images=len(images), classes=tuple(samples.classes))
    dealt = without_pixels(samples.labels, samples.splits, samples.patients, source.classes)
    return Found(source, restricted=False, warnings=[], dealt=dealt), images.shape[1]


def _patch_source(root: Path, name: str, declared: Declared) -> tuple[Found, int]:
    assert declared.labelling is not None
    patches = read_patches(root, name)
    pairs = find_architecture(declared.models[0]).takes_pairs
    chosen = Chosen.of(patches, declared.labelling, pairs=pairs)
    source = PatchSource(
        name=name,
        images=len(chosen.places),
        classes=LABELLINGS[declared.labelling].classes,
        labelling=declared.labelling,
    )
    dealt = without_pixels(chosen.labels, chosen.splits, chosen.patients, source.classes)
    return Found(source, False, list(chosen.notes), dealt), patches.side


async def _cohort_source(request: NewJob, declared: Declared, catalog: CatalogClient) -> Found:
    if request.array is not None:
        raise invalid("array", f"{declared.name} trains on a cohort, not on an array")
    if request.cohort_id is None:
        raise invalid("cohort_id", "missing: the id of a frozen cohort")
    cohort = await catalog.find_cohort(request.cohort_id)
    published = request.protocol == "published"
    classes = check_cohort(cohort, declared, ("train", "test") if published else SPLITS)
    _check_protocol(cohort, published=published)
    images, dealt = sum(c.images for c in cohort.classes), None
    if images <= CHECKED_MEMBERS:
        members = [m async for m in catalog.iterate_members(request.cohort_id)]
        if not published:
            _check_overlap([m.patient_id for m in members], [m.split for m in members], "cohort_id")
        dealt = without_pixels(
            [classes.index(m.label) for m in members],
            [m.split for m in members],
            [m.patient_id for m in members],
            classes,
        )
    served = await catalog.find_dataset(cohort.dataset)
    warnings = [*cohort.warnings, *([INFLATED] if published else [])]
    if served.revision_id not in (None, cohort.revision_id):
        warnings.append(
            f"The cohort is of revision {cohort.revision_id}; now {served.revision_id} is served."
        )
    source = CohortSource(
        cohort_id=cohort.cohort_id,
        sha256=cohort.sha256,
        dataset=cohort.dataset,
        revision_id=cohort.revision_id,
        images=images,
        classes=classes,
    )
    patients = {c.name: c.patients for c in cohort.classes}
    return Found(source, served.restricted, warnings, dealt, patients)


def _check_protocol(cohort: Cohort, *, published: bool) -> None:
    """Refuse a split that the protocol is not about."""
    by_image = (cohort.definition.get("split") or {}).get("by", "patient") == "image"
    if by_image and not published:
        raise _overlap("cohort_id", "the cohort was split by image")
    if published and not by_image:
        message = "the cohort was split by patient; the published protocol is of a split by image"
        raise invalid("protocol", message, ["patient"])


def _check_overlap(patients: Sequence[str], splits: Sequence[str], field: str) -> None:
    pairs = set(zip(patients, splits, strict=True))
    shared = len(pairs) - len({patient for patient, _ in pairs})
    if shared:
        raise _overlap(field, f"{shared} patients are in more than one split")


def _overlap(field: str, message: str) -> Problem:
    accepted = ["splits by patient", "protocol: published, for comparison with published figures"]
    error = FieldError(field=field, message=message, accepted=accepted)
    return Problem(409, "Patients overlap between splits", detail=message, errors=[error])


def upstream_problem(error: UpstreamError, cohort_id: str | None) -> Problem:
    """What an answer of the catalog means to whoever named a cohort."""
    if error.status == 404:
        problem = not_found("cohort", cohort_id)
        problem.errors = [FieldError(field="cohort_id", message="unknown cohort")]
        return problem
    if error.status in (403, 409, 422):
        title, kind = "The catalog refuses this cohort", error.kind or "about:blank"
        return Problem(error.status, title, detail=error.detail, type=kind)
    return unavailable("The catalog cannot be reached", detail="Nothing was queued.")
