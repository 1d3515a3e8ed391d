"""A catalog keeps every version, opens the newest, and never shows half of one."""

from datetime import date
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from conftest import NOTE
from test_attack import published, two_levels

from geoscore.catalog import Catalog
from geoscore.errors import InputError, InputNotFoundError, PolicyError
from geoscore.query import Surface
from geoscore.surface_format import Figures, surface_table


def surface(households: float) -> Surface:
    keys = pd.DataFrame({"cell": pd.array([0x872834744FFFFFF], "UInt64"), "zip": ["94301"], "county": ["06085"]})
    ladder = np.full((1, 25), households / 2)
    return Surface(surface_table(keys, Figures.apart(np.array([households]), ladder, ladder / 2)), NOTE)


def test_versions_are_kept_and_the_newest_is_opened(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "surfaces")
    one, two = catalog.add(surface(20.0), name="spring"), catalog.add(surface(30.0), name="spring")
    assert (one.number, two.number) == (1, 2)
    assert [version.path.name for version in catalog] == [one.path.name, two.path.name]
    assert catalog.open("spring").query().households == 30.0
    one.path.rename(one.path.with_name("spring@2020-05-01.1.parquet"))
    assert catalog.open("spring", on=date(2021, 1, 1)).query().households == 20.0
    with pytest.raises(InputNotFoundError, match="begins on 2020-05-01"):
        catalog.open("spring", on=date(2020, 1, 1))
    with pytest.raises(InputNotFoundError, match=r"did you mean 'spring'\?"):
        catalog.open("sprin")
    with pytest.raises(InputError, match="is no name"):
        catalog.add(surface(20.0), name="../x")


def test_two_that_write_at_once_get_two_numbers(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    threads = [Thread(target=catalog.add, args=(surface(20.0 + i),), kwargs={"name": "spring"}) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(version.number for version in catalog) == list(range(1, 9))
    assert {catalog.open("spring").query().households} <= {20.0 + i for i in range(8)}
    assert len(list(tmp_path.iterdir())) == 8


def test_surfaces_that_give_somebody_away_together_are_refused(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    fine, apart = (Surface(*both) for both in two_levels(0))
    catalog.add(fine, name="fine")
    with pytest.raises(PolicyError, match=r"together with fine@.* gives away \d+ groups of fewer than 10 households"):
        catalog.add(apart, name="coarse")
    assert [version.name for version in catalog] == ["fine"]
    catalog.add(Surface(*published(0)).rollup(7), name="coarse")
    assert [version.name for version in catalog] == ["coarse", "fine"]
