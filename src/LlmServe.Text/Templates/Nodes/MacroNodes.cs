namespace LlmServe.Text.Templates;

/// <summary>A macro's name, parameters and body. The flags say which of the three special variables the body mentions.</summary>
internal sealed class MacroDefinition(string name, string[] parameters, Expression?[] defaults, Block body, SpecialNames special)
{
    public string Name => name;

    public string[] Parameters => parameters;

    /// <summary>The names of the parameters as a tuple of the template.</summary>
    public TupleValue ParameterNames { get; } = TupleValue.OfTexts(parameters);

    /// <summary>The default of each parameter; null where it has none.</summary>
    public Expression?[] Defaults => defaults;

    public Block Body => body;

    public SpecialNames Special => special;
}

/// <summary>Variables that a macro gets only if its body mentions them.</summary>
[Flags]
internal enum SpecialNames
{
    None = 0, Caller = 1, Varargs = 2, Kwargs = 4,
}

/// <summary><c>{% macro name(…) %} … {% endmacro %}</c>.</summary>
internal sealed class MacroNode(MacroDefinition definition) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Step();
        context.Scope.Set(definition.Name, new MacroValue(definition, context.Scope));
        return Flow.Next;
    }
}

/// <summary><c>{% call(…) macro(…) %} … {% endcall %}</c>.</summary>
internal sealed class CallBlockNode(CallNode call, MacroDefinition caller, int line) : Statement
{
    public override Flow Execute(RenderContext context)
    {
        context.Line = line;
        context.Write(PythonFormat.Str(context, call.Call(context, new MacroValue(caller, context.Scope))));
        return Flow.Next;
    }
}

/// <summary>A macro together with the scope that it was defined in, whose variables it sees as they are when it is called.</summary>
internal sealed class MacroValue(MacroDefinition definition, Scope home) : Value
{
    public override string TypeName => "Macro";

    public override bool IsCallable => true;

    public string Name => definition.Name;

    public override Value? GetAttribute(string name) => name switch
    {
        "name" => StringValue.Of(definition.Name),
        "arguments" => definition.ParameterNames,
        "catch_kwargs" => BoolValue.Of(definition.Special.HasFlag(SpecialNames.Kwargs)),
        "catch_varargs" => BoolValue.Of(definition.Special.HasFlag(SpecialNames.Varargs)),
        "caller" => BoolValue.Of(definition.Special.HasFlag(SpecialNames.Caller)),
        _ => null,
    };

    public override Value Call(RenderContext context, in Arguments arguments)
    {
        context.EnterCall();
        var callerScope = context.Scope;
        int line = context.Line;
        context.Scope = new Scope(home);
        Bind(context, arguments);
        var capture = context.BeginCapture();
        definition.Body.Execute(context);
        var text = context.EndCapture(capture);
        context.Scope = callerScope;
        context.Line = line;
        context.LeaveCall();
        return text;
    }

    private void Bind(RenderContext context, in Arguments arguments)
    {
        string[] parameters = definition.Parameters;
        var scope = context.Scope;
        int positional = Math.Min(parameters.Length, arguments.Positional.Length);
        var rest = new List<KeyValuePair<Value, Value>>();
        var values = new Value?[parameters.Length];
        Array.Copy(arguments.Positional, values, positional);
        Value caller = UndefinedValue.Variable("caller");
        foreach (var argument in arguments.Named)
        {
            var (name, value) = (argument.Name.Text, argument.Value);
            int index = Array.IndexOf(parameters, name);
            if (index >= 0)
            {
                values[index] = values[index] is null ? value : throw Fail($"gets its parameter '{name}' twice");
            }
            else if (name == "caller" && definition.Special.HasFlag(SpecialNames.Caller))
            {
                caller = value;
            }
            else
            {
                rest.Add(argument.ToEntry());
            }
        }

        // Defaults are evaluated in order, each one with the parameters before it in place.
        for (int i = 0; i < parameters.Length; i++)
        {
            scope.Set(parameters[i], values[i] ?? definition.Defaults[i]?.Evaluate(context) ?? UndefinedValue.Variable(parameters[i]));
        }

        BindSpecial(context, scope, caller, arguments.Positional[positional..], rest);
    }

    private void BindSpecial(RenderContext context, Scope scope, Value caller, Value[] extra, List<KeyValuePair<Value, Value>> named)
    {
        if (definition.Special.HasFlag(SpecialNames.Caller))
        {
            scope.Set("caller", caller);
        }

        if (definition.Special.HasFlag(SpecialNames.Varargs))
        {
            scope.Set("varargs", new TupleValue(context, extra));
        }
        else if (extra.Length > 0)
        {
            throw Fail($"takes {definition.Parameters.Length} arguments at most");
        }

        if (definition.Special.HasFlag(SpecialNames.Kwargs))
        {
            scope.Set("kwargs", new DictValue(context, named));
        }
        else if (named.Count > 0)
        {
            throw Fail($"has no parameter {PythonFormat.Quote(((StringValue)named[0].Key).Text)}");
        }
    }

    private TemplateRuntimeException Fail(string message) => new($"the macro '{definition.Name}' {message}");
}
