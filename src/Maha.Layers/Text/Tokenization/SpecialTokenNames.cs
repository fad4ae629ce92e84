namespace Maha.Layers.Text;

/// <summary>The names of the special tokens every vocabulary starts with; a name's index is its id.</summary>
internal static class SpecialTokenNames
{
    internal static readonly string[] Fixed = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[BOS]", "[EOS]"];
}
