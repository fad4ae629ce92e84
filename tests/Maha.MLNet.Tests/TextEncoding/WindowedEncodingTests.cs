using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Options = Maha.MLNet.TextEncoding.MahaTextEncodingEstimator.Options;

namespace Maha.MLNet.Tests.TextEncoding;

/// <summary>MahaEncode with a pretrained encoder in BERT layout.</summary>
public sealed class WindowedEncodingTests : IDisposable
{
    private const int D = SmallBert.D;
    private const string LongText = "The cat and the dog. A horse near the otter with some other thing.  Snow, wind and rain; fog and storm and rain and " +
        "snow near the cat.\nThe hammer and the saw and the chisel. Some other thing with a drill and the wrench of the dog";

    private readonly string _folder = SmallBert.WriteFolder();
    private readonly MLContext _mlContext = new(1);
    private readonly IDataView _data;

    public WindowedEncodingTests() => _data = _mlContext.Data.LoadFromEnumerable(Toys.Documents(30));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Encoder_KeepsTheContractOfEstimators() => EstimatorContract.Check(
        _mlContext, _mlContext.Transforms.MahaEncode(Small()), _data,
        (_mlContext.Transforms.DropColumns("Text").Fit(_data).Transform(_data), "There must be a column 'Text'"));

    [Fact]
    public void EncoderWithWindows_KeepsTheContractOfEstimators()
    {
        var valid = _mlContext.Data.LoadFromEnumerable(
            Toys.Documents(9).Select(document => new Document { Text = $"{document.Text}. {document.Text} {document.Text}" }));
        EstimatorContract.Check(_mlContext, _mlContext.Transforms.MahaEncode(Small(WithWindows)), valid);
    }

