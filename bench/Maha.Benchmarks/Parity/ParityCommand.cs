using System.Globalization;
using Maha.TestData.Parity;

namespace Maha.Benchmarks.Parity;

/// <summary>
/// Compares the layers with reference vector files: one line per file, failure where an error is too large or a field was not compared.
/// </summary>
internal static class ParityCommand
{
    /// <summary>Compares the files of the command line.</summary>
    public static int Run(string[] args)
    {
        if (args.FirstOrDefault(arg => arg.StartsWith('-')) is { } option)
            throw new UsageException($"there are no options, but '{option}' was given. Give files only.");
        if (args.Length == 0)
        {
            throw new UsageException(
                "at least one reference vector file must be given. Example: ./bench.sh parity tests/Maha.Layers.Tests/Vectors/maha/*.json");
        }
        int failures = args.Count(path => !CompareFile(path));
        return failures == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool CompareFile(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        try
        {
            var comparison = ReferenceVectors.Compare(path);
            // Written so that NaN is no match.
            bool matches = comparison.Values > 0 && comparison.MaxRelativeError <= comparison.Tolerance;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name} values={comparison.Values} max_abs_error={comparison.MaxAbsoluteError:0.###e+00} "
                    + $"max_rel_error={comparison.MaxRelativeError:0.###e+00}{(matches ? "" : $" FAILED at {comparison.Worst}")}"));
            return matches;
        }
        // A file fails for any error, and the files after it are still compared.
        catch (Exception problem)
        {
            Console.WriteLine($"{name} FAILED: {problem.Message.ReplaceLineEndings(" ")}");
            return false;
        }
    }
}
