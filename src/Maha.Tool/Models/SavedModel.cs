using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>A model of a file, and the columns that its input must have.</summary>
internal sealed class SavedModel : IDisposable
{
    /// <summary>The column that numbers the documents. The model passes it on.</summary>
    public const string IndexColumn = "__document";

    private readonly Lock _lock = new();

    private SavedModel(string path, ITransformer transformer, DataViewSchema inputSchema, DataViewSchema.Column text)
        => (Path, Transformer, InputSchema, Text) = (path, transformer, inputSchema, text);

    public string Path { get; }

    public ITransformer Transformer { get; }

    /// <summary>The columns of the input, and <see cref="IndexColumn"/>.</summary>
    public DataViewSchema InputSchema { get; }

    /// <summary>The column of <see cref="InputSchema"/> that has the text.</summary>
    public DataViewSchema.Column Text { get; }

    /// <summary>Loads a model that ML.NET has saved, of Maha or any other.</summary>
    /// <param name="context">The context.</param>
    /// <param name="path">The file.</param>
    /// <param name="textColumn">The input column of the text; null for Text, or else the only column of texts that is not Label.</param>
    /// <exception cref="UsageException">There is no such file or column.</exception>
    public static SavedModel Load(MLContext context, string path, string? textColumn)
    {
        if (!File.Exists(path))
            throw new UsageException($"--model must name a file that 'maha train' or ML.NET has saved, but there is no '{path}'.");
        var transformer = context.Model.LoadSafely(path, out var saved);
        var builder = new DataViewSchema.Builder();
        if (saved is null)
        {
            // Saved without its input schema.
            builder.AddColumn("Label", TextDataViewType.Instance);
            builder.AddColumn(textColumn ?? "Text", TextDataViewType.Instance);
        }
        foreach (var column in saved?.Where(column => !column.IsHidden) ?? [])
        {
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        }
        builder.AddColumn(IndexColumn, NumberDataViewType.Int64);
        var schema = builder.ToSchema();
        return new SavedModel(path, transformer, schema, FindText(schema, path, textColumn));
    }

    /// <summary>Returns the view of the model over rows of <see cref="InputSchema"/>. Each thread can read a view of its own.</summary>
    public IDataView Transform(IDataView input)
    {
        // ML.NET says that cursors are independent of each other, but not that views can be created at the same time.
        lock (_lock)
            return Transformer.Transform(input);
    }

    public void Dispose() => (Transformer as IDisposable)?.Dispose();

    private static DataViewSchema.Column FindText(DataViewSchema schema, string path, string? name)
    {
        DataViewSchema.Column[] texts = [.. schema.Where(column => column.Type is TextDataViewType)];
        if (name is null)
        {
            if (texts.Any(column => column.Name == "Text"))
                name = "Text";
            else if (texts.Where(column => column.Name != "Label").ToArray() is [var only])
                name = only.Name;
        }
        foreach (var column in texts)
        {
            if (column.Name == name)
                return column;
        }
        string names = string.Join(", ", texts.Select(column => column.Name));
        throw new UsageException(
            $"--text-column must name a column of texts that '{path}' reads, but is {(name is null ? "not set" : $"'{name}'")}. They are: {names}.");
    }
}
