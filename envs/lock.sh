#!/usr/bin/env bash
# Writes envs/locked/NAME.linux-64.txt: what conda itself resolved each environment to, file by file with checksums,
# for the record or for `conda create --file`. It needs conda and its channel conda-forge.
#
# They are not named NAME.linux-64.pin.txt: Snakemake takes such a file instead of the YAML, and with that loses all
# packages that come by pip, which here are all but Python and pip. Those are pinned in the YAML, with all that they
# need in turn.
set -euo pipefail
cd "$(dirname "$0")"
command -v conda >/dev/null || { echo "error: envs/lock.sh needs conda, which is not here" >&2; exit 1; }
mkdir -p locked
for file in *.yaml; do
  name=${file%.yaml}
  prefix=$(mktemp -d)/env
  conda env create --quiet --yes --file "$file" --prefix "$prefix"
  conda list --explicit --md5 --prefix "$prefix" >"locked/$name.linux-64.txt"
  rm -rf "$(dirname "$prefix")"
done
