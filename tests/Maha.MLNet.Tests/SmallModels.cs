using Maha.Layers.Attention;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.Tests.MultiLabel;
using Maha.MLNet.Tests.TextEncoding;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.MLNet.Tests;

/// <summary>The smallest useful model of every kind, for tests of what all models have in common.</summary>
internal sealed class SmallModels : IDisposable
{
    private readonly MLContext _mlContext = new(1);

    /// <summary>The names of the kinds.</summary>
    public static TheoryData<string> Kinds => ["classifier", "binary", "several labels", "encoder", "language model", "windowed classifier", "windowed encoder"];

    /// <summary>A folder with an encoder in BERT layout, and for files of the test.</summary>
    public string Folder { get; } = SmallBert.WriteFolder();

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Data to train a kind of model on.</summary>
    public IDataView DataOf(string kind) => kind switch
    {
        "binary" => _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(30)),
        "several labels" => LabelToys.Keyed(_mlContext, LabelToys.Rows(30)),
        "encoder" or "windowed encoder" => _mlContext.Data.LoadFromEnumerable(Toys.Documents(30)),
        "language model" => LanguageToys.Data(_mlContext),
        _ => Toys.Keyed(_mlContext, Toys.Documents(30)),
    };

    /// <summary>Trains a kind of model with dropout; most kinds have standard attention, whose layers can be swapped.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="data">The data.</param>
    /// <param name="start">The saved model that the training starts from; null for none, or for the folder in BERT layout.</param>
    public MahaTransformer Fit(string kind, IDataView data, string? start = null)
    {
        string? pretrained = start ?? (kind.StartsWith("windowed", StringComparison.Ordinal) ? Folder : null);
        return kind switch
        {
            "binary" => Toys.BinaryTrainer(_mlContext, o => o.ValidationFraction = 0.2).Fit(data),
            "several labels" => LabelToys.Trainer(_mlContext, o => o.Attention = AttentionKind.Full).Fit(data),
            "encoder" => Encoders.Fit(_mlContext, data, o => (o.Attention, o.PretrainedModel) = (AttentionKind.Full, pretrained)),
            "windowed encoder" => _mlContext.Transforms.MahaEncode(new MahaTextEncodingEstimator.Options
            {
                OutputColumnName = "Features",
                InputColumnName = "Text",
                PretrainedModel = pretrained,
                NumberOfEpochs = 1,
                SpectralDim = 4,
                Seed = 7,
            }).Fit(data),
            "language model" => LanguageToys.Estimator(_mlContext).Fit(data),
            "windowed classifier" => _mlContext.MulticlassClassification.Trainers.MahaTextClassification(new MahaTextClassificationTrainer.Options
            {
                PretrainedModel = pretrained,
                NGrams = false,
                NumberOfEpochs = 1,
                Seed = 7,
            }).Fit(data),
            _ => Toys.Trainer(_mlContext, o => (o.NGrams, o.Attention, o.PretrainedModel) = (true, AttentionKind.Full, pretrained)).Fit(data),
        };
    }
}
