using System.CommandLine;
using System.Text.Json;
using Maha.MLNet.Classification;
using Maha.MLNet.Explanation;
using Maha.Tool.Input;
using Maha.Tool.Models;
using Maha.Tool.Output;
using Microsoft.ML;

namespace Maha.Tool.Commands;

/// <summary><c>maha explain</c>: the parts of each document that speak for and against its label.</summary>
internal static class ExplainCommand
{
    private const int DefaultTop = 10;

    private const string Details = """
        Each document has a JSON line, in the order of the input: its path and line, the
        properties of --keep, explainedLabel, probability, score, and spans: the parts of the text that
        speak for the label (contribution above 0) or against it, the strongest first. start
        and length count UTF-16 code units of the text. score is what is explained: the logit
        of the label against the others.

        The network computes one prediction per window, so that this is slower than 'predict';
        --windows 0 explains the n-grams alone.

        Examples:
          maha explain mail/17.txt --model mail.zip | jq -r '.spans[] | [.contribution, .text] | @tsv'
          maha explain mail.jsonl --model mail.zip --label spam --top 5 --keep id
        """;

    public static Command Create(ToolContext context)
    {
        var command = new Command("explain", "Shows the parts of each document that speak for and against its label.").WithHelp(Details);
        var input = new InputOptions(command, hasOutput: true);
        var file = CommonOptions.Model("a classifier that 'maha train' has saved");
        var label = new Option<string?>("--label") { Description = "the label that is explained; the predicted one by default" };
        var top = new Option<int>("--top") { Description = "the most parts of a document; 0 for all", DefaultValueFactory = _ => DefaultTop };
        var windows = new Option<int>("--windows")
        {
            Description = "the most windows of a document that the network is asked about",
            DefaultValueFactory = _ => new ExplanationOptions().MaxWindows,
        };
        CommonOptions.AtLeast(top, 0);
        CommonOptions.AtLeast(windows, 0);
        foreach (var option in new Option[] { file, label, top, windows })
            command.Options.Add(option);
        var common = new CommonOptions(command);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, context);
            var documents = input.Read(parsed, context);
            var mlContext = new MLContext();
            context.Messages.Follow(mlContext);
            using var model = common.LoadModel(parsed, mlContext, parsed.GetValue(file)!, textColumn: null);
            var explain = Explainer(model, parsed.GetValue(label), new ExplanationOptions { MaxWindows = parsed.GetValue(windows) }, context.Cancellation);
            return Run(context, documents, explain, parsed.GetValue(top));
        });
        return command;
    }

    private static int Run(ToolContext context, IEnumerable<InputDocument> documents, Func<string, TextExplanation> explain, int top)
    {
        using var lines = new JsonLines(context.Output);
        long errors = 0;
        try
        {
            foreach (var document in documents)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                if (document.Error is { } error)
                {
                    errors++;
                    context.Messages.Error(document.Describe());
                    lines.Write(document, json => json.WriteString("error", error));
                    continue;
                }
                var explanation = Explain(document.Text);
                lines.Write(document, json => Write(json, document.Text, explanation, top));
            }
        }
        catch (Exception e) when (e is not ClosedPipeException)
        {
            lines.Flush();
            throw;
        }
        lines.Flush();
        return errors > 0 ? ExitCode.Failure : ExitCode.Success;

        TextExplanation Explain(string text)
        {
            try
            {
                return explain(text);
            }
            catch (ArgumentException e) when (e.ParamName == "label")
            {
                throw new UsageException($"--label is not a label of the model. {ToolTerms.Of(e)}");
            }
        }
    }

    private static void Write(Utf8JsonWriter json, string text, TextExplanation explanation, int top)
    {
        json.WriteString("explainedLabel", explanation.Label);
        ClassPrediction.WriteNumber(json, "probability", explanation.Probability);
        ClassPrediction.WriteNumber(json, "score", explanation.Score);
        json.WriteStartArray("spans");
        var spans = explanation.Spans.OrderByDescending(span => Math.Abs(span.Contribution)).ThenBy(span => span.Start);
        foreach (var span in top == 0 ? spans : spans.Take(top))
        {
            json.WriteStartObject();
            json.WriteString("text", text.AsSpan(span.Start, span.Length));
            json.WriteNumber("start", span.Start);
            json.WriteNumber("length", span.Length);
            ClassPrediction.WriteNumber(json, "contribution", span.Contribution);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static Func<string, TextExplanation> Explainer(
        SavedModel model, string? label, ExplanationOptions options, CancellationToken cancellation)
    {
        var parts = model.Transformer as IEnumerable<ITransformer> ?? [model.Transformer];
        foreach (var part in parts)
        {
            if (part is MahaTextClassificationTransformer classifier)
                return text => classifier.Explain(text, label, options, cancellation);
            if (part is MahaBinaryTextClassificationTransformer binary)
            {
                bool? side = label is null ? null : bool.TryParse(label, out bool value) ? value
                    : throw new UsageException($"--label must be true or false for '{model.Path}', but is '{label}'.");
                return text => binary.Explain(text, side, options, cancellation);
            }
        }
        throw new UsageException($"--model must be a text classifier of Maha, but '{model.Path}' is not.");
    }
}
