using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Maha.Benchmarks.Report;

/// <summary>A headless Chromium with one page, driven by the DevTools protocol.</summary>
internal sealed class Browser : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly List<string> _problems = [];
    private string? _session;
    private int _lastId;

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <summary>The errors of the console and the exceptions of the page so far.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Starts the browser.</summary>
    /// <param name="program">The program.</param>
    /// <exception cref="UsageException">The program does not start.</exception>
    public static Browser Start(string program)
    {
        string profile = Directory.CreateTempSubdirectory("maha-browser-").FullName;
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        foreach (string argument in new[]
        {
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", "--remote-debugging-port=0",
            $"--user-data-dir={profile}", "about:blank",
        })
        {
            start.ArgumentList.Add(argument);
        }
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception problem)
        {
            Directory.Delete(profile, recursive: true);
            throw new UsageException(
                $"the browser '{program}' does not start ({problem.Message}). Install the Debian package chromium, or name another with --browser.");
        }
        var browser = new Browser(process, profile);
        try
        {
            browser.Connect();
            return browser;
        }
        catch
        {
            browser.Dispose();
            throw;
        }
    }

    /// <summary>Sends a command and returns its result. What the page reports meanwhile is recorded.</summary>
    public JsonNode Send(string method, JsonObject? parameters = null)
    {
        int id = ++_lastId;
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        if (_session is not null)
            message["sessionId"] = _session;
        using var patience = new CancellationTokenSource(s_patience);
        _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, endOfMessage: true, patience.Token).GetAwaiter().GetResult();
        while (true)
        {
            var answer = Receive(patience.Token);
            Record(answer);
            if ((int?)answer["id"] != id)
                continue;
            if (answer["error"] is { } error)
                throw new InvalidOperationException($"{method}: {error.ToJsonString()}");
            return answer["result"]!;
        }
    }

    /// <summary>Evaluates an expression in the page.</summary>
    /// <returns>Its value.</returns>
    public JsonNode? Evaluate(string expression)
    {
        var result = Send("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true });
        return result["exceptionDetails"] is { } problem ? throw new InvalidOperationException(problem.ToJsonString()) : result["result"]!["value"];
    }

    /// <summary>Ends the browser and removes its profile.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        try
        {
            Directory.Delete(_profile, recursive: true);
        }
        catch (IOException)
        {
            // A child of the browser may still write for a moment. The folder is one of the system's temporary ones.
        }
    }

    private void Connect()
    {
        const string announcement = "DevTools listening on ";
        string? line;
        while ((line = _process.StandardError.ReadLine()) is not null && !line.StartsWith(announcement, StringComparison.Ordinal))
        {
        }
        if (line is null)
            throw new InvalidOperationException("The browser ended before it listened.");
        // A full pipe would stop the browser.
        _ = _process.StandardError.ReadToEndAsync();
        _ = _process.StandardOutput.ReadToEndAsync();
        using var patience = new CancellationTokenSource(s_patience);
        _socket.ConnectAsync(new Uri(line[announcement.Length..]), patience.Token).GetAwaiter().GetResult();
        string target = (string)Send("Target.createTarget", new JsonObject { ["url"] = "about:blank" })["targetId"]!;
        _session = (string)Send("Target.attachToTarget", new JsonObject { ["targetId"] = target, ["flatten"] = true })["sessionId"]!;
        foreach (string domain in new[] { "Page", "Runtime", "Log", "Network" })
            Send($"{domain}.enable");
    }

    private JsonNode Receive(CancellationToken cancellation)
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        WebSocketReceiveResult part;
        do
        {
            part = _socket.ReceiveAsync(buffer, cancellation).GetAwaiter().GetResult();
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(message.ToArray())!;
    }

    private void Record(JsonNode message)
    {
        var parameters = message["params"];
        string? problem = (string?)message["method"] switch
        {
            "Runtime.exceptionThrown" => parameters!.ToJsonString(),
            "Runtime.consoleAPICalled" when (string?)parameters!["type"] is "error" or "warning" or "assert" => parameters.ToJsonString(),
            "Log.entryAdded" when (string?)parameters!["entry"]!["level"] is "error" or "warning" => parameters["entry"]!.ToJsonString(),
            "Network.requestWillBeSent" when ((string?)parameters!["request"]!["url"])?.StartsWith("file:", StringComparison.Ordinal) is false
                => $"the page asks for {parameters["request"]!["url"]}",
            _ => null,
        };
        if (problem is not null)
            _problems.Add(problem);
    }
}
