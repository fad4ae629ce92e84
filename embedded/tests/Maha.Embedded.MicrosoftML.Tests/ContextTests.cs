using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Maha.Embedded.MicrosoftML.Tests;

public sealed class ContextTests
{
    [Fact]
    public void Log_BringsSourceKindAndMessage()
    {
        var context = new MLContext(1);
        List<LoggingEventArgs> events = [];
        context.Log += (_, e) => events.Add(e);
        using (IChannel channel = ((IHostEnvironment)context).Register("Trainer").Start("Fitting"))
        {
            channel.Info("loss {0}", 0.5);
            channel.Warning("slow");
        }

        LoggingEventArgs info = events.Single(e => e.Kind == ChannelMessageKind.Info);
        Assert.Equal("loss 0.5", info.RawMessage);
        Assert.Equal("Trainer; Fitting", info.Source);
        Assert.Equal("[Source=Trainer; Fitting, Kind=Info] loss 0.5", info.Message);
        Assert.Contains(events, e => e.Kind == ChannelMessageKind.Warning && e.RawMessage == "slow");
        Assert.Contains(events, e => e.Kind == ChannelMessageKind.Trace && e.RawMessage == "Channel started");
    }

    [Fact]
    public void Hosts_DrawTheSameNumbersForTheSameSeed()
    {
        static int[] Draw(int? seed)
        {
            IHostEnvironment context = new MLContext(seed);
            Random first = context.Register("a").Rand, second = context.Register("a").Rand;
            return [first.Next(), first.Next(), second.Next(), second.Next()];
        }

        Assert.Equal(Draw(3), Draw(3));
        Assert.NotEqual(Draw(3), Draw(4));
        Assert.Equal(4, Draw(3).Distinct().Count());
        Assert.NotEqual(Draw(null), Draw(null));
    }

    [Fact]
    public void CancelExecution_ReachesTheHosts()
    {
        var context = new MLContext(1);
        IHost host = ((IHostEnvironment)context).Register("Trainer");
        host.CheckAlive();
        context.CancelExecution();

        Assert.Throws<OperationCanceledException>(host.CheckAlive);
    }

    [Fact]
    public void Device_ReachesTheHosts()
    {
        var context = new MLContext(1);
        Assert.Null(context.GpuDeviceId);
        Assert.False(context.FallbackToCpu);
        context.GpuDeviceId = 1;
        context.FallbackToCpu = true;

        var host = (IHostEnvironmentInternal)((IHostEnvironment)context).Register("Trainer");
        Assert.Equal(1, host.GpuDeviceId);
        Assert.True(host.FallbackToCpu);
    }

    [Fact]
    public void Options_AreKeptByName()
    {
        var context = new MLContext();
        Assert.True(context.TryAddOption("size", 5));
        Assert.False(context.TryAddOption("size", 6));
        Assert.True(context.TryGetOption("size", out int size));
        Assert.Equal(5, size);
        context.SetOption("size", 7);
        Assert.Equal(7, context.GetOptionOrDefault<int>("size"));
        Assert.True(context.RemoveOption("size"));
        Assert.Equal(0, context.GetOptionOrDefault<int>("size"));
    }

    [Fact]
    public void LoadedModels_LeaveNothingInTheTemporaryFolder()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var context = new MLContext(1) { TempFilePath = folder };
            IDataView data = context.Data.LoadFromEnumerable(new[] { new { A = 1f } });
            using var file = new MemoryStream();
            context.Model.Save(context.Transforms.CopyColumns("B", "A").Fit(data), data.Schema, file);
            file.Position = 0;
            context.Model.Load(file, out _);

            Assert.Empty(Directory.GetFiles(folder, "*", SearchOption.AllDirectories));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void RegisterAssembly_MayBeCalledTwice()
    {
        var context = new MLContext();
        context.ComponentCatalog.RegisterAssembly(typeof(ContextTests).Assembly);
        context.ComponentCatalog.RegisterAssembly(typeof(ContextTests).Assembly);
    }

    [Fact]
    public void RegisterAssembly_NeedsAnAssembly()
    {
        Assert.Throws<ArgumentNullException>(() => new MLContext().ComponentCatalog.RegisterAssembly(null!));
    }
}
