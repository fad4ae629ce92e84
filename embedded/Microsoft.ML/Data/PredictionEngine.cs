using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public abstract class PredictionEngineBase<TSrc, TDst> : IDisposable
    where TSrc : class
    where TDst : class, new()
{
    private readonly InputRow<TSrc> _inputRow;
    private readonly DataViewRow _outputRow;
    private readonly Action<TDst> _fill;
    private readonly ITransformer _transformer;
    private readonly bool _ownsTransformer;
    private bool _disposed;

    private protected PredictionEngineBase(IHostEnvironment env, ITransformer transformer, bool ignoreMissingColumns, SchemaDefinition inputSchemaDefinition, SchemaDefinition outputSchemaDefinition, bool ownsTransformer)
    {
        env.CheckValue(transformer, nameof(transformer));
        env.CheckParam(transformer.IsRowToRowMapper, nameof(transformer), "Must be a row to row mapper");
        _transformer = transformer;
        _ownsTransformer = ownsTransformer;
        _inputRow = new InputRow<TSrc>(inputSchemaDefinition);
        IRowToRowMapper mapper = transformer.GetRowToRowMapper(_inputRow.Schema);
        (_, Func<DataViewRow, Action<TDst>> bind) = RowType<TDst>.Create(outputSchemaDefinition, SchemaDefinition.Direction.Write).Match(env, mapper.OutputSchema, ignoreMissingColumns);
        _outputRow = mapper.GetRow(_inputRow, mapper.OutputSchema);
        _fill = bind(_outputRow);
        OutputSchema = transformer.GetOutputSchema(_inputRow.Schema);
    }

    public DataViewSchema OutputSchema { get; }

    public TDst Predict(TSrc example)
    {
        var prediction = new TDst();
        Predict(example, ref prediction);
        return prediction;
    }

    public abstract void Predict(TSrc example, ref TDst prediction);

    private protected void ExtractValues(TSrc example) => _inputRow.ExtractValues(example);

    private protected void FillValues(TDst prediction) => _fill(prediction);

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _outputRow.Dispose();
        _inputRow.Dispose();
        if (_ownsTransformer)
            (_transformer as IDisposable)?.Dispose();
    }
}

public sealed class PredictionEngine<TSrc, TDst> : PredictionEngineBase<TSrc, TDst>
    where TSrc : class
    where TDst : class, new()
{
    internal PredictionEngine(IHostEnvironment env, ITransformer transformer, bool ignoreMissingColumns, SchemaDefinition inputSchemaDefinition, SchemaDefinition outputSchemaDefinition, bool ownsTransformer)
        : base(env, transformer, ignoreMissingColumns, inputSchemaDefinition, outputSchemaDefinition, ownsTransformer)
    {
    }

    public override void Predict(TSrc example, ref TDst prediction)
    {
        Contracts.CheckValue(example, nameof(example));
        ExtractValues(example);
        prediction ??= new TDst();
        FillValues(prediction);
    }
}

public sealed class PredictionEngineOptions
{
    public bool IgnoreMissingColumns = true;
    public SchemaDefinition InputSchemaDefinition;
    public SchemaDefinition OutputSchemaDefinition;
    public bool OwnsTransformer = true;
}
