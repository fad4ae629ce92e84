using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Maha.Embedded.MicrosoftML.Tests.Transforms;

public sealed class ChainTests
{
    private readonly MLContext _context = new(1);

    private sealed class Row
    {
        public float A { get; set; }
        public string? Text { get; set; }
    }

    private IDataView Data() => _context.Data.LoadFromEnumerable(new Row[] { new() { A = 1, Text = "b" }, new() { A = 2, Text = "a" } });

    [Fact]
    public void Steps_SeeTheColumnsOfTheStepsBefore()
    {
        TransformerChain<KeyToValueMappingTransformer> model = _context.Transforms.CopyColumns("B", "Text")
            .Append(_context.Transforms.Conversion.MapValueToKey("Key", "B"))
            .Append(_context.Transforms.Conversion.MapKeyToValue("Back", "Key")).Fit(Data());

        Assert.Equal(3, model.Count());
        Assert.Same(model.Last(), model.LastTransformer);
        Assert.Equal(["b", "a"], model.Transform(Data()).GetColumn<string>("Back"));
    }

    [Fact]
    public void Scope_ChoosesTheStepsOfTheModelForScoring()
    {
        TransformerChain<ColumnCopyingTransformer> model = _context.Transforms.CopyColumns("B", "A")
            .Append(_context.Transforms.CopyColumns("Training", "A"), TransformerScope.TrainTest)
            .Append(_context.Transforms.CopyColumns("C", "B")).Fit(Data());

        Assert.Equal(["A", "Text", "B", "Training", "C"], model.Transform(Data(), TransformerScope.TrainTest).Schema.Select(c => c.Name));
        Assert.Equal(["A", "Text", "B", "C"], model.Transform(Data()).Schema.Select(c => c.Name));
    }

    [Fact]
    public void Scopes_SurviveTheModelFile()
    {
        ITransformer model = _context.Transforms.CopyColumns("B", "A")
            .Append(_context.Transforms.CopyColumns("Training", "A"), TransformerScope.TrainTest).Fit(Data());
        using var file = new MemoryStream();
        _context.Model.Save(model, Data().Schema, file);
        file.Position = 0;

        var loaded = (TransformerChain<ITransformer>)_context.Model.Load(file, out DataViewSchema schema);
        Assert.Equal(["A", "Text"], schema.Select(c => c.Name));
        Assert.Equal(["A", "Text", "B", "Training"], loaded.Transform(Data(), TransformerScope.TrainTest).Schema.Select(c => c.Name));
        Assert.Equal(["A", "Text", "B"], loaded.GetModelFor(TransformerScope.Scoring).Transform(Data()).Schema.Select(c => c.Name));
    }

    [Fact]
    public void CacheCheckpoint_LetsLaterStepsReadTheCache()
    {
        int reads = 0;
        IEnumerable<Row> Source()
        {
            reads++;
            yield return new Row { A = 1, Text = "b" };
        }
        IEstimator<ITransformer> pipeline = _context.Transforms.CopyColumns("B", "A").AppendCacheCheckpoint(_context)
            .Append(_context.Transforms.Conversion.MapValueToKey("Key", "Text"))
            .Append(_context.Transforms.Conversion.MapValueToKey("Key2", "B"));

        pipeline.Fit(_context.Data.LoadFromEnumerable(Source()));
        // Text and B enter the cache in the order in which the trained steps ask for them.
        Assert.InRange(reads, 1, 2);
    }

    [Fact]
    public void WithOnFitDelegate_SeesTheFittedStep()
    {
        ColumnCopyingTransformer? seen = null;
        TransformerChain<ColumnCopyingTransformer> model = _context.Transforms.CopyColumns("B", "A").WithOnFitDelegate(t => seen = t)
            .Append(_context.Transforms.CopyColumns("C", "A")).Fit(Data());

        Assert.Same(model.First(), seen);
    }

    [Fact]
    public void Dispose_DisposesTheStepsOnce()
    {
        var first = new Disposable(_context.Transforms.CopyColumns("B", "A").Fit(Data()));
        var second = new Disposable(_context.Transforms.CopyColumns("C", "A").Fit(Data()));
        var chain = new TransformerChain<ITransformer>(first, second);

        chain.Dispose();
        chain.Dispose();
        Assert.Equal((1, 1), (first.Disposals, second.Disposals));
    }

    [Fact]
    public void EngineOwnsTheModel_UnlessToldOtherwise()
    {
        var model = new Disposable(_context.Transforms.CopyColumns("B", "A").Fit(Data()));
        PredictionEngine<Row, Copied> borrowing = _context.Model.CreatePredictionEngine<Row, Copied>(model, new PredictionEngineOptions { OwnsTransformer = false });
        borrowing.Dispose();
        Assert.Equal(0, model.Disposals);

        PredictionEngine<Row, Copied> owning = _context.Model.CreatePredictionEngine<Row, Copied>(model);
        Assert.Equal(3, owning.Predict(new Row { A = 3 }).B);
        owning.Dispose();
        owning.Dispose();
        Assert.Equal(1, model.Disposals);
    }

    private sealed class Copied
    {
        public float B { get; set; }
    }

    private sealed class Disposable(ITransformer inner) : ITransformer, IDisposable
    {
        public int Disposals { get; private set; }

        public bool IsRowToRowMapper => inner.IsRowToRowMapper;

        public void Dispose() => Disposals++;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inner.GetOutputSchema(inputSchema);

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => inner.GetRowToRowMapper(inputSchema);

        public IDataView Transform(IDataView input) => inner.Transform(input);

        void ICanSaveModel.Save(ModelSaveContext ctx) => inner.Save(ctx);
    }
}
