using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;
using Steps = Microsoft.ML.IEstimator<Microsoft.ML.ITransformer>[];

namespace Maha.Onnx.Tests;

// An export has the transformer of Maha alone: the others of a chain must not change what it reads or gives.
public sealed class ChainTests : IDisposable
{
    private static readonly MLContext s_ml = new(seed: 1);
    private static readonly IDataView s_data = s_ml.Data.LoadFromEnumerable(
        new[] { new Row { Label = "a" }, new Row { Label = "b" }, new Row { Label = "c", Text = "the cat", Body = "a dog" } });

    private readonly string _folder = Directory.CreateTempSubdirectory("maha-onnx-").FullName;
    private readonly MahaTextClassificationTransformer _maha = new(
        RandomModels.Classifier(AttentionTests.Options(new FullOptions(), PositionKind.Rotary) with { NumLayers = 1 }));

    public void Dispose()
    {
        _maha.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public static TheoryData<string> Harmless => [.. s_harmless.Keys];

    private static readonly Dictionary<string, (Steps Before, Steps Behind)> s_harmless = new()
    {
        ["labels to keys and back"] = ([Conversions.MapValueToKey("Label")], [Conversions.MapKeyToValue("PredictedLabel")]),
        ["numbers to keys, back to another column"] = ([Conversions.MapValueToKey("Key", "Number")], [Conversions.MapKeyToValue("Topic", "PredictedLabel")]),
        ["text from a column"] = ([Transforms.CopyColumns("Text", "Body")], []),
        ["text from a column of a column"] = ([Transforms.CopyColumns("Copy", "Body"), Transforms.CopyColumns("Text", "Copy")], []),
        ["text onto itself"] = ([Transforms.CopyColumns("Text", "Text")], [Transforms.CopyColumns("Score", "Score")]),
        ["other text"] = ([Transforms.Text.NormalizeText("Clean", "Text"), Transforms.Text.NormalizeText("Body")], []),
        ["text afterwards"] = ([], [Transforms.Text.NormalizeText("Text")]),
        ["outputs to other columns"] = ([], [Transforms.CopyColumns("Copy", "Score"), Transforms.NormalizeLpNorm("Normalized", "Score")]),
        ["output of an earlier transformer"] = ([Transforms.CopyColumns("Score", "Number"), Transforms.CopyColumns("PredictedLabel", "Body")], []),
        ["columns left out"] = ([Transforms.DropColumns("Number"), Transforms.SelectColumns("Text", "Label")], [Transforms.SelectColumns("Score")]),
        ["features"] = ([Transforms.Text.FeaturizeText("Features", "Text")], [Transforms.Text.FeaturizeText("Features2", "Text")]),
        ["own step"] = ([Step<BodyRow, CopyRow>("Copy")], [Step<BodyRow, CopyRow>("Copy")]),
        ["a number, a vector and a flag"] =
            ([Conversions.ConvertType("Number2", "Number"), Transforms.Concatenate("All", "Number", "Number2"), Conversions.MapValueToKey("Flag")], []),
    };

    // The type and the column that the message names.
    private static readonly Dictionary<string, (Steps Before, Steps Behind, string Type, string Column)> s_refused = new()
    {
        ["text in place"] = ([Transforms.Text.NormalizeText("Text")], [], "TextNormalizingTransformer", "Text"),
        ["text from another"] = ([Transforms.Text.NormalizeText("Text", "Body")], [], "TextNormalizingTransformer", "Text"),
        ["behind labels"] =
            ([Conversions.MapValueToKey("Label"), Transforms.Text.NormalizeText("Text")], [Conversions.MapKeyToValue("PredictedLabel")],
            "TextNormalizingTransformer", "Text"),
        ["source of a copy"] = ([Transforms.Text.NormalizeText("Body"), Transforms.CopyColumns("Text", "Body")], [], "TextNormalizingTransformer", "Body"),
        ["own step"] = ([Step<BodyRow, TextRow>("Text")], [], "CustomMappingTransformer", "Text"),
        ["score"] = ([], [Transforms.NormalizeLpNorm("Score")], "LpNormNormalizingTransformer", "Score"),
        ["features onto score"] = ([], [Transforms.Text.FeaturizeText("Score", "Text")], "TextFeaturizingEstimator.Transformer", "Score"),
        ["copy onto score"] = ([], [Transforms.CopyColumns("Score", "Number")], "ColumnCopyingTransformer", "Score"),
        ["labels of another key"] =
            ([Conversions.MapValueToKey("Label")], [Conversions.MapKeyToValue("PredictedLabel", "Label")], "KeyToValueMappingTransformer", "PredictedLabel"),
        ["labels after their names"] =
            ([], [Conversions.MapKeyToValue("PredictedLabel"), Conversions.MapValueToKey("PredictedLabel")], "ValueToKeyMappingTransformer", "PredictedLabel"),
    };

    public static TheoryData<string> Refused => [.. s_refused.Keys];

    private static TransformsCatalog Transforms => s_ml.Transforms;

    private static TransformsCatalog.ConversionTransforms Conversions => s_ml.Transforms.Conversion;

    [Theory]
    [MemberData(nameof(Harmless))]
    public void OtherColumns_MayBeWritten(string kind)
    {
        var (before, behind) = s_harmless[kind];
        foreach (bool isNested in new[] { false, true })
            s_ml.Model.ExportToOnnx(Chain(before, behind, isNested), _folder, ["the cat"]);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void ColumnsOfTheModel_MustNotBeWritten(string kind)
    {
        var (before, behind, type, column) = s_refused[kind];
        foreach (bool isNested in new[] { false, true })
        {
            var refusal = Assert.Throws<ArgumentException>(() => s_ml.Model.ExportToOnnx(Chain(before, behind, isNested), _folder, ["the cat"]));
            Assert.Contains($"{type} writes", refusal.Message, StringComparison.Ordinal);
            Assert.Contains($"'{column}'", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("yourself, and give or save the MahaTextClassificationTransformer alone", refusal.Message, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFiles(_folder));
        s_ml.Model.ExportToOnnx(_maha, _folder, ["the cat"]);
    }

    // Its keys come with the data, which the export does not have.
    [Fact]
    public void Transformer_WhoseColumnsAreUnknown_IsRefused()
    {
        var keys = Conversions.MapValueToKey("Label").Fit(s_data);
        var names = Conversions.MapKeyToValue("Name", "Label").Fit(keys.Transform(s_data));
        var refusal = Assert.Throws<ArgumentException>(() => s_ml.Model.ExportToOnnx(new TransformerChain<ITransformer>(names, _maha), _folder, ["the cat"]));
        Assert.Contains("KeyToValueMappingTransformer", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Give or save the MahaTextClassificationTransformer alone", refusal.Message, StringComparison.Ordinal);
    }

    private TransformerChain<ITransformer> Chain(Steps before, Steps behind, bool isNested)
    {
        var data = s_data;
        ITransformer[] first = [.. before.Select(Fit)];
        data = _maha.Transform(data);
        ITransformer[] last = [.. behind.Select(Fit)];
        return isNested
            ? new(new TransformerChain<ITransformer>([.. first, _maha]), new TransformerChain<ITransformer>(last))
            : new([.. first, _maha, .. last]);

        ITransformer Fit(IEstimator<ITransformer> estimator)
        {
            var transformer = estimator.Fit(data);
            data = transformer.Transform(data);
            return transformer;
        }
    }

    private static IEstimator<ITransformer> Step<TInput, TOutput>(string column) where TInput : class, new() where TOutput : class, new() =>
        Transforms.CustomMapping<TInput, TOutput>((input, output) => typeof(TOutput).GetProperty(column)!.SetValue(output, input.ToString()), null);

    private sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";

        public string Body { get; set; } = "";

        public float Number { get; set; }

        public bool Flag { get; set; }
    }

    private sealed class BodyRow
    {
        public string Body { get; set; } = "";
    }

    private sealed class TextRow
    {
        public string Text { get; set; } = "";
    }

    private sealed class CopyRow
    {
        public string Copy { get; set; } = "";
    }
}
