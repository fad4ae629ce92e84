using Maha.MLNet;
using Maha.MLNet.AutoML;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.AutoML;

/// <summary>Maha's estimators in ML.NET's AutoML experiments.</summary>
public static class MahaAutoCatalog
{
    /// <summary>Creates a text classifier whose options an experiment searches; see <see cref="MahaTextClassificationTrainer"/>.</summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="options">
    /// The options that are not searched: columns, seed and so on. Null for the defaults. They are read at the start of each trial, and not changed.
    /// </param>
    /// <param name="searchSpace">
    /// The search space; null for <see cref="MahaSearchOptions.Space"/> with the options' <see cref="MahaEstimatorOptions.MaxTrainingTime"/> and
    /// <see cref="MahaSupervisedOptions.PretrainedModel"/>, with which trials start from these weights or from random ones.
    /// </param>
    /// <returns>A sweepable estimator. Append it to a <see cref="SweepablePipeline"/>, alone or with alternatives.</returns>
    /// <remarks>
    /// In an experiment with <see cref="SetRecordedPipeline"/> and a time limit, a trial trains for at most an eighth of the time that is left, but at
    /// least for 10 seconds, and ends with its best weights. <see cref="MahaEstimatorOptions.MaxTrainingTime"/> sets a shorter limit, and with up to two minutes the
    /// search space has models only that can be trained in that time. Without SetRecordedPipeline it is the only limit: set it to a part of the time.
    /// </remarks>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static SweepableEstimator MahaTextClassification(
        this AutoCatalog auto, MahaTextClassificationTrainer.Options? options = null, SearchSpace<MahaSearchOptions>? searchSpace = null)
    {
        ArgumentNullException.ThrowIfNull(auto);
        options ??= new MahaTextClassificationTrainer.Options();
        ClassifierFitting.Check(options);
        RequireSeparateTrials(options);
        return auto.CreateSweepableEstimator(
            (context, searched) => context.MulticlassClassification.Trainers.MahaTextClassification(searched.ApplyTo(options, TrialTime.Get(context))),
            searchSpace ?? MahaSearchOptions.ClassificationSpace(options));
    }

    /// <summary>Creates a text classifier of two classes whose options an experiment searches; see <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="options">The options that are not searched: columns, seed and so on. They are read at the start of each trial, and not changed.</param>
    /// <param name="searchSpace">
    /// The search space; null for <see cref="MahaSearchOptions.Space"/> with the options' <see cref="MahaEstimatorOptions.MaxTrainingTime"/> and
    /// <see cref="MahaSupervisedOptions.PretrainedModel"/>, with which trials start from these weights or from random ones.
    /// </param>
    /// <returns>A sweepable estimator. Append it to a <see cref="SweepablePipeline"/>, alone or with alternatives.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static SweepableEstimator MahaTextClassification(
        this AutoCatalog auto, MahaBinaryTextClassificationTrainer.Options options, SearchSpace<MahaSearchOptions>? searchSpace = null)
    {
        ArgumentNullException.ThrowIfNull(auto);
        ArgumentNullException.ThrowIfNull(options);
        ClassifierFitting.Check(options);
        RequireSeparateTrials(options);
        return auto.CreateSweepableEstimator(
            (context, searched) => context.BinaryClassification.Trainers.MahaTextClassification(searched.ApplyTo(options, TrialTime.Get(context))),
            searchSpace ?? MahaSearchOptions.ClassificationSpace(options));
    }

    /// <summary>
    /// Creates an estimator of document vectors, learned without labels, whose options an experiment searches; see <see cref="MahaTextEncodingEstimator"/>.
    /// </summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="options">
    /// The options that are not searched: columns, seed, a pretrained model and so on. They are read at the start of each trial, and not changed.
    /// </param>
    /// <param name="searchSpace">
    /// The search space; null for <see cref="MahaSearchOptions.Space"/> with fewer epochs and smaller learning rates, without the architecture if there is a
    /// pretrained model.
    /// </param>
    /// <returns>A sweepable estimator. Append a trainer that reads the vectors.</returns>
    /// <exception cref="ArgumentException">An option is not valid; the message states the rule, the value and the remedy.</exception>
    public static SweepableEstimator MahaEncode(
        this AutoCatalog auto, MahaTextEncodingEstimator.Options options, SearchSpace<MahaSearchOptions>? searchSpace = null)
    {
        ArgumentNullException.ThrowIfNull(auto);
        ArgumentNullException.ThrowIfNull(options);
        EncoderFitting.Check(options);
        RequireSeparateTrials(options);
        return auto.CreateSweepableEstimator(
            (context, searched) => context.Transforms.MahaEncode(searched.ApplyTo(options, TrialTime.Get(context))),
            searchSpace ?? MahaSearchOptions.EncodingSpace(options));
    }

    /// <summary>
    /// Creates an estimator of document vectors, learned without labels, whose options an experiment searches; see <see cref="MahaTextEncodingEstimator"/>.
    /// </summary>
    /// <param name="auto">The catalog: <c>mlContext.Auto()</c>.</param>
    /// <param name="outputColumnName">The name of the added column of the vectors.</param>
    /// <param name="inputColumnName">
    /// The name of the column of the documents, of type Text; null for the output column, whose vectors then replace the texts.
    /// </param>
    /// <returns>A sweepable estimator. Append a trainer that reads the vectors.</returns>
    public static SweepableEstimator MahaEncode(this AutoCatalog auto, string outputColumnName, string? inputColumnName = null) =>
        auto.MahaEncode(new MahaTextEncodingEstimator.Options { OutputColumnName = outputColumnName, InputColumnName = inputColumnName });

    /// <summary>Sets the pipeline of an experiment, and records its trials. A trial that fails is recorded and does not end the experiment.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="record">Receives the trials. It is the monitor of the experiment; pass another monitor to its constructor.</param>
    /// <returns>The experiment.</returns>
    /// <remarks>
    /// It replaces <c>SetPipeline</c>, with which an experiment ends if its first trial fails. The tuner is that of <c>SetPipeline</c>; set another one after
    /// this call. Set the metric and the data as usual. With <c>SetTrainingTimeInSeconds</c>, the training of each trial of Maha's estimators is limited to an
    /// eighth of the time that is left, but not below 10 seconds.
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

    // Trials with other options, or at the same time, can't share a folder. The time decides what an experiment tries, and so differs by process.
    private static void RequireSeparateTrials(MahaEstimatorOptions options)
    {
        if (options.CheckpointPath is { } folder)
        {
            throw new ArgumentException(
                $"CheckpointPath must be null where an experiment searches the options, since trials can't share a folder, but is '{folder}'. " +
                "Set it for the training of the best model.", nameof(options));
        }
        if (options.Distributed != DistributedTraining.Off)
        {
            throw new ArgumentException(
                $"Distributed must be Off where an experiment searches the options, since each process would try other ones, but is {options.Distributed}. " +
                "Set it for the training of the best model.", nameof(options));
        }
    }
}
