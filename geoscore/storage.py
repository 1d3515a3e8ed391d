"""Files in object stores: what stands at ``s3://bucket/key`` is brought into a folder, whole.

pyarrow speaks to the store; keys, region and endpoint are those of the environment, as every tool of AWS reads them.
"""

import os
import re
from pathlib import Path
from typing import Any, Final

from geoscore.errors import InputError, InputNotFoundError

MOST_BYTES: Final = 10_000_000_000
BLOCK: Final = 1 << 22
ATTEMPTS: Final = 3
CONNECT_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 60.0
REFUSED: Final = (
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
    "INVALID_SIGNATURE",
    "HTTP status code 403",
)
"""What S3 calls a request whose keys it does not know, or to which they give no right."""
UNREACHABLE: Final = ("NETWORK_CONNECTION", "Couldn't resolve host", "Could not resolve", "curlCode", "HTTP_REQUEST")
KEYS: Final = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to keys that may read it; AWS_NO_SIGN_REQUEST=yes"
    " for what everybody may read"
)


def is_object(path: Path | str) -> bool:
    """Return whether a path is the address of an object; a path keeps only one slash of ``s3://``.

    Examples
    --------
    >>> is_object(Path("s3://lists/donors.csv")), is_object(Path("s3/donors.csv"))
    (True, False)
    """
    return re.match(r"s3a?:[/\\]", str(path), re.IGNORECASE) is not None


def object_address(path: Path | str) -> str:
    """Return an object's address with both of its slashes.

    Raises
    ------
    InputError
        It names no bucket.

    Examples
    --------
    >>> object_address(Path("s3a://lists/2026/donors.csv"))
    's3://lists/2026/donors.csv'
    """
    place = re.sub(r"[/\\]+", "/", str(path).partition(":")[2]).strip("/")
    if not place:
        raise InputError(f"{path} names no bucket; write s3://bucket/key")
    return f"s3://{place}"


def fetch_object(path: Path | str, *, into: Path, inside: str | None = None) -> Path:
    """Bring an object into a folder, under the last part of its key.

    Parameters
    ----------
    path
        Its address, ``s3://bucket/key`` or ``s3a://bucket/key``.
    into
        The folder.
    inside
        Name of the file that is meant where the address is that of a folder.

    Raises
    ------
    InputNotFoundError
        There is no such object or bucket.
    InputError
        The store cannot be reached or refuses; it is a folder, or larger than 10 GB.

    Examples
    --------
    >>> fetch_object("s3://", into=Path("copies"))
    Traceback (most recent call last):
    geoscore.errors.InputError: s3:// names no bucket; write s3://bucket/key
    """
    address = object_address(path)
    place = address.removeprefix("s3://")
    try:
        store = _open_store(place.partition("/")[0])
        info = store.get_file_info(place)
        if info.type.name == "Directory" and inside is not None:
            place, address = f"{place}/{inside}", f"{address}/{inside}"
            info = store.get_file_info(place)
        _check(store, info, address)
        copy = into / place.rpartition("/")[2]
        with store.open_input_stream(place) as stream, copy.open("wb") as file:
            while block := stream.read(BLOCK):
                file.write(block)
    except InputError:
        raise
    except OSError as error:
        raise _said(address, error) from error
    return copy


def _check(store: Any, info: Any, address: str) -> None:
    """Refuse what is not one file of a size that can be brought here."""
    if info.type.name == "NotFound":
        bucket, slash, _ = address.removeprefix("s3://").partition("/")
        if slash and store.get_file_info(bucket).type.name != "NotFound":
            raise InputNotFoundError(f"there is no file {address}")
        raise InputNotFoundError(f"there is no bucket {bucket} at {_endpoint() or 'Amazon S3'}")
    if info.type.name == "Directory":
        raise InputError(f"{address} is a folder; name a file in it")
    if info.size > MOST_BYTES:
        raise InputError(f"{address} is larger than {MOST_BYTES / 1e9:g} GB; bring it here and name the file")


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


def _open_store(bucket: str) -> Any:
    """Return the store of a bucket, as the environment describes it."""
    try:
        from pyarrow import fs
    except ImportError as error:
        raise InputError(f"this pyarrow cannot read s3://: {error}; install another build of pyarrow") from error
    if not hasattr(fs, "S3FileSystem"):
        raise InputError("this pyarrow was built without S3; install another build of it")
    endpoint = _endpoint()
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and endpoint is None:
        region = fs.resolve_s3_region(bucket)
    options: dict[str, Any] = {"region": region} if region else {}
    if endpoint is not None:
        options["endpoint_override"] = endpoint
    if os.environ.get("AWS_NO_SIGN_REQUEST", "").lower() in ("1", "true", "yes"):
        options["anonymous"] = True
    return fs.S3FileSystem(
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        **options,
    )


def _said(address: str, error: OSError) -> InputError:
    """Return what went wrong at the store in one line that says how to mend it."""
    text = " ".join(str(error).split())
    where = _endpoint() or "Amazon S3"
    if any(word in text for word in REFUSED):
        return InputError(f"{where} refuses {address}: {KEYS}")
    if any(word in text for word in UNREACHABLE):
        return InputError(f"{address}: {where} cannot be reached; is AWS_ENDPOINT_URL right, and the network there?")
    if "NO_SUCH_BUCKET" in text or "not found" in text:
        return InputNotFoundError(f"there is no bucket {address.split('/')[2]} at {where}")
    if "NO_SUCH_KEY" in text:
        return InputNotFoundError(f"there is no file {address}")
    return InputError(f"{address} cannot be read: {text[:300]}")
