using Maha.Layers.Models;
using Microsoft.ML;

namespace Maha.MLNet.Classification;

/// <summary>The options that all trainers of texts with labels share.</summary>
public abstract class MahaSupervisedOptions : MahaEstimatorOptions
{
    private int _documentLayers;

    private protected MahaSupervisedOptions() => NumberOfEpochs = null;

    /// <summary>The name of the label column.</summary>
    /// <value>"Label".</value>
    public string LabelColumnName { get; set; } = Defaults.LabelColumnName;

    /// <summary>The name of the column of the documents, of type Text.</summary>
    /// <value>"Text".</value>
    public string TextColumnName { get; set; } = Defaults.TextColumnName;

    /// <summary>The name of the column of the weights of rows, of type Single, as ML.NET's trainers have it.</summary>
    /// <value>
    /// Null: all rows count the same. A document of weight 2 counts as two documents of weight 1: in the training, in early stopping, and in the calibration
    /// and the thresholds that are fitted to the validation documents. Only the ratios of the weights matter. A row of weight 0 is left out. Weights must be
    /// finite and at least 0. A <see cref="ValidationSet"/> must have the column, too.
    /// </value>
    public string? ExampleWeightColumnName { get; set; }

    /// <summary>The name of the added column of the scores.</summary>
    /// <value>"Score".</value>
    public string ScoreColumnName { get; set; } = Defaults.ScoreColumnName;

    /// <summary>The method that combines the tokens of a document into one vector.</summary>
    /// <value><see cref="PoolingKind.MeanMax"/>: the maximum shows what occurs anywhere in a long document, the mean how often.</value>
    public PoolingKind Pooling { get; set; } = PoolingKind.MeanMax;

    /// <summary>
    /// The minimum number of documents of a training step. A batch of <see cref="MahaEstimatorOptions.TokensPerBatch"/> tokens has few documents where they
    /// are long; further batches are averaged for the step until it has so many.
    /// </summary>
    /// <value>
    /// Null: for documents of more than 256 tokens on average, as many as leave about 1,000 steps, from 8 to 32; 1 for shorter ones. With a
    /// <see cref="PretrainedModel"/> in BERT layout 1 where the default batch has all documents of a step, and else 8 long documents, 16 short ones, or 32 of
    /// many. From 1 to 1,048,576.
    /// </value>
    public int? MinDocumentsPerStep { get; set; }

    /// <summary>
    /// The weight in the training loss of the segments of 256 tokens (with a <see cref="PretrainedModel"/> in BERT layout: the windows) of a longer document, which inherit its label; the document itself has the rest of the
    /// weight. More labels per document help where the parts of a document are of its class, and harm where only the relation of its parts decides.
    /// </summary>
    /// <value>0: the documents alone. In [0, 1).</value>
    public double SegmentLossWeight { get; set; }

    /// <summary>The documents on which each epoch is validated, with the same columns as the training data.</summary>
    /// <value>Null: a part of the training documents, of the size <see cref="MahaEstimatorOptions.ValidationFraction"/>.</value>
    public IDataView? ValidationSet { get; set; }

    /// <summary>
    /// Whether linear models over n-grams are fitted in addition to the network. They score the words and pairs of words of the document and of its segments,
    /// and are stacked on held-out folds. Their scores are added to the network's, with weights that are fitted to the validation documents. They learn from
    /// few documents and take seconds. With more than 32 classes, an n-gram has weights only for the classes in whose documents it occurs.
    /// </summary>
    /// <value>True. False trains the network alone.</value>
    public bool NGrams { get; set; } = true;

    /// <summary>
    /// The weights to start from. An encoder in BERT layout reads the document in windows of 256 tokens, however long it is: <c>MahaPretrained.MiniLM</c> of
    /// the package Maha.Pretrained.MiniLM; the path of a folder with <c>model.safetensors</c> or <c>model.onnx</c>, <c>vocab.txt</c> and <c>config.json</c>; or
    /// of one of these files. Or the path of a saved Maha model: the zip of a chain with one Maha transformer (encoder, classifier or language model), or a
    /// file of <see cref="MahaTransformer.SaveWeights"/>. Tokenizer and architecture are those of the weights. Leave options of the architecture at their
    /// defaults, or set them to the same values.
    /// </summary>
    /// <value>
    /// Null: random weights. With a saved Maha model, use about a quarter of the <see cref="MahaEstimatorOptions.LearningRate"/>; an encoder in BERT layout
    /// has its own default for what follows the encoder, 0.001, or 0.0005 for documents of more than four windows and with <see cref="DocumentLayers"/>; the
    /// encoder has a tenth of it.
    /// </value>
    public PretrainedSource? PretrainedModel { get; set; }

    /// <summary>The number of blocks over the whole document that follow a pretrained encoder of windows. Their attention is <see cref="MahaEstimatorOptions.Attention"/>.</summary>
    /// <value>
    /// 0: the class is decided by the pooled windows. From 0 to 100. Applies with a <see cref="PretrainedModel"/> in BERT layout. Left out, a saved classifier as
    /// <see cref="PretrainedModel"/> keeps its blocks. Use 2 where the class is a relation of distant parts, such as their order.
    /// </value>
    public int DocumentLayers { get => _documentLayers; set => _documentLayers = Set(value); }

    /// <summary>The defaults that the catalog's parameters and the options share.</summary>
    internal static class Defaults
    {
        public const string LabelColumnName = "Label";
        public const string TextColumnName = "Text";
        public const string ScoreColumnName = "Score";
        public const string ProbabilityColumnName = "Probability";
        public const string PredictedLabelColumnName = "PredictedLabel";
        public const string AbstainedColumnName = "Abstained";
        public const int MaxSequenceLength = ModelDefaults.MaxSequenceLength;
        public const int DModel = ModelDefaults.DModel;
        public const int NumLayers = ModelDefaults.NumLayers;
    }
}
