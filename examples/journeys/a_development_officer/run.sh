#!/usr/bin/env bash
# From a spreadsheet to the best ZIPs and a PDF for the board: everything goes to out/.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf out && mkdir out
say() { printf '$ %s\n' "$1"; eval "$1" 2>&1; echo; }

say 'geoscore inspect "Donors FY26 FINAL v2.xlsx"'
say 'geoscore init "Donors FY26 FINAL v2.xlsx" -o out/proposed.toml'
say 'geoscore run geoscore.toml'
say 'geoscore query out/surface.parquet --all --by zip --capacity 2500 --top 10'
say 'geoscore query out/surface.parquet --all --by zip --capacity 2500 --format csv -o out/zips.csv'
say 'geoscore report out/surface.parquet --zip 95014 --zip 94109 --capacity 2500 -o out/board.pdf'
say 'geoscore map out/surface.parquet --capacity 2500 --png out/picture.png --size 1100x800'
