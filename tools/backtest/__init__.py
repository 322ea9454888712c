"""Backtests from the command line: recorded markets or a CSV file in, tables and a page out."""

import sys

from tools.paths import source_folder

if str(source_folder("brain")) not in sys.path:
    sys.path.append(str(source_folder("brain")))
