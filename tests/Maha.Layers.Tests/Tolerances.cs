namespace Maha.Layers.Tests;

/// <summary>The largest differences that are accepted, relative to max(1, largest magnitude).</summary>
internal static class Tolerances
{
    /// <summary>The same formula in another order of sums, float64.</summary>
    public const double SameFormula = 1e-12;

    /// <summary>Reference vectors in float64.</summary>
    public const double VectorsFloat64 = 1e-9;

    /// <summary>Reference vectors in float32: about a thousand roundings of 6e-8.</summary>
    public const double VectorsFloat32 = 1e-4;

    /// <summary>Central differences with step 5e-6: truncation near 1e-11, cancellation near 1e-10, over some layers.</summary>
    public const double CentralDifference = 1e-7;
}
