"""From two CSV files to an active revision, in a process of its own.

``python -m catalog.ingest REVISION_ID``
"""
