using Maha.Layers.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// AdamW over many parameters that lie in one tensor. Every element is updated as by <see cref="AdamWUpdate"/> of its parameter alone, but
/// an operation takes all parameters of a group at once: on a GPU the time of a step is that of starting its operations.
/// </summary>
/// <remarks>
/// A parameter without a gradient is not updated, and its number of steps does not rise. Its neighbors are then updated in separate runs.
/// </remarks>
internal sealed class FlatAdamW : IDisposable
{
    // Every parameter starts at a multiple of this, so that its address is as aligned as that of a tensor of its own.
    private const long Alignment = 64;

    // The constant of libtorch's clip_grad_norm_, against a division by 0.
    private const double NormEpsilon = 1e-6;

    private readonly List<Segment> _segments = [];
    private readonly Tensor _gradients;
    private readonly Tensor _means;
    private readonly Tensor _squares;
    private readonly CudaAdamW? _kernels;
    private readonly Dictionary<ScalarType, Tensor> _gaps = [];
    private bool _isCollecting;

    /// <summary>Creates an optimizer of parameters in float32.</summary>
    /// <param name="groups">The groups with the numbers of elements of their parameters.</param>
    /// <param name="device">The device.</param>
    public FlatAdamW(IEnumerable<(double WeightDecay, double LearningRateFactor, IEnumerable<long> Sizes)> groups, Device device)
    {
        long total = 0;
        int index = 0;
        foreach (var (weightDecay, factor, sizes) in groups)
        {
            foreach (long size in sizes)
            {
                long length = (size + Alignment - 1) / Alignment * Alignment;
                _segments.Add(new Segment(total, size, length, index, weightDecay, factor));
                total += length;
            }
            index++;
        }
        Values = Zeros();
        _gradients = Zeros();
        _means = Zeros();
        _squares = Zeros();
        _kernels = CudaAdamW.TryCreate(Values);

        Tensor Zeros() => zeros(total, ScalarType.Float32, device).DetachFromDisposeScope();
    }

    /// <summary>The values of all parameters, with gaps.</summary>
    public Tensor Values { get; }

    /// <summary>Returns a view of the elements of a parameter in a tensor with the layout of <see cref="Values"/>.</summary>
    public Tensor ViewOf(Tensor values, int parameter) => values.narrow(0, _segments[parameter].Start, _segments[parameter].Size);

