using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.Tests;

/// <summary>Collects the warnings of a context.</summary>
internal static class Warnings
{
    public static List<string> Of(MLContext mlContext)
    {
        var messages = new List<string>();
        mlContext.Log += (_, e) =>
        {
            if (e.Kind == ChannelMessageKind.Warning)
                messages.Add(e.RawMessage);
        };
        return messages;
    }
}
