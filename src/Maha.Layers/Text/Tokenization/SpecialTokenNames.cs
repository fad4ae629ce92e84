namespace Maha.Layers.Text;

/// <summary>The names of the special tokens that every vocabulary starts with. The index of a name is its id.</summary>
internal static class SpecialTokenNames
{
    internal static readonly string[] Fixed = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[BOS]", "[EOS]"];
}
