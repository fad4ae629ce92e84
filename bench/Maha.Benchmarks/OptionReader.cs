using System.Globalization;

namespace Maha.Benchmarks;

/// <summary>Reads options of the form --name value [value ...] and refuses options that the command does not have.</summary>
internal sealed class OptionReader
{
    private readonly Dictionary<string, List<string>> _options = [];

    /// <param name="args">The arguments after the name of the measurement.</param>
    /// <param name="repeatable">Options that may be given more than once; their values are collected.</param>
    public OptionReader(string[] args, params string[] repeatable)
    {
        List<string>? current = null;
        foreach (string arg in args)
        {
            if (arg.StartsWith("--", StringComparison.Ordinal))
            {
                bool isNew = !_options.TryGetValue(arg, out current);
                if (isNew)
                    _options.Add(arg, current = []);
                else if (!repeatable.Contains(arg))
                    throw new UsageException($"option {arg} is given twice.");
                continue;
            }
            if (current is null)
                throw new UsageException($"'{arg}' comes before any option.");
            current.Add(arg);
        }
    }

    public bool Flag(string name)
    {
        if (!_options.Remove(name, out var values))
            return false;
        if (values.Count > 0)
            throw new UsageException($"option {name} takes no value, but got '{values[0]}'.");
        return true;
    }

    public string Text(string name, string fallback) => Texts(name, [fallback]) is [var one]
        ? one : throw new UsageException($"option {name} takes one value.");

    // Lists may be separated by commas or by spaces.
    public IReadOnlyList<string> Texts(string name, string[] fallback) =>
        Values(name) is { } values ? [.. values.SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries))] : fallback;

    /// <summary>Values in which a comma is a comma, such as the names of files; null where the option is not given.</summary>
    public IReadOnlyList<string>? Values(string name)
    {
        if (!_options.Remove(name, out var values))
            return null;
        return values.Any(value => value.Trim(',').Length > 0) ? values : throw new UsageException($"option {name} needs a value.");
    }

    /// <summary>The name of a file; null where the option is not given.</summary>
    public string? File(string name) => Values(name) is not { } values ? null : values is [var one]
        ? one : throw new UsageException($"option {name} takes one file.");

    public int Integer(string name, int fallback) => Integers(name, [fallback]) is [var one]
        ? one : throw new UsageException($"option {name} takes one value.");

    public IReadOnlyList<int> Integers(string name, int[] fallback) =>
        [.. Texts(name, [.. fallback.Select(value => value.ToString(CultureInfo.InvariantCulture))]).Select(text =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
                ? value
                : throw new UsageException($"option {name} takes whole numbers above 0, but got '{text}'."))];

    /// <summary>A number of at least 0, with a decimal point.</summary>
    public double Number(string name, double fallback)
    {
        string text = Text(name, fallback.ToString(CultureInfo.InvariantCulture));
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) && value >= 0
            ? value
            : throw new UsageException($"{name} must be a number of at least 0, but is '{text}'.");
    }

    /// <summary>Call it after the last option was read.</summary>
    public void RefuseLeft()
    {
        if (_options.Count > 0)
            throw new UsageException($"option {_options.Keys.First()} does not exist here. See ./bench.sh --help.");
    }
}
