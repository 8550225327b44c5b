using LlmServe.Compiler.Graph;
using LlmServe.Execution;

namespace LlmServe.Compiler.Programs;

/// <summary>
/// Finds how many columns of each value must stay on one lane, so that what is done to them next can be done there: a head that is rotated, a block that is
/// quantized, a run of the cache that shares a scale.
/// </summary>
internal static class ColumnGroups
{
    /// <summary>Columns that belong together, by value; 1 where there is no such demand.</summary>
    public static int[] Compute(ModelGraph graph, ActivationForms[] forms, ITarget target, KvElement kv)
    {
        int[] groups = new int[graph.Values.Count];
        foreach (var value in graph.Values)
        {
            groups[value.Id] = target.GroupOf(forms[value.Id]);
        }

        foreach (var operation in graph.Operations.Reverse())
        {
            foreach (var input in operation.Inputs)
            {
                int group = operation.GroupOf(input, target, kv);
                if (group == 0)
                {
                    continue;
                }

                foreach (var output in operation.Outputs.Where(o => o.Columns == input.Columns))
                {
                    group = Common(group, groups[output.Id], input.Columns);
                }

                groups[input.Id] = Common(groups[input.Id], group, input.Columns);
            }
        }

        return groups;
    }

    /// <summary>The least common multiple of two groups, if a value of so many columns can be cut by it; else the first.</summary>
    public static int Common(int first, int second, long columns)
    {
        long common = (long)first / Gcd(first, second) * second;
        return common <= columns ? (int)common : first;
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}
