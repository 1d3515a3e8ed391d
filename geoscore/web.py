"""Asking web services: with patience, and with errors that people can read."""

from typing import Any, Final
from urllib.parse import urlsplit

from geoscore.errors import InputError

RETRIES: Final = 4
BUSY: Final = (429, 500, 502, 503, 504)
"""Answers after which a service is asked again, later and later, or when it says."""
TIMEOUT_SECONDS: Final = 300.0


def ask(method: str, url: str, *, fields: dict[str, Any]) -> tuple[int, str]:
    """Return the status and the text of an answer; asked again while the service is busy.

    Parameters
    ----------
    method
        ``GET`` or ``POST``.
    url
        Where to ask.
    fields
        What to ask: of the query, or of a form.

    Raises
    ------
    InputError
        urllib3 is missing, or the service cannot be reached.
    """
    try:
        import urllib3
    except ImportError as error:
        raise InputError("web services need urllib3: pip install 'geoscore[services]'") from error
    retry = urllib3.Retry(
        RETRIES, backoff_factor=1.0, status_forcelist=BUSY, allowed_methods=None, respect_retry_after_header=True,
        raise_on_status=False,
    )  # fmt: skip
    manager = urllib3.PoolManager(retries=retry, timeout=TIMEOUT_SECONDS, headers={"User-Agent": "geoscore"})
    try:
        answer = manager.request(method, url, fields=fields)
    except urllib3.exceptions.HTTPError as error:
        raise InputError(f"{shown(url)} cannot be reached: {type(error).__name__}; try later, or go without") from error
    return answer.status, answer.data.decode("utf-8", "replace")


def shown(url: str) -> str:
    """Return an address without what may be secret in it.

    Examples
    --------
    >>> shown("https://name:word@example.org/a?key=1")
    'https://example.org'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
