"""The tables of schema `trainer`, as SQLAlchemy Core sees them. The migrations are their truth."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB as _JSONB

SCHEMA = "trainer"

metadata = MetaData(schema=SCHEMA)
_moment = DateTime(timezone=True)
JSONB = _JSONB(none_as_null=True)

job = Table(
    "job",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("experiment", Text, nullable=False),
    Column("cohort_id", Text),
    Column("dataset", Text),
    Column("restricted", Boolean, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("owner", JSONB, nullable=False),
    Column("spec", JSONB, nullable=False),
    Column("spec_sha256", Text, nullable=False),
    Column("warnings", JSONB, nullable=False),
    Column("estimate", JSONB, nullable=False),
    Column("idempotency_key", Text),
    Column("priority", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("progress", JSONB, nullable=False),
    Column("metrics", JSONB),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False),
    Column("failures", JSONB, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("worker", Text),
    Column("cancel_requested", Boolean, nullable=False),
    Column("waiting", Text),
    Column("fruitless", Integer, nullable=False),
    Column("quarantined", Boolean, nullable=False),
    Column("time_limit_s", Integer),
    Column("archived", Boolean, nullable=False),
    Column("parent_id", Text),
    Column("place", Integer),
    Column("combined", JSONB),
    Column("model", JSONB),
    Column("webhook", JSONB),
    Column("keep", Boolean, nullable=False),
    Column("expired_at", _moment),
    Column("cleared", Boolean, nullable=False),
    Column("not_before", _moment, nullable=False),
    Column("lease_expires_at", _moment),
    Column("created_at", _moment, nullable=False),
    Column("claimed_at", _moment),
    Column("started_at", _moment),
    Column("finished_at", _moment),
)

epoch = Table(
    "epoch",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("train_loss", Float),
    Column("validation_loss", Float),
    Column("validation_accuracy", Float),
    Column("validation_roc_auc", Float),
    Column("seconds", Float, nullable=False),
    Column("checkpoint", JSONB, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("finished_at", _moment, nullable=False),
)

artifact = Table(
    "artifact",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("created_at", _moment, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("about", JSONB, nullable=False),
    Column("usage", JSONB, nullable=False),
    Column("started_at", _moment, nullable=False),
    Column("heartbeat_at", _moment, nullable=False),
)

line = Table(
    "line",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("line_id", BigInteger, primary_key=True),
    Column("at", _moment, nullable=False),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
)

purge = Table(
    "purge",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("purged_at", _moment, nullable=False),
)

queue = Table(
    "queue",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("position", Integer),
    Column("due", Boolean),
    Column("running", Integer),
    Column("minutes_before", Float),
)
