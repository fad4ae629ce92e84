using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.AutoML;

internal sealed class RandomSearchTuner(SearchSpace.SearchSpace searchSpace, int? seed) : ITuner
{
    private readonly Random _random = seed is int s ? new Random(s) : new Random();

    public Parameter Propose(TrialSettings settings)
        => searchSpace.SampleFromFeatureSpace(Enumerable.Range(0, searchSpace.FeatureSpaceDim).Select(_ => _random.NextDouble()).ToArray());

    public void Update(TrialResult result)
    {
    }
}

/// <summary>
/// Randomized direct search in the unit cube (FLOW2 of Wu, Wang and Huang, "Frugal Optimization for Cost-related
/// Hyperparameters", AAAI 2021): from the default on, a step in a random direction, then in the opposite one; longer steps
/// after success, shorter ones after a series of failures, a fresh start once the steps are tiny.
/// </summary>
internal sealed class CostFrugalTuner : ITuner
{
    private const double FirstStep = 0.1;
    private const double SmallestStep = 1e-4;
    private const double Speed = 1.5;

    private readonly SearchSpace.SearchSpace _searchSpace;
    private readonly Random _random;
    private readonly Dictionary<int, double[]> _proposed = [];
    private double[] _incumbent;
    private double[] _direction;
    private double _bestLoss = double.PositiveInfinity;
    private double _step;
    private int _failures;
    private bool _started;

    public CostFrugalTuner(SearchSpace.SearchSpace searchSpace, int? seed)
    {
        _searchSpace = searchSpace;
        _random = seed is int s ? new Random(s) : new Random();
        _incumbent = searchSpace.Default;
        _step = LargestStep * FirstStep;
    }

    private double LargestStep => Math.Sqrt(Math.Max(1, _incumbent.Length));

    public Parameter Propose(TrialSettings settings)
    {
        double[] point = _started ? Project(Move()) : _incumbent;
        _started = true;
        _proposed[settings.TrialId] = point;
        return _searchSpace.SampleFromFeatureSpace(point);
    }

    public void Update(TrialResult result)
    {
        if (!_proposed.Remove(result.TrialSettings.TrialId, out double[] point))
            return;
        if (result.Loss < _bestLoss)
        {
            _bestLoss = result.Loss;
            _incumbent = point;
            _direction = null;
            _failures = 0;
            _step = Math.Min(_step * Speed, LargestStep);
            return;
        }

        if (++_failures < 2 * Math.Max(1, _incumbent.Length))
            return;
        _failures = 0;
        _step /= Speed;
        if (_step >= SmallestStep)
            return;
        _incumbent = _incumbent.Select(_ => _random.NextDouble()).ToArray();
        _bestLoss = double.PositiveInfinity;
        _step = LargestStep * FirstStep;
        _started = false;
    }

    private double[] Move()
    {
        if (_direction is { } tried)
        {
            _direction = null;
            return _incumbent.Zip(tried, (x, d) => x - d).ToArray();
        }

        double[] direction = _incumbent.Select(_ => Normal()).ToArray();
        double length = Math.Sqrt(direction.Sum(d => d * d));
        _direction = direction.Select(d => d * _step / length).ToArray();
        return _incumbent.Zip(_direction, (x, d) => x + d).ToArray();
    }

    private static double[] Project(double[] point) => point.Select(x => Math.Clamp(x, 0, 1)).ToArray();

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}

/// <summary>
/// One cost-frugal search per way through the pipeline. Each way is tried once; then a way is drawn with a probability
/// inverse to the estimated cost of its improving the best result (Wang et al., "FLAML", MLSys 2021).
/// </summary>
internal sealed class EciCostFrugalTuner : ITuner
{
    private readonly List<Way> _ways;
    private readonly Dictionary<int, Way> _proposedBy = [];
    private readonly Random _random;

    public EciCostFrugalTuner(SweepablePipeline pipeline, AutoMLExperiment.AutoMLExperimentSettings settings)
    {
        _random = settings.Seed is int s ? new Random(s) : new Random();
        _ways = pipeline.Schemas.Select(schema =>
        {
            var space = new SearchSpace.SearchSpace();
            foreach (var option in settings.SearchSpace)
                space.Add(option);
            space[AutoMLExperiment.PipelineSearchspaceName] = pipeline.BuildSweepableEstimatorPipeline(schema).SearchSpace;
            return new Way(new CostFrugalTuner(space, settings.Seed));
        }).ToList();
    }

    public Parameter Propose(TrialSettings settings)
    {
        var way = _ways.Find(w => w.Trials == 0) ?? Draw();
        way.Trials++;
        _proposedBy[settings.TrialId] = way;
        return way.Tuner.Propose(settings);
    }

    public void Update(TrialResult result)
    {
        if (!_proposedBy.Remove(result.TrialSettings.TrialId, out var way))
            return;
        way.Tuner.Update(result);
        way.Record(result.Loss, Math.Max(1, result.DurationInMilliseconds));
    }

    private Way Draw()
    {
        double best = _ways.Min(w => w.BestLoss);
        double[] odds = _ways.Select(w => 1 / w.CostOfImprovement(best)).ToArray();
        double at = _random.NextDouble() * odds.Sum();
        for (int i = 0; i < odds.Length; i++)
        {
            at -= odds[i];
            if (at < 0)
                return _ways[i];
        }

        return _ways[^1];
    }

    private sealed class Way(CostFrugalTuner tuner)
    {
        private double _cost;
        private double _costAtBest;
        private double _costAtSecondBest;
        private double _secondBestLoss = double.MaxValue;

        public CostFrugalTuner Tuner => tuner;

        public int Trials { get; set; }

        public double BestLoss { get; private set; } = double.MaxValue;

        public void Record(double loss, double cost)
        {
            _cost += cost;
            if (!(loss < BestLoss))
                return;
            (_secondBestLoss, BestLoss) = (BestLoss, loss);
            (_costAtSecondBest, _costAtBest) = (_costAtBest, _cost);
        }

        public double CostOfImprovement(double best)
        {
            // As long again as since the last improvement, or as the last improvement took.
            double own = Math.Max(1, Math.Max(_cost - _costAtBest, _costAtBest - _costAtSecondBest));
            double gap = BestLoss - best;
            double gain = _secondBestLoss - BestLoss;
            if (gap <= 0)
                return own;
            if (BestLoss == double.MaxValue)
                return 100 * Math.Max(own, _cost);
            return _secondBestLoss == double.MaxValue || gain <= 0 ? Math.Max(own, 2 * _cost) : Math.Max(own, gap / gain * (_cost - _costAtSecondBest));
        }
    }
}
