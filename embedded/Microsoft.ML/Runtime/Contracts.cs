namespace Microsoft.ML.Runtime;

// The names of the checks say which exception follows: Check and Except InvalidOperation, Param and UserArg ArgumentOutOfRange,
// Value ArgumentNull, Decode Format, IO IOException, NotSupp NotSupported.
public static class Contracts
{
    private const string IsMarkedKey = "ML_IsMarked";

    public static TException Mark<TException>(TException ex) where TException : Exception
    {
        if (ex != null)
            ex.Data[IsMarkedKey] = true;
        return ex;
    }

    public static bool IsMarked(this Exception ex) => ex != null && ex.Data.Contains(IsMarkedKey);

    public static TException Process<TException>(this TException ex, IExceptionContext ectx = null) where TException : Exception =>
        ectx != null ? ectx.Process(ex) : Mark(ex);

    private static string Format(string msg, object[] args) => args == null || args.Length == 0 ? msg : string.Format(msg, args);

    public static Exception Except(string msg) => Process(new InvalidOperationException(msg));
    public static Exception Except(this IExceptionContext ctx, string msg) => Process(new InvalidOperationException(msg), ctx);
    public static Exception Except(string msg, params object[] args) => Except(Format(msg, args));
    public static Exception Except(this IExceptionContext ctx, string msg, params object[] args) => ctx.Except(Format(msg, args));
    public static Exception Except(Exception inner, string msg) => Process(new InvalidOperationException(msg, inner));
    public static Exception Except(this IExceptionContext ctx, Exception inner, string msg) => Process(new InvalidOperationException(msg, inner), ctx);

    public static Exception ExceptUserArg(string name, string msg) => ExceptParam(name, msg);
    public static Exception ExceptUserArg(this IExceptionContext ctx, string name, string msg) => ctx.ExceptParam(name, msg);
    public static Exception ExceptUserArg(this IExceptionContext ctx, string name, string msg, params object[] args) => ctx.ExceptParam(name, Format(msg, args));

    public static Exception ExceptParam(string paramName) => Process(new ArgumentOutOfRangeException(paramName));
    public static Exception ExceptParam(this IExceptionContext ctx, string paramName) => Process(new ArgumentOutOfRangeException(paramName), ctx);
    public static Exception ExceptParam(string paramName, string msg) => Process(new ArgumentOutOfRangeException(paramName, msg));
    public static Exception ExceptParam(this IExceptionContext ctx, string paramName, string msg) => Process(new ArgumentOutOfRangeException(paramName, msg), ctx);
    public static Exception ExceptParam(string paramName, string msg, params object[] args) => ExceptParam(paramName, Format(msg, args));
    public static Exception ExceptParam(this IExceptionContext ctx, string paramName, string msg, params object[] args) => ctx.ExceptParam(paramName, Format(msg, args));

    public static Exception ExceptValue(string paramName) => Process(new ArgumentNullException(paramName));
    public static Exception ExceptValue(this IExceptionContext ctx, string paramName) => Process(new ArgumentNullException(paramName), ctx);
    public static Exception ExceptValue(string paramName, string msg) => Process(new ArgumentNullException(paramName, msg));
    public static Exception ExceptValue(this IExceptionContext ctx, string paramName, string msg) => Process(new ArgumentNullException(paramName, msg), ctx);

    public static Exception ExceptDecode() => Process(new FormatException());
    public static Exception ExceptDecode(this IExceptionContext ctx) => Process(new FormatException(), ctx);
    public static Exception ExceptDecode(string msg) => Process(new FormatException(msg));
    public static Exception ExceptDecode(this IExceptionContext ctx, string msg) => Process(new FormatException(msg), ctx);
    public static Exception ExceptDecode(string msg, params object[] args) => ExceptDecode(Format(msg, args));
    public static Exception ExceptDecode(this IExceptionContext ctx, string msg, params object[] args) => ctx.ExceptDecode(Format(msg, args));
    public static Exception ExceptDecode(Exception inner, string msg) => Process(new FormatException(msg, inner));
    public static Exception ExceptDecode(this IExceptionContext ctx, Exception inner, string msg) => Process(new FormatException(msg, inner), ctx);

    public static Exception ExceptIO(string msg) => Process(new IOException(msg));
    public static Exception ExceptIO(this IExceptionContext ctx, string msg) => Process(new IOException(msg), ctx);
    public static Exception ExceptIO(this IExceptionContext ctx, Exception inner, string msg) => Process(new IOException(msg, inner), ctx);

    public static Exception ExceptNotSupp(string msg) => Process(new NotSupportedException(msg));
    public static Exception ExceptNotSupp(this IExceptionContext ctx, string msg) => Process(new NotSupportedException(msg), ctx);

    public static Exception ExceptSchemaMismatch(string paramName, string columnRole, string columnName) =>
        ExceptParam(paramName, Mismatch(columnRole, columnName));

