using Microsoft.ML;

namespace Maha.MLNet.Classification;

/// <summary>The logits of a cursor's present row, computed once however many columns are read.</summary>
internal sealed class ClassifiedRow(TextClassifier classifier, DataViewRow input, DataViewSchema.Column text)
{
    private readonly ValueGetter<ReadOnlyMemory<char>> _text = input.GetGetter<ReadOnlyMemory<char>>(text);
    private ReadOnlyMemory<char> _value;
    private float[] _logits = [];
    private long _position = -1;

    /// <summary>[C].</summary>
    public float[] Logits()
    {
        if (_position != input.Position || _logits.Length == 0)
        {
            _text(ref _value);
            _logits = classifier.Logits(_value.Span);
            _position = input.Position;
        }
        return _logits;
    }
}
