#!/usr/bin/env bash
# An auditor receives a published folder and proves where it came from and that nobody is given away.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf out && mkdir out
say() { printf '$ %s\n' "$1"; eval "$1" 2>&1; echo; }

# the publisher's part, elsewhere: a run, and five files of it to the auditor; the sources come on another way
mkdir -p out/publisher out/received out/sources
cp publisher/geoscore.toml ../../bay_area/property.parquet out/publisher
geoscore run out/publisher/geoscore.toml --quiet
(cd out/publisher/out && cp surface.parquet map.html report.html summary.json ledger.jsonl ../../received)
mv out/publisher/geoscore.toml out/publisher/property.parquet out/sources && rm -r out/publisher

# the auditor's part
say 'ls out/received'
say 'geoscore verify out/received'
say 'geoscore verify out/received --source out/sources/geoscore.toml --source out/sources/property.parquet'
say 'python prove.py out/received out/sources/property.parquet'
say 'geoscore attack out/received'
say 'geoscore run out/sources/geoscore.toml --out out/recomputed'
say 'geoscore compare out/received out/recomputed'
say 'cp -r out/received out/forged && sed -i "s/\"rows_read\": 6736/\"rows_read\": 9999/" out/forged/ledger.jsonl'
say 'geoscore verify out/forged || echo "exit $?"'
say 'geoscore map out/received --capacity 2500 --png out/picture.png --size 1100x800'
