using Maha.Layers.Models;
using Maha.Layers.Training;

namespace Maha.MLNet.TextEncoding;

public sealed partial class MahaTextEncodingEstimator
{
    /// <summary>The options of <see cref="MahaTextEncodingEstimator"/>.</summary>
    public sealed class Options : MahaEstimatorOptions
    {
        /// <summary>Creates options with their default values.</summary>
        public Options()
        {
            NumberOfEpochs = Defaults.NumberOfEpochs;
            UseDefaultLearningRate(Defaults.LearningRate);
            TokensPerBatch = Defaults.TokensPerBatch;
            ValidationFraction = 0;
        }

        /// <summary>The name of the added column of the documents' vectors.</summary>
        /// <value>"Features".</value>
        public string OutputColumnName { get; set; } = Defaults.OutputColumnName;

        /// <summary>The name of the column of the documents, of type Text.</summary>
        /// <value>Null: the column that <see cref="OutputColumnName"/> names. The vectors then replace the texts.</value>
        public string? InputColumnName { get; set; }

        /// <summary>The name of the added column with the vectors of a document's segments, in order, each as wide as a document's.</summary>
        /// <value>Null: no such column.</value>
        public string? SegmentColumnName { get; set; }

        /// <summary>The parts of a document that have vectors in the segment column. Applies when <see cref="SegmentColumnName"/> is set.</summary>
        /// <value>
        /// <see cref="SegmentKind.Sentence"/>. <see cref="SegmentKind.Window"/> requires a <see cref="PretrainedModel"/> in BERT layout, and that
        /// <see cref="MahaEstimatorOptions.OverlongDocuments"/> keeps one end of a document.
        /// </value>
        public SegmentKind Segments { get; set; } = SegmentKind.Sentence;

        /// <summary>
        /// The name of the added column with the range of characters of each segment: two numbers per segment, the index of its first character in the text and
        /// the index after its last one.
        /// </summary>
        /// <value>Null: no such column. A name requires a <see cref="SegmentColumnName"/>.</value>
        public string? SegmentOffsetsColumnName { get; set; }

        /// <summary>Whether vectors are scaled to length 1, for cosine similarity.</summary>
        /// <value>False, which is better for linear trainers with their default regularization.</value>
        public bool NormalizeLength { get; set; }

        /// <summary>The method that combines the transformer's tokens into one vector.</summary>
        /// <value><see cref="PoolingKind.Mean"/>.</value>
        public PoolingKind Pooling { get; set; } = PoolingKind.Mean;

        /// <summary>K, the width of each spectral part. Applies unless <see cref="PretrainedModel"/> is an encoder, whose parts are used.</summary>
        /// <value>128. From 0 to 4,096; 0 leaves the spectral parts out.</value>
        public int SpectralDim { get; set; } = Defaults.Parts.SpectralDim;

        /// <summary>
        /// The number of buckets that hashed pairs of neighboring tokens share in the spectral parts. Applies when <see cref="SpectralDim"/> is above 0,
        /// unless the pretrained model is an encoder.
        /// </summary>
        /// <value>16,384. From 0 to 16,777,216.</value>
        public int NumPairBuckets { get; set; } = Defaults.Parts.NumPairBuckets;

        /// <summary>
        /// The number of tokens at the beginning of a document that have their own spectral part. Applies when <see cref="SpectralDim"/> is above 0, unless the
        /// pretrained model is an encoder.
        /// </summary>
        /// <value>64. At least 0; 0 leaves the part out.</value>
        public int BeginningTokens { get; set; } = Defaults.Parts.BeginningTokens;

        /// <summary>The size of the transformer's part relative to the spectral parts. Applies unless the pretrained model is an encoder.</summary>
        /// <value>
        /// 0.25, since the spectral parts are more accurate in a small collection with few labels. Raise it for large collections and long training. From 0
        /// to 1,000.
        /// </value>
        public double ContextualWeight { get; set; } = Defaults.Parts.ContextualWeight;

        /// <summary>Whether the token embedding starts from the spectral directions. Applies to training from random weights, with spectral parts.</summary>
        /// <value>True.</value>
        public bool SpectralStart { get; set; } = true;

