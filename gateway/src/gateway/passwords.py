"""Passwords: argon2id in a small pool of threads, so that sign-ins never hold up the proxy."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from chassis.problems import invalid, unavailable

T = TypeVar("T")

# OWASP Password Storage Cheat Sheet asks for at least 19 MiB and two passes.
_hasher = PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1)

# Verified against where nobody has the e-mail address, so that both cases cost the same.
_nobody = _hasher.hash("nobody has this password")

MIN_LENGTH = 8
MAX_LENGTH = 200


def check_password_rules(password: str, field: str = "password") -> None:
    """Refuse (422) what is too short (OWASP ASVS 5, 6.2.1) or absurdly long."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise invalid(field, f"needs {MIN_LENGTH} to {MAX_LENGTH} characters")


def hash_password(password: str) -> str:
    """The argon2id hash to keep. Takes tens of milliseconds; async code uses `PasswordPool`."""
    return _hasher.hash(_normal(password))


def verify_password(password: str, kept: str | None) -> bool:
    """Whether ``password`` is the one of hash ``kept``; as slow where there is no hash."""
    try:
        _hasher.verify(kept or _nobody, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def _normal(password: str) -> str:
    # The same key strokes give different code points on different systems (NIST SP 800-63B).
    return unicodedata.normalize("NFKC", password)


class PasswordPool:
    """Hashes off the event loop, two at once and a bounded number waiting (503 beyond)."""

    def __init__(self, threads: int = 2, waiting: int = 32) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + waiting

    async def hash(self, password: str) -> str:
        """See `hash_password`."""
        return await self._run(hash_password, password)

    async def verify(self, password: str, kept: str | None) -> bool:
        """See `verify_password`."""
        return await self._run(verify_password, password, kept)

    async def _run(self, function: Callable[..., T], *given: str | None) -> T:
        if self._room == 0:
            raise unavailable("Too many people are signing in")
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *given)
        finally:
            self._room += 1

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
