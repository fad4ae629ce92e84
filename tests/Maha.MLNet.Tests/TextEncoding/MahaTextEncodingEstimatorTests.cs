using Maha.Layers.Training;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.TextEncoding;

public class MahaTextEncodingEstimatorTests
{
    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void Encoder_KeepsTheContractOfEstimators()
    {
        var valid = _mlContext.Data.LoadFromEnumerable(Toys.Documents(12));
        EstimatorContract.Check(_mlContext, _mlContext.Transforms.MahaEncode(Encoders.Small()), valid,
            (_mlContext.Transforms.DropColumns("Text").Fit(valid).Transform(valid), "There must be a column 'Text'"),
            (_mlContext.Transforms.CopyColumns("Text", "Weight").Fit(valid).Transform(valid), "must be Text, but is"));
    }

    [Fact]
    public void EncoderWithSegments_KeepsTheContractOfEstimators()
    {
        var valid = _mlContext.Data.LoadFromEnumerable(Toys.Documents(9).Select(document => new Document { Text = document.Text + ". " + document.Text }));
        EstimatorContract.Check(_mlContext,
            _mlContext.Transforms.MahaEncode(Encoders.Small(o => (o.SegmentColumnName, o.NormalizeLength) = ("Sentences", true))), valid);
    }

    [Fact]
    public void Vector_IsThatOfTheDocument_WhateverIsReadWithIt()
    {
        using var model = Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable(Toys.Documents(12)));
        string longText = Toys.Filler(new Random(2), 60);
        float[] alone = Encoders.Vectors(_mlContext, model, "the cat and the dog")[0];
        float[] among = Encoders.Vectors(_mlContext, model, longText, "", "the cat and the dog", longText)[2];
        Assert.Equal(model.VectorSize, alone.Length);
        for (int k = 0; k < alone.Length; k++)
            Assert.Equal(alone[k], among[k], 1e-5f);
    }

    [Fact]
    public void OutputNamedLikeTheInput_HidesIt_WhereNoInputIsNamed()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Documents(9));
        using var model = _mlContext.Transforms.MahaEncode(Encoders.Small(o => (o.OutputColumnName, o.InputColumnName) = ("Text", null))).Fit(data);
        Assert.Equal(model.VectorSize, ((VectorDataViewType)model.Transform(data).Schema["Text"].Type).Size);
    }

    [Fact]
    public void NormalizedVectors_HaveLengthOne()
    {
        using var model = Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable(Toys.Documents(9)), o => o.NormalizeLength = true);
        Assert.All(Encoders.Vectors(_mlContext, model, "the cat", "", null, "snow and wind"),
            vector => Assert.Equal(1, vector.Sum(value => (double)value * value), 1e-5));
    }

    [Theory]
    [InlineData(SegmentKind.Sentence, 3)]
    [InlineData(SegmentKind.Paragraph, 2)]
    public void Segments_HaveTheVectorsOfDocuments(SegmentKind kind, int count)
    {
        using var model = Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable(Toys.Documents(9)),
            o => (o.SegmentColumnName, o.Segments) = ("Parts", kind));
        var view = model.Transform(
            _mlContext.Data.LoadFromEnumerable([new Document { Text = "The cat sat.  Snow fell.\n\nA saw and a drill.\n" }, new Document { Text = " \n " }]));
        var parts = view.GetColumn<float[]>("Parts").ToList();
        Assert.Equal(count * model.VectorSize, parts[0].Length);
        Assert.Empty(parts[1]);
        float[] last = Encoders.Vectors(_mlContext, model, "A saw and a drill.")[0];
        Assert.Equal(last, parts[0][^model.VectorSize..], Rows.AreAlike);
    }

    [Fact]
    public void NoRows_Throw_WithTheRemedy()
        => Assert.Contains("must have at least one document to learn from, but has none",
            Assert.Throws<InvalidOperationException>(() => Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable(Array.Empty<Document>()))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void TextsWithoutTokens_AreWarnedOf_AndEncoded()
    {
        var warnings = Warnings.Of(_mlContext);
        using var model = Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable([new Document { Text = "" }, new Document { Text = null }]));
        Assert.Contains(warnings, warning => warning.Contains("No document has tokens", StringComparison.Ordinal));
        Assert.All(Encoders.Vectors(_mlContext, model, "", "a", "\ud800").SelectMany(vector => vector), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void OneDocument_IsEnough()
    {
        using var model = Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable([new Document { Text = Toys.Filler(new Random(1), 40) }]));
        Assert.All(Encoders.Vectors(_mlContext, model, "the", "other")[0], value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void SameSeed_SameVectors()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Documents(15));
        using var first = Encoders.Fit(_mlContext, data);
        using var second = Encoders.Fit(_mlContext, data);
        using var other = Encoders.Fit(_mlContext, data, o => o.Seed = 8);
        float[] expected = Encoders.Vectors(_mlContext, first, "the cat near the rain")[0];
        Assert.Equal(expected, Encoders.Vectors(_mlContext, second, "the cat near the rain")[0]);
        Assert.NotEqual(expected, Encoders.Vectors(_mlContext, other, "the cat near the rain")[0]);
    }

    [Fact]
    public void CancelledBeforehand_Throws()
        => Assert.ThrowsAny<OperationCanceledException>(() => Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable(Toys.Documents(9)),
            o => o.CancellationToken = new CancellationToken(true)));

    [Fact]
    public void CancelledInTraining_Throws_OrKeepsWhatItHas()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Documents(40));
        foreach (var behavior in Enum.GetValues<CancellationBehavior>())
        {
            using var source = new CancellationTokenSource();
            int steps = 0;
            void Change(MahaTextEncodingEstimator.Options options)
            {
                (options.CancellationBehavior, options.CancellationToken, options.NumberOfEpochs, options.TokensPerBatch) = (behavior, source.Token, 1000, 64);
                options.Progress = new Told(() =>
                {
                    if (++steps == 3)
                        source.Cancel();
                });
            }
            if (behavior == CancellationBehavior.Throw)
                Assert.ThrowsAny<OperationCanceledException>(() => Encoders.Fit(_mlContext, data, Change));
            else
                Encoders.Fit(_mlContext, data, Change).Dispose();
            Assert.Equal(3, steps);
        }
    }

    [Fact]
    public void Vectors_SeparateTopics_WithoutLabels()
    {
        var documents = Toys.Documents(150);
        using var model = Encoders.Fit(_mlContext, _mlContext.Data.LoadFromEnumerable(documents), o => (o.NumberOfEpochs, o.NormalizeLength) = (3, true));
        var vectors = Encoders.Vectors(_mlContext, model, [.. documents.Select(document => document.Text)]);
        int right = Enumerable.Range(0, 150).Count(i => documents[i].Label == documents[Enumerable.Range(0, 150).Where(j => j != i)
            .MaxBy(j => vectors[i].Zip(vectors[j], (a, b) => (double)a * b).Sum())].Label);
        Assert.True(right > 110, $"{right} of 150 nearest neighbors are of the same topic; by chance they would be 50");
    }

    private sealed class Told(Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action();
    }
}
