using Maha.Layers.Models;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.LanguageModel;

/// <summary>The description of a saved language model: everything but its tokenizer and weights.</summary>
internal sealed record LanguageModelManifest : ModelManifest
{
    /// <summary>The format version that this library writes, the newest that it reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The columns of the transformer.</summary>
    public required LanguageModelColumns Columns { get; init; }

    /// <summary>Whether the output layer is the matrix of the token embeddings.</summary>
    public required bool TieOutput { get; init; }

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static LanguageModelManifest Read(Stream stream) => Read<LanguageModelManifest>(stream, CurrentFormat, "language model");

    /// <inheritdoc/>
    public override long MinNumWeights() => base.MinNumWeights() + (TieOutput ? 0 : (long)Model.VocabSize * Model.DModel);

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        MahaLanguageModel.RequireCausal(Model);
        CheckColumnNames("a language model", Columns.Input, Columns.LogLikelihood, Columns.Perplexity);
    }
}

/// <summary>The columns of a language model.</summary>
/// <param name="Input">The text.</param>
/// <param name="LogLikelihood">The added mean log-likelihood of the document's tokens.</param>
/// <param name="Perplexity">The added perplexity per token.</param>
internal sealed record LanguageModelColumns(string Input, string LogLikelihood, string Perplexity);
