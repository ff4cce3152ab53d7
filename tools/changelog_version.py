"""Fail unless the changelog's newest heading is the package's version."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ABOUT = re.search(r'__version__ = "(.+)"', (ROOT / "src/mainspring/__about__.py").read_text())
NEWEST = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

package, changelog = (found and found[1] for found in (ABOUT, NEWEST))
if package is None or package != changelog:
    sys.exit(f"src/mainspring/__about__.py says version {package}, CHANGELOG.md says {changelog}: make them equal")
