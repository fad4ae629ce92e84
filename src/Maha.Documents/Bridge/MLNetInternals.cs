// A catalog keeps its environment internal. Only this file uses it: should ML.NET make it public, only this file changes.
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]

namespace System.Runtime.CompilerServices
{
    /// <summary>Makes the runtime skip the access checks to an assembly. The runtime recognizes the attribute by its name.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        /// <summary>The simple name of the assembly.</summary>
        public string AssemblyName { get; } = assemblyName;
    }
}

namespace Maha.Documents.Bridge
{
    /// <summary>Gives the rest of the library access to ML.NET's internal members.</summary>
    internal static class MLNetInternals
    {
        /// <summary>Returns the environment of <c>mlContext.Data</c>.</summary>
        public static IHostEnvironment EnvironmentOf(DataOperationsCatalog data) => CatalogUtils.GetEnvironment(data);
    }
}
