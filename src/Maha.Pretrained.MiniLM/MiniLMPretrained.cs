namespace Maha.MLNet;

/// <summary>Adds <c>MahaPretrained.MiniLM</c>.</summary>
public static class MiniLMPretrained
{
    private const string ResourceName = "minilm.safetensors";

    private static readonly PretrainedSource s_source = PretrainedSource.FromCheckpoint("all-MiniLM-L6-v2", Open);

    extension(MahaPretrained)
    {
        /// <summary>
        /// The encoder all-MiniLM-L6-v2 (Reimers et al.): 6 layers of width 384 with 12 heads, for English texts in lower case, trained to embed sentences.
        /// </summary>
        /// <remarks>
        /// 23 million weights in float16, 43 MB, which are in this package: nothing is downloaded. Texts in other languages fall to pieces of words, of which the
        /// encoder knows little; train from scratch for them.
        /// </remarks>
        public static PretrainedSource MiniLM => s_source;
    }

    private static Stream Open() => typeof(MiniLMPretrained).Assembly.GetManifestResourceStream(ResourceName)
        ?? throw new InvalidOperationException($"The assembly must have the resource '{ResourceName}', but does not. Install the package Maha.Pretrained.MiniLM again.");
}
