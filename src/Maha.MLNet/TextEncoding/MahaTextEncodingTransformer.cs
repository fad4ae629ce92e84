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
/// each sentence or paragraph. The same document has the same vector, up to the rounding of sums, whatever other rows are read with it. It owns native
/// memory: dispose it after the last view and prediction engine over it.
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

    private sealed class Mapping(TextEncoder encoder, DataViewSchema input)
        : RowMapping(InputColumns.Text(input, encoder.Manifest.Columns.Input, nameof(input)), CreateColumns(encoder))
    {
        public override Delegate[] CreateGetters(ITextWindow window)
        {
            var vector = CreateGetter(new WindowResults<float[]>(window, encoder.Vectors));
            return OutputColumns.Count == 1 ? [vector] : [vector, CreateGetter(new WindowResults<float[]>(window, encoder.SegmentVectors))];
        }

        private static DataViewSchema.DetachedColumn[] CreateColumns(TextEncoder encoder)
        {
            var columns = encoder.Manifest.Columns;
            var vector = new DataViewSchema.DetachedColumn(columns.Output, new VectorDataViewType(NumberDataViewType.Single, encoder.OutputDim));
            return columns.Segments is { } segments ? [vector, new(segments, new VectorDataViewType(NumberDataViewType.Single))] : [vector];
        }

        private static ValueGetter<VBuffer<float>> CreateGetter(WindowResults<float[]> row) => (ref VBuffer<float> value) =>
        {
            float[] vector = row.Value();
            var editor = VBufferEditor.Create(ref value, vector.Length);
            vector.CopyTo(editor.Values);
            value = editor.Commit();
        };
    }
}
