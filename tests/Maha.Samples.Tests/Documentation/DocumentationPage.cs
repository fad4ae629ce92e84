using System.Text;
using System.Text.RegularExpressions;

namespace Maha.Samples.Tests.Documentation;

/// <summary>The C# of a page of the documentation as one source file, whose lines are numbered as in the page.</summary>
internal static partial class DocumentationPage
{
    private const string Fence = "```";

    /// <summary>The namespaces of the packages, and of .NET what the fragments use beyond the implicit ones.</summary>
    private const string Usings = """
        using System.Reflection;
        using Maha.Documents;
        using Maha.Layers.Attention;
        using Maha.Layers.Core;
        using Maha.Layers.Data;
        using Maha.Layers.Generation;
        using Maha.Layers.Models;
        using Maha.Layers.Swap;
        using Maha.Layers.Text;
        using Maha.Layers.Training;
        using Maha.Layers.Weights;
        using Maha.MLNet;
        using Maha.MLNet.AutoML;
        using Maha.MLNet.Classification;
        using Maha.MLNet.Explanation;
        using Maha.MLNet.LanguageModel;
        using Maha.MLNet.ModelFiles;
        using Maha.MLNet.MultiLabel;
        using Maha.MLNet.TextEncoding;
        using Maha.Report;
        using Microsoft.ML;
        using Microsoft.ML.AutoML;
        using Microsoft.ML.Data;
        using TorchSharp;
        using static TorchSharp.torch;
        """;

    /// <summary>The classes of the first program, which fragments use as well.</summary>
    private const string Rows = """
        internal class Document { public string Label = "", Text = ""; }
        internal class Prediction { public string Topic = ""; }
        """;

    /// <summary>The variables that the fragments of a page use without declaring them.</summary>
    private static readonly Dictionary<string, string> s_given = new()
    {
        ["docs/automl.md"] = "MLContext mlContext, IDataView data, CancellationToken cancellationToken",
        ["docs/classification.md"] = "MLContext mlContext, IDataView data, IDataView test",
        ["docs/gpu.md"] = "MLContext mlContext",
        ["docs/encode.md"] = "MLContext mlContext, IDataView texts",
        ["docs/hierarchical-attention.md"] = "MahaSequenceClassifier classifier, " +
            "IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples, Func<MahaSequenceClassifier, double> Accuracy, " +
            "MLContext mlContext, IDataView data, MahaTextClassificationTransformer trained, IEnumerable<string> sampleTexts",
        ["docs/highlights.md"] = "MLContext mlContext, ITransformer model, string text",
        ["docs/language-model.md"] = "MLContext mlContext, IDataView data, CancellationToken token",
        ["docs/multi-label.md"] = "MLContext mlContext, IDataView data, IDataView test",
        ["docs/operations.md"] = "MLContext mlContext, ITransformer model",
        ["docs/pretrained.md"] = "MLContext mlContext, IDataView data",
        ["docs/report.md"] = "MLContext mlContext, ITransformer model, IDataView testData, IDataView trainingData",
        ["docs/tokenizer.md"] = "IEnumerable<string> texts",
        ["docs/training.md"] = "IEnumerable<(string Text, int Label)> pairsOfTextAndLabel, ByteLevelBpeTokenizer tokenizer, MahaTransformerOptions options, " +
            "int numClasses, TokenizedDataset testDocuments, IProgress<TrainingProgress> progress, CancellationToken token, " +
            "Tensor tokenIds, Tensor keyPaddingMask, Tensor labels, torch.optim.Optimizer optimizer",
        ["docs/weights.md"] = "MahaTokenModel model, Func<string, string?> Rename",
        ["src/Maha.Report/README.md"] = "MLContext mlContext, ITransformer model, IDataView data, IDataView testData",
        ["samples/Data/ManualPages/README.md"] = "MLContext mlContext",
    };

    /// <summary>Returns the pages with C#, relative to the repository.</summary>
    public static IEnumerable<string> Find(string root) =>
        new[] { "docs", "src", "samples" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*.md", SearchOption.AllDirectories))
            .Append(Path.Combine(root, "README.md"))
            .Where(file => File.ReadLines(file).Contains(Fence + "csharp"))
            .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    /// <summary>
    /// Returns the blocks of a page in their order. A page that begins with using directives is a file as it is; the blocks of any other are the statements of
    /// one method.
    /// </summary>
    public static string ReadSource(string root, string page)
    {
        string blocks = ReadBlocks(root, page);
        if (UsingDirective().IsMatch(blocks))
            return blocks;
        return $$"""
            {{Usings}}
            {{Rows}}
            internal static class Page
            {
                internal static async Task Run({{s_given.GetValueOrDefault(page)}})
                {
            {{blocks}}
                    await Task.CompletedTask;
                }
            }
            """;
    }

    private static string ReadBlocks(string root, string page)
    {
        var source = new StringBuilder();
        bool isCode = false;
        int number = 0;
        foreach (string line in File.ReadLines(Path.Combine(root, page)))
        {
            number++;
            if (isCode && line == Fence)
            {
                isCode = false;
                source.AppendLine("#line default");
            }
            else if (isCode)
            {
                source.AppendLine(line);
            }
            else if (line == Fence + "csharp")
            {
                isCode = true;
                source.AppendLine($"#line {number + 1} \"{page}\"");
            }
        }
        return source.ToString();
    }

    [GeneratedRegex(@"^using (static )?[\w.]+;", RegexOptions.Multiline)]
    private static partial Regex UsingDirective();
}
