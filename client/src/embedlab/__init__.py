"""Python client of EMBED Lab.

from embedlab import Client

lab = Client("http://127.0.0.1:8080", token="elab_...")
for image in lab.images({"asses": ["S", "M"], "ViewPosition": "CC"}):
    print(image["image_id"], image["asses"])
"""

from embedlab.client import Client
from embedlab.errors import (
    AgreementNeeded,
    ApiError,
    Conflict,
    Invalid,
    JobFailed,
    NotFound,
    NotPermitted,
    NotSignedIn,
    Unavailable,
    Unreachable,
)

__version__ = "0.1.0"

__all__ = [
    "AgreementNeeded",
    "ApiError",
    "Client",
    "Conflict",
    "Invalid",
    "JobFailed",
    "NotFound",
    "NotPermitted",
    "NotSignedIn",
    "Unavailable",
    "Unreachable",
]
