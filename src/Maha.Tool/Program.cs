using System.CommandLine;
using System.Globalization;
using Maha.Tool.Commands;
using Maha.Tool.Output;

namespace Maha.Tool;

/// <summary>The command <c>maha</c>.</summary>
internal static class Program
{
    private const string Description = "Trains, evaluates and runs classifiers and encoders of long documents.";

    private const string Details = """
        Documents are read from files and folders (text, HTML, Markdown, JSON lines, CSV),
        or from standard input. Results are JSON lines on standard output, in the order of
        the input. Messages are on standard error.

        Examples:
          maha train reviews/ --model reviews.zip
              trains on reviews/good/1.txt, reviews/bad/2.html, ...
          maha predict mail/*.html --model reviews.zip
              writes a JSON line for each file
          echo "a text" | maha predict --model reviews.zip
              reads a document from each line of standard input
          maha embed pages.jsonl --model encoder.zip | gzip > vectors.jsonl.gz

        Exit codes:
          0    success; also where the reader of the output has closed it
          1    failure, or at least one document can't be read
          2    wrong usage
          130  interrupted by Ctrl+C
          143  terminated

        'maha COMMAND --help' shows the options and examples of a command.
        """;

    private static int Main(string[] args)
    {
        // The same numbers and messages, and UTF-8, in every locale.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        using var interruption = new Interruption();
        using var output = StandardOutput.Open();
        var messages = new Messages();
        try
        {
            return Run(args, new ToolContext(output, messages, interruption.Token));
        }
        catch (Exception e)
        {
            return Failure.ExitCodeOf(e, messages, interruption);
        }
    }

    private static int Run(string[] args, ToolContext context)
    {
        var root = new Command("maha", Description)
        {
            TrainCommand.Create(context),
            EvaluateCommand.Create(context),
            PredictCommand.Create(context),
            ExplainCommand.Create(context),
            EmbedCommand.Create(context),
            ExportCommand.Create(context),
            ReportCommand.Create(context),
            new VersionOption(),
        }.WithHelp(Details);
        // A name that starts with @ is a file, not a file of arguments.
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                context.Messages.Error(error.Message);
            string command = parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ";
            context.Messages.Write($"'maha {command}--help' shows the usage.");
            return ExitCode.Usage;
        }
        using var text = new StreamWriter(context.Output, leaveOpen: true);
        int code = parsed.Invoke(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = text,
            Error = context.Messages.Writer,
        });
        return args.Length == 0 ? ExitCode.Usage : code;
    }
}
