using System.Text;
using Maha.Layers.Distributed;

namespace Maha.MLNet.Fitting;

/// <content>What processes that train together share: the root makes it, and the others receive it.</content>
internal sealed partial class ModelFitting
{
    /// <summary>The processes that train together; null for this one alone.</summary>
    public ProcessGroup? Group { get; }

    /// <summary>Makes a part of the model once: a checkpoint that has it or the root makes it, and it is added to the checkpoints.</summary>
    /// <typeparam name="T">The part.</typeparam>
    /// <param name="name">The name of the part.</param>
    /// <param name="make">Makes the part.</param>
    /// <param name="write">Writes the part.</param>
    /// <param name="read">Reads the part.</param>
    /// <param name="isKept">Whether the part goes to the checkpoints; null for all.</param>
    public T MakeOnce<T>(string name, Func<T> make, Action<Stream, T> write, Func<Stream, T> read, Func<T, bool>? isKept = null)
    {
        T? own = default;
        byte[] bytes = FromRoot(() =>
        {
            using var known = Checkpoints?.OpenPart(name);
            own = known is null ? make() : read(known);
            if (known is null && isKept?.Invoke(own) != false)
                Checkpoints?.AddPart(name, stream => write(stream, own));
            if (Group is null)
                return [];
            using var stream = new MemoryStream();
            write(stream, own);
            return stream.ToArray();
        });
        if (Group?.IsRoot != false)
            return own!;
        using var received = new MemoryStream(bytes, writable: false);
        return read(received);
    }

    /// <summary>Returns bytes that the root makes. Where it fails, all processes fail.</summary>
    public byte[] FromRoot(Func<byte[]> make) => Group is null ? make() : Group.FromRoot(make);

    /// <summary>Returns a text that the root makes. Where it fails, all processes fail.</summary>
    public string FromRoot(Func<string> make) => Encoding.UTF8.GetString(FromRoot(() => Encoding.UTF8.GetBytes(make())));

    /// <summary>Returns whether a condition holds in this process, or in any of those that train together.</summary>
    public bool IsTrue(bool condition) => Group?.Any(condition) ?? condition;

    /// <summary>Checks that data are those of the checkpoint, and the same in all processes.</summary>
    /// <param name="what">The data in the message, for instance "labels".</param>
    /// <param name="fingerprint">A text that differs for other data.</param>
    /// <exception cref="ArgumentException">The checkpoint is of other data.</exception>
    /// <exception cref="DistributedException">The processes have other data.</exception>
    public void RequireSameData(string what, string fingerprint)
    {
        string ofRoot = FromRoot(() =>
        {
            Checkpoints?.RequireSameData(what, fingerprint);
            return fingerprint;
        });
        RequireSame(what, fingerprint, ofRoot);
    }

    /// <summary>Throws in all processes if one of them has other data than the root.</summary>
    /// <exception cref="DistributedException">The processes have other data.</exception>
    public void RequireSame(string what, string own, string ofRoot)
    {
        if (IsTrue(own != ofRoot))
        {
            throw new DistributedException(
                $"All processes of a training must have the same {what}, but process 0 has {ofRoot}, and this one has {own}; one of them differs. " +
                "Give every process the same data in the same order.");
        }
    }

    /// <summary>Cancels the fitting in all processes if it is canceled in one.</summary>
    public void AgreeOnCancellation()
    {
        if (Group?.Any(_cancellation.IsCancellationRequested) == true)
            _cancellation.Cancel();
    }
}
