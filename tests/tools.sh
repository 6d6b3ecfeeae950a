#!/usr/bin/env bash
# What tests drive that pip cannot bring: a browser for the pages, axe-core and html-validate to check them with; rclone, wget and kubectl for the
# serving manifests.
# Installs what is missing from Debian's packages where it may; elsewhere it says what to install, and the tests that need it fail.
set -euo pipefail

packages=()
command -v npm >/dev/null || packages+=(npm)
{ command -v chromium && command -v chromedriver; } >/dev/null || packages+=(chromium chromium-driver)
for tool in rclone wget; do command -v "$tool" >/dev/null || packages+=("$tool"); done
command -v kubectl >/dev/null || packages+=(kubectl)

root=(); [ "$(id -u)" = 0 ] || root=(sudo -n)
if ((${#packages[@]} == 0)); then
    :
elif command -v apt-get >/dev/null && "${root[@]}" true 2>/dev/null; then
    echo "tests: installing ${packages[*]}"
    "${root[@]}" apt-get update -qq || true
    for package in "${packages[@]}"; do
        # Debian's own kubectl is in kubernetes-client; other repositories call the package kubectl.
        DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
            { [ "$package" = kubectl ] && "${root[@]}" apt-get install -y -qq kubernetes-client >/dev/null 2>&1; } ||
            echo "tests: $package can't be installed; the tests that need it will fail"
    done
else
    echo "tests: please install ${packages[*]}; without them the tests that need them fail"
fi

# The page checker goes where tests/support/axe.py looks for it.
axe="${XDG_CACHE_HOME:-$HOME/.cache}/forger-tests/axe-core-4.14.1"
if [ ! -f "$axe/package/axe.min.js" ]; then
    mkdir -p "$axe"
    { (cd "$axe" && npm pack --silent axe-core@4.14.1 >/dev/null && tar xzf axe-core-4.14.1.tgz && rm axe-core-4.14.1.tgz); } ||
        echo "tests: axe-core can't be fetched with npm; the tests of the pages' accessibility will fail"
fi

html="${XDG_CACHE_HOME:-$HOME/.cache}/forger-tests/html-validate-9.7.1"
if [ ! -f "$html/node_modules/.bin/html-validate" ]; then
    mkdir -p "$html"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$html" html-validate@9.7.1 >/dev/null ||
        echo "tests: html-validate can't be fetched with npm; the test of the report's HTML will fail"
fi
