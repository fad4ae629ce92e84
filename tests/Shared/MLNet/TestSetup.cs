using System.Runtime.CompilerServices;
using TorchSharp;

// Two trainings at a time share torch's random state, and would not repeat.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Maha.MLNet.Tests;

internal static class TestSetup
{
    /// <summary>Sums in another order round differently; one thread also leaves the rest of the machine alone.</summary>
    [ModuleInitializer]
    internal static void UseOneThread() => torch.set_num_threads(1);
}
