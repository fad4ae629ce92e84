namespace Maha.Layers.Kernels;

/// <summary>One layer of a <see cref="LinearKernel"/> call: addresses of weight [F, D], bias [F] (0 for none) and output [R, F], and F.</summary>
internal readonly record struct LinearOperands(nint Weight, nint Bias, nint Output, int Width);
