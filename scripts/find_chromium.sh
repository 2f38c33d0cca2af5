#!/usr/bin/env bash
# Print the path of a Chromium that starts, for the browser tests; install one where there is none.
# Without a browser it prints nothing, and why on stderr. That is no failure, because the other tests can do without
# one, unless DERM_REQUIRE_BROWSER is set, as it is in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
# `--version` tells a browser from the stub that some distributions put in its place
starts() { [[ -n "${1:-}" ]] && "$1" --version >/dev/null 2>&1; }

print_installed() {
    local name path
    for name in "${DERM_CHROMIUM:-}" chromium chromium-browser google-chrome; do
        path=$(command -v "${name:-/nonexistent}" || true)
        starts "$path" && { printf '%s\n' "$path"; return 0; }
    done
    return 1
}

print_downloaded() {
    local path
    path=$(.venv/bin/python -c '
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)' 2>/dev/null) || return 1
    starts "$path" && printf '%s\n' "$path"
}

install_with_apt() {
    command -v apt-get >/dev/null || return 1
    say "Installing Chromium for the browser tests (apt-get)"
    scripts/install_packages.sh chromium
}

export PLAYWRIGHT_BROWSERS_PATH="$PWD/.browsers"
print_installed && exit 0
print_downloaded && exit 0
install_with_apt && print_installed && exit 0
say "Downloading Chromium for the browser tests (playwright)"
.venv/bin/python -m playwright install chromium >/dev/null 2>&1 && print_downloaded && exit 0
say "No Chromium was found, and none could be installed. Install Chromium, or set DERM_CHROMIUM to one."
[[ -n "${DERM_REQUIRE_BROWSER:-}" ]] && exit 1
say "The browser tests are skipped."
