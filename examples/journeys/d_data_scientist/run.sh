#!/usr/bin/env bash
# Runs the notebook from nothing, and prints what its cells answered: everything goes to out/.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf out && mkdir out
say() { printf '$ %s\n' "$1"; eval "$1" 2>&1; echo; }

say 'python run_notebook.py appeal.ipynb out/appeal.ipynb'
