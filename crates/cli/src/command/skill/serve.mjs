// Serves the handler of a skill that is written for AWS Lambda. Arguments: the module, the name of the handler, a word
// that lines for the caller begin with. It ends when its standard input does.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const [file, name, word] = process.argv.slice(-3);
const TIMEOUT = 10_000; // the service waits no longer
const GRACE = 1_000; // for what answers by its context alone

const say = (message) => process.stdout.write(`\n${word}${JSON.stringify(message)}\n`);

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));

async function load() {
  let module;
  try {
    module = await import(pathToFileURL(file));
  } catch (error) {
    throw Object.assign(new Error(error?.stack ?? String(error)), { problem: "load" });
  }
  // A CommonJS module is what an import has as its default.
  const found = [module[name], module.default?.[name], name === "handler" ? module.default : undefined];
  const handler = found.find((value) => typeof value === "function");
  if (!handler) {
    const exported = new Set([...Object.keys(module), ...Object.keys(Object(module.default))]);
    ["default", "module.exports"].forEach((other) => exported.delete(other));
    throw Object.assign(new Error([...exported].join(", ")), { problem: "no_handler" });
  }
  return handler;
}

/** Calls a handler as Lambda does: it returns a promise, or calls back, or uses its context. */
function invoke(handler, event) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const context = {
      functionName: basename(file),
      functionVersion: "$LATEST",
      invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${basename(file)}`,
      memoryLimitInMB: "128",
      awsRequestId: randomUUID(),
      logGroupName: "jackfield",
      logStreamName: "jackfield",
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, TIMEOUT - (Date.now() - started)),
      succeed: resolve,
      fail: reject,
      done: (error, result) => (error ? reject(error) : resolve(result)),
    };
    const returned = handler(event, context, context.done);
    if (typeof returned?.then === "function") returned.then(resolve, reject);
    else if (returned !== undefined && handler.length < 3) resolve(returned);
    else if (handler.length < 3) setTimeout(resolve, GRACE);
  });
}

async function answer(handler, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const send = (status, body) =>
    response.writeHead(status, { "content-type": "application/json;charset=UTF-8" }).end(JSON.stringify(body ?? {}));
  let event;
  try {
    event = JSON.parse(Buffer.concat(chunks));
  } catch {
    return send(400, { errorType: "BadRequest", errorMessage: "The body is not JSON." });
  }
  try {
    send(200, await invoke(handler, event));
  } catch (error) {
    say({ threw: error?.stack ?? String(error), on: event?.request?.type });
    send(500, { errorType: error?.name ?? "Error", errorMessage: String(error?.message ?? error) });
  }
}

try {
  const handler = await load();
  const server = createServer((request, response) => void answer(handler, request, response));
  server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
} catch (error) {
  say({ problem: error.problem ?? "load", message: error.message });
  process.exitCode = 1;
  process.stdin.pause();
}
