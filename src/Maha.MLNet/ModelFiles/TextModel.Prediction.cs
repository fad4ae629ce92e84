using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Maha.Layers.Data;
using Maha.MLNet.Rows;
using static TorchSharp.torch;

namespace Maha.MLNet.ModelFiles;

/// <content>Tokenizing and computing the documents of a prediction.</content>
internal abstract partial class TextModel<TManifest, TNetwork>
{
    /// <summary>Tokenizes documents, and cuts them to the length that the model reads.</summary>
    /// <param name="texts">The documents.</param>
    /// <param name="keepTexts">Whether the texts of the kept tokens are needed too.</param>
    internal EncodedTexts Encode(IReadOnlyList<ReadOnlyMemory<char>> texts, bool keepTexts = false)
    {
        var kept = keepTexts ? new ReadOnlyMemory<char>[texts.Count] : null;
        var ids = new ReadOnlyMemory<int>[texts.Count];
        int limit = Manifest.MaxDocumentTokens;
        ForEach(ids.Length, i =>
        {
            // A long document is tokenized no further than it is read.
            var (text, all) = TokenLimit.Encode(Tokenizer, texts[i], limit, Manifest.OverlongDocuments);
            var read = TokenLimit.Cut(all, limit, Manifest.OverlongDocuments);
            ids[i] = Windows is null ? read : Windows.Frame(read.Span);
            kept?[i] = TokenLimit.CutText(text, all, limit, Manifest.OverlongDocuments, Tokenizer);
        });
        return new EncodedTexts(ids, kept);
    }

    /// <summary>Computes the network's output for each document. It does not depend on the other documents of the batch.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="forward">Calls the network: token ids [B, N] and padding mask [B, N] or null to rows [B, width].</param>
    protected float[][] Predict(EncodedTexts documents, Func<Tensor, Tensor?, Tensor> forward)
    {
        long started = Stopwatch.GetTimestamp();
        float[][] rows = Predict(documents, documents.Batches(Device), forward, CancellationToken.None);
        if (MahaMetrics.MeasuresPredictions)
            MahaMetrics.AddPrediction(_format.DisplayName, documents.Count, BatchPlan.Lengths(documents).Sum(length => (long)length), started);
        return rows;
    }

    /// <summary>Computes the network's output for each document in given batches. It is not counted as predictions.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="batches">The batches, which together are all documents.</param>
    /// <param name="forward">Calls the network: token ids [B, N] and padding mask [B, N] or null to rows [B, width].</param>
    /// <param name="cancellation">Checked before each batch.</param>
    protected float[][] Predict(EncodedTexts documents, IEnumerable<int[]> batches, Func<Tensor, Tensor?, Tensor> forward, CancellationToken cancellation)
    {
        float[][] rows = new float[documents.Count][];
        using var mode = no_grad();
        foreach (int[] batch in batches)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var tokens = TokenBatch.Create(documents, batch, Device);
            float[] values = forward(tokens.TokenIds, tokens.KeyPaddingMask).to(ScalarType.Float32).cpu().data<float>().ToArray();
            int width = values.Length / batch.Length;
            for (int b = 0; b < batch.Length; b++)
                rows[batch[b]] = values[(b * width)..((b + 1) * width)];
        }
        return rows;
    }

    /// <summary>
    /// Calls <paramref name="body"/> for every document in [0, count) on as many threads as the network may use. An exception of it is not wrapped; of several,
    /// one is thrown.
    /// </summary>
    protected static void ForEach(int count, Action<int> body)
    {
        // A single document needs no other thread.
        if (count == 1)
        {
            body(0);
            return;
        }
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, body);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
