"""The samples that come with geoscore: where they are, what they are, and whether they are whole.

They live in data/census_samples and examples/bay_area of the repository, and inside the installed package.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from geoscore.errors import InputError, InputNotFoundError


def samples_dir() -> Path:
    """Return the folder of the census samples.

    Raises
    ------
    InputNotFoundError
        geoscore was installed without them.

    Examples
    --------
    >>> (samples_dir() / "registry.json").exists()
    True
    """
    return _find("census_samples", "data/census_samples")


def example_dir() -> Path:
    """Return the folder of the Bay Area example: made-up households and a project file.

    Examples
    --------
    >>> (example_dir() / "geoscore.toml").exists()
    True
    """
    return _find("bay_area", "examples/bay_area")


def _find(packed: str, in_repository: str) -> Path:
    package = Path(__file__).parent.parent
    for folder in (package / "_samples" / packed, package.parent / in_repository):
        if folder.is_dir():
            return folder
    raise InputNotFoundError(f"the samples {in_repository} are not installed; install geoscore's wheel or clone it")


def sample_path(name: str) -> Path:
    """Return the path of a census sample.

    Raises
    ------
    InputNotFoundError
        There is no sample of that name.

    Examples
    --------
    >>> sample_path("zones.parquet").name
    'zones.parquet'
    """
    path = samples_dir() / name
    if not path.exists():
        raise InputNotFoundError(f"there is no sample {name} in {samples_dir()}; `make samples` builds them")
    return path


def registry() -> dict[str, dict[str, Any]]:
    """Return what is known of each sample, by file name: hash, columns, sources, vintage and licence.

    Examples
    --------
    >>> "zones.parquet" in registry()
    True
    """
    data = json.loads(sample_path("registry.json").read_text(encoding="utf-8"))
    return {item["name"]: item for item in data["files"]}


def verify_samples() -> None:
    """Check every sample against its hash in the registry.

    Raises
    ------
    InputError
        A file was changed or is missing.
    """
    for name, item in registry().items():
        with sample_path(name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != item["sha256"]:
                raise InputError(f"the sample {name} is not the one in the registry; restore it or run `make samples`")
