using Maha.MLNet.Classification;
using Maha.MLNet.MultiLabel;
using Microsoft.ML;

namespace Maha.Tool.Tests;

/// <summary>The tests that share the models of programs.</summary>
[CollectionDefinition(Name)]
public sealed class OtherTests : ICollectionFixture<OtherModels>
{
    public const string Name = "other models";
}

/// <summary>A folder with models that programs have saved, of kinds that the tool runs but does not train.</summary>
public sealed class OtherModels : IDisposable
{
    public OtherModels()
    {
        var verdicts = Context.Data.LoadFromEnumerable(Verdicts(60));
        var binary = Context.BinaryClassification.Trainers.MahaTextClassification(Small<MahaBinaryTextClassificationTrainer.Options>());
        Save("binary.zip", binary.Fit(verdicts), verdicts);
        var toKey = Context.Transforms.Conversion.MapValueToKey("Label");
        var named = Context.Data.LoadFromEnumerable(Verdicts(60).Select(row => new Named { Label = row.Label ? "tools" : "animals", Text = row.Text }));
        var multiclass = Context.MulticlassClassification.Trainers.MahaTextClassification(Small<MahaTextClassificationTrainer.Options>());
        Save("multiclass.zip", toKey.Append(multiclass).Fit(named), named);
        var sdca = Context.Transforms.Text.FeaturizeText("Features", "Text").Append(toKey)
            .Append(Context.MulticlassClassification.Trainers.SdcaMaximumEntropy());
        var fitted = sdca.Fit(named);
        Save("sdca.zip", fitted, named);
        // The same weights: each training has its own order.
        var last = Context.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(fitted.Transform(named));
        Save("sdca-named.zip", fitted.Append(last), named);
        Save("named.zip", toKey.Append(multiclass).Append(Context.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(named), named);
        var numbered = Context.Data.LoadFromEnumerable(Verdicts(60).Select(row => new Numbered { Label = row.Label ? 5 : 1, Text = row.Text }));
        Save("numbered.zip", sdca.Append(Context.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(numbered), numbered);
        var tagged = Context.Data.LoadFromEnumerable(
            Verdicts(60).Select(row => new Tagged { Label = row.Label ? ["tools", "all"] : ["all"], Text = row.Text }));
        var tags = Context.MulticlassClassification.Trainers.MahaMultiLabelTextClassification(Small<MahaMultiLabelTextClassificationTrainer.Options>());
        Save("tags.zip", toKey.Append(tags).Fit(tagged), tagged);
        File.WriteAllLines(Path.Combine(Folder, "texts.jsonl"),
            Verdicts(20, seed: 3).Select(row => $"{{\"text\":\"{row.Text}\",\"label\":\"{(row.Label ? "tools" : "animals")}\"}}"));
    }

    public MLContext Context { get; } = new(seed: 1);

    public string Folder { get; } = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Texts of two classes.</summary>
    internal static List<Verdict> Verdicts(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => new Verdict { Label = i % 2 == 1, Text = ToyModels.Text(i % 2, random) })];
    }

    /// <summary>The options of a small model.</summary>
    internal static TOptions Small<TOptions>() where TOptions : MahaSupervisedOptions, new() => new()
    {
        VocabSize = 320,
        MaxSequenceLength = 64,
        DModel = 16,
        NumLayers = 1,
        FeedForwardDim = 32,
        NumberOfEpochs = 2,
        Seed = 7,
    };

    /// <summary>Saves a model.</summary>
    internal void Save(string name, ITransformer model, IDataView data)
    {
        Context.Model.Save(model, data.Schema, Path.Combine(Folder, name));
        (model as IDisposable)?.Dispose();
    }

    /// <summary>Runs the tool on one thread.</summary>
    internal Result Run(string command) => ToolProcess.Run(Folder, (string?)null, [.. command.Split(' '), "--threads", "1"]);
}

/// <summary>A document of one of two classes.</summary>
public sealed class Verdict
{
    public bool Label { get; set; }

    public string Text { get; set; } = "";
}

/// <summary>A document with the name of its class.</summary>
public sealed class Named
{
    public string Label { get; set; } = "";

    public string Text { get; set; } = "";
}

/// <summary>A document with the number of its class.</summary>
public sealed class Numbered
{
    public float Label { get; set; }

    public string Text { get; set; } = "";
}

/// <summary>A document with several labels.</summary>
public sealed class Tagged
{
    public string[] Label { get; set; } = [];

    public string Text { get; set; } = "";
}
