#!/usr/bin/env bash
# Find or install a Python, then let pipeline.local.setup do the rest.
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${PYTHON:-}"
if [ -z "$python" ]; then
    install="apt-get update && apt-get install -y --no-install-recommends python3 python3-venv"
    if [ "$(id -u)" != 0 ]; then
        echo "setup: no Python 3.11 or newer; an administrator must run: sudo sh -c '$install'" >&2
        exit 1
    fi
    echo "setup: python: installing python3 ..."
    DEBIAN_FRONTEND=noninteractive sh -c "$install" >/dev/null
    python=python3
fi
exec "$python" -m pipeline.local.setup
