using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>What evaluators share: the columns by role, and one warning for the rows left out.</summary>
internal static class EvaluationInput
{
    public static DataViewSchema.Column Column(IHost host, DataViewSchema schema, string role, string name)
        => schema.GetColumnOrNull(name) ?? throw host.ExceptParam(nameof(schema), $"{role} column '{name}' not found");

    public static void WarnSkipped(IHost host, long unlabeled, long badScores, long other, string otherReason)
    {
        using var ch = host.Start("Evaluation");
        if (unlabeled > 0)
            ch.Warning("Encountered {0} unlabeled instances during testing.", unlabeled);
        if (badScores > 0)
            ch.Warning("The predictor produced non-finite prediction values on {0} instances during testing. Possible causes: abnormal data or the predictor is numerically unstable.", badScores);
        if (other > 0)
            ch.Warning("Found {0} test instances {1}", other, otherReason);
    }
}
