using System.Runtime.ExceptionServices;

namespace Maha.Tool.Input;

/// <summary>Documents that follow each other in the input and are computed together.</summary>
/// <param name="Documents">The documents, also those that can't be read.</param>
/// <param name="IsLast">Whether the input has ended with them.</param>
internal sealed record DocumentBatch(IReadOnlyList<InputDocument> Documents, bool IsLast)
{
    // Large enough that what a view costs does not count, small enough that every thread has work.
    private const int MinDocuments = 16;
    private const int MaxDocuments = 512;
    private const int MaxCharacters = 1 << 18;

    /// <summary>Divides documents into batches: small ones first, so that a short input is divided among the workers, too.</summary>
    /// <param name="documents">The documents. An exception is thrown after the batch of the documents before it.</param>
    /// <param name="workers">The number of batches that are computed at a time.</param>
    public static IEnumerable<DocumentBatch> Divide(IEnumerable<InputDocument> documents, int workers)
    {
        using var source = documents.GetEnumerator();
        ExceptionDispatchInfo? failure = null;
        bool hasEnded = false;
        for (int number = 0, size = MinDocuments; !hasEnded; number++)
        {
            if (number > 0 && number % workers == 0)
                size = Math.Min(2 * size, MaxDocuments);
            var batch = new List<InputDocument>(size);
            try
            {
                long characters = 0;
                while (batch.Count < size && characters < MaxCharacters && !(hasEnded = !source.MoveNext()))
                {
                    batch.Add(source.Current);
                    characters += source.Current.Size;
                }
            }
            catch (Exception e)
            {
                (failure, hasEnded) = (ExceptionDispatchInfo.Capture(e), true);
            }
            if (batch.Count > 0)
                yield return new DocumentBatch(batch, hasEnded);
        }
        failure?.Throw();
    }
}
