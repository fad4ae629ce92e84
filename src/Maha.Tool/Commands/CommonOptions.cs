using System.CommandLine;
using System.Globalization;
using Maha.Layers.Core;
using Maha.Tool.Models;
using Microsoft.ML;
using TorchSharp;

namespace Maha.Tool.Commands;

/// <summary>The options that every command has.</summary>
internal sealed class CommonOptions
{
    private const int MaxThreads = 1024;

    private readonly Option<int> _threads = new("--threads")
    {
        Description = "processor threads; 1 if several commands run at a time",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "no messages but errors" };

    public CommonOptions(Command command)
    {
        AtLeast(_threads, 1);
        // libtorch ends the process where it can't start its threads.
        AtMost(_threads, MaxThreads);
        command.Options.Add(_threads);
        command.Options.Add(_quiet);
    }

    /// <summary>The option of the model's file.</summary>
    public static Option<string> Model(string description)
    {
        var option = new Option<string>("--model", "-m") { Description = description, DefaultValueFactory = _ => "model.zip" };
        NotEmpty(option);
        return option;
    }

    /// <summary>Refuses an empty name.</summary>
    public static void NotEmpty(Option option) => option.Validators.Add(result =>
    {
        if (result.Tokens.Any(token => token.Value.Length == 0))
            result.AddError($"{option.Name} must be a name, but is empty. Name one, or leave it out.");
    });

    /// <summary>Refuses numbers below a minimum.</summary>
    public static void AtLeast(Option option, double minimum) =>
        Require(option, value => value >= minimum, FormattableString.Invariant($"at least {minimum}"));

    /// <summary>Refuses numbers above a maximum.</summary>
    public static void AtMost(Option option, double maximum) =>
        Require(option, value => value <= maximum, FormattableString.Invariant($"at most {maximum}"));

    private static void Require(Option option, Func<double, bool> isValid, string rule) => option.Validators.Add(result =>
    {
        if (result.Tokens is [var token, ..] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out double value) && !isValid(value))
            result.AddError($"{option.Name} must be {rule}, but is {token.Value}.");
    });

    /// <summary>Applies the options of messages.</summary>
    public void Apply(ParseResult parsed, ToolContext context) => context.Messages.IsQuiet = parsed.GetValue(_quiet);

    /// <summary>Loads libtorch and sets its number of threads.</summary>
    public void LoadTorch(ParseResult parsed)
    {
        TorchLibrary.EnsureLoaded();
        torch.set_num_threads(parsed.GetValue(_threads));
    }

    /// <summary>Loads a model, and libtorch on another thread at the same time, then sets the number of threads.</summary>
    /// <inheritdoc cref="SavedModel.Load"/>
    public SavedModel LoadModel(ParseResult parsed, MLContext mlContext, string path, string? textColumn)
    {
        // A third of the start of a command is libtorch, a third is the model.
        var library = Task.Run(TorchLibrary.EnsureLoaded);
        SavedModel model;
        try
        {
            model = SavedModel.Load(mlContext, path, textColumn);
        }
        catch
        {
            // The process must not end while a library is loaded.
            library.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
            throw;
        }
        LoadTorch(parsed);
        return model;
    }
}