    /// <summary>Adds gradients to those of the step, in float32.</summary>
    /// <param name="gradients">The gradients of all parameters, of one type; null where a parameter has none.</param>
    public void AddGradients(IReadOnlyList<Tensor?> gradients)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        if (!_isCollecting)
            _gradients.zero_();
        _isCollecting = true;
        for (int first = 0; first < _segments.Count;)
        {
            int end = first;
            var parts = new List<Tensor>();
            for (; end < _segments.Count && gradients[end] is { } gradient; end++)
            {
                var segment = _segments[end];
                segment.HasGradient = true;
                parts.Add(gradient.reshape(-1));
                if (segment.Length > segment.Size)
                    parts.Add(Gap(segment.Length - segment.Size, gradient));
            }
            if (end > first)
                Range(_gradients, first, end).add_(cat(parts, 0));
            first = end + 1;
        }
    }

    /// <summary>Whether <see cref="ClipAndStep"/> can be used: on CUDA devices where the library's kernels run.</summary>
    public bool HasKernels => _kernels is not null;

    /// <summary>
    /// Clips the gradients of the step and updates the parameters as <see cref="ClipGradients"/> and <see cref="Step"/>, without waiting for the device. If the
    /// norm or a loss is not finite, the device leaves out this update and all later ones.
    /// </summary>
    /// <param name="maxNorm">The maximum norm.</param>
    /// <param name="learningRate">The learning rate of groups with the factor 1.</param>
    /// <param name="losses">The losses of the step, [K] of Float32 on the device.</param>
    /// <param name="rounded">The values in BFloat16, which follow; null for none.</param>
    /// <returns>[K + 1] of Float32: the losses, and the norm of all gradients together before the scaling.</returns>
    public Tensor ClipAndStep(double maxNorm, double learningRate, Tensor losses, Tensor? rounded)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var measures = _kernels!.Clip(_gradients, losses, maxNorm);
        foreach (var (first, end) in Runs())
        {
            var start = _segments[first];
            _kernels.Update(
                (Range(Values, first, end), Range(_gradients, first, end), Range(_means, first, end), Range(_squares, first, end)),
                rounded is null ? null : Range(rounded, first, end), start.Steps + 1, learningRate * start.LearningRateFactor, start.WeightDecay);
        }
        EndStep();
        return measures.MoveToOuterDisposeScope();
    }

    /// <summary>Multiplies the gradients of the step by a factor.</summary>
    public void ScaleGradients(double factor) => _gradients.mul_(factor);

    /// <summary>Multiplies the gradients of the step by a factor, and replaces them by their sums over all processes.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="factor">The factor of this process; 0 where it has added no gradients.</param>
    public void SumGradients(ProcessGroup group, double factor)
    {
        using var guard = no_grad();
        // Gradients that were not added are those of the step before.
        if (_isCollecting)
            _gradients.mul_(factor);
        else
            _gradients.zero_();
        _isCollecting = true;
        bool[] isUsed = group.AnyOf([.. _segments.Select(segment => segment.HasGradient)]);
        for (int i = 0; i < isUsed.Length; i++)
            _segments[i].HasGradient = isUsed[i];
        GradientBuckets.Sum(group, _gradients);
    }

    /// <summary>Scales the gradients of the step down to a maximum norm.</summary>
    /// <returns>The norm of all gradients together before the scaling.</returns>
    public double ClipGradients(double maxNorm)
    {
        using var scope = NewDisposeScope();
        double norm = _gradients.norm().ToDouble();
        double factor = maxNorm / (norm + NormEpsilon);
        if (factor < 1)
            _gradients.mul_(factor);
        return norm;
    }

    /// <summary>Updates the parameters that have a gradient, and clears the gradients.</summary>
    /// <param name="learningRate">The learning rate of groups with the factor 1.</param>
    public void Step(double learningRate)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (first, end) in Runs())
        {
            var start = _segments[first];
            AdamWUpdate.Apply(
                Range(Values, first, end), Range(_gradients, first, end), Range(_means, first, end), Range(_squares, first, end),
                start.Steps + 1, learningRate * start.LearningRateFactor, start.WeightDecay);
        }
        EndStep();
    }

    /// <summary>Returns the moments and the numbers of steps by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Moments() => new Dictionary<string, Tensor>
    {
        ["means"] = _means,
        ["squares"] = _squares,
        ["steps"] = tensor(_segments.Select(segment => segment.Steps).ToArray()),
    };

    /// <summary>Sets what <see cref="Moments"/> returned.</summary>
    public void Restore(IReadOnlyDictionary<string, Tensor> moments)
    {
        using var scope = NewDisposeScope();
        var steps = zeros(_segments.Count, ScalarType.Int64);
        moments.CopyTo(new Dictionary<string, Tensor> { ["means"] = _means, ["squares"] = _squares, ["steps"] = steps });
        long[] counts = steps.data<long>().ToArray();
        for (int i = 0; i < counts.Length; i++)
            _segments[i].Steps = counts[i];
    }

    public void Dispose()
    {
        Values.Dispose();
        _gradients.Dispose();
        _means.Dispose();
        _squares.Dispose();
        _kernels?.Dispose();
        foreach (var gap in _gaps.Values)
            gap.Dispose();
    }

    // The ranges of neighbors that are updated together.
    private IEnumerable<(int First, int End)> Runs()
    {
        for (int first = 0, end; first < _segments.Count; first = end)
        {
            end = first + 1;
            while (end < _segments.Count && _segments[end].IsUpdatedWith(_segments[first]))
                end++;
            if (_segments[first].HasGradient)
                yield return (first, end);
        }
    }

    private void EndStep()
    {
        foreach (var segment in _segments.Where(segment => segment.HasGradient))
        {
            segment.Steps++;
            segment.HasGradient = false;
        }
        _isCollecting = false;
    }

    // Zeros between two parameters.
    private Tensor Gap(long length, Tensor like)
    {
        if (!_gaps.TryGetValue(like.dtype, out var gap))
            _gaps.Add(like.dtype, gap = zeros(Alignment, like.dtype, like.device).DetachFromDisposeScope());
        return gap.narrow(0, 0, length);
    }

    private Tensor Range(Tensor values, int first, int end)
    {
        var last = _segments[end - 1];
        return values.narrow(0, _segments[first].Start, last.Start + last.Length - _segments[first].Start);
    }

    /// <summary>The place of a parameter.</summary>
    private sealed class Segment(long start, long size, long length, int group, double weightDecay, double learningRateFactor)
    {
        public long Start => start;

        /// <summary>The number of elements of the parameter.</summary>
        public long Size => size;

        /// <summary>The number of elements up to the next parameter.</summary>
        public long Length => length;

        public double WeightDecay => weightDecay;

        public double LearningRateFactor => learningRateFactor;

        public long Steps { get; set; }

        public bool HasGradient { get; set; }

        private int Group => group;

        public bool IsUpdatedWith(Segment other) => Group == other.Group && Steps == other.Steps && HasGradient == other.HasGradient;
    }
}