    public static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole, string columnName) =>
        ctx.ExceptParam(paramName, Mismatch(columnRole, columnName));

    public static Exception ExceptSchemaMismatch(string paramName, string columnRole, string columnName, string expectedType, string actualType) =>
        ExceptParam(paramName, Mismatch(columnRole, columnName, expectedType, actualType));

    public static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole, string columnName, string expectedType, string actualType) =>
        ctx.ExceptParam(paramName, Mismatch(columnRole, columnName, expectedType, actualType));

    private static string Mismatch(string columnRole, string columnName) => $"Could not find {columnRole} column '{columnName}'";

    private static string Mismatch(string columnRole, string columnName, string expectedType, string actualType) =>
        $"Schema mismatch for {columnRole} column '{columnName}': expected {expectedType}, got {actualType}";

    public static void Check(bool f)
    {
        if (!f)
            throw Process(new InvalidOperationException());
    }

    public static void Check(this IExceptionContext ctx, bool f)
    {
        if (!f)
            throw Process(new InvalidOperationException(), ctx);
    }

    public static void Check(bool f, string msg)
    {
        if (!f)
            throw Except(msg);
    }

    public static void Check(this IExceptionContext ctx, bool f, string msg)
    {
        if (!f)
            throw ctx.Except(msg);
    }

    public static void CheckUserArg(bool f, string name)
    {
        if (!f)
            throw ExceptParam(name);
    }

    public static void CheckUserArg(this IExceptionContext ctx, bool f, string name)
    {
        if (!f)
            throw ctx.ExceptParam(name);
    }

    public static void CheckUserArg(bool f, string name, string msg)
    {
        if (!f)
            throw ExceptParam(name, msg);
    }

    public static void CheckUserArg(this IExceptionContext ctx, bool f, string name, string msg)
    {
        if (!f)
            throw ctx.ExceptParam(name, msg);
    }

    public static void CheckParam(bool f, string paramName)
    {
        if (!f)
            throw ExceptParam(paramName);
    }

    public static void CheckParam(this IExceptionContext ctx, bool f, string paramName)
    {
        if (!f)
            throw ctx.ExceptParam(paramName);
    }

    public static void CheckParam(bool f, string paramName, string msg)
    {
        if (!f)
            throw ExceptParam(paramName, msg);
    }

    public static void CheckParam(this IExceptionContext ctx, bool f, string paramName, string msg)
    {
        if (!f)
            throw ctx.ExceptParam(paramName, msg);
    }

    public static void CheckValue<T>(T val, string paramName) where T : class
    {
        if (val == null)
            throw ExceptValue(paramName);
    }

    public static void CheckValue<T>(this IExceptionContext ctx, T val, string paramName) where T : class
    {
        if (val == null)
            throw ctx.ExceptValue(paramName);
    }

    public static T CheckRef<T>(T val, string paramName) where T : class => val ?? throw ExceptValue(paramName);

    public static T CheckRef<T>(this IExceptionContext ctx, T val, string paramName) where T : class => val ?? throw ctx.ExceptValue(paramName);

    public static string CheckNonEmpty(string s, string paramName) =>
        string.IsNullOrEmpty(s) ? throw ExceptParam(paramName, $"{paramName} cannot be null or empty") : s;

    public static string CheckNonEmpty(this IExceptionContext ctx, string s, string paramName) =>
        string.IsNullOrEmpty(s) ? throw ctx.ExceptParam(paramName, $"{paramName} cannot be null or empty") : s;

    public static T[] CheckNonEmpty<T>(T[] args, string paramName) =>
        args == null || args.Length == 0 ? throw ExceptParam(paramName, $"{paramName} cannot be null or empty") : args;

    public static T[] CheckNonEmpty<T>(this IExceptionContext ctx, T[] args, string paramName) =>
        args == null || args.Length == 0 ? throw ctx.ExceptParam(paramName, $"{paramName} cannot be null or empty") : args;

    public static string CheckNonWhiteSpace(string s, string paramName) =>
        string.IsNullOrWhiteSpace(s) ? throw ExceptParam(paramName, $"{paramName} cannot be null or white space") : s;

    public static string CheckNonWhiteSpace(this IExceptionContext ctx, string s, string paramName) =>
        string.IsNullOrWhiteSpace(s) ? throw ctx.ExceptParam(paramName, $"{paramName} cannot be null or white space") : s;

    public static void CheckDecode(bool f)
    {
        if (!f)
            throw ExceptDecode();
    }

    public static void CheckDecode(this IExceptionContext ctx, bool f)
    {
        if (!f)
            throw ctx.ExceptDecode();
    }

    public static void CheckDecode(bool f, string msg)
    {
        if (!f)
            throw ExceptDecode(msg);
    }

    public static void CheckDecode(this IExceptionContext ctx, bool f, string msg)
    {
        if (!f)
            throw ctx.ExceptDecode(msg);
    }

    public static void CheckIO(bool f, string msg)
    {
        if (!f)
            throw ExceptIO(msg);
    }

    public static void CheckIO(this IExceptionContext ctx, bool f, string msg)
    {
        if (!f)
            throw ctx.ExceptIO(msg);
    }

    public static void CheckAlive(this IHostEnvironment env)
    {
        if (env is ICancelable { IsCanceled: true })
            throw Process(new OperationCanceledException("Operation was canceled."), env);
    }
}
