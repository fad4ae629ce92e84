namespace Maha.Layers.Text;

/// <summary>The prior of a source's weight u.</summary>
/// <param name="Expected">The weight that is expected before any document is seen.</param>
/// <param name="Strength">The number of documents that the prior counts as; 0 for no prior.</param>
/// <param name="IsPositive">
/// Whether the weight must be above 0. The penalty is then strength (u / expected - ln u), which grows without bound toward 0; otherwise it is
/// strength (u - expected)^2 / 2.
/// </param>
internal readonly record struct ExpectedWeight(double Expected, double Strength, bool IsPositive = false);
