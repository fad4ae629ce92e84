using System.Globalization;
using System.Reflection;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Microsoft.ML;

namespace Maha.Benchmarks.Classification;

/// <summary>A measured way to train: the bag of words, the defaults, or the defaults with some options changed.</summary>
internal sealed class LearnVariant
{
    /// <summary>The name of <c>FeaturizeText</c> and <c>SdcaMaximumEntropy</c>, both with their defaults.</summary>
    public const string BaselineName = "baseline";

    /// <summary>The name of the classifier with its defaults.</summary>
    public const string DefaultName = "default";

    /// <summary>The name of the classifier with its defaults but without n-grams.</summary>
    public const string NetworkName = "network";

    // The short name that users try first.
    private const string MaxTokens = "MaxTokens";

    private static readonly PropertyInfo[] s_properties = [.. typeof(MahaTextClassificationTrainer.Options).GetProperties()
        .Where(property => property.CanWrite && IsText(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType)
            && !property.Name.EndsWith("ColumnName", StringComparison.Ordinal) && property.Name != nameof(MahaTextClassificationTrainer.Options.Seed))
        .OrderBy(property => property.Name, StringComparer.Ordinal)];

    private readonly (PropertyInfo Property, object? Value)[] _changes;

    private LearnVariant(string name, (PropertyInfo, object?)[] changes)
    {
        Name = name;
        _changes = changes;
    }

    public static LearnVariant Baseline { get; } = new(BaselineName, []);

    /// <summary>Creates the classifier with its defaults.</summary>
    /// <param name="pretrained">The pretrained weights; null for none.</param>
    public static LearnVariant Default(PretrainedSource? pretrained) => new(DefaultName, Start(pretrained));

    /// <summary>Creates the classifier without n-grams.</summary>
    /// <param name="pretrained">The pretrained weights; null for none.</param>
    public static LearnVariant Network(PretrainedSource? pretrained) =>
        new(NetworkName, [.. Start(pretrained), (typeof(MahaTextClassificationTrainer.Options).GetProperty(nameof(MahaTextClassificationTrainer.Options.NGrams))!, false)]);

    public string Name { get; }

    public bool IsBaseline => this == Baseline;

    /// <summary>All options with their values, which tell this variant's results from those of other defaults. Empty for the baseline.</summary>
    public string Settings
    {
        get
        {
            if (IsBaseline)
                return "";
            var options = CreateOptions();
            return string.Join(',', s_properties.Select(property => (property.Name, Value: property.GetValue(options))).Where(pair => pair.Value is not null)
                .Select(pair => $"{pair.Name}={Convert.ToString(pair.Value, CultureInfo.InvariantCulture)}"));
        }
    }

    /// <summary>Reads NAME=VALUE,NAME=VALUE.</summary>
    /// <param name="text">The options.</param>
    /// <param name="pretrained">The pretrained weights where the options name none; null for none.</param>
    /// <exception cref="UsageException">There is no such option, or it does not take the value.</exception>
    public static LearnVariant Parse(string text, PretrainedSource? pretrained = null)
    {
        var changes = new List<(PropertyInfo, object?)>(Start(pretrained));
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int equals = part.IndexOf('=');
            if (equals < 1)
                throw new UsageException($"--options takes NAME=VALUE,NAME=VALUE, but got '{part}'.");
            string name = part[..equals], value = part[(equals + 1)..];
            if (name.Equals(MaxTokens, StringComparison.OrdinalIgnoreCase))
                name = nameof(MahaTextClassificationTrainer.Options.MaxSequenceLength);
            var property = s_properties.FirstOrDefault(property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                ?? throw new UsageException($"--options must name options of the trainer, but there is no '{name}'. There "
                    + $"are: {string.Join(", ", s_properties.Select(property => property.Name))}. Seeds are given by --seeds.");
            changes.Add((property, ValueOf(property, value)));
        }
        var variant = new LearnVariant(text.Replace(' ', '_'), [.. changes]);
        try
        {
            new MLContext().MulticlassClassification.Trainers.MahaTextClassification(variant.CreateOptions());
        }
        catch (ArgumentException refusal)
        {
            throw new UsageException($"--options {text}: {refusal.Message}");
        }
        return variant;
    }

    /// <summary>The options of a training.</summary>
    public MahaTextClassificationTrainer.Options CreateOptions()
    {
        var options = new MahaTextClassificationTrainer.Options();
        foreach (var (property, value) in _changes)
            property.SetValue(options, value);
        return options;
    }

    private static (PropertyInfo, object?)[] Start(PretrainedSource? pretrained) =>
        pretrained is null ? [] : [(typeof(MahaTextClassificationTrainer.Options).GetProperty(nameof(MahaTextClassificationTrainer.Options.PretrainedModel))!, pretrained)];

    private static object? ValueOf(PropertyInfo property, string value)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType);
        if ((type is not null || property.PropertyType == typeof(string)) && value.Equals("null", StringComparison.OrdinalIgnoreCase))
            return null;
        type ??= property.PropertyType;
        if (type == typeof(PretrainedSource))
            return PretrainedChoice.Parse(value);
        try
        {
            return type.IsEnum ? Enum.Parse(type, value, ignoreCase: true) : type == typeof(TimeSpan)
                ? TimeSpan.Parse(value, CultureInfo.InvariantCulture) : Convert.ChangeType(value, type, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            string rule = type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type))}" : $"a value of {type.Name}";
            throw new UsageException($"--options: {property.Name} must be {rule}, but is '{value}'.");
        }
    }

    private static bool IsText(Type type) => type.IsEnum || type == typeof(string) || type == typeof(int)
        || type == typeof(PretrainedSource) || type == typeof(double) || type == typeof(bool) || type == typeof(TimeSpan);
}
