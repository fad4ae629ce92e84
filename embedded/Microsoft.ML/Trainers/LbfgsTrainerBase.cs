using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public abstract class LbfgsTrainerBase<TOptions, TTransformer, TModel> : TrainerEstimatorBase<TTransformer, TModel>
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
    where TOptions : LbfgsTrainerBase<TOptions, TTransformer, TModel>.OptionsBase, new()
{
    public abstract class OptionsBase : TrainerInputBaseWithWeight
    {
        public float L2Regularization = Defaults.L2Regularization;
        public float L1Regularization = Defaults.L1Regularization;
        public float OptimizationTolerance = Defaults.OptimizationTolerance;
        public int HistorySize = Defaults.HistorySize;
        public int MaximumNumberOfIterations = Defaults.MaximumNumberOfIterations;
        public float InitialWeightsDiameter = 0;
        public int? NumberOfThreads;
        public bool EnforceNonNegativity = Defaults.EnforceNonNegativity;

        internal static class Defaults
        {
            public const float L2Regularization = 1;
            public const float L1Regularization = 1;
            public const float OptimizationTolerance = 1e-7f;
            public const int HistorySize = 20;
            public const int MaximumNumberOfIterations = int.MaxValue;
            public const bool EnforceNonNegativity = false;
        }
    }

    private const string NoTrainingInstancesMessage = "No valid training instances found, all instances have missing features.";

    private readonly TOptions _options;

    private protected LbfgsTrainerBase(IHostEnvironment env, string featureColumn, SchemaShape.Column labelColumn, string weightColumn,
        float l1Weight, float l2Weight, float optimizationTolerance, int memorySize, bool enforceNoNegativity)
        : this(env, new TOptions
        {
            FeatureColumnName = featureColumn,
            LabelColumnName = labelColumn.Name,
            ExampleWeightColumnName = weightColumn,
            L1Regularization = l1Weight,
            L2Regularization = l2Weight,
            OptimizationTolerance = optimizationTolerance,
            HistorySize = memorySize,
            EnforceNonNegativity = enforceNoNegativity,
        }, labelColumn)
    {
    }

    private protected LbfgsTrainerBase(IHostEnvironment env, TOptions options, SchemaShape.Column labelColumn)
        : base(Contracts.CheckRef(env, nameof(env)).Register("LbfgsTrainerBase"), FeatureShape(options.FeatureColumnName), labelColumn,
            WeightShape(options.ExampleWeightColumnName))
    {
        Host.CheckUserArg(options.NumberOfThreads is null or > 0, nameof(options.NumberOfThreads), "Must be positive (or empty for default)");
        Host.CheckUserArg(options.L2Regularization >= 0, nameof(options.L2Regularization), "Must be non-negative");
        Host.CheckUserArg(options.L1Regularization >= 0, nameof(options.L1Regularization), "Must be non-negative");
        Host.CheckUserArg(options.OptimizationTolerance > 0, nameof(options.OptimizationTolerance), "Must be positive");
        Host.CheckUserArg(options.HistorySize > 0, nameof(options.HistorySize), "Must be positive");
        Host.CheckUserArg(options.MaximumNumberOfIterations > 0, nameof(options.MaximumNumberOfIterations), "Must be positive");
        Host.CheckUserArg(options.InitialWeightsDiameter >= 0, nameof(options.InitialWeightsDiameter), "Must be non-negative");
        _options = options;
    }

    public override TrainerInfo Info { get; } = new();

    /// <summary>
    /// Fits <paramref name="numSets"/> weight vectors (1: logistic regression, more: softmax), starting at the given model's if any.
    /// </summary>
    private protected (VBuffer<float>[] Weights, float[] Biases) Solve(IChannel ch, IDataView data, int numSets,
        (VBuffer<float>[] Weights, float[] Biases)? start)
    {
        var examples = ReadExamples(ch, data, NoTrainingInstancesMessage);
        using var pch = Host.StartProgressChannel("LBFGS optimizer");
        double loss = double.PositiveInfinity;
        int iterations = 0;
        pch.SetHeader(new ProgressHeader(["Loss"], ["iterations"]), e =>
        {
            e.SetMetric(0, loss);
            e.SetProgress(0, iterations);
        });

        // The L1 term is not divided by the weights of the rows but by their number, hence the factor.
        var solver = new LogisticSolver(examples, numSets, _options.NumberOfThreads ?? Environment.ProcessorCount)
        {
            L1 = _options.L1Regularization * examples.WeightSum / examples.NumRows,
            L2 = _options.L2Regularization,
            Tolerance = _options.OptimizationTolerance,
            HistorySize = _options.HistorySize,
            MaxIterations = _options.MaximumNumberOfIterations,
            NonNegative = _options.EnforceNonNegativity,
        };
        Initialize(solver, start);
        solver.Solve((iteration, value) =>
        {
            Host.CheckAlive();
            iterations = iteration;
            loss = value / examples.WeightSum;
            pch.Checkpoint(loss, iteration);
        });
        int selected = numSets + solver.Weights.Sum(w => w.Count(v => v != 0));
        if (_options.L1Regularization > 0)
            ch.Info("L1 regularization selected {0} of {1} weights.", selected, numSets * (examples.NumFeatures + 1L));
        return (solver.Weights.Select(Compact).ToArray(), solver.Biases.Select(b => (float)b).ToArray());
    }

    private void Initialize(LogisticSolver solver, (VBuffer<float>[] Weights, float[] Biases)? start)
    {
        if (start is { } model)
        {
            Host.Check(model.Biases.Length == solver.Biases.Length, "The initialization predictor has different number of classes than the training data.");
            for (int c = 0; c < solver.Biases.Length; c++)
            {
                Host.Check(model.Weights[c].Length == solver.Weights[c].Length, "The input training data must have the same features used to train the input predictor.");
                solver.Biases[c] = model.Biases[c];
                model.Weights[c].CopyTo(solver.Weights[c]);
            }
        }
        else if (_options.InitialWeightsDiameter > 0)
        {
            for (int c = 0; c < solver.Biases.Length; c++)
                solver.Biases[c] = _options.InitialWeightsDiameter * (Host.Rand.NextSingle() - 0.5f);
            foreach (var weights in solver.Weights)
            {
                for (int j = 0; j < weights.Length; j++)
                    weights[j] = _options.InitialWeightsDiameter * (Host.Rand.NextSingle() - 0.5f);
            }
        }
    }

    private static VBuffer<float> Compact(float[] weights)
    {
        int[] indices = Enumerable.Range(0, weights.Length).Where(j => weights[j] != 0).ToArray();
        return indices.Length > weights.Length / 2
            ? new VBuffer<float>(weights.Length, weights)
            : new VBuffer<float>(weights.Length, indices.Length, indices.Select(j => weights[j]).ToArray(), indices);
    }
}
