"""The report of a job: one self-contained page of its document, without script or request."""

from trainer.report.page import render_report

__all__ = ["render_report"]
