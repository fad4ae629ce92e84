using System.Globalization;
using System.Text;
using LanguageModel.JaneAusten;

if (args.Length > 1 || args.Any(arg => arg.StartsWith('-')))
{
    Console.Error.WriteLine("usage: LanguageModel.JaneAusten [FOLDER]");
    return 2;
}

string folder = args.Length == 1 ? Path.GetFullPath(args[0]) : JaneAustenData.DefaultFolder;
try
{
    foreach (var novel in JaneAustenData.Prepare(folder))
    {
        int words = novel.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        string use = novel.Name == JaneAustenData.HeldOut ? "held out" : "train";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{novel.Name}: {words} words, {Encoding.UTF8.GetByteCount(novel.Text)} bytes, {use}"));
    }
}
catch (Exception e) when (e is InvalidOperationException or InvalidDataException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

Console.WriteLine($"in {folder}");
return 0;
