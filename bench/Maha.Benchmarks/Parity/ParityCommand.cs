using System.Globalization;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Parity;

/// <summary>
/// Compares the layers with reference vector files: one line a file, failure where an error is too large or a field was not compared.
/// </summary>
internal static class ParityCommand
{
    /// <summary>The largest relative error in float64 that counts as equal: sums of some hundred products, in another order.</summary>
    public const double Tolerance = 1e-9;

    private static readonly IVectorKind[] s_kinds =
    [
        new BlockVectors(),
        new TransformerVectors(),
        new GatingVectors(),
        new PoolVectors(),
        new TreeVectors(),
    ];

    /// <summary>Compares the files of the command line.</summary>
    public static int Run(string[] args)
    {
        if (args.FirstOrDefault(arg => arg.StartsWith('-')) is { } option)
            throw new UsageException($"there are no options, but '{option}' was given. Give files only.");
        if (args.Length == 0)
            throw new UsageException("at least one reference vector file must be given. Example: ./bench.sh parity tests/Maha.Layers.Tests/Vectors/maha/*.json");
        int failures = args.Count(path => !CompareFile(path));
        return failures == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>Compares a file in an element type. Throws where the file has a kind or fields that are not known.</summary>
    public static Comparison Compare(string path, ScalarType type = ScalarType.Float64)
    {
        using var scope = NewDisposeScope();
        var file = VectorFile.Read(path);
        string? what = file.Has("what") ? file.Text("what") : null;
        var kind = s_kinds.FirstOrDefault(kind => kind.Matches(what, file))
            ?? throw new FormatException($"the file must be of a known kind, but says '{what ?? "nothing"}' and has the fields {string.Join(", ", file.Left)}.");
        var comparison = new Comparison();
        kind.Compare(file, comparison, type);
        file.RefuseLeft();
        return comparison;
    }

    private static bool CompareFile(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        try
        {
            var comparison = Compare(path);
            // Written so that NaN is no match.
            bool matches = comparison.Values > 0 && comparison.MaxRelativeError <= comparison.Tolerance;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name} values={comparison.Values} max_abs_error={comparison.MaxAbsoluteError:0.###e+00} max_rel_error={comparison.MaxRelativeError:0.###e+00}{(matches ? "" : $" FAILED at {comparison.Worst}")}"));
            return matches;
        }
        // Whatever is wrong with a file: it fails, and the files behind it are compared all the same.
        catch (Exception problem)
        {
            Console.WriteLine($"{name} FAILED: {problem.Message.ReplaceLineEndings(" ")}");
            return false;
        }
    }
}
