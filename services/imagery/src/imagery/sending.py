"""A budget for answers that their clients take their time to read.

A body stays in memory until its client has taken it, and a client is as slow as it likes: beyond
the budget a large answer is not begun, but asked for again later. One that has begun goes on.
"""

from chassis.problems import problem_response, unavailable
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COUNTED_FROM = 256 * 1024
RETRY_AFTER_S = 2


class NotBegunError(Exception):
    """Ends the making of an answer that is not sent."""


class SendingBudget:
    """Lets at most about ``budget`` bytes of bodies be on their way at once; else answers 503."""

    def __init__(self, app: ASGIApp, budget: int) -> None:
        self.app = app
        self._budget = budget
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin: Message | None = None

        async def counted(message: Message) -> None:
            nonlocal begin
            if message["type"] == "http.response.start":
                begin = message  # sent with the first of the body, when its size is known
                return
            size = len(message.get("body", b""))
            if begin is not None:
                full = self._held > 0 and self._held + size > self._budget
                if full and size >= COUNTED_FROM:
                    raise NotBegunError
                await send(begin)
                begin = None
            self._held += size
            try:
                await send(message)
            finally:
                self._held -= size

        try:
            await self.app(scope, receive, counted)
        except NotBegunError:
            detail = "Others still take theirs. Ask again in a moment."
            problem = unavailable(
                "Too many large answers are on their way", retry_after=RETRY_AFTER_S, detail=detail
            )
            await problem_response(problem, scope["path"])(scope, receive, send)
