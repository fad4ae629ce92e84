using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Maha.Layers.Distributed;
using Maha.MLNet.Rows;

namespace Maha.MLNet.Fitting;

/// <summary>
/// A checksum of the rows that are read, and how many are read of data that a checkpoint knows, or that another process reads for the same training.
/// </summary>
internal sealed class RowRecord : IDisposable
{
    private const string CountSuffix = " rows read";

    private readonly ModelFitting _fitting;
    private readonly string _what;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly string? _ofRoot;
    private readonly int? _limit;
    private int _count;

    /// <summary>Begins a reading.</summary>
    /// <param name="fitting">The fitting.</param>
    /// <param name="what">The data in messages, for instance "training data".</param>
    /// <param name="waits">Whether the root's time may be over before it has read all rows: the other processes then wait, and read as many.</param>
    public RowRecord(ModelFitting fitting, string what, bool waits)
    {
        (_fitting, _what) = (fitting, what);
        if (waits && fitting.Group is { IsRoot: false })
        {
            _ofRoot = fitting.FromRoot(() => "");
            _limit = int.Parse(_ofRoot.AsSpan(0, _ofRoot.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
            IsKnown = true;
            return;
        }
        using var known = fitting.Checkpoints?.OpenPart(what + CountSuffix);
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

    /// <summary>Ends a reading: the rows must be those of the checkpoint, and the same in all processes.</summary>
    /// <param name="isCut">Whether the time was over before all rows were read.</param>
    /// <exception cref="ArgumentException">The checkpoint is of other data.</exception>
    /// <exception cref="DistributedException">The processes have read other data.</exception>
    public void Complete(bool isCut)
    {
        string hash = Convert.ToHexStringLower(_hash.GetHashAndReset());
        string own = string.Create(CultureInfo.InvariantCulture, $"{_count} rows with SHA-256 {hash[..16]}");
        string ofRoot = _ofRoot ?? _fitting.FromRoot(() =>
        {
            CheckAgainstCheckpoint(own, isCut);
            return own;
        });
        _fitting.RequireSame(_what, own, ofRoot);
    }

    private void CheckAgainstCheckpoint(string own, bool isCut)
    {
        if (_fitting.Checkpoints is not { } checkpoints)
            return;
        if (!IsKnown)
        {
            string limit = isCut ? _count.ToString(CultureInfo.InvariantCulture) : "all";
            checkpoints.AddPart(_what + CountSuffix, stream => stream.Write(Encoding.UTF8.GetBytes(limit)));
        }
        checkpoints.RequireSameData(_what, own);
    }

    /// <summary>Frees the checksum.</summary>
    public void Dispose() => _hash.Dispose();
}
