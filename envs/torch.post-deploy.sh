#!/usr/bin/env bash
# BasicSR's networks. With its dependencies it would bring a second OpenCV that overwrites contrib's, and with
# build isolation a second torch.
set -euo pipefail
python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation basicsr==1.4.2
