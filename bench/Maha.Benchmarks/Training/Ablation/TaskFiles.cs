using Maha.Samples.Data.ManualPages;

namespace Maha.Benchmarks.Training;

/// <summary>The files of a classification task.</summary>
internal static class TaskFiles
{
    /// <summary>Reads --data, --test and --documents, the last options of a command. Without --data the files are those of <c>section</c> of the manual pages.</summary>
    public static (string Train, string Test, int MostDocuments) Read(OptionReader options)
    {
        string train = options.Text("--data", ""), test = options.Text("--test", "");
        int most = options.Integer("--documents", int.MaxValue);
        options.RefuseLeft();
        if ((train.Length == 0) != (test.Length == 0))
            throw new UsageException("--data and --test must be given together: a file to train on and a file to test on, with lines of 'label TAB text'.");
        if (train.Length > 0)
            return (train, test, most);
        string folder = ManualPageData.DefaultFolder;
        ManualPageData.Prepare(folder, line => Console.Error.WriteLine(line));
        return (ManualPageData.TrainFile(folder, "section"), ManualPageData.TestFile(folder, "section"), most);
    }
}
