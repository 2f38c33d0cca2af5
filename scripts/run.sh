#!/usr/bin/env bash
# Start the app. Without a port Streamlit takes 8501 or, where that is in use, the next free one, and prints the address.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ! -f app.py ]]; then
    echo "app.py is missing: this is no complete copy of DermTree." >&2
    exit 1
fi
# Ctrl-C is the usual way to end it, so it is no failure
trap 'exit 0' INT
.venv/bin/python -m streamlit run app.py ${1:+--server.port "$1"}
