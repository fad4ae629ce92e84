namespace Maha.MLNet.LanguageModel;

public sealed partial class MahaLanguageModelEstimator
{
    /// <summary>The options of <see cref="MahaLanguageModelEstimator"/>.</summary>
    /// <remarks>
    /// <see cref="MahaEstimatorOptions.MaxSequenceLength"/> is the context: the most tokens that a prediction looks back on. Documents are never cut: longer ones are read in several contexts,
    /// short ones share one, and <see cref="MahaEstimatorOptions.OverlongDocuments"/> must be left alone. <see cref="MahaEstimatorOptions.Attention"/> may be Maha, Full, Window, Hsa or HsaCausal;
    /// all are used in their causal form.
    /// </remarks>
    public sealed class Options : MahaEstimatorOptions
    {
        /// <summary>Options that run, where they differ from the other estimators'.</summary>
        public Options() => MaxSequenceLength = Defaults.MaxSequenceLength;

        /// <summary>The column of the mean log-likelihood of a document's tokens that is added.</summary>
        /// <value>"LogLikelihood".</value>
        public string OutputColumnName { get; set; } = Defaults.OutputColumnName;

        /// <summary>The column of the documents, of type Text.</summary>
        /// <value>Null: the column named by <see cref="OutputColumnName"/>, which the log-likelihoods then hide.</value>
        public string? InputColumnName { get; set; }

        /// <summary>The column of the perplexity per token that is added.</summary>
        /// <value>"Perplexity".</value>
        public string PerplexityColumnName { get; set; } = Defaults.PerplexityColumnName;

        /// <summary>Whether the output layer is the matrix of the token embeddings, which saves V * D weights.</summary>
        /// <value>True.</value>
        public bool TieOutput { get; set; } = true;

        /// <summary>Whether a norm stands behind the embeddings. Advised where the output is tied.</summary>
        /// <value>True.</value>
        public bool EmbeddingNorm { get; set; } = true;

        /// <summary>Whether hierarchical attention also sees the parts of the block before a token's own singly: nearer to full attention at twice the cost of attending.</summary>
        /// <value>Null: true for Hsa and HsaCausal, where it takes most of the distance to full attention. True is refused by other attentions.</value>
        public bool? Overlap { get; set; }

        /// <summary>The part of the training during which contexts grow to <see cref="MahaEstimatorOptions.MaxSequenceLength"/>, from pieces of 64 tokens whose length doubles at equal distances.</summary>
        /// <value>0.6, which is worth 0.4 to 2.2% of perplexity per byte (docs/language-model.md). In [0, 1]; 0 trains on whole contexts from the first step on. Counted in steps: a training that <see cref="MahaEstimatorOptions.MaxTrainingTime"/> ends early may not get to whole ones. See <see cref="Maha.Layers.Training.LanguageModelingTask"/>.</value>
        public double ContextGrowthFraction { get; set; } = Defaults.ContextGrowthFraction;

        /// <summary>The part of the probability of the right token that the training loss spreads over all tokens.</summary>
        /// <value>0. In [0, 1).</value>
        public double LabelSmoothing { get; set; }

        internal string ReadColumnName => InputColumnName ?? OutputColumnName;
    }

    /// <summary>Each default that the catalog's parameters and the options share, once.</summary>
    internal static class Defaults
    {
        public const string OutputColumnName = "LogLikelihood";
        public const string PerplexityColumnName = "Perplexity";
        public const int DModel = MahaEstimatorOptions.ModelDefaults.DModel;
        public const int NumLayers = MahaEstimatorOptions.ModelDefaults.NumLayers;
        public const int MaxSequenceLength = 1024; // eight contexts a batch: fewer make steps of too little variety
        public const double ContextGrowthFraction = 0.6;
        public const int NumberOfEpochs = MahaEstimatorOptions.ModelDefaults.NumberOfEpochs;
        public const double LearningRate = MahaEstimatorOptions.ModelDefaults.LearningRate;
    }
}
