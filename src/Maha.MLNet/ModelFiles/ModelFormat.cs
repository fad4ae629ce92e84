namespace Maha.MLNet.ModelFiles;

/// <summary>The names and signatures that identify the file of a kind of model.</summary>
/// <param name="DisplayName">The kind of model in messages, for instance "classifier".</param>
/// <param name="ManifestStream">The name of the stream with the <see cref="ModelManifest"/>.</param>
/// <param name="ModelSignature">ML.NET's signature of the transformer's data, exactly eight characters.</param>
/// <param name="LoaderSignature">ML.NET's name of the transformer's loader, at most 24 characters.</param>
internal sealed record ModelFormat(string DisplayName, string ManifestStream, string ModelSignature, string LoaderSignature)
{
    /// <summary>
    /// Version 1.1 of ML.NET's header before the streams. <see cref="ModelManifest.FormatVersion"/> is the version of what the streams contain.
    /// </summary>
    public const uint HeaderVersion = 0x00010001;

    /// <summary>The stream of the tokenizer.</summary>
    public const string TokenizerStream = "Tokenizer";

    /// <summary>The stream of the tokenizer of a document encoder's spectral parts, if they have their own.</summary>
    public const string SpectralTokenizerStream = "SpectralTokenizer";

    /// <summary>The stream of the network's weights.</summary>
    public const string WeightsStream = "Weights.safetensors";

    /// <summary>The stream of the other streams' checksums.</summary>
    public const string ChecksumStream = "Checksums";

    /// <summary>The metadata of a weight file that holds the manifest.</summary>
    public const string ManifestMetadata = "maha.manifest";

    /// <summary>The metadata of a weight file that holds the tokenizer, in base 64.</summary>
    public const string TokenizerMetadata = "maha.tokenizer";

    /// <summary>The metadata of a weight file that holds the tokenizer of a document encoder's spectral parts, in base 64.</summary>
    public const string SpectralTokenizerMetadata = "maha.spectral_tokenizer";
}
