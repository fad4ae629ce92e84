using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using Maha.Tool.Input;
using Maha.Tool.Models;
using Maha.Tool.Output;
using Microsoft.ML;

namespace Maha.Tool.Commands;

/// <summary>A command that computes a line of output for each document.</summary>
internal sealed class DocumentCommand
{
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromSeconds(1);

    private readonly ToolContext _context;
    private readonly CommonOptions _common;
    private readonly InputOptions _input;
    private readonly Option<string> _model = CommonOptions.Model("a model that 'maha train' or ML.NET has saved");
    private readonly Option<string?> _textColumn = new("--text-column") { Description = "the input column of the model that has the text ('Text')" };
    private readonly Option<bool> _lineBuffered = new("--line-buffered")
    {
        Description = "answers each document before it reads the next; slower where documents are short",
    };

    private readonly Option<bool> _strict = new("--strict") { Description = "ends at the first document that can't be read" };
    private readonly Option<bool> _ignoreErrors = new("--ignore-errors") { Description = "exit code 0 even if documents can't be read" };

    /// <summary>Adds the options to a command.</summary>
    public DocumentCommand(Command command, ToolContext context)
    {
        _context = context;
        _input = new InputOptions(command, hasOutput: true);
        foreach (var option in new Option[] { _model, _textColumn, _lineBuffered, _strict, _ignoreErrors })
            command.Options.Add(option);
        _common = new CommonOptions(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_strict) && result.GetValue(_ignoreErrors))
                result.AddError("--strict and --ignore-errors exclude each other.");
        });
    }

    /// <summary>Runs the command.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="create">Returns what writes the results of a model. It is called once per thread.</param>
    /// <returns>The exit code.</returns>
    public int Run(ParseResult parsed, Func<SavedModel, RowWriter> create)
    {
        _common.Apply(parsed, _context);
        var documents = _input.Read(parsed, _context);
        var mlContext = new MLContext();
        _context.Messages.Follow(mlContext);
        using var model = _common.LoadModel(parsed, mlContext, parsed.GetValue(_model)!, parsed.GetValue(_textColumn));
        // Before the first thread is started: a model of another kind is wrong usage.
        var writer = create(model);
        bool isLineBuffered = parsed.GetValue(_lineBuffered), isStrict = parsed.GetValue(_strict);
        using var lines = new JsonLines(_context.Output, isLineBuffered);
        var run = new ModelRun(model, _context.Cancellation);
        long count = 0, errors = 0;
        var watch = Stopwatch.StartNew();
        var nextProgress = s_progressInterval;
        try
        {
            if (isLineBuffered)
                run.OneByOne(documents, writer.Columns, writer.Bind, Answer);
            else
                Stream();
        }
        catch (Exception e) when (e is not ClosedPipeException)
        {
            lines.Flush();
            throw;
        }
        lines.Flush();
        if (errors > 0)
            _context.Messages.Error(FormattableString.Invariant($"{errors} of {count} documents can't be read."));
        return errors > 0 && !parsed.GetValue(_ignoreErrors) ? ExitCode.Failure : ExitCode.Success;

        void Stream()
        {
            var buffers = new ConcurrentBag<JsonLineBuffer>();
            run.Stream(
                documents,
                () => new JsonCollector(create(model), buffers),
                (part, documents) =>
                {
                    lines.Write(part.Lines);
                    part.Clear();
                    buffers.Add(part);
                    Count(documents);
                },
                Refuse);
        }

        void Answer(InputDocument document)
        {
            if (document.Error is not null)
            {
                Refuse(document);
                return;
            }
            lines.Write(document, writer.Write);
            Count(1);
        }

        void Refuse(InputDocument document)
        {
            if (isStrict)
                throw new InvalidDataException(document.Describe());
            errors++;
            _context.Messages.Error(document.Describe());
            lines.Write(document, json => json.WriteString("error", document.Error));
            Count(1);
        }

        void Count(int documents)
        {
            count += documents;
            if (watch.Elapsed <= nextProgress)
                return;
            nextProgress = watch.Elapsed + s_progressInterval;
            _context.Messages.Progress(FormattableString.Invariant($"{count} documents, {count / watch.Elapsed.TotalSeconds:F0} per second"));
        }
    }
}
