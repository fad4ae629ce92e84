using Microsoft.ML;

namespace Maha.Samples.Shared;

/// <summary>A linear model over word and character n-grams, for comparison.</summary>
public static class Baseline
{
    /// <summary>Trains the baseline and returns its accuracy on the test documents.</summary>
    public static double Accuracy(MLContext mlContext, IDataView train, IDataView test)
    {
        var model = mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.Transforms.Text.FeaturizeText("Features", "Text"))
            .AppendCacheCheckpoint(mlContext)
            .Append(mlContext.MulticlassClassification.Trainers.SdcaMaximumEntropy())
            .Fit(train);
        return mlContext.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
    }
}