        /// <summary>The weight of the prediction of masked tokens in the training loss.</summary>
        /// <value>1. At least 0.</value>
        public double MaskedTokenWeight { get; set; } = Defaults.Pretraining.MaskedTokenWeight;

        /// <summary>The weight of the contrastive task in the training loss: to recognize a document from another part of it.</summary>
        /// <value>1. At least 0; 0 trains on masked tokens only.</value>
        public double ContrastiveWeight { get; set; } = Defaults.Pretraining.ContrastiveWeight;

        /// <summary>The fraction of a text's tokens that are masked in training.</summary>
        /// <value>0.15. In [0, 1).</value>
        public double MaskFraction { get; set; } = Defaults.Pretraining.MaskFraction;

        /// <summary>Whether masked tokens are predicted with the weights of the token embedding.</summary>
        /// <value>True.</value>
        public bool TieEmbedding { get; set; } = Defaults.Pretraining.TieEmbedding;

        /// <summary>The number of tokens of each of the two views of a document in training.</summary>
        /// <value>128. At least 2.</value>
        public int ViewLength { get; set; } = Defaults.Pretraining.ViewLength;

        /// <summary>
        /// tau, the temperature of the contrastive task. A lower one separates a document's views more sharply from those of other documents.
        /// </summary>
        /// <value>0.1. Above 0.</value>
        public double Temperature { get; set; } = Defaults.Pretraining.Temperature;

        /// <summary>The most pieces of a document that are trained on per epoch. A piece is four views long.</summary>
        /// <value>4. At least 1.</value>
        public int ChunksPerDocument { get; set; } = 4;

        /// <summary>
        /// The weights to start from. An encoder in BERT layout reads the document in windows of 256 tokens, however long it is: <c>MahaPretrained.MiniLM</c>
        /// of the package Maha.Pretrained.MiniLM; the path of a folder with <c>model.safetensors</c> or <c>model.onnx</c>, <c>vocab.txt</c> and
        /// <c>config.json</c>; or of one of these files. Or the path of a saved Maha model: the zip of a chain with one Maha transformer (encoder, classifier
        /// or language model), or a file of <see cref="MahaTransformer.SaveWeights"/>. Tokenizer and architecture are those of the weights. Leave options of
        /// the architecture at their defaults, or set them to the same values.
        /// </summary>
        /// <remarks>
        /// An encoder in BERT layout is not trained further: only the spectral parts, their vocabulary (<see cref="MahaEstimatorOptions.VocabSize"/>), and the
        /// scale are fitted to the texts. Options of the training have no effect then, and a warning names those that are set. To train such an encoder, train
        /// <c>MahaTextClassification</c> on labels, and encode with its model.
        /// </remarks>
        /// <value>Null: random weights.</value>
        public PretrainedSource? PretrainedModel { get; set; }

        /// <summary>
        /// Whether the pretrained transformer is not trained. A saved <c>MahaEncode</c> model is then used as it is, and nothing is learned. An encoder in BERT
        /// layout is never trained.
        /// </summary>
        /// <value>False: it is trained further. True requires a <see cref="PretrainedModel"/>.</value>
        public bool Freeze { get; set; }

        internal string ReadColumnName => InputColumnName ?? OutputColumnName;
    }

    /// <summary>The defaults that the catalog's parameters and the options share.</summary>
    internal static class Defaults
    {
        public const string OutputColumnName = "Features";
        public const int DModel = MahaEstimatorOptions.ModelDefaults.DModel;
        public const int NumLayers = MahaEstimatorOptions.ModelDefaults.NumLayers;
        public const int MaxSequenceLength = MahaEstimatorOptions.ModelDefaults.MaxSequenceLength;
        public const int NumberOfEpochs = 2;
        public const double LearningRate = 1e-3;
        public const int TokensPerBatch = 32768; // 64 pieces of 512 tokens

        public static readonly DocumentVectorParts Parts = new();
        public static readonly PretrainingOptions Pretraining = new();
    }
}
