namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            var buffer = new byte[bufferSize];
            for (long left = RawLength(out var data); left > 0;)
            {
                int count = (int)Math.Min(left, bufferSize);
                unsafe
                {
                    new ReadOnlySpan<byte>((void*)data, count).CopyTo(buffer);
                }
                stream.Write(buffer, 0, count);
                data += count;
                left -= count;
            }
            GC.KeepAlive(this);
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            var buffer = new byte[bufferSize];
            for (long left = RawLength(out var data); left > 0;)
            {
                int count = stream.Read(buffer, 0, (int)Math.Min(left, bufferSize));
                if (count == 0) throw new EndOfStreamException($"The stream ended {left} bytes before the tensor was filled.");
                unsafe
                {
                    buffer.AsSpan(0, count).CopyTo(new Span<byte>((void*)data, count));
                }
                data += count;
                left -= count;
            }
            GC.KeepAlive(this);
        }

        private unsafe long RawLength(out nint data)
        {
            if (!is_contiguous()) throw new InvalidOperationException("The bytes of a non-contiguous tensor are not in order. Call contiguous() first.");
            if (device_type != DeviceType.CPU)
                throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            data = (nint)DataPointer();
            return NumberOfElements * ElementSize;
        }
    }
}
