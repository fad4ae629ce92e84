#!/usr/bin/env bash
# Fetches the Debian package r-cran-janeaustenr (2 MB) and unpacks its data. Installs nothing.
#
#   fetch-novels.sh [FOLDER]        default: artifacts/data/janeausten in the repository
#
# FOLDER/data/Rdata.rdb and Rdata.rdx appear in one move, so the script is safe to interrupt and to repeat.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
folder="${1:-$here/../../../artifacts/data/janeausten}"
package=r-cran-janeaustenr

say() { echo "novels: $*" >&2; }

for tool in apt-get dpkg-deb tar; do
  command -v "$tool" > /dev/null || {
    say "'$tool' is needed, but is not on the PATH. Run this on Debian or Ubuntu (a container will do)."
    exit 1
  }
done

mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
if [ -f "$folder/data/Rdata.rdx" ] && [ -f "$folder/data/Rdata.rdb" ]; then exit 0; fi

work="$(mktemp -d "$folder/.work.XXXXXX")"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# As root, apt warns that its unprivileged user can't write to our folder; asking for root openly keeps it quiet.
apt_options=(-q -o Acquire::Retries=3)
[ "$(id -u)" = 0 ] && apt_options+=(-o APT::Sandbox::User=root)
download() { (cd "$work" && apt-get "${apt_options[@]}" download "$package") > "$work/log" 2>&1; }

if ! download; then
  if [ "$(id -u)" = 0 ]; then
    say "refreshing apt's package lists"
    apt-get "${apt_options[@]}" update > /dev/null || true
  fi
  download || {
    say "could not download $package: $(grep -m1 '^E:' "$work/log" || tail -1 "$work/log"). Refresh the lists: sudo apt-get update"
    exit 1
  }
fi

mkdir "$work/unpacked"
dpkg-deb --fsys-tarfile "$work/$package"_*.deb |
  tar -x -C "$work/unpacked" --no-same-owner --strip-components=6 --wildcards './usr/lib/R/site-library/janeaustenr/data/Rdata.rd[bx]'
rm -rf "$folder/data"
mv "$work/unpacked/data" "$folder/data"
say "in $folder"
