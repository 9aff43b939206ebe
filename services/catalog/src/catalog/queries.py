"""Saved queries: what a person keeps of a search, and may share."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from catalog.schemas import FilterDocument

QueryName = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")
]
Sort = Annotated[str, Field(max_length=100, examples=["-age_at_study"])]


class QueryRequest(BaseModel):
    """A search to be kept under a name."""

    model_config = ConfigDict(extra="forbid")

    name: QueryName
    dataset: str | None = None
    filter: FilterDocument | None = None
    sort: Sort | None = None
    shared: StrictBool = False


class QueryChange(BaseModel):
    """A new name, or whether others see the query."""

    model_config = ConfigDict(extra="forbid")

    name: QueryName | None = None
    shared: StrictBool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.name is None and self.shared is None:
            raise ValueError("give a name, or shared, or both")
        return self


class SavedQuery(BaseModel):
    """A saved query; ``mine`` where the caller made it. ``filter`` is in one canonical spelling."""

    query_id: str
    name: str
    dataset: str
    filter: dict[str, Any]
    sort: str | None
    shared: bool
    mine: bool
    owner: str
    owner_name: str
    created_at: datetime
    changed_at: datetime
