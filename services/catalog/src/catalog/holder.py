"""The read models that this process answers from, one per dataset, kept up to date."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chassis.database import Database
from chassis.identity import Identity, require_agreement
from chassis.logs import get_logger
from chassis.problems import Problem, not_found
from chassis.tasks import beside
from sqlalchemy.exc import SQLAlchemyError

from catalog.fields import DEFAULT_FACETS, fields
from catalog.model import archive
from catalog.model.bitmaps import bitmaps_of
from catalog.model.read_model import ReadModel
from catalog.nearest import nearest
from catalog.store import revisions
from catalog.store.revisions import Dataset

log = get_logger(__name__)

MADE_AT_ONCE = (
    "breast_of_image",
    "several_pairs",
    "first_row",
    "ascending_image_id",
    "exam_order",
)


@dataclass(frozen=True)
class Served:
    """A dataset and the read model of its active revision."""

    dataset: Dataset
    model: ReadModel


class ModelHolder:
    """Loads the model of each active revision, and looks for newer ones."""

    def __init__(self, database: Database, default_dataset: str, refresh_s: float) -> None:
        self._database = database
        self._default = default_dataset
        self._refresh_s = refresh_s
        self._served: dict[str, Served] = {}
        self._datasets: dict[str, Dataset] = {}
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Load what became active since the last look, drop what is gone."""
        async with self._lock:
            found = {d.name: d for d in await revisions.list_datasets(self._database)}
            for name, dataset in found.items():
                await self._refresh_one(name, dataset)
            self._datasets = found
            self._served = {name: s for name, s in self._served.items() if name in found}

    async def _refresh_one(self, name: str, dataset: Dataset) -> None:
        served = self._served.get(name)
        if dataset.revision_id is None:
            return
        if served and served.model.revision_id == dataset.revision_id:
            self._served[name] = Served(dataset, served.model)
            return
        data = await revisions.load_model(self._database, dataset.revision_id)
        try:
            model = await asyncio.to_thread(_ready, data)
        except ValueError as error:
            # One dataset that must be ingested again does not keep the others from being served.
            log.error("read model unusable", extra={"dataset": name, "reason": str(error)})  # noqa: TRY400
            return
        self._served[name] = Served(dataset, model)
        log.info("serving", extra={"dataset": name, "revision_id": model.revision_id})

    async def keep_fresh(self) -> None:
        """Look for newer revisions for ever; the database may be away for a while."""
        while True:
            await asyncio.sleep(self._refresh_s)
            try:
                await self.refresh()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("no look at the revisions", extra={"kind": type(error).__name__})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loaded, and kept fresh meanwhile."""
        await self.refresh()
        async with beside(self.keep_fresh(), "revisions"):
            yield

    def datasets(self) -> list[Dataset]:
        """All datasets by name."""
        return list(self._datasets.values())

    def dataset(self, name: str) -> Dataset:
        """One dataset; a 404 that names the others."""
        if name not in self._datasets:
            near = nearest(name, self._datasets)
            detail = f"There is no dataset {name[:63]!r}; there are: {', '.join(near) or 'none'}."
            raise Problem(404, "Dataset not found", detail=detail)
        return self._datasets[name]

    def serve(self, name: str | None, identity: Identity) -> Served:
        """What to answer ``identity`` from; 403 without the agreement, 404 without data."""
        dataset = self.dataset(name or self._default)
        require_agreement(identity, dataset.name, restricted=dataset.restricted)
        served = self._served.get(dataset.name)
        if served is None:
            raise Problem(
                404, "No data yet", detail=f"No revision of {dataset.name} has been ingested yet."
            )
        return served

    def all_served(self) -> list[Served]:
        """Every dataset that has data; whether somebody may see them is not asked."""
        return list(self._served.values())

    def find_image(self, image_id: int, identity: Identity) -> tuple[Served, int]:
        """The dataset that has the image, and its place there."""
        if 0 < image_id < 2**63:
            for served in self._served.values():
                place = int(served.model.places_of([image_id])[0])
                if place >= 0:
                    return self.serve(served.dataset.name, identity), place
        raise not_found("image", image_id)

    def permitted(self, identity: Identity) -> list[str]:
        """Names of the datasets that ``identity`` may see."""
        return [
            name
            for name, dataset in self._datasets.items()
            if not dataset.restricted or name in identity.agreements
        ]

    def require_access(self, name: str, identity: Identity) -> None:
        """403 without the agreement that dataset ``name`` needs; a lost dataset needs one too."""
        dataset = self._datasets.get(name)
        require_agreement(identity, name, restricted=dataset is None or dataset.restricted)

    def is_serving(self, dataset: str, revision_id: int) -> bool:
        """Whether answers come from this revision or a newer one."""
        served = self._served.get(dataset)
        return served is not None and served.model.revision_id >= revision_id


def _ready(data: bytes) -> ReadModel:
    """The model with what every query needs already made."""
    model = archive.load(data)
    bitmaps = bitmaps_of(model)
    for field in DEFAULT_FACETS:
        if model.has(field) and bitmaps.suits(fields()[field]):
            bitmaps.of(fields()[field])
    for name in MADE_AT_ONCE:
        getattr(model, name)
    return model
