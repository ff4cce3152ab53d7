"""The dashboard's languages: what has to be translated, whether it is, and the files that it reads.

Usage: python tools/languages.py update     after texts have changed: writes messages.pot, and what is new into each .po
       python tools/languages.py compile    after translations have changed: writes each .mo, which the dashboard reads
       python tools/languages.py check      says what is missing or wrong; part of `make check`
       python tools/languages.py new TAG    begins a language, such as pt-BR; name it in web/languages.py, too

Needs Babel, which nothing needs at run time: compiled catalogues are part of the tree.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "mainspring"
FOLDER = PACKAGE / "web" / "locale"
TEMPLATE = FOLDER / "messages.pot"

#: What marks a text: its arguments that hold one. `_` and `ngettext` in templates and scripts, the others in Python.
KEYWORDS = {
    "_": None,
    "ngettext": (1, 2),
    "say": (1,),
    "counted": (1, 2),
    "mark": (1,),
    "phrase": (1,),
    "phrases": (1, 2),
}
METHODS = [
    ("web/static/vendor/**", "ignore"),
    ("web/static/**.js", "javascript"),
    ("web/templates/**.html", "jinja2"),
    ("base/phrases.py", "python"),
    ("schedule/words.py", "python"),
    ("api/**.py", "python"),
    ("web/**.py", "python"),
]
OPTIONS = {"web/templates/**.html": {"trimmed": "true", "silent": "false"}}
HEADER = """# Texts of mainspring's dashboard.
# Written by tools/languages.py: translate with any editor of .po files, and compile afterwards."""


def extracted() -> Catalog:
    """Return all texts of the source."""
    catalog = Catalog(project="mainspring", charset="utf-8", header_comment=HEADER)
    found = extract_from_dir(PACKAGE, METHODS, OPTIONS, KEYWORDS, ("Translators:",), strip_comment_tags=True)
    for path, line, text, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
        catalog.add(text, None, [(path, line)], auto_comments=comments, context=context)
    return catalog


def catalogues() -> dict[Path, Catalog]:
    """Return the translations by their files."""
    return {path: read(path) for path in sorted(FOLDER.glob("*.po"))}


def read(path: Path) -> Catalog:
    """Return one catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=None if path == TEMPLATE else path.stem)


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as text, without what changes when nothing has been translated: dates and line numbers."""
    out = io.BytesIO()
    write_po(out, catalog, width=120, include_lineno=False)
    lines = out.getvalue().splitlines(keepends=True)
    dull = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Last-Translator', b'"Generated-By', b'"Report-Msgid')
    return b"".join(line for line in lines if not line.startswith((*dull, b'"Language-Team')))


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as the dashboard reads it; the same today and tomorrow."""
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


# --- what may be wrong -------------------------------------------------------------------


def faults(catalog: Catalog, template: Catalog) -> Iterator[str]:
    """Find what is wrong with a translation."""
    if {message.id for message in catalog if message.id} != {message.id for message in template if message.id}:
        yield "it has not the texts of the source: run tools/languages.py update"
    for message in catalog:
        if message.id and message.fuzzy:
            yield f"{_name(message)}: is fuzzy, so that it is not used"
        elif message.id and any(_texts(message)):
            yield from _faults(message, catalog.num_plurals)


def _faults(message: Message, forms: int) -> Iterator[str]:
    texts = _texts(message)
    one, many = (_names(message.id[0]), _names(message.id[-1])) if message.pluralizable else [_names(message.id)] * 2
    if message.pluralizable and (len(texts) != forms or not all(texts)):
        yield f"{_name(message)}: needs {forms} plural forms"
    for number, text in enumerate(texts):
        # What says "one" need not count it.
        least = one & many if number == 0 and forms > 1 else many
        if text and not least <= _names(text) <= one | many:
            yield f"{_name(message)}: has the names {sorted(_names(text))} in {text!r}, and should {sorted(least)}"
        if text and text != text.strip():
            yield f"{_name(message)}: a blank stands at the beginning or the end of {text!r}"


def _texts(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string or ""]


def _name(message: Message) -> str:
    return message.id[0] if message.pluralizable else message.id


def _names(text: str) -> set[str]:
    """Return the names in a text's braces; those of a text that is no pattern are its own business."""
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return {"(its braces do not match)"}


def missing(catalog: Catalog) -> int:
    """Return how many texts a catalogue does not translate."""
    return sum(not all(_texts(message)) for message in catalog if message.id)


def dynamic() -> Iterator[str]:
    """Find what is marked and is no literal, so that no catalogue can have it."""
    for path in (*PACKAGE.glob("api/*.py"), *PACKAGE.glob("web/**/*.py"), PACKAGE / "schedule" / "words.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_marked = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS
            if is_marked and any(isinstance(argument, ast.JoinedStr) for argument in node.args):
                yield f"{path.name}:{node.lineno}: a text in {node.func.id}() is no plain literal"


# --- what is done -------------------------------------------------------------------------


def update() -> None:
    """Write the template, and what is new into each translation; what is gone is kept at its end, out of use."""
    template = extracted()
    TEMPLATE.write_bytes(written(template))
    for path, catalog in catalogues().items():
        catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
        path.write_bytes(written(catalog))


def compile_all() -> None:
    """Write what the dashboard reads."""
    for path, catalog in catalogues().items():
        path.with_suffix(".mo").write_bytes(compiled(catalog))


def check() -> list[str]:
    """Return what is wrong with the files."""
    template = extracted()
    found = [*dynamic()]
    if not TEMPLATE.exists() or TEMPLATE.read_bytes() != written(template):
        found.append("messages.pot is not what the source says: run tools/languages.py update")
    for path, catalog in catalogues().items():
        found += [f"{path.name}: {fault}" for fault in faults(catalog, template)]
        made = path.with_suffix(".mo")
        if not made.exists() or made.read_bytes() != compiled(catalog):
            found.append(f"{made.name} is not what {path.name} says: run tools/languages.py compile")
    return found


def begin(tag: str) -> None:
    """Begin a language: all texts, none of them translated."""
    path = FOLDER / f"{tag.replace('-', '_')}.po"
    if path.exists():
        sys.exit(f"{path.name} is there already")
    catalog = Catalog(locale=path.stem, project="mainspring", charset="utf-8", header_comment=HEADER, fuzzy=False)
    catalog.update(extracted(), no_fuzzy_matching=True)
    path.write_bytes(written(catalog))


def main(said: list[str]) -> None:
    """Do what the command line says."""
    match said:
        case ["update"]:
            update()
        case ["compile"]:
            compile_all()
        case ["new", tag]:
            begin(tag)
        case ["check"]:
            found = check()
            for path, catalog in catalogues().items():
                print(f"{path.stem}: {missing(catalog)} of {len(catalog)} texts are not translated")
            if found:
                sys.exit("\n".join(found))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
