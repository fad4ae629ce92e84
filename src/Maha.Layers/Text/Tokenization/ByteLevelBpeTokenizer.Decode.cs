using System.Buffers;
using System.Text;

namespace Maha.Layers.Text;

public sealed partial class ByteLevelBpeTokenizer
{
    /// <summary>Decodes token ids to text.</summary>
    /// <param name="ids">Ids of the vocabulary, in any order.</param>
    /// <param name="skipSpecialTokens">
    /// True, the default, to omit special tokens from the text; false to write their names, for display.
    /// </param>
    /// <returns>
    /// The text. The ids that <c>Encode</c> returned for a text decode to exactly this text. Other ids, as from a language
    /// model, can have bytes that are not valid UTF-8: each maximal part of a sequence becomes one U+FFFD. A special token
    /// ends a sequence.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        long numBytes = 0;
        foreach (int id in ids)
        {
            CheckId(id, nameof(ids));
            numBytes += _vocabulary.BytesOf(id).Length;
        }

        byte[] bytes = ArrayPool<byte>.Shared.Rent(checked((int)numBytes));
        var text = new StringBuilder(capacity: 0);
        int length = 0;
        foreach (int id in ids)
        {
            if (_vocabulary.IsSpecial(id))
            {
                AppendDecoded(bytes.AsSpan(0, length), text);
                length = 0;
                text.Append(skipSpecialTokens ? null : _vocabulary.SpecialTokens[id]);
                continue;
            }

            var token = _vocabulary.BytesOf(id);
            token.CopyTo(bytes.AsSpan(length));
            length += token.Length;
        }

        AppendDecoded(bytes.AsSpan(0, length), text);
        ArrayPool<byte>.Shared.Return(bytes);
        return text.ToString();
    }

    /// <summary>Creates a decoder for ids that arrive one by one, as from a language model. Each stream needs its own decoder.</summary>
    /// <param name="skipSpecialTokens">See <see cref="Decode"/>.</param>
    internal TokenStreamDecoder CreateStreamDecoder(bool skipSpecialTokens = true) => new(this, _vocabulary, skipSpecialTokens);

    private static void AppendDecoded(ReadOnlySpan<byte> bytes, StringBuilder text)
    {
        char[] chars = ArrayPool<char>.Shared.Rent(bytes.Length);
        int written = Wtf8.Decode(bytes, chars, isFinal: true, out _);
        text.Append(chars, 0, written);
        ArrayPool<char>.Shared.Return(chars);
    }
}
