using Maha.Benchmarks;
using Maha.Benchmarks.Attention;
using Maha.Benchmarks.Behavior;
using Maha.Benchmarks.Blocks;
using Maha.Benchmarks.Classification;
using Maha.Benchmarks.Classification.Tasks;
using Maha.Benchmarks.Core;
using Maha.Benchmarks.Distributed;
using Maha.Benchmarks.Explanation;
using Maha.Benchmarks.Generation;
using Maha.Benchmarks.LanguageModel;
using Maha.Benchmarks.Onnx;
using Maha.Benchmarks.Parity;
using Maha.Benchmarks.Reliability;
using Maha.Benchmarks.Report;
using Maha.Benchmarks.Serving;
using Maha.Benchmarks.Swap;
using Maha.Benchmarks.Text;
using Maha.Benchmarks.TextEncoding;
using Maha.Benchmarks.Training;

// Each measurement is one entry of this list.
var commands = new Command[]
{
    new(
        "behavior",
        BehaviorCommand.Arguments,
        "losses and predictions of short trainings with a fixed seed, as hashes of their bits: two versions of the code that print the same behave the same",
        BehaviorCommand.Run),
    new(
        "endure",
        EndureCommand.Arguments,
        "threads, 100,000 predictions and 200 trainings in flat memory, documents of 100 MB, 200,000 tiny documents, 10,000 classes",
        EndureCommand.Run),
    new(
        "fuzz",
        FuzzCommand.Arguments,
        "reads files of every kind after random changes, in processes of their own: no crash, no hang, no silent change",
        FuzzCommand.Run),
    new(
        "kill",
        KillCommand.Arguments,
        "ends trainings with checkpoints, and saves, by kill -9 at random moments: every model must be that of a training that was not ended",
        KillCommand.Run),
    new(
        "distributed",
        DistributedCommand.Arguments,
        "trainings divided among processes by mpirun: the model must be that of one process, the same in all; then one is killed, and the others end and go on",
        DistributedCommand.Run),
    new(
        "scale",
        ScaleCommand.Arguments,
        "trainings on several GPUs of this machine by NCCL: the weights in float64, tokens per second, bytes and time per step, against one GPU",
        ScaleCommand.Run),
    new("parity", "FILE...", "compares the layers with reference vector files, values and gradients", ParityCommand.Run),
    new(
        "tokenizer",
        "[--mb N] [--vocab N] [--threads N] [--file F...]",
        "trains the tokenizer and times training, encoding and decoding",
        TokenizerCommand.Run),
    new(
        "memory",
        "[--steps N] [--scope step|outer]",
        "resident memory over training steps, with one dispose scope per step or one around all steps",
        MemoryCommand.Run),
    new(
        "block",
        "[--n N...] [--variants V...] [--device cpu|cuda] [--dtype T] [--d-model D] [--heads H] [--batch B] [--threads T] [--repeats R] "
            + "[--warm-ups W] [--kernels] [--times-only] [--json]",
        "time and peak memory of one block of each variant, forward and forward + backward, and the launches on a CUDA device; sdpa is a plain block with "
            + "libtorch's own fused attention",
        BlockCommand.Run),
    new(
        "step",
        StepCommand.Arguments,
        "time of a training step of a classifier with float32 weights that computes in float32 and in bfloat16",
        StepCommand.Run),
    new(
        "relation",
        RelationCommand.Arguments,
        "whether an attention learns from random weights which tokens of a short document belong together",
        RelationCommand.Run),
    new(
        "calls",
        CallsCommand.Arguments,
        "what a call of torch's operators and of a function of our own costs the processor",
        CallsCommand.Run),
    new(
        "throughput",
        ThroughputCommand.Arguments,
        "tokens per second of trainings of a classifier and of language models, in float32 and in bfloat16, with launches and time by part",
        ThroughputCommand.Run),
    new("flops", "[--n N...] [--variants V...] [--d-model D] [--heads H] [--json]", "floating-point operations of one block, by component", FlopsCommand.Run),
    new(
        "stream",
        "[--n N] [--d-model D] [--heads H] [--branching B] [--overlap] [--threads T]",
        "time per token and cache of a causal hierarchical layer, token by token",
        StreamCommand.Run),
    new(
        "scalars",
        "[--operations N] [--threads T]",
        "operations with numbers while garbage is collected without a pause, with TorchSharp's operators and with Maha's: exceptions and wrong numbers",
        ScalarsCommand.Run),
    new("solvers", "[--instances N] [--seed S]", "residuals of the aggregation solvers over random and degenerate instances", SolversCommand.Run),
    new(
        "selfcheck",
        "[--seed S] [--threads T]",
        "the operators of libtorch that the layers use, and convolutions, in float32 against float64: lists those that this machine computes wrongly",
        SelfCheckCommand.Run),
    new(
        "device",
        "[--trees N] [--windows N] [--scales N] [--only TEXT] [--training] [--out FILE]",
        "forward and backward of every kind of block, and the training, on the processor and on the CUDA device, and how far they are apart",
        DeviceCommand.Run),
    new(
        "embeddings",
        EmbeddingsCommand.Arguments,
        "accuracy of classifiers that learn from few labels, on MahaEncode's vectors and on a bag of words",
        EmbeddingsCommand.Run),
    new("neighbors", NeighborsCommand.Arguments, "the nearest neighbors of ten documents by MahaEncode's vectors", NeighborsCommand.Run),
    new(
        "length",
        "--folds FILE | --train FILE --test FILE [--cut N] [--max-tokens N] [--epochs N] [--fold K...] [--d-model D] [--layers L] [--tokens-per-batch N] "
            + "[--learning-rate R] [--pooling P] [--seed S] [--threads T] [--results FILE] [--cuda]",
        "accuracy of one classifier on whole documents and on their first tokens",
        LengthCommand.Run),
    new(
        "perplexity",
        "[--data FILE|FOLDER] [--held-out FILE] [--variants V...] [--contexts N...] [--tokens N | --seconds S] [--layers L] [--d-model D] [--heads H] "
            + "[--vocab V] [--tokens-per-batch N] [--learning-rate R] [--dropout P] [--context-growth F] [--shortest-context N] [--device cpu|cuda] "
            + "[--threads T] [--seed S] [--out FILE] " + PrecisionOption.Arguments,
        "held-out perplexity of language models of equal size, one row per variant and context length, appended to a file; continues where it was stopped",
        PerplexityCommand.Run),
    new(
        "generate",
        "[--prompts N...] [--variants V...] [--d-model D] [--layers L] [--heads H] [--vocab V] [--context N] [--tokens N] [--threads T]",
        "time per generated token after short and long prompts",
        GenerateCommand.Run),
    new(
        "score",
        ScoreCommand.Arguments,
        "time to score a text of n, 2n and 4n kilobytes with a language model, beside that of contexts read one at a time, and of a cancellation",
        ScoreCommand.Run),
    new(
        "predict",
        PredictCommand.Arguments,
        "documents per second of a small classifier and of MahaEncode, one row at a time and by the cursor of a transformed view, which looks ahead",
        PredictCommand.Run),
    new(
        "serve",
        ServeCommand.Arguments,
        "documents per second and latency of the ways to serve a classifier and an encoder from many threads",
        ServeCommand.Run),
    new(
        "onnx",
        OnnxCommand.Arguments,
        "classifiers of manual pages exported to ONNX: equality with libtorch on the test pages, and documents per second of both",
        OnnxCommand.Run),
    new(
        "tool",
        ToolCommand.Arguments,
        "documents per second and peak memory of 'maha predict' in a pipe and under GNU parallel, and of the library's view over the same documents",
        ToolCommand.Run),
    new(
        "learn",
        "--data FILE --test FILE | --folds FILE [--options NAME=VALUE,...]... [--seeds K | --seed S...] [--fold F...] [--documents N] [--skip "
            + "baseline|default|network...] [--pretrained minilm|none|PATH] [--long-words N] [--out FILE] [--threads T] [--cuda] [--verbose]",
        "accuracy, macro F1, log loss, calibration error, time and memory of the text classifier with its defaults, compared with a bag of words and variants "
            + "of the options, such as Precision=Float32",
        LearnCommand.Run),
    new(
        "multilabel",
        MultiLabelCommand.Arguments,
        "micro and macro F1, ranking and time of the multi-label classifier with its defaults, compared with one binary classifier per label over FeaturizeText",
        MultiLabelCommand.Run),
    new(
        "ngrams",
        NGramsCommand.Arguments,
        "accuracy, log loss and time of the classifier's n-grams without the network, on a task's files or on synthetic tasks that a stack of "
            + "linear models can get wrong",
        NGramsCommand.Run),
    new(
        "passages",
        "[--pages FOLDER] [--out FOLDER] [--draw N]",
        "makes two tasks for learn from the manual pages: single passages, and long documents whose class depends on all their passages",
        PassagesCommand.Run),
    new(
        "tasks",
        TasksCommand.Arguments,
        "makes tasks for learn from novels and the Bible: relations of distant parts of a document, and sums over its parts",
        TasksCommand.Run),
    new(
        "ablation",
        "[--variants V...] [--epochs N] [--max-tokens N] [--seeds S...] [--threads T] [--out FILE] [--data FILE --test FILE] [--documents N] [--d-model D] "
            + "[--heads H] [--layers L] [--window W] [--tokens-per-batch N] [--cuda] " + PrecisionOption.Arguments,
        "the sample's classifier with every kind of attention and aggregation: accuracy, time, memory, scale weights, attention entropy; continues where the "
            + "results file ends",
        AblationCommand.Run),
    new(
        "reader",
        ReaderCommand.Arguments,
        "accuracy of the network that reads with a pretrained encoder, with every kind of attention over the document, after each of several stages (files), "
            + "for instance of growing length; continues where the results file ends",
        ReaderCommand.Run),
    new(
        "highlights",
        HighlightsCommand.Arguments,
        "how much the probability of a saved classifier's label falls without the spans that its explanation names, and without random ones",
        HighlightsCommand.Run),
    new(
        "look",
        LookCommand.Arguments,
        "opens a report in headless Chromium on a narrow and a wide screen, light and dark: errors, and what is cut",
        LookCommand.Run),
    new(
        "swap",
        SwapCommand.Arguments,
        "accuracy of a trained standard classifier, or of a fine-tuned pretrained encoder, with 0 to all layers swapped to hierarchical attention, without "
            + "training and after one epoch; continues where the results file ends",
        SwapCommand.Run),
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
    Console.Error.WriteLine(
        $"The measurement must be one of {string.Join(", ", commands.Select(command => command.Name))}, but is '{args[0]}'. See ./bench.sh --help.");
    return ExitCode.Usage;
}
try
{
    return chosen.Run(args[1..]);
}
// The options of a layer are checked by the layer itself.
catch (Exception problem) when (problem is UsageException or ArgumentException)
{
    Console.Error.WriteLine($"{chosen.Name}: {problem.Message}");
    return ExitCode.Usage;
}
