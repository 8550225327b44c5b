namespace LlmServe.Text.Templates;

/// <summary>Python's <c>sorted</c>. The library's sorts are not stable, or hide the exception that a comparison throws.</summary>
internal static class Sorting
{
    /// <summary>The items in the order of their keys; equal ones keep their order, also when the whole is reversed.</summary>
    /// <exception cref="TemplateRuntimeException">Two keys cannot be ordered.</exception>
    public static T[] Stable<T>(RenderContext context, IReadOnlyCollection<T> items, Func<T, Value> key, bool isReversed = false)
    {
        context.Step(items.Count);
        var source = items.Select(item => (Item: item, Key: key(item))).ToArray();
        var target = new (T Item, Value Key)[source.Length];
        for (int width = 1; width < source.Length; width *= 2)
        {
            for (int start = 0; start < source.Length; start += 2 * width)
            {
                int middle = Math.Min(start + width, source.Length);
                Merge(context, source, target, (start, middle, Math.Min(middle + width, source.Length)), isReversed);
            }

            (source, target) = (target, source);
        }

        return Array.ConvertAll(source, static pair => pair.Item);
    }

    private static void Merge<T>(
        RenderContext context, (T Item, Value Key)[] source, (T Item, Value Key)[] target, (int Start, int Middle, int End) run, bool isReversed)
    {
        int left = run.Start;
        int right = run.Middle;
        for (int i = run.Start; i < run.End; i++)
        {
            bool takesRight = right < run.End;
            if (takesRight && left < run.Middle)
            {
                context.Step();
                int order = Comparison.Order(context, source[right].Key, source[left].Key, "<") ?? 0;
                takesRight = isReversed ? order > 0 : order < 0;
            }

            target[i] = takesRight ? source[right++] : source[left++];
        }
    }
}
