using Maha.MLNet.Bridge;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.TextEncoding;
using static Maha.MLNet.Classification.MahaClassifierOptions;

// In the namespace of what it extends, so that the methods are there without another using.
namespace Microsoft.ML;

/// <summary>Maha's estimators in ML.NET's catalogs.</summary>
public static class MahaCatalog
{
    /// <summary>Trains a classifier of long documents with two or more classes; see <see cref="MahaTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="labelColumnName">The column of the labels, keys as <c>Conversion.MapValueToKey</c> makes them.</param>
    /// <param name="textColumnName">The column of the documents, of type Text.</param>
    /// <param name="scoreColumnName">The column of the class probabilities that is added.</param>
    /// <param name="predictedLabelColumnName">The column of the best label that is added.</param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">The most tokens of a document that are read; training warns of longer ones.</param>
    /// <param name="numberOfEpochs">How often training sees every document, at most; null chooses by the size of the data.</param>
    /// <param name="learningRate">The highest learning rate.</param>
    /// <param name="validationSet">Documents to validate on; null for a tenth of the training documents.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message says the rule, the value and the remedy.</exception>
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
        double learningRate = Defaults.LearningRate,
        IDataView? validationSet = null)
        => trainers.MahaTextClassification(new MahaTextClassificationTrainer.Options
        {
            LabelColumnName = labelColumnName,
            TextColumnName = textColumnName,
            ScoreColumnName = scoreColumnName,
            PredictedLabelColumnName = predictedLabelColumnName,
            DModel = dModel,
            NumLayers = numLayers,
            MaxSequenceLength = maxSequenceLength,
            NumberOfEpochs = numberOfEpochs,
            LearningRate = learningRate,
            ValidationSet = validationSet,
        });

    /// <summary>Trains a classifier of long documents with two or more classes; see <see cref="MahaTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.MulticlassClassification.Trainers</c>.</param>
    /// <param name="options">All options.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message says the rule, the value and the remedy.</exception>
    public static MahaTextClassificationTrainer MahaTextClassification(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers trainers, MahaTextClassificationTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(trainers);
        return new MahaTextClassificationTrainer(MLNetInternals.EnvironmentOf(trainers), options);
    }

    /// <summary>Trains a classifier that tells long documents of two classes apart; see <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.BinaryClassification.Trainers</c>.</param>
    /// <param name="labelColumnName">The column of the labels, of type Boolean.</param>
    /// <param name="textColumnName">The column of the documents, of type Text.</param>
    /// <param name="scoreColumnName">The column of the log odds that is added.</param>
    /// <param name="probabilityColumnName">The column of the probability of true that is added.</param>
    /// <param name="predictedLabelColumnName">The column of the best label that is added.</param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">The most tokens of a document that are read; training warns of longer ones.</param>
    /// <param name="numberOfEpochs">How often training sees every document, at most; null chooses by the size of the data.</param>
    /// <param name="learningRate">The highest learning rate.</param>
    /// <param name="validationSet">Documents to validate on; null for a tenth of the training documents.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message says the rule, the value and the remedy.</exception>
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
        double learningRate = Defaults.LearningRate,
        IDataView? validationSet = null)
        => trainers.MahaTextClassification(new MahaBinaryTextClassificationTrainer.Options
        {
            LabelColumnName = labelColumnName,
            TextColumnName = textColumnName,
            ScoreColumnName = scoreColumnName,
            ProbabilityColumnName = probabilityColumnName,
            PredictedLabelColumnName = predictedLabelColumnName,
            DModel = dModel,
            NumLayers = numLayers,
            MaxSequenceLength = maxSequenceLength,
            NumberOfEpochs = numberOfEpochs,
            LearningRate = learningRate,
            ValidationSet = validationSet,
        });

    /// <summary>Trains a classifier that tells long documents of two classes apart; see <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    /// <param name="trainers">The catalog: <c>mlContext.BinaryClassification.Trainers</c>.</param>
    /// <param name="options">All options.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message says the rule, the value and the remedy.</exception>
    public static MahaBinaryTextClassificationTrainer MahaTextClassification(
        this BinaryClassificationCatalog.BinaryClassificationTrainers trainers, MahaBinaryTextClassificationTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(trainers);
        return new MahaBinaryTextClassificationTrainer(MLNetInternals.EnvironmentOf(trainers), options);
    }

    /// <summary>Learns to turn long documents into vectors, from texts without labels; see <see cref="MahaTextEncodingEstimator"/>.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="outputColumnName">The column of the vectors that is added.</param>
    /// <param name="inputColumnName">The column of the documents, of type Text; null for the output's name, which the vectors then hide.</param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">The most tokens of a document that are read; training warns of longer ones.</param>
    /// <param name="numberOfEpochs">How often training sees pieces of every document.</param>
    /// <param name="pretrainedModel">A saved model to start from; null for random weights.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message says the rule, the value and the remedy.</exception>
    public static MahaTextEncodingEstimator MahaEncode(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName = null,
        int dModel = MahaTextEncodingEstimator.Defaults.DModel,
        int numLayers = MahaTextEncodingEstimator.Defaults.NumLayers,
        int maxSequenceLength = MahaTextEncodingEstimator.Defaults.MaxSequenceLength,
        int numberOfEpochs = MahaTextEncodingEstimator.Defaults.NumberOfEpochs,
        string? pretrainedModel = null)
        => catalog.MahaEncode(new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            DModel = dModel,
            NumLayers = numLayers,
            MaxSequenceLength = maxSequenceLength,
            NumberOfEpochs = numberOfEpochs,
            PretrainedModel = pretrainedModel,
        });

    /// <summary>Learns to turn long documents into vectors, from texts without labels; see <see cref="MahaTextEncodingEstimator"/>.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="options">All options.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message says the rule, the value and the remedy.</exception>
    public static MahaTextEncodingEstimator MahaEncode(this TransformsCatalog catalog, MahaTextEncodingEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new MahaTextEncodingEstimator(MLNetInternals.EnvironmentOf(catalog), options);
    }

    /// <summary>Trains a causal language model on texts, which scores documents and continues prompts; see <see cref="MahaLanguageModelEstimator"/>.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="outputColumnName">The column of the mean log-likelihood of a document's tokens that is added.</param>
    /// <param name="inputColumnName">The column of the documents, of type Text; null for the output's name, which the log-likelihoods then hide.</param>
    /// <param name="dModel">D, the width of a token; divisible by 4, the number of heads.</param>
    /// <param name="numLayers">L, the number of blocks.</param>
    /// <param name="maxSequenceLength">C, the most tokens that a prediction looks back on; documents are read whole, in contexts of so many.</param>
    /// <param name="numberOfEpochs">How often training sees every document, at most.</param>
    /// <param name="learningRate">The highest learning rate.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An argument is not valid; the message says the rule, the value and the remedy.</exception>
    public static MahaLanguageModelEstimator MahaLanguageModel(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName = null,
        int dModel = MahaLanguageModelEstimator.Defaults.DModel,
        int numLayers = MahaLanguageModelEstimator.Defaults.NumLayers,
        int maxSequenceLength = MahaLanguageModelEstimator.Defaults.MaxSequenceLength,
        int numberOfEpochs = MahaLanguageModelEstimator.Defaults.NumberOfEpochs,
        double learningRate = MahaLanguageModelEstimator.Defaults.LearningRate)
        => catalog.MahaLanguageModel(new MahaLanguageModelEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            DModel = dModel,
            NumLayers = numLayers,
            MaxSequenceLength = maxSequenceLength,
            NumberOfEpochs = numberOfEpochs,
            LearningRate = learningRate,
        });

    /// <summary>Trains a causal language model on texts, which scores documents and continues prompts; see <see cref="MahaLanguageModelEstimator"/>.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.Transforms</c>.</param>
    /// <param name="options">All options.</param>
    /// <returns>The estimator.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message says the rule, the value and the remedy.</exception>
    public static MahaLanguageModelEstimator MahaLanguageModel(this TransformsCatalog catalog, MahaLanguageModelEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new MahaLanguageModelEstimator(MLNetInternals.EnvironmentOf(catalog), options);
    }
}
