"""Files of made-up Americans with realistic noise, and the truth; linkage figures use them, in a venv of their own.

python make_pseudopeople.py SEED FOLDER
"""

import sys
from pathlib import Path

import pandas as pd
import pseudopeople as ps

FIELDS = {
    "first_name": "first_name",
    "middle_initial": "middle_initial",
    "last_name": "last_name",
    "street_number": "street_number",
    "street_name": "street_name",
    "unit_number": "unit_number",
    "city": "city",
    "state": "state",
    "zipcode": "zipcode",
}


def main() -> None:
    """Write census.csv, taxes.csv, wic.csv and truth.parquet: names and addresses only, people of households only."""
    seed, out = int(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "census": ps.generate_decennial_census(year=2020, seed=seed),
        "taxes": ps.generate_taxes_1040(year=2020, seed=seed),
        "wic": ps.generate_women_infants_and_children(year=2020, seed=seed),
    }
    clean = ps.generate_decennial_census(year=2020, seed=seed, config=ps.NO_NOISE)
    group_quarters = set(clean.loc[clean["housing_type"].astype(str) != "Household", "household_id"].astype(str))
    truth = []
    for name, frame in files.items():
        prefix = "mailing_address_" if name == "taxes" else ""
        columns = {
            new: frame[old if old.endswith(("name", "initial")) and "street" not in old else prefix + old]
            for new, old in FIELDS.items()
        }
        table = pd.DataFrame(columns).astype("object")
        home = frame["household_id"].astype(str)
        kept = ~home.isin(group_quarters)
        table = table.where(table.notna(), "")[kept].reset_index(drop=True)
        table.insert(0, "record_id", [f"{name}-{i}" for i in range(len(table))])
        people = frame["simulant_id"].astype(str)[kept].to_numpy()
        table.assign(true_household=home[kept].to_numpy(), true_person=people).to_csv(out / f"{name}.csv", index=False)
        truth.append(table[["record_id"]].assign(source=name, household=home[kept].to_numpy(), person=people))
    pd.concat(truth).to_parquet(out / "truth.parquet")


if __name__ == "__main__":
    main()
