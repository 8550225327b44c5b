namespace LlmServe.Constraints.Automata;

/// <summary>Groups of nodes that reach each other, found as Tarjan does (1972), without recursion. Groups are numbered callees first.</summary>
/// <param name="Of">[nodes] The group of each node.</param>
/// <param name="Sizes">[groups] How many nodes each has.</param>
internal sealed record StrongComponents(int[] Of, List<int> Sizes)
{
    /// <summary>Finds the groups.</summary>
    /// <param name="nodes">Number of nodes.</param>
    /// <param name="edges">Where a node's edges lead.</param>
    public static StrongComponents Find(int nodes, Func<int, IEnumerable<int>> edges)
    {
        int[] order = new int[nodes];
        int[] low = new int[nodes];
        int[] group = new int[nodes];
        Array.Fill(group, -1);
        var sizes = new List<int>();
        var path = new Stack<int>();
        var calls = new Stack<(int Node, IEnumerator<int> Edges)>();
        int visited = 0;
        for (int root = 0; root < nodes; root++)
        {
            if (order[root] == 0)
            {
                Enter(root);
            }

            while (calls.TryPeek(out var call))
            {
                if (call.Edges.MoveNext())
                {
                    int next = call.Edges.Current;
                    if (order[next] == 0)
                    {
                        Enter(next);
                    }
                    else if (group[next] < 0)
                    {
                        low[call.Node] = Math.Min(low[call.Node], order[next]);
                    }
                }
                else
                {
                    calls.Pop().Edges.Dispose();
                    Leave(call.Node);
                }
            }
        }

        return new StrongComponents(group, sizes);

        void Enter(int node)
        {
            order[node] = low[node] = ++visited;
            path.Push(node);
            calls.Push((node, edges(node).GetEnumerator()));
        }

        void Leave(int node)
        {
            if (calls.TryPeek(out var caller))
            {
                low[caller.Node] = Math.Min(low[caller.Node], low[node]);
            }

            if (low[node] != order[node])
            {
                return;
            }

            int size = 0;
            int member;
            do
            {
                member = path.Pop();
                group[member] = sizes.Count;
                size++;
            }
            while (member != node);
            sizes.Add(size);
        }
    }
}
