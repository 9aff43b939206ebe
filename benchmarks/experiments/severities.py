"""Pictures of enough patients of every severity of pathology, which the demo has too few of.

Synthetic as the demo, at an eighth of the detector's rows and columns: the quick profiles of these
experiments look at 64 by 64.
"""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from devstack.demo import is_uploaded, load_datasets, upload_dataset
from devstack.folder import StackFolder, read_json
from devstack.gateway_api import GatewayApi
from devstack.objects import ensure_buckets, make_client
from devstack.progress import Progress
from devstack.servers import make_servers
from devstack.synthetic import Demo, write_demo
from devstack.synthetic.selection import Plan

DATASET = "embed-severities"
_PLAN = Plan(pairs=70, per_assessment=0, per_severity=70, normal=0, histories=0, full_size_pairs=0)
_DEMO = Demo(unpictured_patients=0, plan=_PLAN, pixel_scale=1 / 8)


def bring(data: Path, url: str, email: str, password: str) -> None:
    """Have the stack whose folder is ``data`` serve the dataset; two minutes the first time."""
    synthetic, _ = load_datasets()
    dataset = replace(
        synthetic,
        name=DATASET,
        title="Synthetic EMBED, many of each severity",
        write=lambda folder, told: write_demo(folder, progress=told, demo=_DEMO),
    )
    with GatewayApi(url, email, password) as api:
        if api.has_dataset(DATASET):
            return
        stack = StackFolder(data)
        server = make_servers(stack, read_json(stack.root / "ports.json")).s3.s3
        with closing(make_client(server, connections=32)) as client:
            ensure_buckets(client, [DATASET])
            if not is_uploaded(client, dataset):
                upload_dataset(client, dataset, stack.root / "demo" / DATASET)
        api.ingest(DATASET, dataset.revision(), Progress(DATASET, print).update)
