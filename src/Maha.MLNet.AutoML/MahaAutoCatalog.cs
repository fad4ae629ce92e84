using Maha.MLNet;
using Maha.MLNet.AutoML;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.AutoML;

/// <summary>Maha's estimators in ML.NET's AutoML experiments.</summary>
public static class MahaAutoCatalog
{
    /// <summary>A text classifier whose options an experiment searches; see <see cref="MahaTextClassificationTrainer"/>.</summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="options">What is not searched: columns, seed and so on. Null for the defaults. Read when a trial begins, never written to.</param>
    /// <param name="searchSpace">What is searched; null for <see cref="MahaSearchOptions.Space"/> of the options' <see cref="MahaEstimatorOptions.MaxTrainingTime"/>, without the architecture where there is a pretrained model.</param>
    /// <returns>A sweepable estimator, to be appended to a <see cref="SweepablePipeline"/>, alone or beside others.</returns>
    /// <remarks>
    /// Set <see cref="MahaEstimatorOptions.MaxTrainingTime"/> to a part of the experiment's time, say an eighth: a trial that would take longer then ends with its best weights
    /// instead of using up what is left, and the space is one of models that learn in that time.
    /// </remarks>
    /// <exception cref="ArgumentException">An option is not valid; the message says the rule, the value and the remedy.</exception>
    public static SweepableEstimator MahaTextClassification(
        this AutoCatalog auto, MahaTextClassificationTrainer.Options? options = null, SearchSpace<MahaSearchOptions>? searchSpace = null)
    {
        ArgumentNullException.ThrowIfNull(auto);
        options ??= new MahaTextClassificationTrainer.Options();
        ClassifierFitting.Check(options);
        return auto.CreateSweepableEstimator((context, searched) => context.MulticlassClassification.Trainers.MahaTextClassification(searched.On(options)),
            searchSpace ?? MahaSearchOptions.ClassificationSpace(options));
    }

    /// <summary>A text classifier of two classes whose options an experiment searches; see <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="options">What is not searched: columns, seed and so on. Read when a trial begins, never written to.</param>
    /// <param name="searchSpace">What is searched; null for <see cref="MahaSearchOptions.Space"/> of the options' <see cref="MahaEstimatorOptions.MaxTrainingTime"/>, without the architecture where there is a pretrained model.</param>
    /// <returns>A sweepable estimator, to be appended to a <see cref="SweepablePipeline"/>, alone or beside others.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message says the rule, the value and the remedy.</exception>
    public static SweepableEstimator MahaTextClassification(
        this AutoCatalog auto, MahaBinaryTextClassificationTrainer.Options options, SearchSpace<MahaSearchOptions>? searchSpace = null)
    {
        ArgumentNullException.ThrowIfNull(auto);
        ArgumentNullException.ThrowIfNull(options);
        ClassifierFitting.Check(options);
        return auto.CreateSweepableEstimator((context, searched) => context.BinaryClassification.Trainers.MahaTextClassification(searched.On(options)),
            searchSpace ?? MahaSearchOptions.ClassificationSpace(options));
    }

    /// <summary>Vectors of long documents, learned without labels, whose options an experiment searches; see <see cref="MahaTextEncodingEstimator"/>.</summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="options">What is not searched: columns, seed, a pretrained model and so on. Read when a trial begins, never written to.</param>
    /// <param name="searchSpace">
    /// What is searched; null for <see cref="MahaSearchOptions.Space"/> with fewer epochs and smaller learning rates, and without the architecture where there is a pretrained model.
    /// </param>
    /// <returns>A sweepable estimator; append a trainer that reads the vectors.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message says the rule, the value and the remedy.</exception>
    public static SweepableEstimator MahaEncode(
        this AutoCatalog auto, MahaTextEncodingEstimator.Options options, SearchSpace<MahaSearchOptions>? searchSpace = null)
    {
        ArgumentNullException.ThrowIfNull(auto);
        ArgumentNullException.ThrowIfNull(options);
        EncoderFitting.Check(options);
        return auto.CreateSweepableEstimator((context, searched) => context.Transforms.MahaEncode(searched.On(options)), searchSpace ?? MahaSearchOptions.EncodingSpace(options));
    }

    /// <summary>Vectors of long documents, learned without labels, whose options an experiment searches; see <see cref="MahaTextEncodingEstimator"/>.</summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="outputColumnName">The column of the vectors that is added.</param>
    /// <param name="inputColumnName">The column of the documents, of type Text; null for the same as the output column.</param>
    /// <returns>A sweepable estimator; append a trainer that reads the vectors.</returns>
    public static SweepableEstimator MahaEncode(this AutoCatalog auto, string outputColumnName, string? inputColumnName = null) =>
        auto.MahaEncode(new MahaTextEncodingEstimator.Options { OutputColumnName = outputColumnName, InputColumnName = inputColumnName });

    /// <summary>Sets the pipeline of an experiment, and records its trials; a trial that fails is recorded and does not end the experiment.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="record">Gets the trials. It is the experiment's monitor: what is to be told besides goes into its constructor.</param>
    /// <returns>The experiment.</returns>
    /// <remarks>
    /// It stands in for <c>SetPipeline</c>, whose trials end the experiment if the first of them fails. The tuner is the one that <c>SetPipeline</c> sets;
    /// set another after this call. The metric and the data are set as always.
    /// </remarks>
    public static AutoMLExperiment SetRecordedPipeline(this AutoMLExperiment experiment, SweepablePipeline pipeline, ExperimentRecord record)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(record);
        experiment.SetPipeline(pipeline);
        experiment.SetMonitor(record);
        return experiment.SetTrialRunner(services => new RecordedTrialRunner(services, pipeline, record));
    }
}
