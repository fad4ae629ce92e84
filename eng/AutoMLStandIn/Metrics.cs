namespace Microsoft.ML.AutoML;

public enum BinaryClassificationMetric
{
    Accuracy = 0,
    AreaUnderRocCurve = 1,
    AreaUnderPrecisionRecallCurve = 2,
    F1Score = 3,
    PositivePrecision = 4,
    PositiveRecall = 5,
    NegativePrecision = 6,
    NegativeRecall = 7,
}

public enum MulticlassClassificationMetric
{
    MicroAccuracy = 0,
    MacroAccuracy = 1,
    LogLoss = 2,
}

public interface IMetricManager
{
    bool IsMaximize { get; }

    string MetricName { get; }
}

public interface IEvaluateMetricManager : IMetricManager
{
    double Evaluate(MLContext context, IDataView eval);
}

internal sealed class BinaryMetricManager(BinaryClassificationMetric metric, string label, string predicted) : IEvaluateMetricManager
{
    public bool IsMaximize => true;

    public string MetricName => metric.ToString();

    public double Evaluate(MLContext context, IDataView eval)
    {
        var metrics = context.BinaryClassification.EvaluateNonCalibrated(eval, labelColumnName: label, predictedLabelColumnName: predicted);
        return metric switch
        {
            BinaryClassificationMetric.Accuracy => metrics.Accuracy,
            BinaryClassificationMetric.AreaUnderRocCurve => metrics.AreaUnderRocCurve,
            BinaryClassificationMetric.AreaUnderPrecisionRecallCurve => metrics.AreaUnderPrecisionRecallCurve,
            BinaryClassificationMetric.F1Score => metrics.F1Score,
            BinaryClassificationMetric.PositivePrecision => metrics.PositivePrecision,
            BinaryClassificationMetric.PositiveRecall => metrics.PositiveRecall,
            BinaryClassificationMetric.NegativePrecision => metrics.NegativePrecision,
            _ => metrics.NegativeRecall,
        };
    }
}

internal sealed class MulticlassMetricManager(MulticlassClassificationMetric metric, string label, string predicted) : IEvaluateMetricManager
{
    public bool IsMaximize => metric != MulticlassClassificationMetric.LogLoss;

    public string MetricName => metric.ToString();

    public double Evaluate(MLContext context, IDataView eval)
    {
        var metrics = context.MulticlassClassification.Evaluate(eval, labelColumnName: label, predictedLabelColumnName: predicted);
        return metric switch
        {
            MulticlassClassificationMetric.MicroAccuracy => metrics.MicroAccuracy,
            MulticlassClassificationMetric.MacroAccuracy => metrics.MacroAccuracy,
            _ => metrics.LogLoss,
        };
    }
}

public interface IDatasetManager
{
}

public interface ICrossValidateDatasetManager : IDatasetManager
{
    int Fold { get; set; }

    IDataView Dataset { get; set; }

    string SamplingKeyColumnName { get; set; }
}

public interface ITrainValidateDatasetManager : IDatasetManager
{
    IDataView LoadTrainDataset(MLContext context, TrialSettings settings);

    IDataView LoadValidateDataset(MLContext context, TrialSettings settings);
}

internal sealed class CrossValidateDatasetManager : ICrossValidateDatasetManager
{
    public int Fold { get; set; }

    public IDataView Dataset { get; set; }

    public string SamplingKeyColumnName { get; set; }
}

internal sealed class TrainValidateDatasetManager(IDataView train, IDataView validation) : ITrainValidateDatasetManager
{
    public IDataView LoadTrainDataset(MLContext context, TrialSettings settings) => train;

    public IDataView LoadValidateDataset(MLContext context, TrialSettings settings) => validation;
}
