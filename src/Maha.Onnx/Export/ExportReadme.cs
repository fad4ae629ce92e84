using System.Globalization;
using System.Text;
using Maha.Layers.Data;

namespace Maha.Onnx.Export;

/// <summary>The README of an export, for whoever runs the graph without Maha.</summary>
internal static class ExportReadme
{
    /// <summary>Returns the text.</summary>
    /// <param name="description">The description of the model.</param>
    /// <param name="files">The names of the other files.</param>
    public static string Write(ExportDescription description, IEnumerable<string> files)
    {
        var text = new StringBuilder();
        string threshold = description.Kind == ExportDescription.Binary ? ", which is 1 if the probability of true is above `threshold`" : "";
        // A text without ids is a window without content, see below, where there are windows.
        string empty = description.Windows is null ? "; a text without ids is one column of padding" : "";
        bool isEncoder = description.Kind == ExportDescription.Encoder;
        text.Append(CultureInfo.InvariantCulture, $"""
            # An exported {description.Kind}

            `{ExportFolder.Model}` is an ONNX graph with the operators of opset {Graph.OnnxBuilder.Opset}. It runs in ONNX Runtime 1.23 or newer without any
            other library. `{ExportFolder.Description}` has all numbers that this page names. Files: {string.Join(", ", files.Select(name => $"`{name}`"))}.

            ## Inputs

            Both have one row per text and are padded on the right{empty}.

            * `{GraphNames.InputIds}`, Int64 [batch, tokens]: the token ids of each text; any id at padding.
            * `{GraphNames.AttentionMask}`, Int64 [batch, tokens]: 1 for ids, 0 for padding.

            """);
        AppendIds(text, description);
        if (description.HasSpectralIds)
        {
            text.Append($"""

                * `{GraphNames.SpectralIds}` and `{GraphNames.SpectralMask}`, Int64 [batch, spectral_tokens]: the same for the text as
                  `{ExportFolder.SpectralPrefix}{ExportFolder.Tokenizer}` encodes it, without special tokens. If a text is longer than `maxTokens`,
                  it is cut where `{GraphNames.InputIds}` is.

                """);
        }
        if (description.HasNGrams)
        {
            text.Append($"""

                * `{GraphNames.NGramLogits}` and `{GraphNames.CopyCounts}`, Float [batch, classes]: what `Maha.Onnx.OnnxTextReader` computes from the text
                  with `{ExportFolder.NGrams}`.

                """);
        }
        text.Append($"""

            In .NET, `Maha.Onnx.OnnxTextReader.Load(folder).Read(text)` computes the inputs; it does not need libtorch.

            ## Outputs


            """);
        text.Append(isEncoder
            ? $"* `{GraphNames.Embedding}`, Float [batch, {description.VectorSize}]: the vector of each text.\n"
            : $"""
                * `{GraphNames.Probabilities}`, Float [batch, {description.Labels!.Count}]: the probabilities of the `labels`, in their order.
                * `{GraphNames.PredictedLabel}`, Int64 [batch]: the index of the predicted label{threshold}.

                """);
        if (description.Check is { } check)
        {
            text.Append(CultureInfo.InvariantCulture, $"""

                ## Check

                At the export, ONNX Runtime and the model were compared on {check.NumTexts} texts. The largest difference was
                {check.LargestDifference:G2}, the limit {check.Tolerance:G2}.

                """);
        }
        if (description.OmittedNGrams is { } omitted)
            text.Append(CultureInfo.InvariantCulture, $"\n## What is missing\n\n{omitted}\n");
        return text.ToString();
    }

    private static void AppendIds(StringBuilder text, ExportDescription description)
    {
        string overlong = description.OverlongDocuments switch
        {
            OverlongDocuments.KeepEnd => "its last ids are read",
            OverlongDocuments.KeepStartAndEnd => "its first and its last ids are read, half of `maxTokens` (rounded up and down) each",
            OverlongDocuments.Throw => "it must be refused",
            _ => "its first ids are read",
        };
        string letters = description.Tokenizer.LowerCase ? "letters become lower case and lose their accents (NFD without non-spacing marks); " : "";
        text.Append(description.Tokenizer.Kind == TokenizerDescription.WordPiece
            ? $"""

                The ids are WordPiece tokens of BERT's words: the text is split at white space and around every punctuation character (all ASCII symbols among
                them) and CJK ideograph; {letters}the longest pieces of `{ExportFolder.Vocabulary}` are taken from the left, and pieces inside a word begin
                with ##.

                """
            : $"""

                The ids are byte-level BPE tokens: `{ExportFolder.Tokenizer}` is the tokenizer, and `vocab.json` and `merges.txt` are the same in the
                form of GPT-2, with the words of the regular expression `tokenizer.words`. A word of more than `tokenizer.maxWordLength` characters is
                split after as many. Nothing is added to the ids.

                """);
        text.Append(CultureInfo.InvariantCulture, $"If a text has more than `maxTokens` ({description.MaxTokens}) ids, {overlong}.\n");
        if (description.Windows is { } windows)
        {
            int content = windows.Length - 2;
            text.Append(CultureInfo.InvariantCulture, $"""

                Then the ids are cut into windows, each framed by `clsTokenId` ({windows.ClsTokenId}) and `sepTokenId` ({windows.SepTokenId}), and the windows
                follow each other in the row. A window has at most {content} ids between the two. While more ids are left, the window ends after the last id of
                its second half (from {content / 2 + 1} ids on) that is in `sentenceEndIds`; without one, before the last piece that does not begin with ##;
                without one, after {content} ids. A text without ids is one window without content.

                """);
        }
    }
}
