"""What a DICOM file holds: its elements, its pixel attributes, and its stored values. No HTTP, no picture."""
