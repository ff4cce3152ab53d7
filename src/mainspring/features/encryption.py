"""Arguments that only the App's own processes can read: AES-256-GCM, under keys that have numbers.

An encrypted value is bound to its job, its job's class and its place among the arguments:
moved anywhere else, or changed by one bit, it is no value at all. What cannot be opened is
never run. Nonces are random and 96 bits long, so one key is good for four billion values
(NIST SP 800-38D, 8.3); a retried job keeps its bytes, and takes no new nonce.
"""

from __future__ import annotations

import binascii
import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from mainspring.base import codec
from mainspring.base.errors import InvalidOption, InvalidPayload, WrongArguments
from mainspring.base.flow_errors import DecryptFailed, EncryptionUnavailable
from mainspring.base.sealed import MARK, is_sealed
from mainspring.job import Draft, Job, Tie

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: What is encrypted of a class of jobs: all arguments, none, or those of some parameters.
Wanted: TypeAlias = bool | Sequence[str]

#: Where an encrypted value stands: its position, its keyword, or None for all arguments as one.
Place: TypeAlias = int | str | None

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_VERSION: Final = "v1"
_HEAD: Final = re.compile(rf"{_VERSION}:([1-9][0-9]{{0,8}}|0):")
_MOST_ID: Final = 999_999_999


