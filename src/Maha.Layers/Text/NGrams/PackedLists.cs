namespace Maha.Layers.Text;

/// <summary>Lists of different lengths, one after the other in one array: an array of their ends says where each list is.</summary>
internal static class PackedLists
{
    /// <summary>Returns the first position of a list; it ends before <paramref name="ends"/>[<paramref name="list"/>].</summary>
    public static int StartOf(int[] ends, int list) => list == 0 ? 0 : ends[list - 1];
}
