"""What a person says of an image, and what is answered about it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FlagKind = Literal["unreadable", "wrong_side", "wrong_roi", "note"]
NoteText = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class FlagRequest(BaseModel):
    """A flag to be put on an image. A ``note`` needs its text; the other kinds may have one."""

    model_config = ConfigDict(extra="forbid")

    image_id: int = Field(gt=0, lt=2**63)
    kind: FlagKind
    note: NoteText | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.kind == "note" and self.note is None:
            raise ValueError("a flag of kind note needs a note")
        return self


class Flag(BaseModel):
    """A flag, who put it there and when."""

    flag_id: int
    dataset: str
    image_id: int
    kind: FlagKind
    note: str | None
    author: str
    author_name: str
    created_at: datetime
