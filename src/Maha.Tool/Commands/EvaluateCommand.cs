using System.CommandLine;
using Maha.Tool.Input;
using Maha.Tool.Models;
using Maha.Tool.Output;
using Microsoft.ML;

namespace Maha.Tool.Commands;

/// <summary><c>maha evaluate</c>: the metrics of a classifier on documents with labels.</summary>
internal static class EvaluateCommand
{
    private const string Details = """
        The metrics are one JSON line: accuracy, macroAccuracy (the mean recall of the
        classes), macroF1, logLoss, and precision, recall and F1 of each class.

        The label of a document is a JSON property, a CSV column, or else the name of the
        folder that the file is in. Documents without label are counted and left out. A label
        that the model does not know is a wrong prediction, and a warning lists such labels.

        Examples:
          maha evaluate test/ --model reviews.zip
          maha evaluate test.csv --text-field body --label-field stars | jq .macroF1
        """;

    public static Command Create(ToolContext context)
    {
        var command = new Command("evaluate", "Measures a classifier on documents with labels.").WithHelp(Details);
        var input = new InputOptions(command, hasOutput: false);
        var file = CommonOptions.Model("a classifier that 'maha train' or ML.NET has saved");
        var textColumn = new Option<string?>("--text-column") { Description = "the input column of the model that has the text ('Text')" };
        var strict = new Option<bool>("--strict") { Description = "ends at the first document that can't be read" };
        foreach (var option in new Option[] { file, textColumn, strict })
            command.Options.Add(option);
        var common = new CommonOptions(command);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, context);
            var documents = input.Read(parsed, context);
            var mlContext = new MLContext();
            context.Messages.Follow(mlContext);
            using var model = common.LoadModel(parsed, mlContext, parsed.GetValue(file)!, parsed.GetValue(textColumn));
            var evaluation = new Evaluation();
            new ModelRun(model, context.Cancellation).Stream(documents, () => new EvaluationCollector(model), (part, _) => evaluation.Add(part), document =>
            {
                if (parsed.GetValue(strict))
                    throw new InvalidDataException(document.Describe());
                context.Messages.Error(document.Describe());
                evaluation.Errors++;
            });
            if (evaluation.Documents == 0)
            {
                if (evaluation.Unlabeled == 0 && evaluation.Errors > 0)
                    throw Failure.NothingReadable(evaluation.Errors);
                throw new InvalidDataException(
                    "There must be documents with labels, but there are none. Set --label-field, or name the folders by the labels.");
            }
            if (evaluation.Warning is { } warning)
                context.Messages.Write(warning);
            using var lines = new JsonLines(context.Output);
            lines.Write(evaluation.Write);
            lines.Flush();
            return evaluation.Errors > 0 ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }
}
