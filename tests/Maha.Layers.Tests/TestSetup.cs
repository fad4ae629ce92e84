using System.Runtime.CompilerServices;
using TorchSharp;

namespace Maha.Layers.Tests;

internal static class TestSetup
{
    /// <summary>Test classes run side by side, so one thread each: more would wait for each other.</summary>
    [ModuleInitializer]
    internal static void UseOneThread() => torch.set_num_threads(1);
}

/// <summary>Tests that count live tensors: nothing else may run beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
