"""What is known of the weights that a job left, and jobs that predict with those of another."""

from alembic import op

revision = "20261122_models"
down_revision = "20261122_cleared"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table trainer.job add column model jsonb")
    op.execute("create index job_models on trainer.job (created_at desc, job_id desc)"
               " where model is not null")  # fmt: skip


def downgrade() -> None:
    op.execute("alter table trainer.job drop column model")
