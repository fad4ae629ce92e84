using Maha.Layers.Models;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.LanguageModel;

/// <summary>What a saved language model needs besides its tokenizer and weights.</summary>
internal sealed record LanguageModelManifest : ModelManifest
{
    /// <summary>The newest form of the file that this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The columns of the transformer.</summary>
    public required LanguageModelColumns Columns { get; init; }

    /// <summary>Whether the output layer is the matrix of the token embeddings.</summary>
    public required bool TieOutput { get; init; }

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    public static LanguageModelManifest Read(Stream stream) => Read<LanguageModelManifest>(stream, CurrentFormat, "language model");

    /// <inheritdoc/>
    public override long LeastWeights() => base.LeastWeights() + (TieOutput ? 0 : (long)Model.VocabSize * Model.DModel);

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        MahaLanguageModel.RequireCausal(Model);
        if (Columns.Input.Length == 0 || Columns.LogLikelihood.Length == 0 || Columns.Perplexity.Length == 0)
            throw new ArgumentException("The columns of a language model must have names, but one is empty.");
    }
}

/// <summary>The columns of a language model.</summary>
/// <param name="Input">The text that is read.</param>
/// <param name="LogLikelihood">The mean log-likelihood of the document's tokens that is written.</param>
/// <param name="Perplexity">The perplexity per token that is written.</param>
internal sealed record LanguageModelColumns(string Input, string LogLikelihood, string Perplexity);
