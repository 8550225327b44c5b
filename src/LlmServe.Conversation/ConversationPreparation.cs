using System.Security.Cryptography;
using System.Runtime.InteropServices;
using System.Buffers.Binary;
using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;
using LlmServe.Conversation.Templates;
using LlmServe.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation;

/// <summary>Makes a prompt and a constraint of one conversation.</summary>
internal sealed class ConversationPreparation
{
    private readonly ITokenizer _tokenizer;
    private readonly PreparedTemplate _template;
    private readonly ConversationRequest _request;
    private readonly ToolSchemas _schemas;
    private readonly CancellationToken _cancellation;
    private readonly List<string> _warnings = [];
    private readonly TemplateMessages _messages;

    public ConversationPreparation(
        ITokenizer tokenizer, PreparedTemplate template, ConversationRequest request, ToolSchemas schemas, CancellationToken cancellation)
    {
        RequestCheck.Run(request);
        _tokenizer = tokenizer;
        _template = template;
        _request = request;
        _schemas = schemas;
        _cancellation = cancellation;
        _messages = new TemplateMessages(template, request);
        if (!request.ParsesAnswer && request.HasTools && !template.Capabilities.Tools)
        {
            string problem = $"the model's template '{template.Name}' never looks at tools, so that the model does not see them";
            if (request.RefusesIgnoredTools)
            {
                throw new ConversationException(request.ToolsPath, problem);
            }

            _warnings.Add($"{request.ToolsPath}: {problem}");
        }
    }

