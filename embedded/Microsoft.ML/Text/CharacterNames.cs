namespace Microsoft.ML.Text;

/// <summary>How characters are written in slot names: as in ML.NET, but for halves of surrogate pairs, which all get the same name there.</summary>
internal static class CharacterNames
{
    // U+0080 to U+009F
    private static readonly string[] s_controls =
    [
        "PAD", "HOP", "BPH", "NBH", "IND", "NEL", "SSA", "ESA", "HTS", "HTJ", "VTS", "PLD", "PLU", "RI", "SS2", "SS3",
        "DCS", "PU1", "PU2", "STS", "CCH", "MW", "SPA", "EPA", "SOS", "SGCI", "SCI", "CSI", "ST", "OSC", "PM", "APC",
    ];

    public static string Of(uint character)
    {
        char c = (char)character;
        return c switch
        {
            '\0' => "*",
            <= ' ' => $"<{(char)(c + '\u2400')}>",
            '\u007F' => "<\u2421>",
            >= '\u0080' and <= '\u009F' => $"<{s_controls[c - '\u0080']}>",
            '\u2028' => "<LSEP>",
            '\u2029' => "<PSEP>",
            >= '\uD800' and <= '\uDFFF' => $"\\u{(int)c:X4}",
            _ => c.ToString(),
        };
    }
}
