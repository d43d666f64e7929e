"""Compares access tokens with JWTs: CPU time per request, and rate.

Two services of this tree run at the same time, each with its own Tarantool. Requests to
one carry a JWT of a login, requests to the other an access token. Their measurements
alternate in random order in each round. A ratio is taken within each round, access
token / JWT: for CPU time, less than 1 is better; for the rate, more than 1.
"""

import argparse

from benchmarks.scenarios.compare_trees import add_measurement_arguments, compare

#: By subject, what its service is created with.
SUBJECTS = {
    "JWT": {"uses_access_token": False},
    "access token": {"uses_access_token": True},
}

add_arguments = add_measurement_arguments


def run(options: argparse.Namespace) -> int:
    """:raises FailedLoad: if a request failed"""
    return compare(options, SUBJECTS)
