namespace Maha.Layers.Kernels;

/// <summary>One layer of a <see cref="LinearKernel"/> call.</summary>
/// <param name="Weight">The address of the weight [F, D].</param>
/// <param name="Bias">The address of the bias [F]; 0 for none.</param>
/// <param name="Output">The address of the output [R, F].</param>
/// <param name="Width">F.</param>
internal readonly record struct LinearOperands(nint Weight, nint Bias, nint Output, int Width);
