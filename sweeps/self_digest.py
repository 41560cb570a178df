"""JSON files that carry their own digest: whatever is altered in one on disk is found when it is read.

The last field of a sealed file is `sha256`, over every byte before it. It stays JSON that any tool can read.
"""

from __future__ import annotations

import hashlib

FIELD = b',\n "sha256": "'
END = b'"\n}\n'


class Altered(ValueError):
    """The bytes are not the ones that were sealed. Its text says in a few words what is wrong."""


def seal(content: bytes) -> bytes:
    """A JSON object with at least one field, given its digest as the last one.

    Example:
        >>> unsealed(seal(b'{"a": 1}')) == b'{"a": 1\\n}'
        True
    """
    body = content.rstrip().removesuffix(b"}").rstrip()
    return body + FIELD + _digest(body) + END


def unsealed(content: bytes) -> bytes:
    """The JSON object that was sealed. Raises Altered."""
    body, field, end = content.rpartition(FIELD)
    if not field:
        raise Altered("it carries no digest of its own")
    if end != _digest(body) + END:
        raise Altered("its SHA-256 is not the one it carries")
    return body + b"\n}"


def unsealed_if_sealed(content: bytes) -> bytes:
    """The same, but a file without a digest, as format 1 wrote them, is taken as it is."""
    return unsealed(content) if FIELD in content else content


def sha256_of(content: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def _digest(body: bytes) -> bytes:
    return sha256_of(body).encode()
