"""The bench runs natively only: inside Pyodide there is not even what it imports."""

import sys

collect_ignore_glob = ["test_*.py"] if sys.platform == "emscripten" else []
