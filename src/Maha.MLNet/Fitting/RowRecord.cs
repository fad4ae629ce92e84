using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Maha.MLNet.Rows;

namespace Maha.MLNet.Fitting;

/// <summary>A checksum of the rows that are read, and how many are read of data that a checkpoint knows.</summary>
internal sealed class RowRecord : IDisposable
{
    private const string CountSuffix = " rows read";

    private readonly FittingCheckpoints _checkpoints;
    private readonly string _what;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly int? _limit;
    private int _count;

    /// <summary>Begins a reading.</summary>
    /// <param name="checkpoints">The checkpoints.</param>
    /// <param name="what">The data in messages, for instance "training data".</param>
    public RowRecord(FittingCheckpoints checkpoints, string what)
    {
        (_checkpoints, _what) = (checkpoints, what);
        using var known = checkpoints.OpenPart(what + CountSuffix);
        IsKnown = known is not null;
        if (known is null)
            return;
        using var reader = new StreamReader(known, Encoding.UTF8);
        _limit = int.TryParse(reader.ReadToEnd(), CultureInfo.InvariantCulture, out int count) ? count : null;
    }

    /// <summary>Whether a checkpoint knows how much is read. Time then does not decide it.</summary>
    public bool IsKnown { get; }

    /// <summary>Whether as many rows were read as by the fitting that the checkpoint is of, where time was over before all were read.</summary>
    public bool IsComplete => _count == _limit;

    /// <summary>Adds a row: a text, or a text with its labels and weight.</summary>
    public void Add<T>(T row)
    {
        var (text, labels, weight) = row switch
        {
            string alone => new LabeledText(alone, [], null),
            LabeledText labeled => labeled,
            _ => throw new NotSupportedException($"A row must be a text, or a text with its label, but is {typeof(T)}."),
        };
        ReadOnlySpan<int> numbers = [text.Length, labels.Length, .. labels];
        _hash.AppendData(MemoryMarshal.AsBytes(numbers));
        _hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
        if (weight is { } own)
            _hash.AppendData(BitConverter.GetBytes(own));
        _count++;
    }

    /// <summary>Ends a reading: the rows must be those of the checkpoint.</summary>
    /// <param name="isCut">Whether the time was over before all rows were read.</param>
    /// <exception cref="ArgumentException">The checkpoint is of other data.</exception>
    public void Complete(bool isCut)
    {
        if (!IsKnown)
        {
            string limit = isCut ? _count.ToString(CultureInfo.InvariantCulture) : "all";
            _checkpoints.AddPart(_what + CountSuffix, stream => stream.Write(Encoding.UTF8.GetBytes(limit)));
        }
        string hash = Convert.ToHexStringLower(_hash.GetHashAndReset());
        _checkpoints.RequireSameData(_what, string.Create(CultureInfo.InvariantCulture, $"{_count} rows with SHA-256 {hash[..16]}"));
    }

    /// <summary>Frees the checksum.</summary>
    public void Dispose() => _hash.Dispose();
}
