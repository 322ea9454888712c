"""What the DreamEngine's constants are made with. Whoever imports this can import `brain`, which lies in its worker's folder."""

import sys

from tools.paths import source_folder

if str(source_folder("brain")) not in sys.path:
    sys.path.append(str(source_folder("brain")))
