"""What the origins of source files have in common."""

from dataclasses import dataclass
from typing import Literal, Protocol

from imagery.descriptors import Descriptor

SourceFault = Literal[
    "missing",
    "forbidden",
    "unreachable",
    "timeout",
    "too-large",
    "changed",
    "not-allowed",
    "unkept",
    "busy",
    "other-instance",
]


class SourceError(Exception):
    """A source file cannot be had; ``fault`` says which kind of not."""

    def __init__(self, fault: SourceFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True)
class SourceFile:
    """An open file with the whole object, and the version of the object that it is."""

    descriptor: Descriptor
    size: int
    version: str


class Origin(Protocol):
    """A place where objects lie. URIs carry no credentials; versions are opaque short texts."""

    async def current_version(self, uri: str) -> str:
        """The version of the object now; SourceError where there is none."""

    async def open(self, uri: str) -> SourceFile:
        """The object as an open file; SourceError where it cannot be had."""

    def discard(self, uri: str, version: str) -> None:
        """Forget a kept copy that turned out to be no good."""
