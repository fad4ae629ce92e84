using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>One kind of reference vector file.</summary>
internal interface IVectorKind
{
    /// <summary>Whether a file is of this kind, from its fields; takes nothing.</summary>
    bool Matches(string? what, VectorFile file);

    /// <summary>Builds the module from the file, takes every field that it knows, and compares those that are results.</summary>
    void Compare(VectorFile file, Comparison comparison, ScalarType type);
}
