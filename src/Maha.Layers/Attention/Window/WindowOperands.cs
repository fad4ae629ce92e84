using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width

/// <summary>The operands of one windowed attention.</summary>
/// <param name="QueriesAndKeys">[B, N, 2D], the queries first.</param>
/// <param name="Values">[B, N, D].</param>
/// <param name="Plan">The heads and the window.</param>
/// <param name="ValidLengths">Valid tokens per document.</param>
internal readonly record struct WindowOperands(Tensor QueriesAndKeys, Tensor Values, WindowPlan Plan, int[] ValidLengths);
