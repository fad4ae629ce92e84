using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Maha.Samples.Shared;

/// <summary>The rules that the samples' command lines share.</summary>
public static class CommandLineRules
{
    private const double MaxMinutes = 10_000;

    /// <summary>Refuses numbers below 1.</summary>
    public static void AtLeastOne(params Option[] options)
    {
        foreach (var option in options)
        {
            option.Validators.Add(result =>
            {
                if (Value(result) is { } text && int.TryParse(text, CultureInfo.InvariantCulture, out int value) && value < 1)
                    result.AddError($"{option.Name} must be at least 1, but is {value}.");
            });
        }
    }

    /// <summary>Refuses minutes that are not a positive number.</summary>
    public static void Minutes(Option option) => option.Validators.Add(result =>
    {
        if (Value(result) is { } text && double.TryParse(text, CultureInfo.InvariantCulture, out double value) && !(value is > 0 and <= MaxMinutes))
            result.AddError($"{option.Name} must be above 0 and at most {MaxMinutes}, but is {text}.");
    });

    /// <summary>Creates the folder of a file that is written at the end of a run, so that a wrong path fails before the run.</summary>
    public static void CreateFolderOf(string path) => Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);

    private static string? Value(OptionResult result) => result.Tokens.Count > 0 ? result.Tokens[0].Value : null;
}
