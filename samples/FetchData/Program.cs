// dotnet run -c Release --project samples/FetchData -- manual-pages [FOLDER] [--rebuild]
// dotnet run -c Release --project samples/FetchData -- novels [FOLDER]
using System.CommandLine;
using System.Text;
using Maha.Samples.Data.JaneAusten;
using Maha.Samples.Data.ManualPages;
using Maha.Samples.Shared;

var command = new RootCommand("Fetches the documents of the samples and the benchmarks.")
{
    Pages(),
    Novels(),
};
return command.Parse(args).Invoke();

static Command Pages()
{
    var folder = Folder(ManualPageData.DefaultFolder);
    var rebuild = new Option<bool>("--rebuild") { Description = "make the files again from the packages that are there" };
    var pages = new Command("manual-pages", "The manual pages of Debian packages, with three classification tasks.") { folder, rebuild };
    pages.SetAction(parsed => ErrorReport.Run(() =>
    {
        string path = Path.GetFullPath(parsed.GetValue(folder)!);
        ManualPageData.Prepare(path, Console.WriteLine, parsed.GetValue(rebuild));
        Console.WriteLine($"in {path}");
        return 0;
    }));
    return pages;
}

static Command Novels()
{
    var folder = Folder(JaneAustenData.DefaultFolder);
    var novels = new Command("novels", "Jane Austen's six novels, as text files.") { folder };
    novels.SetAction(parsed => ErrorReport.Run(() =>
    {
        string path = Path.GetFullPath(parsed.GetValue(folder)!);
        foreach (var novel in JaneAustenData.Prepare(path))
        {
            int words = novel.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
            string use = novel.Name == JaneAustenData.HeldOut ? "held out" : "train";
            Console.WriteLine(FormattableString.Invariant($"{novel.Name}: {words} words, {Encoding.UTF8.GetByteCount(novel.Text)} bytes, {use}"));
        }
        Console.WriteLine($"in {path}");
        return 0;
    }));
    return novels;
}

static Argument<string> Folder(string path) => new("FOLDER") { Description = "the folder of the files", DefaultValueFactory = _ => path };
