"""What `scripts/compose-test` asks of the containers: `python -m tests.e2e.composed URL COMMAND`.

`kept` prints what people would miss after a loss. `tls ROOT PLAIN CADDY` looks at what Caddy and
the gateway make of a sign-in: ROOT is the file of Caddy's certificate authority, PLAIN its address
without TLS, CADDY its IP address.
The account is that of EMBEDLAB_EMAIL and EMBEDLAB_PASSWORD.
"""

import hashlib
import json
import os
import ssl
import sys
from contextlib import closing
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any

import httpx

LISTS = ("/api/v1/users", "/api/v1/cohorts", "/api/v1/jobs", "/api/v1/queries")
INVENTED = "203.0.113.7"  # an address of TEST-NET-3: nobody's


def everything(client: httpx.Client) -> dict[str, Any]:
    """What people would miss: accounts, cohorts with their members, jobs with their artifacts."""
    found: dict[str, Any] = {path: _items(client, path) for path in LISTS}
    for cohort in found["/api/v1/cohorts"]:
        path = f"/api/v1/cohorts/{cohort['cohort_id']}/members"
        found[path] = _items(client, path)
    for job in found["/api/v1/jobs"]:
        path = f"/api/v1/jobs/{job['job_id']}/artifacts"
        found[path] = _items(client, path)
        for artifact in found[path]:
            answer = client.get(f"{path}/{artifact['name']}")
            assert answer.status_code == 200, answer.text
            found[f"{path}/{artifact['name']}"] = hashlib.sha256(answer.content).hexdigest()
    return found


def _items(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(path, params={"limit": 100, **cursor}).raise_for_status().json()
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


def sign_in(client: httpx.Client, **headers: str) -> httpx.Response:
    """Sign in with the account of the environment."""
    body = {name: os.environ[f"EMBEDLAB_{name.upper()}"] for name in ("email", "password")}
    return client.post("/api/v1/session", json=body, headers=headers).raise_for_status()


def look_at_tls(url: str, root: str, plain: str, caddy: str) -> None:
    """Redirected to https, the session kept to it, and callers' addresses taken from Caddy only."""
    redirect = httpx.get(plain, headers={"Host": "localhost"}, trust_env=False)
    assert redirect.status_code == 308, redirect
    assert redirect.headers["location"] == "https://localhost/", redirect.headers
    trust = ssl.create_default_context(cafile=root)
    began = datetime.now(UTC).isoformat()
    with httpx.Client(base_url=url, verify=trust, timeout=60, trust_env=False) as client:
        signed = sign_in(client, **{"X-Forwarded-For": INVENTED, "X-Forwarded-Proto": "http"})
        cookie = SimpleCookie(signed.headers["set-cookie"])["embedlab_session"]
        assert cookie["secure"], signed.headers
        assert "max-age=31536000" in signed.headers["strict-transport-security"]
        rows: list[dict[str, Any]] = []
        while not rows:  # written once a second
            asked = {"action": "session.create", "since": began}
            rows = client.get("/api/v1/audit", params=asked).raise_for_status().json()["items"]
    assert [row["address"] in (INVENTED, caddy) for row in rows] == [False], rows
    print(f"Caddy is {caddy}; the audit log says that {rows[0]['address']} signed in")


def main() -> None:
    """Command line."""
    url, command, *rest = sys.argv[1:]
    if command == "tls":
        look_at_tls(url, *rest)
        return
    with closing(httpx.Client(base_url=url, timeout=60, trust_env=False)) as client:
        sign_in(client)
        json.dump(everything(client), sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
