using Maha.MLNet.Bridge;
using Microsoft.ML;
using Microsoft.ML.Data;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Schema;

/// <summary>The annotations by which ML.NET's evaluators and calibrators recognize the columns of one scorer.</summary>
internal static class ScoreColumns
{
    /// <summary>Creates the annotations of one column of a set of score columns.</summary>
    /// <param name="set">The number of the set, see <see cref="MLNetInternals.NextScoreSet"/>.</param>
    /// <param name="task">The score column kind, for instance MulticlassClassification.</param>
    /// <param name="value">The score value kind: Score, Probability or PredictedLabel.</param>
    /// <param name="addOthers">Adds the other annotations of the column; null if there are none.</param>
    public static DataViewSchema.Annotations CreateAnnotations(
        uint set, string task, string value, Action<DataViewSchema.Annotations.Builder>? addOthers = null)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        addOthers?.Invoke(builder);
        builder.Add(Annotation.ScoreColumnSetId, Annotation.ScoreColumnSetIdType, (ref uint id) => id = set);
        builder.Add(Annotation.ScoreColumnKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> text) => text = task.AsMemory());
        builder.Add(Annotation.ScoreValueKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> text) => text = value.AsMemory());
        return builder.ToAnnotations();
    }

    /// <summary>Creates the shape of these annotations, for the output schema of an estimator.</summary>
    /// <param name="isNormalized">Whether the column is annotated as normalized, which means that its values lie in [0, 1].</param>
    /// <param name="names">The annotations that name the column's values: the kind and the type of a name.</param>
    public static SchemaShape CreateShape(bool isNormalized = false, params (string Kind, DataViewType ItemType)[] names)
    {
        const SchemaShape.Column.VectorKind scalar = SchemaShape.Column.VectorKind.Scalar;
        return new SchemaShape(
        [
            MLNetInternals.ShapeColumn(Annotation.ScoreColumnSetId, scalar, NumberDataViewType.UInt32, true),
            MLNetInternals.ShapeColumn(Annotation.ScoreColumnKind, scalar, TextDataViewType.Instance, false),
            MLNetInternals.ShapeColumn(Annotation.ScoreValueKind, scalar, TextDataViewType.Instance, false),
            .. isNormalized
                ? [MLNetInternals.ShapeColumn(Annotation.IsNormalized, scalar, BooleanDataViewType.Instance, false)]
                : Array.Empty<SchemaShape.Column>(),
            .. names.Select(name => MLNetInternals.ShapeColumn(name.Kind, SchemaShape.Column.VectorKind.Vector, name.ItemType, false)),
        ]);
    }
}
