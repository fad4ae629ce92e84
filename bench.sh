#!/usr/bin/env bash
# ./bench.sh NAME [options]: one measurement. ./bench.sh --help lists them.
source "$(dirname "$0")/eng/setup.sh"
dotnet build bench/Maha.Benchmarks/Maha.Benchmarks.csproj -c Release -v quiet -nologo >&2
exec dotnet bench/Maha.Benchmarks/bin/Release/net10.0/Maha.Benchmarks.dll "$@"
