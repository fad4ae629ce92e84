using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>
/// Small tables of numbers on a device, such as the lengths of a batch's documents. The last few are kept, so that all layers share one copy.
/// </summary>
internal static class CudaTables
{
    private const int MaxKept = 64;
    private static readonly List<Table> s_kept = []; // the last used first

    /// <summary>Returns a table of integers. The caller does not dispose it.</summary>
    public static Tensor Get(ReadOnlySpan<int> numbers, Device device)
    {
        lock (s_kept)
        {
            for (int place = 0; place < s_kept.Count; place++)
            {
                var table = s_kept[place];
                if (!table.Numbers.AsSpan().SequenceEqual(numbers) || table.Device.type != device.type || table.Device.index != device.index)
                    continue;
                if (place > 0)
                {
                    s_kept.RemoveAt(place);
                    s_kept.Insert(0, table);
                }
                return table.Values;
            }

            // The tensor of a table that is dropped is freed when no thread uses it anymore.
            int[] copy = numbers.ToArray();
            var added = new Table(copy, device, tensor(copy, dtype: ScalarType.Int32, device: device).DetachFromDisposeScope());
            s_kept.Insert(0, added);
            if (s_kept.Count > MaxKept)
                s_kept.RemoveAt(MaxKept);
            return added.Values;
        }
    }

    /// <summary>Returns a table of numbers of single precision, as the integers of the same bits. The caller does not dispose it.</summary>
    public static Tensor Get(ReadOnlySpan<float> numbers, Device device) => Get(MemoryMarshal.Cast<float, int>(numbers), device);

    private sealed record Table(int[] Numbers, Device Device, Tensor Values);
}
