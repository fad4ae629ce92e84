using System.CommandLine;
using Maha.Documents;
using Maha.Report;
using Maha.Tool.Input;
using Maha.Tool.Output;
using Microsoft.ML;

namespace Maha.Tool.Commands;

/// <summary><c>maha report</c>: a classifier's report as one HTML file.</summary>
internal static class ReportCommand
{
    private const string Details = """
        The report has the metrics of the classifier on the documents, the confusion table,
        charts of its confidence, wrong and right predictions with the words that speak for
        and against them, and a model card. It is one HTML file that needs no network.

        The label of a document is a JSON property, a CSV column, or else the name of the
        folder that the file is in.

        Examples:
          maha report test/ --model reviews.zip --output report.html
          maha report test.csv --text-field body --label-field stars --title Reviews
        """;

    public static Command Create(ToolContext context)
    {
        var command = new Command("report", "Writes a report of a classifier as one HTML file.").WithHelp(Details);
        var input = new InputOptions(command, hasOutput: false);
        var file = CommonOptions.Model("a classifier that 'maha train' has saved");
        var output = new Option<string>("--output", "-o") { Description = "the file of the report", DefaultValueFactory = _ => "report.html" };
        var title = new Option<string?>("--title") { Description = "the title of the report" };
        var description = new Option<string?>("--description") { Description = "what the model is for, and what it was trained on" };
        CommonOptions.NotEmpty(output);
        foreach (var option in new Option[] { file, output, title, description })
            command.Options.Add(option);
        var common = new CommonOptions(command);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, context);
            string path = parsed.GetValue(output)!;
            OutputPath.CheckFile("--output", path, createsFolder: false);
            using var spooled = input.IsStandardInput(parsed) ? SpooledInput.Read(context) : null;
            var listing = spooled is null ? input.Listing(parsed) : input.Listing(parsed, spooled);
            var mlContext = new MLContext();
            context.Messages.Follow(mlContext);
            using var model = common.LoadModel(parsed, mlContext, parsed.GetValue(file)!, "Text");
            var data = new DocumentDataView(mlContext, listing, input.LoaderOptions(parsed) with { OnSkipped = context.Messages.OncePerDocument() });
            var options = new ReportOptions { CancellationToken = context.Cancellation, Description = parsed.GetValue(description) };
            if (parsed.GetValue(title) is { } given)
                options.Title = given;
            try
            {
                mlContext.Model.SaveReport(model.Transformer, data, path, options);
            }
            catch (ArgumentException e) when (e.ParamName == "model")
            {
                throw new UsageException($"--model must be a text classifier of Maha, but '{model.Path}' is not. {ToolTerms.Of(e)}");
            }
            catch (ArgumentException) when (data.Summary is { NumberOfRows: 0, NumberOfSkipped: > 0 and var errors })
            {
                throw Failure.NothingReadable(errors);
            }
            using var lines = new JsonLines(context.Output);
            lines.Write(json =>
            {
                json.WriteString("report", path);
                json.WriteNumber("documents", data.Summary?.NumberOfRows ?? 0);
                json.WriteNumber("errors", data.Summary?.NumberOfSkipped ?? 0);
            });
            lines.Flush();
            return data.Summary?.NumberOfSkipped > 0 ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }
}
