using TorchSharp.Modules;

namespace TorchSharp;

/// <summary>The step that Adam and AdamW share, for one parameter group.</summary>
/// <param name="Decoupled">AdamW: the decay shrinks the parameter instead of entering the gradient.</param>
internal readonly record struct AdamUpdate(
    double LearningRate, double Beta1, double Beta2, double Eps, double WeightDecay, bool Amsgrad, bool Maximize, bool Decoupled)
{
    // Together the four or five tensors of one call stay in a processor core's cache.
    private const long ElementsPerCall = 64 * 1024;

    private static readonly Op s_maximum = "maximum.out(self,other,out)";

    internal readonly record struct Entry(long Parameter, long Gradient, long Average, long SquareAverage, long Maximum, long Step, long Elements);

    public void Apply(List<Entry> entries)
    {
        try
        {
            for (int first = 0; first < entries.Count;)
            {
                // Parameters that once had no gradient are at another step, with another bias correction.
                int end = first;
                long elements = 0;
                do elements += entries[end++].Elements;
                while (end < entries.Count && entries[end].Step == entries[first].Step && elements + entries[end].Elements <= ElementsPerCall);
                Apply(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries)[first..end]);
                first = end;
            }
        }
        finally
        {
            foreach (var entry in entries) Native.maha_tensor_free((nint)entry.Gradient);
        }
    }

    private void Apply(ReadOnlySpan<Entry> entries)
    {
        int n = entries.Length;
        var (parameters, gradients, averages, squares) = (new long[n], new long[n], new long[n], new long[n]);
        for (int i = 0; i < n; i++)
        {
            ref readonly var entry = ref entries[i];
            (parameters[i], gradients[i], averages[i], squares[i]) = (entry.Parameter, entry.Gradient, entry.Average, entry.SquareAverage);
        }
        var temporary = new List<long[]>();
        try
        {
            if (Maximize) temporary.Add(gradients = Foreach.Negative(gradients));
            if (WeightDecay != 0 && Decoupled) Foreach.Multiply(parameters, 1 - LearningRate * WeightDecay);
            if (WeightDecay != 0 && !Decoupled) temporary.Add(gradients = Foreach.Sum(gradients, parameters, WeightDecay));

            Foreach.Multiply(averages, Beta1);
            Foreach.Add(averages, gradients, 1 - Beta1);
            Foreach.Multiply(squares, Beta2);
            Foreach.AddProduct(squares, gradients, gradients, 1 - Beta2);
            if (Amsgrad)
                for (int i = 0; i < n; i++)
                {
                    squares[i] = entries[i].Maximum;
                    s_maximum.Run(Arg.Borrowed(squares[i]), Arg.Borrowed(entries[i].SquareAverage), Arg.Borrowed(squares[i]));
                }

            var denominators = Foreach.Root(squares);
            temporary.Add(denominators);
            Foreach.Divide(denominators, Math.Sqrt(1 - Math.Pow(Beta2, entries[0].Step)));
            Foreach.Add(denominators, Eps);
            Foreach.AddQuotient(parameters, averages, denominators, -LearningRate / (1 - Math.Pow(Beta1, entries[0].Step)));
        }
        finally
        {
            foreach (var handles in temporary) Foreach.Free(handles);
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
