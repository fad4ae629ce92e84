namespace Maha.Layers.Attention;

/// <summary>The settings of hierarchical attention.</summary>
/// <param name="Form">Which weights are equal, and which tokens are seen.</param>
/// <param name="Scale">The factor of the logits, usually 1 / sqrt(K).</param>
/// <param name="SelfAttend">Whether a token sees itself.</param>
internal readonly record struct HierarchicalSettings(HierarchicalForm Form, double Scale, bool SelfAttend = true);
