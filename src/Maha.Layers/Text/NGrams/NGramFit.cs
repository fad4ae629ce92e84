namespace Maha.Layers.Text;

/// <summary>A fitted n-gram model, with logits of the training documents under models that were not fitted to them.</summary>
/// <param name="Model">The model, fitted to all documents.</param>
/// <param name="HeldOutLogits">
/// Computes the logits, [C], of a validation document under models that were not fitted to it, as if no copy of its text was known.
/// </param>
/// <param name="Contents">The text of each document, see <see cref="NGramText.ContentHash"/>.</param>
/// <param name="Weights">The weight of each document; null for 1.</param>
/// <param name="NumDocuments">The number of documents that the model was fitted to: fewer than all if the training time was too short.</param>
internal sealed record NGramFit(
    NGramClassifier Model, Func<int, double[]> HeldOutLogits, IReadOnlyList<ulong> Contents, IReadOnlyList<float>? Weights, int NumDocuments)
{
    /// <summary>Writes the fit.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="validating">The documents whose held-out logits are written.</param>
    public void Save(Stream stream, IReadOnlyList<int> validating)
    {
        using var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        writer.Write(NumDocuments);
        writer.Write(Contents.Count);
        foreach (ulong content in Contents)
            writer.Write(content);
        writer.Write(Weights is not null);
        foreach (float weight in Weights ?? [])
            writer.Write(weight);
        writer.Write(validating.Count);
        foreach (int row in validating)
        {
            writer.Write(row);
            foreach (double logit in HeldOutLogits(row))
                writer.Write(logit);
        }
        writer.Flush();
        Model.Save(stream);
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <param name="stream">A stream whose length is known.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="format">The format version of the classifier's file.</param>
    /// <param name="haveLabels">Whether documents have several labels, and not one class each.</param>
    /// <exception cref="InvalidDataException">The stream does not hold such a fit.</exception>
    /// <exception cref="EndOfStreamException">The stream ends too early.</exception>
    public static NGramFit Load(Stream stream, int numClasses, int format, bool haveLabels = false)
    {
        using var reader = new BinaryReader(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        int documents = reader.ReadInt32();
        ulong[] contents = new ulong[ReadCount(sizeof(ulong))];
        for (int i = 0; i < contents.Length; i++)
            contents[i] = reader.ReadUInt64();
        float[]? weights = reader.ReadBoolean() ? new float[contents.Length] : null;
        for (int i = 0; i < weights?.Length; i++)
            weights[i] = reader.ReadSingle();
        int rows = ReadCount(sizeof(int) + (sizeof(double) * numClasses));
        var heldOut = new Dictionary<int, double[]>();
        for (int i = 0; i < rows; i++)
        {
            int row = reader.ReadInt32();
            double[] logits = new double[numClasses];
            for (int c = 0; c < numClasses; c++)
                logits[c] = reader.ReadDouble();
            heldOut[row] = logits;
        }
        // The callers may not change the logits, which are computed anew each time by a fit.
        return new NGramFit(NGramClassifier.Load(stream, numClasses, format, haveLabels), row => [.. heldOut[row]], contents, weights, documents);

        int ReadCount(int bytesEach)
        {
            int count = reader.ReadInt32();
            // Checked before anything is allocated.
            if (count < 0 || (long)count * bytesEach > stream.Length - stream.Position)
                throw new InvalidDataException($"A count of the fitted n-grams must fit into the rest of the stream, but is {count}. The file is damaged.");
            return count;
        }
    }
}
