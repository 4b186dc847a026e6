#!/usr/bin/env bash
# Installs what the tests play against: real ffmpeg, memcached, Chromium. Does nothing where they are there.
set -euo pipefail
wanted=()
need() { command -v "$1" >/dev/null 2>&1 || wanted+=("$2"); }
need ffmpeg ffmpeg
need memcached memcached
need chromium chromium
[ ${#wanted[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root=(sudo -n); else
    echo "The tests need: ${wanted[*]}. Install them (Debian/Ubuntu: sudo apt-get install ${wanted[*]}) and run again." >&2
    exit 1
  fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need: ${wanted[*]}. Install them with this system's package manager and run again." >&2
  exit 1
fi
echo "Installing for the tests: ${wanted[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
