"""Files at an address: fetched once into a temporary file, which is removed when the program ends."""

import atexit
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from geoscore.errors import InputError

_ADDRESS: Final = re.compile(r"^(https?):/{1,2}(?=[^/])", re.IGNORECASE)
TIMEOUT: Final = 60
LARGEST: Final = 10_000_000_000
BLOCK: Final = 1 << 20


def is_address(path: Path | str) -> bool:
    """Return whether a path is an ``http`` or ``https`` address; a path has lost one of its slashes.

    Examples
    --------
    >>> is_address(Path("https://example.org/a.csv")), is_address(Path("a.csv"))
    (True, False)
    """
    return bool(_ADDRESS.match(str(path)))


@cache
def fetch(path: Path) -> Path:
    """Return a local copy of the file at an address.

    Raises
    ------
    InputError
        It is not there, the network is not, it is too large, or a web page answers instead.
    """
    address = _ADDRESS.sub(lambda found: f"{found.group(1).lower()}://", str(path))
    name = unquote(Path(urlsplit(address).path).name) or "file"
    folder = Path(tempfile.mkdtemp(prefix="geoscore-fetch-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer, (folder / name).open("wb") as file:  # noqa: S310
            if answer.headers.get_content_type() == "text/html":
                raise InputError(f"{address} is a web page, no table; name the address of the file itself")
            size = 0
            while block := answer.read(BLOCK):
                size += len(block)
                if size > LARGEST:
                    raise InputError(f"{address} is larger than {LARGEST:,} bytes; download it and name the file")
                file.write(block)
    except urllib.error.HTTPError as error:
        raise InputError(f"{address} answers {error.code} {error.reason}; is it spelled right?") from error
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise InputError(f"{address} cannot be reached: {getattr(error, 'reason', error)}") from error
    return folder / name
