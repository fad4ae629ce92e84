namespace TorchSharp;

public static partial class torch
{
    /// <summary>One position of an index expression: a number, a slice, a new axis, an ellipsis or a tensor.</summary>
    public struct TensorIndex
    {
        internal enum Form { Single, Slice, None, Ellipsis, Tensor }

        internal Form Kind;
        internal long? Start, Stop, Step;
        internal Tensor Indices;

        public static TensorIndex None = new() { Kind = Form.None };
        public static TensorIndex Null = new() { Kind = Form.None };
        public static TensorIndex Ellipsis = new() { Kind = Form.Ellipsis };
        public static TensorIndex Colon = new() { Kind = Form.Slice };

        public static TensorIndex Single(long? index) => index is long i ? new() { Kind = Form.Single, Start = i } : None;
        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) => new() { Kind = Form.Slice, Start = start, Stop = stop, Step = step };
        public static TensorIndex Slice(Range range) => range;
        public static TensorIndex Tensor(Tensor tensor) => new() { Kind = Form.Tensor, Indices = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex(Index index) => Single(FromEnd(index));
        public static implicit operator TensorIndex(Range range) =>
            Slice(range.Start.IsFromEnd && range.Start.Value == 0 ? null : FromEnd(range.Start), range.End.IsFromEnd && range.End.Value == 0 ? null : FromEnd(range.End));

        private static long FromEnd(Index index) => index.IsFromEnd ? -index.Value : index.Value;
    }

    public partial class Tensor
    {
        private static readonly Op s_index = "index.Tensor(self,indices)";
        private static readonly Op s_indexPut_ = "index_put_(self,indices,values)";

        public Tensor this[long i1] { get => select(0, i1); set => select(0, i1).copy_(value); }
        public Tensor this[long i1, long i2] { get => Element(i1, i2); set => Element(i1, i2).copy_(value); }
        public Tensor this[long i1, long i2, long i3] { get => Element(i1, i2, i3); set => Element(i1, i2, i3).copy_(value); }
        public Tensor this[long i1, long i2, long i3, long i4] { get => Element(i1, i2, i3, i4); set => Element(i1, i2, i3, i4).copy_(value); }

        public Tensor this[params TensorIndex[] indices] { get => index(indices); set => index_put_(value, indices); }

        public Tensor this[params Tensor[] indices] { get => index(indices); set => index_put_(value, indices); }

        public Tensor index(params Tensor[] indices) => s_index.T(this, indices);

        public Tensor index(params TensorIndex[] indices)
        {
            var (view, tensors) = Narrow(indices);
            if (tensors is not null) return s_index.T(view, tensors);
            return ReferenceEquals(view, this) ? alias() : view;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices)
        {
            s_indexPut_.Run(this, indices, value);
            return this;
        }

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            var (view, tensors) = Narrow(indices);
            if (tensors is null) view.copy_(value);
            else s_indexPut_.Run(view, tensors, value);
            return this;
        }

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var scope = NewDisposeScope();
            return index_put_(full([], value, dtype, device), indices);
        }

        private Tensor Element(params ReadOnlySpan<long> indices)
        {
            using var scope = NewDisposeScope();
            var t = this;
            foreach (long i in indices) t = t.select(0, i);
            return t.MoveToOuterDisposeScope();
        }

        /// <summary>The view that numbers, slices and new axes select, and the tensor indices of its dimensions, if any.</summary>
        private (Tensor View, Tensor[] Indices) Narrow(TensorIndex[] indices)
        {
            long consumed = indices.Count(i => i.Kind is TensorIndex.Form.Single or TensorIndex.Form.Slice) +
                indices.Where(i => i.Kind == TensorIndex.Form.Tensor).Sum(i => i.Indices.dtype == ScalarType.Bool ? i.Indices.Dimensions : 1);
            if (consumed > Dimensions)
                throw new System.Runtime.InteropServices.ExternalException($"too many indices for tensor of dimension {Dimensions}: got {consumed}");
            var view = this;
            var tensors = new List<Tensor>();
            long dim = 0;
            foreach (var i in indices)
            {
                switch (i.Kind)
                {
                    case TensorIndex.Form.Single:
                        view = view.select(dim, i.Start.Value);
                        break;
                    case TensorIndex.Form.Slice:
                        if (i.Start is not null || i.Stop is not null || i.Step is not null)
                            view = s_slice.T(view, dim, i.Start, i.Stop, i.Step ?? 1);
                        dim++;
                        break;
                    case TensorIndex.Form.None:
                        view = view.unsqueeze(dim++);
                        break;
                    case TensorIndex.Form.Ellipsis:
                        dim += Dimensions - consumed;
                        break;
                    default:
                        while (tensors.Count < dim) tensors.Add(null);
                        tensors.Add(i.Indices);
                        dim += i.Indices.dtype == ScalarType.Bool ? i.Indices.Dimensions : 1;
                        break;
                }
            }
            return (view, tensors.Count == 0 ? null : tensors.ToArray());
        }
    }
}
