using System.CommandLine;
using Maha.Tool.Models;

namespace Maha.Tool.Commands;

/// <summary><c>maha embed</c>: the vector of each document.</summary>
internal static class EmbedCommand
{
    private const string Details = """
        Each document has a JSON line, in the order of the input: its path and line, the
        properties of --keep and vector, or error if it can't be read. The model is an encoder:
        'maha train --encoder' trains one from documents without labels.

        Examples:
          maha train --encoder pages/ --model encoder.zip
          maha embed pages/ --model encoder.zip > vectors.jsonl
          echo "a query" | maha embed --model encoder.zip | jq -c .vector
        """;

    public static Command Create(ToolContext context)
    {
        var command = new Command("embed", "Computes the vector of each document.").WithHelp(Details);
        var frame = new DocumentCommand(command, context);
        var column = new Option<string?>("--column") { Description = "the column of the vectors ('Features', or the only one that has no scores)" };
        command.Options.Add(column);
        command.SetAction(parsed => frame.Run(parsed, model =>
        {
            var vector = new VectorColumn(model, parsed.GetValue(column));
            return new RowWriter([vector.Name], vector.Bind, vector.Write);
        }));
        return command;
    }
}
