using System.Globalization;

namespace Maha.Benchmarks;

/// <summary>Reads options of the form --name value [value ...] and refuses what nobody asked for.</summary>
internal sealed class OptionReader
{
    private readonly Dictionary<string, List<string>> _options = [];

    public OptionReader(string[] args)
    {
        List<string>? current = null;
        foreach (string arg in args)
        {
            if (arg.StartsWith("--", StringComparison.Ordinal))
            {
                if (!_options.TryAdd(arg, current = []))
                    throw new UsageException($"option {arg} is given twice.");
                continue;
            }
            if (current is null)
                throw new UsageException($"'{arg}' stands before any option.");

            // Lists may be separated by commas or by spaces.
            current.AddRange(arg.Split(',', StringSplitOptions.RemoveEmptyEntries));
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

    public string Text(string name, string fallback) => Texts(name, [fallback]) is [var one] ? one : throw new UsageException($"option {name} takes one value.");

    public IReadOnlyList<string> Texts(string name, string[] fallback)
    {
        if (!_options.Remove(name, out var values))
            return fallback;
        return values.Count > 0 ? values : throw new UsageException($"option {name} needs a value.");
    }

    public int Integer(string name, int fallback) => Integers(name, [fallback]) is [var one] ? one : throw new UsageException($"option {name} takes one value.");

    public IReadOnlyList<int> Integers(string name, int[] fallback) =>
        [.. Texts(name, [.. fallback.Select(value => value.ToString(CultureInfo.InvariantCulture))]).Select(text =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
                ? value
                : throw new UsageException($"option {name} takes whole numbers above 0, but got '{text}'."))];

    /// <summary>Call it after the last option was read.</summary>
    public void RefuseLeft()
    {
        if (_options.Count > 0)
            throw new UsageException($"option {_options.Keys.First()} does not exist here. See ./bench.sh --help.");
    }
}
