"""The files that a browser needs, under names that change with what is in them."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from mainspring.web.security import KEEPS_CACHE

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
#: What the scripts say.
_SAYS: Final = re.compile(r'\b_\("([^"]+)"')
_FOREVER: Final = "public, max-age=31536000, immutable"


class Assets:
    """Reads the files once."""

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """The files, by the names under which they are served: ``app.3f2a9c01b7.css``."""
        return {
            f"{path.stem}.{_digest(path)}{path.suffix}": path
            for path in sorted(_FOLDER.rglob("*"))
            if path.suffix in {".css", ".js", ".svg"}
        }

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The names under which the files are served, by their own."""
        return {path.name: served for served, path in self.files.items()}

    @cached_property
    def texts(self) -> Sequence[str]:
        """What the scripts say to people, in English: their pages carry it in other languages."""
        found = (_SAYS.findall(path.read_text("utf-8")) for path in sorted(_FOLDER.glob("*.js")))
        return tuple(dict.fromkeys(text for each in found for text in each))

    def serve(self, request: Request) -> Response:
        """Answer with one file; a browser may keep it for ever."""
        path = self.files.get(request.path_params["name"])
        if path is None:
            return Response("no such file", 404, media_type="text/plain")
        return FileResponse(path, media_type=_TYPES[path.suffix], headers={KEEPS_CACHE: _FOREVER})

    def copy(self, folder: Path) -> list[Path]:
        """Copy the files into *folder*, for a server that hands them out itself; return what was written."""
        folder.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copyfile(path, folder / name)) for name, path in self.files.items()]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]
