using System.Text.Json;
using Microsoft.ML;

namespace Maha.Tool.Models;

/// <summary>Writes the result of a model for a document, on one thread.</summary>
/// <param name="Columns">The columns of the model that are read.</param>
/// <param name="Bind">Receives the row from which the results are read, from now on.</param>
/// <param name="Write">Writes the result of the document on which the row is.</param>
internal sealed record RowWriter(IEnumerable<string> Columns, Action<DataViewRow> Bind, Action<Utf8JsonWriter> Write);
