"""DICOMweb (PS3.18): QIDO-RS and WADO-RS over the catalog's hierarchy and the service's files."""
