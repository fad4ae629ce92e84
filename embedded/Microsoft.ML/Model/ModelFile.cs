namespace Microsoft.ML;

internal static class ModelFile
{
    public const string ModelStreamName = "Model.key";
    public const string TransformerDirectory = "TransformerChain";
    public const string SchemaEntryName = "Schema";

    // The version of the file format, as ML.NET names itself in a model.
    public const string ProductVersion = "5.0.0";

    // The assemblies in which ML.NET looks for the loaders of these components.
    public const string CoreAssembly = "Microsoft.ML.Core" + StrongName;
    public const string DataAssembly = "Microsoft.ML.Data" + StrongName;
    public const string TransformsAssembly = "Microsoft.ML.Transforms" + StrongName;
    public const string StandardTrainersAssembly = "Microsoft.ML.StandardTrainers" + StrongName;
    private const string StrongName = ", Version=1.0.0.0, Culture=neutral, PublicKeyToken=cc7b13ffcd2ddd51";

    public static string Combine(string directory, string name) => string.IsNullOrEmpty(directory) ? name : directory + "/" + name;
}
