"""SQL of study, series and instance: the UIDs that stand in the paths of files."""

from collections.abc import Sequence

from chassis.database import Database
from sqlalchemy import text

from catalog.store.loading import quoted, study_of_path
from catalog.store.revisions import still_there

PATH = "anon_dicom_path"


async def rows_of_study(
    database: Database, revision_id: int, column: str, study_instance_uid: str
) -> list[int]:
    """Numbers of the metadata rows whose path (in ``column``) is of the study."""
    study = study_of_path(quoted(column))
    query = (
        f"select n from catalog.metadata_{int(revision_id)} "  # noqa: S608 - quoted above
        f'where ({study}) collate "C" = $1 order by n'
    )
    async with database.reading() as connection:
        with still_there():
            return [n for (n,) in await connection.fetch(query, study_instance_uid)]


async def images_of_instance(
    database: Database, datasets: Sequence[str], sop_instance_uid: str
) -> list[int]:
    """Ids of the images of ``datasets`` with the UID."""
    query = (
        "select image_id from catalog.image_key "
        "where dataset = any(:datasets) and sop_instance_uid = :uid"
    )
    async with database.transaction() as session:
        found = await session.execute(
            text(query), {"datasets": list(datasets), "uid": sop_instance_uid}
        )
        return list(found.scalars())
