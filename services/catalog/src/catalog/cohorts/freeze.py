"""From a definition to members, labels and splits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from chassis.problems import invalid

from catalog import views
from catalog.cohorts.definition import (
    RECIPE_FIELD,
    SPLITS,
    CohortRequest,
    LabelDefinition,
    plain_label,
)
from catalog.cohorts.describe import Members, warnings
from catalog.cohorts.labels import DISAGREE, NO_CLASS, NO_LABEL, Labelled, label_images
from catalog.cohorts.matching import Matched, match_cases
from catalog.cohorts.narrowing import Narrowing, owners
from catalog.cohorts.splits import (
    Assigned,
    assign_by_patient,
    sample_per_class,
    shuffled_keys,
    split_by_member,
)
from catalog.fields import Level, fields
from catalog.grammar import canonical, parse_json
from catalog.model.read_model import ReadModel
from catalog.model.select import CompiledFilter
from catalog.recipes.evidence import EvidenceRows
from catalog.recipes.run import RecipeOutcome

Ints = npt.NDArray[np.int64]

ATTRIBUTES = (
    "race",
    "ethnicity",
    "age_at_study",
    "age_band",
    "tissueden",
    "Manufacturer",
    "ManufacturerModelName",
    "FinalImageType",
    "ViewPosition",
    "ImageLateralityFinal",
    "exam_type",
    "spot_or_magnification",
    "num_roi",
    "Rows",
    "Columns",
)


@dataclass(frozen=True)
class Inputs:
    """What a definition needs beside the read model."""

    recipe: RecipeOutcome | None = None
    flagged: Sequence[int] = ()  # image_ids that carry one of the flags to be left out


@dataclass(frozen=True)
class Frozen:
    """Members by place in the model, ascending."""

    model: ReadModel
    request: CohortRequest
    definition: dict[str, Any]
    narrowing: Narrowing
    members: Members
    matched: Matched | None
    recipe: RecipeOutcome | None

    @property
    def places(self) -> Ints:
        """Places of the members."""
        return self.narrowing.places


def freeze(model: ReadModel, request: CohortRequest, inputs: Inputs | None = None) -> Frozen:
    """Recipe, filter, label, match or sample, split."""
    inputs = inputs or Inputs()
    label = request.label or _recipe_label(inputs)
    narrowing = Narrowing(model)
    if inputs.recipe:
        by_recipe = inputs.recipe.labels >= 0
        narrowing.keep_labelled("labelled by the recipe", inputs.recipe.attrition, by_recipe)
    _narrow(narrowing, request, inputs)
    classes = _classes(narrowing, label, inputs)
    if request.label is None:
        label, classes = _present(label, classes, narrowing.places)
    matched = None
    names = [item.name for item in label.classes]
    if request.match:
        matched = match_cases(narrowing, classes, names, request.match, request.seed)
    _sample(narrowing, classes, len(names), request)
    labels = classes[narrowing.places]
    exams, patients = owners(model, narrowing.places)
    assigned = _assign(model, request, narrowing.places, labels, matched)
    plain = {"dataset": model.dataset, "filter": canonical(parse_json(request.filter))}
    definition = request.document(label, **plain)
    members = Members(names, labels, exams, patients, assigned)
    return Frozen(model, request, definition, narrowing, members, matched, inputs.recipe)


def _recipe_label(inputs: Inputs) -> LabelDefinition:
    assert inputs.recipe is not None
    return plain_label(RECIPE_FIELD, list(inputs.recipe.classes))


def _present(label: LabelDefinition, classes: Ints, places: Ints) -> tuple[LabelDefinition, Ints]:
    """Without the classes of a recipe that no image has."""
    present = np.unique(classes[places]).tolist()
    renumbered = np.full(len(label.classes) + 1, NO_LABEL, np.int64)
    renumbered[present] = np.arange(len(present))
    names = [label.classes[number].name for number in present]
    kept = plain_label(label.field, names) if names else label
    return kept, renumbered[np.maximum(classes, NO_LABEL)]


def _narrow(narrowing: Narrowing, request: CohortRequest, inputs: Inputs) -> None:
    """Filter, files and flags."""
    model = narrowing.model
    conditions = parse_json(request.filter)
    matching = CompiledFilter(model, conditions).select().mask
    if conditions:
        narrowing.keep("matching the filter", matching[narrowing.places])
    if request.images:
        narrowing.keep("among the given images", _among(model, request.images)[narrowing.places])
    if "has_file" in model.codes:
        has_file = model.dictionaries["has_file"].members([True])[model.codes["has_file"]]
        narrowing.keep("with an image file in the store", has_file[narrowing.places])
    if request.without_flags:
        flagged = np.zeros(model.images, bool)
        places = model.places_of(list(inputs.flagged))
        flagged[places[places >= 0]] = True
        listed = ", ".join(sorted(set(request.without_flags)))
        narrowing.keep(f"not flagged: {listed}", ~flagged[narrowing.places])


def _among(model: ReadModel, image_ids: Sequence[int]) -> npt.NDArray[np.bool_]:
    """(images,) whether it is one of the given; a problem where one is not of the dataset."""
    places = model.places_of(list(image_ids))
    unknown = [image_id for image_id, place in zip(image_ids, places, strict=True) if place < 0]
    if unknown:
        told = ", ".join(map(str, unknown[:5]))
        raise invalid("images", f"{len(unknown)} are not images of {model.dataset}: {told}")
    found = np.zeros(model.images, bool)
    found[places] = True
    return found


def _classes(narrowing: Narrowing, label: LabelDefinition, inputs: Inputs) -> Ints:
    """By image of the model its class; narrows to the images that have one."""
    labelled = _by_recipe(label, inputs.recipe) if inputs.recipe else None
    labelled = labelled or label_images(narrowing.model, label)
    classes = labelled.classes
    for name, excluded in labelled.exclusions:
        narrowing.keep(name, ~excluded[narrowing.places])
    if not inputs.recipe:
        field = label.field
        narrowing.keep(f"{field}: with a value", classes[narrowing.places] != NO_LABEL)
        for how, of in labelled.decided:
            narrowing.note(f"{field}: {how}", of[narrowing.places])
        if not labelled.decided and label.policy != "worst":
            narrowing.keep(f"{field}: findings agree", classes[narrowing.places] != DISAGREE)
    narrowing.keep(f"{label.field}: in one of the classes", classes[narrowing.places] >= 0)
    return classes


def _by_recipe(label: LabelDefinition, recipe: RecipeOutcome) -> Labelled:
    """The recipe's classes in the groups that the label makes of them."""
    found = np.full(len(recipe.classes) + 1, NO_CLASS, np.int64)
    for number, item in enumerate(label.classes):
        for value in item.values:
            if value not in recipe.classes:
                field = f"label.classes.{number}.values"
                raise invalid(field, f"no class of the recipe: {value!r}"[:300], recipe.classes)
            found[recipe.classes.index(str(value))] = number
    return Labelled(found[recipe.labels])  # NO_LABEL is -1: the last


