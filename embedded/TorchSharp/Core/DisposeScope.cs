using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Disposes what was created in it, except what was moved out (as in TorchSharp; thread-local).</summary>
public sealed class DisposeScope : IDisposable
{
    private DisposeScopeManager _manager;
    // Sets of scopes that ended, for the next ones: a training step opens and closes many.
    [ThreadStatic] private static Stack<HashSet<IDisposable>> s_spare;
    private const int LargestSpare = 4096;

    private HashSet<IDisposable> _disposables = NewSet();

    internal DisposeScope(DisposeScopeManager manager, DisposeScope outer)
    {
        _manager = manager;
        OuterScope = outer;
    }

    internal DisposeScope OuterScope { get; set; }

    public IReadOnlyList<IDisposable> DisposablesView { get { CheckAlive(); return _disposables.ToList(); } }
    public int DisposablesCount { get { CheckAlive(); return _disposables.Count; } }
    public bool Contains(IDisposable disposable) { CheckAlive(); return _disposables.Contains(disposable); }

    public T MoveToOuter<T>(T disposable) where T : IDisposable { MoveToOther(OuterScope, disposable); return disposable; }
    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        MoveToOuter([first, second]);
        return (first, second);
    }
    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        MoveToOuter([first, second, third]);
        return (first, second, third);
    }
    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, disposables.AsEnumerable());
    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope scope, T disposable) where T : IDisposable
    {
        CheckAlive();
        if (_disposables.Remove(disposable)) HandOver(scope, disposable);
        return disposable;
    }
    public void MoveToOther(DisposeScope scope, params IDisposable[] disposables) => MoveToOther(scope, disposables.AsEnumerable());
    public void MoveToOther(DisposeScope scope, IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables) MoveToOther<IDisposable>(scope, disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable { MoveToOther(null, disposable); return disposable; }
    public void Detach(params IDisposable[] disposables) => MoveToOther(null, disposables.AsEnumerable());
    public void Detach(IEnumerable<IDisposable> disposables) => MoveToOther(null, disposables);

    public void Attach(IDisposable disposable)
    {
        CheckAlive();
        if (disposable is Tensor { OwningDisposeScope: null, IsInvalid: false }) _manager.StatisticsInstance.DetachedFromScopeCount--;
        HandOver(this, disposable);
    }
    public void Attach(params IDisposable[] disposables) => Attach(disposables.AsEnumerable());
    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var list = disposables.ToList();
        foreach (var disposable in list) Attach(disposable);
        return list;
    }

    public void DisposeEverything() => DisposeEverythingBut(Enumerable.Empty<IDisposable>());
    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut(keep.AsEnumerable());
    public T DisposeEverythingBut<T>(T keep) where T : IDisposable { DisposeEverythingBut([keep]); return keep; }
    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        CheckAlive();
        var old = _disposables;
        _disposables = NewSet();
        _disposables.UnionWith(inKeep);
        foreach (var disposable in old)
        {
            if (_disposables.Contains(disposable)) continue;
            var tensor = disposable as Tensor;
            if (tensor is not { IsInvalid: true }) _manager.StatisticsInstance.DisposedInScopeCount++;
            // So that the tensor does not call back into the scope that is being emptied.
            if (tensor is not null) tensor.OwningDisposeScope = null;
            disposable.Dispose();
        }
        Spare(old);
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        CheckAlive();
        _manager.StatisticsInstance.DisposedInScopeCount++;
        _disposables.Remove(disposable);
        if (disposable is Tensor tensor) tensor.OwningDisposeScope = null;
    }

    public void Dispose()
    {
        if (_manager is null) return;
        DisposeEverything();
        _manager.Remove(this);
        _manager = null;
        Spare(_disposables);
        _disposables = null;
    }

    private static HashSet<IDisposable> NewSet() => s_spare is { Count: > 0 } spare ? spare.Pop() : new(ReferenceEqualityComparer.Instance);

    private static void Spare(HashSet<IDisposable> set)
    {
        if (set.Capacity > LargestSpare) return;
        set.Clear();
        (s_spare ??= new()).Push(set);
    }

    internal void Add(Tensor tensor) => _disposables.Add(tensor);

    private void HandOver(DisposeScope scope, IDisposable disposable)
    {
        if (scope is null) _manager.StatisticsInstance.DetachedFromScopeCount++;
        else scope._disposables.Add(disposable);
        if (disposable is Tensor tensor) tensor.OwningDisposeScope = scope;
    }

    private void CheckAlive() => ObjectDisposedException.ThrowIf(_manager is null, this);
}

public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager s_instance;

    internal static DisposeScopeManager Instance => s_instance ??= new DisposeScopeManager();

    internal ThreadDisposeScopeStatistics StatisticsInstance { get; } = new();
    internal DisposeScope Current { get; private set; }

    public static ThreadDisposeScopeStatistics Statistics => Instance.StatisticsInstance;

    internal DisposeScope New() => Current = new DisposeScope(this, Current);

    internal DisposeScope Register(Tensor tensor)
    {
        if (Current is null)
        {
            StatisticsInstance.CreatedOutsideScopeCount++;
            return null;
        }
        StatisticsInstance.CreatedInScopeCount++;
        Current.Add(tensor);
        return Current;
    }

    internal void Remove(DisposeScope scope)
    {
        if (Current == scope)
        {
            Current = scope.OuterScope;
            return;
        }
        for (var inner = Current; inner is not null; inner = inner.OuterScope)
            if (inner.OuterScope == scope) inner.OuterScope = scope.OuterScope;
    }
}

public class ThreadDisposeScopeStatistics
{
    public long CreatedOutsideScopeCount { get; internal set; }
    public long CreatedInScopeCount { get; internal set; }
    public long DisposedInScopeCount { get; internal set; }
    public long DetachedFromScopeCount { get; internal set; }
    public long ThreadTotalLiveCount => CreatedInScopeCount - DisposedInScopeCount - DetachedFromScopeCount;

    public void Reset()
    {
        CreatedOutsideScopeCount = CreatedInScopeCount = DisposedInScopeCount = DetachedFromScopeCount = 0;
    }
}
