namespace Maha.Tool.Input;

/// <summary>What the library of documents advises, in the terms of the tool: its options, not those of a program.</summary>
internal static class ToolTerms
{
    private static readonly (string Library, string Tool)[] s_terms =
    [
        (" Set TextField.", " Set --text-field."),
        (" Set LabelField.", " Set --label-field."),
        (" If the file has no header, set HasHeader to false;", " If the file has no header, add --no-header;"),
        (" are separated otherwise, set SeparatorChar.", " are separated otherwise, set --separator."),
        (" Set MaxDocumentLength, or divide it.", " Set --max-length, or divide it."),
        (" Repair the file, or set Encoding.", " Repair it, or convert it to UTF-8, for instance with iconv."),
        (" If it is text, set Encoding.", " If it is text, convert it to UTF-8, for instance with iconv."),
        (" and its encoding can't be detected. Set Encoding.", " and its encoding can't be detected. Convert it, for instance with iconv."),
        (" Double the quotation marks inside fields, or set AllowQuoting to false", " Double the quotation marks inside fields"),
        (" Set KeepEmpty to have it as a row.", ""),
        (" A pattern such as *.txt is an argument of its own.", " A pattern such as *.txt is an argument of --glob."),
    ];

    /// <summary>Returns a message with the options of the tool.</summary>
    public static string Of(string message)
    {
        foreach (var (library, tool) in s_terms)
            message = message.Replace(library, tool, StringComparison.Ordinal);
        return message;
    }

    /// <summary>Returns the message of an exception without the names of parameters, which are those of methods.</summary>
    public static string Of(Exception exception)
    {
        string message = exception.Message;
        int end = exception is ArgumentException ? message.LastIndexOf(" (Parameter '", StringComparison.Ordinal) : -1;
        return Of(end < 0 ? message : message[..end]);
    }
}
