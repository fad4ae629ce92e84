using Maha.Layers.Data;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.TextEncoding;
using Maha.TestData.NGrams;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Explanation;

/// <summary>Small classifiers of every kind that is explained, trained when they are first asked for.</summary>
public sealed class ExplainedModels : IDisposable
{
    private readonly string _folder = SmallBert.WriteFolder();
    private readonly Dictionary<string, MahaTextClassificationTransformer> _models = [];
    private readonly Dictionary<string, MahaBinaryTextClassificationTransformer> _binary = [];

    public MLContext MLContext { get; } = new(1);

    /// <summary>A classifier of three classes.</summary>
    public MahaTextClassificationTransformer this[string name]
    {
        get
        {
            if (!_models.TryGetValue(name, out var model))
            {
                var trainer = Toys.Trainer(MLContext, options => Choose(options, name), epochs: 6);
                _models.Add(name, model = trainer.Fit(Toys.Keyed(MLContext, Toys.Documents(90))));
            }
            return model;
        }
    }

    /// <summary>A classifier with texts of two labels among its training documents.</summary>
    public MahaBinaryTextClassificationTransformer Twins
    {
        get
        {
            if (!_binary.TryGetValue(nameof(Twins), out var model))
            {
                var rows = NGramTask.Make("twins-and-topics", seed: 1).Training.Select(row => new Verdict { Text = row.Text, Label = row.Label == 1 });
                var trainer = Toys.BinaryTrainer(MLContext, options => (options.NGrams, options.ValidationFraction) = (true, 0.1), epochs: 3);
                _binary.Add(nameof(Twins), model = trainer.Fit(MLContext.Data.LoadFromEnumerable(rows)));
            }
            return model;
        }
    }

    /// <summary>A classifier of two classes.</summary>
    public MahaBinaryTextClassificationTransformer Binary(string name)
    {
        if (!_binary.TryGetValue(name, out var model))
        {
            var trainer = Toys.BinaryTrainer(MLContext, options => Choose(options, name), epochs: 6);
            _binary.Add(name, model = trainer.Fit(MLContext.Data.LoadFromEnumerable(Toys.Verdicts(80))));
        }
        return model;
    }

    /// <summary>The probabilities of a text.</summary>
    public float[] Scores(MahaTextClassificationTransformer model, string text) =>
        model.Transform(MLContext.Data.LoadFromEnumerable([new Document { Text = text }])).GetColumn<float[]>("Score").Single();

    /// <summary>Saves a model and loads it.</summary>
    public MahaTextClassificationTransformer Reload(MahaTextClassificationTransformer model)
    {
        using var stream = new MemoryStream();
        MLContext.Model.Save(model, MLContext.Data.LoadFromEnumerable(Array.Empty<Document>()).Schema, stream);
        stream.Position = 0;
        var loaded = MLContext.Model.Load(stream, out _);
        return loaded as MahaTextClassificationTransformer ?? ((IEnumerable<ITransformer>)loaded).OfType<MahaTextClassificationTransformer>().Single();
    }

    public void Dispose()
    {
        foreach (var model in _models.Values.Cast<IDisposable>().Concat(_binary.Values))
            model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Choose(MahaClassifierOptions options, string name)
    {
        string[] parts = name.Split('-');
        options.ExplanationColumnName = "Explanation";
        options.NGrams = parts.Contains("ngrams") || parts.Contains("ends");
        options.ValidationFraction = options.NGrams ? 0.2 : 0;
        // Without a step the network has no weight.
        if (name == "ngrams")
            options.MaxTrainingTime = TimeSpan.FromTicks(1);
        if (parts.Contains("ends"))
            (options.MaxSequenceLength, options.OverlongDocuments) = (40, OverlongDocuments.KeepStartAndEnd);
        if (parts[0] == "pretrained")
        {
            var blank = Activator.CreateInstance(options.GetType()) as MahaClassifierOptions;
            (options.VocabSize, options.DModel) = (blank!.VocabSize, blank.DModel);
            (options.NumLayers, options.FeedForwardDim) = (blank.NumLayers, blank.FeedForwardDim);
            if (!parts.Contains("ends"))
                options.MaxSequenceLength = blank.MaxSequenceLength;
            options.PretrainedModel = _folder;
            if (parts.Contains("blocks"))
                options.DocumentLayers = 1;
        }
    }
}
