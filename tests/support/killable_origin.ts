/**
 * A server that tests kill: `deno run … killable_origin.ts <port>`. Answers "ok" after a moment, so that some
 * requests are always under way, and says when it listens and when the first request came that is no check.
 */

const ANSWER_MS = 4;

const port = Number(Deno.args[0]);
let listenedMs = 0;
let isAsked = false;

Deno.serve({
  hostname: "127.0.0.1",
  port,
  onListen: () => {
    listenedMs = performance.now();
    console.log("listening");
  },
}, async (request) => {
  if (new URL(request.url).pathname === "/health") return new Response("well");
  if (!isAsked) console.log(`asked after ${Math.round(performance.now() - listenedMs)} ms`);
  isAsked = true;
  await request.body?.cancel();
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  return new Response("ok");
});
