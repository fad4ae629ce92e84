#!/usr/bin/env bash
# Fetches the Debian package bible-kjv-text (2.5 MB), the King James Version of the Bible, and unpacks its text. Installs nothing.
#
#   fetch-bible.sh FOLDER
#
# FOLDER/kjv.txt appears in one move, so the script is safe to interrupt and to repeat. A line is a verse, such as "Ge1:1 In the beginning ...".
set -euo pipefail

folder="${1:?the folder of the text}"
package=bible-kjv-text

say() { echo "bible: $*" >&2; }

for tool in apt-get dpkg-deb tar gzip od; do
  command -v "$tool" > /dev/null || {
    say "'$tool' is needed, but is not on the PATH. Run this on Debian or Ubuntu (a container will do)."
    exit 1
  }
done

mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
if [ -f "$folder/kjv.txt" ]; then exit 0; fi

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
dpkg-deb --fsys-tarfile "$work/$package"_*.deb | tar -x -C "$work" --no-same-owner ./usr/lib/bible.data
data="$work/usr/lib/bible.data"

# Big-endian numbers of four bytes: at 0x58 the number of blocks, at 0x5c the offset of each. A block is compress(1) data without its three bytes of header.
number() { echo $((16#$(od -An -v -tx1 -j "$1" -N 4 "$data" | tr -d ' \n'))); }
count="$(number 88)"
size="$(stat -c %s "$data")"
for ((i = 0; i < count; i++)); do
  start="$(number $((92 + 4 * i)))"
  end="$size"
  [ $((i + 1)) -lt "$count" ] && end="$(number $((96 + 4 * i)))"
  {
    printf '\x1f\x9d\x90'
    dd if="$data" iflag=skip_bytes,count_bytes bs=64K skip="$start" count=$((end - start)) status=none
  } | gzip -dc
done > "$work/kjv.txt"
grep -q '^Rev22:21 ' "$work/kjv.txt" || {
  say "the text must end with Rev22:21, but does not: $package has another form."
  exit 1
}
mv "$work/kjv.txt" "$folder/kjv.txt"
say "in $folder"
