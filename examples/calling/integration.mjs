// A skill, a cloud and a page with an endpoint, for calls with devices. No dependency but Node 18 or later.
//
//   page  --say-->  cloud  --signaling-->  Jackfield  --requests-->  skill  --events-->  page
//
// In the field the skill is a function of its own that hands events on to the cloud; here both are this program.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const env = (name, value) => process.env[name] ?? value;
const SERVICE = env("JACKFIELD", "http://127.0.0.1:8080");
const PORT = Number(env("PORT", "3000"));
// The client of the skill: here that of the demo data of `jackfield dev`.
const CLIENT_ID = env("CLIENT_ID", "amzn1.application-oa2-client.5f1c0ffee5f1c0ffee5f1c0ffee5f1c0");
const CLIENT_SECRET = env("CLIENT_SECRET", "amzn1.oa2-cs.v1.jackfield-demo-secret-known-to-everybody");
const CALL = "Alexa.Comms.CallSignaling.";

// ---- Account linking: a code of the service becomes tokens, which are renewed before they end.

let tokens = { access_token: "", refresh_token: env("REFRESH_TOKEN", ""), ends: 0 };

async function login(grant) {
  const form = new URLSearchParams({ ...grant, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
  const answer = await fetch(`${SERVICE}/auth/o2/token`, { method: "POST", body: form });
  const got = await answer.json();
  if (!answer.ok) throw new Error(`login: ${got.error}: ${got.error_description}`);
  tokens = { refresh_token: tokens.refresh_token, ...got, ends: Date.now() + got.expires_in * 900 };
}

async function accessToken() {
  if (Date.now() > tokens.ends) {
    if (!tokens.refresh_token) throw new Error("no grant came yet: jackfield skill grant SKILL_ID");
    await login({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
  }
  return tokens.access_token;
}

// ---- The cloud: endpoints, by their externalUserId, and the calls that they are in.

const pages = new Map(); // externalUserId -> the stream of events of its page
const calls = new Map(); // sessionId -> externalUserId

async function signal(type, sessionId, fields = {}) {
  const answer = await fetch(`${SERVICE}/v1/communications/signaling`, {
    method: "POST",
    headers: { authorization: `Bearer ${await accessToken()}`, "content-type": "application/json" },
    body: JSON.stringify({ type: CALL + type, sessionId, ...fields }),
  });
  if (!answer.ok) throw new Error(`${type}: ${answer.status} ${(await answer.json()).message}`);
}

function tell(endpoint, event) {
  pages.get(endpoint)?.write(`data: ${JSON.stringify(event)}\n\n`);
}

const answerOf = (sdp) => ({ sdpDetails: { type: "ANSWER", value: sdp } });
const offerOf = (sdp) => ({ sdpDetails: { type: "OFFER", value: sdp } });

// What a page says, as messages.
const said = {
  call: ({ from, to, sessionId, sdp }) => {
    calls.set(sessionId, from);
    const party = (value, isOriginator) => ({ id: { type: "RAW_ADDRESS", value }, isOriginator });
    const participants = [party(from, true), party(to, false)];
    return signal("InitiateInboundCall", sessionId, {
      participants, ...offerOf(sdp), customParams: { callerName: from },
    });
  },
  ringing: ({ sessionId }) => signal("CallRinging", sessionId),
  answer: ({ sessionId, sdp }) => signal("CallAccepted", sessionId, answerOf(sdp)),
  reoffer: ({ sessionId, sdp }) => signal("CallUpdate", sessionId, { ...offerOf(sdp), renegotiationType: "CALL_UPDATE" }),
  reanswer: ({ sessionId, sdp }) =>
    signal("CallUpdateResponse", sessionId, { ...answerOf(sdp), renegotiationType: "CALL_UPDATE" }),
  end: ({ sessionId }) =>
    signal("CallEnded", sessionId, { callResult: { code: "SUCCESS", message: "The endpoint hung up." } }),
};

// ---- The skill: what the service says of calls, by type.

const events = {
  InitiateOutboundCall: ({ sessionId, sdpDetails, participants }) => {
    const called = participants.find((party) => !party.isOriginator).id.value;
    const caller = participants.find((party) => party.isOriginator).id.value;
    calls.set(sessionId, called);
    tell(called, { event: "offer", sessionId, caller, sdp: sdpDetails.value });
  },
  CallRinging: ({ sessionId }) => signal("CallRingingAck", sessionId),
  CallInProgress: ({ sessionId }) => signal("CallInProgressAck", sessionId),
  CallAccepted: async ({ sessionId, sdpDetails }) => {
    tell(calls.get(sessionId), { event: "answer", sessionId, sdp: sdpDetails.value });
    await signal("CallAcceptedAck", sessionId);
  },
  CallUpdate: ({ sessionId, sdpDetails }) =>
    tell(calls.get(sessionId), { event: "reoffer", sessionId, sdp: sdpDetails.value }),
  CallUpdateResponse: async ({ sessionId, sdpDetails }) => {
    tell(calls.get(sessionId), { event: "reanswer", sessionId, sdp: sdpDetails.value });
    await signal("CallUpdateAck", sessionId);
  },
  CallEnded: ({ sessionId, callResult }) => {
    tell(calls.get(sessionId), { event: "ended", sessionId, result: callResult });
    calls.delete(sessionId);
  },
};

async function skill({ request }) {
  if (request.type === "Alexa.Authorization.Grant") {
    await login({ grant_type: "authorization_code", code: request.body.grant.code });
    const header = { namespace: "Alexa.Authorization", name: "AcceptGrant.Response", messageId: request.requestId };
    return { version: "1.0", response: {}, event: { header: { ...header, payloadVersion: "3" }, payload: {} } };
  }
  // Acknowledgements of the service, CallRingingAck and its like, need nothing more.
  const act = events[request.type.replace(CALL, "")];
  // The service waits for this answer before it sends the next message, so what follows does not hold it up.
  Promise.resolve(act?.(request)).catch((error) => console.error(error.message));
  return { version: "1.0", response: {} };
}

// ---- HTTP.

async function serve(request, response) {
  const url = new URL(request.url, "http://integration");
  if (request.method === "GET" && url.pathname === "/events") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(":\n\n");
    pages.set(url.searchParams.get("id"), response);
    return;
  }
  if (request.method === "GET") {
    const page = await readFile(new URL("page.html", import.meta.url));
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
    return;
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = JSON.parse(Buffer.concat(chunks));
  const answer = url.pathname === "/skill" ? await skill(body) : ((await said[body.say](body)) ?? {});
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(error.message);
    response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify({ message: error.message }));
  });
});
server.listen(PORT, "127.0.0.1", () => {
  const here = `http://127.0.0.1:${server.address().port}/`;
  console.log(`skill ${here}skill, page ${here}`);
});
