using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

/// <summary>Columns of a lowest family whose keys and values follow each other in memory.</summary>
/// <param name="Column">The first of them.</param>
/// <param name="Length">How many.</param>
/// <param name="Keys">Their keys, readable in groups of eight.</param>
/// <param name="Values">Their values, readable in whole vectors.</param>
internal readonly record struct KeyTiedRun(int Column, int Length, TokenRows<float> Keys, TokenRows<float> Values);
