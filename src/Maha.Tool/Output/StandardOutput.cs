using System.Runtime.InteropServices;

namespace Maha.Tool.Output;

/// <summary>Standard output, which reports that its reader has closed it.</summary>
/// <remarks>
/// .NET's own stream drops what is written to a closed pipe, so that a command would compute to the end for nobody. A FileStream keeps an offset of its own, so
/// that the next command would overwrite the output of this one in <c>{ maha ...; maha ...; } > file</c>. So this stream calls write(2).
/// </remarks>
internal sealed partial class StandardOutput : Stream
{
    private const int Descriptor = 1;

    // The same on Linux and macOS, except for EAGAIN.
    private const int InterruptedCall = 4, BrokenPipe = 32, LinuxAgain = 11, MacAgain = 35;
    private const short PollOut = 4;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens standard output.</summary>
    public static Stream Open() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardOutput();

    /// <inheritdoc/>
    /// <exception cref="ClosedPipeException">The reader has closed the output.</exception>
    /// <exception cref="IOException">The output can't be written, for instance because the disk is full.</exception>
    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written;
            fixed (byte* start = buffer)
            {
                written = NativeWrite(Descriptor, start, buffer.Length);
            }
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == BrokenPipe)
                throw new ClosedPipeException();
            if (error == (OperatingSystem.IsMacOS() ? MacAgain : LinuxAgain))
            {
                // Another process has made the pipe nonblocking.
                var request = new PollRequest { Descriptor = Descriptor, Events = PollOut };
                _ = Poll(&request, 1, -1);
            }
            else if (error != InterruptedCall)
            {
                throw new IOException($"Standard output can't be written: {Marshal.GetPInvokeErrorMessage(error)}.");
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint NativeWrite(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static unsafe partial int Poll(PollRequest* requests, nuint count, int timeout);

    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
