#!/usr/bin/env bash
# Install Debian or Ubuntu packages without asking; fails where there is no apt-get, no right to use it or no network.
# usage: scripts/install_packages.sh PACKAGE...
set -euo pipefail

as_root=()
command -v apt-get >/dev/null || exit 1
if [[ $(id -u) != 0 ]]; then
    sudo -n true 2>/dev/null || exit 1
    as_root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
${as_root[@]+"${as_root[@]}"} apt-get update -qq >/dev/null 2>&1
${as_root[@]+"${as_root[@]}"} apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1
