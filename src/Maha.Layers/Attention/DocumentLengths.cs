using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length

/// <summary>Reads the number of valid tokens of every document of a batch from its padding mask.</summary>
internal static class DocumentLengths
{
    /// <summary>Reads the lengths from a mask. Reading waits for the device, so it is done once per batch.</summary>
    /// <param name="keyPaddingMask">[B, N] booleans, true = ignore; null where nothing is padded.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="length">N.</param>
    /// <exception cref="ArgumentException">The mask has another shape or type, or a token comes after padding.</exception>
    public static int[] Read(Tensor? keyPaddingMask, long batchSize, long length)
    {
        int[] lengths = new int[batchSize];
        if (keyPaddingMask is null)
        {
            Array.Fill(lengths, (int)length);
            return lengths;
        }
        Check(keyPaddingMask, batchSize, length);
        if (KnownTokens.LengthsOf(keyPaddingMask) is { } known)
            return [.. known];
        using var scope = NewDisposeScope();
        var mask = keyPaddingMask.cpu().contiguous().bytes;
        for (int document = 0; document < batchSize; document++)
        {
            var row = mask.Slice((int)(document * length), (int)length);
            int valid = row.IndexOf((byte)1);
            lengths[document] = valid < 0 ? (int)length : valid;
            if (valid >= 0 && row[valid..].IndexOf((byte)0) is >= 0 and var late)
            {
                throw new ArgumentException(
                    $"KeyPaddingMask must pad on the right only, but document {document} has a token at {valid + late} after padding at {valid}. "
                    + "Move every document's padding to its end.",
                    nameof(keyPaddingMask));
            }
        }
        return lengths;
    }

    /// <summary>Checks a mask as far as possible without reading its values.</summary>
    public static void Check(Tensor keyPaddingMask, long batchSize, long length)
    {
        TensorChecks.Alive(keyPaddingMask, nameof(MixingContext.KeyPaddingMask));
        if (keyPaddingMask.dtype != ScalarType.Bool || !keyPaddingMask.shape.AsSpan().SequenceEqual([batchSize, length]))
        {
            throw new ArgumentException(
                $"KeyPaddingMask must hold Bool of the shape [{batchSize}, {length}] of the tokens (true = ignore), "
                + $"but holds {keyPaddingMask.dtype} of {TensorChecks.Show(keyPaddingMask.shape)}.",
                nameof(keyPaddingMask));
        }
    }
}
