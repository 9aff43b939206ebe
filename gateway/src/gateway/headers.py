"""HTTP headers across the proxy, as pure functions over raw header lists (lower-case names)."""

from collections.abc import Iterable

Raw = tuple[bytes, bytes]

AUDIT_SUBJECT = "X-Audit-Subject"  # a service's word on whose data it answered with

# RFC 9110 7.6.1: these concern one connection only.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# The public side's credentials, and what only we may tell a service.
_never_forwarded = HOP_BY_HOP | {
    b"authorization",
    b"cookie",
    b"x-csrf-token",
    b"host",
    b"expect",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-forwarded-prefix",
    b"x-real-ip",
    b"x-request-id",
}

# A service sets no public cookies; the others are the gateway's own to write.
_never_returned = HOP_BY_HOP | {
    b"set-cookie",
    b"server",
    b"date",
    b"x-request-id",
    AUDIT_SUBJECT.lower().encode(),
}


def named_by_connection(headers: Iterable[Raw]) -> frozenset[bytes]:
    """Names that `Connection` declares to be hop-by-hop as well."""
    names: set[bytes] = set()
    for name, value in headers:
        if name == b"connection":
            names.update(part.strip().lower() for part in value.split(b","))
    return frozenset(names - {b"close", b"keep-alive", b""})


def forwarded(headers: list[Raw]) -> list[tuple[str, str]]:
    """What of a request's headers a service gets."""
    dropped = _never_forwarded
    extra = named_by_connection(headers)
    if extra:
        dropped = dropped | extra
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if name not in dropped
    ]


def returned(headers: Iterable[Raw]) -> list[Raw]:
    """What of a service's response headers the caller gets; names become lower-case."""
    lowered = [(name.lower(), value) for name, value in headers]
    dropped = _never_returned | named_by_connection(lowered)
    return [(name, value) for name, value in lowered if name not in dropped]


def value_of(headers: Iterable[Raw], name: bytes) -> bytes | None:
    """The first value of a header."""
    for key, value in headers:
        if key == name:
            return value
    return None


# Content security policies. Style attributes are allowed (Svelte writes them), style elements not.
WEB_APP_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; worker-src 'self' blob:; "
    "manifest-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# A report is a document of its own with its pictures inside; it runs no script.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups"
)


def security_headers(*, secure: bool) -> list[Raw]:
    """On every response, whatever it is."""
    headers = [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    ]
    if secure:
        headers.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
    return headers


def policy_for(headers: Iterable[Raw]) -> Raw | None:
    """The content security policy of a response; None where it has one already."""
    kind = b""
    for name, value in headers:
        if name == b"content-security-policy":
            return None
        if name == b"content-type":
            kind = value
    policy = REPORT_POLICY if kind.startswith(b"text/html") else API_POLICY
    return (b"content-security-policy", policy.encode())
