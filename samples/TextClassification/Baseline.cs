using Microsoft.ML;

namespace TextClassification;

/// <summary>What a plain linear model over word and character n-grams reaches on the same documents.</summary>
internal static class Baseline
{
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
