"""What a DICOM file holds: elements, pixel attributes, stored values. No HTTP, no picture."""
