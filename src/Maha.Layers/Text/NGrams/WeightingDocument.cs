namespace Maha.Layers.Text;

// C classes, K sources

/// <summary>The scores of one document under several sources, to be weighted: z_c = offset_c + sum_k u_k source_kc.</summary>
/// <param name="Label">The index of the document's class among the C classes of the sources.</param>
/// <param name="Weight">The weight of the document.</param>
/// <param name="Offsets">The offsets, [C]; null for 0.</param>
/// <param name="Sources">The scores of each of the K sources, [C] each.</param>
/// <param name="Rest">The sum of exp(z) over the classes that are not among the C, a constant; 0 for none.</param>
internal readonly record struct WeightingDocument(int Label, double Weight, double[]? Offsets, double[][] Sources, double Rest);
