using Maha.Layers.Models;
using Maha.Layers.Training;


namespace Maha.MLNet.TextEncoding;

public sealed partial class MahaTextEncodingEstimator
{
    /// <summary>The options of <see cref="MahaTextEncodingEstimator"/>.</summary>
    public sealed class Options : MahaEstimatorOptions
    {
        /// <summary>Options that run, where they differ from the other estimators'.</summary>
        public Options()
        {
            NumberOfEpochs = Defaults.NumberOfEpochs;
            LearningRate = Defaults.LearningRate;
            TokensPerBatch = Defaults.TokensPerBatch;
            ValidationFraction = 0;
        }

        /// <summary>The column of the documents' vectors that is added.</summary>
        /// <value>"Features".</value>
        public string OutputColumnName { get; set; } = Defaults.OutputColumnName;

        /// <summary>The column of the documents, of type Text.</summary>
        /// <value>Null: the column named by <see cref="OutputColumnName"/>, which the vectors then hide.</value>
        public string? InputColumnName { get; set; }

        /// <summary>The column of the vectors of a document's sentences or paragraphs that is added: one after the other, each as wide as a document's.</summary>
        /// <value>Null: none.</value>
        public string? SegmentColumnName { get; set; }

        /// <summary>Which parts of a document get vectors. Ignored without <see cref="SegmentColumnName"/>.</summary>
        /// <value><see cref="SegmentKind.Sentence"/>.</value>
        public SegmentKind Segments { get; set; } = SegmentKind.Sentence;

        /// <summary>Whether vectors are scaled to the length 1, for cosine similarity. Linear trainers with their default regularization do better without.</summary>
        /// <value>False.</value>
        public bool NormalizeLength { get; set; }

        /// <summary>How the transformer's tokens become one vector.</summary>
        /// <value><see cref="PoolingKind.Mean"/>.</value>
        public PoolingKind Pooling { get; set; } = PoolingKind.Mean;

        /// <summary>K, the width of each spectral part. Ignored where <see cref="PretrainedModel"/> is an encoder's, which brings its own.</summary>
        /// <value>128. From 0 to 4,096; 0 leaves the spectral parts out.</value>
        public int SpectralDim { get; set; } = Defaults.Parts.SpectralDim;

        /// <summary>The buckets that hashed pairs of neighboring tokens share in the spectral parts. Ignored where <see cref="SpectralDim"/> is 0 or the pretrained model brings its own.</summary>
        /// <value>16,384. From 0 to 16,777,216.</value>
        public int NumPairBuckets { get; set; } = Defaults.Parts.NumPairBuckets;

        /// <summary>The tokens of a document's beginning that have a spectral part of their own. Ignored where <see cref="SpectralDim"/> is 0 or the pretrained model brings its own.</summary>
        /// <value>64. At least 0; 0 leaves the part out.</value>
        public int BeginningTokens { get; set; } = Defaults.Parts.BeginningTokens;

        /// <summary>How loud the transformer's part is beside the spectral ones. Ignored where the pretrained model brings its own.</summary>
        /// <value>0.25: where labels are few and the collection is small, the spectral parts know more. Raise it for large collections and long training. From 0 to 1,000.</value>
        public double ContextualWeight { get; set; } = Defaults.Parts.ContextualWeight;

        /// <summary>Whether the token embedding starts from the spectral directions. Ignored with a <see cref="PretrainedModel"/> or without spectral parts.</summary>
        /// <value>True.</value>
        public bool SpectralStart { get; set; } = true;

        /// <summary>How much the prediction of masked tokens counts in the training.</summary>
        /// <value>1. At least 0.</value>
        public double MaskedTokenWeight { get; set; } = Defaults.Pretraining.MaskedTokenWeight;

        /// <summary>How much the recognition of a document by another part of it counts in the training.</summary>
        /// <value>1. At least 0; 0 trains on masked tokens alone.</value>
        public double ContrastiveWeight { get; set; } = Defaults.Pretraining.ContrastiveWeight;

        /// <summary>The share of a text's tokens that are masked in training.</summary>
        /// <value>0.15. In [0, 1).</value>
        public double MaskFraction { get; set; } = Defaults.Pretraining.MaskFraction;

        /// <summary>Whether masked tokens are predicted with the embedding's own weights.</summary>
        /// <value>True.</value>
        public bool TieEmbedding { get; set; } = Defaults.Pretraining.TieEmbedding;

        /// <summary>The tokens of each of the two views of a document in training.</summary>
        /// <value>128. At least 2.</value>
        public int ViewLength { get; set; } = Defaults.Pretraining.ViewLength;

        /// <summary>tau, how sharply a document's two views are told from the other documents'.</summary>
        /// <value>0.1. Above 0.</value>
        public double Temperature { get; set; } = Defaults.Pretraining.Temperature;

        /// <summary>The pieces of four views' length that an epoch takes of a document, at most.</summary>
        /// <value>4. At least 1.</value>
        public int ChunksPerDocument { get; set; } = 4;

        /// <summary>
        /// A file to start from: the zip of a chain with one Maha transformer (encoder, classifier or language model), or what <see cref="MahaTransformer.SaveWeights"/> wrote.
        /// Tokenizer and architecture come from it; options of the architecture must be left at their defaults, or agree.
        /// </summary>
        /// <value>Null: random weights.</value>
        public string? PretrainedModel { get; set; }

        /// <summary>Whether the pretrained transformer stays as it is. An encoder's file is then used whole, and nothing is learned.</summary>
        /// <value>False: it is trained further. Refused without <see cref="PretrainedModel"/>.</value>
        public bool Freeze { get; set; }

        internal string ReadColumnName => InputColumnName ?? OutputColumnName;
    }

    /// <summary>Each default that the catalog's parameters and the options share, once.</summary>
    internal static class Defaults
    {
        public const string OutputColumnName = "Features";
        public const int DModel = MahaEstimatorOptions.ModelDefaults.DModel;
        public const int NumLayers = MahaEstimatorOptions.ModelDefaults.NumLayers;
        public const int MaxSequenceLength = MahaEstimatorOptions.ModelDefaults.MaxSequenceLength;
        public const int NumberOfEpochs = 2;
        public const double LearningRate = 1e-3;
        public const int TokensPerBatch = 32768; // pieces whose views are a quarter of them: 64 documents at a time

        public static readonly DocumentVectorParts Parts = new();
        public static readonly PretrainingOptions Pretraining = new();
    }
}
