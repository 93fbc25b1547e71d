"""The RO-Crate validator without a network: the context that every crate names comes with the package `rocrate`; nothing else is asked for."""

import pathlib

import requests
import rocrate
import sys

CONTEXT = (pathlib.Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_bytes()


def send(adapter, request, **options):
    answer = requests.Response()
    known = request.url.startswith("https://w3id.org/ro/crate/1.3/context")
    answer.status_code = 200 if known else 404
    answer._content = CONTEXT if known else b""
    answer.headers["Content-Type"] = "application/ld+json"
    answer.url, answer.request = request.url, request
    return answer


requests.adapters.HTTPAdapter.send = send

from rocrate_validator.cli import cli  # noqa: E402 (after the patch)

cli(["-y", "--disable-color", "validate", "--no-paging", *sys.argv[1:]])
