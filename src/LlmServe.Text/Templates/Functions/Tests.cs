using System.Collections.Frozen;

namespace LlmServe.Text.Templates;

/// <summary>All tests by name: what may follow <c>is</c>.</summary>
internal static class Tests
{
    private static readonly FrozenDictionary<string, BuiltIn> Table =
        new[] { TypeTests.All, ComparisonTests.All }.SelectMany(family => family).ToFrozenDictionary(test => test.Name);

    public static BuiltIn? Find(string name) => Table.GetValueOrDefault(name);

    public static TemplateRuntimeException Unknown(string name) => new($"there is no test named '{name}'");
}

/// <summary>Tests of what a value is.</summary>
internal static class TypeTests
{
    public static readonly BuiltIn[] All =
    [
        Of("defined", static value => value is not UndefinedValue),
        Of("undefined", static value => value is UndefinedValue),
        Of("none", static value => value is NoneValue),
        Of("boolean", static value => value is BoolValue),
        Of("true", static value => value is BoolValue { IsTrue: true }),
        Of("false", static value => value is BoolValue { IsTrue: false }),
        Of("integer", static value => value is IntValue),
        Of("float", static value => value is FloatValue),
        Of("number", static value => value is IntValue or FloatValue or BoolValue),
        Of("string", static value => value is StringValue),
        Of("mapping", static value => value is DictValue),
        Of("sequence", static value => value is StringValue or SequenceValue or DictValue or RangeValue or UndefinedValue),
        new("iterable", [], 0, static (context, self, _) => BoolValue.Of(self.Items(context) is not null)),
        Of("callable", static value => value.IsCallable),
        Of("escaped", static value => value is StringValue { IsSafe: true }),
        new("lower", [], 0, static (context, self, _) => BoolValue.Of(PythonCase.IsLower(PythonFormat.Str(context, self).Text))),
        new("upper", [], 0, static (context, self, _) => BoolValue.Of(PythonCase.IsUpper(PythonFormat.Str(context, self).Text))),
        new("filter", [], 0, static (_, self, _) => BoolValue.Of(Filters.Find(Take.Text(self, "value") ?? "") is not null)),
        new("test", [], 0, static (_, self, _) => BoolValue.Of(Tests.Find(Take.Text(self, "value") ?? "") is not null)),
    ];

    private static BuiltIn Of(string name, Func<Value, bool> holds) => new(name, [], 0, (_, self, _) => BoolValue.Of(holds(self)));
}

/// <summary>Tests that compare a value with another.</summary>
internal static class ComparisonTests
{
    public static readonly BuiltIn[] All =
    [
        .. Named("==", "==", "eq", "equalto"),
        .. Named("!=", "!=", "ne"),
        .. Named("<", "<", "lt", "lessthan"),
        .. Named("<=", "<=", "le"),
        .. Named(">", ">", "gt", "greaterthan"),
        .. Named(">=", ">=", "ge"),
        .. Named("in", "in"),
        new("sameas", ["other"], 1, static (_, self, arguments) => BoolValue.Of(AreSame(self, arguments[0]!))),
        new("divisibleby", ["num"], 1, static (context, self, arguments) =>
            BoolValue.Of(!Operators.Apply(context, "%", self, arguments[0]!).IsTrue)),
        new("even", [], 0, static (context, self, _) => BoolValue.Of(!Operators.Apply(context, "%", self, IntValue.Of(2)).IsTrue)),
        new("odd", [], 0, static (context, self, _) =>
            BoolValue.Of(Comparison.AreEqual(Operators.Apply(context, "%", self, IntValue.Of(2)), IntValue.Of(1)))),
    ];

    private static IEnumerable<BuiltIn> Named(string sign, params string[] names) => names.Select(name =>
        new BuiltIn(name, ["b"], 1, (context, self, arguments) => BoolValue.Of(ComparisonNode.Holds(context, sign, self, arguments[0]!))));

    /// <summary>Identity. Python shares equal short strings and small integers, so equal ones of one type count as the same object.</summary>
    private static bool AreSame(Value a, Value b) => ReferenceEquals(a, b) || (a, b) switch
    {
        (StringValue x, StringValue y) => x.Text == y.Text && x.IsSafe == y.IsSafe,
        (IntValue x, IntValue y) => x.Number == y.Number,
        _ => false,
    };
}
