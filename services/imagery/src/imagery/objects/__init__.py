"""Source files: where DICOM objects lie, fetched once and kept on disk."""
