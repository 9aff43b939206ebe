"""What can be wrong with a DICOM file."""


class UnreadableImageError(Exception):
    """The file cannot be turned into pixels; ``reason`` is for the person who asked.

    ``element`` names the DICOM element at fault where there is one.
    """

    def __init__(self, reason: str, element: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.element = element


class OtherInstanceError(UnreadableImageError):
    """The file is another image than the one that was asked for."""

    def __init__(self) -> None:
        super().__init__("The file is of another SOP Instance UID than its name.", "SOPInstanceUID")
