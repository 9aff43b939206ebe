"""Files into a bucket, several at once, while others are still being written."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import BoundedSemaphore, Lock
from types import TracebackType

from devstack.objects import S3Client

THREADS = 8
_WAITING = 64


class Uploader(AbstractContextManager["Uploader"]):
    """Uploads in the background and removes what is uploaded; leaving the block waits for all.

    The block raises the first error of an upload. A writer that is far ahead waits in `put`,
    so that the disk never holds more than a few files twice.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="upload")
        self._room = BoundedSemaphore(_WAITING)
        self._lock = Lock()
        self._error: BaseException | None = None
        self.done = 0

    def put(self, path: Path, key: str) -> None:
        """Upload the file as `key` and remove it; raises the error of an earlier upload."""
        if self._error is not None:
            raise self._error
        self._room.acquire()
        self._pool.submit(self._upload, path, key)

    def _upload(self, path: Path, key: str) -> None:
        try:
            if self._error is None:
                with path.open("rb") as body:
                    self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
                path.unlink()
                with self._lock:
                    self.done += 1
        except BaseException as error:  # noqa: BLE001 - kept, and raised where the caller is
            self._error = self._error or error
        finally:
            self._room.release()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        if error is None and self._error is not None:
            raise self._error
