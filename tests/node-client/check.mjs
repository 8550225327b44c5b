// Checks a server from outside .NET: node check.mjs HOST:PORT GUARDED_HOST:PORT KEY
//
// The second server asks for the API key KEY, which may have one answer running.
// The server is the one that NodeClientTests starts: model "fake" answers "Hello, world!" to every chat, "slow" goes on for minutes and runs one
// generation at a time with one waiting, "plain" has no chat template, "faulty" has a broken one, "broken" fails while it runs.
// Prints one line per check; the line "stop the server" asks the test to stop it. Exits with 0 if every check passed.
import assert from 'node:assert/strict';
import grpc from '@grpc/grpc-js';
import { collect, connect, first, unary } from './client.mjs';

const { status } = grpc;
const services = ['llmserve.v1.ChatService', 'llmserve.v1.TextService', 'llmserve.v1.ModelService'];
const client = connect(process.argv[2]);
const guarded = connect(process.argv[3]);
const key = new grpc.Metadata();
key.set('authorization', `Bearer ${process.argv[4]}`);
const user = (content) => [{ role: 'user', content }];
const chat = (request, options) => client.chat.Chat(request, options);
const textOf = ({ messages }) => messages.map((message) => message.delta.text).join('');

/** Asserts that a promise of a call, or of a collected stream, fails with a status. */
async function fails(promise, code, message) {
  const error = await promise.then((result) => result?.error, (failure) => failure);
  assert.ok(error, `expected ${status[code]}, but the call succeeded`);
  assert.equal(status[error.code], status[code], error.message);
  assert.match(error.details, message);
  return error;
}

