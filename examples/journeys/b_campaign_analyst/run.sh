#!/usr/bin/env bash
# From a committee's list and a voter file to a heatmap and a lawful record of it: everything goes to out/.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf out && mkdir out
say() { printf '$ %s\n' "$1"; eval "$1" 2>&1; echo; }

say 'python make_census.py out'
say 'geoscore suppress opted_out.csv -o out/optouts.csv --key out/suppression.key'
say 'sed "s/^synced = [0-9-]*/synced = $(date -u +%F)/" campaign.toml > out/geoscore.toml'
say 'sed "s/\"political\"/\"retail\"/" out/geoscore.toml > out/retail.toml; geoscore run out/retail.toml || echo "exit $?"'
say 'geoscore run out/geoscore.toml --out out/run'
say 'geoscore query out/run/surface.parquet --all --by cell --capacity 2000 --top 5'
say 'geoscore map out/run/surface.parquet --capacity 2000 --measure share --png out/picture.png --size 1100x800'
say 'geoscore audit out/run/surface.parquet --table out/b03002.csv --areas out/tracts.parquet --capacity 2000'
say 'geoscore verify out/run'
say 'geoscore attack out/run'
