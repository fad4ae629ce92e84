using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>The step that Adam and AdamW share, for one parameter group.</summary>
/// <param name="Decoupled">AdamW: the decay shrinks the parameter instead of entering the gradient.</param>
internal readonly record struct AdamUpdate(
    double LearningRate, double Beta1, double Beta2, double Eps, double WeightDecay, bool Amsgrad, bool Maximize, bool Decoupled)
{
    // Together the four or five tensors of one call stay in a processor core's cache.
    private const long ElementsPerCall = 64 * 1024;
    private const int TensorsPerCall = 128;

    private static readonly Op s_maximum = "maximum.out(self,other,out)";

    /// <summary>One parameter with its state, as native handles; the gradient's is freed by <see cref="Apply(List{Entry})"/>.</summary>
    internal readonly record struct Entry(long Parameter, long Gradient, long Average, long SquareAverage, long Maximum, long Step, long Elements);

    public void Apply(List<Entry> entries)
    {
        var all = CollectionsMarshal.AsSpan(entries);
        try
        {
            for (int first = 0; first < all.Length;)
            {
                // Parameters that once had no gradient are at another step, with another bias correction.
                int end = first;
                long elements = 0;
                do elements += all[end++].Elements;
                while (end < all.Length && end - first < TensorsPerCall && all[end].Step == all[first].Step && elements + all[end].Elements <= ElementsPerCall);
                Apply(all[first..end]);
                first = end;
            }
        }
        finally
        {
            foreach (ref readonly var entry in all) Native.maha_tensor_free((nint)entry.Gradient);
        }
    }

    private void Apply(ReadOnlySpan<Entry> entries)
    {
        int n = entries.Length;
        Span<long> borrowed = stackalloc long[4 * n];
        Span<long> parameters = borrowed[..n], gradients = borrowed[n..(2 * n)], averages = borrowed[(2 * n)..(3 * n)], squares = borrowed[(3 * n)..];
        for (int i = 0; i < n; i++)
        {
            ref readonly var entry = ref entries[i];
            (parameters[i], gradients[i], averages[i], squares[i]) = (entry.Parameter, entry.Gradient, entry.Average, entry.SquareAverage);
        }
        Span<long> owned = stackalloc long[3 * n];
        owned.Clear();
        Span<long> negative = owned[..n], decayed = owned[n..(2 * n)], denominators = owned[(2 * n)..];
        try
        {
            if (Maximize)
            {
                Foreach.Negative(gradients, negative);
                gradients = negative;
            }
            if (WeightDecay != 0 && Decoupled) Foreach.Multiply(parameters, 1 - LearningRate * WeightDecay);
            if (WeightDecay != 0 && !Decoupled)
            {
                Foreach.Sum(gradients, parameters, WeightDecay, decayed);
                gradients = decayed;
            }

            Foreach.Multiply(averages, Beta1);
            Foreach.Add(averages, gradients, 1 - Beta1);
            Foreach.Multiply(squares, Beta2);
            Foreach.AddProduct(squares, gradients, gradients, 1 - Beta2);
            if (Amsgrad)
                for (int i = 0; i < n; i++)
                {
                    s_maximum.Run(Arg.Borrowed(entries[i].Maximum), Arg.Borrowed(squares[i]), Arg.Borrowed(entries[i].Maximum));
                    squares[i] = entries[i].Maximum;
                }

            Foreach.Root(squares, denominators);
            Foreach.Divide(denominators, Math.Sqrt(1 - Math.Pow(Beta2, entries[0].Step)));
            Foreach.Add(denominators, Eps);
            Foreach.AddQuotient(parameters, averages, denominators, -LearningRate / (1 - Math.Pow(Beta1, entries[0].Step)));
        }
        finally
        {
            Foreach.Free(owned);
        }
    }

    public static void Check(double lr, double beta1, double beta2, double eps, double weight_decay)
    {
        // Written so that NaN is refused too.
        if (!(lr >= 0)) throw new ArgumentException($"Invalid learning rate: {lr}");
        if (!(eps >= 0)) throw new ArgumentException($"Invalid epsilon: {eps}");
        if (!(beta1 >= 0 && beta1 < 1)) throw new ArgumentException($"Invalid beta1: {beta1}");
        if (!(beta2 >= 0 && beta2 < 1)) throw new ArgumentException($"Invalid beta2: {beta2}");
        if (!(weight_decay >= 0)) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
    }
}
