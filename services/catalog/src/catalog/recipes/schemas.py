"""What is answered about recipes."""

from pydantic import BaseModel, Field

from catalog.cohorts.definition import RecipeName


class PublishedCounts(BaseModel):
    """What a step left of Emory's tables; null where they do not say."""

    rows: int | None
    patients: int | None
    exams: int | None
    images: int | None


class RecipeStep(BaseModel):
    """A step, by the name that it has in the attrition table of a cohort."""

    step: str
    published: PublishedCounts | None = Field(description="Null: a step of ours")


class Recipe(BaseModel):
    """A published curation: what it makes, and what it left of Emory's tables step by step."""

    name: RecipeName
    title: str
    description: str
    source: str = Field(description="The notebook of EMBED_Open_Data that it follows")
    release: str = Field(description="What the published counts are of")
    classes: list[str]
    options: dict[str, list[str]]
    steps: list[RecipeStep]
