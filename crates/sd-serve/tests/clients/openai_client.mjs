// Draws with OpenAI's client for JavaScript (`npm install openai@7.55.0`) on a running server:
//
//     sd serve --api-key-file key.txt --port 7860
//     node openai_client.mjs http://127.0.0.1:7860 "$(cat key.txt)"
//
// Says what it saw, a line for each call, and fails if something is not as the client's types say.

import assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib'; // Node 20.15 or newer
import OpenAI, { toFile } from 'openai';

const [server, key] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${server}/v1`, apiKey: key, maxRetries: 0 });
const saw = (name, facts) => console.log(name.padEnd(28), JSON.stringify(facts));
const isPng = (base64) => Buffer.from(base64, 'base64').subarray(1, 4).toString() === 'PNG';

// A PNG file with alpha; `pixel(x, y)` are the four bytes of one.
function png(size, pixel) {
  const rows = [];
  for (let y = 0; y < size; y++) {
    rows.push(0);
    for (let x = 0; x < size; x++) rows.push(...pixel(x, y));
  }
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.from(rows))), chunk('IEND', Buffer.alloc(0))]);
}

async function refused(call, status, fields) {
  const error = await call().then(() => assert.fail(`status ${status} was expected`), (error) => error);
  assert.equal(error.status, status, error);
  for (const [field, value] of Object.entries(fields)) assert.equal(error[field], value, error.message);
  saw(`${error.constructor.name} ${status}`, error.message);
}

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.equal((await client.models.retrieve(models[0])).id, models[0]);
saw('models', models);

const drawn = await client.images.generate({ prompt: 'a house', n: 2, size: '64x64', seed: 7, steps: 6 });
assert.equal(drawn.data.length, 2);
assert.ok(drawn.data.every((image) => isPng(image.b64_json)));
assert.equal(drawn.usage.total_tokens, drawn.usage.input_tokens);
saw('images.generate', { size: drawn.size, usage: drawn.usage.input_tokens, seeds: drawn.data.map((image) => image.seed) });

const kinds = [];
for await (const event of await client.images.generate({ prompt: 'a house', stream: true, partial_images: 2, steps: 60 })) {
  assert.ok(isPng(event.b64_json));
  kinds.push(event.type);
}
assert.equal(kinds.at(-1), 'image_generation.completed');
saw('images.generate stream', kinds);

const image = await toFile(Buffer.from(drawn.data[0].b64_json, 'base64'), 'image.png', { type: 'image/png' });
const hole = png(64, (x, y) => [0, 0, 0, x >= 32 && y >= 32 ? 0 : 255]);
const mask = await toFile(hole, 'mask.png', { type: 'image/png' });
const edited = await client.images.edit({ image, mask, prompt: 'a boat', steps: 6 });
assert.notEqual(edited.data[0].b64_json, drawn.data[0].b64_json);
saw('images.edit', { size: edited.size });

const varied = await client.images.createVariation({ image, n: 2, steps: 6 });
assert.equal(varied.data.length, 2);
saw('images.createVariation', { images: varied.data.length });

await refused(() => client.images.generate({ prompt: 'a house', model: 'no-such-model' }), 404, { code: 'model_not_found', param: 'model' });
await refused(() => client.images.generate({ prompt: 'a house', size: '1x1x1' }), 400, { type: 'invalid_request_error', param: 'size' });
await refused(() => client.images.edit({ image: [image, image], prompt: 'a house' }), 400, { param: 'image' });
const stranger = new OpenAI({ baseURL: `${server}/v1`, apiKey: 'wrong', maxRetries: 0 });
await refused(() => stranger.models.list(), 401, { code: 'invalid_api_key' });
console.log('all is well with OpenAI for JavaScript');
