#!/usr/bin/env bash
# Sourced by run.sh, test.sh and bench.sh: what a sample or a measurement needs beyond .NET. Safe to repeat; quick when nothing is missing.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# Spinning OpenMP threads cost up to 6x on shared machines.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"

command -v dotnet > /dev/null || { echo "The .NET 10 SDK is needed, but 'dotnet' is not on the PATH. See https://dot.net." >&2; exit 1; }

# Installs Debian packages that are not there yet.
need_packages() {
  local p missing=""
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2> /dev/null | grep -q 'ok installed' || missing="$missing $p"
  done
  [ -z "$missing" ] && return
  if [ "$(id -u)" != 0 ]; then
    echo "Debian packages are missing and only root can install them. Install them with: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  echo "installing:$missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update > /dev/null
  # shellcheck disable=SC2086
  apt-get install -y --no-install-recommends $missing > /dev/null
}
