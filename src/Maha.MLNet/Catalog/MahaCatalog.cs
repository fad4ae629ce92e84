using Maha.MLNet;
using Maha.MLNet.Bridge;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.TextEncoding;
using static Maha.MLNet.Classification.MahaSupervisedOptions;

// In the namespace of the catalogs that it extends, so that no other using is needed.
namespace Microsoft.ML;

/// <summary>Maha's estimators in ML.NET's catalogs.</summary>
public static class MahaCatalog
{
    /// <summary>Creates a trainer that classifies long documents into two or more classes; see <see cref="MahaTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="labelColumnName">The name of the label column, of keys as <c>Conversion.MapValueToKey</c> makes them.</param>
    /// <param name="textColumnName">The name of the column of the documents, of type Text.</param>
    /// <param name="scoreColumnName">The name of the added column of the class probabilities.</param>
    /// <param name="predictedLabelColumnName">The name of the added column of the predicted label.</param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">The most tokens of a document that are read. Training warns of longer documents.</param>
    /// <param name="numberOfEpochs">The most epochs, passes over the training documents; null chooses by the size of the data.</param>
    /// <param name="learningRate">The highest learning rate; null chooses by the model and the documents.</param>
    /// <param name="validationSet">The validation documents; null for a tenth of the training documents.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaTextClassificationTrainer MahaTextClassification(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers trainers,
        string labelColumnName = Defaults.LabelColumnName,
        string textColumnName = Defaults.TextColumnName,
        string scoreColumnName = Defaults.ScoreColumnName,
        string predictedLabelColumnName = Defaults.PredictedLabelColumnName,
        int dModel = Defaults.DModel,
        int numLayers = Defaults.NumLayers,
        int maxSequenceLength = Defaults.MaxSequenceLength,
        int? numberOfEpochs = null,
        double? learningRate = null,
        IDataView? validationSet = null)
        => trainers.MahaTextClassification(WithSizes(dModel, numLayers, maxSequenceLength, learningRate, new MahaTextClassificationTrainer.Options
        {
            LabelColumnName = labelColumnName,
            TextColumnName = textColumnName,
            ScoreColumnName = scoreColumnName,
            PredictedLabelColumnName = predictedLabelColumnName,
            NumberOfEpochs = numberOfEpochs,
            ValidationSet = validationSet,
        }));

    /// <summary>Creates a trainer that classifies long documents into two or more classes; see <see cref="MahaTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="options">The options. They are copied.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaTextClassificationTrainer MahaTextClassification(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers trainers, MahaTextClassificationTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(trainers);
        return new MahaTextClassificationTrainer(MLNetInternals.EnvironmentOf(trainers), options);
    }

    /// <summary>Creates a trainer that classifies long documents into two classes; see <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.BinaryClassification.Trainers</c>.</param>
    /// <param name="labelColumnName">The name of the label column, of type Boolean.</param>
    /// <param name="textColumnName">The name of the column of the documents, of type Text.</param>
    /// <param name="scoreColumnName">The name of the added column of the log odds.</param>
    /// <param name="probabilityColumnName">The name of the added column of the probability of true.</param>
    /// <param name="predictedLabelColumnName">The name of the added column of the predicted label.</param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">The most tokens of a document that are read. Training warns of longer documents.</param>
    /// <param name="numberOfEpochs">The most epochs, passes over the training documents; null chooses by the size of the data.</param>
    /// <param name="learningRate">The highest learning rate; null chooses by the model and the documents.</param>
    /// <param name="validationSet">The validation documents; null for a tenth of the training documents.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaBinaryTextClassificationTrainer MahaTextClassification(
        this BinaryClassificationCatalog.BinaryClassificationTrainers trainers,
        string labelColumnName = Defaults.LabelColumnName,
        string textColumnName = Defaults.TextColumnName,
        string scoreColumnName = Defaults.ScoreColumnName,
        string probabilityColumnName = Defaults.ProbabilityColumnName,
        string predictedLabelColumnName = Defaults.PredictedLabelColumnName,
        int dModel = Defaults.DModel,
        int numLayers = Defaults.NumLayers,
        int maxSequenceLength = Defaults.MaxSequenceLength,
        int? numberOfEpochs = null,
        double? learningRate = null,
        IDataView? validationSet = null)
        => trainers.MahaTextClassification(WithSizes(dModel, numLayers, maxSequenceLength, learningRate, new MahaBinaryTextClassificationTrainer.Options
        {
            LabelColumnName = labelColumnName,
            TextColumnName = textColumnName,
            ScoreColumnName = scoreColumnName,
            ProbabilityColumnName = probabilityColumnName,
            PredictedLabelColumnName = predictedLabelColumnName,
            NumberOfEpochs = numberOfEpochs,
            ValidationSet = validationSet,
        }));

    /// <summary>Creates a trainer that classifies long documents into two classes; see <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.BinaryClassification.Trainers</c>.</param>
    /// <param name="options">The options. They are copied.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaBinaryTextClassificationTrainer MahaTextClassification(
        this BinaryClassificationCatalog.BinaryClassificationTrainers trainers, MahaBinaryTextClassificationTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(trainers);
        return new MahaBinaryTextClassificationTrainer(MLNetInternals.EnvironmentOf(trainers), options);
    }

    /// <summary>
    /// Creates a trainer that classifies long documents which may have several labels each; see <see cref="MahaMultiLabelTextClassificationTrainer"/>.
    /// </summary>
    /// <param name="trainers">The catalog: <c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="labelColumnName">
    /// The name of the label column: a vector of keys, a vector of texts, or with <paramref name="labelSeparator"/> a text.
    /// </param>
    /// <param name="textColumnName">The name of the column of the documents, of type Text.</param>
    /// <param name="labelSeparator">The text between two labels of a text; null for a vector.</param>
    /// <param name="numberOfTopLabels">The number of most probable labels in the added column "TopLabels"; 0 for no such column.</param>
    /// <param name="maxSequenceLength">The most tokens of a document that are read. Training warns of longer documents.</param>
    /// <param name="validationSet">The validation documents; null for a tenth of the training documents.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaMultiLabelTextClassificationTrainer MahaMultiLabelTextClassification(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers trainers,
        string labelColumnName = Defaults.LabelColumnName,
        string textColumnName = Defaults.TextColumnName,
        string? labelSeparator = null,
        int numberOfTopLabels = 0,
        int maxSequenceLength = Defaults.MaxSequenceLength,
        IDataView? validationSet = null)
        => trainers.MahaMultiLabelTextClassification(WithSizes(
            Defaults.DModel, Defaults.NumLayers, maxSequenceLength, learningRate: null, new MahaMultiLabelTextClassificationTrainer.Options
            {
                LabelColumnName = labelColumnName,
                TextColumnName = textColumnName,
                LabelSeparator = labelSeparator,
                NumberOfTopLabels = numberOfTopLabels,
                ValidationSet = validationSet,
            }));

    /// <summary>
    /// Creates a trainer that classifies long documents which may have several labels each; see <see cref="MahaMultiLabelTextClassificationTrainer"/>.
    /// </summary>
    /// <param name="trainers">The catalog: <c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="options">The options. They are copied.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaMultiLabelTextClassificationTrainer MahaMultiLabelTextClassification(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers trainers, MahaMultiLabelTextClassificationTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(trainers);
        return new MahaMultiLabelTextClassificationTrainer(MLNetInternals.EnvironmentOf(trainers), options);
    }

    /// <summary>
    /// Creates an estimator that learns, from texts without labels, to turn long documents into vectors; see <see cref="MahaTextEncodingEstimator"/>.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="outputColumnName">The name of the added column of the vectors.</param>
    /// <param name="inputColumnName">
    /// The name of the column of the documents, of type Text; null for the output column, whose vectors then replace the texts.
    /// </param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">The most tokens of a document that are read. Training warns of longer documents.</param>
    /// <param name="numberOfEpochs">The number of epochs. An epoch trains on pieces of each document.</param>
    /// <param name="pretrainedModel">
    /// The weights to start from: an encoder in BERT layout, which reads the document in windows and is not trained further, or a saved Maha model; null for
    /// random weights. See <see cref="MahaTextEncodingEstimator.Options.PretrainedModel"/>.
    /// </param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaTextEncodingEstimator MahaEncode(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName = null,
        int dModel = MahaTextEncodingEstimator.Defaults.DModel,
        int numLayers = MahaTextEncodingEstimator.Defaults.NumLayers,
        int maxSequenceLength = MahaTextEncodingEstimator.Defaults.MaxSequenceLength,
        int numberOfEpochs = MahaTextEncodingEstimator.Defaults.NumberOfEpochs,
        PretrainedSource? pretrainedModel = null)
        => catalog.MahaEncode(WithSizes(dModel, numLayers, maxSequenceLength, learningRate: null, new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            NumberOfEpochs = numberOfEpochs,
            PretrainedModel = pretrainedModel,
        }));

    /// <summary>
    /// Creates an estimator that learns, from texts without labels, to turn long documents into vectors; see <see cref="MahaTextEncodingEstimator"/>.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="options">The options. They are copied.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaTextEncodingEstimator MahaEncode(this TransformsCatalog catalog, MahaTextEncodingEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new MahaTextEncodingEstimator(MLNetInternals.EnvironmentOf(catalog), options);
    }

    /// <summary>
    /// Creates an estimator that trains a causal language model, which scores documents and continues prompts; see <see cref="MahaLanguageModelEstimator"/>.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="outputColumnName">The name of the added column of the mean log-likelihood of a document's tokens.</param>
    /// <param name="inputColumnName">
    /// The name of the column of the documents, of type Text; null for the output column, whose log-likelihoods then replace the texts.
    /// </param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">
    /// C, the most tokens of a context, which limits how far back a prediction depends. Documents are read whole, in several contexts.
    /// </param>
    /// <param name="numberOfEpochs">The most epochs, passes over the training documents.</param>
    /// <param name="learningRate">The highest learning rate; null chooses by the model and the documents.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaLanguageModelEstimator MahaLanguageModel(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName = null,
        int dModel = MahaLanguageModelEstimator.Defaults.DModel,
        int numLayers = MahaLanguageModelEstimator.Defaults.NumLayers,
        int maxSequenceLength = MahaLanguageModelEstimator.Defaults.MaxSequenceLength,
        int numberOfEpochs = MahaLanguageModelEstimator.Defaults.NumberOfEpochs,
        double? learningRate = null)
        => catalog.MahaLanguageModel(WithSizes(dModel, numLayers, maxSequenceLength, learningRate, new MahaLanguageModelEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            NumberOfEpochs = numberOfEpochs,
        }));

    /// <summary>
    /// Creates an estimator that trains a causal language model, which scores documents and continues prompts; see <see cref="MahaLanguageModelEstimator"/>.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="options">The options. They are copied.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static MahaLanguageModelEstimator MahaLanguageModel(this TransformsCatalog catalog, MahaLanguageModelEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new MahaLanguageModelEstimator(MLNetInternals.EnvironmentOf(catalog), options);
    }

    private static TOptions WithSizes<TOptions>(int dModel, int numLayers, int maxSequenceLength, double? learningRate, TOptions options)
        where TOptions : MahaEstimatorOptions
    {
        (options.DModel, options.NumLayers) = (dModel, numLayers);
        // An option that is set holds for every model, a default only for those that have it.
        if (maxSequenceLength != MahaEstimatorOptions.ModelDefaults.MaxSequenceLength)
            options.MaxSequenceLength = maxSequenceLength;
        if (learningRate is double rate)
            options.LearningRate = rate;
        return options;
    }
}