def _sample(narrowing: Narrowing, classes: Ints, count: int, request: CohortRequest) -> None:
    if request.sampling is None:
        return
    places = narrowing.places
    cap = request.sampling.per_class
    if cap == "smallest":
        cap = int(np.bincount(classes[places], minlength=count).min())
    keys = shuffled_keys(narrowing.model.image_hash[places], "sample", request.seed)
    kept = sample_per_class(classes[places], keys, cap)
    narrowing.keep(f"sampled: at most {cap} per class", kept)


def _assign(
    model: ReadModel, request: CohortRequest, places: Ints, labels: Ints, matched: Matched | None
) -> Assigned:
    """Splits; a case and its controls go together."""
    if request.split.by == "image":
        keys = shuffled_keys(model.image_hash[places], "split", request.seed)
        shares = [request.split.train, request.split.validation, request.split.test]
        return Assigned(split_by_member(labels, keys, shares), None)
    patients = owners(model, places)[1]
    if matched:
        patients = matched.group_of_patient[patients]
    keys = shuffled_keys(model.patient_hash, "split", request.seed)
    return assign_by_patient(request.split, labels, patients, keys)


def describe(frozen: Frozen) -> dict[str, Any]:
    """A CohortPreview."""
    classes = frozen.members.classes()
    notes = warnings(classes, frozen.request)
    if frozen.recipe and frozen.request.label is None:
        absent = set(frozen.recipe.classes).difference(frozen.members.names)
        notes += [f"No image is of class {name}." for name in sorted(absent)]
    if frozen.matched and frozen.matched.short:
        short, cases = frozen.matched.short, frozen.matched.cases
        notes.append(f"{short} of {cases} cases have fewer controls than asked for.")
    return {
        "dataset": frozen.model.dataset,
        "revision_id": frozen.model.revision_id,
        "definition": frozen.definition,
        "counts": frozen.members.counts(),
        "classes": classes,
        "attrition": frozen.narrowing.steps,
        "warnings": notes,
    }


def member_rows(frozen: Frozen, uids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of cohort_member, in the order of the model: the same on every stack."""
    model, members = frozen.model, frozen.members
    evidence = EvidenceRows(frozen.recipe) if frozen.recipe else None
    sets = frozen.matched.set_of_exam if frozen.matched else None
    folds = members.assigned.folds
    for i, (place, uid) in enumerate(zip(frozen.places.tolist(), uids, strict=True)):
        exam = int(members.exams[i])
        told = attributes(model, place)
        if sets is not None:
            told["matched_set"] = int(sets[exam])
        yield (
            int(model.image_id[place]),
            uid,
            model.patient_id[members.patients[i]].decode(),
            model.exam_id[exam].decode(),
            members.names[int(members.labels[i])],
            SPLITS[int(members.assigned.splits[i])],
            None if folds is None else int(folds[i]),
            told,
            evidence.of(place) if evidence else None,
        )


def attributes(model: ReadModel, place: int) -> dict[str, Any]:
    """What subgroups and baselines go by; null is absent."""
    breast = int(model.breast_of_image[place])
    exam = int(model.exam_of_breast[breast])
    patient = int(model.patient_of_exam[exam])
    owner: dict[Level, int] = {"image": place, "exam": exam, "patient": patient}
    found = {name: model.value(name, owner[fields()[name].level]) for name in ATTRIBUTES}
    found["asses"] = views.worst_assessment(model, breast)
    found["finding_kind"] = _finding_kinds(model, breast)
    screening = found["exam_type"]
    found["screening"] = None if screening is None else screening == "screening"
    return {name: value for name, value in found.items() if value is not None}


def _finding_kinds(model: ReadModel, breast: int) -> str | None:
    """The kinds of a breast's findings as a comma list, e.g. `calcification,mass`."""
    rows = model.rows_of_breast(breast)
    kinds = {kind for found in model.values("finding_kind", rows) for kind in found or ()}
    return ",".join(sorted(kinds)) or None
