using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(MahaTextEncodingTransformer), null, typeof(SignatureLoadModel), "Maha text encoding", MahaTextEncodingTransformer.LoaderSignature)]

namespace Maha.MLNet.TextEncoding;

// E width of a vector

/// <summary>Turns long documents into vectors: what <see cref="MahaTextEncodingEstimator"/> learned.</summary>
/// <remarks>
/// Adds a <c>Vector&lt;Single&gt;</c> of size E, and where a column for segments was named a vector of unknown size with E numbers for every sentence or paragraph.
/// The same document has the same vector, up to the rounding of sums, whatever rows are read with it. Owns native memory: dispose it when the last view and prediction engine over it are done with.
/// </remarks>
public sealed class MahaTextEncodingTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaTextEncoding";

    private readonly TextEncoder _encoder;

    internal MahaTextEncodingTransformer(TextEncoder encoder) : base(encoder) => _encoder = encoder;

    private static MahaTextEncodingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => new(TextEncoder.Load(env, ctx));

    /// <summary>E, the width of a document's vector.</summary>
    public int VectorSize => _encoder.OutputDim;

    private protected override RowMapping CreateMapping(DataViewSchema inputSchema) => new Mapping(_encoder, inputSchema);

    private sealed class Mapping : RowMapping
    {
        private readonly TextEncoder _encoder;

        public Mapping(TextEncoder encoder, DataViewSchema input)
        {
            _encoder = encoder;
            var columns = encoder.Manifest.Columns;
            Text = InputColumns.Text(input, columns.Input, nameof(input));
            var vector = new DataViewSchema.DetachedColumn(columns.Output, new VectorDataViewType(NumberDataViewType.Single, encoder.OutputDim));
            OutputColumns = columns.Segments is { } segments
                ? [vector, new(segments, new VectorDataViewType(NumberDataViewType.Single))]
                : [vector];
        }

        public override IReadOnlyList<DataViewSchema.DetachedColumn> OutputColumns { get; }

        public override DataViewSchema.Column Text { get; }

        public override Delegate[] CreateGetters(ITextWindow window)
        {
            var whole = Getter(new WindowResults<float[]>(window, _encoder.Vectors));
            if (OutputColumns.Count == 1)
                return [whole];
            return [whole, Getter(new WindowResults<float[]>(window, _encoder.SegmentVectors))];
        }

        private static ValueGetter<VBuffer<float>> Getter(WindowResults<float[]> row) => (ref VBuffer<float> value) =>
        {
            float[] vector = row.Value();
            var editor = VBufferEditor.Create(ref value, vector.Length);
            vector.CopyTo(editor.Values);
            value = editor.Commit();
        };
    }
}
