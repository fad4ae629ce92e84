using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.AutoML;

public sealed class AutoCatalog
{
    private readonly MLContext _context;

    internal AutoCatalog(MLContext context)
    {
        _context = context;
    }

    public AutoMLExperiment CreateExperiment(AutoMLExperiment.AutoMLExperimentSettings settings = null)
        => new(_context, settings ?? new AutoMLExperiment.AutoMLExperimentSettings());

    public SweepableEstimator CreateSweepableEstimator<T>(Func<MLContext, T, IEstimator<ITransformer>> factory, SearchSpace<T> ss = null) where T : class, new()
        => new((context, parameter) => factory(context, parameter.AsType<T>()), ss ?? new SearchSpace<T>());
}

public static class MLContextExtension
{
    public static AutoCatalog Auto(this MLContext mlContext) => new(mlContext);
}
