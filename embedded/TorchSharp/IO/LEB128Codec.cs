namespace TorchSharp.Utils;

/// <summary>Little-endian base 128: seven bits a byte, lowest first, the high bit says that more follow.</summary>
internal static class LEB128Codec
{
    public static void Encode(this BinaryWriter writer, long value) => writer.Write7BitEncodedInt64(value);

    public static long Decode(this BinaryReader reader)
    {
        long value;
        try
        {
            value = reader.Read7BitEncodedInt64();
        }
        catch (FormatException e)
        {
            throw new InvalidDataException("A number in the file is longer than 64 bits: the file is damaged or no TorchSharp file.", e);
        }
        if (value < 0) throw new InvalidDataException($"A count in the file must not be negative, but is {value}: the file is damaged or no TorchSharp file.");
        return value;
    }
}
