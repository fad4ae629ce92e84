using Maha.Layers.Data;
using Maha.MLNet.Tests.MultiLabel;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests;

/// <summary>A document that is too long is refused with the exception that says so, however many documents are computed together.</summary>
public sealed class OverlongTextTests
{
    private static readonly string s_long = new('x', 400);

    private readonly MLContext _mlContext = new(1);

    [Theory]
    [InlineData("Features", 1)]
    [InlineData("Features", 3)]
    [InlineData("Segments", 1)]
    [InlineData("Segments", 3)]
    public void AnEncoder_ThrowsTheSame_ForEveryColumn(string column, int count)
    {
        string[] texts = ["one two. three four.", "five six. seven.", "eight nine. ten eleven."];
        using var model = Encoders.Fit(_mlContext, Data(texts), o =>
            (o.SegmentColumnName, o.OverlongDocuments, o.MaxSequenceLength) = ("Segments", OverlongDocuments.Throw, 64));
        AssertRefused(model, column, count);
    }

    [Theory]
    [InlineData("multiclass", 1)]
    [InlineData("multiclass", 3)]
    [InlineData("multi-label", 1)]
    [InlineData("multi-label", 3)]
    public void AClassifier_ThrowsTheSame(string kind, int count)
    {
        ITransformer model = kind == "multiclass"
            ? Toys.Trainer(_mlContext, o => o.OverlongDocuments = OverlongDocuments.Throw).Fit(Toys.Keyed(_mlContext, Toys.Documents(12)))
            : LabelToys.Trainer(_mlContext, o => o.OverlongDocuments = OverlongDocuments.Throw).Fit(_mlContext.Data.LoadFromEnumerable(LabelToys.Rows(12)));
        using ((IDisposable)model)
            AssertRefused(model, "Score", count);
    }

    private void AssertRefused(ITransformer model, string column, int count)
    {
        // A text of one segment, one of several, and one among others.
        foreach (string text in new[] { s_long, $"One. {s_long}. Two three." })
        {
            var view = model.Transform(Data([text, .. Enumerable.Repeat("four five. six", count - 1)]));
            var refusal = Assert.ThrowsAny<Exception>(() =>
            {
                using var cursor = view.GetRowCursor([view.Schema[column]]);
                var getter = cursor.GetGetter<VBuffer<float>>(view.Schema[column]);
                VBuffer<float> value = default;
                while (cursor.MoveNext())
                    getter(ref value);
            });
            Assert.IsType<ArgumentException>(refusal);
            Assert.Contains("tokens", refusal.Message);
        }
    }

    private IDataView Data(IEnumerable<string> texts) => _mlContext.Data.LoadFromEnumerable(texts.Select(text => new Document { Text = text }));
}
