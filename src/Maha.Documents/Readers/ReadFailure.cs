using System.Text;
using CsvHelper;

namespace Maha.Documents.Readers;

/// <summary>The reasons of exceptions that end the reading of a file.</summary>
internal static class ReadFailure
{
    /// <summary>Describes an exception.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="lastLine">The line of the file's last row; null if it has none.</param>
    /// <returns>The reason, and the line of the fault if it is known.</returns>
    public static (string Reason, long? Line) Describe(Exception exception, long? lastLine)
    {
        string rest = lastLine is long line ? FormattableString.Invariant($" The file is not read further; its last row is at line {line}.") : "";
        return exception switch
        {
            FileNotFoundException or DirectoryNotFoundException => ($"There is no such file (any more).{rest}", null),
            UnauthorizedAccessException => ($"The file may not be read: {exception.Message}{rest}", null),
            DecoderFallbackException => ($"The bytes are not valid in the encoding of the file: {exception.Message}{rest}", null),
            CsvFormatException csv => ($"{csv.Message.TrimEnd('.')}. A quotation mark may be open.{rest}", csv.LineNumber > 0 ? csv.LineNumber : lastLine + 1),
            _ => ($"The file can't be read: {exception.Message}{rest}", null),
        };
    }
}
