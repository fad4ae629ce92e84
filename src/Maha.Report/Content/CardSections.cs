using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Maha.Layers.Attention;
using Maha.MLNet;
using Microsoft.ML;
using TorchSharp;

namespace Maha.Report.Content;

/// <summary>The sections of a model card: the model, the options, the data, the versions, the log.</summary>
internal static class CardSections
{
    // What says how a training is watched, not what it does.
    private static readonly HashSet<string> s_left =
    [
        nameof(MahaEstimatorOptions.Progress), nameof(MahaEstimatorOptions.CancellationToken), nameof(MahaEstimatorOptions.CancellationBehavior),
        nameof(MahaEstimatorOptions.CheckpointPath), nameof(MahaEstimatorOptions.CheckpointInterval),
    ];

    /// <summary>Writes the sections.</summary>
    public static void Add(Html page, ReportedModel model, TestResult test, DataDescription? training, ReportOptions options)
    {
        page.Markup("<section>").Element("h2", "Model card").Markup("<div class=\"cards\">");
        Table(page, "Model", Model(model));
        Table(page, "Data", Data(test, training));
        Table(page, "Versions", Versions());
        page.Markup("</div>");
        if (options.TrainerOptions is { } trainer)
        {
            var (changed, defaults) = Options(trainer);
            page.Markup("<details open><summary>Options that were set</summary>");
            Table(page, null, changed.Count > 0 ? changed : [("all", "defaults")]);
            page.Markup("</details><details><summary>Options at their defaults</summary>");
            Table(page, null, defaults);
            page.Markup("</details>");
        }
        if (options.Log.Count > 0)
            page.Markup("<details><summary>Log</summary><pre>").Text(string.Join('\n', options.Log)).Markup("</pre></details>");
        page.Markup("</section>");
    }

    private static List<(string Name, string Value)> Model(ReportedModel model)
    {
        var manifest = model.Classifier.Manifest;
        List<(string, string)> facts =
        [
            ("trainer", model.Trainer),
            ("labels", string.Join(", ", manifest.Labels.Take(30)) + (manifest.Labels.Count > 30 ? $", ... ({manifest.Labels.Count})" : "")),
            ("network", manifest.Windows is { } windows
                ? $"a pretrained encoder in windows of {windows.WindowLength} tokens" : "a transformer over the whole document"),
            ("layers, width, heads", $"{manifest.Model.NumLayers}, {manifest.Model.DModel}, {manifest.Model.NumHeads}"),
            ("attention", AttentionOf(manifest.Model.OfLayer(0).Attention)),
            ("vocabulary", Numbers.Count(manifest.Model.VocabSize)),
            ("tokens that are read", $"{Numbers.Count(manifest.MaxDocumentTokens)}, then {manifest.OverlongDocuments}"),
            ("weight of the n-grams", manifest.NGrams is { } fusion ? Numbers.Fixed(fusion.Wide) : "no n-grams"),
            ("weight of the network", manifest.NGrams is { } both ? Numbers.Fixed(both.Deep) : "1"),
            ("temperature", Numbers.Fixed(manifest.Temperature)),
        ];
        if (model.IsBinary)
            facts.Add(("threshold", Numbers.Fixed(manifest.Threshold)));
        if (manifest.AbstentionThreshold is { } abstention)
            facts.Add(("abstains below a probability of", Numbers.Fixed(abstention)));
        return facts;
    }

    private static string AttentionOf(AttentionOptions attention) => attention.GetType().Name.Replace("Options", "", StringComparison.Ordinal);

    private static List<(string Name, string Value)> Data(TestResult test, DataDescription? training)
    {
        var facts = new List<(string, string)>();
        if (training is not null)
        {
            facts.Add(("training documents", $"{Numbers.Count(training.Documents)} with {Numbers.Count(training.Characters)} characters"));
            facts.Add(("SHA-256 of the training data", training.Hash));
        }
        facts.Add(("test documents", $"{Numbers.Count(test.Data.Documents)} with {Numbers.Count(test.Data.Characters)} characters"));
        facts.Add(("SHA-256 of the test data", test.Data.Hash));
        return facts;
    }

    private static List<(string Name, string Value)> Versions() =>
    [
        ("created", DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)),
        ("Maha", VersionOf(typeof(MahaTransformer))),
        ("ML.NET", VersionOf(typeof(MLContext))),
        ("TorchSharp", VersionOf(typeof(torch))),
        ("libtorch", torch.__version__),
        (".NET", RuntimeInformation.FrameworkDescription),
        ("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} processors"),
    ];

    private static string VersionOf(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? type.Assembly.GetName().Version?.ToString() ?? "unknown";

    private static (List<(string Name, string Value)> Changed, List<(string Name, string Value)> Defaults) Options(object options)
    {
        object blank = Activator.CreateInstance(options.GetType())!;
        var (changed, defaults) = (new List<(string, string)>(), new List<(string, string)>());
        foreach (var property in options.GetType().GetProperties().OrderBy(property => property.Name, StringComparer.Ordinal))
        {
            if (s_left.Contains(property.Name) || !property.CanRead || property.GetIndexParameters().Length > 0)
                continue;
            object? value = property.GetValue(options);
            (Equals(value, property.GetValue(blank)) ? defaults : changed).Add((property.Name, Show(value)));
        }
        return (changed, defaults);
    }

    private static string Show(object? value) => value switch
    {
        null => "none",
        PretrainedSource source => source.Name,
        IDataView => "given",
        IEnumerable<KeyValuePair<string, double>> pairs =>
            List(pairs.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} = {Show(pair.Value)}")),
        IEnumerable values and not string => List(values.Cast<object?>().Select(Show)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "empty",
    };

    private static string List(IEnumerable<string> values) => string.Join(", ", values) is { Length: > 0 } text ? text : "empty";

    private static void Table(Html page, string? title, IReadOnlyList<(string Name, string Value)> facts)
    {
        page.Markup("<div class=\"card\">");
        if (title is not null)
            page.Element("h3", title);
        page.Markup("<table class=\"facts\"><tbody>");
        foreach (var (name, value) in facts)
            page.Markup("<tr>").Element("th", name).Element("td", value).Markup("</tr>");
        page.Markup("</tbody></table></div>");
    }
}
