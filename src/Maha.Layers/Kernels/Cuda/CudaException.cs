namespace Maha.Layers.Kernels;

/// <summary>A failed call of the CUDA driver or of its compiler.</summary>
internal sealed class CudaException(string message) : Exception(message);
