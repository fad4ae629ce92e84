namespace Maha.Tool.Input;

/// <summary>What the libraries advise, in the terms of the tool: its options, not those of a program.</summary>
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
        (" Look at columns 'Label' and 'Text'.", " Set --label-field, or name the folders by the labels."),
        (" Look at columns 'Label' and 'Text' and at the separator with which the data were read.", " Look at --label-field, --text-field and --separator."),
        (" Look at column 'Text' and at the separator with which the data were read.", " Look at --text-field and --separator."),
        (" Look at column 'Label'.", " Set --label-field, or name the folders by the labels."),
        ("IncludeNGrams must be false for an encoder, which has no n-grams, but is true.", "--ngrams must not be set for an encoder, which has no n-grams."),
        ("Set IncludeNGrams", "Add --ngrams"),
        (" out, or train MahaTextClassification from it.", " out, or add --from-scratch."),
        ("Leave PretrainedModel out to", "Add --from-scratch to"),
        ("MaxSequenceLength", "--max-tokens"),
        ("MaxTrainingTime", "--minutes"),
        ("NumberOfEpochs", "--epochs"),
        ("CheckpointPath", "--checkpoint"),
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
