using System.CommandLine;
using Maha.Documents;
using Maha.Documents.Files;
using Maha.Documents.Rows;
using Maha.Tool.Commands;

namespace Maha.Tool.Input;

/// <summary>The options by which a command reads documents.</summary>
internal sealed class InputOptions
{
    // The names that commands write.
    private static readonly string[] s_reserved =
        ["path", "line", "error", "predictedLabel", "predictedLabels", "score", "scores", "vector", "explainedLabel", "probability", "spans"];

    private readonly Argument<string[]> _paths = new("INPUT")
    {
        Description = "files and folders; '-', or none, for standard input",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _pattern = new("--glob") { Description = "the files of folders that are read, for instance '**/*.html'" };
    private readonly Option<string> _format = new("--format")
    {
        Description = "auto: by the extension of a file; standard input is JSON lines if it starts with '{', else one text per line",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<string> _textField = new("--text-field")
    {
        Description = "the JSON property or CSV column of the text, by its name or its number from 0",
        DefaultValueFactory = _ => "text",
    };

    private readonly Option<string?> _labelField = new("--label-field")
    {
        Description = "the JSON property or CSV column of the label ('label', or else the name of the folder)",
    };

    private readonly CsvOptions _csv;

    private readonly Option<int> _maxLength = new("--max-length")
    {
        Description = "the most characters of a document; a longer one is an error",
        DefaultValueFactory = _ => DocumentLoaderOptions.DefaultMaxDocumentLength,
    };

    private readonly Option<string[]> _keep = new("--keep")
    {
        Description = "JSON properties or CSV columns that are copied to the output, for instance id",
        AllowMultipleArgumentsPerToken = false,
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="hasOutput">Whether the command writes a line per document, to which fields can be copied.</param>
    public InputOptions(Command command, bool hasOutput)
    {
        CommonOptions.AtLeast(_maxLength, 1);
        CommonOptions.AtMost(_maxLength, DocumentLoaderOptions.LongestDocument);
        CommonOptions.NotEmpty(_textField);
        CommonOptions.NotEmpty(_labelField);
        _format.AcceptOnlyFromAmong("auto", "text", "html", "markdown", "jsonl", "csv", "lines");
        _keep.CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries)).Distinct()];
        command.Arguments.Add(_paths);
        foreach (var option in new Option[] { _pattern, _format, _textField, _labelField, _maxLength })
            command.Options.Add(option);
        _csv = new CsvOptions(command, _textField, _labelField);
        if (!hasOutput)
            return;
        command.Options.Add(_keep);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_keep) is not null && result.GetValue(_keep) is [])
                result.AddError("--keep must name a property or column, but names none. Name some, or leave it out.");
            if (result.GetValue(_keep)?.FirstOrDefault(s_reserved.Contains) is { } name)
            {
                result.AddError(
                    $"--keep must not name {string.Join(", ", s_reserved)}, which the output has, but names {name}. Rename the property of the input.");
            }
        });
    }

    /// <summary>Returns whether the input is standard input.</summary>
    public bool IsStandardInput(ParseResult parsed) => parsed.GetValue(_paths) is not { Length: > 0 } paths || paths is ["-"];

    /// <summary>Reads the documents, one at a time, with those that can't be read in their places.</summary>
    /// <exception cref="UsageException">A path does not exist, or options do not fit each other.</exception>
    public IEnumerable<InputDocument> Read(ParseResult parsed, ToolContext context)
    {
        // An empty text has a prediction; empty files are errors.
        var options = LoaderOptions(parsed) with { KeepEmpty = true, KeptFields = parsed.GetValue(_keep) ?? [] };
        if (!IsStandardInput(parsed))
            return ReportMissing(ReadFiles(Listing(parsed), options), options.KeptFields, context);
        if (!Console.IsInputRedirected)
            context.Messages.Write("Reading documents from standard input, one per line; Ctrl+D ends it.");
        bool? isJson = parsed.GetValue(_format) switch
        {
            "auto" => null,
            "jsonl" => true,
            "lines" => false,
            var format => throw new UsageException(
                $"Standard input must be in the format jsonl or lines, but --format is {format}. Name a file for other formats."),
        };
        return ReportMissing(StandardInputDocuments.Read(new StandardInput(context.Cancellation), isJson, options), options.KeptFields, context);
    }

    /// <summary>The files of the input.</summary>
    /// <exception cref="UsageException">A path does not exist.</exception>
    public FileListing Listing(ParseResult parsed)
    {
        string[] paths = parsed.GetValue(_paths) ?? [];
        if (parsed.GetValue(_pattern) is { } pattern && paths.All(File.Exists))
            throw new UsageException($"--glob chooses files of folders, but with '{pattern}' only files are named. Name a folder, or leave --glob out.");
        return Listing(parsed, paths);
    }

    /// <summary>Standard input, read in the same way.</summary>
    public FileListing Listing(ParseResult parsed, SpooledInput spooled) => new([spooled.File(FormatOf(parsed))], []);

    /// <summary>The files of other paths, read in the same way.</summary>
    public FileListing Listing(ParseResult parsed, IReadOnlyList<string> paths)
    {
        var format = FormatOf(parsed);
        var files = new List<DocumentFile>();
        var skipped = new List<SkippedDocument>();
        foreach (string path in paths)
        {
            if (path.Length == 0)
                throw new UsageException("INPUT must name files and folders, but a name is empty. Leave it out.");
            if (path == "-")
                throw new UsageException("Standard input ('-') can't be combined with files. Name it alone.");
            try
            {
                bool isFolder = Directory.Exists(path);
                var listing = FileListing.Create(path, isFolder ? parsed.GetValue(_pattern) : null, format);
                // As the caller wrote them, so that the paths of the output can be opened.
                if (isFolder)
                    files.AddRange(listing.Files.Select(file => file with { Path = Join(path, file.Path) }));
                else
                    files.Add(new DocumentFile(path, path, listing.Files[0].Format));
                skipped.AddRange(listing.Skipped.Select(folder => folder with { Path = Join(path, folder.Path) }));
            }
            catch (Exception e) when (e is ArgumentException or FileNotFoundException)
            {
                throw new UsageException(path.StartsWith('-')
                    ? $"There must be an option or a file '{path}', but there is neither. See --help." : ToolTerms.Of(e));
            }
        }
        return new FileListing(files, skipped);
    }

    /// <summary>The options of the documents.</summary>
    public DocumentLoaderOptions LoaderOptions(ParseResult parsed)
    {
        var options = new DocumentLoaderOptions
        {
            TextField = parsed.GetValue(_textField)!,
            LabelField = parsed.GetValue(_labelField),
            HasHeader = _csv.HasHeader(parsed),
            SeparatorChar = _csv.Separator(parsed),
            MaxDocumentLength = parsed.GetValue(_maxLength),
        };
        options.Validate();
        return options;
    }

    private DocumentFormat FormatOf(ParseResult parsed) => parsed.GetValue(_format) switch
    {
        "auto" => DocumentFormat.Auto,
        "text" => DocumentFormat.Text,
        "html" => DocumentFormat.Html,
        "markdown" => DocumentFormat.Markdown,
        "jsonl" => DocumentFormat.JsonLines,
        "csv" => DocumentFormat.Csv,
        var format when IsStandardInput(parsed) => throw new UsageException(
            $"Standard input of this command must be JSON lines, but --format is {format}. Write them with jq, or leave --format out."),
        var format => throw new UsageException(
            $"Files must be in the format auto, text, html, markdown, jsonl or csv, but --format is {format}. For one document per line write the file to "
            + $"standard input: --format {format} < {parsed.GetValue(_paths)![0]}"),
    };

    private static string Join(string folder, string path) => path.Length == 0 ? folder : folder.EndsWith('/') ? folder + path : $"{folder}/{path}";

    // A property may be missing in some documents; one that is missing in all is a name with a slip.
    private static IEnumerable<InputDocument> ReportMissing(IEnumerable<InputDocument> documents, IReadOnlyList<string> fields, ToolContext context)
    {
        var missing = new HashSet<string>(fields);
        bool hasDocuments = false;
        foreach (var document in documents)
        {
            hasDocuments |= document.Error is null;
            if (missing.Count > 0 && document.Kept is { } kept)
                missing.ExceptWith(kept.Select(field => field.Key));
            yield return document;
        }
        if (hasDocuments && missing.Count > 0)
            context.Messages.Write($"warning: no document has {string.Join(", ", missing.Order(StringComparer.Ordinal))}, which --keep names.");
    }

    private static IEnumerable<InputDocument> ReadFiles(FileListing listing, DocumentLoaderOptions options)
    {
        using var pass = new DocumentPass(listing, options);
        while (pass.MoveNext())
        {
            var item = pass.Item;
            yield return item.Error is { } error
                ? new InputDocument(pass.Path, item.Line, "", "", ToolTerms.Of(error), item.Kept)
                : new InputDocument(pass.Path, item.Line, item.Text!, pass.Label, null, item.Kept);
        }
    }
}
