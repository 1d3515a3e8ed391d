"""`geoscore doctor`: what is installed, what is missing and how to get it."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from geoscore.cli import doctor

ROOT = Path(__file__).parents[1]


def test_doctor_knows_the_extras_of_the_package() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        told = tomllib.load(file)["project"]["optional-dependencies"]
    asked = {name: tuple(re.split(r"[><=~!\[ ]", line)[0] for line in lines) for name, lines in told.items()}
    del asked["dev"], asked["docs"]  # of those who work on geoscore
    assert {name: packages for name, (_, packages) in doctor.EXTRAS.items()} == asked


def test_every_extra_that_is_missing_is_named_with_its_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = {package for _, packages in doctor.EXTRAS.values() for package in packages}

    def without(package: str) -> str:
        if package in bare:
            raise PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(doctor, "version", without)
    doctor.show_doctor()
    said = capsys.readouterr().out
    for extra in doctor.EXTRAS:
        assert f"pip install 'geoscore[{extra}]'" in said
    assert "spark needs pyspark" in said


def test_a_broken_installation_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def without(package: str) -> str:
        if package == "splink":
            raise PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(doctor, "version", without)
    doctor.show_doctor()
    assert "splink      missing: install geoscore again" in capsys.readouterr().out
