# install.sh: sextant_require_packages <package>…: installs those that are missing with apt-get. Sourced, not run.
# shellcheck shell=bash

sextant_require_packages() {
    local package missing=()
    if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
        echo "This is no Debian: make sure that what these packages hold is installed: $*" >&2
        return 0
    fi
    for package in "$@"; do
        if ! dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q '^install ok installed$'; then
            missing+=("$package")
        fi
    done
    [ "${#missing[@]}" -eq 0 ] && return 0

    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo > /dev/null; then
            echo "Missing packages: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "Installing ${missing[*]}"
    "${as_root[@]}" apt-get update -q -y > /dev/null || return 1
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}" > /dev/null || return 1
}
