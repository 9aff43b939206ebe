"""`python -m trainer.backup export | import`: the artifact bucket as a tar on stdout or stdin.

One object at a time, in pieces: neither the bucket nor an object has to fit into memory.
"""

import asyncio
import shutil
import sys
import tarfile
import tempfile
from typing import Any, BinaryIO

from chassis.s3 import s3_client

from trainer.objects import CHUNK
from trainer.settings import TrainerSettings, settings_from_environment

MEDIA_TYPE = "EMBEDLAB.media_type"  # a PAX header of our own: tar knows no media types


async def export_objects(settings: TrainerSettings, to: BinaryIO) -> int:
    """Write every object of the bucket as a member of a tar; how many they are."""
    count = 0
    async with s3_client(settings) as client:
        pages = client.get_paginator("list_objects_v2")
        with tarfile.open(fileobj=to, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            async for page in pages.paginate(Bucket=settings.artifact_bucket):
                for found in page.get("Contents", ()):
                    count += await _export(client, settings.artifact_bucket, found["Key"], archive)
    return count


async def _export(client: Any, bucket: str, key: str, archive: tarfile.TarFile) -> bool:
    """Write one object; False where its job was deleted since it was listed."""
    try:
        answer = await client.get_object(Bucket=bucket, Key=key)
    except client.exceptions.NoSuchKey:
        return False
    with tempfile.TemporaryFile() as whole:
        async for part in answer["Body"].iter_chunks(CHUNK):
            whole.write(part)
        member = tarfile.TarInfo(key)
        member.size = whole.tell()
        member.mtime = answer["LastModified"].timestamp()
        member.pax_headers = {MEDIA_TYPE: answer.get("ContentType", "application/octet-stream")}
        whole.seek(0)
        archive.addfile(member, whole)
    return True


async def import_objects(settings: TrainerSettings, source: BinaryIO) -> int:
    """Put every member of a tar into the bucket, over what has its name; how many they are."""
    count = 0
    async with s3_client(settings) as client:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    raise ValueError(f"{member.name}: not a file")
                with tempfile.TemporaryFile() as whole:
                    shutil.copyfileobj(content, whole, CHUNK)
                    whole.seek(0)
                    await client.put_object(
                        Bucket=settings.artifact_bucket,
                        Key=member.name,
                        Body=whole,
                        ContentType=member.pax_headers.get(MEDIA_TYPE, "application/octet-stream"),
                    )
                count += 1
    return count


def main(arguments: list[str]) -> int:
    """Command line; what was done goes to stderr."""
    if arguments not in (["export"], ["import"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    settings = settings_from_environment()
    if arguments == ["export"]:
        count = asyncio.run(export_objects(settings, sys.stdout.buffer))
    else:
        count = asyncio.run(import_objects(settings, sys.stdin.buffer))
    sys.stderr.write(f"{count} objects {arguments[0]}ed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
