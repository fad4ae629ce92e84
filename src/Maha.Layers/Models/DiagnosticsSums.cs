using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, S scales

/// <summary>Accumulates the <see cref="LayerDiagnostics"/> of a set of documents, batch by batch.</summary>
internal sealed class DiagnosticsSums
{
    private Layer[]? _layers;

    /// <summary>Adds a batch.</summary>
    public void Add(EncoderResult encoding, Tensor? keyPaddingMask)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        long batch = encoding.Features.shape[0], length = encoding.Features.shape[1];
        var device = encoding.Features.device;
        var valid = keyPaddingMask is null
            ? ones([batch, length], ScalarType.Float64, device)
            : keyPaddingMask.logical_not().to(ScalarType.Float64); // [B, N]
        _layers ??= [.. encoding.Layers.Select(_ => new Layer())];
        for (int layer = 0; layer < _layers.Length; layer++)
            _layers[layer].Add(encoding.Layers[layer], valid);
    }

    /// <summary>Returns the means over all batches.</summary>
    public IReadOnlyList<LayerDiagnostics> Complete() => [.. (_layers ?? []).Select(layer => layer.Complete())];

    private sealed class Layer
    {
        private double[]? _weights;
        private double[]? _entropies;
        private double[]? _entropyTokens;
        private double _tokens;
        private double _zeros;
        private double _available;
        private double _residual;
        private int _iterations;
        private bool _converged = true;

        public void Add(LayerReport report, Tensor valid)
        {
            var tokens = valid.sum(1, keepdim: true); // [B, 1]
            Tensor? known = null; // [B, S]
            if (report.AttentionEntropy is { } entropy)
            {
                known = entropy.isnan().logical_not().to(ScalarType.Float64);
                Accumulate(ref _entropies, (entropy.to(ScalarType.Float64).nan_to_num(0) * tokens).sum([0]));
                Accumulate(ref _entropyTokens, (known * tokens).sum([0]));
            }
            if (report.ScaleWeights is { } given)
            {
                var share = given.dim() == 2 ? tokens.unsqueeze(1) : valid.unsqueeze(-1); // [B, 1, 1] or [B, N, 1]
                var weights = (given.dim() == 2 ? given.unsqueeze(1) : given).to(ScalarType.Float64); // [B, 1 or N, S]
                Accumulate(ref _weights, (weights.nan_to_num(0) * share).sum([0, 1]));
                _tokens += tokens.sum().item<double>();
                if (known is not null)
                {
                    var has = known.unsqueeze(1) * share; // [B, 1 or N, S]
                    _zeros += (weights.eq(0).to(ScalarType.Float64) * has).sum().item<double>();
                    _available += has.sum().item<double>();
                }
            }
            if (report.Diagnostics is { } solver)
            {
                _residual = Math.Max(_residual, solver.MaxResidual());
                _iterations = Math.Max(_iterations, solver.MaxIterations());
                _converged &= solver.Converged();
            }
        }

        public LayerDiagnostics Complete() => new()
        {
            MeanScaleWeights = _weights is null ? null : [.. _weights.Select(sum => sum / _tokens)],
            Sparsity = _available > 0 ? _zeros / _available : null,
            AttentionEntropy = _entropies is null ? null : [.. _entropies.Zip(_entropyTokens!, (sum, tokens) => sum / tokens)],
            MaxResidual = _residual,
            Iterations = _iterations,
            Converged = _converged,
        };

        private static void Accumulate(ref double[]? sums, Tensor values)
        {
            using var host = values.cpu();
            double[] added = host.data<double>().ToArray();
            sums = sums is null ? added : [.. sums.Zip(added, (sum, value) => sum + value)];
        }
    }
}
