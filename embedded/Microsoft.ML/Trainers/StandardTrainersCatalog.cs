using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML;

using LROptions = LbfgsLogisticRegressionBinaryTrainer.Options;

public static class StandardTrainersCatalog
{
    public static LbfgsLogisticRegressionBinaryTrainer LbfgsLogisticRegression(this BinaryClassificationCatalog.BinaryClassificationTrainers catalog,
        string labelColumnName = DefaultColumnNames.Label,
        string featureColumnName = DefaultColumnNames.Features,
        string exampleWeightColumnName = null,
        float l1Regularization = LROptions.Defaults.L1Regularization,
        float l2Regularization = LROptions.Defaults.L2Regularization,
        float optimizationTolerance = LROptions.Defaults.OptimizationTolerance,
        int historySize = LROptions.Defaults.HistorySize,
        bool enforceNonNegativity = LROptions.Defaults.EnforceNonNegativity)
    {
        var env = Check(catalog, labelColumnName, featureColumnName);
        return new LbfgsLogisticRegressionBinaryTrainer(env, labelColumnName, featureColumnName, exampleWeightColumnName,
            l1Regularization, l2Regularization, optimizationTolerance, historySize, enforceNonNegativity);
    }

    public static LbfgsLogisticRegressionBinaryTrainer LbfgsLogisticRegression(this BinaryClassificationCatalog.BinaryClassificationTrainers catalog,
        LROptions options)
        => new(Check(catalog, options), options);

    public static LbfgsMaximumEntropyMulticlassTrainer LbfgsMaximumEntropy(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = DefaultColumnNames.Label,
        string featureColumnName = DefaultColumnNames.Features,
        string exampleWeightColumnName = null,
        float l1Regularization = LROptions.Defaults.L1Regularization,
        float l2Regularization = LROptions.Defaults.L2Regularization,
        float optimizationTolerance = LROptions.Defaults.OptimizationTolerance,
        int historySize = LROptions.Defaults.HistorySize,
        bool enforceNonNegativity = LROptions.Defaults.EnforceNonNegativity)
    {
        var env = Check(catalog, labelColumnName, featureColumnName);
        return new LbfgsMaximumEntropyMulticlassTrainer(env, labelColumnName, featureColumnName, exampleWeightColumnName,
            l1Regularization, l2Regularization, optimizationTolerance, historySize, enforceNonNegativity);
    }

    public static LbfgsMaximumEntropyMulticlassTrainer LbfgsMaximumEntropy(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        LbfgsMaximumEntropyMulticlassTrainer.Options options)
        => new(Check(catalog, options), options);

    public static SdcaLogisticRegressionBinaryTrainer SdcaLogisticRegression(this BinaryClassificationCatalog.BinaryClassificationTrainers catalog,
        string labelColumnName = DefaultColumnNames.Label,
        string featureColumnName = DefaultColumnNames.Features,
        string exampleWeightColumnName = null,
        float? l2Regularization = null,
        float? l1Regularization = null,
        int? maximumNumberOfIterations = null)
        => new(Check(catalog, labelColumnName, featureColumnName), new SdcaLogisticRegressionBinaryTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            L2Regularization = l2Regularization,
            L1Regularization = l1Regularization,
            MaximumNumberOfIterations = maximumNumberOfIterations,
        });

    public static SdcaLogisticRegressionBinaryTrainer SdcaLogisticRegression(this BinaryClassificationCatalog.BinaryClassificationTrainers catalog,
        SdcaLogisticRegressionBinaryTrainer.Options options)
        => new(Check(catalog, options), options);

    public static SdcaMaximumEntropyMulticlassTrainer SdcaMaximumEntropy(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = DefaultColumnNames.Label,
        string featureColumnName = DefaultColumnNames.Features,
        string exampleWeightColumnName = null,
        float? l2Regularization = null,
        float? l1Regularization = null,
        int? maximumNumberOfIterations = null)
        => new(Check(catalog, labelColumnName, featureColumnName), new SdcaMaximumEntropyMulticlassTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            L2Regularization = l2Regularization,
            L1Regularization = l1Regularization,
            MaximumNumberOfIterations = maximumNumberOfIterations,
        });

    public static SdcaMaximumEntropyMulticlassTrainer SdcaMaximumEntropy(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        SdcaMaximumEntropyMulticlassTrainer.Options options)
        => new(Check(catalog, options), options);

    private static IHostEnvironment Check(TrainCatalogBase.CatalogInstantiatorBase catalog, string labelColumnName, string featureColumnName)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        var env = CatalogUtils.GetEnvironment(catalog);
        env.CheckNonEmpty(featureColumnName, nameof(featureColumnName));
        env.CheckNonEmpty(labelColumnName, nameof(labelColumnName));
        return env;
    }

    private static IHostEnvironment Check(TrainCatalogBase.CatalogInstantiatorBase catalog, TrainerInputBaseWithLabel options)
    {
        Contracts.CheckValue(catalog, nameof(catalog));
        var env = CatalogUtils.GetEnvironment(catalog);
        env.CheckValue(options, nameof(options));
        env.CheckNonEmpty(options.FeatureColumnName, nameof(options.FeatureColumnName));
        env.CheckNonEmpty(options.LabelColumnName, nameof(options.LabelColumnName));
        return env;
    }
}
