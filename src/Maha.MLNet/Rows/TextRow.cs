using Microsoft.ML;

namespace Maha.MLNet.Rows;

/// <summary>The window of a row alone: its documents follow each other one at a time.</summary>
/// <param name="input">The row.</param>
/// <param name="text">The column of the text.</param>
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
