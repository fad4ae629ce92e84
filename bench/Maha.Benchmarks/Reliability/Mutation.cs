using System.Buffers.Binary;

namespace Maha.Benchmarks.Reliability;

/// <summary>Changes bytes of a file at random.</summary>
internal static class Mutation
{
    private const int MaxRun = 64;

    private static readonly long[] s_extremes = [0, 1, -1, int.MaxValue, int.MinValue, 1L << 30, 1L << 40, long.MaxValue, long.MinValue];

    /// <summary>Returns a changed copy.</summary>
    public static byte[] Apply(byte[] file, Random random)
    {
        byte[] changed = [.. file];
        for (int left = random.Next(4) == 0 ? random.Next(2, 6) : 1; left > 0 && changed.Length > 0; left--)
            changed = ApplyOnce(changed, random);
        return changed;
    }

    private static byte[] ApplyOnce(byte[] file, Random random)
    {
        // Half of the changes are near the beginning, where counts and lengths are.
        int at = random.Next(random.Next(2) == 0 ? file.Length : Math.Min(file.Length, 600)), end = Math.Min(file.Length, at + random.Next(1, MaxRun));
        switch (random.Next(9))
        {
            case 0:
                file[at] ^= (byte)(1 << random.Next(8));
                return file;
            case 1:
                file[at] = (byte)random.Next(256);
                return file;
            case 2:
                file[at] = (byte)"0123456789{}[]\",:-.eE"[random.Next(21)];
                return file;
            case 3:
                return [.. file[..at], (byte)random.Next(256), .. file[at..]];
            case 4:
                return [.. file[..at], .. file[end..]];
            case 5:
                return [.. file[..end], .. file[at..]];
            case 6:
                return file[..at];
            case 7:
                file.AsSpan(at, end - at).Fill(random.Next(2) == 0 ? (byte)0xff : (byte)0);
                return file;
            default:
                long extreme = s_extremes[random.Next(s_extremes.Length)];
                if (random.Next(2) == 0 && at + sizeof(long) <= file.Length)
                    BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at), extreme);
                else if (at + sizeof(int) <= file.Length)
                    BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), (int)Math.Clamp(extreme, int.MinValue, int.MaxValue));
                return file;
        }
    }
}
