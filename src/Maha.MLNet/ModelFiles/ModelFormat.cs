namespace Maha.MLNet.ModelFiles;

/// <summary>By what the file of a kind of model is known.</summary>
/// <param name="Noun">What messages call it, for instance "classifier".</param>
/// <param name="ManifestStream">The name of the stream with the <see cref="ModelManifest"/>.</param>
/// <param name="ModelSignature">ML.NET's mark of the transformer's data, exactly eight characters.</param>
/// <param name="LoaderSignature">ML.NET's name of the transformer's loader, at most 24 characters.</param>
internal sealed record ModelFormat(string Noun, string ManifestStream, string ModelSignature, string LoaderSignature)
{
    /// <summary>Version 1.1 of the frame around the streams; what is in them is versioned by <see cref="ModelManifest.FormatVersion"/>.</summary>
    public const uint FrameVersion = 0x00010001;

    /// <summary>The stream of the tokenizer.</summary>
    public const string TokenizerStream = "Tokenizer";

    /// <summary>The stream of the network's weights.</summary>
    public const string WeightsStream = "Weights.safetensors";

    /// <summary>The stream of the other streams' checksums.</summary>
    public const string ChecksumStream = "Checksums";
}
