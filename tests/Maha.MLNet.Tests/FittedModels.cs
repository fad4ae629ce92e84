using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Maha.MLNet.Tests;

/// <summary>Models that are trained once for many tests, which must not change them.</summary>
public sealed class FittedModels : IDisposable
{
    public FittedModels()
    {
        MLContext = new MLContext(1);
        Training = MLContext.Data.LoadFromEnumerable(Toys.Documents(90));
        Chain = MLContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(Toys.Trainer(MLContext, epochs: 12))
            .Append(MLContext.Transforms.Conversion.MapKeyToValue("PredictedLabelName", "PredictedLabel"))
            .Fit(Training);
        using var stream = new MemoryStream();
        MLContext.Model.Save(Chain, Training.Schema, stream);
        Zip = stream.ToArray();

        Verdicts = MLContext.Data.LoadFromEnumerable(Toys.Verdicts(80));
        Binary = Toys.BinaryTrainer(MLContext, epochs: 12).Fit(Verdicts);
    }

    public MLContext MLContext { get; }

    /// <summary>Documents with text labels.</summary>
    public IDataView Training { get; }

    /// <summary>Label to key, classifier, predicted key to PredictedLabelName.</summary>
    public TransformerChain<KeyToValueMappingTransformer> Chain { get; }

    /// <summary>The chain as a file.</summary>
    public byte[] Zip { get; }

    /// <summary>Documents with truth values.</summary>
    public IDataView Verdicts { get; }

    public MahaBinaryTextClassificationTransformer Binary { get; }

    /// <summary>Returns the predictions of the chain for texts, in order.</summary>
    public List<Prediction> Predict(params string?[] texts)
    {
        var data = MLContext.Data.LoadFromEnumerable(texts.Select(text => new Document { Label = "tools", Text = text }));
        return [.. MLContext.Data.CreateEnumerable<Prediction>(Chain.Transform(data), reuseRowObject: false)];
    }

    public void Dispose()
    {
        Chain.Dispose();
        Binary.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class FittedCollection : ICollectionFixture<FittedModels>
{
    public const string Name = "fitted";
}
