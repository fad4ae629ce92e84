using Maha.MLNet.Bridge;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Classification;

/// <summary>The added Boolean column that says whether a classifier abstains. A classifier that always answers has none.</summary>
internal static class AbstainedColumn
{
    /// <summary>Creates the shape of the column; none if the options have no rule of abstention.</summary>
    public static SchemaShape.Column[] CreateShape(MahaClassifierOptions options) => options.Abstention is null
        ? []
        : [MLNetInternals.ShapeColumn(options.AbstainedColumnName, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false)];

    /// <summary>Creates the column; none if the classifier always answers.</summary>
    public static DataViewSchema.DetachedColumn[] Create(ClassifierManifest manifest) =>
        manifest.AbstentionThreshold is null ? [] : [new(manifest.Columns.Abstained, BooleanDataViewType.Instance)];

    /// <summary>Creates the getter of the column; none if the classifier always answers.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="logits">Returns the logits of the current row.</param>
    public static Delegate[] CreateGetter(ClassifierManifest manifest, Func<float[]> logits) =>
        manifest.AbstentionThreshold is null ? [] : [(ValueGetter<bool>)((ref bool value) => value = manifest.Abstains(logits()))];

    /// <summary>Checks that a classifier can have the column.</summary>
    /// <exception cref="ArgumentException">The threshold is not in (0, 1], or another output column has the name.</exception>
    public static void Check(double threshold, ClassifierColumns columns)
    {
        Abstention.CheckedThreshold(threshold, nameof(threshold));
        if (new[] { columns.Score, columns.Probability, columns.PredictedLabel }.Contains(columns.Abstained))
        {
            throw new ArgumentException(
                $"The added columns must have different names, but '{columns.Abstained}' would be both another output column and the one of abstention. " +
                "Train with another AbstainedColumnName.", nameof(threshold));
        }
    }
}
