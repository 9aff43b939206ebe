"""What a job waits for, how often it was tried for nothing, and how long it may take."""

from alembic import op

revision = "20261122_survival"
down_revision = "20261121_jobs"
branch_labels = None
depends_on = None

COLUMNS = (
    "waiting text",
    "fruitless integer not null default 0",
    "quarantined boolean not null default false",
    "time_limit_s integer",
)

TRIGGER = """
create trigger job_changed
after insert or update of name, state, progress, metrics, reason, attempts, cancel_requested,
    worker{more}
on trainer.job for each row execute function trainer.notify_job()
"""


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"alter table trainer.job add column {column}")
    op.execute("drop trigger job_changed on trainer.job")
    op.execute(TRIGGER.format(more=", waiting, quarantined"))


def downgrade() -> None:
    op.execute("drop trigger job_changed on trainer.job")
    op.execute(TRIGGER.format(more=""))
    for column in COLUMNS:
        op.execute(f"alter table trainer.job drop column {column.split()[0]}")
