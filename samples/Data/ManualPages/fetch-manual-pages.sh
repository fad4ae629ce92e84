#!/usr/bin/env bash
# Fetches Debian packages with manual pages and unpacks their English pages. Installs none of them.
#
#   fetch-manual-pages.sh [FOLDER]        default: artifacts/data/manpages in the repository
#
# FOLDER/deb/NAME_VERSION_ARCH.deb   the packages as downloaded
# FOLDER/man/NAME/...                their pages, one folder a package
#
# Safe to interrupt and to repeat: a package counts as done once FOLDER/man/NAME exists, and that folder
# appears in one move. A package that this system's archive lacks is skipped with a note.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
folder="${1:-$here/../../../artifacts/data/manpages}"

packages=(
  manpages manpages-dev freebsd-manpages perl-doc tcl8.6-doc tk8.6-doc tcllib tklib libssl-doc gnutls-doc
  git-man postgresql-client-15 postgresql-doc-15 libx11-doc libxcb-doc erlang-manpages ocaml-man
  libcurl4-doc liblapack-doc mpich-doc openmpi-doc netpbm pcp systemd ncurses-doc nbdkit libnbd-dev
  libibverbs-dev librdmacm-dev libfabric-dev iproute2 util-linux coreutils lvm2 btrfs-progs xfsprogs
  e2fsprogs inn2 postfix slapd slurm-client zsh-common liburing-dev
)
pages='^\./usr/share/(man|postgresql/[^/]+/man)/man[0-9][^/]*/[^/]+$'

say() { echo "manual pages: $*" >&2; }

for tool in apt-get dpkg-deb tar; do
  command -v "$tool" > /dev/null || {
    say "'$tool' is needed, but is not on the PATH. Run this on Debian or Ubuntu (a container will do)."
    exit 1
  }
done

# As root, apt warns that its unprivileged user can't write to our folder; asking for root openly keeps it quiet.
apt_options=(-q -o Acquire::Retries=3)
[ "$(id -u)" = 0 ] && apt_options+=(-o APT::Sandbox::User=root)

updated=no
update_lists() {
  [ "$updated" = no ] || return 0
  updated=yes
  if [ "$(id -u)" = 0 ]; then
    say "refreshing apt's package lists"
    apt-get "${apt_options[@]}" update > /dev/null || say "apt-get update failed; going on with the lists that are there"
  else
    say "apt's package lists are missing or too old, and only root can refresh them: sudo apt-get update"
  fi
}

# Those of the given packages that apt's lists know, one a line.
known() { apt-cache show --no-all-versions "$@" 2> /dev/null | sed -n 's/^Package: //p' | sort -u; }

install_mandoc() {
  command -v mandoc > /dev/null && return
  if [ "$(id -u)" != 0 ]; then
    say "'mandoc' renders the pages, but is not installed. Install it with: sudo apt-get install --no-install-recommends mandoc"
    exit 1
  fi
  [ -n "$(known mandoc)" ] || update_lists
  say "installing mandoc"
  DEBIAN_FRONTEND=noninteractive apt-get "${apt_options[@]}" install -y --no-install-recommends mandoc > /dev/null
}

mkdir -p "$folder/deb" "$folder/man"
folder="$(cd "$folder" && pwd)"
work="$(mktemp -d "$folder/.work.XXXXXX")"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

deb_of() { find "$folder/deb" -name "$1_*.deb" -print -quit; }

# apt itself passes over files that are whole. One call for all: each call takes it most of a second.
download() {
  [ $# = 0 ] && return
  (cd "$folder/deb" && apt-get "${apt_options[@]}" download "$@") > "$work/log" 2>&1
}

# The packages without pages, one a line.
missing() {
  local name
  for name in "${packages[@]}"; do
    [ -d "$folder/man/$name" ] || echo "$name"
  done
}

unpack() {
  local name="$1" deb="$2"
  rm -rf "${work:?}/$name"
  mkdir "$work/$name"
  dpkg-deb --fsys-tarfile "$deb" > "$work/tar" 2> "$work/log" || return 1
  tar -t -f "$work/tar" 2> "$work/log" | grep -E "$pages" > "$work/names" || true
  [ ! -s "$work/names" ] || tar -x -f "$work/tar" -C "$work/$name" --no-same-owner -T "$work/names" 2> "$work/log" || return 1
  mv "$work/$name" "$folder/man/$name"
}

install_mandoc

started=$SECONDS
mapfile -t wanted < <(missing)
if [ "${#wanted[@]}" -gt 0 ]; then
  mapfile -t found < <(known "${wanted[@]}")
  if [ "${#found[@]}" -lt "${#wanted[@]}" ]; then
    update_lists
    mapfile -t found < <(known "${wanted[@]}")
  fi
  say "fetching ${#found[@]} packages"
  if ! download "${found[@]}"; then
    # A list older than the archive names files that are gone. After that, one package's failure must not cost the others.
    update_lists
    download "${found[@]}" || for name in "${found[@]}"; do download "$name" || say "$name: $(grep -m1 '^E:' "$work/log")"; done
  fi
fi

skipped=0
for name in "${wanted[@]}"; do
  deb="$(deb_of "$name")"
  if [ -z "$deb" ]; then
    say "skipped $name: this system's archive does not have it, or it could not be downloaded"
    skipped=$((skipped + 1))
  elif ! unpack "$name" "$deb"; then
    say "skipped $name: $(head -1 "$work/log"); removed $deb, run this again to fetch it anew"
    rm -f "$deb"
    skipped=$((skipped + 1))
  fi
done

count="$(find "$folder/man" -mindepth 1 -maxdepth 1 -type d | wc -l)"
say "$count of ${#packages[@]} packages, $skipped skipped, $((SECONDS - started)) s, in $folder"
if [ "$count" = 0 ]; then
  say "no package could be fetched; check the network and apt's sources (apt-get update)"
  exit 1
fi
