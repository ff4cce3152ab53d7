"""What stands for a value that only those with the key can read: ``{"$encrypted": "v1:KEY:BASE64"}``.

Those who show jobs need to know one when they see it, and need no key for that.
"""

from __future__ import annotations

from typing import Final

#: The only name in the object that stands for an encrypted value.
MARK: Final = "$encrypted"

#: Why an argument that is encrypted cannot stand in a periodic entry.
IN_PLAIN_TEXT: Final = "it is encrypted, and what an entry says lies in the store as it is; let the job look it up"

#: What people see in its place.
SHOWN: Final = "encrypted"


def is_sealed(value: object) -> bool:
    """Return True if *value* stands for an encrypted one."""
    return isinstance(value, dict) and len(value) == 1 and MARK in value
