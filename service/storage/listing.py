"""The procedures that list keys: which one reads a page, and what it returns."""

from collections.abc import Sequence
from typing import Any

from service.model import KeyDetails, KeyPrefix, Listing, ListQuery


def list_call(page: ListQuery, size: int) -> tuple[str, list[Any]]:
    """The procedure that reads a page, and its arguments after the caller.

    :param size: bytes of the page; its first entry may be larger
    """
    args = [page.prefix, page.after, page.limit, size]
    options = {"values": page.with_values, "details": page.with_details}
    if page.delimiter is not None:
        return "kv.v1.list_level", [*args, page.delimiter, options]
    if page.with_details:
        return "kv.v1.list_details", [*args, options]
    return "kv.v1.list", [*args, page.with_values]


def listing_of(result: Sequence[Any]) -> Listing:
    """The page that one of these procedures has returned."""
    revision, last, keys, values, columns, names, counts = _padded(result)
    details = None
    if columns is not None:
        details = [KeyDetails(*entry) for entry in zip(*columns, strict=True)]
    prefixes = None
    if names is not None:
        prefixes = [KeyPrefix(*entry) for entry in zip(names, counts, strict=True)]
    return Listing(revision, last, keys, values, details, prefixes)


def _padded(result: Sequence[Any]) -> list[Any]:
    return [*result, *[None] * (7 - len(result))]
