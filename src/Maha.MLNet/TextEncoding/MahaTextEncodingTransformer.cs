using Maha.Layers.Swap;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(MahaTextEncodingTransformer), null, typeof(SignatureLoadModel), "Maha text encoding", MahaTextEncodingTransformer.LoaderSignature)]

namespace Maha.MLNet.TextEncoding;

// E width of a vector

/// <summary>Turns long documents into vectors. <see cref="MahaTextEncodingEstimator"/> trains it.</summary>
/// <remarks>
/// Adds a <c>Vector&lt;Single&gt;</c> of size E. If the estimator's options name a segment column, it also adds a vector of unknown size, with E numbers for
/// each sentence, paragraph or window; if they name a column of offsets, also one of Int32 with the range of characters of each. The same
/// document has the same vector, up to the rounding of sums, whatever other rows are read with it. It owns native memory: dispose it
/// after the last view and prediction engine over it.
/// </remarks>
public sealed class MahaTextEncodingTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaTextEncoding";

    private readonly TextEncoder _encoder;

    internal MahaTextEncodingTransformer(TextEncoder encoder) : base(encoder) => _encoder = encoder;

    private static MahaTextEncodingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => new(TextEncoder.Load(env, ctx));

    /// <summary>The encoder that the transformer owns.</summary>
    internal TextEncoder Encoder => _encoder;

    /// <summary>E, the width of a document's vector.</summary>
    public int VectorSize => _encoder.OutputDim;

    /// <summary>Returns a copy of the model in which some layers of the encoder compute hierarchical attention (HSA) from the same weights.</summary>
    /// <param name="layers">The layers to swap, 0 the first. They must have standard attention, as those of pretrained encoders have.</param>
    /// <param name="options">
    /// The trees. With <see cref="HsaConversionOptions.MaxSequenceLength"/> the copy reads windows of that length instead of its own.
    /// </param>
    /// <returns>A new transformer on the same device. This one does not change.</returns>
    /// <remarks>
    /// Nothing is trained. The more layers are swapped, the more accuracy is lost; <see cref="RankLayers"/> orders them. To train the copy further, save it and
    /// pass its path as <c>PretrainedModel</c>.
    /// </remarks>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the model.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public MahaTextEncodingTransformer SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(_encoder.SwapLayers(layers, options));

    /// <summary>Orders the layers of the encoder for <see cref="SwapLayers"/>: first the layer whose swap changes the encoder's vectors least.</summary>
    /// <param name="texts">A few dozen texts like those that the model reads. The cost is about L^2 / 2 passes over them, with L layers.</param>
    /// <param name="options">The trees and the ranking.</param>
    /// <returns>The layers with standard attention. The first k of them are the layers to swap if k are swapped.</returns>
    /// <exception cref="ArgumentException">There is no text, or the options don't suit the model.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public IReadOnlyList<int> RankLayers(IEnumerable<string> texts, HsaConversionOptions options) => _encoder.RankLayers(texts, options);

    private protected override RowMapping CreateMapping(DataViewSchema inputSchema) => new Mapping(_encoder, inputSchema);

    private sealed class Mapping(TextEncoder encoder, DataViewSchema input)
        : RowMapping(InputColumns.Text(input, encoder.Manifest.Columns.Input, nameof(input)), CreateColumns(encoder))
    {
        public override Delegate[] CreateGetters(ITextWindow window)
        {
            var columns = encoder.Manifest.Columns;
            Delegate vector, segments, offsets;
            if (encoder.Manifest.Segments == SegmentKind.Window && columns.Segments is not null)
            {
                // Shared, since the encoder reads the same windows for all three.
                var rows = new WindowResults<WindowVectors>(window, encoder.ReadWindows);
                vector = CreateGetter(() => rows.Value().Document);
                segments = CreateGetter(() => rows.Value().Windows);
                offsets = CreateGetter(() => rows.Value().Offsets);
            }
            else
            {
                vector = CreateGetter(new WindowResults<float[]>(window, encoder.Vectors).Value);
                segments = CreateGetter(new WindowResults<float[]>(window, encoder.SegmentVectors).Value);
                offsets = CreateGetter(new WindowResults<int[]>(window, encoder.SegmentOffsets).Value);
            }
            return columns switch
            {
                { Segments: null } => [vector],
                { SegmentOffsets: null } => [vector, segments],
                _ => [vector, segments, offsets],
            };
        }

        private static DataViewSchema.DetachedColumn[] CreateColumns(TextEncoder encoder)
        {
            var columns = encoder.Manifest.Columns;
            var added = new List<DataViewSchema.DetachedColumn> { new(columns.Output, new VectorDataViewType(NumberDataViewType.Single, encoder.OutputDim)) };
            if (columns.Segments is { } segments)
                added.Add(new(segments, new VectorDataViewType(NumberDataViewType.Single)));
            if (columns.SegmentOffsets is { } offsets)
                added.Add(new(offsets, new VectorDataViewType(NumberDataViewType.Int32)));
            return [.. added];
        }

        private static ValueGetter<VBuffer<T>> CreateGetter<T>(Func<T[]> row) => (ref VBuffer<T> value) =>
        {
            var vector = row();
            var editor = VBufferEditor.Create(ref value, vector.Length);
            vector.CopyTo(editor.Values);
            value = editor.Commit();
        };
    }
}
