"""The procedure that lists keys: its arguments, and what it returns."""

from collections.abc import Sequence
from typing import Any

from service.model import KeyDetails, KeyPrefix, Listing, ListQuery


def list_arguments(page: ListQuery, size: int) -> list[Any]:
    """The arguments of `kv.v1.list_page` after the caller.

    :param size: bytes of the page; its first entry may be larger
    """
    options = {
        "values": page.with_values,
        "details": page.with_details,
        "delimiter": page.delimiter,
    }
    return [page.prefix, page.after, page.limit, size, options]


def listing_of(result: Sequence[Any]) -> Listing:
    """The page that the procedure has returned."""
    revision, last, keys, members, columns, names, counts = result
    details = None
    if columns is not None:
        details = [KeyDetails(*entry) for entry in zip(*columns, strict=True)]
    prefixes = None
    if names is not None:
        prefixes = [KeyPrefix(*entry) for entry in zip(names, counts, strict=True)]
    return Listing(revision, last, keys, members, details, prefixes)
