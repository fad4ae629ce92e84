#!/usr/bin/env bash
# Builds everything once, checks the formatting and runs all tests. Needs the .NET SDK and nothing else; tests that want more (mandoc, mpirun, an older Linux) are skipped where it is missing.
# The last line is "N passed, N failed". Arguments go to `dotnet test` (for instance --filter).
source "$(dirname "$0")/eng/setup.sh"

dotnet build Maha.sln -c Release -v quiet -nologo
results="$root/artifacts/test-results"
rm -rf "$results"
failed_runs=0
# Imports, spaces and style; Release is what was built. The compiler tells the same rules in every build, except the order of imports and spaces.
Configuration=Release dotnet format Maha.sln --verify-no-changes --severity warn --no-restore || failed_runs=$((failed_runs + 1))
for project in tests/*/*.csproj; do
  name="$(basename "$project" .csproj)"
  # Failed tests are printed with their messages; "quiet" alone prints their names.
  dotnet test "$project" -c Release --no-build -v quiet --nologo --logger "console;verbosity=minimal" \
    --logger "trx;LogFileName=$name.trx" --results-directory "$results" "$@" || failed_runs=$((failed_runs + 1))
done

# A run that broke off before its tests counts as one failure, so that it can't pass for green.
count() { cat "$results"/*.trx 2> /dev/null | grep -o "<Counters [^>]*" | grep -o " $1=\"[0-9]*" | grep -o '[0-9]*' | awk '{ s += $1 } END { print s + 0 }'; }
passed="$(count passed)"
failed="$(count failed)"
[ "$failed_runs" -gt 0 ] && [ "$failed" -eq 0 ] && failed="$failed_runs"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
