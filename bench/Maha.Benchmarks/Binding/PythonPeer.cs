using System.Diagnostics;
using System.Globalization;

namespace Maha.Benchmarks.Binding;

/// <summary>A Python process that times a case when it is told to, so that both sides can take turns on the same machine.</summary>
internal sealed class PythonPeer : IDisposable
{
    private const string Interpreter = "/usr/bin/python3";

    // The classes and loops of BindingCommand and TransformerBlock, statement by statement.
    private const string Script = """
        import math, sys, time
        import torch
        from torch import nn

        class Block(nn.Module):
            def __init__(self, d_model, num_heads):
                super().__init__()
                self.num_heads = num_heads
                self.attention_norm = nn.LayerNorm(d_model)
                self.input = nn.Linear(d_model, 3 * d_model)
                self.output = nn.Linear(d_model, d_model)
                self.feed_forward_norm = nn.LayerNorm(d_model)
                self.expand = nn.Linear(d_model, 4 * d_model)
                self.contract = nn.Linear(4 * d_model, d_model)

            def forward(self, x):
                batch, length, d_model = x.shape
                head_dim = d_model // self.num_heads
                q, k, v = (self.input(self.attention_norm(x))
                    .reshape(batch, length, 3, self.num_heads, head_dim).permute(2, 0, 3, 1, 4).unbind(0))
                weights = (q.matmul(k.transpose(-2, -1)) * (1 / math.sqrt(head_dim))).softmax(-1)
                attended = weights.matmul(v).transpose(1, 2).reshape(batch, length, d_model)
                x = x + self.output(attended)
                return x + self.contract(nn.functional.gelu(self.expand(self.feed_forward_norm(x))))

        threads, batch, length, d_model, num_heads = map(int, sys.argv[1:])
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        a, b = torch.ones(8), torch.ones(8)
        leaf = torch.ones(8, requires_grad=True)
        block = Block(d_model, num_heads)
        optimizer = torch.optim.AdamW(block.parameters(), lr=1e-3, weight_decay=0.01)
        x = torch.randn(batch, length, d_model)

        def add(n):
            with torch.no_grad():
                for _ in range(n):
                    c = a + b

        def add_grad(n):
            for _ in range(n):
                c = leaf + b

        def train(n):
            for _ in range(n):
                optimizer.zero_grad()
                loss = block(x).square().mean()
                loss.backward()
                optimizer.step()

        libraries = {line.split("/", 1)[1].strip() for line in open("/proc/self/maps") if "/" in line}
        blas = sorted("/" + f for f in libraries if any(n in f.rsplit("/", 1)[-1] for n in ("openblas", "mkl_rt", "mkl_core", "blis", "libblas", "atlas")))
        print(f"libtorch {torch.__version__}, Python {sys.version.split()[0]}, BLAS {' + '.join(blas) or 'inside libtorch'}, threads {torch.get_num_threads()}", flush=True)
        for line in sys.stdin:
            name, n = line.split()
            start = time.perf_counter()
            {"add": add, "add-autograd": add_grad, "train": train}[name](int(n))
            print(repr((time.perf_counter() - start) / int(n)), flush=True)
        """;

    private readonly Process _process;

    private PythonPeer(Process process, string description)
    {
        _process = process;
        Description = description;
    }

    /// <summary>Versions, BLAS and threads of the other side.</summary>
    public string Description { get; }

    /// <summary>Starts the process; null, and why, where Python or its torch is missing.</summary>
    public static PythonPeer? TryStart(BindingSizes sizes, out string why)
    {
        why = $"Python's side needs {Interpreter} with torch. On Debian: sudo apt-get install --no-install-recommends python3-torch";
        if (!File.Exists(Interpreter))
            return null;
        var start = new ProcessStartInfo(Interpreter) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        int[] arguments = [sizes.Threads, sizes.BatchSize, sizes.SequenceLength, sizes.DModel, sizes.NumHeads];
        foreach (string argument in (string[])["-c", Script, .. arguments.Select(v => v.ToString(CultureInfo.InvariantCulture))])
            start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        string? description = process.StandardOutput.ReadLine();
        if (description is not null)
            return new PythonPeer(process, description);
        string error = process.StandardError.ReadToEnd().Trim();
        process.Dispose();
        why += error.Length > 0 ? $"\n({error.Split('\n')[^1]})" : "";
        return null;
    }

    /// <summary>Seconds per repetition.</summary>
    public double Time(string name, int repetitions)
    {
        _process.StandardInput.WriteLine($"{name} {repetitions.ToString(CultureInfo.InvariantCulture)}");
        _process.StandardInput.Flush();
        string? line = _process.StandardOutput.ReadLine();
        return line is not null
            ? double.Parse(line, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"Python ended: {_process.StandardError.ReadToEnd().Trim()}");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
            _process.Kill();
        _process.Dispose();
    }
}
