using Microsoft.ML.Runtime;

namespace Microsoft.ML.AutoML;

public static class AutoMLExperimentExtension
{
    public static AutoMLExperiment SetDataset(this AutoMLExperiment experiment, DataOperationsCatalog.TrainTestData trainValidationSplit)
    {
        var manager = new TrainValidateDatasetManager(trainValidationSplit.TrainSet, trainValidationSplit.TestSet);
        experiment.Services.Set<IDatasetManager>(() => manager);
        return experiment;
    }

    public static AutoMLExperiment SetDataset(this AutoMLExperiment experiment, IDataView dataset, int fold = 10, string samplingKeyColumnName = null)
    {
        Contracts.CheckValue(dataset, nameof(dataset));
        Contracts.CheckParam(fold > 1, nameof(fold), "Must be more than 1");
        var manager = new CrossValidateDatasetManager { Dataset = dataset, Fold = fold, SamplingKeyColumnName = samplingKeyColumnName };
        experiment.Services.Set<IDatasetManager>(() => manager);
        return experiment;
    }

    public static AutoMLExperiment SetBinaryClassificationMetric(this AutoMLExperiment experiment, BinaryClassificationMetric metric,
        string labelColumn = "label", string predictedColumn = "PredictedLabel")
        => SetMetric(experiment, new BinaryMetricManager(metric, labelColumn, predictedColumn));

    public static AutoMLExperiment SetMulticlassClassificationMetric(this AutoMLExperiment experiment, MulticlassClassificationMetric metric,
        string labelColumn = "label", string predictedColumn = "PredictedLabel")
        => SetMetric(experiment, new MulticlassMetricManager(metric, labelColumn, predictedColumn));

    /// <summary>Also sets the runner of its trials, the logging monitor and the default tuner: set your own after it.</summary>
    public static AutoMLExperiment SetPipeline(this AutoMLExperiment experiment, SweepablePipeline pipeline)
    {
        Contracts.CheckValue(pipeline, nameof(pipeline));
        experiment.AddSearchSpace(AutoMLExperiment.PipelineSearchspaceName, pipeline.SearchSpace);
        experiment.Services.Set(() => pipeline);
        experiment.SetTrialRunner(services => new SweepablePipelineRunner(
            (MLContext)services.GetService(typeof(MLContext)), pipeline,
            (IEvaluateMetricManager)services.GetService(typeof(IEvaluateMetricManager)), (IDatasetManager)services.GetService(typeof(IDatasetManager))));
        experiment.SetMonitor(services => new LoggingMonitor((MLContext)services.GetService(typeof(MLContext))));
        return experiment.SetEciCostFrugalTuner();
    }

    public static AutoMLExperiment SetEciCostFrugalTuner(this AutoMLExperiment experiment)
        => experiment.SetTuner(services => new EciCostFrugalTuner((SweepablePipeline)services.GetService(typeof(SweepablePipeline)), Settings(services)));

    public static AutoMLExperiment SetCostFrugalTuner(this AutoMLExperiment experiment)
        => experiment.SetTuner(services => new CostFrugalTuner(Settings(services).SearchSpace, Settings(services).Seed));

    public static AutoMLExperiment SetRandomSearchTuner(this AutoMLExperiment experiment, int? seed = null)
        => experiment.SetTuner(services => new RandomSearchTuner(Settings(services).SearchSpace, seed ?? Settings(services).Seed));

    private static AutoMLExperiment.AutoMLExperimentSettings Settings(IServiceProvider services)
        => (AutoMLExperiment.AutoMLExperimentSettings)services.GetService(typeof(AutoMLExperiment.AutoMLExperimentSettings));

    private static AutoMLExperiment SetMetric(AutoMLExperiment experiment, IEvaluateMetricManager manager)
    {
        experiment.Services.Set(() => manager);
        experiment.Services.Set<IMetricManager>(() => manager);
        return experiment;
    }
}
