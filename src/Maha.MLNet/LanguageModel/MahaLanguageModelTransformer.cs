using Maha.Layers.Generation;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(MahaLanguageModelTransformer), null, typeof(SignatureLoadModel), "Maha language model", MahaLanguageModelTransformer.LoaderSignature)]

namespace Maha.MLNet.LanguageModel;

/// <summary>Scores documents and continues texts: what <see cref="MahaLanguageModelEstimator"/> trained.</summary>
/// <remarks>
/// Adds two columns of type <c>Single</c>: the mean log-likelihood of the document's tokens, in nats, and its exponential as perplexity per token. A document without tokens has NaN in
/// both, ML.NET's missing value. Documents are read whole, however long. Owns native memory: dispose it when the last view and prediction engine over it are done with.
/// </remarks>
public sealed class MahaLanguageModelTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaLanguageModel";

    private readonly TextLanguageModel _model;

    internal MahaLanguageModelTransformer(TextLanguageModel model) : base(model) => _model = model;

    private static MahaLanguageModelTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => new(TextLanguageModel.Load(env, ctx));

    /// <summary>The language model of a model that was loaded or fitted as a chain.</summary>
    /// <param name="model">For instance what <c>mlContext.Model.Load</c> returns.</param>
    /// <returns>The first language model of the chain.</returns>
    /// <exception cref="ArgumentException">The chain has none.</exception>
    public static MahaLanguageModelTransformer Find(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Search(model) ?? throw new ArgumentException($"The model must be a chain with a Maha language model, but is a {model.GetType().Name} without one. Load the zip of such a chain.", nameof(model));

        static MahaLanguageModelTransformer? Search(ITransformer transformer) => transformer switch
        {
            MahaLanguageModelTransformer found => found,
            IEnumerable<ITransformer> chain => chain.Select(Search).FirstOrDefault(found => found is not null),
            _ => null,
        };
    }

    /// <summary>The most tokens that a prediction looks back on in training and in the columns; generation looks back as far as the attention does.</summary>
    public int ContextLength => _model.Manifest.Model.MaxSequenceLength;

    /// <summary>How well the model predicts a text: log-likelihood, and perplexity per token, byte and word.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="cancellationToken">Ends the scoring before the next context.</param>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public TextScore Score(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _model.Score(text, cancellationToken);
    }

    /// <summary>Continues a text.</summary>
    /// <param name="prompt">The text to continue, of any length; may be empty.</param>
    /// <param name="options">Number of tokens, temperature, top k, top p, repetition penalty, seed, stop sequences; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the generation before the next token.</param>
    /// <returns>What comes behind the prompt, without it: valid UTF-16, up to the first stop sequence or where the model ends the text.</returns>
    /// <exception cref="ArgumentException">An option is not valid, or the text exceeds learned positions; the message says the rule, the value and the remedy.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public string Generate(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check(prompt, options);
        return _model.Generate(prompt, options, cancellationToken);
    }

    /// <summary>Continues a text and gives it out as it comes.</summary>
    /// <param name="prompt">The text to continue, of any length; may be empty.</param>
    /// <param name="options">Number of tokens, temperature, top k, top p, repetition penalty, seed, stop sequences; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the generation before the next token.</param>
    /// <returns>The pieces of what comes behind the prompt; together what <see cref="Generate"/> returns. The transformer's memory is kept until the enumeration ends.</returns>
    /// <exception cref="ArgumentException">An option is not valid (thrown at once), or the text exceeds learned positions; the message says the rule, the value and the remedy.</exception>
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

    private sealed class Mapping : RowMapping
    {
        private readonly TextLanguageModel _model;

        public Mapping(TextLanguageModel model, DataViewSchema input)
        {
            _model = model;
            var columns = model.Manifest.Columns;
            Text = InputColumns.Text(input, columns.Input, nameof(input));
            OutputColumns = [new(columns.LogLikelihood, NumberDataViewType.Single), new(columns.Perplexity, NumberDataViewType.Single)];
        }

        public override IReadOnlyList<DataViewSchema.DetachedColumn> OutputColumns { get; }

        public override DataViewSchema.Column Text { get; }

        // A text is read in contexts one after the other, as long as fits, and never cut: there is nothing to fill up.
        public override bool ComputesTogether => false;

        public override Delegate[] CreateGetters(ITextWindow window)
        {
            var row = new WindowResults<ScoredRow>(window, texts => [.. texts.Select(text => new ScoredRow(_model.Score(text.Span)))]);
            return
            [
                (ValueGetter<float>)((ref float value) => value = (float)row.Value().Score.LogLikelihoodPerToken),
                (ValueGetter<float>)((ref float value) => value = (float)row.Value().Score.PerplexityPerToken),
            ];
        }

        private sealed record ScoredRow(TextScore Score);
    }
}