    [Fact]
    public void Vector_IsThatOfTheDocument_WhateverIsReadWithIt()
    {
        using var model = Fit();
        Assert.Equal(D + 12, model.VectorSize);
        float[] alone = Encoders.Vectors(_mlContext, model, "the cat and the dog")[0];
        float[] among = Encoders.Vectors(_mlContext, model, LongText, "", null, "the cat and the dog", LongText)[3];
        Assert.Equal(alone, among, Rows.AreAlike);
        Assert.NotEqual(alone[..D], Encoders.Vectors(_mlContext, model, "the dog and the cat")[0][..D]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Vectors_HaveTheLengthOne_WhereTheOptionsSaySo(bool normalizes)
    {
        using var model = Fit(options =>
        {
            WithWindows(options);
            options.NormalizeLength = normalizes;
        });
        var row = Read(model, LongText)[0];
        float[][] vectors = [row.Features!, .. row.Windows!.Chunk(model.VectorSize)];
        Assert.True(vectors.Length > 3);
        double[] lengths = [.. vectors.Select(vector => Math.Sqrt(vector.Sum(value => (double)value * value)))];
        Assert.Equal(normalizes, lengths.All(length => Math.Abs(length - 1) < 1e-5));
    }

    [Fact]
    public void Windows_HaveTheVectorsOfTheirTexts_AndTheirMeanIsThatOfTheDocument()
    {
        using var model = Fit(WithWindows);
        var row = Read(model, LongText, " \n ", "cat");
        Assert.Empty(row[1].Windows ?? []);
        Assert.Empty(row[1].Ranges ?? []);
        Assert.Equal([0, 3], row[2].Ranges!);
        Assert.Equal(row[2].Features, row[2].Windows, Rows.AreAlike);

        int[] offsets = row[0].Ranges!;
        int count = offsets.Length / 2;
        Assert.True(count > 2);
        Assert.Equal(count * model.VectorSize, row[0].Windows!.Length);
        Assert.Equal(0, offsets[0]);
        Assert.Equal(LongText.Length, offsets[^1]);
        double[] mean = new double[D];
        int tokens = 0;
        for (int window = 0; window < count; window++)
        {
            var (start, end) = (offsets[2 * window], offsets[(2 * window) + 1]);
            if (window > 0)
                Assert.Equal("", LongText[offsets[(2 * window) - 1]..start].Trim());
            string text = LongText[start..end];
            float[] vector = row[0].Windows![(window * model.VectorSize)..((window + 1) * model.VectorSize)];
            Assert.Equal(Encoders.Vectors(_mlContext, model, text)[0], vector, Rows.AreAlike);
            int length = text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Length + text.Count(character => character is '.' or ',' or ';');
            Assert.InRange(length, 1, SmallBert.WindowLength - 2);
            tokens += length;
            for (int k = 0; k < D; k++)
                mean[k] += length * (double)vector[k];
        }
        for (int k = 0; k < D; k++)
            Assert.Equal(mean[k] / tokens, row[0].Features![k], 1e-4);
    }

    [Fact]
    public void Offsets_AreThoseOfTheSentences()
    {
        using var model = Fit(o => (o.SegmentColumnName, o.SegmentOffsetsColumnName) = ("Windows", "Ranges"));
        int[] offsets = Read(model, "  The cat. A saw!  ")[0].Ranges!;
        Assert.Equal([2, 10, 11, 17], offsets);
    }

    [Fact]
    public void Encoder_IsSavedWhole_AndUsedAsItIsIfFrozen()
    {
        using var fitted = Fit();
        string zip = Zip(fitted), weights = Path.Combine(_folder, "encoder.safetensors");
        fitted.SaveWeights(weights);
        float[] expected = Encoders.Vectors(_mlContext, fitted, LongText)[0];
        Directory.Move(_folder, _folder + "-moved");
        try
        {
            using var loaded = (MahaTransformer)_mlContext.Model.Load(zip.Replace(_folder, _folder + "-moved", StringComparison.Ordinal), out _);
            Assert.Equal(expected, Encoders.Vectors(_mlContext, loaded, LongText)[0]);
        }
        finally
        {
            Directory.Move(_folder + "-moved", _folder);
        }
        foreach (string path in new[] { zip, weights })
        {
            using var frozen = _mlContext.Transforms.MahaEncode(
                new Options { OutputColumnName = "Features", InputColumnName = "Text", PretrainedModel = path, Freeze = true }).Fit(_data);
            Assert.Equal(expected, Encoders.Vectors(_mlContext, frozen, LongText)[0]);
        }
    }

    [Fact]
    public void SavedEncoder_IsFittedToOtherTexts_WithItsParts()
    {
        using var first = Fit(o => o.SpectralDim = 3);
        var others = _mlContext.Data.LoadFromEnumerable(Toys.Documents(40, seed: 9).Select(document => new Document { Text = document.Text + " abc" }));
        using var second = _mlContext.Transforms.MahaEncode(
            new Options { OutputColumnName = "Features", InputColumnName = "Text", PretrainedModel = Zip(first), VocabSize = 330, Seed = 7 }).Fit(others);
        Assert.Equal(first.VectorSize, second.VectorSize);
        Assert.NotEqual(Encoders.Vectors(_mlContext, first, LongText)[0], Encoders.Vectors(_mlContext, second, LongText)[0]);
        Assert.Contains("SpectralDim must be left out or be that of the pretrained encoder", Assert.Throws<ArgumentException>(() => Fit(o =>
            (o.PretrainedModel, o.SpectralDim) = (Zip(first), 5))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WeightsFlow_FromEncoderToClassifier_AndBack()
    {
        using var encoder = Fit(o => o.SpectralDim = 0);
        // At that learning rate nothing is learned, so that the weights are still those of the encoder's file.
        using var classifier = _mlContext.MulticlassClassification.Trainers.MahaTextClassification(
            new MahaTextClassificationTrainer.Options { PretrainedModel = Zip(encoder), NumberOfEpochs = 1, LearningRate = 1e-9, Seed = 7 })
            .Fit(Toys.Keyed(_mlContext, Toys.Documents(30)));
        using var back = Fit(o => (o.SpectralDim, o.PretrainedModel) = (0, Zip(classifier)));
        var (before, after) = (Encoders.Vectors(_mlContext, encoder, LongText)[0], Encoders.Vectors(_mlContext, back, LongText)[0]);
        for (int k = 0; k < before.Length; k++)
            Assert.Equal(before[k], after[k], 1e-3f);
    }

    [Fact]
    public void OptionsOfTraining_AreWarnedOf()
    {
        var warnings = Warnings.Of(_mlContext);
        Fit().Dispose();
        Assert.Empty(warnings);
        Fit(o => (o.NumberOfEpochs, o.LearningRate, o.Branching, o.Freeze) = (5, 0.1, 4, true)).Dispose();
        string warning = Assert.Single(warnings, warning => warning.Contains("is not trained further", StringComparison.Ordinal));
        foreach (string option in new[] { "NumberOfEpochs", "LearningRate", "Branching" })
            Assert.Contains(option, warning, StringComparison.Ordinal);
        Assert.DoesNotContain("Freeze", warning, StringComparison.Ordinal);
    }

    public static TheoryData<Action<Options>, string> Contradictions => new()
    {
        { o => o.DModel = 32, "DModel must be left out or be that of the pretrained encoder" },
        { o => o.NumLayers = 3, "NumLayers must be left out" },
        { o => o.Pooling = PoolingKind.MeanMax, "Pooling must be left out" },
    };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void OptionsOfAnotherArchitecture_AreRefused(Action<Options> change, string message) =>
        Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => Fit(change)).Message, StringComparison.Ordinal);

    [Fact]
    public void Windows_OfAModelThatReadsDocumentsWhole_AreRefused()
    {
        using var whole = Encoders.Fit(_mlContext, _data);
        string zip = Zip(whole);
        Assert.Contains("Segments must be Sentence or Paragraph", Assert.Throws<ArgumentException>(() =>
            Encoders.Fit(_mlContext, _data, o => (o.PretrainedModel, o.Segments) = (zip, SegmentKind.Window))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TextsOfAnotherLanguage_AreWarnedOf()
    {
        var warnings = Warnings.Of(_mlContext);
        var strange = _mlContext.Data.LoadFromEnumerable(
            Enumerable.Range(0, 20).Select(_ => new Document { Text = "\u043A\u043E\u0442 abcabc cabcab \u0441\u043E\u0431\u0430\u043A\u0430" }));
        _mlContext.Transforms.MahaEncode(Small()).Fit(strange).Dispose();
        Assert.Contains(warnings, warning => warning.Contains("tokens per word in the vocabulary of", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(OverlongDocuments.KeepStart, "The cat and the dog. A horse near the", "fog and snow")]
    [InlineData(OverlongDocuments.KeepEnd, "near the cat and the dog. A horse", "fog and snow")]
    public void OverlongDocument_IsRead_ToTheLimit(OverlongDocuments kept, string text, string cut)
    {
        const int Limit = 9;
        string whole = kept == OverlongDocuments.KeepStart ? $"{text} {cut}" : $"{cut} {text}";
        var warnings = Warnings.Of(_mlContext);
        var data = _mlContext.Data.LoadFromEnumerable([.. Toys.Documents(20), new Document { Text = whole }]);
        using var model = _mlContext.Transforms.MahaEncode(Small(o => (o.MaxSequenceLength, o.OverlongDocuments) = (Limit, kept))).Fit(data);
        Assert.Contains(warnings, warning => warning.Contains("21 training documents have more than 9 tokens", StringComparison.Ordinal));
        float[][] vectors = [.. Encoders.Vectors(_mlContext, model, whole, text)];
        Assert.Equal(vectors[1], vectors[0], Rows.AreAlike);
    }

    [Fact]
    public void LongDocument_IsReadWhole()
    {
        using var model = Fit(WithWindows);
        string text = string.Concat(Enumerable.Repeat("the cat and the dog of some other thing. ", 10_000));
        var row = Read(model, text)[0];
        int windows = row.Ranges!.Length / 2;
        Assert.InRange(windows, 100_000 / (SmallBert.WindowLength - 2), 20_000);
        Assert.Equal(text.Length - 1, row.Ranges[^1]);
        Assert.All(row.Features!, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void DamagedVocabularyOfTheSpectralParts_IsRefused()
    {
        using var model = Fit();
        byte[] whole = ModelZip.Save(_mlContext, model, _data.Schema);
        var zip = new ModelZip(whole, "Encoder.json");
        zip.Remove(ModelFormat.SpectralTokenizerStream);
        Assert.ThrowsAny<Exception>(() => ModelZip.Load(zip.ToArray()));
        using var other = Fit(o => o.VocabSize = 300);
        var otherZip = new ModelZip(ModelZip.Save(_mlContext, other, _data.Schema), "Encoder.json");
        zip = new ModelZip(whole, "Encoder.json")
        {
            [ModelFormat.SpectralTokenizerStream] = otherZip[ModelFormat.SpectralTokenizerStream],
        };
        zip.Sign();
        Assert.Contains("must have one vocabulary", Assert.ThrowsAny<Exception>(() => ModelZip.Load(zip.ToArray())).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void NoRows_Throw_WithTheRemedy() => Assert.Contains(
        "must have at least one document to learn from", Assert.Throws<InvalidOperationException>(() =>
            _mlContext.Transforms.MahaEncode(Small()).Fit(_mlContext.Data.LoadFromEnumerable(Array.Empty<Document>()))).Message, StringComparison.Ordinal);

    private static void WithWindows(Options options) =>
        (options.SegmentColumnName, options.Segments, options.SegmentOffsetsColumnName) = ("Windows", SegmentKind.Window, "Ranges");

    private Options Small(Action<Options>? change = null)
    {
        var options = new Options
        {
            OutputColumnName = "Features",
            InputColumnName = "Text",
            VocabSize = 320,
            SpectralDim = 6,
            NumPairBuckets = 128,
            BeginningTokens = 5,
            PretrainedModel = _folder,
            Seed = 7,
        };
        change?.Invoke(options);
        return options;
    }

    private MahaTextEncodingTransformer Fit(Action<Options>? change = null) => _mlContext.Transforms.MahaEncode(Small(change)).Fit(_data);

    private List<Encoded> Read(MahaTextEncodingTransformer model, params string[] texts) =>
        [.. _mlContext.Data.CreateEnumerable<Encoded>(
            model.Transform(_mlContext.Data.LoadFromEnumerable(texts.Select(text => new Document { Text = text }))), reuseRowObject: false,
            ignoreMissingColumns: true)];

    private string Zip(ITransformer model)
    {
        string path = Path.Combine(_folder, Guid.NewGuid() + ".zip");
        _mlContext.Model.Save(model, null, path);
        return path;
    }

    private sealed class Encoded
    {
        public float[]? Features { get; set; }

        public float[]? Windows { get; set; }

        public int[]? Ranges { get; set; }
    }
}
