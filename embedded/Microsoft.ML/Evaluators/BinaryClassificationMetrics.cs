namespace Microsoft.ML.Data;

public class BinaryClassificationMetrics
{
    private protected BinaryClassificationMetrics(BinaryClassifierEvaluator evaluator)
    {
        AreaUnderRocCurve = evaluator.AreaUnderRoc;
        AreaUnderPrecisionRecallCurve = evaluator.AreaUnderPrecisionRecall;
        double tp = evaluator.TruePositives, fn = evaluator.FalseNegatives, fp = evaluator.FalsePositives, tn = evaluator.TrueNegatives;
        Accuracy = (tp + tn) / (tp + tn + fn + fp);
        PositivePrecision = Share(tp, fp);
        PositiveRecall = Share(tp, fn);
        NegativePrecision = Share(tn, fn);
        NegativeRecall = Share(tn, fp);
        double sum = PositivePrecision + PositiveRecall;
        F1Score = sum == 0 ? 0 : 2 * PositivePrecision * PositiveRecall / sum;
        ConfusionMatrix = new ConfusionMatrix([[tp, fn], [fp, tn]], evaluator.ClassNames, isBinary: true);
    }

    public double AreaUnderRocCurve { get; }

    public double Accuracy { get; }

    public double PositivePrecision { get; }

    public double PositiveRecall { get; }

    public double NegativePrecision { get; }

    public double NegativeRecall { get; }

    public double F1Score { get; }

    public double AreaUnderPrecisionRecallCurve { get; }

    public ConfusionMatrix ConfusionMatrix { get; }

    internal static BinaryClassificationMetrics Create(BinaryClassifierEvaluator evaluator) => new(evaluator);

    private static double Share(double part, double rest) => part + rest > 0 ? part / (part + rest) : 0;
}

public sealed class CalibratedBinaryClassificationMetrics : BinaryClassificationMetrics
{
    internal CalibratedBinaryClassificationMetrics(BinaryClassifierEvaluator evaluator) : base(evaluator)
    {
        LogLoss = evaluator.LogLoss;
        Entropy = evaluator.Entropy;
        LogLossReduction = evaluator.LogLossReduction;
    }

    public double LogLoss { get; }

    public double LogLossReduction { get; }

    public double Entropy { get; }
}
