using Microsoft.ML.Runtime;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.AutoML;

public class AutoMLExperiment
{
    public class AutoMLExperimentSettings : ExperimentSettings
    {
        public int? Seed { get; set; }

        public SearchSpace.SearchSpace SearchSpace { get; set; }
    }

    internal const string PipelineSearchspaceName = "_pipeline_";

    private readonly MLContext _context;
    private readonly AutoMLExperimentSettings _settings;

    public AutoMLExperiment(MLContext context, AutoMLExperimentSettings settings)
    {
        _context = Contracts.CheckRef(context, nameof(context));
        _settings = Contracts.CheckRef(settings, nameof(settings));
        _settings.Seed ??= ((IHostEnvironmentInternal)context).Seed;
        _settings.SearchSpace ??= new SearchSpace.SearchSpace();
        Services = new ExperimentServices();
        Services.Set(() => _settings);
        Services.Set(CreateTrialContext);
    }

    internal ExperimentServices Services { get; }

    public AutoMLExperiment SetTrainingTimeInSeconds(uint trainingTimeInSeconds)
    {
        Contracts.CheckParam(trainingTimeInSeconds > 0, nameof(trainingTimeInSeconds), "The training time must be larger than 0 seconds.");
        _settings.MaxExperimentTimeInSeconds = trainingTimeInSeconds;
        return this;
    }

    public AutoMLExperiment SetMaxModelToExplore(int maxModel)
    {
        Contracts.CheckParam(maxModel > 0, nameof(maxModel), "maxModel has to be greater than 0");
        _settings.MaxModels = maxModel;
        return this;
    }

    public AutoMLExperiment AddSearchSpace(string key, SearchSpace.SearchSpace searchSpace)
    {
        _settings.SearchSpace[key] = searchSpace;
        return this;
    }

    public AutoMLExperiment SetMonitor<TMonitor>(TMonitor monitor) where TMonitor : class, IMonitor
    {
        Services.Set<IMonitor>(() => monitor);
        return this;
    }

    public AutoMLExperiment SetMonitor<TMonitor>(Func<IServiceProvider, TMonitor> factory) where TMonitor : class, IMonitor
    {
        Services.SetSingle<IMonitor>(() => factory(Services));
        return this;
    }

    public AutoMLExperiment SetTrialRunner<TTrialRunner>(TTrialRunner runner) where TTrialRunner : class, ITrialRunner
    {
        Services.Set<ITrialRunner>(() => runner);
        return this;
    }

    public AutoMLExperiment SetTrialRunner<TTrialRunner>(Func<IServiceProvider, TTrialRunner> factory) where TTrialRunner : class, ITrialRunner
    {
        Services.Set<ITrialRunner>(() => factory(Services));
        return this;
    }

    public AutoMLExperiment SetTuner<TTuner>(TTuner proposer) where TTuner : class, ITuner
    {
        Services.Set<ITuner>(() => proposer);
        return this;
    }

    public AutoMLExperiment SetTuner<TTuner>(Func<IServiceProvider, TTuner> factory) where TTuner : class, ITuner
    {
        Services.SetSingle<ITuner>(() => factory(Services));
        return this;
    }

    public TrialResult Run() => RunAsync().Result;

    public async Task<TrialResult> RunAsync(CancellationToken ct = default)
    {
        _settings.CancellationToken = ct;
        var monitor = Services.Get<IMonitor>();
        var tuner = Services.Get<ITuner>() ?? throw Contracts.Except("The experiment has no tuner. Call SetPipeline or SetTuner.");
        using var channel = ((IChannelProvider)_context).Start(nameof(AutoMLExperiment));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        stop.CancelAfter(TimeSpan.FromSeconds(Math.Min(_settings.MaxExperimentTimeInSeconds, int.MaxValue / 1000)));
        TrialResult best = null;
        for (int id = 0; id < _settings.MaxModels && !stop.IsCancellationRequested; id++)
        {
            var trial = new TrialSettings { TrialId = id, Parameter = Parameter.CreateNestedParameter(), StartedAtUtc = DateTime.UtcNow };
            trial.Parameter = tuner.Propose(trial);
            monitor?.ReportRunningTrial(trial);
            try
            {
                // Without a result, the end of the time lets the running trial end.
                using var stopTrial = new CancellationTokenSource();
                using var stopping = stop.Token.Register(() =>
                {
                    if (best != null)
                        stopTrial.Cancel();
                });
                using var runner = Services.Get<ITrialRunner>() ?? throw Contracts.Except("The experiment has no trial runner. Call SetPipeline or SetTrialRunner.");
                var result = await runner.RunAsync(trial, stopTrial.Token);
                trial.EndedAtUtc = DateTime.UtcNow;
                monitor?.ReportCompletedTrial(result);
                tuner.Update(result);
                if (result.Loss < (best?.Loss ?? double.MaxValue))
                {
                    best = result;
                    monitor?.ReportBestTrial(result);
                }
            }
            catch (Exception ex) when (!stop.IsCancellationRequested)
            {
                channel.Warning("Trial {0} with {1} failed and is abandoned: {2}", id, trial.Parameter, ex.Message);
                trial.EndedAtUtc = DateTime.UtcNow;
                monitor?.ReportFailTrial(trial, ex);
                tuner.Update(new TrialResult { TrialSettings = trial, Loss = double.MaxValue });

                // An error before the first success is most likely one of all trials, such as a missing column.
                if (best == null && ex is not (OperationCanceledException or OutOfMemoryException))
                    throw;
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                channel.Info("Trial {0} was canceled.", id);
            }
        }

        return best ?? throw new TimeoutException(
            "Training time finished without completing a successful trial. Either no trial completed or the metric for all completed trials are NaN or Infinity");
    }

    // A context of its own for each trial: canceling a trial leaves its context unusable.
    private MLContext CreateTrialContext()
    {
        var context = new MLContext(((IHostEnvironmentInternal)_context).Seed)
        {
            GpuDeviceId = _context.GpuDeviceId,
            FallbackToCpu = _context.FallbackToCpu,
            TempFilePath = _context.TempFilePath,
        };
        context.Log += (_, e) =>
        {
            using var channel = ((IChannelProvider)_context).Start("AutoMLExperiment-ChildContext");
            channel.Send(new ChannelMessage(e.Kind, MessageSensitivity.Unknown, e.Message));
        };
        return context;
    }
}

/// <summary>What the parts of an experiment can ask for, by type.</summary>
internal sealed class ExperimentServices : IServiceProvider
{
    private readonly Dictionary<Type, Func<object>> _factories = [];

    public object GetService(Type serviceType) => _factories.TryGetValue(serviceType, out var factory) ? factory() : null;

    public T Get<T>() where T : class => (T)GetService(typeof(T));

    public void Set<T>(Func<T> factory) where T : class => _factories[typeof(T)] = factory;

    public void SetSingle<T>(Func<T> factory) where T : class
    {
        var single = new Lazy<T>(factory);
        Set(() => single.Value);
    }
}
