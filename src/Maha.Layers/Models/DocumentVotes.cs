using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B documents, S states of a document, D width, K votes

/// <summary>Votes of the states of a document: v = mean over valid s of tanh(V LayerNorm(x_s) + b).</summary>
/// <remarks>
/// The mean of x_s cannot tell one state with much evidence from many with little. A vote is bounded, so that its mean is a share of the states: what a class
/// depends on if it says how much of a document is of some kind. Padding is ignored, whatever it holds. A document without states has the vector 0.
/// </remarks>
internal sealed class DocumentVotes : Module<Tensor, Tensor?, Tensor>
{
    [ComponentName(Name = "norm")] private readonly LayerNorm _norm;
    [ComponentName(Name = "projection")] private readonly Linear _projection;
    private readonly int _dModel;

    /// <summary>Creates the module with random weights.</summary>
    /// <param name="dModel">D, at least 1.</param>
    /// <param name="numVotes">K, at least 1.</param>
    /// <exception cref="ArgumentException">The width or the number of votes is below 1.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public DocumentVotes(int dModel, int numVotes) : base(TorchLibrary.EnsureLoadedFor(nameof(DocumentVotes)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(numVotes, 1);
        _dModel = dModel;
        _norm = LayerNorm(dModel);
        _projection = Linear(dModel, numVotes);
        RegisterComponents();
    }

    /// <summary>Computes the mean votes of a batch.</summary>
    /// <param name="states">[B, S, D].</param>
    /// <param name="mask">[B, S] of Bool, true = ignore this state; null without padding.</param>
    /// <returns>[B, K], each in [-1, 1].</returns>
    /// <exception cref="ArgumentException">
    /// The states have another rank, width, element type or device, or there are none, or the mask does not match them.
    /// </exception>
    public override Tensor forward(Tensor states, Tensor? mask)
    {
        TensorChecks.Hidden(states, _dModel, _projection.weight, nameof(states));
        if (mask is not null)
            TensorChecks.TokenMask(mask, states.shape[0], states.shape[1], states, nameof(mask));
        using var scope = NewDisposeScope();
        // Padding may hold NaN.
        return DocumentPooling.Mean(_projection.call(_norm.call(TokenMasks.Clear(states, mask))).tanh(), mask).MoveToOuterDisposeScope();
    }
}
