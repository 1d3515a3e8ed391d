#!/usr/bin/env bash
# The wheel as people install it: the sdist builds the same one, it works alone in an empty folder, and every extra
# that is missing is named. Packages are those of requirements.lock; NEWEST=1 takes the newest allowed ones.
#
#     scripts/check_wheel.sh [PYTHON]      PYTHON makes the clean environment; python3 by default
set -euo pipefail
cd "$(dirname "$0")/.."
python="${1:-python3}"
builder="${BUILDER:-.venv/bin/python}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

fail() {
  echo "wheel: $*" >&2
  exit 1
}

say() { echo "wheel: $*"; }

"$builder" -m hatchling build --directory "$work/dist" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "no build"; }
wheel="$(echo "$work"/dist/*.whl)"
mkdir "$work/sdist"
tar -xzf "$work"/dist/*.tar.gz -C "$work/sdist" --strip-components=1
(cd "$work/sdist" && "$OLDPWD/$builder" -m hatchling build --target wheel --directory "$work/again") >"$work/build.log" 2>&1 \
  || { cat "$work/build.log" >&2; fail "the sdist builds no wheel"; }
cmp "$wheel" "$work"/again/*.whl || fail "the sdist builds another wheel than the tree"
say "$(basename "$wheel"), $(du -h "$wheel" | cut -f1); the sdist builds the same, byte for byte"

"$python" -m venv "$work/venv"
# pip takes no hashes in constraints
sed -E '/^ +--hash/d; /^ *#/d; s/ *\\$//' requirements.lock >"$work/constraints.txt"
constraint=(--constraint "$work/constraints.txt")
[ -n "${NEWEST:-}" ] && constraint=()
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "${constraint[@]}" "$wheel"

mkdir "$work/empty"
cd "$work/empty"
# nothing of the machine but the environment's own commands: no browser, no Java
run() { env -i HOME="$work" PATH="$work/venv/bin:/usr/bin.none" LANG=C.UTF-8 "$work/venv/bin/geoscore" "$@"; }

run doctor >doctor.txt || fail "geoscore doctor ended with $?"
for extra in notebooks pdf pictures privacy services spark; do
  grep -qF "pip install 'geoscore[$extra]'" doctor.txt || fail "geoscore doctor does not say how to get '$extra'"
done
run demo --quiet || fail "geoscore demo ended with $?"
surface=out/demo/surface.parquet
for file in surface.parquet map.html report.html summary.json ledger.jsonl; do
  [ -s "out/demo/$file" ] || fail "geoscore demo wrote no $file"
done
run verify out/demo >/dev/null || fail "the demo's folder does not verify"
run query "$surface" --all --capacity 2500 --format json | grep -q '"estimate"' || fail "no answer"
say "alone in an empty folder: doctor, demo, verify and query"

# what needs an extra says so: exit 2, one line, the exact command
missing() {
  local extra="$1" rc=0
  shift
  "$@" >out.txt 2>err.txt || rc=$?
  [ "$rc" = 2 ] || { cat err.txt >&2; fail "without '$extra': exit $rc, not 2: $*"; }
  grep -qF "pip install 'geoscore[$extra]'" err.txt || { cat err.txt >&2; fail "'$extra' is not named: $*"; }
  [ "$(wc -l <err.txt)" -le 2 ] || { cat err.txt >&2; fail "without '$extra': more than a line: $*"; }
}
printf 'household_id,zip\n1,94301\n' >donors.csv
run init donors.csv -o project.toml >/dev/null
sed '0,/^\[surface\]/s//[surface]\nepsilon = 1.0/' project.toml >private.toml
grep -q epsilon private.toml || printf '\n[surface]\nepsilon = 1.0\n' >>private.toml
missing pdf run report "$surface" -o report.pdf
missing pictures run map "$surface" -o map.png
missing privacy run run private.toml --out private --quiet
missing spark run run project.toml --engine spark --out spark --quiet
missing services run census --state 06 --county 001 --year 2023 -o incomes.json
cat >notebook.py <<'P'
import sys

from geoscore import open_surface
from geoscore.errors import InputError

try:
    open_surface(sys.argv[1]).explore()
except InputError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
P
missing notebooks "$work/venv/bin/python" notebook.py "$surface"
say "every extra that is missing is named with its pip install"
