#!/usr/bin/env bash
# Make .venv and install what is pinned: requirements.txt, with --dev requirements-dev.txt too.
# What was installed is kept as a copy of those files, so a second run with the same files is instant.
set -euo pipefail
cd "$(dirname "$0")/.."

files=(requirements.txt)
[[ "${1:-}" == --dev ]] && files+=(requirements-dev.txt)
venv=.venv/bin/python
stamp=".venv/.installed-${#files[@]}"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    for name in ${PYTHON:+"$PYTHON"} python3.14 python3.13 python3.12 python3.11 python3; do
        is_new_enough "$name" && { printf '%s\n' "$name"; return; }
    done
    if command -v python3 >/dev/null; then
        die "DermTree needs Python 3.11 or newer; python3 is $(python3 --version 2>&1): install a newer one, or name it with PYTHON=/path/to/python3."
    fi
    die "DermTree needs Python 3.11 or newer, and no python3 was found: install it, or name it with PYTHON=/path/to/python3."
}

if is_new_enough "$venv" && cat "${files[@]}" | cmp -s - "$stamp"; then
    exit 0
fi

if ! is_new_enough "$venv" || ! "$venv" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$python has no venv module with pip: install it (Debian and Ubuntu: apt-get install python3-venv) and run make again."
    say "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || die "The virtual environment .venv could not be made: see above."
fi

say "Installing ${files[*]} into .venv (the first time about 6 GB and some minutes, mostly PyTorch)"
"$venv" -m pip install --quiet --disable-pip-version-check "${files[@]/#/--requirement=}" ||
    die "The packages could not be installed: the reason stands above (a network and 8 GB of free disk are needed); make continues where it stopped."
"$venv" -m pip check --disable-pip-version-check >&2 || die "The installed packages do not fit together: see above."
cat "${files[@]}" >"$stamp"
# the larger set contains the smaller one
cp requirements.txt .venv/.installed-1
