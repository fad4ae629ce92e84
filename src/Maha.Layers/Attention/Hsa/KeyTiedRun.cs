using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

/// <summary>Columns of a lowest family whose keys and values are consecutive in memory.</summary>
/// <param name="Column">The first column.</param>
/// <param name="Length">The number of columns.</param>
/// <param name="Keys">The keys, readable in tiles of eight rows.</param>
/// <param name="Values">The values, readable in whole vectors.</param>
internal readonly record struct KeyTiedRun(int Column, int Length, TokenRows<float> Keys, TokenRows<float> Values);
