using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace Microsoft.ML.AutoML;

public interface ISweepable
{
    SearchSpace.SearchSpace SearchSpace { get; }
}

public interface ISweepable<out T> : ISweepable where T : IEstimator<ITransformer>
{
    T BuildFromOption(MLContext context, Parameter parameter);
}

public class Estimator
{
    protected Estimator()
    {
        Parameter = Parameter.CreateNestedParameter();
    }

    public Parameter Parameter { get; set; }
}

public class SweepableEstimator : Estimator, ISweepable<IEstimator<ITransformer>>
{
    private readonly Func<MLContext, Parameter, IEstimator<ITransformer>> _factory;

    public SweepableEstimator(Func<MLContext, Parameter, IEstimator<ITransformer>> factory, SearchSpace.SearchSpace ss)
    {
        _factory = Contracts.CheckRef(factory, nameof(factory));
        SearchSpace = Contracts.CheckRef(ss, nameof(ss));
        Parameter = ss.SampleFromFeatureSpace(ss.Default);
    }

    public SearchSpace.SearchSpace SearchSpace { get; set; }

    public virtual IEstimator<ITransformer> BuildFromOption(MLContext context, Parameter param) => _factory(context, param);
}

/// <summary>
/// Estimators in a row, with alternatives at any place. Each way through is one value of the choice _SCHEMA_, written
/// e0 * e2; the options of estimator e2 are nested under its name.
/// </summary>
public class SweepablePipeline : ISweepable<EstimatorChain<ITransformer>>
{
    internal const string SchemaOption = "_SCHEMA_";
    private const string Then = " * ";

    private readonly string[][] _ways;

    internal SweepablePipeline() : this([], [[]])
    {
    }

    private SweepablePipeline(Dictionary<string, SweepableEstimator> estimators, string[][] ways)
    {
        Estimators = estimators;
        _ways = ways;
    }

    public Dictionary<string, SweepableEstimator> Estimators { get; }

    public SearchSpace.SearchSpace SearchSpace
    {
        get
        {
            var space = new SearchSpace.SearchSpace();
            foreach (var (key, estimator) in Estimators)
                space.Add(key, estimator.SearchSpace);
            space.Add(SchemaOption, new ChoiceOption(Schemas.ToArray<object>()));
            return space;
        }
    }

    internal IEnumerable<string> Schemas => _ways.Select(way => string.Join(Then, way));

    public EstimatorChain<ITransformer> BuildFromOption(MLContext context, Parameter parameter)
    {
        var chain = new EstimatorChain<ITransformer>();
        foreach (string key in parameter[SchemaOption].AsType<string>().Split(Then))
            chain = chain.Append(Estimators[key].BuildFromOption(context, parameter[key]));
        return chain;
    }

    public SweepablePipeline BuildSweepableEstimatorPipeline(string schema)
    {
        string[] way = schema.Split(Then);
        return new SweepablePipeline(way.ToDictionary(key => key, key => Estimators[key]), [way]);
    }

    public SweepablePipeline Append(params ISweepable<IEstimator<ITransformer>>[] sweepables)
    {
        Contracts.CheckParam(sweepables is { Length: > 0 }, nameof(sweepables), "There must be at least one estimator or pipeline.");
        var estimators = new Dictionary<string, SweepableEstimator>(Estimators);
        var alternatives = new List<string[]>();
        foreach (var sweepable in sweepables)
        {
            if (sweepable is SweepableEstimator single)
            {
                alternatives.Add([Add(single)]);
                continue;
            }

            var pipeline = sweepable as SweepablePipeline
                ?? throw Contracts.ExceptParam(nameof(sweepables), $"Only SweepableEstimator and SweepablePipeline can be appended, but not {sweepable?.GetType().Name ?? "null"}.");
            var renamed = pipeline.Estimators.ToDictionary(e => e.Key, e => Add(e.Value));
            alternatives.AddRange(pipeline._ways.Select(way => way.Select(key => renamed[key]).ToArray()));
        }

        return new SweepablePipeline(estimators, _ways.SelectMany(way => alternatives.Select(a => way.Concat(a).ToArray())).ToArray());

        string Add(SweepableEstimator estimator)
        {
            string key = $"e{estimators.Count}";
            estimators[key] = estimator;
            return key;
        }
    }
}

public static class SweepableExtension
{
    public static SweepablePipeline Append(this IEstimator<ITransformer> estimator, SweepableEstimator estimator1)
        => new SweepablePipeline().Append(Fixed(estimator)).Append(estimator1);

    public static SweepablePipeline Append(this IEstimator<ITransformer> estimator, params SweepableEstimator[] estimators)
        => new SweepablePipeline().Append(Fixed(estimator)).Append(estimators);

    public static SweepablePipeline Append(this IEstimator<ITransformer> estimator, SweepablePipeline pipeline)
        => new SweepablePipeline().Append(Fixed(estimator)).Append(pipeline);

    public static SweepablePipeline Append(this SweepablePipeline pipeline, IEstimator<ITransformer> estimator)
        => pipeline.Append(Fixed(estimator));

    public static SweepablePipeline Append(this SweepableEstimator estimator, params SweepableEstimator[] estimators)
        => new SweepablePipeline().Append(estimator).Append(estimators);

    public static SweepablePipeline Append(this SweepableEstimator estimator, SweepablePipeline estimator1)
        => new SweepablePipeline().Append(estimator).Append(estimator1);

    public static SweepablePipeline Append(this SweepableEstimator estimator, IEstimator<ITransformer> estimator1)
        => new SweepablePipeline().Append(estimator).Append(Fixed(estimator1));

    private static SweepableEstimator Fixed(IEstimator<ITransformer> estimator) => new((_, _) => estimator, new SearchSpace.SearchSpace());
}
