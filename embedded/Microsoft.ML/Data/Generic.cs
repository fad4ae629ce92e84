using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.Data;

// Calls a generic method with a type known at run time only: Invoke(Method<int>, type, arguments) runs Method<type>.
internal static class Generic
{
    public static object Invoke(Delegate method, Type type, params object[] arguments)
    {
        try
        {
            return method.Method.GetGenericMethodDefinition().MakeGenericMethod(type).Invoke(method.Target, arguments);
        }
        catch (TargetInvocationException ex)
        {
            ExceptionDispatchInfo.Throw(ex.InnerException);
            throw;
        }
    }
}
