using System.Numerics;

namespace Microsoft.ML.Text;

/// <summary>A hash table from 64-bit codes to numbers, open addressing, at most half full.</summary>
internal sealed class KeyTable
{
    private ulong[] _codes = new ulong[64];
    private int[] _numbers = NewNumbers(64);

    public int Count { get; private set; }

    /// <summary>The number of the code, or -1.</summary>
    public int Find(ulong code) => _numbers[Place(_codes, _numbers, code)];

    /// <summary>The number of the code, which becomes <paramref name="next"/> if it is new.</summary>
    public int FindOrAdd(ulong code, int next)
    {
        int place = Place(_codes, _numbers, code);
        if (_numbers[place] >= 0)
            return _numbers[place];
        _codes[place] = code;
        _numbers[place] = next;
        if (2 * ++Count > _codes.Length)
            Grow();
        return next;
    }

    private static int Place(ulong[] codes, int[] numbers, ulong code)
    {
        // Fibonacci hashing: the high bits of the product depend on all bits of the code.
        int mask = codes.Length - 1;
        int place = (int)(code * 0x9E3779B97F4A7C15 >> (64 - BitOperations.Log2((uint)codes.Length)));
        while (numbers[place] >= 0 && codes[place] != code)
            place = (place + 1) & mask;
        return place;
    }

    private void Grow()
    {
        var codes = new ulong[2 * _codes.Length];
        var numbers = NewNumbers(codes.Length);
        for (int i = 0; i < _codes.Length; i++)
        {
            if (_numbers[i] < 0)
                continue;
            int place = Place(codes, numbers, _codes[i]);
            codes[place] = _codes[i];
            numbers[place] = _numbers[i];
        }

        _codes = codes;
        _numbers = numbers;
    }

    private static int[] NewNumbers(int size)
    {
        var numbers = new int[size];
        Array.Fill(numbers, -1);
        return numbers;
    }
}
