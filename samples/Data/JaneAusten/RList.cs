namespace Maha.Samples.Data.JaneAusten;

/// <summary>A list of R, its items perhaps named.</summary>
/// <param name="Items">
/// Each a <c>string?[]</c> (null is NA), <c>int[]</c> (also for logical vectors), <c>double[]</c>, <see cref="RList"/>,
/// or null for NULL.
/// </param>
/// <param name="Names">As many as items, or null.</param>
public sealed record RList(IReadOnlyList<object?> Items, IReadOnlyList<string?>? Names)
{
    /// <summary>The first item of that name, or null where there is none.</summary>
    public object? this[string name]
    {
        get
        {
            for (int i = 0; Names is not null && i < Names.Count && i < Items.Count; i++)
            {
                if (Names[i] == name)
                    return Items[i];
            }

            return null;
        }
    }
}
