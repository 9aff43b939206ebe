"""The few requests that fill a stack, made to its gateway as any client makes them."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import httpx

Told = Callable[[str, int, int], None]
POLL_INTERVAL_S = 0.5
TIMEOUT_S = 30.0


class RefusedError(RuntimeError):
    """The gateway answered with a problem; the message is what it says."""


class GatewayApi(AbstractContextManager["GatewayApi"]):
    """A signed-in person at the gateway; leaving the block signs out."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)
        try:
            session = self._ask("POST", "/api/v1/session", {"email": email, "password": password})
        except BaseException:
            self._http.close()
            raise
        self._http.headers["X-CSRF-Token"] = session["csrf_token"]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.delete("/api/v1/session")
        self._http.close()

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(method, path, json=body)
        if answer.is_error:
            raise RefusedError(f"{method} {path}: {answer.status_code} {answer.text[:2000]}")
        return answer.json()

    def has_dataset(self, name: str) -> bool:
        """Whether a revision of the dataset is being served."""
        datasets = self._ask("GET", "/api/v1/datasets")
        found = (d for d in datasets["items"] if d["name"] == name)
        return any(dataset["revision"] for dataset in found)

    def ingest(self, name: str, request: dict[str, object], told: Told) -> dict[str, Any]:
        """Have the catalog ingest a revision; its final state. RefusedError if it fails."""
        revisions = f"/api/v1/datasets/{name}/revisions"
        state: dict[str, Any] = self._ask("POST", revisions, request)
        while state["state"] in ("queued", "running"):
            progress = state.get("progress") or {}
            done, total = progress.get("rows") or 0, progress.get("total") or 0
            told(str(progress.get("phase") or state["state"]), int(done), int(total))
            time.sleep(POLL_INTERVAL_S)
            state = self._ask("GET", f"{revisions}/{state['revision_id']}")
        if state["state"] != "succeeded":
            raise RefusedError(f"the ingest of {name} {state['state']}: {state.get('error')}")
        return state
