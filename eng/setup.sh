#!/usr/bin/env bash
# Sourced by run.sh, test.sh and bench.sh: picks the stack, installs what the embedded stack needs
# (Debian packages), builds the native and the managed code. Safe to repeat; quick when nothing changed.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# Spinning OpenMP threads cost up to 6x on shared machines.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"

need_dotnet() {
  command -v dotnet > /dev/null || { echo "The .NET 10 SDK is needed, but 'dotnet' is not on the PATH. See https://dot.net." >&2; exit 1; }
}

# The Debian packages of the embedded stack that are not there yet.
missing_packages() {
  local p
  for p in libtorch-dev libopenblas0-openmp cmake g++ "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2> /dev/null | grep -q 'ok installed' || echo "$p"
  done
}

install_packages() {
  local missing
  missing="$(missing_packages "$@" | tr '\n' ' ')"
  [ -z "${missing// /}" ] && return
  if [ "$(id -u)" != 0 ]; then
    echo "Debian packages are missing and only root can install them: $missing" >&2
    echo "Install them with: sudo apt-get install --no-install-recommends $missing" >&2
    exit 1
  fi
  echo "installing: $missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update > /dev/null
  # shellcheck disable=SC2086
  apt-get install -y --no-install-recommends $missing > /dev/null
}

build_native() {
  local out="artifacts/native/$1"
  cmake -S "$2" -B "$out" -DCMAKE_BUILD_TYPE=Release > "$out.log" 2>&1 &&
    cmake --build "$out" --parallel >> "$out.log" 2>&1 || { cat "$out.log" >&2; exit 1; }
}

setup() {
  need_dotnet
  MahaStack="$(eng/probe-stack.sh)"
  export MahaStack
  if [ "$MahaStack" = embedded ]; then
    install_packages "$@"
    mkdir -p artifacts/native
    build_native torch embedded/TorchSharp/native
  fi
}
