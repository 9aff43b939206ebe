"""The imagery service by itself, for benchmarks: sources from a file instead of the catalog.

python serve.py PORT SOURCES; settings come from the environment as for the service.
"""

import logging
import sys
from pathlib import Path

import uvicorn
from imagery.app import create_app
from imagery.settings import ImagerySettings
from imagery.sources import FileSources

if __name__ == "__main__":
    logging.basicConfig(level="WARNING")
    port, sources = int(sys.argv[1]), Path(sys.argv[2])
    app = create_app(ImagerySettings(), FileSources(sources))  # type: ignore[call-arg]
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
