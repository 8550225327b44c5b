namespace LlmServe.Text.Templates;

/// <summary>The evaluated arguments of a call.</summary>
internal readonly struct Arguments(Value[] positional, NamedArgument[] named)
{
    public static readonly Arguments None = new([], []);

    public Value[] Positional { get; } = positional;

    public NamedArgument[] Named { get; } = named;

    /// <summary>The same arguments without the first <paramref name="count"/> positional ones.</summary>
    public Arguments Skip(int count) => new(Positional[count..], Named);

    /// <summary>Puts the arguments into the order of the parameters; an argument that is not given is null.</summary>
    /// <param name="function">Name for messages.</param>
    /// <param name="parameters">Names in order.</param>
    /// <param name="required">How many of the first parameters must be given.</param>
    public Value?[] Bind(string function, string[] parameters, int required)
    {
        if (Positional.Length > parameters.Length)
        {
            throw new TemplateRuntimeException(
                $"{function} takes {parameters.Length} arguments at most, and {Positional.Length} are given");
        }

        var bound = new Value?[parameters.Length];
        Positional.CopyTo(bound, 0);
        foreach (var (key, value) in Named)
        {
            string name = key.Text;
            int index = Array.IndexOf(parameters, name);
            if (index < 0)
            {
                throw new TemplateRuntimeException($"{function} has no parameter '{name}'");
            }

            bound[index] = bound[index] is null
                ? value : throw new TemplateRuntimeException($"the parameter '{name}' of {function} is given twice");
        }

        for (int i = 0; i < required; i++)
        {
            if (bound[i] is null)
            {
                throw new TemplateRuntimeException($"{function} needs the argument '{parameters[i]}'");
            }
        }

        return bound;
    }
}
