using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public delegate void SignatureLoadModel(ModelLoadContext ctx);

// The frame of a Model.key stream, little-endian, offsets relative to the start of the frame:
//   0x00 uint64 signature   0x08 uint32 version written   0x0C uint32 version readable
//   0x10 int64 offset and 0x18 size of the model block (always right after the 256 header bytes)
//   0x20, 0x28 offset and size of the string table: one int64 per string, the end of its characters relative to 0x30
//   0x30, 0x38 offset and size of the UTF-16 characters
//   0x40 uint64 model signature   0x48 uint32 model version written   0x4C uint32 model version readable
//   0x50 24 bytes loader signature   0x68 24 bytes alternative loader signature
//   0x80 offset of the tail signature   0x88 offset of the end   0x90, 0x98 (uint32) offset and size of the loader assembly's name, UTF-16
internal struct ModelHeader
{
    public const int Size = 0x100;
    public const ulong SignatureValue = 0x4C45444F4D004C4D;
    public const ulong TailSignatureValue = 0x4D4C004D4F44454C;
    private const uint VersionWithAssemblyName = 0x00010002;
    private const uint CurrentVersion = 0x00010002;
    private const uint OldestReadable = 0x00010001;

    public uint VerWritten, VerReadable;
    public long FpModel, CbModel, FpStringTable, CbStringTable, FpStringChars, CbStringChars;
    public ulong ModelSignature;
    public uint ModelVerWritten, ModelVerReadable;
    public string LoaderSignature, LoaderSignatureAlt;
    public long FpTail, FpLim, FpAssemblyName;
    public uint CbAssemblyName;

    public static void BeginWrite(BinaryWriter writer, out long start)
    {
        start = writer.BaseStream.Position;
        writer.Write(new byte[Size]);
    }

    public static void EndWrite(BinaryWriter writer, long start, VersionInfo version, IReadOnlyList<string> strings)
    {
        writer.Flush();
        Stream stream = writer.BaseStream;
        var header = new ModelHeader
        {
            VerWritten = CurrentVersion,
            VerReadable = CurrentVersion,
            FpModel = Size,
            CbModel = stream.Position - start - Size,
            ModelSignature = version.ModelSignature,
            ModelVerWritten = version.VerWrittenCur,
            ModelVerReadable = version.VerReadableCur,
            LoaderSignature = version.LoaderSignature,
            LoaderSignatureAlt = version.LoaderSignatureAlt,
        };
        if (strings.Count > 0)
        {
            header.FpStringTable = stream.Position - start;
            header.CbStringTable = strings.Count * sizeof(long);
            long end = 0;
            foreach (string s in strings)
                writer.Write(end += s.Length * sizeof(char));
            header.FpStringChars = header.FpStringTable + header.CbStringTable;
            header.CbStringChars = end;
            foreach (string s in strings)
                WriteChars(writer, s);
        }
        writer.Flush();
        if (!string.IsNullOrEmpty(version.LoaderAssemblyName))
        {
            header.FpAssemblyName = stream.Position - start;
            header.CbAssemblyName = (uint)version.LoaderAssemblyName.Length * sizeof(char);
            WriteChars(writer, version.LoaderAssemblyName);
            writer.Flush();
        }
        header.FpTail = stream.Position - start;
        header.FpLim = header.FpTail + sizeof(ulong);
        writer.Write(TailSignatureValue);
        writer.Flush();

        stream.Position = start;
        writer.Write(header.ToBytes());
        writer.Flush();
        stream.Position = start + header.FpLim;
    }

    // Not Encoding.Unicode: it would replace lone surrogates.
    private static void WriteChars(BinaryWriter writer, string s)
    {
        foreach (char c in s)
            writer.Write((ushort)c);
    }

