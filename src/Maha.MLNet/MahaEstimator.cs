using Maha.Layers.Core;
using Maha.Layers.Distributed;
using Maha.Layers.Training;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Maha.MLNet;

/// <summary>The base of Maha's estimators.</summary>
/// <typeparam name="TOptions">The options of the estimator.</typeparam>
/// <typeparam name="TTransformer">The transformer that the estimator trains.</typeparam>
public abstract class MahaEstimator<TOptions, TTransformer> : IEstimator<TTransformer>
    where TOptions : MahaEstimatorOptions
    where TTransformer : MahaTransformer
{
    private protected MahaEstimator(IHostEnvironment environment, TOptions options, Action<TOptions> check)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        check(options);
        Host = environment.Register(GetType().Name);
        // A copy, so that later changes by the caller have no effect.
        EstimatorOptions = (TOptions)options.Copy();
    }

    private protected IHost Host { get; }

    internal TOptions EstimatorOptions { get; }

    /// <summary>Trains on a data view.</summary>
    /// <param name="input">Data with the columns that the options name.</param>
    /// <returns>The trained transformer. It owns native memory: dispose it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="ArgumentException">
    /// The validation set has other labels than the training data, an option contradicts the pretrained model, a document is too long and
    /// <see cref="MahaEstimatorOptions.OverlongDocuments"/> does not allow it, or the checkpoint in <see cref="MahaEstimatorOptions.CheckpointPath"/> is of
    /// other options or data.
    /// </exception>
    /// <exception cref="InvalidOperationException">There is no document to learn from, or a classifier's documents are all of one class.</exception>
    /// <exception cref="FileNotFoundException">There is no file at the path of the pretrained model.</exception>
    /// <exception cref="IOException">
    /// The folder of <see cref="MahaEstimatorOptions.CheckpointPath"/> can't be written, or another training uses it.
    /// </exception>
    /// <exception cref="MahaModelFileException">The file of the pretrained model is damaged, or is not a Maha model.</exception>
    /// <exception cref="OperationCanceledException">The training was canceled.</exception>
    /// <exception cref="TrainingDivergedException">A loss, a gradient norm or a weight was not finite. The message suggests a lower learning rate.</exception>
    /// <exception cref="TorchUnavailableException">
    /// TorchSharp's native library can't be loaded, since a native package is missing or the system is too old for it. It is thrown before any data is read.
    /// </exception>
    public TTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        try
        {
            return Train(input);
        }
        catch (Exception e) when (EstimatorOptions.Distributed == DistributedTraining.Auto && ProcessGroups.Joined is { } group)
        {
            // The other processes would wait for this one.
            group.Fail(e);
            throw;
        }
    }

    /// <summary>Returns the schema of the trained transformer's output.</summary>
    /// <param name="inputSchema">The output schema of the estimators before.</param>
    /// <returns>The columns of the input, then the added ones.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or will have another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return AddedColumns.AddTo(inputSchema, CreateOutputColumns(inputSchema));
    }

    /// <summary>Trains; <paramref name="input"/> is not null.</summary>
    private protected abstract TTransformer Train(IDataView input);

    /// <summary>Checks the input columns, and creates the shapes of the added ones.</summary>
    private protected abstract IReadOnlyList<SchemaShape.Column> CreateOutputColumns(SchemaShape inputSchema);
}
