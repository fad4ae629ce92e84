using System.Reflection;

namespace Maha.Layers.Tests;

/// <summary>The files of the repository that tests read.</summary>
internal static class Repository
{
    /// <summary>The folder of the repository.</summary>
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "Root").Value!;
}
