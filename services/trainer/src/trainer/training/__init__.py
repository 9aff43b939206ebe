"""``python -m trainer.training PARENT``. Only this package imports torch."""
