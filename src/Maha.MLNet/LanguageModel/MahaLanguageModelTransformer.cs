using Maha.Layers.Generation;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(MahaLanguageModelTransformer), null, typeof(SignatureLoadModel), "Maha language model", MahaLanguageModelTransformer.LoaderSignature)]

namespace Maha.MLNet.LanguageModel;

/// <summary>Scores documents and continues texts. <see cref="MahaLanguageModelEstimator"/> trains it.</summary>
/// <remarks>
/// Adds two columns of type <c>Single</c>: the mean log-likelihood of the document's tokens, in nats, and the perplexity per token, the exponential of its
/// negative. For a document without tokens both are NaN, ML.NET's missing value. Documents of any length are read whole. It owns native memory: dispose it
/// after the last view and prediction engine over it.
/// </remarks>
public sealed class MahaLanguageModelTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaLanguageModel";

    private readonly TextLanguageModel _model;

    internal MahaLanguageModelTransformer(TextLanguageModel model) : base(model) => _model = model;

    private static MahaLanguageModelTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => new(TextLanguageModel.Load(env, ctx));

    /// <summary>Finds the language model in a chain of transformers.</summary>
    /// <param name="model">A transformer or a chain, for instance the result of <c>mlContext.Model.Load</c>.</param>
    /// <returns>The first language model of the chain.</returns>
    /// <exception cref="ArgumentException">The chain has no language model.</exception>
    public static MahaLanguageModelTransformer Find(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Search(model) ?? throw new ArgumentException(
            $"The model must be a chain with a Maha language model, but is a {model.GetType().Name} without one. Load the zip of such a chain.", nameof(model));

        static MahaLanguageModelTransformer? Search(ITransformer transformer) => transformer switch
        {
            MahaLanguageModelTransformer found => found,
            IEnumerable<ITransformer> chain => chain.Select(Search).FirstOrDefault(found => found is not null),
            _ => null,
        };
    }

    /// <summary>
    /// C, the most tokens of a context in training and in the columns. In generation the attention alone limits how far back a token depends.
    /// </summary>
    public int ContextLength => _model.Manifest.Model.MaxSequenceLength;

    /// <summary>Scores a text: log-likelihood, and perplexity per token, byte and word.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="cancellationToken">Cancels the scoring before the next context.</param>
    /// <returns>The score.</returns>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    /// <exception cref="OperationCanceledException">The scoring was canceled.</exception>
    public TextScore Score(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _model.Score(text, cancellationToken);
    }

    /// <summary>Continues a text.</summary>
    /// <param name="prompt">The text to continue, of any length. It can be empty.</param>
    /// <param name="options">Number of tokens, temperature, top k, top p, repetition penalty, seed, stop sequences; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the generation before the next token.</param>
    /// <returns>The continuation without the prompt: valid UTF-16, up to the first stop sequence or the end of the text.</returns>
    /// <exception cref="ArgumentException">An option is not valid, or the text is longer than the learned positions.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public string Generate(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check(prompt, options);
        return _model.Generate(prompt, options, cancellationToken);
    }

    /// <summary>Continues a text, and returns the continuation piece by piece as it is generated.</summary>
    /// <param name="prompt">The text to continue, of any length. It can be empty.</param>
    /// <param name="options">Number of tokens, temperature, top k, top p, repetition penalty, seed, stop sequences; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the generation before the next token.</param>
    /// <returns>
    /// The pieces of the continuation, together the result of <see cref="Generate"/>. The transformer's memory is kept until the enumeration ends.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// An option is not valid, which is thrown before the enumeration, or the text is longer than the learned positions.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed before the enumeration began.</exception>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public IAsyncEnumerable<string> GenerateAsync(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check(prompt, options);
        return _model.GenerateAsync(prompt, options, cancellationToken);
    }

    private static void Check(string prompt, GenerationOptions? options)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options?.Validate();
    }

    private protected override RowMapping CreateMapping(DataViewSchema inputSchema) => new Mapping(_model, inputSchema);

    private sealed class Mapping(TextLanguageModel model, DataViewSchema input)
        : RowMapping(
            InputColumns.Text(input, model.Manifest.Columns.Input, nameof(input)),
            new DataViewSchema.DetachedColumn(model.Manifest.Columns.LogLikelihood, NumberDataViewType.Single),
            new DataViewSchema.DetachedColumn(model.Manifest.Columns.Perplexity, NumberDataViewType.Single))
    {
        // A text is read in contexts, one at a time and without padding, so a batch would save nothing.
        public override bool BenefitsFromBatching => false;

        public override Delegate[] CreateGetters(ITextWindow window)
        {
            var row = new WindowResults<ScoredRow>(window, texts => [.. texts.Select(text => new ScoredRow(model.Score(text.Span)))]);
            return
            [
                (ValueGetter<float>)((ref float value) => value = (float)row.Value().Score.LogLikelihoodPerToken),
                (ValueGetter<float>)((ref float value) => value = (float)row.Value().Score.PerplexityPerToken),
            ];
        }

        private sealed record ScoredRow(TextScore Score);
    }
}
