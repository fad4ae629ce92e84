using TextClassification.ManualPages;

bool rebuild = args.Contains("--rebuild");
string[] folders = args.Where(arg => arg != "--rebuild").ToArray();
if (folders.Length > 1 || folders.Any(folder => folder.StartsWith('-')))
{
    Console.Error.WriteLine("usage: TextClassification.ManualPages [FOLDER] [--rebuild]");
    return 2;
}

string folder = folders.Length == 1 ? Path.GetFullPath(folders[0]) : ManualPageData.DefaultFolder;
try
{
    ManualPageData.Prepare(folder, Console.WriteLine, rebuild);
}
catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

Console.WriteLine($"in {folder}");
return 0;
