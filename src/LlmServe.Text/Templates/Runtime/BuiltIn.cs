namespace LlmServe.Text.Templates;

/// <summary>Code of a filter, test, method or function. Arguments that are not given are null.</summary>
internal delegate Value BuiltInBody(RenderContext context, Value self, Value?[] arguments);

/// <summary>Code of a function that looks at its arguments itself.</summary>
internal delegate Value VariadicBody(RenderContext context, Value self, Arguments arguments);

/// <summary>A filter, test, method or function of the interpreter.</summary>
internal sealed class BuiltIn
{
    private static readonly Value?[][] Nothing = [.. Enumerable.Range(0, 8).Select(i => new Value?[i])];

    private readonly string[] _parameters;
    private readonly int _required;
    private readonly BuiltInBody? _body;
    private readonly VariadicBody? _variadic;

    /// <param name="name">Name as templates write it.</param>
    /// <param name="parameters">Names of the parameters after the value itself.</param>
    /// <param name="required">How many of them must be given.</param>
    /// <param name="body">The code; it must not write to its arguments.</param>
    public BuiltIn(string name, string[] parameters, int required, BuiltInBody body)
    {
        Name = name;
        _parameters = parameters;
        _required = required;
        _body = body;
    }

    private BuiltIn(string name, VariadicBody body)
    {
        Name = name;
        _parameters = [];
        _variadic = body;
    }

    public string Name { get; }

    public static BuiltIn Variadic(string name, VariadicBody body) => new(name, body);

    public Value Invoke(RenderContext context, Value self, in Arguments arguments)
    {
        // Whatever looks at a text may look at all of it.
        context.Step(self is StringValue text ? 1 + (text.Text.Length >> 6) : 1);
        if (_variadic is not null)
        {
            return _variadic(context, self, arguments);
        }

        bool isBare = _required == 0 && arguments.Positional.Length == 0 && arguments.Named.Length == 0;
        return _body!(context, self, isBare ? Nothing[_parameters.Length] : arguments.Bind(Name, _parameters, _required));
    }
}
