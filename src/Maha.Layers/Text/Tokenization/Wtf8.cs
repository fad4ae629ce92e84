using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Maha.Layers.Text;

/// <summary>
/// Converts UTF-16 to bytes and back without loss. Valid text becomes UTF-8. A lone surrogate, which UTF-8 can't represent,
/// becomes the three bytes that its value would have (the "generalized UTF-8" of WTF-8), ED A0 80 to ED BF BF.
/// </summary>
internal static class Wtf8
{
    private const char Replacement = '\uFFFD';

    /// <summary>Writes a text as bytes and returns their number. The destination must have three bytes per character.</summary>
    internal static int Encode(ReadOnlySpan<char> text, Span<byte> destination)
    {
        int written = 0;
        for (int i = 0; i < text.Length; i++)
        {
            int c = text[i];
            if (c < 0x80)
            {
                destination[written++] = (byte)c;
                continue;
            }

            if (c < 0x800)
            {
                destination[written++] = (byte)(0xC0 | c >> 6);
            }
            else if (char.IsHighSurrogate((char)c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                c = char.ConvertToUtf32((char)c, text[++i]);
                destination[written++] = (byte)(0xF0 | c >> 18);
                destination[written++] = (byte)(0x80 | c >> 12 & 0x3F);
                destination[written++] = (byte)(0x80 | c >> 6 & 0x3F);
            }
            else
            {
                destination[written++] = (byte)(0xE0 | c >> 12);
                destination[written++] = (byte)(0x80 | c >> 6 & 0x3F);
            }

            destination[written++] = (byte)(0x80 | c & 0x3F);
        }

        return written;
    }

    /// <summary>
    /// Reads bytes as UTF-16. Bytes that are not valid WTF-8 become one U+FFFD for each maximal part of a sequence.
    /// An incomplete sequence at the end is not read unless <paramref name="isFinal"/> is true.
    /// </summary>
    /// <param name="bytes">Any bytes.</param>
    /// <param name="destination">At least one character per byte.</param>
    /// <param name="isFinal">Whether no bytes follow, so that an incomplete sequence at the end becomes U+FFFD.</param>
    /// <param name="bytesRead">The number of bytes read. The rest, at most three bytes, must be passed again with the bytes that follow.</param>
    /// <returns>The number of characters written.</returns>
    internal static int Decode(ReadOnlySpan<byte> bytes, Span<char> destination, bool isFinal, out int bytesRead)
    {
        int read = 0;
        int written = 0;
        while (true)
        {
            var status = Utf8.ToUtf16(
                bytes[read..], destination[written..], out int newRead, out int newWritten, replaceInvalidSequences: false, isFinalBlock: false);
            read += newRead;
            written += newWritten;
            if (status == OperationStatus.Done)
                break;

            var rest = bytes[read..];
            int length = InvalidLength(rest, out char value, out bool isIncomplete);
            if (isIncomplete && !isFinal)
                break;

            destination[written++] = value;
            read += length;
        }

        bytesRead = read;
        return written;
    }

    /// <summary>Returns the number of bytes of the sequence at which UTF-8 decoding stopped, and the character to write for it.</summary>
    private static int InvalidLength(ReadOnlySpan<byte> rest, out char value, out bool isIncomplete)
    {
        value = Replacement;
        if (rest[0] == 0xED && rest.Length >= 2 && rest[1] is >= 0xA0 and <= 0xBF)
        {
            isIncomplete = rest.Length == 2;
            if (isIncomplete || (rest[2] & 0xC0) != 0x80)
                return 2;

            value = (char)(0xD000 | (rest[1] & 0x3F) << 6 | rest[2] & 0x3F);
            return 3;
        }

        isIncomplete = Rune.DecodeFromUtf8(rest, out _, out int length) == OperationStatus.NeedMoreData;
        return length;
    }

    internal static bool HasLoneSurrogate(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;

            if (!char.IsHighSurrogate(text[i]) || i + 1 >= text.Length || !char.IsLowSurrogate(text[i + 1]))
                return true;

            i++;
        }

        return false;
    }
}
