"""JSON exactly as Ruby's generator writes it, so that both languages hold the same bytes.

Sidekiq parses a job out of a sorted set, changes it, and removes the old member by
generating it again: one byte of difference leaves the old one behind, and the job
runs twice. msgspec writes the same bytes as `JSON.generate` of json 2.6.1 (raw UTF-8,
no blanks, key order kept) for everything but floats of extreme magnitude and what
JSON cannot hold; this module sees to those two.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import msgspec

from mainspring.base.errors import InvalidPayload

# Types that msgspec writes as Ruby does, whatever their value.
_EVEN = frozenset({str, int, bool, type(None), msgspec.Raw})

_DECODER = msgspec.json.Decoder()


def encode(value: object) -> bytes:
    """Return *value* as JSON, byte for byte what Ruby's `JSON.generate` makes of it.

    Args:
        value: Anything built of dict, list, tuple, str, int, float, bool and None;
            a `msgspec.Raw` is copied as it is. Integers are exact at any size.

    Raises:
        InvalidPayload: If *value* has no JSON form: NaN or infinity, a lone surrogate,
            an object of another kind, or deeper nesting than the stack allows.
    """
    try:
        if _has_oddity((value,)):
            value = _even(value)
        return _ENCODER.encode(value)
    except InvalidPayload:
        raise
    except UnicodeEncodeError as error:
        raise InvalidPayload("not_unicode", f"a text with half a surrogate pair has no JSON form: {error}") from error
    except RecursionError as error:
        raise InvalidPayload("too_deep", "it is nested too deeply, or contains itself") from error
    except (TypeError, ValueError) as error:
        raise InvalidPayload("not_json", str(error)) from error


def decode(data: bytes) -> object:
    """Return what the JSON text *data* says, integers exact at any size.

    Raises:
        InvalidPayload: If *data* is not JSON (``"not_json"``), or nested so deeply that
            reading it would exhaust the stack (``"too_deep"``).
    """
    try:
        return _DECODER.decode(data)
    except RecursionError as error:
        raise InvalidPayload("too_deep", "the JSON text is nested too deeply") from error
    except ValueError as error:
        raise InvalidPayload("not_json", f"not JSON: {error}") from error


def _has_oddity(items: Iterable[object]) -> bool:
    """Look for what needs the slow path. Every enqueue pays for this loop, so it calls nothing but itself."""
    for item in items:
        kind = type(item)
        if kind in _EVEN:
            continue
        if kind is float:
            if not (1e-4 <= item < 1e15 or item == 0 or -1e15 < item <= -1e-4):  # type: ignore[operator]
                return True
        elif kind is dict:
            if _has_oddity(item.values()):  # type: ignore[attr-defined]
                return True
        elif kind is list or kind is tuple:
            if _has_oddity(item):  # type: ignore[arg-type]
                return True
        else:
            return True
    return False


def _even(value: object) -> object:
    """Rebuild *value* with every odd float already written."""
    if isinstance(value, dict):
        return {key: _even(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_even(item) for item in value]
    if isinstance(value, float):
        return msgspec.Raw(_as_ruby(value)) if _has_oddity((float(value),)) else float(value)
    if type(value) in _EVEN:
        return value
    return _even(msgspec.to_builtins(value, str_keys=True, enc_hook=_base_value))


def _as_ruby(number: float) -> bytes:
    """Write a float of extreme magnitude as Ruby's `Float#to_s`: ``1.0e+16``, ``1.5e-07``.

    The digits are Python's, which like Ruby takes the shortest that read back the same.
    """
    if not isfinite(number):
        raise InvalidPayload("not_finite", f"{number} has no JSON form")
    text = float.__repr__(number)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return (f"{mantissa}e{exponent}" if "." in mantissa else f"{mantissa}.0e{exponent}").encode()
    if not number.is_integer():
        return text.encode()
    # Python turns to exponents at 1e16, Ruby at 1e15, but for numbers with a fraction.
    sign, digits = ("-", text[1:-2]) if number < 0 else ("", text[:-2])
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}e+15".encode()


def _base_value(value: object) -> object:
    """Return the plain str, int or float inside an instance of a subclass, such as Django's SafeString."""
    if isinstance(value, str):
        return str.__str__(value)
    # A bool comes here as the key of a dict only, where it would turn into "1".
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise TypeError(f"an object of type {type(value).__name__} has no JSON form")


_ENCODER = msgspec.json.Encoder(enc_hook=_base_value)
