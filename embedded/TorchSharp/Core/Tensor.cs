using System.Runtime.InteropServices;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A libtorch tensor: owns one reference to a TensorImpl.</summary>
    public partial class Tensor : IDisposable
    {
        private static long s_totalCount;
        private static long s_peakCount;
        // The collector does not see native memory: outside a scope it is told about tensors from this size on.
        private const long PressureThreshold = 1 << 16;

        private nint _handle;
        private readonly long _pressure;

        internal Tensor(nint handle)
        {
            _handle = handle;
            long total = Interlocked.Increment(ref s_totalCount);
            if (total > s_peakCount) s_peakCount = total;
            OwningDisposeScope = DisposeScopeManager.Instance.Register(this);
            if (OwningDisposeScope is null && handle != 0)
            {
                long bytes = NumberOfElements * ElementSize;
                if (bytes >= PressureThreshold) GC.AddMemoryPressure(_pressure = bytes);
            }
        }

        ~Tensor() => Dispose(false);

        internal DisposeScope OwningDisposeScope { get; set; }

        public static long TotalCount => s_totalCount;
        public static long PeakCount => s_peakCount;
        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        public IntPtr Handle => _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");
        public bool IsInvalid => _handle == 0;
        /// <summary>0 once disposed; <see cref="Handle"/> throws then.</summary>
        internal nint handle => _handle;

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            OwningDisposeScope?.MarkAsDisposed(this);
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0) return;
            Interlocked.Decrement(ref s_totalCount);
            Native.maha_tensor_free(handle);
            if (_pressure > 0) GC.RemoveMemoryPressure(_pressure);
        }

        /// <summary>Gives the native reference away: this object becomes invalid.</summary>
        internal nint MoveHandle()
        {
            OwningDisposeScope?.Detach(this);
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0) throw new InvalidOperationException("Tensor invalid -- empty handle.");
            Interlocked.Decrement(ref s_totalCount);
            if (_pressure > 0) GC.RemoveMemoryPressure(_pressure);
            GC.SuppressFinalize(this);
            return handle;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningDisposeScope is null) other?.Attach(this);
            else OwningDisposeScope.MoveToOther(other, this);
            return this;
        }

        // ---- metadata

        public long Dimensions => Native.maha_tensor_dim(Handle);
        public long ndim => Dimensions;
        public long dim() => Dimensions;
        public long NumberOfElements => Native.maha_tensor_numel(Handle);
        public long numel() => NumberOfElements;
        public long ElementSize => dtype.ElementSize();
        public long element_size() => ElementSize;
        public ScalarType dtype => (ScalarType)Native.maha_tensor_dtype(Handle);
        public DeviceType device_type => (DeviceType)Native.maha_tensor_device_type(Handle);
        public int device_index => Native.maha_tensor_device_index(Handle);
        public Device device => device_type == DeviceType.CPU ? new Device(DeviceType.CPU) : new Device(device_type, device_index);
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_integral() => torch.is_integral(dtype);
        public bool is_contiguous() => Native.maha_tensor_is_contiguous(Handle) != 0;
        public bool is_leaf => Native.maha_tensor_is_leaf(Handle) != 0;
        public long[] shape => size();
        public unsafe long[] size()
        {
            var layout = stackalloc long[2 * (int)Dimensions];
            return Layout(layout, out _)[..(int)Dimensions].ToArray();
        }
        public unsafe long size(int dim)
        {
            var layout = stackalloc long[2 * (int)Dimensions];
            return Layout(layout, out _)[(int)Wrap(dim)];
        }
        public unsafe long[] stride()
        {
            var layout = stackalloc long[2 * (int)Dimensions];
            return Layout(layout, out _)[(int)Dimensions..].ToArray();
        }
        public unsafe long stride(int dim)
        {
            var layout = stackalloc long[2 * (int)Dimensions];
            return Layout(layout, out _)[(int)(Dimensions + Wrap(dim))];
        }
        public unsafe long storage_offset()
        {
            var layout = stackalloc long[2 * (int)Dimensions];
            Layout(layout, out long offset);
            return offset;
        }

        // The sizes, then the strides.
        private unsafe ReadOnlySpan<long> Layout(long* memory, out long offset)
        {
            int n = (int)Dimensions;
            long o;
            Native.maha_tensor_layout(Handle, memory, memory + n, &o);
            GC.KeepAlive(this);
            offset = o;
            return new ReadOnlySpan<long>(memory, 2 * n);
        }

        private long Wrap(int dim)
        {
            long n = Dimensions;
            if (dim < -n || dim >= n)
                throw new ExternalException($"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})");
            return dim < 0 ? dim + n : dim;
        }

        public override string ToString() => IsInvalid
            ? "[disposed]"
            : $"[{string.Join("x", shape)}], type = {dtype}, device = {device}{(name is null ? "" : $", name = {name}")}";

        public string name { get; set; }

        // ---- data

        internal unsafe void* DataPointer()
        {
            Native.Check(Native.maha_tensor_data(Handle, out var data));
            return data;
        }

        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            CheckElementType<T>(dtype);
            return new TensorAccessor<T>(this);
        }

        private static void CheckElementType<T>(ScalarType dtype)
        {
            bool fits = dtype switch
            {
                ScalarType.Byte => typeof(T) == typeof(byte),
                ScalarType.Int8 => typeof(T) == typeof(sbyte),
                ScalarType.Int16 => typeof(T) == typeof(short),
                ScalarType.Int32 => typeof(T) == typeof(int),
                ScalarType.Int64 => typeof(T) == typeof(long),
                ScalarType.Bool => typeof(T) == typeof(bool),
                ScalarType.Float16 => typeof(T) == typeof(Half),
                ScalarType.Float32 => typeof(T) == typeof(float),
                ScalarType.Float64 => typeof(T) == typeof(double),
                _ => false,
            };
            if (!fits) throw new ArgumentException($"Unable to convert from {dtype} to {typeof(T).FullName}. Convert the tensor with to(...) first.");
        }

        public T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1) throw new ArgumentException($"item() needs a tensor of one element, but this one has {NumberOfElements}. Index it, or use data<T>().");
            if (device_type == DeviceType.CPU) return data<T>()[0];
            using var here = cpu();
            return here.data<T>()[0];
        }

        public T ReadCpuValue<T>(long i) where T : unmanaged => data<T>()[i];

        public unsafe Span<byte> bytes
        {
            get
            {
                long total = CheckBytes();
                return new Span<byte>(DataPointer(), (int)total);
            }
            set
            {
                long total = CheckBytes();
                if (total != value.Length) throw new ArgumentException($"The tensor has {total} bytes, but {value.Length} were given.");
                value.CopyTo(new Span<byte>(DataPointer(), value.Length));
            }
        }

        private long CheckBytes()
        {
            if (!is_contiguous()) throw new InvalidOperationException("The bytes of a non-contiguous tensor are not in order. Call contiguous() first.");
            if (device_type != DeviceType.CPU) throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            long total = NumberOfElements * ElementSize;
            if (total > int.MaxValue) throw new ArgumentException($"A span holds at most {int.MaxValue} bytes, but the tensor has {total}. Read it in parts.");
            return total;
        }

        private static readonly Op s_item = "_local_scalar_dense(self)";
        public Scalar ToScalar() => s_item.Number(this);

        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator bool(Tensor value) => value.ToBoolean();

        public static implicit operator Tensor(Scalar scalar) => torch.tensor(scalar);
        public static implicit operator Tensor(int value) => torch.tensor(value);
        public static implicit operator Tensor(long value) => torch.tensor(value);
        public static implicit operator Tensor(float value) => torch.tensor(value);
        public static implicit operator Tensor(double value) => torch.tensor(value);

        // ---- autograd

        public bool requires_grad
        {
            get => Native.maha_tensor_requires_grad(Handle) != 0;
            set => Native.Check(Native.maha_tensor_set_requires_grad(Handle, value ? 1 : 0));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public void retain_grad() => Native.Check(Native.maha_tensor_retain_grad(Handle));

        public Tensor grad
        {
            get
            {
                Native.Check(Native.maha_tensor_grad(Handle, out var result));
                return result == 0 ? null : new Tensor(result);
            }
            set => Native.Check(Native.maha_tensor_set_grad(Handle, value is null ? 0 : value.Handle));
        }

        public void backward() => autograd.backward(this);

        public void backward(IList<Tensor> grad_tensors = null, bool create_graph = false, bool retain_graph = false, IList<Tensor> inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);
    }
}

public static partial class TensorExtensionMethods
{
    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 => 4,
        torch.ScalarType.ComplexFloat64 => 16,
        _ => 8,
    };

    public static float ToSingle(this torch.Tensor value) => value.ToScalar().ToSingle();
    public static double ToDouble(this torch.Tensor value) => value.ToScalar().ToDouble();
    public static int ToInt32(this torch.Tensor value) => value.ToScalar().ToInt32();
    public static long ToInt64(this torch.Tensor value) => value.ToScalar().ToInt64();
    public static bool ToBoolean(this torch.Tensor value) => value.ToScalar().ToBoolean();
}
