"""From stored values to a picture, stage by stage as DICOM names them. Functions over arrays."""
