#!/usr/bin/env bash
# What torch.yaml cannot say: its list goes to pip as one, with dependencies.
set -euo pipefail
# What the user has elsewhere does not count as installed.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
pip() { "$CONDA_PREFIX/bin/python" -m pip "$@"; }
# BasicSR's networks. With its dependencies it would bring a second OpenCV that overwrites contrib's, and with
# build isolation a second torch.
pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation basicsr==1.4.2
