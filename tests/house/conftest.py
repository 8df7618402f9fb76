"""Modules that tests share lie beside them: ``tests`` is no package, and a dependency installs one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
