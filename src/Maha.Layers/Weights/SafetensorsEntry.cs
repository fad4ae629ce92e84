using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>One tensor of a safetensors file, as the header describes it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="ElementType">The type of the elements.</param>
/// <param name="Shape">The dimensions of the tensor; empty for a scalar.</param>
/// <param name="Offset">The position of its first byte, counted from the end of the header.</param>
/// <param name="ByteCount">The number of its bytes: the product of the dimensions times the size of an element.</param>
internal sealed record SafetensorsEntry(string Name, ScalarType ElementType, IReadOnlyList<long> Shape, long Offset, long ByteCount);
