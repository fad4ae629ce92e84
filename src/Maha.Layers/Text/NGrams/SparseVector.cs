namespace Maha.Layers.Text;

/// <summary>The nonzero elements of a vector.</summary>
/// <param name="Indices">Their indices, ascending.</param>
/// <param name="Values">Their values.</param>
internal readonly record struct SparseVector(int[] Indices, float[] Values);
