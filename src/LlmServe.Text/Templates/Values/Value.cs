namespace LlmServe.Text.Templates;

/// <summary>
/// A value of a template, with the behaviour of the Python object that it stands for. Values do not change once made, except for namespaces
/// and the helpers of loops.
/// </summary>
internal abstract class Value
{
    /// <summary>Python's name of the type, for messages.</summary>
    public abstract string TypeName { get; }

    /// <summary>Python's <c>bool(x)</c>.</summary>
    public virtual bool IsTrue => true;

    /// <summary>How deep lists and dicts nest in here; 0 for anything else.</summary>
    public virtual int Depth => 0;

    /// <summary>Number of values in here, counted as often as they occur: the work of comparing or printing.</summary>
    public virtual long Size => 1;

    /// <summary>Python's <c>len(x)</c>, or null where it is a type error.</summary>
    public virtual int? Length => null;

    /// <summary>A method or attribute of the Python object (not a dict's key), or null where there is none.</summary>
    public virtual Value? GetAttribute(string name) => null;

    /// <summary><c>x[key]</c>, or null where Python raises.</summary>
    public virtual Value? GetItem(RenderContext context, Value key) => null;

    /// <summary><c>x[start:stop:step]</c>, or null where Python raises.</summary>
    public virtual Value? GetSlice(RenderContext context, SliceBounds bounds) => null;

    /// <summary>The items that <c>for</c> visits, or null where Python cannot iterate.</summary>
    public virtual IEnumerable<Value>? Items(RenderContext context) => null;

    /// <summary><c>x(…)</c>.</summary>
    public virtual Value Call(RenderContext context, in Arguments arguments) =>
        throw new TemplateRuntimeException($"a value of type '{TypeName}' cannot be called");

    /// <summary>Whether <see cref="Call"/> has a meaning.</summary>
    public virtual bool IsCallable => false;

    /// <summary>The items that <c>for</c> visits.</summary>
    /// <exception cref="TemplateRuntimeException">Python cannot iterate over such a value.</exception>
    public IEnumerable<Value> RequireItems(RenderContext context) =>
        Items(context) ?? throw new TemplateRuntimeException($"a value of type '{TypeName}' cannot be iterated over");
}
