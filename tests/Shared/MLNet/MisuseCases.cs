using System.Text.RegularExpressions;
using Maha.Layers.Training;

namespace Maha.MLNet.Tests.Misuse;

/// <summary>Runs uses that must be refused, or that must succeed, and collects those that did neither.</summary>
internal sealed partial class MisuseCases
{
    // All uses are small.
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(30);

    private readonly List<string> _failures = [];
    private int _count;

    /// <summary>The use must throw an exception that states the rule, the value and the remedy.</summary>
    /// <param name="name">The use.</param>
    /// <param name="use">The use.</param>
    /// <param name="types">The exceptions that are expected, with those that derive from them; none for an ArgumentException.</param>
    public void Refuses(string name, Action use, params Type[] types) => Run(name, () =>
    {
        if (types.Length == 0)
            types = [typeof(ArgumentException)];
        try
        {
            use();
        }
        catch (Exception e)
        {
            return types.Any(type => type.IsInstanceOfType(e)) ? Violation(e) : $"{e.GetType().Name} instead of {string.Join(" or ", types.Select(type => type.Name))}: {e.Message}";
        }
        return "passes silently";
    });

    /// <summary>The use must succeed, or be refused as <see cref="Refuses"/> says.</summary>
    public void Ends(string name, Action use) => Run(name, () =>
    {
        try
        {
            use();
            return null;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or TrainingDivergedException)
        {
            return Violation(e);
        }
    });

    /// <summary>The use must succeed.</summary>
    public void Succeeds(string name, Action use) => Run(name, () =>
    {
        use();
        return null;
    });

    /// <summary>Fails if a use failed, or if there were fewer than a number of them.</summary>
    public void AssertGood(int atLeast)
    {
        Assert.True(_failures.Count == 0, $"{_failures.Count} of {_count} uses:\n{string.Join('\n', _failures)}");
        Assert.InRange(_count, atLeast, 100_000);
    }

    private void Run(string name, Func<string?> check)
    {
        _count++;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        // What is printed last names the use that ended the process.
        Console.WriteLine(name.Replace('\0', '0'));
        string? failure;
        try
        {
            failure = check();
        }
        catch (Exception e)
        {
            failure = $"{e.GetType().Name}: {e.Message}\n{e.StackTrace}";
        }
        if (watch.Elapsed > s_long)
            failure ??= $"took {watch.Elapsed}";
        if (failure is not null)
            _failures.Add($"{name}: {failure}");
    }

    // The message of .NET for a null argument is the convention, and has all three.
    private static string? Violation(Exception e)
    {
        if (e is ArgumentNullException or OperationCanceledException)
            return null;
        string text = Suffix().Replace(e.Message, "");
        bool statesRule = text.Contains(" must ", StringComparison.Ordinal) || text.Contains("must not", StringComparison.Ordinal);
        bool statesValue = text.Contains(" but ", StringComparison.Ordinal);
        // A sentence after the one with the value, or the values to choose from.
        bool statesRemedy = Remedy().IsMatch(text) || text.Contains("must be one of", StringComparison.Ordinal);
        return statesRule && statesValue && statesRemedy ? null
            : $"{e.GetType().Name} without {(statesRule ? statesValue ? "a remedy" : "the value" : "the rule")}: {e.Message}";
    }

    [GeneratedRegex(@"\s*\(Parameter '.*'\)|\s*Actual value was .*$", RegexOptions.Singleline)]
    private static partial Regex Suffix();

    [GeneratedRegex(@" but .*\. [A-Z].*\.$", RegexOptions.Singleline)]
    private static partial Regex Remedy();
}
