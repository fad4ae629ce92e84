namespace Maha.MLNet.LanguageModel;

public sealed partial class MahaLanguageModelEstimator
{
    /// <summary>The options of <see cref="MahaLanguageModelEstimator"/>.</summary>
    /// <remarks>
    /// <see cref="MahaEstimatorOptions.MaxSequenceLength"/> is the length of a context: the most tokens before a token that its prediction can depend on.
    /// Documents are not cut: long ones are read in several contexts, short ones share one, and <see cref="MahaEstimatorOptions.OverlongDocuments"/> must be
    /// left at its default. <see cref="MahaEstimatorOptions.Attention"/> can be Maha, Full, Window, Hsa or HsaCausal; the causal form of each is used.
    /// </remarks>
    public sealed class Options : MahaEstimatorOptions
    {
        /// <summary>Creates options with their default values.</summary>
        public Options() => MaxSequenceLength = Defaults.MaxSequenceLength;

        /// <summary>The name of the added column of the mean log-likelihood of a document's tokens.</summary>
        /// <value>"LogLikelihood".</value>
        public string OutputColumnName { get; set; } = Defaults.OutputColumnName;

        /// <summary>The name of the column of the documents, of type Text.</summary>
        /// <value>Null: the column that <see cref="OutputColumnName"/> names. The log-likelihoods then replace the texts.</value>
        public string? InputColumnName { get; set; }

        /// <summary>The name of the added column of the perplexity per token.</summary>
        /// <value>"Perplexity".</value>
        public string PerplexityColumnName { get; set; } = Defaults.PerplexityColumnName;

        /// <summary>Whether the output layer shares the weights of the token embedding, which saves V * D weights.</summary>
        /// <value>True.</value>
        public bool TieOutput { get; set; } = true;

        /// <summary>Whether a norm follows the embeddings. Recommended with <see cref="TieOutput"/>.</summary>
        /// <value>True.</value>
        public bool EmbeddingNorm { get; set; } = true;

        /// <summary>
        /// Whether hierarchical attention reads the parts of the block before a token's own block one by one. The result is nearer to full attention, at
        /// twice the cost of the attention.
        /// </summary>
        /// <value>Null: true for Hsa and HsaCausal, where it removes most of the difference from full attention. Only these accept true.</value>
        public bool? Overlap { get; set; }

        /// <summary>
        /// The fraction of the training during which contexts grow to <see cref="MahaEstimatorOptions.MaxSequenceLength"/>. They start with 64 tokens and
        /// double at equal intervals.
        /// </summary>
        /// <value>
        /// 0.6, which lowered the perplexity per byte by 0.4 to 2.2% in measurements. In [0, 1]; 0 trains on whole contexts from the first step on. The
        /// fraction is one of steps: a training that <see cref="MahaEstimatorOptions.MaxTrainingTime"/> ends early may not reach whole contexts. See
        /// <see cref="Maha.Layers.Training.LanguageModelingTask"/>.
        /// </value>
        public double ContextGrowthFraction { get; set; } = Defaults.ContextGrowthFraction;

        /// <summary>The fraction of the probability of the right token that the training loss spreads over all tokens.</summary>
        /// <value>0. In [0, 1).</value>
        public double LabelSmoothing { get; set; }

        internal string ReadColumnName => InputColumnName ?? OutputColumnName;
    }

    /// <summary>The defaults that the catalog's parameters and the options share.</summary>
    internal static class Defaults
    {
        public const string OutputColumnName = "LogLikelihood";
        public const string PerplexityColumnName = "Perplexity";
        public const int DModel = MahaEstimatorOptions.ModelDefaults.DModel;
        public const int NumLayers = MahaEstimatorOptions.ModelDefaults.NumLayers;
        public const int MaxSequenceLength = 1024; // eight contexts per batch: with fewer, the gradients of steps vary too much
        public const double ContextGrowthFraction = 0.6;
        public const int NumberOfEpochs = MahaEstimatorOptions.ModelDefaults.NumberOfEpochs;
    }
}
