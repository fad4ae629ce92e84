using System.CommandLine;
using System.Globalization;
using Maha.Onnx;
using Maha.Tool.Input;
using Maha.Tool.Models;
using Maha.Tool.Output;
using Microsoft.ML;

namespace Maha.Tool.Commands;

/// <summary><c>maha export</c>: a model as ONNX.</summary>
internal static class ExportCommand
{
    private const int DefaultTexts = 100;

    private const string Details = """
        The folder gets model.onnx, the files of the tokenizer, and a README that says how the
        inputs of the graph are made from a text. Before anything is written, ONNX Runtime
        computes some of the documents with the graph and must agree with the model. The result
        of this check is one JSON line; omittedNGrams says what leaving out the n-grams of a
        classifier changes.

        Examples:
          maha export reviews/ --model reviews.zip --output reviews-onnx/
          maha export reviews/ --model reviews.zip --output reviews-onnx/ --ngrams
        """;

    public static Command Create(ToolContext context)
    {
        var command = new Command("export", "Exports a classifier or an encoder to ONNX.").WithHelp(Details);
        var input = new InputOptions(command, hasOutput: false);
        var file = CommonOptions.Model("a model that 'maha train' has saved");
        var output = new Option<string>("--output", "-o") { Description = "the folder; existing files of an export are replaced", Required = true };
        var ngrams = new Option<bool>("--ngrams") { Description = "exports the n-grams of a classifier, too" };
        var texts = new Option<int>("--texts") { Description = "how many documents are compared", DefaultValueFactory = _ => DefaultTexts };
        var tolerance = new Option<double>("--tolerance")
        {
            Description = "the largest difference that is accepted",
            DefaultValueFactory = _ => new OnnxExportOptions().Tolerance,
        };
        CommonOptions.AtLeast(texts, 1);
        CommonOptions.NotEmpty(output);
        tolerance.Validators.Add(result =>
        {
            if (result.Tokens is [var token, ..] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out double value) && !(value is > 0 and <= 1))
                result.AddError($"--tolerance must be above 0 and at most 1, but is {token.Value}. Use about 1e-4.");
        });
        foreach (var option in new Option[] { file, output, ngrams, texts, tolerance })
            command.Options.Add(option);
        var common = new CommonOptions(command);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, context);
            OutputPath.CheckFolder("--output", parsed.GetValue(output)!);
            var documents = input.Read(parsed, context);
            var mlContext = new MLContext();
            context.Messages.Follow(mlContext);
            using var model = common.LoadModel(parsed, mlContext, parsed.GetValue(file)!, textColumn: null);
            var (sample, errors) = Sample(documents, parsed.GetValue(texts), context);
            var options = new OnnxExportOptions { IncludeNGrams = parsed.GetValue(ngrams), Tolerance = parsed.GetValue(tolerance) };
            try
            {
                Write(mlContext.Model.ExportToOnnx(model.Transformer, parsed.GetValue(output)!, sample, options), errors, context);
            }
            catch (ArgumentException e) when (e.ParamName == "model")
            {
                throw new UsageException($"--model must be a classifier or an encoder of Maha, but '{model.Path}' is not. {ToolTerms.Of(e)}");
            }
            return errors > 0 ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }

    // Files are in the order of their folders, so the first ones would all be of one class.
    private static (string[] Texts, long Errors) Sample(IEnumerable<InputDocument> documents, int count, ToolContext context)
    {
        var random = new Random(1);
        var sample = new List<string>();
        int read = 0;
        long errors = 0;
        foreach (var document in documents)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (document.Error is not null)
            {
                context.Messages.Error(document.Describe());
                errors++;
                continue;
            }
            int place = random.Next(++read);
            if (sample.Count < count)
                sample.Add(document.Text);
            else if (place < count)
                sample[place] = document.Text;
        }
        if (sample.Count == 0 && errors > 0)
            throw Failure.NothingReadable(errors);
        if (sample.Count == 0)
            throw new InvalidDataException("There must be a document to compare with, but there is none. Name files or folders.");
        return ([.. sample], errors);
    }

    private static void Write(OnnxExportReport report, long errors, ToolContext context)
    {
        using var lines = new JsonLines(context.Output);
        lines.Write(json =>
        {
            json.WriteString("folder", report.Folder);
            json.WriteNumber("texts", report.NumTexts);
            json.WriteNumber("errors", errors);
            ClassPrediction.WriteNumber(json, "largestDifference", report.LargestDifference);
            if (report.OmittedNGrams is not { } omitted)
                return;
            json.WriteStartObject("omittedNGrams");
            ClassPrediction.WriteNumber(json, "meanDifference", omitted.MeanDifference);
            ClassPrediction.WriteNumber(json, "largestDifference", omitted.LargestDifference);
            ClassPrediction.WriteNumber(json, "sameLabels", omitted.SameLabels);
            json.WriteEndObject();
        });
        lines.Flush();
    }
}
