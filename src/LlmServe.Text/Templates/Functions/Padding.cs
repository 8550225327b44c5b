namespace LlmServe.Text.Templates;

/// <summary>Fills a text up to a width, counted in code points.</summary>
internal static class Padding
{
    public static readonly StringValue Blank = StringValue.Of(" ");

    private static readonly StringValue Zero = StringValue.Of("0");

    /// <summary>Python's <c>center</c>, which puts an odd rest before the text where the width is odd.</summary>
    public static StringValue Center(RenderContext context, StringValue text, int width, StringValue fill)
    {
        int missing = Missing(context, text, width);
        int left = (missing / 2) + (missing & width & 1);
        return Filled(text, 0, fill, left, missing - left);
    }

    public static StringValue Left(RenderContext context, StringValue text, int width, StringValue fill)
    {
        int missing = Missing(context, text, width);
        return Filled(text, 0, fill, 0, missing);
    }

    public static StringValue Right(RenderContext context, StringValue text, int width, StringValue fill)
    {
        int missing = Missing(context, text, width);
        return Filled(text, 0, fill, missing, 0);
    }

    /// <summary>Python's <c>zfill</c>: zeros between the sign and the digits.</summary>
    public static StringValue Zeros(RenderContext context, StringValue text, int width)
    {
        int sign = text.Text is ['+' or '-', ..] ? 1 : 0;
        int missing = Missing(context, text, width);
        return Filled(text, sign, Zero, missing, 0);
    }

    /// <summary>Puts one character so many times before the text's part from an offset on, and behind it.</summary>
    private static StringValue Filled(StringValue text, int offset, StringValue fill, int before, int after)
    {
        if (before == 0 && after == 0)
        {
            return text;
        }

        bool isInput = !fill.Origin.IsTemplate;
        return new TextBuilder(text.Text.Length + before + after)
            .Append(text, 0, offset)
            .Append(new string(fill.Text[0], before), isInput)
            .Append(text, offset, text.Text.Length - offset)
            .Append(new string(fill.Text[0], after), isInput)
            .ToValue(text.IsSafe);
    }

    private static int Missing(RenderContext context, StringValue text, int width)
    {
        int missing = Math.Max(0, width - text.Length!.Value);
        context.ChargeText(missing == 0 ? 0 : (long)missing + text.Text.Length);
        return missing;
    }
}
