using System.CommandLine;
using System.Globalization;
using Maha.Documents;

namespace Maha.Tool.Input;

/// <summary>The options by which a command reads CSV and TSV files.</summary>
internal sealed class CsvOptions
{
    private static readonly Dictionary<string, char> s_separators = new(StringComparer.OrdinalIgnoreCase)
    {
        ["comma"] = ',',
        ["tab"] = '\t',
        ["\\t"] = '\t',
        ["semicolon"] = ';',
        ["pipe"] = '|',
        ["space"] = ' ',
    };

    private readonly Option<bool> _noHeader = new("--no-header")
    {
        Description = "the first record of CSV and TSV files is a document, not the names of the columns; fields are numbers from 0",
    };

    private readonly Option<string?> _separator = new("--separator")
    {
        Description = "the separator of CSV files: a character, or comma, tab, semicolon, pipe or space (a tab in .tsv and .tab files, else a comma)",
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="text">The option of the text's field: a number where there is no header.</param>
    /// <param name="label">The option of the label's field: a number where there is no header.</param>
    public CsvOptions(Command command, Option<string> text, Option<string?> label)
    {
        command.Options.Add(_noHeader);
        command.Options.Add(_separator);
        _separator.Validators.Add(result =>
        {
            if (result.Tokens is [var token, ..] && Separator(token.Value) is null)
            {
                result.AddError(
                    $"--separator must be an ASCII character but no quotation mark or line break, or one of comma, tab, semicolon, pipe and space, but is "
                    + $"'{token.Value}'. Name one, or leave it out.");
            }
        });
        command.Validators.Add(result =>
        {
            if (!result.GetValue(_noHeader))
                return;
            // Defaults are no results yet.
            Check(text.Name, result.GetValue(text) ?? new DocumentLoaderOptions().TextField);
            Check(label.Name, result.GetValue(label));

            void Check(string option, string? field)
            {
                if (field is null || IsNumber(field))
                    return;
                result.AddError(
                    $"{option} must be the number of a column, from 0, with --no-header, but is '{field}'. Set {option}, or leave --no-header out.");
            }
        });
    }

    /// <summary>Whether the first record of a file has the names of its columns.</summary>
    public bool HasHeader(ParseResult parsed) => !parsed.GetValue(_noHeader);

    /// <summary>The separator; null for that of the file's extension.</summary>
    public char? Separator(ParseResult parsed) => parsed.GetValue(_separator) is { } name ? Separator(name) : null;

    private static char? Separator(string name) => s_separators.TryGetValue(name, out char separator) ? separator
        : name is [var character] && char.IsAscii(character) && character is not ('"' or '\r' or '\n' or '\0') ? character
        : null;

    private static bool IsNumber(string field) => int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
