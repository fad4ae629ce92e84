namespace Maha.MLNet.Tests;

/// <summary>The collection of tests that must not run in parallel with others, for example because they seed torch's generator.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