class Keyring:
    """The keys of an App, by number: one encrypts, all decrypt.

    Its `repr` and its errors show numbers only.
    """

    def __init__(
        self,
        keys: Mapping[int, bytes | str],
        *,
        active: int | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Check *keys*; the library that uses them is loaded when it is first needed.

        Args:
            keys: 32 bytes each, or their base64, by a number from 0 to 999,999,999.
            active: The number of the key that encrypts; the greatest if None.
            random: Gives so many random bytes, for nonces.

        Raises:
            InvalidOption: If one is no key, or *active* names none.
        """
        if not isinstance(keys, Mapping):
            raise InvalidOption("keys= must be a dict from numbers to keys: keys={1: ...}")
        self._keys = {_number(number): _key(number, key) for number, key in keys.items()}
        if active is not None and active not in self._keys:
            raise InvalidOption(f"active_key={active!r}: no key has this number; there are {self._numbers()}")
        self._active = max(self._keys, default=None) if active is None else active
        self._random = random
        self._ciphers: dict[int, AESGCM] = {}

    def __repr__(self) -> str:
        """Show the numbers of the keys."""
        return f"<Keyring {self._numbers()}>"

    def __bool__(self) -> bool:
        """Tell whether there is a key."""
        return bool(self._keys)

    def check(self, job: str) -> None:
        """Refuse what could not be encrypted or decrypted here.

        Raises:
            EncryptionUnavailable: If there is no key, or `cryptography` is not installed.
        """
        self._cipher(self._number(job), job)

    def seal(self, value: object, jid: str, name: str, place: Place) -> dict[str, str]:
        """Return what stands for *value* in the record of job *jid* of class *name*.

        Raises:
            EncryptionUnavailable: If there is no key, or `cryptography` is not installed.
        """
        number = self._number(name)
        cipher, nonce = self._cipher(number, name), self._random(_NONCE_BYTES)
        data = nonce + cipher.encrypt(nonce, codec.encode(value), _bound(number, jid, name, place))
        return {MARK: f"{_VERSION}:{number}:{binascii.b2a_base64(data, newline=False).decode()}"}

    def unseal(self, sealed: object, jid: str, name: str, place: Place) -> object:
        """Return the value that *sealed* stands for.

        Raises:
            DecryptFailed: If it was changed, comes from another job, class or place, or its key is not here.
            EncryptionUnavailable: If `cryptography` is not installed.
        """
        number, data = self._parts(sealed, jid)
        cipher, bound = self._cipher(number, name), _bound(number, jid, name, place)
        plain = _opened(cipher, data, bound)
        if plain is None:
            raise DecryptFailed(jid, f"what is encrypted is not what key {number} has written for this place in it")
        try:
            return codec.decode(plain)
        except InvalidPayload as error:
            raise DecryptFailed(jid, "what was encrypted is no JSON") from error

    def _number(self, job: str) -> int:
        if self._active is None:
            raise EncryptionUnavailable(job, "the App has no keys: App(keys={1: ...}), or MAINSPRING_KEYS=1:BASE64")
        return self._active

    def _parts(self, sealed: object, jid: str) -> tuple[int, bytes]:
        text = sealed.get(MARK) if isinstance(sealed, dict) and is_sealed(sealed) else None
        head = _HEAD.match(text) if isinstance(text, str) else None
        if head is None or not isinstance(text, str):
            raise DecryptFailed(jid, f"no {_VERSION} ciphertext stands where one should")
        number, data = int(head[1]), _decoded(text[head.end() :])
        if data is None or len(data) < _NONCE_BYTES + _TAG_BYTES:
            raise DecryptFailed(jid, "the ciphertext is damaged")
        if number not in self._keys:
            raise DecryptFailed(jid, f"it was encrypted with key {number}, and this App has {self._numbers()}")
        return number, data

    def _cipher(self, number: int, job: str) -> AESGCM:
        cipher = self._ciphers.get(number)
        if cipher is None:
            try:
                from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            except ImportError as error:
                raise EncryptionUnavailable(
                    job, 'cryptography is not installed: pip install "mainspring[encryption]"'
                ) from error
            # Two threads may both make one; they are the same.
            cipher = self._ciphers[number] = AESGCM(self._keys[number])
        return cipher

    def _numbers(self) -> str:
        return ", ".join(map(str, sorted(self._keys))) or "no keys"


def _opened(cipher: AESGCM, data: bytes, bound: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound)
    except InvalidTag:
        return None


def _bound(number: int, jid: str, name: str, place: Place) -> bytes:
    """Return what is authenticated with a value and not stored with it; JSON keeps the parts apart."""
    return codec.encode(["mainspring", _VERSION, number, jid, name, place])


def _decoded(text: str) -> bytes | None:
    """Return the bytes of a base64 text; None if another text would give the same, so that each character counts."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError:
        return None
    return data if binascii.b2a_base64(data, newline=False).decode() == text else None


def _number(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MOST_ID:
        raise InvalidOption(f"keys: {number!r} is no number of a key; write keys={{1: ...}}, and 2 for the next")
    return number


def _key(number: int, key: object) -> bytes:
    # Never the key itself in a message.
    data = _decoded(key.strip()) if isinstance(key, str) else key
    if not isinstance(data, bytes | bytearray) or len(data) != _KEY_BYTES:
        length = f"{len(data)} bytes" if isinstance(data, bytes | bytearray) else "no base64"
        raise InvalidOption(
            f"keys: key {number} is {length}; it must be {_KEY_BYTES} random bytes, or their base64,"
            " such as `openssl rand -base64 32` prints"
        )
    return bytes(data)


# --- on the way to the store ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cover:
    """Which arguments of a job are encrypted.

    Attributes:
        is_whole: True if all are, as one.
        names: Keywords whose arguments are.
        positions: The positions of those that can be given by position.
        rest: The position from which on all are; None if there is none.
        has_extra: True if all keywords are that name no parameter.
        known: All parameters that can be given by keyword.
    """

    is_whole: bool
    names: frozenset[str] = frozenset()
    positions: frozenset[int] = frozenset()
    rest: int | None = None
    has_extra: bool = False
    known: frozenset[str] = frozenset()

    @classmethod
    def of(cls, job: str, parameters: Sequence[inspect.Parameter], wanted: Wanted) -> Self:
        """Read what is *wanted* of *job*: True for all arguments, or names of its *parameters*.

        Raises:
            InvalidOption: If it has no such parameter.
        """
        if isinstance(wanted, bool):
            return cls(is_whole=wanted)
        known = [parameter.name for parameter in parameters]
        for name in wanted:
            if name not in known:
                raise InvalidOption(
                    f"{job}: encrypt={list(wanted)!r}: the function has no parameter {name!r};"
                    f" it has {', '.join(known) or 'none'}"
                )
        return cls._of_names(frozenset(wanted), parameters)

    @classmethod
    def _of_names(cls, names: frozenset[str], parameters: Sequence[inspect.Parameter]) -> Self:
        by_position = [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
        by_name = frozenset(p.name for p in parameters if p.kind in {p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD})
        starred = {p.kind: p.name in names for p in parameters}
        return cls(
            is_whole=False,
            names=names & by_name,
            positions=frozenset(place for place, name in enumerate(by_position) if name in names),
            rest=len(by_position) if starred.get(inspect.Parameter.VAR_POSITIONAL) else None,
            has_extra=starred.get(inspect.Parameter.VAR_KEYWORD, False),
            known=by_name,
        )

    def hides(self, place: int | str) -> bool:
        """Tell whether the argument at a position, or of a keyword, is encrypted."""
        if isinstance(place, int):
            return place in self.positions or (self.rest is not None and place >= self.rest)
        return place in self.names or (self.has_extra and place not in self.known)


def tie(job: Job[Any, Any], keyring: Keyring) -> Tie | None:
    """Return what encrypts in the records of *job* what its options say; None if that is nothing.

    Raises:
        InvalidOption: If it has no such parameter.
    """
    if not job.options.encrypt:
        return None
    cover = Cover.of(job.name, job.arguments.parameters, job.options.encrypt)

    def encrypt(draft: Draft) -> None:
        seal(draft.fields, cover, keyring)

    return encrypt


def seal(fields: dict[str, Any], cover: Cover, keyring: Keyring) -> None:
    """Encrypt what *cover* says in the record of a job, whose id is final, and note it there in ``flow``.

    It notes 1 for all arguments as one, else the places of the encrypted ones: positions and keywords.

    Raises:
        EncryptionUnavailable: If there is no key, or `cryptography` is not installed.
        WrongArguments: If another argument looks like an encrypted one.
    """
    jid, name, args, kwargs = fields["jid"], fields["class"], fields["args"], fields.get("kwargs") or {}
    if cover.is_whole:
        fields["args"] = [keyring.seal([args, kwargs], jid, name, None)]
        fields.pop("kwargs", None)
        fields.setdefault("flow", {})["encrypt"] = 1
        return
    places: list[int | str] = [place for place in (*range(len(args)), *kwargs) if cover.hides(place)]
    args, kwargs = _turned(args, kwargs, places, lambda value, place: keyring.seal(value, jid, name, place))
    if _sealed_places(args, kwargs) != set(places):
        raise WrongArguments(name, None, f'an argument is {{"{MARK}": ...}}, which stands for an encrypted one')
    if places:
        fields["args"] = args
        fields.setdefault("flow", {})["encrypt"] = places
    if kwargs:
        fields["kwargs"] = kwargs


def _turned(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    places: Sequence[int | str],
    turn: Callable[[Any, int | str], object],
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments with *turn* applied to those at *places*."""
    chosen = frozenset(places)
    return (
        [turn(value, place) if place in chosen else value for place, value in enumerate(args)],
        {place: turn(value, place) if place in chosen else value for place, value in kwargs.items()},
    )


# --- on the way back -----------------------------------------------------------------


def unseal(
    keyring: Keyring, jid: str, name: str, *, said: object, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a stored job, with what is encrypted among them decrypted.

    Args:
        keyring: The App's keys.
        jid: The job's id.
        name: The job's class.
        said: What its field ``flow`` says in ``encrypt``; None if it says nothing.
        args: Its positional arguments, as they are stored.
        kwargs: Its keyword arguments, likewise.

    Raises:
        DecryptFailed: If anything that is encrypted, or should be, cannot be opened. There is no way round it:
            an encrypted value is never handed to the job as if it were its argument.
    """
    places = _places(said, jid)
    if _sealed_places(args, kwargs) != set(places):
        raise DecryptFailed(jid, "its encrypted arguments do not stand where it says")
    if said == 1:
        return _whole(keyring.unseal(args[0], jid, name, None), jid) if len(args) == 1 and not kwargs else _torn(jid)
    return _turned(args, kwargs, places, lambda value, place: keyring.unseal(value, jid, name, place))


def _places(said: object, jid: str) -> list[int | str]:
    if said is None:
        return []
    if said == 1:
        return [0]
    if isinstance(said, list) and all(type(place) in {int, str} for place in said) and len({*said}) == len(said):
        return said
    raise DecryptFailed(jid, "it says in no way that is known here what of it is encrypted")


def _sealed_places(args: Sequence[object], kwargs: Mapping[str, object]) -> set[int | str]:
    positions = {place for place, value in enumerate(args) if is_sealed(value)}
    return positions | {place for place, value in kwargs.items() if is_sealed(value)}


def _whole(value: object, jid: str) -> tuple[list[Any], dict[str, Any]]:
    match value:
        case [list(args), dict(kwargs)]:
            return args, kwargs
        case _:
            return _torn(jid)


def _torn(jid: str) -> tuple[list[Any], dict[str, Any]]:
    raise DecryptFailed(jid, "what is encrypted is not a job's arguments")
