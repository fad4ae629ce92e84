#!/usr/bin/env bash
# The main job: fetches real long documents, trains a classifier on them, evaluates it, saves the model.
# ./run.sh [--quick] [options], ./run.sh --help, ./run.sh predict --model model.zip FILE
source "$(dirname "$0")/eng/setup.sh"
need_packages mandoc
dotnet build samples/TextClassification/TextClassification.csproj -c Release -v quiet -nologo >&2
exec dotnet samples/TextClassification/bin/Release/net10.0/TextClassification.dll "$@"
