using Maha.MLNet.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Explanation;

/// <summary>The three columns of an explanation: the starts, the lengths and the contributions of its spans, vectors of one length per row.</summary>
internal static class ExplanationColumns
{
    private static readonly PrimitiveDataViewType[] s_types = [NumberDataViewType.Int32, NumberDataViewType.Int32, NumberDataViewType.Single];

    /// <summary>Returns the names of the columns.</summary>
    /// <param name="column">The name that the options give, null for no columns.</param>
    public static string[] Names(string? column) => column is null ? [] : [$"{column}.Start", $"{column}.Length", $"{column}.Contribution"];

    /// <summary>Creates the shapes of the columns, for the output schema of an estimator.</summary>
    public static IEnumerable<SchemaShape.Column> CreateShapes(string? column) => Names(column).Zip(s_types, (name, type) =>
        ShapeColumn(name, SchemaShape.Column.VectorKind.VariableVector, type, isKey: false));

    /// <summary>Creates the columns.</summary>
    public static IEnumerable<DataViewSchema.DetachedColumn> Create(string? column) => Names(column).Zip(s_types, (name, type) =>
        new DataViewSchema.DetachedColumn(name, new VectorDataViewType(type), null));

    /// <summary>Creates the getters of the columns. The explanation of a row is computed once, when the first of them is read.</summary>
    /// <param name="column">The name that the options give, null for no columns.</param>
    /// <param name="window">The documents.</param>
    /// <param name="explain">Explains the predicted label of a text.</param>
    public static IEnumerable<Delegate> CreateGetters(string? column, ITextWindow window, Func<ReadOnlyMemory<char>, TextExplanation> explain)
    {
        if (column is null)
            return [];
        (long Version, int Row)? known = null;
        IReadOnlyList<TextSpan> spans = [];
        return [Getter(span => span.Start), Getter(span => span.Length), Getter(span => (float)span.Contribution)];

        ValueGetter<VBuffer<T>> Getter<T>(Func<TextSpan, T> valueOf) => (ref VBuffer<T> value) =>
        {
            // Only the current row: there is nothing to gain from computing rows together, and a reader may stop early.
            var row = (window.Version, window.Current);
            if (known != row)
            {
                known = null;
                spans = explain(window.TextOf(window.Current)).Spans;
                known = row;
            }
            var editor = VBufferEditor.Create(ref value, spans.Count);
            for (int i = 0; i < spans.Count; i++)
                editor.Values[i] = valueOf(spans[i]);
            value = editor.Commit();
        };
    }
}
