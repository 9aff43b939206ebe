"""All SQL of the trainer. Functions take a session; whoever opened its transaction commits.

Those that read whole jobs take the driver's connection: `database.reading()`, or a session's.
"""

from trainer.store.families import (
    cancel_job,
    change_job,
    delete_job,
    insert_children,
    list_children,
    retry_job,
)
from trainer.store.jobs import (
    count_queued,
    find_access,
    find_artifact,
    find_submitted,
    insert_job,
    job_filter,
    list_artifacts,
    measured_pace,
)
from trainer.store.leases import (
    Claim,
    Held,
    Lease,
    LeaseLost,
    claim_job,
    count_due,
    count_unfinished,
    drop_epochs,
    finish_job,
    give_back,
    hand_over,
    read_claimed,
    read_epochs,
    renew_lease,
    take_back_expired,
    tell_waiting,
    write_epoch,
    write_progress,
    write_waiting,
)
from trainer.store.leftovers import find_uncleared, note_cleared
from trainer.store.lines import Line, add_lines, read_lines
from trainer.store.models import as_model, find_model, list_models
from trainer.store.purge import list_purges
from trainer.store.retention import count_kept, find_large, find_outdated, note_expired
from trainer.store.webhooks import take_webhooks, write_webhook
from trainer.store.whole import find_job, find_jobs, list_jobs
from trainer.store.workers import (
    WORKER,
    beat_worker,
    forget_worker,
    list_workers,
    require_worker,
)

__all__ = [
    "WORKER",
    "Claim",
    "Held",
    "Lease",
    "LeaseLost",
    "Line",
    "add_lines",
    "as_model",
    "beat_worker",
    "cancel_job",
    "change_job",
    "claim_job",
    "count_due",
    "count_kept",
    "count_queued",
    "count_unfinished",
    "delete_job",
    "drop_epochs",
    "find_access",
    "find_artifact",
    "find_job",
    "find_jobs",
    "find_large",
    "find_model",
    "find_outdated",
    "find_submitted",
    "find_uncleared",
    "finish_job",
    "forget_worker",
    "give_back",
    "hand_over",
    "insert_children",
    "insert_job",
    "job_filter",
    "list_artifacts",
    "list_children",
    "list_jobs",
    "list_models",
    "list_purges",
    "list_workers",
    "measured_pace",
    "note_cleared",
    "note_expired",
    "read_claimed",
    "read_epochs",
    "read_lines",
    "renew_lease",
    "require_worker",
    "retry_job",
    "take_back_expired",
    "take_webhooks",
    "tell_waiting",
    "write_epoch",
    "write_progress",
    "write_waiting",
    "write_webhook",
]
