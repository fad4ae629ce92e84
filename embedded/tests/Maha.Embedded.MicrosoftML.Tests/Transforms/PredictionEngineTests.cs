using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Transforms;

public sealed class PredictionEngineTests
{
    private readonly MLContext _context = new(1);

    private sealed class Row
    {
        public float A { get; set; }
        [VectorType(2)]
        public float[]? Pair { get; set; }
        public string? Text { get; set; }
    }

    private sealed class Prediction
    {
        public float[]? All { get; set; }
        public string? Text { get; set; }
    }

    private sealed class WithMore
    {
        public float[]? All { get; set; }
        public float Unknown { get; set; } = 5;
    }

    private ITransformer Model()
    {
        IDataView data = _context.Data.LoadFromEnumerable(new Row[] { new() { A = 1, Pair = [2, 3], Text = "x" } });
        return _context.Transforms.Concatenate("All", "A", "Pair").Fit(data);
    }

    [Fact]
    public void Predictions_AreThoseOfTheBatch()
    {
        Row[] rows = [.. Enumerable.Range(0, 9).Select(i => new Row { A = i, Pair = [i % 3, -i], Text = i % 2 == 0 ? null : "t" + i })];
        ITransformer model = Model();
        using PredictionEngine<Row, Prediction> engine = _context.Model.CreatePredictionEngine<Row, Prediction>(model);
        Prediction[] batch = [.. _context.Data.CreateEnumerable<Prediction>(model.Transform(_context.Data.LoadFromEnumerable(rows)), false)];

        for (int i = 0; i < rows.Length; i++)
        {
            Prediction single = engine.Predict(rows[i]);
            Assert.Equal(batch[i].All, single.All);
            Assert.Equal(batch[i].Text, single.Text);
        }
    }

    [Fact]
    public void PredictionObject_MayBeReused()
    {
        using PredictionEngine<Row, Prediction> engine = _context.Model.CreatePredictionEngine<Row, Prediction>(Model());
        var prediction = new Prediction();
        Prediction same = prediction;

        engine.Predict(new Row { A = 4, Pair = [5, 6] }, ref prediction);
        Assert.Same(same, prediction);
        Assert.Equal([4, 5, 6], prediction.All!);
    }

    [Fact]
    public void ColumnsTheModelDoesNotMake_AreIgnoredUnlessAskedFor()
    {
        using PredictionEngine<Row, WithMore> engine = _context.Model.CreatePredictionEngine<Row, WithMore>(Model());
        Assert.Equal(5, engine.Predict(new Row { Pair = [0, 0] }).Unknown);

        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Model.CreatePredictionEngine<Row, WithMore>(Model(), ignoreMissingColumns: false));
        Assert.Contains("'Unknown'", error.Message);
    }

    [Fact]
    public void InputSchema_GivesTypesThatTheClassLacks()
    {
        IDataView data = _context.Data.LoadFromEnumerable(new Row[] { new() { A = 1, Pair = [2, 3], Text = "x" } });
        using PredictionEngine<Unsized, Prediction> engine = _context.Model.CreatePredictionEngine<Unsized, Prediction>(Model(), data.Schema);

        Assert.Equal([7, 8, 9], engine.Predict(new Unsized { A = 7, Pair = [8, 9] }).All!);
    }

    private sealed class Unsized
    {
        public float A { get; set; }
        public float[]? Pair { get; set; }
        public string? Text { get; set; }
    }

    [Fact]
    public void NullExample_Throws()
    {
        using PredictionEngine<Row, Prediction> engine = _context.Model.CreatePredictionEngine<Row, Prediction>(Model());
        Assert.Throws<ArgumentNullException>(() => engine.Predict(null!));
    }

    [Fact]
    public void VectorOfWrongLength_Throws()
    {
        using PredictionEngine<Row, Prediction> engine = _context.Model.CreatePredictionEngine<Row, Prediction>(Model());
        Assert.ThrowsAny<Exception>(() => engine.Predict(new Row { Pair = [1, 2, 3] }));
    }

    [Fact]
    public void ModelThatNeedsAnotherColumn_NamesIt()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Model.CreatePredictionEngine<WithMore, Prediction>(Model()));
        Assert.Contains("'A'", error.Message);
    }
}
