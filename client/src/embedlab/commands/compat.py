"""`embedlab compat`: the EMBED viewer's backend on this machine, answered by the server.

The viewer's app knows no sign-in: it asks http://127.0.0.1:3000. Here that address adds the
person's token and passes each request on. Only programs of this machine may ask, and no web page:
the app asks without an Origin, a page cannot.
"""

import argparse
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlsplit

import httpx

from embedlab import credentials
from embedlab.commands.types import Commands
from embedlab.errors import LabError
from embedlab.terminal import say

HOST, PORT = "127.0.0.1", 3000
BASE = "/compat/embed-server"
# Where the backend's picture is drawn: the one redirect that is followed.
PICTURES = "/api/v1/images/"
# The backend's paths and no other: dots in a path would lead to the rest of the server.
ASKED = re.compile(r"/(?:filter/[a-z-]+|images/-?\w+/(?:images-metadata|full)|patients/-?\w*)")
PASSED_ON = ("content-type", "content-length", "retry-after")
TIMEOUT = httpx.Timeout(120.0, connect=5.0)


def add(commands: Commands) -> None:
    """Declare the command."""
    compat = commands.add_parser(
        "compat", help="serve the EMBED viewer's app on this machine, with your token added"
    )
    compat.add_argument("--url", help="the server (default: the one last signed in to)")
    compat.add_argument("--dataset", help="the dataset to show (default: the server's)")
    compat.add_argument("--port", type=int, default=PORT, help=f"port on {HOST} ({PORT})")
    compat.set_defaults(run=run_compat)


def run_compat(given: argparse.Namespace) -> int:
    """Serve until interrupted."""
    kept = credentials.find(given.url)
    with CompatServer(kept.url, kept.token, port=given.port, dataset=given.dataset) as server:
        server.check()
        say(f"The EMBED viewer's app finds {kept.url} at {server.address}; end with Ctrl-C.")
        server.serve_forever()
    return 0


class CompatServer(ThreadingHTTPServer):
    """Passes requests of the viewer's app on; port 0: a free one."""

    daemon_threads = True

    def __init__(self, url: str, token: str, *, port: int, dataset: str | None = None) -> None:
        super().__init__((HOST, port), _Handler)
        self.address = f"http://{HOST}:{self.server_address[1]}"
        self.dataset = dataset
        self.upstream = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT
        )

    def check(self) -> None:
        """LabError where the server does not let the token in."""
        try:
            answer = self.upstream.get(f"{BASE}/patients/")
        except httpx.HTTPError as error:
            raise LabError(f"{self.upstream.base_url} does not answer: {error}") from error
        if answer.status_code != HTTPStatus.OK:
            raise LabError(f"{self.upstream.base_url} answers {answer.status_code}: {answer.text}")

    def server_close(self) -> None:
        """End the connections too."""
        super().server_close()
        self.upstream.close()


class _Handler(BaseHTTPRequestHandler):
    server: CompatServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        refusal = self._refusal()
        if refusal:
            self._say(HTTPStatus.FORBIDDEN, refusal)
            return
        try:
            self._pass_on()
        except httpx.HTTPError as error:
            self._say(HTTPStatus.BAD_GATEWAY, f"{self.server.upstream.base_url}: {error}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: paths hold ids."""

    def _refusal(self) -> str | None:
        """Why not to answer: a web page asks, or an address that only looks like this machine."""
        if self.headers.get("Origin"):
            return "This address is for the EMBED viewer's app; web pages are not answered."
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        return None if host in (HOST, "localhost") else f"Ask {self.server.address}."

    def _pass_on(self) -> None:
        asked = urlsplit(self.path)
        if not ASKED.fullmatch(asked.path):
            self._say(HTTPStatus.NOT_FOUND, "The viewer's backend has no such path.")
            return
        query = [asked.query] if asked.query else []
        if self.server.dataset:
            query.append(f"dataset={quote(self.server.dataset, safe='')}")
        target = BASE + asked.path + (f"?{'&'.join(query)}" if query else "")
        with self.server.upstream.stream("GET", target) as answer:
            picture = answer.headers.get("location", "")
            if not answer.is_redirect:
                self._answer(answer)
                return
        if not picture.startswith(PICTURES):
            self._say(HTTPStatus.BAD_GATEWAY, "The server's answer leads elsewhere.")
            return
        with self.server.upstream.stream("GET", picture) as answer:
            self._answer(answer)

    def _answer(self, answer: httpx.Response) -> None:
        self.send_response(answer.status_code)
        # Bodies come decoded: a length would be of the encoded one.
        encoded = "content-encoding" in answer.headers
        for name in PASSED_ON:
            if name in answer.headers and not (encoded and name == "content-length"):
                self.send_header(name, answer.headers[name])
        if encoded or "content-length" not in answer.headers:
            self.send_header("Connection", "close")
        self.end_headers()
        for chunk in answer.iter_bytes():
            self.wfile.write(chunk)

    def _say(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
