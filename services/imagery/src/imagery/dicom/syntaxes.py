"""Transfer syntaxes that are shown, and what their frames are (PS3.5 section 10, PS3.6 A)."""

from imagery.dicom.codestream import Kind

SYNTAXES: dict[str, tuple[str, Kind]] = {
    "1.2.840.10008.1.2": ("Implicit VR Little Endian", "raw"),
    "1.2.840.10008.1.2.1": ("Explicit VR Little Endian", "raw"),
    "1.2.840.10008.1.2.1.99": ("Deflated Explicit VR Little Endian", "raw"),
    "1.2.840.10008.1.2.2": ("Explicit VR Big Endian", "raw"),
    "1.2.840.10008.1.2.5": ("RLE Lossless", "rle"),
    "1.2.840.10008.1.2.4.50": ("JPEG Baseline (Process 1)", "jpeg"),
    "1.2.840.10008.1.2.4.51": ("JPEG Extended (Processes 2 and 4)", "jpeg"),
    "1.2.840.10008.1.2.4.57": ("JPEG Lossless (Process 14)", "jpeg lossless"),
    "1.2.840.10008.1.2.4.70": ("JPEG Lossless SV1", "jpeg lossless"),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS Lossless", "jpeg-ls"),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS Near-Lossless", "jpeg-ls"),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000 Lossless", "jpeg 2000"),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000", "jpeg 2000"),
    "1.2.840.10008.1.2.4.201": ("High-Throughput JPEG 2000 Lossless", "htj2k"),
    "1.2.840.10008.1.2.4.202": ("High-Throughput JPEG 2000 Lossless RPCL", "htj2k"),
    "1.2.840.10008.1.2.4.203": ("High-Throughput JPEG 2000", "htj2k"),
}
