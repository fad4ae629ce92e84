using System.CommandLine;
using System.Text.Json;
using Maha.Documents;
using Maha.Documents.Files;
using Maha.Tool.Input;
using Maha.Tool.Models;
using Maha.Tool.Output;
using Microsoft.ML;

namespace Maha.Tool.Commands;

/// <summary><c>maha train</c>: a classifier, or with <c>--encoder</c> an encoder.</summary>
internal static class TrainCommand
{
    private const string Details = """
        A classifier learns from documents with labels: a JSON property, a CSV column, or else
        the name of the folder that the file is in. A fifth of the documents is kept away from
        the training; the metrics on them are written as one JSON line. The model is an ML.NET
        zip that programs can load, too. With --encoder an encoder learns from documents
        without labels, for 'maha embed'.

        Training starts from an encoder that knows English; for other languages use
        --from-scratch.

        Examples:
          maha train reviews/ --model reviews.zip
              trains on reviews/good/1.txt, reviews/bad/2.html, ...
          maha train mail.csv --text-field body --label-field folder --minutes 10
          maha train train/ --test test/ --checkpoint state/
              goes on from state/ when it is run again after Ctrl+C
          maha train pages/ --encoder --model encoder.zip
        """;

    public static Command Create(ToolContext context)
    {
        var command = new Command("train", "Trains a classifier or an encoder of documents and saves it.").WithHelp(Details);
        var input = new InputOptions(command, hasOutput: false);
        var options = new TrainOptions(command);
        var common = new CommonOptions(command);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, context);
            common.LoadTorch(parsed);
            using var spooled = input.IsStandardInput(parsed) ? SpooledInput.Read(context) : null;
            var listing = spooled is null ? input.Listing(parsed) : input.Listing(parsed, spooled);
            return new Training(context, options.Read(parsed), listing, input.LoaderOptions(parsed), paths => input.Listing(parsed, paths)).Run();
        });
        return command;
    }

    private sealed class Training(
        ToolContext context, TrainSettings settings, FileListing listing, DocumentLoaderOptions loader, Func<IReadOnlyList<string>, FileListing> list)
    {
        public int Run()
        {
            var mlContext = new MLContext(settings.Seed);
            context.Messages.Follow(mlContext);
            OutputPath.CheckFile("--model", settings.Model, createsFolder: true);
            if (settings.Checkpoint is { } checkpoint)
                OutputPath.CheckFolder("--checkpoint", checkpoint);
            var data = View(mlContext, listing);
            try
            {
                return settings.IsEncoder ? TrainEncoder(mlContext, data) : TrainClassifier(mlContext, data);
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException && data.Summary is { NumberOfRows: 0, NumberOfSkipped: > 0 })
            {
                throw Failure.NothingReadable(data.Summary.NumberOfSkipped);
            }
        }

        private int TrainClassifier(MLContext mlContext, DocumentDataView data)
        {
            IDataView train = data;
            IDataView? test = null;
            if (settings.Test.Count > 0)
            {
                test = View(mlContext, list(settings.Test));
                // A document that ends the command ends it before the training, not after it.
                if (settings.IsStrict)
                    ReadThrough(test);
            }
            else if (settings.TestFraction > 0)
            {
                var split = mlContext.Data.TrainTestSplit(data, settings.TestFraction, seed: settings.Seed);
                (train, test) = (split.TrainSet, split.TestSet);
            }
            using var transformer = mlContext.Transforms.Conversion.MapValueToKey("Label")
                .Append(mlContext.MulticlassClassification.Trainers.MahaTextClassification(settings.Classifier(context)))
                .Fit(train);
            mlContext.Model.SaveSafely(transformer, data.Schema, settings.Model);
            using var model = SavedModel.Load(mlContext, settings.Model, "Text");
            var evaluation = test is null ? null : Evaluate(model, test);
            Write(data, json =>
            {
                if (evaluation is null)
                    return;
                json.WriteStartObject("test");
                evaluation.Write(json);
                json.WriteEndObject();
            });
            return evaluation?.Errors > 0 ? ExitCode.Failure : ExitCodeOf(data);
        }

        private int TrainEncoder(MLContext mlContext, DocumentDataView data)
        {
            using var transformer = mlContext.Transforms.MahaEncode(settings.Encoder(context)).Fit(data);
            mlContext.Model.SaveSafely(transformer, data.Schema, settings.Model);
            Write(data, json => { });
            return ExitCodeOf(data);
        }

        private DocumentDataView View(MLContext mlContext, FileListing files)
            => new(mlContext, files, loader with { ThrowOnError = settings.IsStrict, OnSkipped = context.Messages.OncePerDocument() });

        private static int ExitCodeOf(DocumentDataView data) => data.Summary?.NumberOfSkipped > 0 ? ExitCode.Failure : ExitCode.Success;

        private void Write(DocumentDataView data, Action<Utf8JsonWriter> writeMore)
        {
            using var lines = new JsonLines(context.Output);
            lines.Write(json =>
            {
                json.WriteString("model", settings.Model);
                json.WriteNumber("documents", data.Summary?.NumberOfRows ?? 0);
                json.WriteNumber("errors", data.Summary?.NumberOfSkipped ?? 0);
                writeMore(json);
            });
            lines.Flush();
        }

        private Evaluation Evaluate(SavedModel model, IDataView test)
        {
            var evaluation = new Evaluation();
            new ModelRun(model, context.Cancellation).Stream(
                Documents(test), () => new EvaluationCollector(model), (part, _) => evaluation.Add(part), document =>
                {
                    context.Messages.Error(document.Describe());
                    evaluation.Errors++;
                });
            if (test is DocumentDataView { Summary: { } summary })
                evaluation.Errors += summary.NumberOfSkipped;
            if (evaluation.Warning is { } warning)
                context.Messages.Write(warning);
            return evaluation;
        }

        private void ReadThrough(IDataView data)
        {
            using var cursor = data.GetRowCursor([]);
            while (cursor.MoveNext())
                context.Cancellation.ThrowIfCancellationRequested();
        }

        private static IEnumerable<InputDocument> Documents(IDataView data)
        {
            using var cursor = data.GetRowCursor(data.Schema);
            var text = cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Text"]);
            var label = cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Label"]);
            var path = cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Path"]);
            var line = cursor.GetGetter<long>(data.Schema["Line"]);
            ReadOnlyMemory<char> document = default, name = default, file = default;
            long number = 0;
            while (cursor.MoveNext())
            {
                text(ref document);
                label(ref name);
                path(ref file);
                line(ref number);
                yield return new InputDocument(file.ToString(), number, document.ToString(), name.ToString(), null, null);
            }
        }
    }
}
