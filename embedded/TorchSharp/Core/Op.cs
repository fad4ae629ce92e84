using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>One argument of an operator; null tensors, lists and numbers become None, <c>default</c> the schema's default.</summary>
internal readonly struct Arg
{
    public readonly int Tag;
    public readonly int Count;
    public readonly long Bits;
    /// <summary>What must stay alive during the call: the tensor, or the list's array.</summary>
    public readonly object Owner;

    private Arg(int tag, long bits, object owner = null, int count = 0)
    {
        Tag = tag;
        Bits = bits;
        Owner = owner;
        Count = count;
    }

    private static Arg None => new(TorchSharp.Tag.None, 0);

    public static implicit operator Arg(Tensor t) => t is null ? None : new(TorchSharp.Tag.Tensor, t.Handle, t);
    public static implicit operator Arg(Tensor[] list) => list is null ? None : new(TorchSharp.Tag.TensorList, 0, list, list.Length);
    public static implicit operator Arg(long v) => new(TorchSharp.Tag.Int, v);
    public static implicit operator Arg(int v) => new(TorchSharp.Tag.Int, v);
    public static implicit operator Arg(double v) => new(TorchSharp.Tag.Double, BitConverter.DoubleToInt64Bits(v));
    public static implicit operator Arg(bool v) => new(TorchSharp.Tag.Bool, v ? 1 : 0);
    public static implicit operator Arg(long? v) => v is long x ? x : None;
    public static implicit operator Arg(double? v) => v is double x ? x : None;
    public static implicit operator Arg(long[] list) => list is null ? None : new(TorchSharp.Tag.IntList, 0, list, list.Length);
    public static implicit operator Arg(double[] list) => list is null ? None : new(TorchSharp.Tag.DoubleList, 0, list, list.Length);
    public static implicit operator Arg(Scalar s) => s is null ? None : new(s.Tag, s.Bits);
    public static implicit operator Arg(ScalarType t) => new(TorchSharp.Tag.Int, (long)t);
    public static implicit operator Arg(ScalarType? t) => t is ScalarType x ? x : None;
    public static implicit operator Arg(Device d) => d is null ? None : new(TorchSharp.Tag.Device, d.index, null, (int)d.type);
    public static implicit operator Arg(string s)
    {
        if (s is null) return None;
        var bytes = Encoding.UTF8.GetBytes(s);
        return new(TorchSharp.Tag.String, 0, bytes, bytes.Length);
    }
    public static implicit operator Arg(Generator g) => g is null ? None : new(TorchSharp.Tag.Generator, g.Handle, g);

    /// <summary>Native tensor handles; the caller keeps them alive and the memory in place.</summary>
    public static unsafe Arg Handles(long* handles, int count) => new(TorchSharp.Tag.TensorList, (long)handles, null, count);

    /// <summary>A native tensor handle that the caller keeps alive.</summary>
    public static Arg Borrowed(long handle) => new(TorchSharp.Tag.Tensor, handle);

    /// <summary>The list's size in 8-byte words.</summary>
    public int Words => Owner switch { Tensor[] or long[] or double[] => Count, byte[] => (Count + 7) / 8, _ => 0 };
}

/// <summary>An aten operator, resolved at its first use.</summary>
/// <param name="schema"><c>name.overload(argument,argument)</c>: the arguments, by the schema's names, in the caller's order.</param>
internal sealed unsafe class Op(string schema)
{
    private nint _handle;

    public static implicit operator Op(string schema) => new(schema);

    private nint Handle => _handle != 0 ? _handle : Resolve();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private nint Resolve()
    {
        int open = schema.IndexOf('(');
        var full = schema[..open];
        int dot = full.IndexOf('.');
        var (name, overload) = dot < 0 ? (full, "") : (full[..dot], full[(dot + 1)..]);
        Native.Check(Native.maha_op_resolve("aten::" + name, overload, schema[(open + 1)..^1], out var op));
        return _handle = op;
    }

    /// <summary>Calls an operator that returns one tensor.</summary>
    public Tensor T(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return Wrap(result);
    }

    public (Tensor, Tensor) T2(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[2];
        Invoke(args, results, 2);
        return (Wrap(results[0]), Wrap(results[1]));
    }

    public Tensor[] List(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        var list = new Tensor[result.Count];
        for (int i = 0; i < list.Length; i++) list[i] = new Tensor(((nint*)result.Bits)[i]);
        return list;
    }

    /// <summary>Puts a list's native handles into <paramref name="handles"/>, each to be freed by the caller.</summary>
    public void Handles(Span<long> handles, params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        new ReadOnlySpan<long>((void*)result.Bits, result.Count).CopyTo(handles);
    }

    /// <summary>Calls an operator for its effect: the alias that in-place operators return is freed.</summary>
    public void Run(params ReadOnlySpan<Arg> args)
    {
        NativeValue result = default;
        int count = Invoke(args, &result, 1);
        if (count == 1 && result.Tag == Tag.Tensor && result.Bits != 0) Native.maha_tensor_free((nint)result.Bits);
    }

    public Scalar Number(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return new Scalar(result);
    }

    private static Tensor Wrap(in NativeValue v) => v.Bits == 0 ? null : new Tensor((nint)v.Bits);

    // Words of list arguments that go on the stack; longer ones are rare.
    private const int StackWords = 512;

    private int Invoke(ReadOnlySpan<Arg> args, NativeValue* results, int capacity)
    {
        int words = 0;
        foreach (ref readonly var a in args) words += a.Owner is null or Tensor ? 0 : a.Words;
        if (words > StackWords)
            fixed (long* buffer = new long[words]) return Invoke(args, results, capacity, buffer);
        long* small = stackalloc long[words];
        return Invoke(args, results, capacity, small);
    }

    private int Invoke(ReadOnlySpan<Arg> args, NativeValue* results, int capacity, long* buffer)
    {
        var values = stackalloc NativeValue[args.Length];
        for (int i = 0; i < args.Length; i++)
        {
            ref readonly var a = ref args[i];
            ref var v = ref values[i];
            v.Tag = a.Tag;
            v.Count = a.Count;
            v.Bits = a.Bits;
            if (a.Owner is null or Tensor or Generator) continue;
            v.Bits = (long)buffer;
            switch (a.Owner)
            {
                case long[] list: list.AsSpan().CopyTo(new Span<long>(buffer, list.Length)); break;
                case double[] list: list.AsSpan().CopyTo(new Span<double>(buffer, list.Length)); break;
                case byte[] text: text.AsSpan().CopyTo(new Span<byte>(buffer, text.Length)); break;
                case Tensor[] list:
                    for (int j = 0; j < list.Length; j++) buffer[j] = list[j]?.Handle ?? 0;
                    break;
            }
            buffer += a.Words;
        }
        int count;
        Native.Check(Native.maha_op_call(Handle, values, args.Length, results, capacity, &count));
        foreach (ref readonly var a in args) GC.KeepAlive(a.Owner);
        return count;
    }
}
