"""Whose picture an answer is: the gateway's audit log sums what people look at by patient."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-audit-subject"  # read by the gateway, which does not pass it on
_KEY = "audit_subject"


def note_subject(scope: Scope, patients: Iterable[str]) -> None:
    """The request in ``scope`` is about ``patients``; several are nobody's sum."""
    found = set(patients)
    if len(found) == 1:
        scope["state"][_KEY] = found.pop()


class AuditSubject:
    """Says on each answer whose picture it is, where the request was about one patient's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def named(message: Message) -> None:
            subject = scope.get("state", {}).get(_KEY)
            if subject and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, subject.encode())]
            await send(message)

        await self.app(scope, receive, named)
