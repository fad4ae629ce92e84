using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public abstract class StochasticTrainerBase<TTransformer, TModel> : TrainerEstimatorBase<TTransformer, TModel>
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    private protected StochasticTrainerBase(IHost host, SchemaShape.Column feature, SchemaShape.Column label, SchemaShape.Column weight)
        : base(host, feature, label, weight)
    {
    }

    public override TrainerInfo Info { get; } = new();
}

public abstract class SdcaTrainerBase<TOptions, TTransformer, TModel> : StochasticTrainerBase<TTransformer, TModel>
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
    where TOptions : SdcaTrainerBase<TOptions, TTransformer, TModel>.OptionsBase, new()
{
    public abstract class OptionsBase : TrainerInputBaseWithWeight
    {
        public float? L2Regularization;
        public float? L1Regularization;
        public float ConvergenceTolerance = 0.1f;
        public int? MaximumNumberOfIterations;
        public bool Shuffle = true;
        public int? ConvergenceCheckFrequency;
        public float BiasLearningRate = 0;

        private protected OptionsBase()
        {
        }
    }

    private const float L2LowerBound = 1e-9f;

    // The optimum is refined to this share of the objective as long as that is cheap: on small data sets a duality
    // gap of 10%, the default tolerance, would leave the weights visibly wrong.
    private const double RefinedTolerance = 5e-5;
    private const long RefinementWork = 300_000_000;

    private readonly TOptions _options;

    private protected SdcaTrainerBase(IHostEnvironment env, TOptions options, SchemaShape.Column label)
        : base(Contracts.CheckRef(env, nameof(env)).Register("SdcaTrainerBase"), FeatureShape(options.FeatureColumnName), label,
            WeightShape(options.ExampleWeightColumnName))
    {
        Host.CheckUserArg(options.L2Regularization is null or >= 0, nameof(options.L2Regularization), "L2 constant must be non-negative.");
        Host.CheckUserArg(options.L1Regularization is null or >= 0, nameof(options.L1Regularization), "L1 threshold must be non-negative.");
        Host.CheckUserArg(options.MaximumNumberOfIterations is null or > 0, nameof(options.MaximumNumberOfIterations), "Max number of iterations must be positive.");
        Host.CheckUserArg(options.ConvergenceTolerance is > 0 and <= 1, nameof(options.ConvergenceTolerance), "Convergence tolerance must be positive and no larger than 1.");
        Host.CheckUserArg(options.BiasLearningRate >= 0, nameof(options.BiasLearningRate), "Bias learning rate must be non-negative.");
        _options = options;
    }

    private protected TOptions SdcaTrainerOptions => _options;

    /// <summary>Fits <paramref name="numSets"/> weight vectors: 1 for logistic regression, else one per class.</summary>
    private protected (VBuffer<float>[] Weights, float[] Biases) Solve(IChannel ch, IDataView data, int numSets, float positiveInstanceWeight)
    {
        var examples = ReadExamples(ch, data, "Training set has 0 instances, aborting training.");
        int maxIterations = _options.MaximumNumberOfIterations ?? TuneMaxIterations(ch, examples.NumRows);
        float l1 = _options.L1Regularization ?? TuneL1(ch, examples.NumFeatures);
        var ascent = new DualCoordinateAscent(examples, numSets, l1)
        {
            L2 = ChooseL2(ch, maxIterations, examples.NumRows),
            BiasLearningRate = _options.BiasLearningRate,
            PositiveInstanceWeight = positiveInstanceWeight,
        };

        int checkEvery = _options.ConvergenceCheckFrequency is int every ? every > 0 ? every : int.MaxValue : 1;
        int[] order = Enumerable.Range(0, examples.NumRows).ToArray();
        Random random = RandomUtils.Create(Host.Rand);
        int iteration = 0, best = 0;
        double gap = double.PositiveInfinity, bestLoss = double.PositiveInfinity;
        using var pch = Host.StartProgressChannel("SDCA training");
        pch.SetHeader(new ProgressHeader(["Loss", "Duality Gap"], ["iterations"]), e =>
        {
            e.SetMetric(0, ascent.Loss);
            e.SetMetric(1, gap);
            e.SetProgress(0, iteration, maxIterations);
        });
        while (iteration < maxIterations && !Converged(gap, examples, numSets, iteration))
        {
            if (_options.Shuffle)
                Shuffle(order, random);
            ascent.Epoch(order, Host.CheckAlive);
            iteration++;
            if (iteration % checkEvery != 0)
                continue;
            gap = ascent.RelativeGap(Host.CheckAlive);
            pch.Checkpoint(ascent.Loss, gap * ascent.Loss, iteration);
            if (ascent.Loss < bestLoss)
            {
                bestLoss = ascent.Loss;
                best = iteration;
                ascent.Keep();
            }
        }

        if (best > 0)
        {
            ch.Info("Using best model from iteration {0}.", best);
            ascent.Restore();
        }
        else
        {
            ch.Info("Using model from last iteration.");
        }

        return (Enumerable.Range(0, numSets).Select(ascent.Weights).ToArray(), Enumerable.Range(0, numSets).Select(ascent.Bias).ToArray());
    }

    private bool Converged(double gap, TrainingExamples examples, int numSets, int iteration)
    {
        if (gap < Math.Min(_options.ConvergenceTolerance, RefinedTolerance))
            return true;
        long work = (long)(iteration + 1) * (examples.NumEntries + examples.NumFeatures + examples.NumRows) * numSets;
        return gap < _options.ConvergenceTolerance && work > RefinementWork;
    }

    private static int TuneMaxIterations(IChannel ch, int rowCount)
    {
        int maxIterations = Math.Max(1, 500000 / rowCount) * 3;
        ch.Info("Auto-tuning parameters: maxIterations = {0}.", maxIterations);
        return maxIterations;
    }

    private float ChooseL2(IChannel ch, int maxIterations, int rowCount)
    {
        if (_options.L2Regularization is float given)
        {
            if (given >= L2LowerBound)
                return given;
            ch.Warning("The L2 regularization constant must be at least {0}, the dual having no optimum without it: {1} was replaced.", L2LowerBound, given);
            return L2LowerBound;
        }

        long expectedIterations = Math.Max(2, maxIterations / 2);
        float l2 = Math.Max(1e-6f, 20f / (expectedIterations * rowCount));
        ch.Info("Auto-tuning parameters: L2 = {0}.", l2);
        return l2;
    }

    private static float TuneL1(IChannel ch, int numFeatures)
    {
        float threshold = numFeatures < 100 ? 0 : numFeatures < 1000 ? 0.25f : numFeatures < 10000 ? 0.5f : 1;
        ch.Info("Auto-tuning parameters: L1Threshold (L1/L2) = {0}.", threshold);
        return threshold;
    }

    private static void Shuffle(int[] order, Random random)
    {
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
    }
}
