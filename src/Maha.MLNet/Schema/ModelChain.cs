using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Maha.MLNet.Schema;

/// <summary>The transformers of a chain, of which one alone is used: it must give what the chain gives.</summary>
internal static partial class ModelChain
{
    // The types that are assumed for the columns of an input whose schema is not known, the usual ones first.
    private static readonly DataViewType[] s_types =
    [
        TextDataViewType.Instance, NumberDataViewType.Single, BooleanDataViewType.Instance, NumberDataViewType.Int32, NumberDataViewType.Int64,
        NumberDataViewType.UInt32, NumberDataViewType.UInt64, NumberDataViewType.Double, NumberDataViewType.Int16, NumberDataViewType.UInt16,
        NumberDataViewType.SByte, NumberDataViewType.Byte, DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance, TimeSpanDataViewType.Instance,
        new VectorDataViewType(NumberDataViewType.Single), new VectorDataViewType(TextDataViewType.Instance), new KeyDataViewType(typeof(uint), 1),
    ];

    // Of assumed types, so that many columns don't take forever.
    private const int MaxAttempts = 10_000;

    /// <summary>Returns the transformers in their order, those of inner chains among them.</summary>
    public static IEnumerable<ITransformer> Flatten(ITransformer model) => model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flatten) : [model];

    /// <summary>Checks that the other transformers of a chain change neither the text that one of them reads nor the columns that it adds.</summary>
    /// <remarks>
    /// They may copy the text from a column that the caller gives, leave out columns, write any other column, and map the keys of a predicted label to their
    /// values.
    /// </remarks>
    /// <param name="model">The chain.</param>
    /// <param name="used">The transformer that is used.</param>
    /// <param name="text">The column that it reads.</param>
    /// <param name="added">The columns that it adds and that are used.</param>
    /// <param name="inputSchema">The schema of the chain's input; null if it is not known.</param>
    /// <param name="parameter">The name of the argument in messages.</param>
    /// <exception cref="ArgumentException">A transformer writes such a column, or its columns can't be found out.</exception>
    public static void RequireUnchanged(
        ITransformer model, ITransformer used, string text, IEnumerable<string> added, DataViewSchema? inputSchema, string parameter)
    {
        ITransformer[] chain = [.. Flatten(model)];
        if (chain.Length == 1)
            return;
        var schemas = Follow(chain, used, inputSchema, parameter);
        int place = Array.IndexOf(chain, used);
        string read = text;
        for (int i = place - 1; i >= 0; i--)
        {
            if (!Writes(i, read))
                continue;
            if (chain[i] is not ColumnCopyingTransformer)
            {
                throw new ArgumentException(
                    $"The other transformers of a chain must not write the texts that its {NameOf(used)} reads, since it is used alone, but " +
                    $"{NameOf(chain[i])} writes '{read}'. Apply this step to the texts yourself, and give or save the {NameOf(used)} alone.", parameter);
            }
            read = Source(i, read);
        }
        foreach (string column in added)
        {
            for (int i = place + 1; i < chain.Length; i++)
            {
                if (!Writes(i, column) || (chain[i] is KeyToValueMappingTransformer or ColumnCopyingTransformer && Source(i, column) == column))
                    continue;
                throw new ArgumentException(
                    $"The other transformers of a chain must not write the columns that its {NameOf(used)} adds, since it is used alone, but " +
                    $"{NameOf(chain[i])} writes '{column}'. Apply this step to the results yourself, and give or save the {NameOf(used)} alone.", parameter);
            }
        }

        // A column that is written hides the one of its name, or has another type.
        bool Writes(int i, string column)
        {
            var (before, after) = (schemas[i].GetColumnOrNull(column), schemas[i + 1].GetColumnOrNull(column));
            return after is not null && (before?.Type.Equals(after.Value.Type) != true || Count(schemas[i + 1], column) > Count(schemas[i], column));
        }

        static int Count(DataViewSchema schema, string name) => schema.Count(column => column.Name == name);

        // The column that a transformer computes a column from.
        string Source(int i, string column) =>
            chain[i].GetRowToRowMapper(schemas[i]).GetDependencies([schemas[i + 1][column]]).Single().Name;
    }

    // The schemas before each transformer and after the last one.
    private static DataViewSchema[] Follow(ITransformer[] chain, ITransformer used, DataViewSchema? inputSchema, string parameter)
    {
        var assumed = new List<(string Name, int Type)>();
        var schemas = new DataViewSchema[chain.Length + 1];
        int attempts = 0;
        for (int i = 0; i < chain.Length;)
        {
            if (i == 0)
                schemas[0] = Extend(inputSchema, assumed);
            try
            {
                schemas[i + 1] = chain[i].GetOutputSchema(schemas[i]);
                i++;
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                if (++attempts > MaxAttempts || !Assume(e.Message, schemas[i], assumed))
                {
                    throw new ArgumentException(
                        $"The columns that the transformers of a chain read and write must be known, since its {NameOf(used)} is used alone, but those of " +
                        $"{NameOf(chain[i])} are not: {e.Message.TrimEnd('.')}. Give or save the {NameOf(used)} alone.", parameter, e);
                }
                i = 0;
            }
        }
        return schemas;
    }

    private static DataViewSchema Extend(DataViewSchema? inputSchema, List<(string Name, int Type)> assumed)
    {
        var builder = new DataViewSchema.Builder();
        if (inputSchema is not null)
            builder.AddColumns(inputSchema);
        foreach (var (name, type) in assumed)
            builder.AddColumn(name, s_types[type]);
        return builder.ToSchema();
    }

    // Adds the columns that a message of ML.NET says are missing; if there is none, goes on to the next types of the assumed columns, the last one first.
    private static bool Assume(string message, DataViewSchema schema, List<(string Name, int Type)> assumed)
    {
        string[] missing =
        [
            .. ColumnNames().Matches(message).SelectMany(match => match.Groups[1].Value.Split(',')).Distinct()
                .Where(name => schema.GetColumnOrNull(name) is null && assumed.TrueForAll(column => column.Name != name)),
        ];
        assumed.AddRange(missing.Select(name => (name, 0)));
        if (missing.Length > 0)
            return true;
        for (int i = assumed.Count - 1; i >= 0; i--)
        {
            var (name, type) = assumed[i];
            assumed[i] = (name, (type + 1) % s_types.Length);
            if (assumed[i].Type > 0)
                return true;
        }
        return false;
    }

    private static string NameOf(ITransformer transformer)
    {
        var type = transformer.GetType();
        string name = type.Name.Split('`')[0];
        return type.DeclaringType is { } outer ? $"{outer.Name}.{name}" : name;
    }

    // One name in quotes, or several with commas.
    [GeneratedRegex("[Cc]olumn '([^']+)'")]
    private static partial Regex ColumnNames();
}
