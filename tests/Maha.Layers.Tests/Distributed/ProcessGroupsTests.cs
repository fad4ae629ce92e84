using Maha.Layers.Distributed;
using Maha.TestData;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Distributed;

/// <summary>What the variables of the program that started the processes say. They are those of a process, so that each case has its own.</summary>
public class ProcessGroupsTests
{
    [Fact]
    public void AProcessAlone_HasNoGroup() => BeAlone();

    [Fact]
    public void OneProcess_ThatALauncherStarted_IsAlone() => ChildProgram.AssertEnds(
        BeAlone, environment => (environment["WORLD_SIZE"], environment["OMPI_COMM_WORLD_SIZE"]) = ("1", "1"));

    [Fact]
    public void ProcessorsWithoutMpi_AreRefused() => ChildProgram.AssertEnds(RefuseProcessors, environment => environment["WORLD_SIZE"] = "2");

    [Fact]
    public void AMissingVariable_IsNamed() => ChildProgram.AssertEnds(
        RefusePort, environment => (environment["WORLD_SIZE"], environment["RANK"], environment["MASTER_PORT"]) = ("2", "0", "none"));

    private static void BeAlone()
    {
        Assert.Null(ProcessGroups.Join(CPU));
        Assert.Null(ProcessGroups.Joined);
    }

    private static void RefuseProcessors() => AssertRefused(CPU, "must be started by mpirun, but WORLD_SIZE is set");

    private static void RefusePort() => AssertRefused(new Device(DeviceType.CUDA, 0), "but MASTER_PORT is 'none'");

    private static void AssertRefused(Device device, string message) => Assert.Contains(
        message, Assert.Throws<DistributedException>(() => ProcessGroups.Join(device)).Message, StringComparison.Ordinal);
}