    private readonly byte[] ToBytes()
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, SignatureValue);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x08), VerWritten);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x0C), VerReadable);
        long[] offsets = [FpModel, CbModel, FpStringTable, CbStringTable, FpStringChars, CbStringChars];
        for (int i = 0; i < offsets.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x10 + 8 * i), offsets[i]);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x40), ModelSignature);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x48), ModelVerWritten);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x4C), ModelVerReadable);
        WriteSignature(LoaderSignature, bytes.AsSpan(0x50, 24));
        WriteSignature(LoaderSignatureAlt, bytes.AsSpan(0x68, 24));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x80), FpTail);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x88), FpLim);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x90), FpAssemblyName);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x98), CbAssemblyName);
        return bytes;
    }

    private static void WriteSignature(string signature, Span<byte> target)
    {
        if (signature == null)
            return;
        Contracts.Check(signature.Length <= target.Length, $"A loader signature has at most {target.Length} characters, but '{signature}' has {signature.Length}.");
        Encoding.Latin1.GetBytes(signature, target);
    }

    public static ModelHeader Read(BinaryReader reader, out long start, out string[] strings, out string assemblyName)
    {
        Stream stream = reader.BaseStream;
        start = stream.Position;
        byte[] bytes = reader.ReadBytes(Size);
        Contracts.CheckDecode(bytes.Length == Size, $"Corrupt model: the header has {Size} bytes, but the stream ends after {bytes.Length}.");
        Contracts.CheckDecode(BinaryPrimitives.ReadUInt64LittleEndian(bytes) == SignatureValue, "Wrong file type: the stream doesn't begin with the signature of a model.");

        long Offset(int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));
        uint Number(int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
        string Signature(int at) => Encoding.Latin1.GetString(bytes, at, 24).TrimEnd('\0');
        var header = new ModelHeader
        {
            VerWritten = Number(0x08),
            VerReadable = Number(0x0C),
            FpModel = Offset(0x10),
            CbModel = Offset(0x18),
            FpStringTable = Offset(0x20),
            CbStringTable = Offset(0x28),
            FpStringChars = Offset(0x30),
            CbStringChars = Offset(0x38),
            ModelSignature = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(0x40)),
            ModelVerWritten = Number(0x48),
            ModelVerReadable = Number(0x4C),
            LoaderSignature = Signature(0x50),
            LoaderSignatureAlt = Signature(0x68),
            FpTail = Offset(0x80),
            FpLim = Offset(0x88),
            FpAssemblyName = Offset(0x90),
            CbAssemblyName = Number(0x98),
        };
        if (header.VerWritten < VersionWithAssemblyName)
            (header.FpAssemblyName, header.CbAssemblyName) = (0, 0);
        header.Check(stream.Length - start);

        strings = header.ReadStrings(reader, start);
        assemblyName = null;
        if (header.FpAssemblyName != 0)
        {
            stream.Position = start + header.FpAssemblyName;
            assemblyName = ReadChars(reader, (int)header.CbAssemblyName / sizeof(char));
        }
        stream.Position = start + header.FpTail;
        Contracts.CheckDecode(reader.ReadUInt64() == TailSignatureValue, "Corrupt model file tail");
        stream.Position = start + header.FpModel;
        return header;
    }

    // The blocks lie back to back in a fixed order, so each begins where the one before ends.
    private readonly void Check(long size)
    {
        Contracts.CheckDecode(VerReadable <= VerWritten, "Corrupt file header");
        Contracts.CheckDecode(VerReadable <= CurrentVersion, $"File is too new: its frame needs version 0x{VerReadable:x8}, but this is 0x{CurrentVersion:x8}. Load it with the version of ML.NET that saved it.");
        Contracts.CheckDecode(VerWritten >= OldestReadable, "File is too old");
        long at = FpModel;
        bool ok = FpModel == Size && Advance(ref at, CbModel);
        if (FpStringTable == 0)
            ok &= CbStringTable == 0 && FpStringChars == 0 && CbStringChars == 0;
        else
            ok = ok && FpStringTable == at && CbStringTable > 0 && CbStringTable % sizeof(long) == 0 && Advance(ref at, CbStringTable)
                && FpStringChars == at && CbStringChars % sizeof(char) == 0 && Advance(ref at, CbStringChars);
        if (FpAssemblyName == 0)
            ok &= CbAssemblyName == 0;
        else
            ok = ok && FpAssemblyName == at && CbAssemblyName % sizeof(char) == 0 && Advance(ref at, CbAssemblyName);
        ok = ok && FpTail == at && FpLim == at + sizeof(ulong) && FpLim <= size;
        Contracts.CheckDecode(ok, $"Corrupt model: the offsets in the header don't fit the stream of {size} bytes.");

        bool Advance(ref long position, long count)
        {
            if (count < 0 || count > size - position)
                return false;
            position += count;
            return true;
        }
    }

    private readonly string[] ReadStrings(BinaryReader reader, long start)
    {
        if (FpStringTable == 0)
            return [];
        reader.BaseStream.Position = start + FpStringTable;
        var ends = new long[CbStringTable / sizeof(long)];
        for (int i = 0; i < ends.Length; i++)
            ends[i] = reader.ReadInt64();
        var strings = new string[ends.Length];
        long previous = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            Contracts.CheckDecode(ends[i] >= previous && ends[i] <= CbStringChars && ends[i] % sizeof(char) == 0, "Corrupt model: the string table isn't increasing.");
            strings[i] = ReadChars(reader, (int)((ends[i] - previous) / sizeof(char)));
            previous = ends[i];
        }
        Contracts.CheckDecode(previous == CbStringChars, "Corrupt model: the string table doesn't cover its characters.");
        return strings;
    }

    private static string ReadChars(BinaryReader reader, int count) => string.Create(count, reader, (chars, r) =>
    {
        for (int i = 0; i < chars.Length; i++)
            chars[i] = (char)r.ReadUInt16();
    });

    public readonly void CheckVersionInfo(VersionInfo version)
    {
        Contracts.CheckDecode(ModelSignature == version.ModelSignature, "Unknown file type");
        Contracts.CheckDecode(ModelVerReadable <= ModelVerWritten, "Corrupt file header");
        Contracts.CheckDecode(ModelVerReadable <= version.VerWrittenCur,
            $"The component '{version.LoaderSignature}' of the model is too new: it can be read from version 0x{ModelVerReadable:x8} on, but this is version 0x{version.VerWrittenCur:x8}. Load the model with the version that saved it, or newer.");
        Contracts.CheckDecode(ModelVerWritten >= version.VerWeCanReadBack,
            $"The component '{version.LoaderSignature}' of the model is too old: it was written in version 0x{ModelVerWritten:x8}, but the oldest that can be read is 0x{version.VerWeCanReadBack:x8}. Train and save the model again.");
    }
}

