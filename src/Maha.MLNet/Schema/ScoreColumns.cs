using Maha.MLNet.Bridge;
using Microsoft.ML;
using Microsoft.ML.Data;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Schema;

/// <summary>The annotations by which ML.NET's evaluators and calibrators know the columns of one scorer.</summary>
internal static class ScoreColumns
{
    /// <summary>The annotations of one column of a set of scores.</summary>
    /// <param name="set">The number of the set, see <see cref="MLNetInternals.NextScoreSet"/>.</param>
    /// <param name="task">The score column kind, for instance MulticlassClassification.</param>
    /// <param name="value">The score value kind: Score, Probability or PredictedLabel.</param>
    /// <param name="more">Adds what else the column has.</param>
    public static DataViewSchema.Annotations Annotate(uint set, string task, string value, Action<DataViewSchema.Annotations.Builder>? more = null)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        more?.Invoke(builder);
        builder.Add(Annotation.ScoreColumnSetId, Annotation.ScoreColumnSetIdType, (ref uint id) => id = set);
        builder.Add(Annotation.ScoreColumnKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> text) => text = task.AsMemory());
        builder.Add(Annotation.ScoreValueKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> text) => text = value.AsMemory());
        return builder.ToAnnotations();
    }

    /// <summary>What an estimator can promise of those annotations.</summary>
    /// <param name="isNormalized">True for a column that says its values lie in [0, 1]: probabilities.</param>
    /// <param name="names">The names of the values behind a column, if it has any: the annotation's kind and the type of a value.</param>
    public static SchemaShape Promise(bool isNormalized = false, params (string Kind, DataViewType ItemType)[] names)
    {
        const SchemaShape.Column.VectorKind scalar = SchemaShape.Column.VectorKind.Scalar;
        return new SchemaShape(
        [
            MLNetInternals.ShapeColumn(Annotation.ScoreColumnSetId, scalar, NumberDataViewType.UInt32, true),
            MLNetInternals.ShapeColumn(Annotation.ScoreColumnKind, scalar, TextDataViewType.Instance, false),
            MLNetInternals.ShapeColumn(Annotation.ScoreValueKind, scalar, TextDataViewType.Instance, false),
            .. isNormalized ? [MLNetInternals.ShapeColumn(Annotation.IsNormalized, scalar, BooleanDataViewType.Instance, false)] : Array.Empty<SchemaShape.Column>(),
            .. names.Select(name => MLNetInternals.ShapeColumn(name.Kind, SchemaShape.Column.VectorKind.Vector, name.ItemType, false)),
        ]);
    }
}
