using Maha.Benchmarks.Classification;

namespace Maha.Benchmarks.TextEncoding;

/// <summary>The documents of a measurement of embeddings.</summary>
/// <param name="Training">The documents that are encoded without labels, and from which labeled documents are drawn.</param>
/// <param name="Testing">The test documents; empty where none are needed.</param>
internal sealed record EmbeddingCorpus(List<LabeledDocument> Training, List<LabeledDocument> Testing)
{
    private const string Pages = "artifacts/data/manpages/section";

    /// <summary>Reads the files that --data and --test name, or the sample's manual pages.</summary>
    public static EmbeddingCorpus Read(OptionReader options, bool needsTest)
    {
        string? data = options.File("--data"), test = options.File("--test");
        if (needsTest && data is null != test is null)
            throw new UsageException("--data and --test must be given together.");
        data ??= Existing(".train.tsv");
        test ??= needsTest ? Existing(".test.tsv") : null;
        return new EmbeddingCorpus(LabeledFile.Read(data, hasFolds: false), test is null ? [] : LabeledFile.Read(test, hasFolds: false));
    }

    private static string Existing(string suffix) => File.Exists(Pages + suffix)
        ? Pages + suffix
        : throw new UsageException($"there is no file '{Pages + suffix}'. Fetch the manual pages with ./run.sh --quick, or name a file of label TAB text.");
}
