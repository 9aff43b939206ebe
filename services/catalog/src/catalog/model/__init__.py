"""The read model: every filterable cell of one revision as a small code, in memory.

Pure numpy. Patients, exams, breasts (the images of one exam and laterality, which share their
findings by the side rule) and images nest and lie contiguous, so that counts are sums of slices.
"""
