using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed partial class ModelOperationsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal ModelOperationsCatalog(IHostEnvironment env)
    {
        _env = env;
    }

    IHostEnvironment IInternalCatalog.Environment => _env;

    public void Save(ITransformer model, DataViewSchema inputSchema, Stream stream)
    {
        _env.CheckValue(stream, nameof(stream));
        using var repository = new RepositoryWriter(stream, _env);
        ModelSaveContext.SaveModelCore(repository, model, ModelFile.TransformerDirectory);
        if (inputSchema != null)
            repository.WriteEntry(ModelFile.SchemaEntryName, entry => SchemaFile.Write(entry, inputSchema));
    }

    public void Save(ITransformer model, DataViewSchema inputSchema, string filePath)
    {
        _env.CheckNonEmpty(filePath, nameof(filePath));
        using FileStream stream = File.Create(filePath);
        Save(model, inputSchema, stream);
    }

    public ITransformer Load(Stream stream, out DataViewSchema inputSchema)
    {
        _env.CheckValue(stream, nameof(stream));
        using var repository = new RepositoryReader(stream, _env);
        inputSchema = null;
        using (Stream schema = repository.OpenEntryOrNull(ModelFile.SchemaEntryName))
            if (schema != null)
                inputSchema = SchemaFile.Read(schema, _env);
        if (!ModelLoadContext.TryLoad<ITransformer, SignatureLoadModel>(_env, repository, ModelFile.TransformerDirectory, out ITransformer model))
            throw _env.ExceptDecode($"The file is no model: it has no entry '{ModelFile.TransformerDirectory}/{ModelFile.ModelStreamName}'.");
        return model;
    }

    public ITransformer Load(string filePath, out DataViewSchema inputSchema)
    {
        _env.CheckNonEmpty(filePath, nameof(filePath));
        using FileStream stream = File.OpenRead(filePath);
        return Load(stream, out inputSchema);
    }

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, bool ignoreMissingColumns = true, SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class
        where TDst : class, new() =>
        new(_env, transformer, ignoreMissingColumns, inputSchemaDefinition, outputSchemaDefinition, ownsTransformer: true);

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, DataViewSchema inputSchema)
        where TSrc : class
        where TDst : class, new()
    {
        _env.CheckValue(inputSchema, nameof(inputSchema));
        return new PredictionEngine<TSrc, TDst>(_env, transformer, false, SchemaDefinition.Create(typeof(TSrc), inputSchema), null, ownsTransformer: true);
    }

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, PredictionEngineOptions options)
        where TSrc : class
        where TDst : class, new()
    {
        _env.CheckValue(options, nameof(options));
        return new PredictionEngine<TSrc, TDst>(_env, transformer, options.IgnoreMissingColumns, options.InputSchemaDefinition, options.OutputSchemaDefinition, options.OwnsTransformer);
    }
}
