using static TorchSharp.torch;

namespace Maha.Layers.Distributed;

/// <summary>Sums many tensors over the processes of a group in few exchanges: tensors of one type are joined up to a size.</summary>
internal static class GradientBuckets
{
    // Large enough that the latency of an exchange is small beside its transfer, small enough that the copies take little memory.
    private const long BucketBytes = 25L << 20;

    /// <summary>Replaces tensors by their sums over all processes.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="tensors">The tensors, of the same shapes and types in every process, in the same order.</param>
    public static void Sum(ProcessGroup group, IReadOnlyList<Tensor> tensors)
    {
        using var guard = no_grad();
        foreach (var bucket in Buckets(tensors))
        {
            using var scope = NewDisposeScope();
            var joined = cat([.. bucket.Select(tensor => tensor.reshape(-1))], 0);
            Sum(group, joined);
            long start = 0;
            foreach (var tensor in bucket)
            {
                long size = tensor.numel();
                tensor.copy_(joined.narrow(0, start, size).view(tensor.shape));
                start += size;
            }
        }
    }

    /// <summary>Replaces the floating-point tensors by those of the root.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="tensors">The tensors, of the same shapes and types in every process, in the same order.</param>
    public static void Spread(ProcessGroup group, IEnumerable<Tensor> tensors)
    {
        using var guard = no_grad();
        Tensor[] values = [.. tensors.Where(tensor => tensor.is_floating_point())];
        if (!group.IsRoot)
        {
            foreach (var value in values)
                value.zero_();
        }
        Sum(group, values);
    }

    /// <summary>Replaces a vector by its sum over all processes, in pieces of the size of a bucket.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="vector">The vector, contiguous. A type that the group can't add is added in float32.</param>
    public static void Sum(ProcessGroup group, Tensor vector)
    {
        using var guard = no_grad();
        long piece = Math.Max(1, BucketBytes / vector.element_size());
        for (long start = 0; start < vector.numel(); start += piece)
        {
            using var scope = NewDisposeScope();
            var part = vector.narrow(0, start, Math.Min(piece, vector.numel() - start));
            if (part.dtype is ScalarType.Float32 or ScalarType.Float64)
            {
                group.Sum(part);
                continue;
            }
            var exact = part.to(ScalarType.Float32);
            group.Sum(exact);
            part.copy_(exact);
        }
    }

    private static IEnumerable<List<Tensor>> Buckets(IReadOnlyList<Tensor> tensors)
    {
        var bucket = new List<Tensor>();
        long bytes = 0;
        foreach (var tensor in tensors)
        {
            long own = tensor.numel() * tensor.element_size();
            if (bucket.Count > 0 && (bytes + own > BucketBytes || tensor.dtype != bucket[0].dtype))
            {
                yield return bucket;
                bucket = [];
                bytes = 0;
            }
            bucket.Add(tensor);
            bytes += own;
        }
        if (bucket.Count > 0)
            yield return bucket;
    }
}
