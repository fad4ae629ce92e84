using System.CommandLine;
using System.Globalization;
using Maha.Layers.Core;
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
    public static Option<string> Model(string description) => new("--model", "-m") { Description = description, DefaultValueFactory = _ => "model.zip" };

    /// <summary>Refuses numbers below a minimum.</summary>
    public static void AtLeast(Option option, double minimum) =>
        Require(option, value => value >= minimum, FormattableString.Invariant($"at least {minimum}"));

    private static void AtMost(Option option, double maximum) =>
        Require(option, value => value <= maximum, FormattableString.Invariant($"at most {maximum}"));

    private static void Require(Option option, Func<double, bool> isValid, string rule) => option.Validators.Add(result =>
    {
        if (result.Tokens is [var token, ..] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out double value) && !isValid(value))
            result.AddError($"{option.Name} must be {rule}, but is {token.Value}.");
    });

    /// <summary>Applies the options to the process.</summary>
    public void Apply(ParseResult parsed, ToolContext context)
    {
        context.Messages.IsQuiet = parsed.GetValue(_quiet);
        TorchLibrary.EnsureLoaded();
        torch.set_num_threads(parsed.GetValue(_threads));
    }
}
