"""The language in which a request is answered, and what says a text in it.

A page is answered within `speaking`, which holds its language for the length of the request and for the thread that
renders it. Outside of it everything is English: so are the API, exports, logs and the audit log, which programs read.
A text that a catalogue does not have stays English.

Texts are literals, since that is how they get into the catalogues (see tools/languages.py): in templates `_` and
`ngettext`, in Python `say` and `counted` where a text is shown at once, `mark` where it is kept in a table and said
later. What comes from below the dashboard is a `mainspring.base.phrases.Phrase`, or stays English.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from markupsafe import Markup, escape

from mainspring.base.errors import InvalidOption
from mainspring.base.phrases import Phrase

#: What is spoken where nobody asks for anything else, and where a catalogue has no text.
ENGLISH: Final = "en"
#: The languages by tag (BCP 47), each with the name that its speakers give it.
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "English",
        "de": "Deutsch",
        "fr": "Français",
        "es": "Español",
        "pt-BR": "Português (Brasil)",
        "ja": "日本語",
        "zh-CN": "简体中文",
    }
)
FOLDER: Final = Path(__file__).parent / "locale"
#: Languages that are written from right to left.
_FROM_RIGHT: Final = frozenset({"ar", "dv", "fa", "he", "ps", "ur", "yi"})
#: What is not understood by those who read another script of the same language.
_OTHER_SCRIPTS: Final = frozenset({"zh-hant", "zh-tw", "zh-hk", "zh-mo"})
#: Languages that a browser may ask for at most; nobody speaks more.
_MOST: Final = 30


class Pattern(Markup):
    """A text in a template; names in its braces are filled in escaped, unless they are markup themselves."""

    __slots__ = ()

    def format(self, *_: object, **values: object) -> Markup:  # type: ignore[override]  # names only
        """Return the text with *values*; as `Markup.format` does, in half the time."""
        said = str.format_map(self, {name: escape(value) for name, value in values.items()})
        return Markup(said)  # noqa: S704 - all of it is escaped


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its texts.

    Attributes:
        tag: As in ``<html lang>``.
        name: What its speakers call it.
        texts: The catalogue.
        escaped: What templates have said so far, by its English: a page says the same words in each of its rows. Only
            literals get here, so that it is bounded.
    """

    tag: str
    name: str
    texts: gettext.NullTranslations = field(repr=False)
    escaped: dict[str, Pattern] = field(default_factory=dict, repr=False, compare=False)

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return "rtl" if self.tag.partition("-")[0] in _FROM_RIGHT else "ltr"


class Languages:
    """The languages of one dashboard, each read once."""

    def __init__(self, only: str = "") -> None:
        """Speak what each request asks for, or *only* one language.

        Raises:
            InvalidOption: If *only* names none of them.
        """
        if only and only not in NAMES:
            raise InvalidOption(f"language={only!r} is none of {', '.join(NAMES)}")
        self.only = only

    @cached_property
    def all(self) -> Mapping[str, Language]:
        """The languages by tag."""
        return {tag: Language(tag, name, _texts(tag)) for tag, name in NAMES.items()}

    @property
    def english(self) -> Language:
        """What programs read."""
        return self.all[ENGLISH]

    def of(self, chosen: str, accepted: str) -> Language:
        """Return the language of a request: the one that was *chosen*, else the best of those that are *accepted*.

        Args:
            chosen: A tag, such as that of a cookie; anything else counts for nothing.
            accepted: The header Accept-Language.
        """
        return self.all[self.only or (chosen if chosen in NAMES else negotiated(accepted))]


def _texts(tag: str) -> gettext.NullTranslations:
    path = FOLDER / f"{tag.replace('-', '_')}.mo"
    if not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)


def negotiated(accepted: str) -> str:
    """Return the tag of the language that fits a header Accept-Language best; English if none does.

    A wish is met by that very language, else by one that differs in the region only: ``de-AT`` by ``de``, ``pt`` and
    ``pt-PT`` by ``pt-BR``, ``zh-Hans`` by ``zh-CN``, but not ``zh-TW``, whose readers write in another script.
    """
    wishes = [_wish(part) for part in accepted.split(",")[:_MOST]]
    for tag, weight in sorted(wishes, key=lambda wish: -wish[1]):
        found = _matching(tag) if weight > 0 else ""
        if found:
            return found
    return ENGLISH


def _wish(part: str) -> tuple[str, float]:
    tag, *rest = (each.strip() for each in part.split(";"))
    weight = next((each[2:] for each in rest if each[:2].lower() == "q="), "1")
    try:
        found = float(weight)
    except ValueError:
        found = 0.0
    return tag.lower(), found if 0 <= found <= 1 else 0.0


def _matching(wanted: str) -> str:
    exact = next((tag for tag in NAMES if tag.lower() == wanted), "")
    if exact or wanted.startswith(tuple(_OTHER_SCRIPTS)):
        return exact
    return next((tag for tag in NAMES if tag.lower().partition("-")[0] == wanted.partition("-")[0]), "")


# --- what is said ------------------------------------------------------------------------

# Only `speaking` writes it; None is English.
_SPOKEN: ContextVar[Language | None] = ContextVar("mainspring_language", default=None)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Say everything in *language* within this block, and in the threads that it asks for something."""
    token = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def spoken() -> Language:
    """Return the language that is spoken here."""
    return _SPOKEN.get() or Language(ENGLISH, NAMES[ENGLISH], gettext.NullTranslations())


def mark(text: str) -> str:
    """Return *text*, to be said later: this is where the catalogues get it from."""
    return text


def say(text: str, /, **values: object) -> str:
    """Say *text*, with *values* for the names in its braces."""
    language = _SPOKEN.get()
    found = text if language is None else language.texts.gettext(text)
    return found.format_map(values) if values else found


def counted(one: str, many: str, n: int, /, **values: object) -> str:
    """Say *one* or *many*, as the language has it for *n* things; ``{n}`` is that number."""
    return _form(one, many, n).format_map({"n": f"{n:,}", **values})


def told(text: object) -> str:
    """Say what was found below: a phrase in the language that is spoken, any other text as it is."""
    if isinstance(text, BaseException):
        return told(text.args[0]) if len(text.args) == 1 else str(text)
    if not isinstance(text, Phrase):
        return str(text)
    values = {name: told(value) if isinstance(value, Phrase) else value for name, value in text.values.items()}
    if text.many:
        return counted(text.pattern, text.many, text.number, **values)
    return say(text.pattern, **values)


def in_template(text: str) -> Pattern:
    """Say *text* in a template: it is escaped, and what is filled in is escaped unless it is markup."""
    language = _SPOKEN.get()
    if language is None:
        return Pattern(escape(text))
    found = language.escaped.get(text)
    if found is None:
        found = language.escaped[text] = Pattern(escape(language.texts.gettext(text)))
    return found


def counted_in_template(one: str, many: str, n: int) -> Pattern:
    """Say *one* or *many* in a template, as the language has it for *n* things."""
    return Pattern(escape(_form(one, many, n)))


def _form(one: str, many: str, n: int) -> str:
    language = _SPOKEN.get()
    if language is None:
        return one if n == 1 else many
    return language.texts.ngettext(one, many, n)
