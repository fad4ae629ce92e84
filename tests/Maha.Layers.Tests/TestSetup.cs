using System.Runtime.CompilerServices;
using TorchSharp;

namespace Maha.Layers.Tests;

internal static class TestSetup
{
    /// <summary>Test classes run in parallel, so each uses one thread.</summary>
    [ModuleInitializer]
    internal static void UseOneThread() => torch.set_num_threads(1);
}

/// <summary>The collection of tests that must not run in parallel with others, for example because they count live tensors.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
