using Maha.Benchmarks.Binding;
using Maha.Benchmarks.Block;
using Maha.Benchmarks.Embeddings;
using Maha.Benchmarks.Flops;
using Maha.Benchmarks.Devices;
using Maha.Benchmarks.Learn;
using Maha.Benchmarks.Length;
using Maha.Benchmarks.Memory;
using Maha.Benchmarks.Parity;
using Maha.Benchmarks.Solvers;
using Maha.Benchmarks.Streaming;
using Maha.Benchmarks.Tokenizer;
using Maha.Benchmarks;

// Every measurement is one line here.
var commands = new Command[]
{
    new("parity", "FILE...", "compares the layers with reference vector files, values and gradients", ParityCommand.Run),
    new("tokenizer", "[--mb N] [--vocab N] [--threads N] [--file F...]", "trains the tokenizer and times training, encoding and decoding", TokenizerCommand.Run),
    new("binding", "[--rounds N] [--threads N]", "what a call into libtorch and a training step cost, beside Python's", BindingCommand.Run),
    new("memory", "[--steps N]", "resident memory over training steps", MemoryCommand.Run),
    new("block", "[--n N...] [--variants V...] [--device cpu|cuda] [--dtype T] [--d-model D] [--heads H] [--batch B] [--threads T] [--repeats R] [--json]", "time and peak memory of one block of each variant, forward and forward + backward", BlockCommand.Run),
    new("flops", "[--n N...] [--variants V...] [--d-model D] [--heads H] [--json]", "floating-point operations of one block, by component", FlopsCommand.Run),
    new("stream", "[--n N] [--d-model D] [--heads H] [--branching B] [--overlap] [--threads T]", "time per token and cache of a causal hierarchical layer, token by token", StreamCommand.Run),
    new("solvers", "[--instances N] [--seed S]", "residuals of the aggregation solvers over random and degenerate instances", SolversCommand.Run),
    new("device", "", "forward and backward of every kind of block on the processor and on the CUDA device, and how far they are apart", DeviceCommand.Run),
    new("embeddings", EmbeddingsCommand.Arguments, "accuracy of few labels on MahaEncode's vectors and on a bag of words", EmbeddingsCommand.Run),
    new("neighbors", NeighborsCommand.Arguments, "the nearest neighbors of ten documents by MahaEncode's vectors", NeighborsCommand.Run),
    new("length", "--folds FILE | --train FILE --test FILE [--cut N] [--max-tokens N] [--epochs N] [--fold K...] [--results FILE] [--cuda]", "accuracy of one classifier on whole documents and on their first tokens", LengthCommand.Run),
    new("learn", "--data FILE --test FILE | --folds FILE [--options NAME=VALUE,...]... [--seeds K | --seed S...] [--fold F...] [--documents N] [--skip baseline|default...] [--long-words N] [--out FILE] [--threads T] [--cuda]", "accuracy, macro F1, log loss, calibration error, time and memory of the text classifier's defaults, beside a bag of words and variants of the options", LearnCommand.Run),
};

if (args is [] or ["--help" or "-h" or "help", ..])
{
    Console.WriteLine("usage: ./bench.sh NAME [options]");
    foreach (var command in commands)
        Console.WriteLine($"  {command.Name} {command.Arguments}\n      {command.Summary}");
    return args.Length == 0 ? ExitCode.Usage : ExitCode.Success;
}

var chosen = commands.FirstOrDefault(command => command.Name == args[0]);
if (chosen is null)
{
    Console.Error.WriteLine($"The measurement must be one of {string.Join(", ", commands.Select(command => command.Name))}, but is '{args[0]}'. See ./bench.sh --help.");
    return ExitCode.Usage;
}
try
{
    return chosen.Run(args[1..]);
}
catch (UsageException problem)
{
    Console.Error.WriteLine($"{chosen.Name}: {problem.Message}");
    return ExitCode.Usage;
}
