#!/usr/bin/env bash
# Three locations compared by drive time and by what Huff's model says they would draw: everything goes to out/.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf out && mkdir out
say() { printf '$ %s\n' "$1"; eval "$1" 2>&1; echo; }
sites='--sites sites.csv --network sample'
visits='--flows ../../trade_area/visits.csv --origin zip --site office --flow visits'

say 'geoscore run geoscore.toml'
say "geoscore trade-area time out $sites --minutes 10 --capacity 2500 --map out/areas.html"
say "geoscore trade-area time out $sites --minutes 10 --capacity 2500 --format geojson -o out/areas.geojson"
say "geoscore trade-area huff $visits --cost minutes --attribute staff --attribute square_meters --model out/model.json"
say "geoscore trade-area market out $sites --model out/model.json --least-cost 3 --capacity 2500 --map out/market.html"
say "geoscore trade-area market out $sites --model out/model.json --least-cost 3 --capacity 2500 --close Hayward"
say 'geoscore map out --layer out/areas.geojson --capacity 2500 --png out/picture.png --size 1100x800'
