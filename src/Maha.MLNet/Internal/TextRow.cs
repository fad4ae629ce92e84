using Microsoft.ML;

namespace Maha.MLNet.Internal;

/// <summary>What a model says of a cursor's present row, computed once however many columns are read.</summary>
/// <param name="input">The row.</param>
/// <param name="text">The column of the text.</param>
/// <param name="compute">What is computed of it.</param>
internal sealed class TextRow<T>(DataViewRow input, DataViewSchema.Column text, Func<ReadOnlyMemory<char>, T> compute) where T : class
{
    private readonly ValueGetter<ReadOnlyMemory<char>> _text = input.GetGetter<ReadOnlyMemory<char>>(text);
    private ReadOnlyMemory<char> _value;
    private T? _computed;
    private long _position = -1;

    /// <summary>The present row's.</summary>
    public T Value()
    {
        if (_position != input.Position || _computed is null)
        {
            _text(ref _value);
            _computed = compute(_value);
            _position = input.Position;
        }
        return _computed;
    }
}
