"""``python -m trainer.training JOB FENCE PARENT``. Only this package imports torch."""
