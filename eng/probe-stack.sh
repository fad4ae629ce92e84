#!/usr/bin/env bash
# Picks the stack once and remembers it in eng/.stack (see eng/Stack.props).
# usage: eng/probe-stack.sh [--again]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
answer="$here/.stack"

if [ -n "${MahaStack:-}" ]; then echo "$MahaStack"; exit 0; fi
if [ "${1:-}" != "--again" ] && [ -s "$answer" ]; then cat "$answer"; exit 0; fi

# A restore of the two packages, in a folder of its own so that nothing of the repository is touched.
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
version() { sed -n "s|.*<$1>\(.*\)</$1>.*|\1|p" "$here/../Directory.Packages.props"; }
cat > "$work/probe.csproj" <<EOF
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework><TreatWarningsAsErrors>true</TreatWarningsAsErrors></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.ML" Version="$(version MicrosoftMLVersion)" />
    <PackageReference Include="TorchSharp" Version="$(version TorchSharpVersion)" />
  </ItemGroup>
</Project>
EOF
if (cd "$work" && timeout 300 dotnet restore probe.csproj) > "$work/log" 2>&1; then
  stack=nuget
else
  stack=embedded
fi
echo "$stack" > "$answer"
echo "$stack"
