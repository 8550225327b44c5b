namespace LlmServe.Text.Templates;

/// <summary>Fills a text up to a width, counted in code points.</summary>
internal static class Padding
{
    /// <summary>Python's <c>center</c>, which puts an odd rest before the text where the width is odd.</summary>
    public static StringValue Center(RenderContext context, StringValue text, int width, char fill)
    {
        int missing = Missing(context, text, width);
        int left = (missing / 2) + (missing & width & 1);
        return missing == 0 ? text : new StringValue(new string(fill, left) + text.Text + new string(fill, missing - left), text.IsSafe);
    }

    public static StringValue Left(RenderContext context, StringValue text, int width, char fill)
    {
        int missing = Missing(context, text, width);
        return missing == 0 ? text : new StringValue(text.Text + new string(fill, missing), text.IsSafe);
    }

    public static StringValue Right(RenderContext context, StringValue text, int width, char fill)
    {
        int missing = Missing(context, text, width);
        return missing == 0 ? text : new StringValue(new string(fill, missing) + text.Text, text.IsSafe);
    }

    /// <summary>Python's <c>zfill</c>: zeros between the sign and the digits.</summary>
    public static StringValue Zeros(RenderContext context, StringValue text, int width)
    {
        int sign = text.Text is ['+' or '-', ..] ? 1 : 0;
        int missing = Missing(context, text, width);
        return missing == 0 ? text : new StringValue(text.Text[..sign] + new string('0', missing) + text.Text[sign..], text.IsSafe);
    }

    private static int Missing(RenderContext context, StringValue text, int width)
    {
        int missing = Math.Max(0, width - text.Length!.Value);
        context.ChargeText(missing == 0 ? 0 : (long)missing + text.Text.Length);
        return missing;
    }
}
