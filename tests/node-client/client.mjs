// Stubs for a server's services, made at run time from the .proto files alone, and promises around their calls.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const here = path.dirname(fileURLToPath(import.meta.url));
const roots = [path.join(here, '..', '..', 'protos'), path.join(here, 'protos')];
const files = [
  'llmserve/v1/chat.proto', 'llmserve/v1/text.proto', 'llmserve/v1/model.proto',
  'grpc/health/v1/health.proto', 'grpc/reflection/v1alpha/reflection.proto',
];

/** Connects to `host:port`. */
export function connect(address) {
  const definition = protoLoader.loadSync(files, { includeDirs: roots, keepCase: true, longs: String, enums: String, defaults: true, oneofs: true });
  const packages = grpc.loadPackageDefinition(definition);
  // Straight to the server, whatever proxy the environment names.
  const make = (Service) => new Service(address, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  return {
    chat: make(packages.llmserve.v1.ChatService),
    text: make(packages.llmserve.v1.TextService),
    models: make(packages.llmserve.v1.ModelService),
    health: make(packages.grpc.health.v1.Health),
    reflection: make(packages.grpc.reflection.v1alpha.ServerReflection),
  };
}

/** Calls a method with one answer. Rejects with the gRPC error. */
export function unary(service, method, request, options = {}) {
  return new Promise((resolve, reject) => {
    service[method](request, options, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

/**
 * Reads a stream to its end.
 * @param call The call.
 * @param onMessage Called with each message and the number of messages so far.
 * @returns All messages, and the gRPC error that ended the stream or null.
 */
export function collect(call, onMessage = () => {}) {
  return new Promise((resolve) => {
    const messages = [];
    let error = null;
    call.on('data', (message) => {
      messages.push(message);
      onMessage(message, messages.length);
    });
    call.on('error', (failure) => { error = failure; });
    call.on('status', () => setImmediate(() => resolve({ messages, error })));
  });
}

/** Resolves with the first message of a stream that satisfies `wanted`, and goes on reading. */
export function first(call, wanted = () => true) {
  return new Promise((resolve, reject) => {
    call.on('data', (message) => { if (wanted(message)) resolve(message); });
    call.on('error', reject);
    call.on('end', () => reject(new Error('the stream ended before the message that was waited for')));
  });
}
