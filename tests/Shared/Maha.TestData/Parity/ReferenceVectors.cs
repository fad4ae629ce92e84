using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>Compares the layers with files of reference vectors: outputs and gradients that the published code, or a derivation in float64, gave.</summary>
public static class ReferenceVectors
{
    /// <summary>The largest relative error in float64 that counts as equal: sums of some hundred products, in another order.</summary>
    public const double Tolerance = 1e-9;

    private static readonly IVectorKind[] s_kinds =
    [
        new BlockVectors(),
        new TransformerVectors(),
        new GatingVectors(),
        new PoolVectors(),
        new TreeVectors(),
    ];

    /// <summary>Compares a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="type">The element type that the layers compute in.</param>
    /// <exception cref="FormatException">The file's kind or one of its fields is not known.</exception>
    public static Comparison Compare(string path, ScalarType type = ScalarType.Float64)
    {
        using var scope = NewDisposeScope();
        var file = VectorFile.Read(path);
        string? what = file.Has("what") ? file.Text("what") : null;
        var kind = s_kinds.FirstOrDefault(kind => kind.Matches(what, file))
            ?? throw new FormatException(
                $"the file must be of a known kind, but says '{what ?? "nothing"}' and has the fields {string.Join(", ", file.Left)}.");
        var comparison = new Comparison();
        kind.Compare(file, comparison, type);
        file.RefuseLeft();
        return comparison;
    }
}