    public PreparedConversation Run()
    {
        var prompt = Fit(out var removed);
        bool startsInReasoning = StartsInReasoning(prompt.Text);
        var tools = new ToolSet(_request.ParsesAnswer ? _request.Tools : [], _request.ParsesAnswer ? _request.ToolChoice : ToolChoice.None);
        var options = new AnswerParserOptions
        {
            Format = _template.Format,
            Tools = tools,
            Reasoning = _request.ParsesAnswer && !_request.Reasoning.StaysInText ? _template.Reasoning : null,
            ShowsMarks = _request.Reasoning.StaysInText,
            StartsInReasoning = startsInReasoning,
            HoldsCalls = false,
            StopTexts = _request.StopTexts,
            IdSeed = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(prompt.Ids)))),
        };
        return new PreparedConversation(() => new ConversationParser(_tokenizer, _template.Markers, options))
        {
            Prompt = prompt.Ids,
            Constraint = Constraint(tools, startsInReasoning),
            Warnings = _warnings,
            RemovedMessages = removed,
            Template = _template.Name,
            ToolFormat = _template.Format.Name,
        };
    }

    /// <summary>The prompt; where it is too long and whole turns may leave, without as few of the oldest as make it fit.</summary>
    private Prompt Fit(out IReadOnlyList<int> removed)
    {
        var prompt = Render(new HashSet<int>());
        var gone = new HashSet<int>();
        if (_request.DropsOldest && !prompt.Fits)
        {
            // A prompt grows with every turn that stays. The last one never leaves: where it alone is too long, the engine says so.
            var turns = ConversationTurns.Of(_request.Messages);
            var (fewest, enough) = (1, turns.Count - 1);
            while (fewest < enough)
            {
                int middle = (fewest + enough) / 2;
                (fewest, enough) = Render(Oldest(middle)).Fits ? (fewest, middle) : (middle + 1, enough);
            }

            gone = Oldest(enough);
            prompt = gone.Count > 0 ? Render(gone) : prompt;

            HashSet<int> Oldest(int count) => [.. turns.Take(count).SelectMany(turn => turn)];
        }

        removed = [.. gone.Order()];
        return prompt.Problem is { } problem ? throw problem : prompt;
    }

    private Prompt Render(HashSet<int> removed)
    {
        var rendered = RenderText(Enumerable.Range(0, _request.Messages.Count).Where(index => !removed.Contains(index)));
        var ids = new List<int>();
        int most = _request.MostTokens ?? int.MaxValue;
        if (TokenCount.IsSurelyAbove(_tokenizer, rendered.Text, most, out long counted, _cancellation))
        {
            string problem = $"the prompt has {rendered.Text.Length} characters and more than {counted} tokens; at most {most} are of use here";
            return new(ids, rendered.Text, false, new(_request.MessagesPath, problem) { TooLong = (counted, most) });
        }

        _tokenizer.Encode(rendered.Text, addSpecial: false, _request.AllowsControlTokens ? [] : rendered.Inputs, ids, _cancellation);
        return new(ids, rendered.Text, ids.Count <= most, ids.Count == 0 ? new(_request.MessagesPath, "the chat template makes an empty prompt out of them") : null);
    }

    private RenderedText RenderText(IEnumerable<int> kept)
    {
        try
        {
            var rendered = _template.Template.Render(
                new ChatTemplateInput
                {
                    Messages = _messages.Build(kept),
                    Tools = _messages.Tools(),
                    AddGenerationPrompt = _request.AddGenerationPrompt && !_request.ContinuesFinalMessage,
                    BosToken = _template.BosToken,
                    EosToken = _template.EosToken,
                    Variables = TemplateVariables.Of(_request, _template.Capabilities),
                    Now = _request.Now,
                },
                _request.Limits, _cancellation);
            return _request.ContinuesFinalMessage ? FinalMessage.Open(rendered, _request) : rendered;
        }
        catch (TemplateException error) when (_request.ParsesAnswer && error is not TemplateSyntaxException)
        {
            throw new ConversationException(_request.MessagesPath, $"the model's chat template does not take them: {error.Message}", error);
        }
    }

    /// <summary>Whether the prompt has opened the reasoning, so that the answer begins within it.</summary>
    private bool StartsInReasoning(string prompt) => _template.Reasoning is { } marks && !_request.ContinuesFinalMessage
        && prompt.AsSpan().TrimEnd().EndsWith(marks.Start, StringComparison.Ordinal);

    private ConstraintRule? Constraint(ToolSet tools, bool startsInReasoning)
    {
        if (!_request.ParsesAnswer)
        {
            return _request.ResponseFormat;
        }

        var grammar = new ToolGrammar(
            tools, _template.Markers, _request.ParallelToolCalls && !_template.Format.IsSingle, _request.ResponseFormat, tool => _schemas.Of(tool, _request));
        bool budget = _request.Reasoning.MaxTokens is not null && _template.Reasoning is not null && !_request.Reasoning.StaysInText;
        var answer = Answer(grammar);
        if (answer is null && !budget)
        {
            return null;
        }

        return _template.Format.ReadsReasoning || _template.Reasoning is not { } marks
            ? answer is null ? null : ConstraintRule.Of(answer)
            : WithReasoning(grammar, marks, answer, startsInReasoning);
    }

    /// <summary>The rule for the answer behind reasoning; null where anything goes.</summary>
    private ConstraintPart? Answer(ToolGrammar grammar)
    {
        if (grammar.Tools.Callable.Count > 0 || (_template.Format.ReadsReasoning && grammar.Response is not null))
        {
            return _template.Format.Answer(grammar);
        }

        return grammar.Response is { } response ? new ConstraintPart.Rule(response)
            : _request.Tools.Count > 0 && grammar.Tools.Choice.Mode == ToolChoiceMode.None ? _template.Format.Text(grammar) : null;
    }

    private ConstraintRule WithReasoning(ToolGrammar grammar, ReasoningMarks marks, ConstraintPart? answer, bool startsInReasoning)
    {
        if (_request.Reasoning.Enabled == false && !startsInReasoning)
        {
            return ConstraintRule.Of(answer ?? grammar.TextWithout());
        }

        // The model may open its reasoning itself; models break lines behind it.
        var preamble = new ConstraintPreamble(grammar.Mark(marks.End), _request.Reasoning.MaxTokens)
        {
            Start = startsInReasoning ? null : grammar.Mark(marks.Start), MostSpace = 2,
        };
        return ConstraintRule.Of(answer ?? grammar.TextWithout()) with { Preamble = preamble };
    }

    /// <summary>A rendered conversation.</summary>
    /// <param name="Ids">Its tokens; none where it is much too long.</param>
    /// <param name="Text">The text.</param>
    /// <param name="Fits">Whether it has no more tokens than are of use.</param>
    /// <param name="Problem">Why it can be no prompt; null where it can.</param>
    private sealed record Prompt(List<int> Ids, string Text, bool Fits, ConversationException? Problem);
}
