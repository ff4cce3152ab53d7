"""An environment of its own for each peer, outside the tree, made once from pinned versions.

So no peer's requirements bend another's, nor ours; and what was measured can be made again.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.server import Missing

REQUIREMENTS = Path(__file__).parent / "requirements"
CACHE = Path.home() / ".cache" / "mainspring-bench"
_STAMP = "made-of"


def executables(package: str, cache: Path) -> Path:
    """Return the directory of a peer's programs, in its environment, which is made if it must be.

    Args:
        package: The name of its file of requirements.
        cache: Below which environments are kept.

    Raises:
        Missing: If what it needs could not be installed.
    """
    requirements = REQUIREMENTS / f"{package}.txt"
    recipe = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    home = cache / package
    stamp = home / _STAMP
    if not stamp.exists() or stamp.read_text("ascii") != recipe:
        print(f"making an environment for {package}", file=sys.stderr)
        _make(home, requirements)
        stamp.write_text(recipe, "ascii")
    return home / "bin"


def version(package: str) -> str:
    """Return which version of a peer is measured."""
    for line in (REQUIREMENTS / f"{package}.txt").read_text("ascii").splitlines():
        if line.startswith(f"{package}=="):
            return line.partition("==")[2]
    raise LookupError(f"requirements/{package}.txt does not pin {package}")


def _make(home: Path, requirements: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    _call([sys.executable, "-m", "venv", str(home)])
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _call([*pip, "--requirement", str(requirements)])


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
