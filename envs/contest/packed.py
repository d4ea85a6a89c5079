"""Private tests of LiveCodeBench: JSON, or base64 of zlib of a pickled text that is JSON."""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import zlib
from typing import Any, NoReturn

from envs.errors import RowError

UNPACKED_BYTES = 2**30
"""The most that tests of one problem may become; more is taken for an attack."""


class _TextUnpickler(pickle.Unpickler):
    """A pickled text names nothing; whatever asks for a function or class is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it names {module}.{name}, but tests are a text alone")

    def persistent_load(self, pid: object) -> NoReturn:
        raise pickle.UnpicklingError(f"it refers to {pid!r}, but tests are a text alone")


def unpack(text: str) -> list[dict[str, Any]]:
    """The tests; raises RowError where the text is of neither form."""
    try:
        found = json.loads(text)
    except ValueError:
        found = _unpickled(text)
    if not isinstance(found, list) or not all(isinstance(test, dict) for test in found):
        raise RowError("private_test_cases must be a list of tests")
    return found


def pack(tests: list[dict[str, Any]]) -> str:
    """The form that `unpack` reads, for a row of one's own."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode("ascii")


def _unpickled(text: str) -> object:
    try:
        packed = base64.b64decode(text, validate=True)
        unzip = zlib.decompressobj()
        data = unzip.decompress(packed, UNPACKED_BYTES)
        if unzip.unconsumed_tail or not unzip.eof:
            raise RowError(f"private_test_cases hold more than {UNPACKED_BYTES} bytes, or are cut")
        plain = _TextUnpickler(io.BytesIO(data)).load()
        if not isinstance(plain, str | bytes):
            raise RowError("private_test_cases must hold a pickled text")
        return json.loads(plain)
    except RowError:
        raise
    # A damaged pickle raises nearly anything.
    except (
        pickle.UnpicklingError, zlib.error, binascii.Error, ValueError, EOFError, LookupError,
        TypeError, AttributeError, MemoryError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        raise RowError(f"private_test_cases cannot be read: {error}") from error