public readonly struct VersionInfo
{
    public readonly ulong ModelSignature;
    public readonly uint VerWrittenCur;
    public readonly uint VerReadableCur;
    public readonly uint VerWeCanReadBack;
    public readonly string LoaderAssemblyName;
    public readonly string LoaderSignature;
    public readonly string LoaderSignatureAlt;

    public VersionInfo(string modelSignature, uint verWrittenCur, uint verReadableCur, uint verWeCanReadBack, string loaderAssemblyName, string loaderSignature = null, string loaderSignatureAlt = null)
    {
        Contracts.Check(modelSignature?.Length == 8, $"Model signature must be eight characters, but got '{modelSignature}'.");
        ModelSignature = 0;
        for (int i = 0; i < 8; i++)
        {
            char c = modelSignature[i];
            Contracts.Check(c <= 0xFF, $"Model signature must be Latin-1, but got '{modelSignature}'.");
            if (c != ' ')
                ModelSignature |= (ulong)c << (8 * i);
        }
        VerWrittenCur = verWrittenCur;
        VerReadableCur = verReadableCur;
        VerWeCanReadBack = verWeCanReadBack;
        LoaderAssemblyName = loaderAssemblyName;
        LoaderSignature = loaderSignature;
        LoaderSignatureAlt = loaderSignatureAlt;
    }
}
