using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Maha.Tool.Commands;

/// <summary>The help of a command: usage and options, then explanations and examples.</summary>
internal static class ToolHelp
{
    /// <summary>Adds the help to a command and to its subcommands.</summary>
    /// <param name="command">The command.</param>
    /// <param name="details">The explanations and examples.</param>
    public static Command WithHelp(this Command command, string details)
    {
        var option = new HelpOption();
        option.Action = new Action((HelpAction)option.Action!, details);
        command.Options.Add(option);
        return command;
    }

    private sealed class Action(HelpAction help, string details) : SynchronousCommandLineAction
    {
        // Help needs no required option.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = help.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.WriteLine(details);
            return code;
        }
    }
}
