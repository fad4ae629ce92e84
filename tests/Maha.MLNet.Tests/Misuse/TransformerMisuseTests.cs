using System.Reflection;
using Maha.Layers.Generation;
using Maha.Layers.Swap;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.TextEncoding;
using Maha.TestData;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Misuse;

/// <summary>Uses of trained transformers that must be refused.</summary>
public sealed class TransformerMisuseTests
{
    private static readonly Type[] s_disposed = [typeof(ObjectDisposedException)];
    private static readonly Type[] s_paths = [typeof(ArgumentException), typeof(IOException), typeof(UnauthorizedAccessException)];

    [Fact]
    public void WrongUses_AreRefused_AndDoNotEndTheProcess() => ChildProgram.AssertEnds(UseWrongly);

    private static void UseWrongly()
    {
        TorchSharp.torch.set_num_threads(1);
        var cases = new MisuseCases();
        string folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
        try
        {
            foreach (var kind in EstimatorKind.All)
            {
                var context = new MLContext(1);
                using var model = kind.Fit(context);
                ReadWrongColumns(cases, context, kind, model);
                SaveToWrongPaths(cases, context, kind, model, folder);
                CallOwnMembers(cases, kind, model);
                UseDisposed(cases, context, kind, folder);
                // After all this, the model still predicts.
                cases.Succeeds($"{kind.Name}, prediction", () => Assert.All(kind.Numbers(context, model, EstimatorKind.Rows), number => Assert.True(float.IsFinite(number))));
            }
            cases.Refuses("language model in nothing", () => MahaLanguageModelTransformer.Find(null!));
            var other = new MLContext().Transforms.CopyColumns("Other", "Text").Fit(new MLContext().Data.LoadFromEnumerable([new Document()]));
            cases.Refuses("language model in another transformer", () => MahaLanguageModelTransformer.Find(other));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        cases.AssertGood(atLeast: 100);
    }

    private static void ReadWrongColumns(MisuseCases cases, MLContext context, EstimatorKind kind, MahaTransformer model)
    {
        var noText = context.Data.LoadFromEnumerable([new Unread()]);
        var wrongText = context.Data.LoadFromEnumerable([new WrongText()]);
        cases.Refuses($"{kind.Name}, Transform(null)", () => model.Transform(null!));
        cases.Refuses($"{kind.Name}, GetOutputSchema(null)", () => model.GetOutputSchema(null!));
        cases.Refuses($"{kind.Name}, GetRowToRowMapper(null)", () => model.GetRowToRowMapper(null!));
        foreach (var (what, data) in new[] { ("no text", noText), ("wrong text", wrongText) })
        {
            cases.Refuses($"{kind.Name}, {what}, Transform", () => model.Transform(data));
            cases.Refuses($"{kind.Name}, {what}, GetOutputSchema", () => model.GetOutputSchema(data.Schema));
            cases.Refuses($"{kind.Name}, {what}, GetRowToRowMapper", () => model.GetRowToRowMapper(data.Schema));
        }
        // A label is not needed for a prediction.
        cases.Succeeds($"{kind.Name}, text alone", () => Rows.Of(model.Transform(context.Data.LoadFromEnumerable([new TextAlone { Text = "the cat" }]))));
    }

    private static void SaveToWrongPaths(MisuseCases cases, MLContext context, EstimatorKind kind, MahaTransformer model, string folder)
    {
        string file = Path.Combine(folder, "file");
        File.WriteAllText(file, "there");
        foreach (string? path in new[] { null, "", "\0", folder, Path.Combine(folder, "missing", "a"), Path.Combine(file, "below"), Path.Combine(folder, new string('n', 5000)) })
        {
            string name = path is null ? "null" : path[..Math.Min(path.Length, 60)];
            cases.Refuses($"{kind.Name}, SaveWeights to '{name}'", () => model.SaveWeights(path!), s_paths);
            cases.Refuses($"{kind.Name}, SaveSafely to '{name}'", () => context.Model.SaveSafely(model, null, path!), s_paths);
        }
        Assert.Equal([file], Directory.GetFileSystemEntries(folder));
    }

    private static void CallOwnMembers(MisuseCases cases, EstimatorKind kind, MahaTransformer model)
    {
        var options = new HsaConversionOptions();
        switch (model)
        {
            case MahaTextClassificationTransformer classifier:
                CallSwap(cases, kind, classifier.SwapLayers, classifier.RankLayers, options);
                break;
            case MahaBinaryTextClassificationTransformer classifier:
                CallSwap(cases, kind, classifier.SwapLayers, classifier.RankLayers, options);
                break;
            case MahaTextEncodingTransformer encoder:
                CallSwap(cases, kind, encoder.SwapLayers, encoder.RankLayers, options);
                break;
            case MahaLanguageModelTransformer languageModel:
                CallLanguageModel(cases, languageModel);
                break;
        }
    }

    private static void CallSwap(
        MisuseCases cases, EstimatorKind kind, Func<IReadOnlyCollection<int>, HsaConversionOptions, MahaTransformer> swap,
        Func<IEnumerable<string>, HsaConversionOptions, IReadOnlyList<int>> rank, HsaConversionOptions options)
    {
        cases.Refuses($"{kind.Name}, swap of no layers", () => swap(null!, options).Dispose());
        cases.Refuses($"{kind.Name}, swap without options", () => swap([0], null!).Dispose());
        // The toys have one layer, which is hierarchical already.
        foreach (int layer in new[] { int.MinValue, -1, 0, 1, int.MaxValue })
            cases.Refuses($"{kind.Name}, swap of layer {layer}", () => swap([layer], options).Dispose());
        cases.Refuses($"{kind.Name}, ranking without texts", () => rank(null!, options));
        cases.Refuses($"{kind.Name}, ranking without options", () => rank(["a"], null!));
        cases.Refuses($"{kind.Name}, ranking of an empty list of texts", () => rank([], options));
        cases.Refuses($"{kind.Name}, ranking of a null text", () => rank([null!], options));
    }

    private static void CallLanguageModel(MisuseCases cases, MahaLanguageModelTransformer model)
    {
        cases.Refuses("Score(null)", () => model.Score(null!));
        cases.Refuses("Generate(null)", () => model.Generate(null!));
        cases.Refuses("GenerateAsync(null)", () => model.GenerateAsync(null!));
        using var canceled = new CancellationTokenSource();
        canceled.Cancel();
        Type[] expected = [typeof(OperationCanceledException)];
        cases.Refuses("Score, canceled", () => model.Score("the cat", canceled.Token), expected);
        cases.Refuses("Score of nothing, canceled", () => model.Score("", canceled.Token), expected);
        cases.Refuses("Generate, canceled", () => model.Generate("the cat", null, canceled.Token), expected);
        cases.Refuses("GenerateAsync, canceled", () => Read(model.GenerateAsync("the cat", null, canceled.Token)), expected);
        foreach (var option in typeof(GenerationOptions).GetProperties().Where(option => option.CanWrite && option.Name != "Seed"))
        {
            foreach (object? value in InvalidGenerationValues(option))
            {
                var options = new GenerationOptions();
                option.SetValue(options, value);
                cases.Refuses($"Generate, {option.Name} = {value ?? "null"}", () => model.Generate("the cat", options));
                cases.Refuses($"GenerateAsync, {option.Name} = {value ?? "null"}", () => model.GenerateAsync("the cat", options));
            }
        }
    }

    private static object?[] InvalidGenerationValues(PropertyInfo option)
    {
        var type = Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType;
        return type == typeof(int) ? [int.MinValue, -1, 0]
            : type == typeof(double) ? [double.NaN, double.NegativeInfinity, double.PositiveInfinity, -1.0, double.MaxValue]
            : type == typeof(IReadOnlyList<string>) ? [null, new[] { "" }, new string[] { null! }, new[] { new string('a', 1025) }, new[] { "\ud800" }]
            : throw new NotSupportedException($"A value of {type} must be tested, but none is known. Add some.");
    }

    private static void UseDisposed(MisuseCases cases, MLContext context, EstimatorKind kind, string folder)
    {
        var model = kind.Fit(context);
        var data = kind.Data(context, EstimatorKind.Rows);
        model.Dispose();
        model.Dispose();
        cases.Refuses($"{kind.Name}, disposed, Transform", () => kind.Numbers(context, model, EstimatorKind.Rows), s_disposed);
        cases.Refuses($"{kind.Name}, disposed, Save", () => context.Model.Save(model, data.Schema, Stream.Null), s_disposed);
        cases.Refuses($"{kind.Name}, disposed, SaveSafely", () => context.Model.SaveSafely(model, data.Schema, Path.Combine(folder, "model.zip")), s_disposed);
        cases.Refuses($"{kind.Name}, disposed, SaveWeights", () => model.SaveWeights(Path.Combine(folder, "weights.safetensors")), s_disposed);
        switch (model)
        {
            case MahaTextClassificationTransformer classifier:
                cases.Refuses($"{kind.Name}, disposed, RankLayers", () => classifier.RankLayers(["a"], new()), s_disposed);
                cases.Refuses($"{kind.Name}, disposed, SwapLayers", () => classifier.SwapLayers([0], new()), s_disposed);
                break;
            case MahaTextEncodingTransformer encoder:
                cases.Refuses($"{kind.Name}, disposed, RankLayers", () => encoder.RankLayers(["a"], new()), s_disposed);
                break;
            case MahaLanguageModelTransformer languageModel:
                cases.Refuses($"{kind.Name}, disposed, Score", () => languageModel.Score("a"), s_disposed);
                cases.Refuses($"{kind.Name}, disposed, Generate", () => languageModel.Generate("a"), s_disposed);
                cases.Refuses($"{kind.Name}, disposed, GenerateAsync", () => Read(languageModel.GenerateAsync("a")), s_disposed);
                break;
        }
        Assert.Empty(Directory.GetFiles(folder, "*.zip"));
    }

    private static void Read(IAsyncEnumerable<string> pieces) => Task.Run(async () =>
    {
        await foreach (string _ in pieces)
            continue;
    }).GetAwaiter().GetResult();

    private sealed class Unread
    {
        public float Weight { get; set; }
    }

    private sealed class WrongText
    {
        public float Text { get; set; }
    }

    private sealed class TextAlone
    {
        public string? Text { get; set; }
    }
}
