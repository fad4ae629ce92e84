#!/usr/bin/env bash
# Looks at a report in headless Chromium: eng/look-at-report.sh REPORT [FOLDER]. Fails on console errors and where something is cut; saves screenshots.
source "$(dirname "$0")/setup.sh"
need_packages chromium
dotnet build bench/Maha.Benchmarks/Maha.Benchmarks.csproj -c Release -v quiet -nologo >&2
exec dotnet bench/Maha.Benchmarks/bin/Release/net10.0/Maha.Benchmarks.dll look --report "$1" ${2:+--out "$2"}