const checks = {
  async 'health of the server and of each service'() {
    for (const service of ['', ...services]) {
      assert.equal((await unary(client.health, 'Check', { service })).status, 'SERVING', service);
    }
    await fails(unary(client.health, 'Check', { service: 'no.such.Service' }), status.NOT_FOUND, /^/);
  },

  async 'reflection lists the services and describes one'() {
    const ask = async (request) => {
      const call = client.reflection.ServerReflectionInfo();
      call.end(request);
      return (await collect(call)).messages[0];
    };
    const names = (await ask({ list_services: '*' })).list_services_response.service.map(({ name }) => name);
    for (const name of [...services, 'grpc.health.v1.Health']) {
      assert.ok(names.includes(name), `${name} is missing in ${names}`);
    }
    const files = (await ask({ file_containing_symbol: services[0] })).file_descriptor_response.file_descriptor_proto;
    assert.ok(files.some((file) => file.includes('ChatRequest')));
  },

  async 'models'() {
    const { models } = await unary(client.models, 'ListModels', {});
    assert.deepEqual(models.map(({ id }) => id), ['fake', 'slow', 'plain', 'faulty', 'broken']);
    const { model } = await unary(client.models, 'GetModel', { model: 'plain' });
    assert.equal(model.has_chat_template, false);
    assert.equal(model.vocabulary_size, 320);
  },

  async 'tokenize and detokenize'() {
    const text = 'Hello, world 日本語 😀';
    const { token_ids, pieces } = await unary(client.text, 'Tokenize', { text, options: { add_special: false }, include_pieces: true });
    assert.equal(pieces.length, token_ids.length);
    assert.equal((await unary(client.text, 'Detokenize', { token_ids })).text, text);
  },

  async 'a plan of a chat'() {
    const plan = await unary(client.models, 'Plan', { chat: { messages: user('Hi'), options: { max_tokens: 5 } } });
    assert.equal(plan.accepted, true);
    assert.ok(plan.prompt_tokens > 0 && plan.time_to_first_token_seconds > 0 && plan.tokens_per_second > 0);
    await fails(unary(client.models, 'Plan', {}), status.INVALID_ARGUMENT, /^request: /);
  },

  async 'a server with keys refuses calls without one and answers calls with one'() {
    await fails(unary(guarded.models, 'ListModels', {}), status.UNAUTHENTICATED, /asks for an API key; send the metadata 'authorization: Bearer KEY'$/);
    await fails(collect(guarded.chat.Chat({ messages: user('Hi') })), status.UNAUTHENTICATED, /asks for an API key/);
    assert.equal((await unary(guarded.health, 'Check', {})).status, 'SERVING');
    const { messages, error } = await collect(guarded.chat.Chat({ messages: user('Hi') }, key));
    assert.equal(error, null);
    assert.equal(textOf({ messages }), 'Hello, world!');
  },

  async 'a chat arrives as a stream'() {
    const { messages, error } = await collect(chat({ messages: user('Hi'), options: { logprobs: 2 } }));
    assert.equal(error, null);
    assert.equal(textOf({ messages }), 'Hello, world!');
    assert.ok(messages.length > 2, `${messages.length} messages`);
    const { delta } = messages.at(-1);
    assert.equal(delta.finish_reason, 'FINISH_REASON_STOP');
    assert.ok(delta.usage.prompt_tokens > 0 && delta.usage.completion_tokens > 0);
    assert.ok(delta.timings.decode_seconds >= 0);
    assert.ok(messages.some(({ delta: { logprobs } }) => logprobs.length > 0 && logprobs[0].top.length === 2));
  },

  async 'max_tokens 1 is not max_tokens left out'() {
    const { messages } = await collect(chat({ messages: user('Hi'), options: { max_tokens: 1 } }));
    assert.equal(messages.at(-1).delta.finish_reason, 'FINISH_REASON_LENGTH');
    assert.equal(messages.at(-1).delta.usage.completion_tokens, 1);
  },

  async 'generate from token ids'() {
    const { messages, error } = await collect(client.text.Generate({ token_ids: { ids: [72, 105] }, options: { max_tokens: 5 } }));
    assert.equal(error, null);
    assert.equal(messages.at(-1).delta.usage.prompt_tokens, 2);
  },

  async 'INVALID_ARGUMENT names the field'() {
    const error = await fails(collect(chat({ messages: user('Hi'), options: { sampling: { top_p: 7 } } })),
      status.INVALID_ARGUMENT, /options\.sampling\.top_p: .*above 0 and at most 1.*7/);
    assert.deepEqual(error.metadata.get('llmserve-field'), ['options.sampling.top_p']);
    await fails(collect(chat({ messages: [] })), status.INVALID_ARGUMENT, /messages/);
    await fails(collect(chat({ messages: [{ role: 'robot', content: 'x' }] })), status.INVALID_ARGUMENT, /messages\[0\]\.role/);
    await fails(collect(chat({ messages: user('x'), tools_json: '[1' })), status.INVALID_ARGUMENT, /tools_json/);
  },

  async 'INVALID_ARGUMENT gives both numbers of a prompt that is too long'() {
    await fails(collect(chat({ messages: user('z'.repeat(9000)) })), status.INVALID_ARGUMENT, /9\d\d\d.*4096/);
  },

  async 'INVALID_ARGUMENT has the words of a template that refuses'() {
    await fails(collect(chat({ messages: user('refuse') })), status.INVALID_ARGUMENT, /this model refuses/);
  },

  async 'NOT_FOUND for an unknown model'() {
    await fails(unary(client.models, 'GetModel', { model: 'gpt' }), status.NOT_FOUND, /'gpt'.*fake/);
  },

  async 'FAILED_PRECONDITION for a model without a working template'() {
    await fails(collect(chat({ model: 'plain', messages: user('Hi') })), status.FAILED_PRECONDITION, /chat template/);
    await fails(collect(chat({ model: 'faulty', messages: user('Hi') })), status.FAILED_PRECONDITION, /chat template/);
  },

  async 'RESOURCE_EXHAUSTED for a message that is too large'() {
    await fails(unary(client.text, 'Tokenize', { text: 'z'.repeat(2 << 20) }), status.RESOURCE_EXHAUSTED, /^/);
  },

  async 'RESOURCE_EXHAUSTED for a full queue, and CANCELLED frees a place'() {
    const request = { model: 'slow', messages: user('Go on') };
    const running = chat(request);
    const ended = collect(running);
    await first(running);
    // One place is left: of two more requests, whichever comes second is refused.
    const others = [chat(request), chat(request)].map((call) => ({ call, started: first(call).catch(() => null), ended: collect(call) }));
    const refused = await Promise.race(others.map((other) => other.ended.then(() => other)));
    await fails(refused.ended, status.RESOURCE_EXHAUSTED, /queue/);
    running.cancel();
    await fails(ended, status.CANCELLED, /^/);
    const waiting = others.find((other) => other !== refused);
    assert.ok(await waiting.started, 'the waiting call starts when the running one is cancelled');
    waiting.call.cancel();
    await fails(waiting.ended, status.CANCELLED, /^/);
    const next = await collect(chat({ ...request, options: { max_tokens: 2 } }));
    assert.equal(next.error, null);
  },

  async 'DEADLINE_EXCEEDED for a deadline that passes'() {
    const deadline = Date.now() + 300;
    await fails(collect(chat({ model: 'slow', messages: user('Go on') }, { deadline })), status.DEADLINE_EXCEEDED, /^/);
  },

  async 'INTERNAL without a stack trace'() {
    const error = await fails(collect(chat({ model: 'broken', messages: user('Hi') })), status.INTERNAL, /internal error/);
    assert.doesNotMatch(error.details, / at |\.cs|Exception/);
  },

  async 'UNAVAILABLE once the server is stopping'() {
    const running = chat({ model: 'slow', messages: user('Go on') });
    const ended = collect(running);
    await first(running);
    const watch = client.health.Watch({ service: services[0] });
    const stopping = first(watch, (message) => message.status === 'NOT_SERVING');
    console.log('stop the server');
    await stopping;
    await fails(collect(chat({ messages: user('Hi') })), status.UNAVAILABLE, /stopping/);
    // The running call goes on until the grace period ends.
    const { messages, error } = await ended;
    assert.equal(messages.at(-1).delta.finish_reason, 'FINISH_REASON_ABORTED');
    assert.equal(error.code, status.UNAVAILABLE);
    watch.on('error', () => {});
    watch.cancel();
  },
};

let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok: ${name}`);
  } catch (error) {
    failures++;
    console.log(`FAILED: ${name}: ${error.stack}`);
  }
}
console.log(`${Object.keys(checks).length - failures} of ${Object.keys(checks).length} checks passed`);
process.exit(failures === 0 ? 0 : 1);
