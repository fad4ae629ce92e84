using System.Text.Json.Nodes;

namespace Maha.Benchmarks.Report;

/// <summary>
/// <c>look --report FILE [--out FOLDER]</c>: opens a report in headless Chromium, on a narrow and a wide screen, light and dark. Fails on errors of the
/// console, on requests to a network, and where something is wider than the screen or cut.
/// </summary>
internal static class LookCommand
{
    /// <summary>The command's arguments, as the help shows them.</summary>
    public const string Arguments = "--report FILE [--out FOLDER] [--browser PROGRAM]";

    private const int WindowHeight = 900;

    // Taller pictures are hard to look at, and Chromium does not draw any height.
    private const int MaxHeight = 2400;

    // What is wider than the screen, unless it can be scrolled; text of a chart outside of it; boxes that hide a part of their content.
    private const string FindCut = """
        (() => {
          const found = [];
          const name = e => e.tagName.toLowerCase() + '.' + (e.getAttribute('class') || '') + ' "' + (e.textContent || '').trim().slice(0, 40) + '"';
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth > width) found.push('the page is ' + document.documentElement.scrollWidth + ' wide');
          for (const e of document.body.querySelectorAll('*')) {
            const box = e.getBoundingClientRect();
            if (box.width === 0 || e.closest('svg') && e.tagName !== 'svg') continue;
            if (!e.closest('.scroll') && (box.right > width + 0.5 || box.left < -0.5)) found.push(name(e) + ' from ' + box.left + ' to ' + box.right);
            const overflow = getComputedStyle(e).overflowX;
            if (overflow === 'hidden' && e.scrollWidth > e.clientWidth + 1) found.push(name(e) + ' is cut');
          }
          for (const text of document.querySelectorAll('svg text')) {
            const box = text.getBoundingClientRect(), chart = text.closest('svg').getBoundingClientRect();
            const isInside = box.left > chart.left - 1 && box.right < chart.right + 1 && box.top > chart.top - 1 && box.bottom < chart.bottom + 1;
            if (!isInside) found.push('text outside of its chart: ' + name(text));
          }
          for (const chart of document.querySelectorAll('svg')) {
            const labels = [...chart.querySelectorAll('text')].map(text => [text, text.getBoundingClientRect()]);
            labels.forEach(([a, x], i) => labels.slice(i + 1).forEach(([b, y]) => {
              const isOver = x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1;
              if (isOver) found.push('text over text: ' + name(a) + ' and ' + name(b));
            }));
          }
          return found.slice(0, 20);
        })()
        """;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        string report = Path.GetFullPath(reader.File("--report") ?? throw new UsageException("look needs --report FILE."));
        string folder = reader.File("--out") ?? Path.GetDirectoryName(report)!;
        string program = reader.File("--browser") ?? "chromium";
        reader.RefuseLeft();
        if (!File.Exists(report))
            throw new UsageException($"--report must name a file, but there is no '{report}'.");
        Directory.CreateDirectory(folder);
        using var browser = Browser.Start(program);
        var problems = new List<string>();
        foreach (int width in new[] { 380, 1280 })
        {
            foreach (string scheme in new[] { "light", "dark" })
            {
                var feature = new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme };
                browser.Send("Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(feature) });
                Resize(browser, width, WindowHeight);
                browser.Send("Page.navigate", new JsonObject { ["url"] = new Uri(report).AbsoluteUri });
                for (int wait = 0; wait < 200 && (string?)browser.Evaluate("document.readyState") != "complete"; wait++)
                    Thread.Sleep(50);
                browser.Evaluate("document.querySelectorAll('details').forEach(e => e.open = true)");
                problems.AddRange(browser.Evaluate(FindCut)!.AsArray().Select(found => $"{width} {scheme}: {found}"));
                int height = (int)(double)browser.Evaluate("document.documentElement.scrollHeight")!;
                for (int top = 0; top < height; top += MaxHeight)
                {
                    string picture = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(report)}-{width}-{scheme}-{(top / MaxHeight) + 1}.png");
                    File.WriteAllBytes(picture, Capture(browser, top, width, Math.Min(MaxHeight, height - top)));
                }
                Console.WriteLine($"{width} {scheme}: {height} pixels, {(height + MaxHeight - 1) / MaxHeight} pictures in {folder}");
            }
        }
        problems.AddRange(browser.Problems);
        foreach (string problem in problems)
            Console.Error.WriteLine(problem);
        Console.WriteLine($"{new FileInfo(report).Length / 1024.0:F0} KB, {problems.Count} problems");
        return problems.Count == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static byte[] Capture(Browser browser, int top, int width, int height)
    {
        var clip = new JsonObject { ["x"] = 0, ["y"] = top, ["width"] = width, ["height"] = height, ["scale"] = 1 };
        var result = browser.Send("Page.captureScreenshot", new JsonObject { ["clip"] = clip, ["captureBeyondViewport"] = true });
        return Convert.FromBase64String((string)result["data"]!);
    }

    private static void Resize(Browser browser, int width, int height) => browser.Send("Emulation.setDeviceMetricsOverride",
        new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = false });
}
