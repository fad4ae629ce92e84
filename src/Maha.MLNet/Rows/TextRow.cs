using Microsoft.ML;

namespace Maha.MLNet.Rows;

/// <summary>A window of one row.</summary>
/// <param name="input">The row.</param>
/// <param name="text">The text column.</param>
internal sealed class TextRow(DataViewRow input, DataViewSchema.Column text) : ITextWindow
{
    private readonly ValueGetter<ReadOnlyMemory<char>> _text = input.GetGetter<ReadOnlyMemory<char>>(text);

    public long Version => input.Position;

    public int Count => 1;

    public int Current => 0;

    public ReadOnlyMemory<char> TextOf(int index)
    {
        ReadOnlyMemory<char> value = default;
        _text(ref value);
        return value;
    }
}
