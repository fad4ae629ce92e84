using System.CommandLine;
using System.Text.Json;
using Maha.Tool.Models;

namespace Maha.Tool.Commands;

/// <summary><c>maha predict</c>: the class of each document.</summary>
internal static class PredictCommand
{
    private const string Details = """
        Each document has a JSON line, in the order of the input: its path and line, the
        properties of --keep, predictedLabel and score (its probability), or error if it can't
        be read. A model of several labels per document writes predictedLabels and the scores of
        these labels, the most probable first. Documents are computed several at a time and in bounded memory. The input is
        read no faster than the output is.

        Examples:
          maha predict reviews/ --model reviews.zip
          maha predict < texts.txt > predictions.jsonl
              one text per line
          jq -c '{id, text: .body}' mail.jsonl | maha predict --keep id --scores
          find . -name '*.md' -print0 | xargs -0 maha predict --threads 1
          parallel --pipe --keep-order --block 10M maha predict --threads 1 -q < mail.jsonl
        """;

    public static Command Create(ToolContext context)
    {
        var command = new Command("predict", "Predicts the class of each document.").WithHelp(Details);
        var frame = new DocumentCommand(command, context);
        var scores = new Option<bool>("--scores") { Description = "writes the scores of all classes or labels" };
        command.Options.Add(scores);
        command.SetAction(parsed => frame.Run(parsed, model =>
        {
            bool writesScores = parsed.GetValue(scores);
            if (LabelSetPrediction.TryCreate(model) is { } labels)
                return new RowWriter(labels.Columns, labels.Bind, json => labels.Write(json, writesScores));
            var prediction = new ClassPrediction(model);
            return new RowWriter(prediction.Columns, prediction.Bind, Write);

            void Write(Utf8JsonWriter json)
            {
                prediction.Read();
                prediction.Write(json, writesScores);
            }
        }));
        return command;
    }
}
