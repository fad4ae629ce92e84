using Microsoft.ML.Runtime;

namespace Maha.MLNet.Fitting;

/// <summary>A channel whose messages are not shown: of processes that train together, the root alone writes a log.</summary>
internal sealed class SilentChannel(IChannel inner) : IChannel
{
    /// <inheritdoc/>
    public string ContextDescription => inner.ContextDescription;

    /// <inheritdoc/>
    public void Send(ChannelMessage msg)
    {
    }

    /// <inheritdoc/>
    public void Trace(MessageSensitivity sensitivity, string message)
    {
    }

    /// <inheritdoc/>
    public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args)
    {
    }

    /// <inheritdoc/>
    public void Info(MessageSensitivity sensitivity, string message)
    {
    }

    /// <inheritdoc/>
    public void Info(MessageSensitivity sensitivity, string fmt, params object[] args)
    {
    }

    /// <inheritdoc/>
    public void Warning(MessageSensitivity sensitivity, string message)
    {
    }

    /// <inheritdoc/>
    public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args)
    {
    }

    /// <inheritdoc/>
    public void Error(MessageSensitivity sensitivity, string message) => inner.Error(sensitivity, message);

    /// <inheritdoc/>
    public void Error(MessageSensitivity sensitivity, string fmt, params object[] args) => inner.Error(sensitivity, fmt, args);

    /// <inheritdoc/>
    public TException Process<TException>(TException ex)
        where TException : Exception => inner.Process(ex);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
