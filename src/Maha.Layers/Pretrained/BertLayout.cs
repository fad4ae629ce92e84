namespace Maha.Layers.Pretrained;

/// <summary>The tensor names of the BERT layout.</summary>
internal static class BertLayout
{
    private static readonly string[] s_parts = ["embeddings.", "encoder."];

    // What can precede the parts of an encoder in a name. BertWeights accepts the same, and "roberta.", whose tokenizer is another.
    private static readonly string[] s_prefixes = ["", "bert.", "model."];

    /// <summary>Returns whether a tensor is a weight of the encoder: not of a pooler or a head, and not the list of positions.</summary>
    public static bool IsOfEncoder(string name) =>
        !name.EndsWith(".position_ids", StringComparison.Ordinal)
            && s_prefixes.Any(prefix => s_parts.Any(part => name.StartsWith(prefix + part, StringComparison.Ordinal)));

    /// <summary>Returns whether a tensor is the bias of a linear layer.</summary>
    public static bool IsLinearBias(string name) =>
        name.EndsWith(".bias", StringComparison.Ordinal) && !name.Contains("LayerNorm", StringComparison.Ordinal);

    /// <summary>Returns the name of the word embeddings among the tensors, or null.</summary>
    public static string? FindWordEmbeddings(IEnumerable<string> names) =>
        s_prefixes.Select(prefix => prefix + "embeddings.word_embeddings.weight").FirstOrDefault(names.Contains);
}
