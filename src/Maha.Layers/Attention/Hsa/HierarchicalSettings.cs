namespace Maha.Layers.Attention;

/// <summary>What hierarchical attention computes.</summary>
/// <param name="Form">Which weights share a value, and which tokens are seen.</param>
/// <param name="Scale">The factor of the logits, 1 / sqrt(K) as a rule.</param>
/// <param name="SelfAttend">Whether a token sees itself.</param>
internal readonly record struct HierarchicalSettings(HierarchicalForm Form, double Scale, bool SelfAttend = true);
